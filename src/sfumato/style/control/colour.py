"""Colours kept: the style given the content's beforehand, or the painted luminance under the content's colour.

Both ways are those of Gatys, Bethge, Hertzmann and Shechtman, "Preserving color in neural artistic style transfer"
(2016). Pictures are sRGB as they stand, without undoing its gamma, as the network sees them too.

Photographs can be large: sums are taken in float64 over strips of rows, and only the result, in float32, is as large as
the picture.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.pictures.strips import row_strips
from sfumato.style.matrices import symmetric_root

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in luminance: the Y of YIQ (Rec. 601)."""

LEVEL = 1.0 / 255.0
"""One step of eight bits. Smaller variation is rounding and no colour: it is not stretched further than if it varied
by this much."""


def match_colours(style: Array, content: Array, method: str) -> Array:
    """The style picture with the colours of the content.

    "match" and "match-cholesky" are affine, so that the style's texture stays: see `colour_map`. "histogram" gives
    each channel the content's distribution: see `match_histogram`.

    Args:
        style: (height, width, 3), uint8, or floating point from 0 to 1.
        content: (height, width, 3) of any size, likewise.
        method: "match", "match-cholesky" or "histogram".

    Returns:
        (height, width, 3) of the style, float32; what leaves 0 to 1 is clipped.

    Raises:
        InputError: if no method is called that.
    """
    if method == "histogram":
        return match_histogram(style, content)
    if method not in ROOTS:
        raise InputError(f"no way to match colours is called {method!r}: use {', '.join(ROOTS)} or histogram")
    return _mapped(style, *colour_map(style, content, method))


def move_colours(picture: Array, goal: Array, counted: Array | None = None) -> Array:
    """Move the colours of a picture to the mean and covariance of another's, by symmetric roots: see `colour_map`.

    Args:
        picture: (height, width, 3), uint8, or floating point about 0 to 1.
        goal: The picture whose colours to take, of any size, likewise.
        counted: Booleans, (height, width): which pixels shall have them; all are moved alike. By default all.

    Returns:
        (height, width, 3), float32; what leaves 0 to 1 is clipped.
    """
    some = picture if counted is None else picture[counted][np.newaxis]
    return _mapped(picture, *colour_map(some, goal, "match"))


def _mapped(picture: Array, A: Array, b: Array) -> Array:
    """The colours A x + b, clipped to 0 to 1."""
    A, b = A.astype(np.float32), b.astype(np.float32)
    return _by_strips(lambda x: x @ A.T + b, picture)


def colour_map(style: Array, content: Array, method: str) -> tuple[Array, Array]:
    """A (3, 3) and b (3,), float64, for which the colours A x + b of the style have the content's mean and covariance.

    With the means m and covariances S of content c and style s, A x + b has the mean A m_s + b and the covariance
    A S_s A^T, so

        b = m_c - A m_s        A S_s A^T = S_c

    The second has many solutions: for any roots R_c R_c^T = S_c and R_s R_s^T = S_s

        A = R_c R_s^-1

    is one. "match" takes the symmetric roots S^1/2; "match-cholesky" the lower triangular ones, where red depends on
    red alone, which keeps less of the style's relation between its colours.

    Where the style does not vary in some direction (a grey picture, a single colour), R_s has no inverse: its
    eigenvalues are taken as at least `LEVEL` squared. The content's may be zero.
    """
    (mean_c, S_c), (mean_s, S_s) = colour_moments(content), colour_moments(style)
    root = ROOTS[method]
    A = root(S_c, 1e-6 * LEVEL) @ np.linalg.inv(root(S_s, LEVEL))
    return A, mean_c - A @ mean_s


def match_histogram(style: Array, content: Array) -> Array:
    """The style picture, with each channel distributed as the content's: (height, width, 3), float32.

    A value that takes the ranks from p to q (as parts of one) among the style's becomes the mean of what the content
    has at these ranks, 1 / (q - p) times the integral of its quantile function. Where the style has no value twice,
    that is matching sorted values; where it has, equal pixels stay equal, and the mean is the content's still.
    """
    tables = []
    for channel in range(3):
        values, counts = np.unique(style[..., channel], return_counts=True)
        ranks = _cumulated(counts) / counts.sum()
        there, often = np.unique(_as_float(content[..., channel]).astype(np.float64), return_counts=True)
        integral = _cumulated(there * often) / often.sum()  # of the quantile function, which is a staircase
        means = np.diff(np.interp(ranks, _cumulated(often) / often.sum(), integral)) / np.diff(ranks)
        tables.append((values, means.astype(np.float32)))
    matched = np.empty(style.shape, np.float32)
    for rows in row_strips(*style.shape[:2]):
        for channel, (values, means) in enumerate(tables):
            matched[rows, :, channel] = means[np.searchsorted(values, style[rows, :, channel])]
    return np.clip(matched, 0.0, 1.0, out=matched)


def grey(picture: Array) -> Array:
    """Luminance of the picture in three equal channels, (height, width, 3), float32 from 0 to 1."""
    return _by_strips(lambda x: np.repeat(_luma(x), 3, axis=-1), picture)


def match_luminance(style: Array, content: Array) -> Array:
    """The style picture in grey, with the mean and standard deviation of the content's luminance.

    Without it, a dark painting would darken the photograph whose colours are to be kept.

    Returns:
        Three equal channels, (height, width, 3) of the style, float32; what leaves 0 to 1 is clipped.
    """
    (mean_c, S_c), (mean_s, S_s) = colour_moments(content), colour_moments(style)
    luma = LUMA.astype(np.float64)
    factor = np.sqrt(luma @ S_c @ luma) / max(np.sqrt(luma @ S_s @ luma), LEVEL)
    shift = luma @ mean_c - factor * (luma @ mean_s)
    return _by_strips(lambda x: np.repeat(np.float32(factor) * _luma(x) + np.float32(shift), 3, axis=-1), style)


def with_luminance(painted: Array, content: Array) -> Array:
    """Combine the luminance of a painting with the colour of a photograph, (height, width, 3), float32 from 0 to 1.

    In YIQ, Y is luminance, and I and Q are colour. Taking Y from the painted and I and Q from the content adds the same
    to all three channels, as Y stands for (1, 1, 1):

        x = Y_painted + (content - Y_content)

    Where that leaves 0 to 1, the colour in parentheses is made paler until it fits: clipping would change the
    luminance, and with it the strokes.

    Args:
        painted: (height, width, 3), uint8, or floating point about 0 to 1.
        content: The same size, likewise.

    Raises:
        InputError: if the sizes differ.
    """
    if painted.shape != content.shape:
        raise InputError(
            f"luminance of {painted.shape} does not fit colour of {content.shape}: make them the same size"
        )
    return _by_strips(_recoloured, painted, content)


def _recoloured(painted: Array, content: Array) -> Array:
    Y = np.clip(_luma(painted), 0.0, 1.0)
    colour = content - _luma(content)
    limit = np.where(colour > 0, 1.0 - Y, Y)
    fits = np.divide(limit, np.abs(colour), out=np.ones_like(colour), where=np.abs(colour) > limit)
    recoloured: Array = Y + fits.min(axis=-1, keepdims=True) * colour
    return recoloured


def _luma(picture: Array) -> Array:
    """Luminance Y, (height, width, 1)."""
    luma: Array = picture @ LUMA[:, np.newaxis]
    return luma


def _as_float(pixels: Array) -> Array:
    """Convert to floating point from 0 to 1: bytes to float32, all else unchanged."""
    return pixels * np.float32(LEVEL) if pixels.dtype == np.uint8 else pixels


def _by_strips(function: Callable[..., Array], *pictures: Array) -> Array:
    """Apply a function to the pictures' float32 pixels, strip by strip, and clip the results to 0 to 1."""
    height, width, _ = pictures[0].shape
    result = np.empty(pictures[0].shape, np.float32)
    for rows in row_strips(height, width):
        made = function(*(_as_float(picture[rows]).astype(np.float32, copy=False) for picture in pictures))
        np.clip(made, 0.0, 1.0, out=result[rows])
    return result


def colour_moments(picture: Array) -> tuple[Array, Array]:
    """Mean (3,) and covariance (3, 3) of the colours, in float64."""
    total, products = np.zeros(3), np.zeros((3, 3))
    for rows in row_strips(*picture.shape[:2]):
        colours = _as_float(picture[rows]).reshape(-1, 3).astype(np.float64)
        total += colours.sum(axis=0)
        products += colours.T @ colours
    pixels = picture.shape[0] * picture.shape[1]
    mean = total / pixels
    return mean, products / pixels - np.outer(mean, mean)


def _cumulated(numbers: Array) -> Array:
    """Cumulative sums, beginning with 0, in float64."""
    return np.concatenate([[0.0], np.cumsum(numbers, dtype=np.float64)])


def _cholesky_root(S: Array, least: float) -> Array:
    """Lower triangular L with L L^T = S, in which no direction deviates by less than `least`."""
    root = symmetric_root(S, least**2)
    triangle = np.linalg.qr(root)[1].T  # root = Q R, so that S = R^T R, whatever the scale of the eigenvalues
    lower: Array = triangle * np.sign(np.diag(triangle))
    return lower


def _symmetric_root(S: Array, least: float) -> Array:
    return symmetric_root(S, least**2)


ROOTS: dict[str, Callable[[Array, float], Array]] = {"match": _symmetric_root, "match-cholesky": _cholesky_root}
"""Square roots of a covariance by the names of their methods."""


class Colours(NamedTuple):
    """A way to choose the colours of the result.

    Attributes:
        recolour: Gives the style picture colours, from that and the content; None leaves it its own.
        luminance: Whether luminance alone is painted, under the content's colour.
        alone: Whether nothing is painted: the content gets the style's colours, and that is the picture.
        pictures: Pictures of the style's size held at once, in float32, while it is recoloured and measured.
    """

    recolour: Callable[[Array, Array], Array] | None
    luminance: bool
    pictures: int
    alone: bool = False


COLOURS = {
    "style": Colours(None, luminance=False, pictures=2),
    "luminance": Colours(match_luminance, luminance=True, pictures=4),
    "match": Colours(partial(match_colours, method="match"), luminance=False, pictures=4),
    "match-cholesky": Colours(partial(match_colours, method="match-cholesky"), luminance=False, pictures=4),
    "histogram": Colours(match_histogram, luminance=False, pictures=8),
    "only": Colours(None, luminance=False, pictures=4, alone=True),
}
"""Sources of colours, by name: the style; or the content, with its colours kept under the painted "luminance", or the
style's matched to them beforehand: mean and covariance by symmetric roots ("match") or Cholesky's, or histograms; or
the style's colours "only", without its strokes: the content, matched to them."""
