"""ROC, precision and recall, and calibration, against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.evaluation.curves import calibration, precision_recall_curve, roc_curve

EXAMPLES = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=2, max_size=40
)
"""Few scores, so that there are ties."""


def arrays(examples: list[tuple[bool, float]]) -> tuple[Array, Array]:
    return np.array([positive for positive, _ in examples]), np.array([score for _, score in examples])


@given(examples=EXAMPLES.filter(lambda examples: len({positive for positive, _ in examples}) == 2))
def test_curves_are_those_of_scikit_learn(examples: list[tuple[bool, float]]) -> None:
    positive, score = arrays(examples)
    roc = roc_curve(positive, score)
    x, y, _ = metrics.roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose(roc.x, x)
    np.testing.assert_allclose(roc.y, y)
    assert roc.area == pytest.approx(metrics.roc_auc_score(positive, score))
    found = precision_recall_curve(positive, score)
    precision, recall, _ = metrics.precision_recall_curve(positive, score)
    np.testing.assert_allclose(found.y, precision[::-1])
    np.testing.assert_allclose(found.x, recall[::-1])
    assert found.area == pytest.approx(metrics.average_precision_score(positive, score))


def test_the_area_is_the_probability_of_the_right_order() -> None:
    random = np.random.default_rng(0)
    positive = random.random(200) < 0.3
    score = (random.normal(size=200) + positive).round(1)
    pairs = score[positive][:, np.newaxis] - score[~positive]
    assert roc_curve(positive, score).area == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def test_a_sample_of_one_kind_has_no_area() -> None:
    score = np.array([0.1, 0.5, 0.9])
    assert np.isnan(roc_curve(np.array([True, True, True]), score).area)
    assert np.isnan(roc_curve(np.array([False, False, False]), score).area)
    assert precision_recall_curve(np.array([True, True, True]), score).area == 1
    none = precision_recall_curve(np.array([False, False, False]), score)
    assert np.isnan(none.area)
    assert np.isnan(none.x).all()
    assert none.y.tolist() == [1, 0, 0, 0]
    assert np.isnan(roc_curve(np.array([False, False, False]), score).y).all()
    assert np.isnan(roc_curve(np.array([True, True, True]), score).x).all()


def test_calibration_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    confidence = random.uniform(0.3, 1, 500)
    correct = random.random(500) < confidence**2
    found = calibration(confidence, correct)
    there = found.counts > 0
    share, mean = calibration_curve(correct, confidence, n_bins=10)
    np.testing.assert_allclose(found.accuracy[there], share)
    np.testing.assert_allclose(found.confidence[there], mean)
    assert found.counts.sum() == 500
    assert found.error == pytest.approx(np.sum(np.abs(share - mean) * found.counts[there]) / 500)


@given(examples=EXAMPLES)
def test_calibration_of_the_surest_and_the_right(examples: list[tuple[bool, float]]) -> None:
    correct, confidence = arrays(examples)
    found = calibration(confidence, correct)
    assert 0 <= found.error <= 1
    assert calibration(np.ones(3), np.array([True, True, True])).error == 0
    assert found.counts.sum() == len(examples)


def test_what_does_not_fit() -> None:
    for function in (roc_curve, precision_recall_curve, calibration):
        with pytest.raises(InputError, match="give one"):
            function(np.array([0.5, 0.5]), np.array([True]))
        with pytest.raises(InputError, match="give one"):
            function(np.array([]), np.array([]))
    for curve in (roc_curve, precision_recall_curve):
        with pytest.raises(InputError, match="not a finite number"):
            curve(np.array([True, False]), np.array([0.5, np.nan]))


def test_a_confidence_on_the_edge_of_two_bins_is_in_the_upper_one() -> None:
    found = calibration(np.array([0.0, 0.5, 1.0]), np.array([True, False, True]), bins=2)
    assert found.counts.tolist() == [1, 2]
