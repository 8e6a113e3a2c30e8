"""Reports of regression against scikit-learn and hand computation."""

import json
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.evaluation import RegressionReport

unhurried = settings(deadline=None)  # scikit-learn takes its time on a busy machine


VALUES = arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e6, 1e6))


@unhurried
@given(VALUES, st.integers(0, 2**32))
def test_regression_equals_scikit_learn(true: Array, seed: int) -> None:
    assume(np.ptp(true) > 1e-3)
    predicted = true + np.random.default_rng(seed).standard_normal(len(true))
    report = RegressionReport.from_predictions(true, predicted)
    assert report.mean_squared_error == pytest.approx(metrics.mean_squared_error(true, predicted))
    assert report.root_mean_squared_error == pytest.approx(metrics.root_mean_squared_error(true, predicted))
    assert report.mean_absolute_error == pytest.approx(metrics.mean_absolute_error(true, predicted))
    assert report.r_squared == pytest.approx(metrics.r2_score(true, predicted), rel=1e-6)
    assert report.examples == len(true)


def test_regression_by_hand() -> None:
    """By hand: errors 1, 0, -3, 0; the true values have mean 3 and squares about it of 4 + 1 + 4 + 1."""
    report = RegressionReport.from_predictions([1, 2, 5, 4], np.array([2, 2, 2, 4], dtype=np.float32))
    assert report == RegressionReport(2.5, math.sqrt(2.5), 1.0, 0.0, 4)
    assert report.to_dict() == {
        "mean_squared_error": 2.5,
        "root_mean_squared_error": math.sqrt(2.5),
        "mean_absolute_error": 1.0,
        "r_squared": 0.0,
        "examples": 4,
    }
    assert report.to_text().splitlines()[2:] == [
        "Examples                 4",
        "Mean squared error       2.5",
        "Root mean squared error  1.58114",
        "Mean absolute error      1",
        "R squared                0.0000",
    ]


@pytest.mark.parametrize("true", [[0.1] * 3, [5], [1e-200, 2e-200]])
def test_values_without_variance_have_no_r_squared(true: list[float]) -> None:
    report = RegressionReport.from_predictions(true, [1.0] * len(true))
    assert math.isnan(report.r_squared)
    assert report.to_dict()["r_squared"] is None
    assert report.to_text().endswith("n/a")


def test_errors_too_large_to_square_are_infinite() -> None:
    report = RegressionReport.from_predictions([0.0, 1.0], [1e200, 1e200])
    assert report.mean_squared_error == math.inf
    assert report.mean_absolute_error == 1e200
    json.dumps(report.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([], [], r"true values have shape \(0,\)"),
        ([1.0, 2.0], [[1.0], [2.0]], r"predicted values have shape \(2, 1\)"),
        ([1.0, 2.0], [1.0], "2 true values, but 1 predicted"),
        ([1.0, math.nan], [1.0, 2.0], "true values are not all finite"),
        ([1.0, 2.0], [1.0, math.inf], "predicted values are not all finite"),
        (["a"], [1.0], "true values are not all finite numbers"),
    ],
)
def test_values_that_cannot_be_compared(true: npt.ArrayLike, predicted: npt.ArrayLike, message: str) -> None:
    with pytest.raises(InputError, match=message):
        RegressionReport.from_predictions(true, predicted)
