"""Style and content: Gram matrices, VGG19, pictures in sizes and in tiles, and sound as a picture."""

import math

from diagrams.drawing import SMALL, Drawing


def gram_matrix() -> Drawing:
    """Draw a Gram matrix from feature maps: products of two maps, added up over positions."""
    d = Drawing("A Gram matrix: two feature maps, multiplied place by place and added up, are one entry", 380, 204)
    maps = (
        ("blue", ((0, 1), (1, 1), (2, 2))),
        ("orange", ((0, 1), (1, 2), (2, 2))),
        ("green", ((2, 0), (1, 0), (0, 0))),
    )
    for k, (colour, places) in enumerate(maps):
        y = 12 + 62 * k
        d.grid((12, y), 3, 3, 17, "faint")
        for row, column in places:
            d.box((12 + 17 * column, y + 17 * row), 17, 17, colour, 0.7)
        d.text(78, y + 26, f"map {k + 1}", colour, 12, "start")
    sums = [[sum(place in b for place in a) for _, b in maps] for _, a in maps]
    d.line((128, 100), (196, 100), arrow=True)
    d.text(162, 84, "*F*^{T} *F*")
    for i in range(3):
        for j in range(3):
            strong = {i, j} == {0, 1}
            d.box((222 + 42 * j, 36 + 42 * i), 42, 42, "ink", 0.05 + 0.15 * sums[i][j])
            d.text(243 + 42 * j, 57 + 42 * i, str(sums[i][j]), "orange" if strong else "ink", 14)
    for k, (colour, _) in enumerate(maps):
        d.text(243 + 42 * k, 24, str(k + 1), colour, 12)
        d.text(210, 57 + 42 * k, str(k + 1), colour, 12)
    d.text(285, 182, "1 and 2 agree in two places", "orange", SMALL)
    return d


def vgg19() -> Drawing:
    """Draw the blocks of VGG19 with their layers, channels and sizes."""
    d = Drawing(
        "VGG19 up to its last convolution: five blocks of 2, 2, 4, 4 and 4 layers, halved between two blocks", 380, 208
    )
    for k, (layers, channels) in enumerate(((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))):
        height = 112 / 2 ** (k * 0.75)
        x = (12, 72, 132, 216, 298)[k]
        for layer in range(layers):
            d.box((x + 17 * layer, 76 - height / 2), 13, height, "orange" if layer == 0 else "blue", 0.25)
        middle = x + (17 * layers - 4) / 2
        d.text(middle, 148, f"block {k + 1}", "ink", SMALL)
        d.text(middle, 164, str(channels), "faint", SMALL)
        if k < 4:
            d.line((x + 17 * layers - 1, 76), ((72, 132, 216, 298)[k] - 4, 76), "faint", 1, arrow=True)
    d.text(190, 190, "orange: the first layers of each block; below: channels", "faint", SMALL)
    return d


def style_and_content() -> Drawing:
    """Draw the graph of the loss whose parameters are pixels."""
    d = Drawing(
        "The picture x goes through frozen VGG19; its features meet the photo's, its Gram matrices the painting's",
        380,
        236,
    )
    d.box((10, 92), 62, 44, "green", 0.2)
    d.text(41, 114, "picture *x*", "green", 12)
    d.box((118, 84), 84, 60, "ink", 0.06)
    d.text(160, 106, "VGG19", size=14)
    d.text(160, 124, "frozen", "faint", 12)
    for y, name, colour, target in (
        (36, "content loss", "blue", "photo's features *P*"),
        (192, "style loss", "orange", "painting's Grams *A*"),
    ):
        d.box((246, y - 18), 96, 36, colour, 0.15)
        d.text(294, y, name, colour)
        d.text(150, y, target, colour, 12)
        d.line((213, y), (242, y), colour, arrow=True)
    d.line((76, 108), (114, 108), "blue", 2, arrow=True)
    d.line((114, 122), (76, 122), "orange", 2, arrow=True)
    d.line((204, 100), (262, 58), "blue", arrow=True)
    d.line((204, 128), (262, 170), "blue", arrow=True)
    d.text(228, 72, "*F*", "blue")
    d.text(226, 156, "*G*", "blue")
    d.circle((352, 114), 20)
    d.text(352, 114, "*J*", size=15)
    d.line((330, 54), (346, 93), arrow=True)
    d.line((330, 174), (346, 135), arrow=True)
    d.text(322, 88, "*α*")
    d.text(322, 142, "*β*")
    d.text(95, 154, "*dx*", "orange")
    d.text(190, 226, "The gradient comes back to the pixels; weights stay.", "faint", SMALL)
    return d


def pyramid() -> Drawing:
    """Draw the pictures of a run from coarse to fine."""
    d = Drawing("From coarse to fine: each result, enlarged, is where the next and larger picture begins", 380, 170)
    for x, size, name in ((12, 32, "128"), (96, 64, "256"), (216, 128, "512")):
        d.box((x, 136 - size), size, size, "blue", 0.12)
        lines = size // 16
        for k in range(1, lines):
            d.line((x + k * 16, 136 - size), (x + k * 16, 136), "faint", 0.6)
            d.line((x, 136 - k * 16), (x + size, 136 - k * 16), "faint", 0.6)
        d.text(x + size / 2, 154, f"{name} pixels", "ink", SMALL) if size > 40 else d.text(
            x + size / 2 + 4, 154, name, "ink", SMALL
        )
    for a, b in ((48, 92), (164, 212)):
        d.line((a, 112), (b, 112), "orange", arrow=True)
    d.text(150, 40, "enlarge, go on", "orange", 12)
    return d


def halo_of_a_tile() -> Drawing:
    """Draw a tile with what it owns, and the halo that its features see."""
    d = Drawing("A tile owns its inner square; its features see the halo around, which the neighbours own", 380, 216)
    for row in range(3):
        for column in range(3):
            d.box((20 + 62 * column, 12 + 62 * row), 62, 62, "faint")
    d.box((60, 52), 106, 106, "orange", 0.2, dashed=True)
    d.box((82, 74), 62, 62, "blue", 0.35)
    d.text(113, 105, "owned", "blue", 12.5)
    d.text(113, 64, "halo", "orange", 12)
    d.line((246, 40), (170, 68), "orange", arrow=True)
    d.text(230, 26, "seen, not owned", "orange", 12, "start")
    d.line((246, 110), (148, 110), "blue", arrow=True)
    d.text(250, 110, "each pixel is", "blue", 12, "start")
    d.text(250, 127, "owned once", "blue", 12, "start")
    return d


def sound_as_a_picture() -> Drawing:
    """Draw how frames of a wave become columns of a spectrogram."""
    d = Drawing(
        "A spectrogram: overlapping frames of a wave, each of which becomes a column of loudness by frequency", 380, 220
    )

    def wave(t: float) -> float:
        return (0.5 + 0.5 * math.sin(t / 60) ** 2) * math.sin(t / (5 - t / 160)) * 24

    d.curve([(12 + t / 2, 40 - wave(t / 2)) for t in range(0, 700)], "ink", 1.2)
    for k, colour in enumerate(("blue", "orange", "green")):
        d.box((60 + 34 * k, 8), 68, 64, colour, 0.08)
        d.line((94 + 34 * k, 74), (151 + 26 * k, 100), colour, arrow=True)
    d.text(366, 78, "time →", "faint", SMALL, "end")
    for column in range(12):
        for row in range(8):
            peak = 6.4 - column * 0.35
            loud = math.exp(-((row - peak) ** 2)) + 0.55 * math.exp(-((row - peak + 3.4) ** 2))
            d.box(
                (60 + 26 * column, 104 + 11 * row),
                26,
                11,
                "ink" if column not in (3, 4, 5) else ("blue", "orange", "green")[column - 3],
                min(1.0, loud),
            )
    d.text(52, 110, "high", "faint", SMALL, "end")
    d.text(52, 186, "low", "faint", SMALL, "end")
    d.text(216, 207, "filled: loud", "faint", SMALL)
    return d


DIAGRAMS = (gram_matrix, vgg19, style_and_content, pyramid, halo_of_a_tile, sound_as_a_picture)
