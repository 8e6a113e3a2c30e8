"""Strips: how kernels cut images into pieces that stay in the cache."""

from typing import NamedTuple

from sfumato.arrays import Shape

STRIP_BYTES = 2**20
"""About what a kernel works on at once: half of a usual second-level cache."""


class Strip(NamedTuple):
    """These rows of these images."""

    images: slice
    rows: slice


def cut(shape: Shape, most: int) -> list[Strip]:
    """Images, (n, height, width), cut into strips of about `most` pixels: some rows of one image, or whole images.

    The first strip is the largest.
    """
    n, height, width = shape
    images, rows = max(1, most // max(1, height * width)), max(1, min(height, most // max(1, width)))
    return [
        Strip(slice(image, min(image + images, n)), slice(row, min(row + rows, height)))
        for image in range(0, n, images)
        for row in range(0, height, rows)
    ]
