"""Spectra of frames and their way back: by their definitions as loops, and each the other's adjoint."""

import cmath
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from sfumato.arrays import Array, to_numpy
from sfumato.engine import Engine
from sfumato.kernels import spectra
from sfumato.kernels.ops import ops
from sfumato.kernels.spectra import frame_spectra, frames_in, hann_window, overlap_add
from sfumato.kernels.threads import parallel_kernels


class Framing(NamedTuple):
    """Sounds, frames of each, their size and hop, and samples behind the last frame."""

    sounds: int
    frames: int
    size: int
    hop: int
    behind: int

    @property
    def samples(self) -> int:
        return (self.frames - 1) * self.hop + self.size + self.behind


@st.composite
def framings(draw: st.DrawFn) -> Framing:
    size = draw(st.sampled_from([2, 4, 6, 8, 16]))
    hop = draw(st.sampled_from([hop for hop in range(1, size + 1) if size % hop == 0]))
    return Framing(draw(st.integers(1, 2)), draw(st.integers(1, 5)), size, hop, draw(st.integers(0, hop - 1)))


def window(m: int, size: int) -> float:
    return (1 - math.cos(2 * math.pi * m / size)) / 2


def spectra_by_loops(x: Array, size: int, hop: int) -> Array:
    count = (x.shape[1] - size) // hop + 1
    X = np.zeros((len(x), count, size // 2 + 1), complex)
    for n, t, k in np.ndindex(*X.shape):
        for m in range(size):
            X[n, t, k] += window(m, size) * x[n, t * hop + m] * cmath.exp(-2j * math.pi * k * m / size)
    return X


def sounds_by_loops(X: Array, size: int, hop: int) -> Array:
    """Every bin between the first and the last stands for itself and for its mirror image."""
    x = np.zeros((len(X), (X.shape[1] - 1) * hop + size))
    for n, t, k in np.ndindex(*X.shape):
        share = (1 if k in (0, size // 2) else 2) / size
        for m in range(size):
            turned = X[n, t, k] * cmath.exp(2j * math.pi * k * m / size)
            x[n, t * hop + m] += window(m, size) * share * turned.real
    return x


def drawn(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def drawn_spectra(seed: int, how: Framing) -> Array:
    parts = drawn(seed, 2, how.sounds, how.frames, how.size // 2 + 1)
    both: Array = parts[0] + 1j * parts[1]
    return both


def near(engine: Engine, ours: Array, right: Array) -> None:
    tolerance = {"float64": 1e-12, "float32": 1e-5}[engine.precision]
    assert ours.shape == right.shape
    np.testing.assert_allclose(to_numpy(ours), right, rtol=0, atol=tolerance * np.abs(right).max(initial=1.0))


def test_the_window_is_a_period_of_a_cosine() -> None:
    np.testing.assert_allclose(hann_window(8), [window(m, 8) for m in range(8)], atol=1e-16)


@pytest.mark.parametrize("single", [False, True])
@settings(deadline=None, max_examples=25)
@given(how=framings(), seed=st.integers(0, 2**32 - 1))
def test_both_are_those_of_the_definition(how: Framing, seed: int, single: bool, engine: Engine) -> None:
    own = engine._replace(precision="float32") if single else engine
    x, X = drawn(seed, how.sounds, how.samples), drawn_spectra(seed, how)
    assert how.frames == frames_in(how.samples, how.size, how.hop)
    found = ops().frame_spectra(own.put(x), how.size, how.hop)
    near(own, found, spectra_by_loops(x, how.size, how.hop))
    assert found.real.dtype == own.put(x).dtype
    parts = own.put(X.real), own.put(X.imag)
    back = ops().overlap_add(parts[0] + 1j * parts[1], how.size, how.hop)
    near(own, back, sounds_by_loops(X, how.size, how.hop))
    assert back.dtype == own.put(x).dtype


@settings(deadline=None, max_examples=50)
@given(how=framings(), seed=st.integers(0, 2**32 - 1))
def test_each_is_the_others_backward_pass_but_for_the_factors_of_the_derivation(how: Framing, seed: int) -> None:
    """<dX, frame_spectra(x)> = <overlap_add(Z), x> for the Z of `Spectrum`, with <a, b> = sum Re(conj(a) b)."""
    size, hop, inside = how.size, how.hop, slice(0, how.samples - how.behind)
    x, dX = drawn(seed, how.sounds, how.samples), drawn_spectra(seed + 1, how)
    Z = dX * (size / 2)
    Z[..., [0, -1]] *= 2
    forwards = (dX.conj() * frame_spectra(x, size, hop)).real.sum()
    backwards = (overlap_add(Z, size, hop) * x[:, inside]).sum()
    assert forwards == pytest.approx(backwards, rel=1e-11, abs=1e-11)


def test_a_sound_shorter_than_a_frame_has_none() -> None:
    assert [frames_in(length, 8, 4) for length in (0, 7, 8, 11, 12)] == [0, 0, 1, 1, 2]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(spectra, "BLOCK", 3)
    yield


@pytest.mark.usefixtures("small_blocks")
def test_the_bytes_are_the_same_for_any_number_of_threads() -> None:
    x = drawn(0, 2, 5000).astype(np.float32)
    seen = set()
    for threads in (1, 2, 4):
        with threadpool_limits(threads, user_api="blas"), parallel_kernels():
            X = frame_spectra(x, 256, 64)
            seen.add((X.tobytes(), overlap_add(X, 256, 64).tobytes()))
    assert len(seen) == 1
    alone = frame_spectra(x, 256, 64)
    assert (alone.tobytes(), overlap_add(alone, 256, 64).tobytes()) in seen
