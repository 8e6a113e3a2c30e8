"""How many tiles a strip of Winograd's convolution is best cut into, for VGG19's layers on this machine.

    .venv/bin/python -m benchmarks.tile_sizes

The numbers in `kernels/winograd.py` come from here. They are the same on every machine, so that results are, too.
"""

import statistics
import time
from itertools import product

import numpy as np

from benchmarks.libraries import use_blas
from benchmarks.roofline import SHAPES
from benchmarks.table import markdown
from sfumato.engine import has_numba
from sfumato.kernels import winograd
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.ops import OPS

TILES = (32, 64, 96, 128, 192, 256, 512)
"""Tiles of a strip, about: strips are whole rows of tiles."""

ROUNDS = 7


def main() -> None:
    """Print the processor's milliseconds for each layer, cut into strips of about so many tiles, on one thread."""
    print(use_blas(1), end="\n\n")
    rows = []
    for (name, shape), backend in product(SHAPES.items(), ["numpy", "numba"] if has_numba() else ["numpy"]):
        if shape[1] >= winograd.LEAST_CHANNELS:
            rows.append([f"{name}, {backend}", *(f"{taken:.1f}" for taken in milliseconds(backend, *shape))])
    print(markdown(["milliseconds", *(f"{tiles} tiles" for tiles in TILES), "step by step"], rows))


def milliseconds(backend: str, edge: int, channels: int, filters: int) -> list[float]:
    """Median time of a layer in strips of each size, and step by step; they take turns."""
    rng = np.random.default_rng(0)
    x, W = (
        rng.standard_normal((1, edge, edge, channels), np.float32),
        rng.standard_normal((filters, 3, 3, channels), np.float32),
    )
    b, kept = np.zeros(filters, np.float32), winograd.transform_filters(W)
    usual = winograd.WHOLE_NUMBERS, winograd.LEAST_TILES, winograd.MOST_TILES
    seconds: dict[int, list[float]] = {tiles: [] for tiles in (*TILES, 0)}
    for _, tiles in product(range(ROUNDS + 1), seconds):
        winograd.WHOLE_NUMBERS = 0 if tiles else 2**62
        winograd.LEAST_TILES = winograd.MOST_TILES = tiles or TILES[0]
        begin = time.process_time()
        OPS[backend].convolve_and_rectify(x, W, b, Geometry((3, 3), padding=1), prepared=(kept, kept))
        seconds[tiles].append(time.process_time() - begin)
    winograd.WHOLE_NUMBERS, winograd.LEAST_TILES, winograd.MOST_TILES = usual
    return [1e3 * statistics.median(taken[1:]) for taken in seconds.values()]


if __name__ == "__main__":
    main()
