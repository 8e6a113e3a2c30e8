"""Strips: the rows of a picture, a few at a time, to limit the memory of intermediate results."""

from collections.abc import Iterator

STRIP = 2**18
"""Pixels of a strip: 6 MB of colours in float64."""


def row_strips(height: int, width: int) -> Iterator[slice]:
    """Slices of the rows of a picture, about `STRIP` pixels each."""
    step = max(STRIP // max(width, 1), 1)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))
