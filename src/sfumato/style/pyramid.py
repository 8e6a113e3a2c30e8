"""The sizes of coarse-to-fine painting, and the steps from one to the next.

Features see a fixed number of pixels, so what they can change is small in a large picture. Worked small first, the same
features lay out large strokes; each larger size then refines them.
"""

import math
from collections.abc import Mapping

import numpy as np
from PIL import Image

from sfumato.arrays import Array
from sfumato.errors import InputError

GROWTH = math.sqrt(2.0)
"""Ratio of neighbouring sizes: each has twice the pixels of the one before."""

COARSEST = 128
"""Long edge, in pixels, that a pyramid begins at or just above, unless a number of scales is asked for."""

LEAST = 32
"""Short edge, in pixels, that no scale of a pyramid goes below of its own accord."""


def scale_sizes(height: int, width: int, long_edge: int, scales: int | None = None) -> list[tuple[int, int]]:
    """Height and width at each scale, growing by the square root of two, for a picture of this shape.

    Args:
        height: Of the original.
        width: Of the original.
        long_edge: Of the last and largest scale.
        scales: Number of scales; by default as many as fit above a long edge of 128 and a short one of 32 pixels.

    Raises:
        InputError: if there are more scales than the size of the picture allows.
    """
    factor = long_edge / max(height, width)
    if scales is None:
        ratio = min(long_edge / COARSEST, factor * min(height, width) / LEAST)
        scales = 1 + max(0, math.floor(math.log(ratio, GROWTH) + 1e-9))
    factors = [factor / GROWTH**k for k in reversed(range(scales))]
    sizes = [(max(1, round(height * f)), max(1, round(width * f))) for f in factors]
    if len(set(sizes)) < scales:
        raise InputError(f"{scales} scales are too many for a long edge of {long_edge} pixels")
    return sizes


def resize(picture: Array, height: int, width: int, resampling: Image.Resampling = Image.Resampling.LANCZOS) -> Array:
    """Resize a picture (h, w, channels), filtered over all pixels that each new one covers.

    Floating point stays what it is; bytes become float32 from 0 to 1, channel by channel, as photographs are large.
    """
    whole = 255 if picture.dtype == np.uint8 else 1
    dtype = np.float32 if picture.dtype == np.uint8 else picture.dtype
    if picture.shape[:2] == (height, width):
        return (picture / whole).astype(dtype)
    resized: Array = np.empty((height, width, picture.shape[2]), dtype)
    for k in range(picture.shape[2]):
        channel = Image.fromarray(picture[..., k].astype(np.float32)).resize((width, height), resampling)
        np.divide(np.asarray(channel), whole, out=resized[..., k])
    return resized


def detail(picture: Array, height: int, width: int) -> Array:
    """Detail lost at a smaller size: the picture minus its smaller version enlarged again."""
    return picture - resize(resize(picture, height, width), *picture.shape[:2])


def resample_averages(
    vectors: Mapping[str, Array], powers: Mapping[str, int], old: tuple[int, int], new: tuple[int, int]
) -> dict[str, Array]:
    """Resample an optimizer's averages of gradients, as pictures, to the next scale.

    Losses are means over the pixels (but for the reference's own), so a pixel's gradient shrinks as their number grows,
    by r = old / new: averages of gradients go along with r, those of squares with its square. Lanczos's filter
    overshoots, and clipping a mean of squares at zero would let the next step divide by nothing: squares take a filter
    without negative parts.

    Args:
        vectors: The averages by name, vectors of pixels.
        powers: Of which power of the gradient each is, 1 or 2.
        old: Height and width of the pictures in them.
        new: Height and width that they get.
    """
    ratio = old[0] * old[1] / (new[0] * new[1])
    resampled = {}
    for name, power in powers.items():
        kind = Image.Resampling.LANCZOS if power == 1 else Image.Resampling.BILINEAR
        resampled[name] = ratio**power * resize(vectors[name].reshape(*old, -1), *new, kind).ravel()
    return resampled
