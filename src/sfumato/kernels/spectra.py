"""Spectra of short stretches of a sound, and the way back: the two halves of the short-time Fourier transform.

Each is, but for factors, the backward pass of the other: `sound/spectrum.py` derives them. A sound of n samples has
frames of `size` samples, each `hop` samples after the one before, and `hop` divides `size`.
"""

import functools
from typing import Any

import numpy as np

from sfumato.arrays import Array, cast, like, pytorch
from sfumato.kernels.threads import run_in_threads

BLOCK = 64
"""Frames that a thread transforms at a time: half a megabyte at 2048 samples in float32, which a cache holds."""


def frames_in(length: int, size: int, hop: int) -> int:
    """Number of whole frames in a sound of this many samples."""
    return max(0, (length - size) // hop + 1)


@functools.cache
def hann_window(size: int) -> Array:
    """The periodic Hann window, (size,), in float64: w[m] = (1 - cos(2 pi m / size)) / 2."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)


def frame_spectra(x: Array, size: int, hop: int) -> Array:
    """Fourier transform of each frame, under a Hann window w.

        X[n, t, k] = sum_m w[m] x[n, t hop + m] exp(-2 pi i k m / size),    k = 0 .. size/2

    Args:
        x: Sounds, (n, samples).
        size: Samples of a frame.
        hop: Samples from one frame to the next.

    Returns:
        X, (n, frames, size/2 + 1), complex.
    """
    frames = np.lib.stride_tricks.sliding_window_view(x, size, axis=1)[:, ::hop]
    window = hann_window(size).astype(x.dtype)
    X = np.empty((*frames.shape[:2], size // 2 + 1), np.result_type(x.dtype, np.complex64))

    def transform(block: tuple[int, slice]) -> None:
        X[block] = np.fft.rfft(frames[block] * window)

    run_in_threads(lambda: transform, _blocks(*frames.shape[:2]))
    return X


def overlap_add(X: Array, size: int, hop: int) -> Array:
    """Inverse transform of each frame, under the same window, added up where they lie.

        x[n, i] = sum over t with 0 <= i - t hop < size of w[i - t hop] irfft(X[n, t])[i - t hop]

    Args:
        X: Spectra, (n, frames, size/2 + 1), complex; the imaginary parts of the first and the last bin do not count.
        size: Samples of a frame.
        hop: Samples from one frame to the next, of which `size` is a multiple.

    Returns:
        x, (n, (frames - 1) hop + size).
    """
    n, count, _ = X.shape
    window = hann_window(size).astype(X.real.dtype)
    frames = np.empty((n, count, size), window.dtype)

    def transform(block: tuple[int, slice]) -> None:
        frames[block] = np.fft.irfft(X[block], size) * window

    run_in_threads(lambda: transform, _blocks(n, count))
    x = np.zeros((n, (count - 1) * hop + size), window.dtype)
    for start in range(0, size, hop):  # of each frame one hop, which do not overlap
        x[:, start : start + count * hop] += frames[:, :, start : start + hop].reshape(n, count * hop)
    return x


def torch_frame_spectra(x: Any, size: int, hop: int) -> Any:
    """The same as `frame_spectra`, by PyTorch."""
    window = cast(like(hann_window(size), x), x.dtype)
    return pytorch().fft.rfft(x.unfold(1, size, hop) * window)


def torch_overlap_add(X: Any, size: int, hop: int) -> Any:
    """The same as `overlap_add`, by PyTorch."""
    n, count, _ = X.shape
    window = cast(like(hann_window(size), X), X.real.dtype)
    frames = pytorch().fft.irfft(X, size) * window
    x = frames.new_zeros((n, (count - 1) * hop + size))
    for start in range(0, size, hop):
        x[:, start : start + count * hop] += frames[:, :, start : start + hop].reshape(n, count * hop)
    return x


def _blocks(n: int, frames: int) -> list[tuple[int, slice]]:
    """Blocks of frames, sound by sound."""
    return [(sound, slice(start, start + BLOCK)) for sound in range(n) for start in range(0, frames, BLOCK)]
