"""Make the package's built-in style pictures: three paintings, reduced, and pictures drawn here with seeded noise.

The paintings are in the public domain: photographs of van Gogh's Starry Night (1889), Munch's Scream (1893) and
Turner's Shipwreck (1805), which are taken from FOLDER under the names in `PAINTINGS`. Without FOLDER, only the drawn
ones are made.

    python scripts/make_styles.py [--paintings FOLDER]
"""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from sfumato.arrays import Array
from sfumato.errors import SfumatoError
from sfumato.storage import write_atomically

OUTPUT = Path(__file__).parent.parent / "src" / "sfumato" / "pictures" / "styles"

PAINTINGS = {
    "starry-night": "van_gogh_starry_night.jpg",
    "scream": "munch_the_scream.jpg",
    "shipwreck": "turner_shipwreck.jpg",
}
"""Built-in name, and the file that it is made of."""

PAINTING_EDGE = 640
"""Long edge of a painting: what a result of 512 pixels with a `--style-scale` above 1 can use."""

DRAWN_EDGE = 512
DRAFT_EDGE = 2 * DRAWN_EDGE
"""Pictures are drawn at twice their size and reduced, which smooths every edge."""


def noise(rng: np.random.Generator, blur: float, edge: int = DRAFT_EDGE) -> Array:
    """A smooth random field (edge, edge) of mean 0 and deviation 1, whose hills are about three times `blur` apart."""
    field = gaussian_filter(rng.standard_normal((edge, edge)), blur, mode="wrap")
    normalised: Array = (field - field.mean()) / field.std()
    return normalised


def colours(*codes: str) -> Array:
    """Colours from their hexadecimal codes, (number, 3), from 0 to 1."""
    return np.array([[int(code[place : place + 2], 16) for place in (0, 2, 4)] for code in codes]) / 255.0


def mixed(over: Array, under: Array, share: Array) -> Array:
    """Two pictures or colours, the upper one with its share (edge, edge) from 0 to 1."""
    mixture: Array = under + share[..., np.newaxis] * (over - under)
    return mixture


def cells(rng: np.random.Generator, number: int) -> tuple[Array, Array, Array]:
    """A Voronoi tessellation into cells of about equal size.

    Returns:
        The cells' centres (number, 2) in pixels of the draft; each pixel's cell (edge, edge); and its distance to that
        cell's border, in pixels.
    """
    centres: Array = rng.uniform(0, DRAFT_EDGE, (number, 2))
    for _ in range(4):  # Lloyd: each centre moves to the middle of its cell
        places = grid(6)
        cell = nearest(centres, places, 1)[1][:, 0]
        counts = np.maximum(np.bincount(cell, minlength=number), 1)
        centres = np.stack([np.bincount(cell, places[:, axis], number) / counts for axis in (0, 1)], axis=-1)
    distances, two = nearest(centres, grid(1), 2)
    apart = np.linalg.norm(centres[two[:, 0]] - centres[two[:, 1]], axis=1)
    border = (distances[:, 1] ** 2 - distances[:, 0] ** 2) / (2 * apart)
    shape = (DRAFT_EDGE, DRAFT_EDGE)
    return centres, two[:, 0].reshape(shape), border.reshape(shape)


def grid(step: int) -> Array:
    """Row and column of every so many pixels of the draft, (pixels, 2)."""
    places: Array = np.mgrid[0:DRAFT_EDGE:step, 0:DRAFT_EDGE:step].reshape(2, -1).T
    return places


def nearest(centres: Array, places: Array, number: int) -> tuple[Array, Array]:
    """Distances to the nearest centres, and which they are, (places, number) each."""
    distances, which = cKDTree(centres).query(places, k=list(range(1, number + 1)))
    return np.asarray(distances), np.asarray(which)


def at(field: Array, places: Array) -> Array:
    """The field's values at places (number, 2)."""
    values: Array = map_coordinates(field, places.T, order=1, mode="wrap")
    return values


def mosaic(rng: np.random.Generator) -> Array:
    """Small stone tiles in bands of colour, with light grout between."""
    palette = colours("17324d", "1f5c7a", "3a8fa3", "8cbcb0", "f1e3c0", "e3b55b", "c8713a", "8e2f2a")
    centres, cell, border = cells(rng, 1500)
    bands = at(noise(rng, 110), centres) * 2.2 + 0.35 * rng.standard_normal(len(centres))
    tiles = palette[np.round(bands + 3.5).astype(int) % len(palette)]
    tiles = tiles * rng.normal(1.0, 0.09, (len(centres), 1)) + rng.normal(0, 0.02, (len(centres), 3))
    stone = tiles[cell] * (1 + 0.05 * noise(rng, 2.0))[..., np.newaxis]
    bevel = np.clip(border / 6, 0, 1)[..., np.newaxis]
    grout = colours("d9d0bd")[0] * (1 + 0.06 * noise(rng, 1.5))[..., np.newaxis]
    return mixed(stone * (0.8 + 0.2 * bevel), grout, np.clip((border - 1.6) / 1.2, 0, 1))


def stained_glass(rng: np.random.Generator) -> Array:
    """Panes of glowing colour in black lead."""
    palette = colours(
        "0b2f8a", "1d6fd1", "5fb7e6", "0f7a4c", "7cc04a", "f4d21f", "f08a12", "d3202a", "8a1250", "f3ead0"
    )
    centres, cell, border = cells(rng, 150)
    hue = at(noise(rng, 130), centres) * 2.6 + 0.9 * rng.standard_normal(len(centres))
    panes = palette[np.round(hue + 4.5).astype(int) % len(palette)][cell]
    glow = 0.78 + 0.10 * noise(rng, 22) + 0.04 * noise(rng, 3) + 0.006 * np.clip(border, 0, 40)
    lead = colours("14110f")[0] + 0.10 * np.clip(1 - np.abs(border - 2) / 3, 0, 1)[..., np.newaxis]
    return mixed(panes * glow[..., np.newaxis], lead, np.clip((border - 7.0) / 2.0, 0, 1))


def ink(rng: np.random.Generator) -> Array:
    """Tones of a landscape of noise in crossed pen strokes on cream paper."""
    paper = colours("f3ead6")[0]
    tone = 0.5 + 0.32 * noise(rng, 70) + 0.12 * noise(rng, 22)  # 0 is light, 1 is dark
    y, x = np.mgrid[0:DRAFT_EDGE, 0:DRAFT_EDGE].astype(float)
    bend = 26 * noise(rng, 90)
    covered = np.zeros((DRAFT_EDGE, DRAFT_EDGE))
    for angle, begins in ((38, 0.12), (-42, 0.42), (80, 0.66), (-5, 0.86)):
        across = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle)) + bend + 1.3 * noise(rng, 12)
        distance = 6.5 - np.abs(across % 13.0 - 6.5)  # from the middle of a stroke: they are 13 pixels apart
        width = np.clip((tone - begins) * 4.5, 0, 3.4) * (1 + 0.25 * noise(rng, 6))
        covered = np.maximum(covered, np.clip(width - distance, 0, 1))
    grain = (1 + 0.02 * noise(rng, 1.5))[..., np.newaxis]
    return mixed(colours("1c1a22")[0], paper * grain, covered)


def marbling(rng: np.random.Generator) -> Array:
    """Paint that floated on water, drawn with a comb: bands folded into each other."""
    palette = colours(
        "12263f", "f2e6cf", "b8322f", "f2e6cf", "1c6e7d", "e0a13c", "12263f", "7fb3a8", "f2e6cf", "6b1f3a"
    )
    y, x = np.mgrid[0:DRAFT_EDGE, 0:DRAFT_EDGE].astype(float)
    for blur, reach in ((150, 70), (60, 34), (24, 9)):  # each pull folds what the one before has left
        y, x = y + reach * noise(rng, blur), x + reach * noise(rng, blur)
    comb = y + 46 * np.abs((x / 92) % 2 - 1) ** 1.5
    place = (comb / 26 + 0.35 * noise(rng, 40)) % len(palette)
    band, inside = place.astype(int), place % 1.0
    shade = 1 - 0.16 * np.abs(inside - 0.5)[..., np.newaxis] + 0.02 * noise(rng, 1.5)[..., np.newaxis]
    bands = mixed(palette[(band + 1) % len(palette)], palette[band], np.clip((inside - 0.93) / 0.07, 0, 1))
    return np.asarray(bands * shade)


def brushwork(rng: np.random.Generator) -> Array:
    """Short thick strokes of unmixed oil paint that follow a current."""
    palette = colours("1d3557", "2f6690", "5fa8d3", "cfe6ef", "f6d365", "f19a3e", "c8553d", "5b7f3b", "26402b")
    angle, hue = 2.2 * noise(rng, 120), noise(rng, 90)
    image = Image.new("RGB", (DRAFT_EDGE, DRAFT_EDGE), (38, 52, 66))
    draw = ImageDraw.Draw(image)
    for size in (26, 18, 13):
        for x, y in rng.uniform(0, DRAFT_EDGE, (int(1.4e6 / size**2), 2)):
            row, column = int(y), int(x)
            base = palette[round(2.4 * hue[row, column] + 4 + 0.6 * rng.standard_normal()) % len(palette)]
            direction = np.array([np.cos(angle[row, column]), np.sin(angle[row, column])])
            stroke(draw, np.array([x, y]), direction, size, base + 0.05 * rng.standard_normal(), rng)
    return np.asarray(image) / 255.0


def stroke(
    draw: ImageDraw.ImageDraw, middle: Array, direction: Array, size: float, base: Array, rng: np.random.Generator
) -> None:
    """One stroke, three times as long as it is wide, in bristles that differ a little."""
    side = np.array([-direction[1], direction[0]])
    for offset in np.linspace(-0.5, 0.5, 6):
        ends = [
            middle + side * offset * size + direction * size * (s * 1.6 + 0.2 * rng.standard_normal()) for s in (-1, 1)
        ]
        colour = np.clip(base + 0.07 * rng.standard_normal() + 0.09 * offset, 0, 1) * 255
        draw.line([tuple(end) for end in ends], fill=tuple(int(value) for value in colour), width=int(size / 5) + 1)


def watercolour(rng: np.random.Generator) -> Array:
    """Thin washes with dark rims, one over another, on rough paper."""
    palette = colours("2b6cb0", "63b3cf", "3f9e6c", "e3b04b", "d8664a", "8d5bab", "3b5a8b")
    picture = np.broadcast_to(colours("fbf7ee")[0], (DRAFT_EDGE, DRAFT_EDGE, 3)).copy()
    rough = noise(rng, 2.2)
    for layer in range(14):
        pigment = palette[layer % len(palette)]
        shape = noise(rng, rng.uniform(60, 110)) + 0.12 * noise(rng, 12) + 0.04 * noise(rng, 4)
        depth = shape - rng.uniform(0.9, 1.3)
        inside = 1 / (1 + np.exp(-depth / 0.012))
        rim = np.exp(-np.clip(depth, 0, None) / 0.05)
        flow = np.clip(0.5 + 0.22 * noise(rng, 35), 0.1, 1)
        strength = inside * (0.62 * flow + 0.28 * rim + 0.05 * rough)
        picture *= 1 - np.clip(strength, 0, 1)[..., np.newaxis] * (1 - pigment)
    return picture * (1 + 0.018 * rough)[..., np.newaxis]


DRAWN: dict[str, Callable[[np.random.Generator], Array]] = {
    "mosaic": mosaic,
    "stained-glass": stained_glass,
    "ink": ink,
    "marbling": marbling,
    "brushwork": brushwork,
    "watercolour": watercolour,
}
"""Built-in name, and what draws it."""


def encoded(image: Image.Image) -> bytes:
    """The picture as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=78, optimize=True)
    return buffer.getvalue()


def main() -> int:
    """Make the files; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, help="folder of the photographs of paintings")
    parser.add_argument("--out", type=Path, default=OUTPUT, help="folder to write to (default: the package's)")
    arguments = parser.parse_args()
    images: dict[str, Image.Image] = {}
    if arguments.paintings:
        for name, file in PAINTINGS.items():
            images[name] = Image.open(arguments.paintings / file).convert("RGB")
            images[name].thumbnail((PAINTING_EDGE, PAINTING_EDGE), Image.Resampling.LANCZOS)
    for seed, (name, draw) in enumerate(DRAWN.items()):
        pixels = np.clip(draw(np.random.Generator(np.random.Philox(seed))) * 255.0, 0, 255).astype(np.uint8)
        images[name] = Image.fromarray(pixels).resize((DRAWN_EDGE, DRAWN_EDGE), Image.Resampling.LANCZOS)
    for name, image in images.items():
        content = encoded(image)
        write_atomically(arguments.out / f"{name}.jpg", content)
        print(f"{name}.jpg: {image.width} x {image.height}, {len(content) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, SfumatoError) as error:
        sys.exit(f"make_styles: {error}")
