"""Defects in the backward pass from a spectrum to samples, planted: differences catch each, and none without."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sfumato import LayerObjective, check_gradient
from sfumato.arrays import Array
from sfumato.kernels.ops import ops
from sfumato.layers.base import Forward, NoParameters
from sfumato.sound import spectrum
from sfumato.sound.spectrum import LOUDNESS, SILENCE, Spectrum, mirrored, mirrored_gradient


def ends_twice(Z: Array) -> Array:
    """What irfft counts once is doubled in Z."""
    Z[..., [0, -1]] *= 2.0
    return Z


def framed_by(window: Callable[[int], Array]) -> Callable[[Array, int, int], Array]:
    """`overlap_add` under another window."""

    def add(Z: Array, size: int, hop: int) -> Array:
        frames = np.fft.irfft(Z, size) * window(size)
        x = np.zeros((len(Z), (Z.shape[1] - 1) * hop + size))
        for t in range(Z.shape[1]):
            x[:, t * hop : t * hop + size] += frames[:, t]
        return x

    return add


class Planted(Spectrum):
    """A spectrum whose backward pass is written out, with a part to be exchanged."""

    ends: Any = staticmethod(ends_twice)
    add: Any = staticmethod(lambda Z, size, hop: ops().overlap_add(Z, size, hop))
    fold: Any = staticmethod(mirrored_gradient)
    slope: Any = staticmethod(lambda Y: LOUDNESS / (1.0 + LOUDNESS * Y))
    towards: Any = staticmethod(lambda X, M: X / M)

    def forward(self, params: NoParameters, x: Array, needs: Any, rng: Any = None) -> Forward[NoParameters]:
        L, _ = super().forward(params, x, needs, rng)
        N = self.size
        X = ops().frame_spectra(mirrored(x, N // 2), N, self.hop)
        M = np.sqrt(np.abs(X) ** 2 + SILENCE)
        B = self.matrix * (2.0 / N)

        def backward(dL: Array, grads: NoParameters) -> Array:
            dM = (dL[:, :, 0] * self.slope(M @ B.T)) @ B
            own = self.add(self.ends(dM * self.towards(X, M) * (N / 2.0)), N, self.hop)
            whole = np.zeros((len(x), x.shape[1] + N))
            whole[:, : own.shape[1]] = own
            folded: Array = self.fold(whole, N // 2)
            return folded

        return L, backward


class EndsOnce(Planted):
    """irfft is taken to count every bin twice."""

    ends = staticmethod(lambda Z: Z)


class AllTwice(Planted):
    """irfft is taken to count every bin once."""

    ends = staticmethod(lambda Z: 2.0 * Z)


class LastForgotten(Planted):
    """The highest bin is taken for one of those that have a mirror image."""

    @staticmethod
    def ends(Z: Array) -> Array:
        Z[..., 0] *= 2.0
        return Z


class NoWindow(Planted):
    """The frames' gradients come back without their window."""

    add = staticmethod(framed_by(np.ones))


class SymmetricWindow(Planted):
    """The window of the way back is the symmetric Hann window."""

    add = staticmethod(framed_by(np.hanning))


class EndsCutOff(Planted):
    """What the mirrored ends get is thrown away."""

    fold = staticmethod(lambda dx, margin: dx[:, margin:-margin])


class EdgesTwice(Planted):
    """The mirror is taken to show the first and the last sample too."""

    @staticmethod
    def fold(dx: Array, margin: int) -> Array:
        inner: Array = dx[:, margin:-margin].copy()
        inner[:, :margin] += dx[:, :margin][:, ::-1]
        inner[:, -margin:] += dx[:, -margin:][:, ::-1]
        return inner


class NotTurned(Planted):
    """The mirrored ends come back in their own order."""

    @staticmethod
    def fold(dx: Array, margin: int) -> Array:
        inner: Array = dx[:, margin:-margin].copy()
        inner[:, 1 : margin + 1] += dx[:, :margin]
        inner[:, -margin - 1 : -1] += dx[:, -margin:]
        return inner


class SlopeOfTheLogarithmAlone(Planted):
    """log(1 + g Y) is derived as log(Y)."""

    slope = staticmethod(lambda Y: 1.0 / Y)


class GForgotten(Planted):
    """The inner derivative of log(1 + g Y) is left out."""

    slope = staticmethod(lambda Y: 1.0 / (1.0 + LOUDNESS * Y))


class Conjugated(Planted):
    """dX points along the conjugate of X: the phase is turned the wrong way round."""

    towards = staticmethod(lambda X, M: X.conj() / M)


class MagnitudeNotDivided(Planted):
    """dX is that of the squared magnitude, but for a 2."""

    towards = staticmethod(lambda X, M: X)


DEFECTS = [
    *(EndsOnce, AllTwice, LastForgotten, NoWindow, SymmetricWindow, EndsCutOff, EdgesTwice, NotTurned),
    *(SlopeOfTheLogarithmAlone, GForgotten, Conjugated, MagnitudeNotDivided),
]


@pytest.mark.parametrize("kind", [Spectrum, Planted, *DEFECTS], ids=lambda kind: kind.__name__)
def test_each_planted_defect_is_caught_and_none_without(kind: type[Spectrum], monkeypatch: pytest.MonkeyPatch) -> None:
    wide = np.array([[1.0, 0.7, 0.4, 0, 0, 0, 0, 0, 0], [0, 0, 0.3, 0.8, 1, 1, 0.5, 0.9, 1]])
    monkeypatch.setattr(spectrum, "band_matrix", lambda *_: wide)  # every bin counts, the first and the last too
    objective = LayerObjective(kind(16, 4, "mel", 2, 800), (37,), examples=2)
    report = check_gradient(objective, objective.theta)
    assert report.wrong == (kind in DEFECTS)
    if kind in DEFECTS:
        assert [row.name for row in report.parameters] == ["inputs"]
        assert "look at the backward pass of" in report.advice
