"""Bands of frequency: matrices that add the bins of a spectrum up, and that take its envelope away."""

import functools

import numpy as np

from sfumato.arrays import Array
from sfumato.errors import InputError

LOWEST, OCTAVES, AN_OCTAVE = 65.0, 7, 24
"""Bands of the content: from 65 Hz, the C two octaves below the middle one, in quarter tones over seven octaves."""

SCALES = ("mel", "notes", "chroma")
"""Kinds of bands: equal on the mel scale; quarter tones; quarter tones of all octaves together."""


@functools.cache
def band_matrix(scale: str, count: int, size: int, rate: int) -> Array:
    """Weight of each bin of a spectrum in each band, (bands, size/2 + 1), in float64; not to be changed.

    Bands are triangles, from the centre of the band below to that of the band above, and one bin wide each way at
    least.

    Args:
        scale: One of `SCALES`.
        count: Number of bands on the mel scale; the others have theirs.
        size: Samples of a frame; bin k is at k rate / size Hz.
        rate: Samples a second.

    Raises:
        InputError: if the rate is too low for a single band.
    """
    if scale == "mel":
        B = _triangles(_from_mel(np.linspace(0.0, _to_mel(rate / 2.0), count + 2)), size, rate)
    else:
        edges = LOWEST * 2.0 ** (np.arange(-1, OCTAVES * AN_OCTAVE + 1) / AN_OCTAVE)
        B = _triangles(edges[edges < rate / 2.0], size, rate)
        if not len(B):
            raise InputError(f"{rate} samples a second are too few to hear notes in: use 8000 or more")
        if scale == "chroma":
            B = np.stack([B[band::AN_OCTAVE].sum(axis=0) for band in range(min(AN_OCTAVE, len(B)))])
    return B


def _triangles(edges: Array, size: int, rate: int) -> Array:
    """Triangles over bins, each from one edge over the next, where it is 1, to the one after."""
    bins = np.arange(size // 2 + 1) * (rate / size)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    width = rate / size
    rising = (bins - centre) / np.maximum(centre - low, width) + 1.0
    falling = (centre - bins) / np.maximum(high - centre, width) + 1.0
    triangles: Array = np.maximum(0.0, np.minimum(rising, falling))
    return triangles


def _to_mel(frequency: float) -> float:
    """Mel of a frequency in Hz (O'Shaughnessy 1987)."""
    return float(2595.0 * np.log10(1.0 + frequency / 700.0))


def _from_mel(mel: Array) -> Array:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


@functools.cache
def lifter_matrix(bands: int, sigma: float) -> Array:
    """A = I - K, (bands, bands), with K a Gaussian mean over neighbouring bands; not to be changed.

    A row of K is a normal density around its band, which adds up to 1 over the bands that there are.

    Args:
        bands: How many.
        sigma: The deviation of the Gaussian, in bands.
    """
    distance = np.arange(bands)[:, None] - np.arange(bands)
    K = np.exp(-0.5 * (distance / sigma) ** 2)
    A: Array = np.eye(bands) - K / K.sum(axis=1, keepdims=True)
    return A
