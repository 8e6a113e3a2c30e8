"""Convolution and pooling: windows that go over an image."""

from diagrams.drawing import SMALL, Drawing


def window_over_an_image() -> Drawing:
    """Draw a filter's window over an image, and the output that it gives."""
    d = Drawing("A window of 3 by 3 pixels, times the filter entry by entry and added up, is one output", 380, 196)
    image = [[0, 0, 1, 1, 0], [0, 1, 1, 0, 0], [1, 1, 0, 0, 1], [1, 0, 0, 1, 1], [0, 0, 1, 1, 0]]
    kernel = [[1, 0, -1], [1, 0, -1], [1, 0, -1]]
    cell = 26.0
    d.grid((10, 30), 5, 5, cell, "faint")
    d.box((10 + cell, 30 + cell), 3 * cell, 3 * cell, "orange", 0.25)
    d.numbers((10, 30), image, cell)
    d.text(75, 16, "image")
    d.text(160, 95, "⊙", size=18)
    d.grid((182, 56), 3, 3, cell, "blue", 0.12)
    d.numbers((182, 56), [["1", "0", "−1"]] * 3, cell, "blue")
    d.text(221, 42, "filter", "blue")
    d.line((266, 95), (284, 95), arrow=True)
    d.grid((292, 56), 3, 3, cell, "faint")
    d.box((292 + cell, 56 + cell), cell, cell, "orange", 0.25)
    values = [
        [str(sum(image[u + i][v + j] * kernel[i][j] for i in range(3) for j in range(3))) for v in range(3)]
        for u in range(3)
    ]
    d.numbers((292, 56), [[value.replace("-", "−") for value in row] for row in values], cell)
    d.text(331, 42, "outputs")
    middle = [str(image[1 + i][1]) for i in range(3)], [str(image[1 + i][3]) for i in range(3)]
    d.text(
        190, 182, f"({' + '.join(middle[0])}) − ({' + '.join(middle[1])}) = {values[1][1]}".replace("-", "−"), "orange"
    )
    return d


def padding_and_stride() -> Drawing:
    """Draw where windows begin without and with padding, and with a stride of 2."""
    d = Drawing(
        "Where 3 by 3 windows lie on 5 by 5 pixels: without padding, with padding 1, and with stride 2 too", 380, 194
    )
    cell = 14.0
    for i, (name, padding, stride, size) in enumerate(
        (("as it is", 0, 1, 3), ("padding 1", 1, 1, 5), ("and stride 2", 1, 2, 3))
    ):
        x, y = 8 + 128 * i, 12
        d.grid((x, y), 7, 7, cell, "faint", 0)
        d.grid((x + cell, y + cell), 5, 5, cell, "ink", 0.1)
        start = (1 - padding) * cell
        d.box((x + start, y + start), 3 * cell, 3 * cell, "orange", 0.25)
        d.box((x + start + stride * cell, y + start), 3 * cell, 3 * cell, "blue", 0.12, dashed=True)
        for u in range(size):
            for v in range(size):
                at = (x + start + (1.5 + stride * v) * cell, y + start + (1.5 + stride * u) * cell)
                d.circle(at, 2.4, "orange", 1)
        d.text(x + 3.5 * cell, 128, name)
        d.text(x + 3.5 * cell, 145, f"{size} × {size} outputs", "faint", SMALL)
    d.text(190, 176, "dots: the middles of all windows", "orange", SMALL)
    return d


def max_pooling() -> Drawing:
    """Draw a maximum over windows, and the mask by which its gradient comes back."""
    d = Drawing(
        "Max pooling takes the largest of each window; its gradient goes back to that place alone, by a mask", 380, 170
    )
    values = [[3, 1, 0, 2], [5, 2, 7, 1], [0, 4, 1, 1], [2, 1, 6, 0]]
    largest = {(1, 0), (1, 2), (2, 1), (3, 2)}
    cell = 26.0
    for x, name in ((8, "inputs"), (266, "gradient, back")):
        for row in range(4):
            for column in range(4):
                chosen = (row, column) in largest
                d.box(
                    (x + column * cell, 28 + row * cell),
                    cell,
                    cell,
                    "orange" if chosen else "faint",
                    0.3 if chosen else 0,
                )
        for u in range(2):
            for v in range(2):
                d.box((x + 2 * v * cell, 28 + 2 * u * cell), 2 * cell, 2 * cell)
        d.text(x + 2 * cell, 14, name)
    d.numbers((8, 28), values, cell)
    gradients = {(1, 0): "a", (1, 2): "b", (2, 1): "c", (3, 2): "d"}
    d.numbers((266, 28), [[gradients.get((row, column), "0") for column in range(4)] for row in range(4)], cell)
    d.line((118, 66), (156, 66), "blue", arrow=True)
    d.grid((162, 40), 2, 2, cell, "blue", 0.12)
    d.numbers((162, 40), [[5, 7], [4, 6]], cell, "blue")
    d.grid((162, 104), 2, 2, cell, "orange", 0.12)
    d.numbers((162, 104), [["a", "b"], ["c", "d"]], cell, "orange")
    d.line((218, 130), (260, 100), "orange", arrow=True)
    d.text(126, 130, "*dZ*", "orange")
    d.text(136, 50, "*Z*", "blue")
    return d


def windows_as_rows() -> Drawing:
    """Draw how windows become rows of a matrix, so that a convolution is a product."""
    d = Drawing(
        "im2col: each window becomes a row; times the filters as columns, that is the whole convolution", 380, 206
    )
    cell = 17.0
    d.grid((8, 50), 4, 4, cell, "faint")
    d.text(42, 36, "image")
    d.box((8, 50), 2 * cell, 2 * cell, "orange", 0.35)
    d.box((8 + 2 * cell, 50 + 2 * cell), 2 * cell, 2 * cell, "blue", 0.35)
    for row in range(9):
        colour = "orange" if row == 0 else "blue" if row == 8 else "faint"
        d.grid((120, 20 + row * cell), 1, 4, cell, colour, 0.35 if row in (0, 8) else 0)
    d.line((44, 58), (114, 29), "orange", arrow=True)
    d.line((78, 112), (114, 160), "blue", arrow=True)
    d.text(154, 186, "9 windows × 4", "faint", SMALL)
    d.text(206, 96, "·", size=20)
    for column, colour in enumerate(("green", "ink", "green")):
        d.grid((224 + column * cell, 62), 4, 1, cell, colour, 0.1)
    d.text(250, 146, "4 × 3 filters", "faint", SMALL)
    d.text(292, 96, "=", size=16)
    d.grid((312, 20), 9, 3, cell, "ink", 0.04)
    d.grid((312, 20), 1, 3, cell, "orange", 0.2)
    d.grid((312, 20 + 8 * cell), 1, 3, cell, "blue", 0.2)
    d.text(337, 186, "9 × 3", "faint", SMALL)
    return d


DIAGRAMS = (window_over_an_image, padding_and_stride, max_pooling, windows_as_rows)
