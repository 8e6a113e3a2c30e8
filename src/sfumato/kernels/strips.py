"""Strips of images: pieces that stay in the cache."""

from itertools import pairwise
from typing import NamedTuple

from sfumato.arrays import Shape

STRIP_BYTES = 2**20
"""Bytes of a strip, roughly: half of a usual second-level cache."""


class Strip(NamedTuple):
    """Some rows of some images."""

    images: slice
    rows: slice


def cut(shape: Shape, most: int) -> list[Strip]:
    """Cut images, (n, height, width), into strips of about `most` pixels: some rows of one image, or whole images.

    They are about equal, and even in number along an axis that is cut, where its size allows it, so that threads end
    together. The first is the largest.
    """
    n, height, width = shape
    images, rows = max(1, most // max(1, height * width)), max(1, most // max(1, width))
    return [Strip(some, part) for some in _evenly(n, images) for part in _evenly(height, rows)]


def _evenly(size: int, most: int) -> list[slice]:
    """Cut an axis into parts of `most` entries at most: all of it, or about the fewest that are even in number."""
    count = -(-size // most)
    if 1 < count < size:
        count += count % 2
    bounds = [-(-size * part // count) if part else 0 for part in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]
