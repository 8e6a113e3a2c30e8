"""Estimators that are fitted part by part."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from sfumato.arrays import Array
from sfumato.data.scaling import Scaling, TargetScaling
from sfumato.data.streaming import Moments
from sfumato.estimators import NetworkClassifier, NetworkRegressor


@pytest.fixture
def rows() -> tuple[Array, Array]:
    """Features of many sizes, and values far from zero."""
    x = np.random.default_rng(1).normal(size=(600, 4)) * [1.0, 10.0, 100.0, 1000.0] + 5.0
    return x, 200_000 + 50_000 * x[:, 0] + 2_000 * x[:, 1]


def test_it_learns_epoch_by_epoch_and_keeps_the_optimizer_s_memory() -> None:
    x, y = load_iris(return_X_y=True)
    whole = NetworkClassifier(
        epochs=30, l2=2.0, schedule="constant", learning_rate=0.01, batch_size="full", random_state=0
    ).fit(x, y)
    parts = NetworkClassifier(l2=2.0, schedule="constant", learning_rate=0.01, batch_size="full", random_state=0)
    for _ in range(30):
        parts.partial_fit(x, y, classes=[0, 1, 2])
    np.testing.assert_allclose(parts.predict_proba(x), whole.predict_proba(x), rtol=1e-9)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-9)


def test_it_goes_on_with_classes_that_come_later() -> None:
    x, y = load_iris(return_X_y=True)
    streamed = NetworkClassifier(random_state=0)
    order = np.random.default_rng(0).permutation(150)
    for _ in range(200):
        for rows in np.array_split(order, 3):
            streamed.partial_fit(x[rows], y[rows], classes=np.arange(3))
    assert (streamed.predict(x) == y).mean() > 0.95


@pytest.mark.parametrize("first", [1, 2, 20])
def test_the_first_call_may_be_of_a_single_row(first: int, rows: tuple[Array, Array]) -> None:
    x, y = rows
    above = (y > y.mean()).astype(int)
    values: Any = NetworkRegressor(random_state=0)
    classes: Any = NetworkClassifier(random_state=0)
    for _ in range(5):
        for part in np.split(np.arange(600), range(first, 600, 20)):
            values.partial_fit(x[part], y[part])
            classes.partial_fit(x[part], above[part], classes=[0, 1])
    assert values.score(x, y) > 0.95
    assert classes.score(x, above) > 0.95


def test_the_scalings_are_those_of_all_rows_so_far(rows: tuple[Array, Array]) -> None:
    x, y = rows
    weight = np.random.default_rng(2).integers(0, 4, 600).astype(float)
    fitted = NetworkRegressor(random_state=0)
    for part in np.split(np.arange(600), [1, 7, 300]):
        fitted.partial_fit(x[part], y[part], sample_weight=weight[part] + (part[0] == 0))
    weight[0] += 1.0
    expected = Scaling.standard(x, weight)
    np.testing.assert_allclose(fitted.model_.scaling(x, np.float64), expected(x, np.float64), atol=1e-9)


def test_it_goes_on_after_a_fit_on_other_rows(rows: tuple[Array, Array]) -> None:
    x, y = rows
    fitted: Any = NetworkRegressor(epochs=5, random_state=0).fit(x[:1], y[:1])
    np.testing.assert_array_equal(fitted.predict(x[:3]), y[:1].repeat(3))
    for _ in range(60):
        fitted.partial_fit(x, y)
    assert fitted.score(x, y) > 0.9


@pytest.mark.parametrize("value", [1e6, 0.1, -1e-7, 0.0])
def test_a_constant_is_learned_exactly(value: float, rows: tuple[Array, Array]) -> None:
    x = rows[0][:60]
    fitted: Any = NetworkRegressor(epochs=3, random_state=0).fit(x, np.full(60, value))
    np.testing.assert_array_equal(fitted.predict(x + 1), np.full(60, value))
    assert fitted.loss_curve_[-1] == 0.0


def test_the_scaling_of_a_constant_is_its_mean() -> None:
    scaling = TargetScaling.of(Moments.of(np.full((7, 1), 0.1)), "standard")
    assert (scaling.mean, scaling.deviation) == (0.1, 0.0)
    assert TargetScaling.of(Moments.of(np.full((7, 1), 0.1)), "none").identity
