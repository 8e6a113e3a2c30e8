"""The loss of rhythm: autocorrelations by their definition, the gradient by differences and by autograd."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato import Evaluation, Objective, check_gradient
from sfumato.arrays import Array, to_numpy, zeros
from sfumato.engine import Engine
from sfumato.losses.autocorrelation import AutocorrelationLoss, autocorrelation


def features(frames: int, channels: int = 3, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((1, frames, 1, channels)) + 2.0


def by_loops(F: Array, lags: int) -> Array:
    frames, channels = F.shape[1], F.shape[3]
    A = np.zeros((lags, channels))
    for lag, b in np.ndindex(lags, channels):
        mean = sum(F[0, t, 0, b] for t in range(frames)) / frames
        for t in range(frames - (lag + 1)):
            A[lag, b] += (F[0, t, 0, b] - mean) * (F[0, t + lag + 1, 0, b] - mean) / frames
    return A


@settings(deadline=None, max_examples=40)
@given(frames=st.integers(1, 12), channels=st.integers(1, 3), lags=st.integers(1, 15), seed=st.integers(0, 999))
def test_lags_are_those_of_the_definition_and_zero_beyond_the_sound(
    frames: int, channels: int, lags: int, seed: int, engine: Engine
) -> None:
    F = features(frames, channels, seed)
    close = 1e-12 if engine.precision == "float64" else 1e-5
    right = by_loops(F, lags)
    np.testing.assert_allclose(autocorrelation(engine.put(F), lags), right, atol=close)
    sums, _ = AutocorrelationLoss(np.ones((lags, channels))).measure(engine.put(F))
    np.testing.assert_allclose(sums.lags, right, atol=close)


class OfFeatures(Objective):
    """The loss as a function of the features."""

    def __init__(self, loss: AutocorrelationLoss, frames: int) -> None:
        self.loss, self.shape = loss, (1, frames, 1, 3)

    def __call__(self, theta: Array) -> Evaluation:
        sums, pullback = self.loss.measure(theta.reshape(self.shape))
        loss, gradient = self.loss.score(sums, 0.7)
        dF = zeros(self.shape, theta)
        pullback(gradient, dF)
        return Evaluation(loss, dF.reshape(-1))


@pytest.mark.parametrize(("frames", "lags"), [(12, 5), (12, 11), (7, 20), (1, 3), (2, 1)])
def test_the_gradient_equals_differences_of_the_loss(frames: int, lags: int) -> None:
    objective = OfFeatures(AutocorrelationLoss(by_loops(features(15, seed=1), lags)), frames)
    F = features(frames)
    if frames == 1:  # what stands alone has no rhythm
        np.testing.assert_allclose(objective(F.ravel()).gradient, 0, atol=1e-15)
        return
    assert check_gradient(objective, F.ravel()).difference < 1e-7


def test_loss_and_gradient_are_autograds_wherever_they_are_computed(engine: Engine) -> None:
    F, target = features(20), by_loops(features(25, seed=1), 8)
    x = torch.tensor(F[0, :, 0], requires_grad=True)
    C: Any = x - x.mean(dim=0)
    A = torch.stack([(C[: 20 - lag] * C[lag:]).sum(dim=0) / 20 for lag in range(1, 9)])
    theirs = 0.7 * ((A - torch.tensor(target)) ** 2).sum() / (torch.tensor(target) ** 2).sum()
    theirs.backward()
    assert x.grad is not None
    for own in {engine, engine._replace(precision="float32")}:
        found = OfFeatures(AutocorrelationLoss(target), 20)(own.put(F.ravel()))
        close = 1e-11 if own.precision == "float64" else 1e-4
        assert found.loss == pytest.approx(theirs.item(), rel=close)
        gradient = to_numpy(found.gradient)
        assert gradient.dtype == own.numpy_dtype
        np.testing.assert_allclose(gradient, x.grad.numpy().ravel(), atol=close)


def test_it_is_added_to_what_there_is() -> None:
    loss = AutocorrelationLoss(by_loops(features(9, seed=1), 4))
    sums, pullback = loss.measure(features(9))
    alone, added = np.zeros((1, 9, 1, 3)), np.full((1, 9, 1, 3), 5.0)
    for into in (alone, added):
        pullback(loss.score(sums)[1], into)
    np.testing.assert_allclose(added, alone + 5.0)


def test_a_beat_is_found_at_its_own_distance_and_its_loudness_or_time_do_not_matter() -> None:
    beat = np.zeros((1, 120, 1, 1))
    beat[0, ::10] = 1.0
    A = autocorrelation(beat, 25)[:, 0]
    np.testing.assert_array_equal(np.flatnonzero(0.5 * A.max() < A) + 1, [10, 20])
    np.testing.assert_allclose(autocorrelation(beat + 7.0, 25)[:, 0], A, atol=1e-12)


def test_a_sound_in_its_own_rhythm_has_nothing_to_lose_and_one_without_any_loses_one() -> None:
    F = features(30)
    loss = AutocorrelationLoss(autocorrelation(F, 10))
    assert loss.score(loss.measure(F)[0])[0] == pytest.approx(0, abs=1e-25)
    assert loss.score(loss.measure(np.ones_like(F))[0])[0] == pytest.approx(1, rel=1e-12)
