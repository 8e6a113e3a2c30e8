"""The autocorrelation of features over time: when things come again, but not what they are."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array, Where, like, to_numpy
from sfumato.losses.features import TINY, WHOLE, FeatureLoss


class Autocorrelations(NamedTuple):
    """Autocorrelation of each channel.

    Attributes:
        lags: A, (lags, channels), in float64; entry l is the mean product with what is l + 1 frames later.
    """

    lags: Array


class AutocorrelationLoss(FeatureLoss[Autocorrelations]):
    """Squared difference of autocorrelations over time, relative to the target's (Antognini, Hoffman and Weiss 2019).

        C       = F - mean_t F
        A[l, b] = sum_t C[t, b] C[t + l, b] / T,        l = 1 .. lags
        L       = |A - A*|^2 / |A*|^2

    Derivation. By the convolution theorem A = irfft(|C^|^2) / T, with C^ = rfft of C continued by T zeros. C[t, b] is
    in A[l, b] twice, with what comes l later and what was l earlier, so

        dC[t, b] = sum_l dA[l, b] (C[t + l, b] + C[t - l, b]) / T = irfft(2 Re(rfft dA) C^) / T

    and dF = dC - mean_t dC, as the mean was taken away.

    Args:
        target: A*, of the sound whose rhythm is wanted.
    """

    def __init__(self, target: Array) -> None:
        self.target = target
        self.square = max(float((target**2).sum()), TINY)

    def measure(
        self, features: Array, where: Where = WHOLE
    ) -> tuple[Autocorrelations, Callable[[Autocorrelations, Array], None]]:
        F = to_numpy(features).astype(np.float64)[0, :, 0]
        frames, lags = len(F), len(self.target)
        C = F - F.mean(axis=0)
        transform = np.fft.rfft(C, 2 * frames, axis=0)

        def pullback(gradient: Autocorrelations, into: Array) -> None:
            dA = np.zeros((2 * frames, F.shape[1]))
            kept = min(lags, frames - 1)
            dA[1 : kept + 1] = gradient.lags[:kept]
            dC = np.fft.irfft(2.0 * np.fft.rfft(dA, axis=0).real * transform, axis=0)[:frames] / frames
            into[0, :, 0] += like((dC - dC.mean(axis=0)).astype(to_numpy(into[:0]).dtype), into)

        return Autocorrelations(_lags(transform, frames, lags)), pullback

    def score(self, sums: Autocorrelations, weight: float = 1.0) -> tuple[float, Autocorrelations]:
        difference = sums.lags - self.target
        factor = weight / self.square
        return factor * float((difference**2).sum()), Autocorrelations(2.0 * factor * difference)


def autocorrelation(features: Array, lags: int) -> Array:
    """A of features, (1, frames, 1, channels): (lags, channels); zeros beyond their length."""
    F = to_numpy(features).astype(np.float64)[0, :, 0]
    return _lags(np.fft.rfft(F - F.mean(axis=0), 2 * len(F), axis=0), len(F), lags)


def _lags(transform: Array, frames: int, lags: int) -> Array:
    A = np.zeros((lags, transform.shape[1]))
    kept = min(lags, frames - 1)
    A[:kept] = np.fft.irfft(np.abs(transform) ** 2, 2 * frames, axis=0)[1 : kept + 1] / frames
    return A
