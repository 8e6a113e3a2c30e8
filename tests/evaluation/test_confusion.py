"""Confusion matrices and their figures against scikit-learn and hand computation, and what they print."""

import json
import math
import re
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special
from sklearn import metrics

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.evaluation import Averaging, ConfusionMatrix

unhurried = settings(deadline=None)  # scikit-learn takes its time on a busy machine

OF_EACH_CLASS = (
    "sensitivity",
    "specificity",
    "positive_predictive_value",
    "negative_predictive_value",
    "prevalence",
    "detection_rate",
    "detection_prevalence",
    "balanced_accuracy",
)

# Against scikit-learn


def labels_of(counts: Array) -> tuple[Array, Array]:
    """Labels that have these counts."""
    rows, columns = np.indices(counts.shape)
    return np.repeat(rows.ravel(), counts.ravel()), np.repeat(columns.ravel(), counts.ravel())


def names(classes: int) -> tuple[str, ...]:
    return tuple(f"class {i}" for i in range(classes))


@st.composite
def matrices(draw: st.DrawFn) -> ConfusionMatrix:
    """Matrices of few and many examples, with empty rows and columns among them."""
    k = draw(st.integers(2, 6))
    counts = draw(arrays(np.int64, (k, k), elements=st.one_of(st.just(0), st.integers(0, 40))))
    assume(counts.any())
    return ConfusionMatrix(counts, names(k))


@unhurried
@given(matrices())
def test_from_labels_counts_as_scikit_learn(matrix: ConfusionMatrix) -> None:
    true, predicted = labels_of(matrix.counts)
    ours = ConfusionMatrix.from_labels(true, predicted, matrix.classes)
    theirs = metrics.confusion_matrix(true, predicted, labels=range(len(matrix.classes)))
    assert np.array_equal(ours.counts, theirs)
    assert np.array_equal(ours.counts, matrix.counts)


@unhurried
@given(matrices())
def test_overall_statistics_equal_scikit_learn(matrix: ConfusionMatrix) -> None:
    true, predicted = labels_of(matrix.counts)
    assert matrix.accuracy == pytest.approx(metrics.accuracy_score(true, predicted))
    if len(np.unique([true, predicted])) > 1:
        assert matrix.kappa == pytest.approx(metrics.cohen_kappa_score(true, predicted), abs=1e-12)
    else:
        assert math.isnan(matrix.kappa)


@unhurried
@given(matrices())
def test_precision_recall_and_f1_equal_scikit_learn(matrix: ConfusionMatrix) -> None:
    true, predicted = labels_of(matrix.counts)
    numbers = range(len(matrix.classes))
    for averaging in get_args(Averaging):
        theirs = metrics.precision_recall_fscore_support(
            true, predicted, labels=numbers, average=averaging, zero_division=0
        )
        assert matrix.average(averaging) == pytest.approx(theirs[:3])
    by_class = metrics.precision_recall_fscore_support(true, predicted, labels=numbers, zero_division=np.nan)
    for ours, theirs in zip((matrix.precision, matrix.recall, matrix.f1), by_class[:3], strict=True):
        np.testing.assert_allclose(ours, theirs)


@unhurried
@given(matrices())
def test_figures_of_each_class_follow_from_its_own_two_by_two_table(matrix: ConfusionMatrix) -> None:
    true, predicted = labels_of(matrix.counts)
    for i in range(len(matrix.classes)):
        one = ConfusionMatrix.from_labels((true == i).astype(int), (predicted == i).astype(int), ("others", "it"))
        for name in OF_EACH_CLASS:
            np.testing.assert_array_equal(getattr(one, name)[1], getattr(matrix, name)[i])
        np.testing.assert_array_equal(one.sensitivity[0], matrix.specificity[i])
        np.testing.assert_array_equal(one.precision[0], matrix.negative_predictive_value[i])


@unhurried
@given(matrices())
def test_every_matrix_can_be_reported(matrix: ConfusionMatrix) -> None:
    json.dumps(matrix.to_dict(), allow_nan=False)
    assert max(map(len, matrix.to_text().splitlines())) <= 100


# Interval and tests


def test_interval_equals_binom_test() -> None:
    """R: binom.test(9, 24)$conf.int is 0.1879929 0.5940636."""
    matrix = ConfusionMatrix(np.array([[4, 10], [5, 5]]), ("no", "yes"))
    assert matrix.accuracy_interval == pytest.approx((0.1879929, 0.5940636), abs=5e-8)


def test_interval_of_all_right_and_all_wrong() -> None:
    """By hand: with all n right only the lower bound is in doubt, low^n = 0.025."""
    right = ConfusionMatrix(np.array([[4, 0], [0, 6]]), ("no", "yes"))
    wrong = ConfusionMatrix(np.array([[0, 4], [6, 0]]), ("no", "yes"))
    assert right.accuracy_interval == pytest.approx((0.025**0.1, 1.0))
    assert wrong.accuracy_interval == pytest.approx((0.0, 1 - 0.025**0.1))
    assert wrong.p_value == 1.0


@unhurried
@given(matrices())
def test_interval_bounds_have_the_tail_probabilities_they_promise(matrix: ConfusionMatrix) -> None:
    low, high = matrix.accuracy_interval
    right, n = matrix.correct, matrix.examples
    assert low <= matrix.accuracy <= high
    if right > 0:
        assert binomial_tail(right, n, low) == pytest.approx(0.025, rel=1e-6)
    if right < n:
        assert 1 - binomial_tail(right + 1, n, high) == pytest.approx(0.025, rel=1e-6)


def binomial_tail(successes: int, trials: int, probability: float) -> float:
    """P(X >= successes), added up term by term."""
    x = np.arange(successes, trials + 1)
    log_ways = special.gammaln(trials + 1) - special.gammaln(x + 1) - special.gammaln(trials - x + 1)
    log_terms = log_ways + special.xlogy(x, probability) + special.xlog1py(trials - x, -probability)
    return float(np.exp(log_terms).sum())


@unhurried
@given(matrices())
def test_p_value_is_the_binomial_tail(matrix: ConfusionMatrix) -> None:
    tail = binomial_tail(matrix.correct, matrix.examples, matrix.no_information_rate)
    assert matrix.p_value == pytest.approx(tail, rel=1e-6)


def test_p_value_of_one_class_alone_is_one() -> None:
    matrix = ConfusionMatrix(np.array([[7, 3], [0, 0]]), ("no", "yes"))
    assert matrix.no_information_rate == 1.0
    assert matrix.p_value == 1.0


def test_mcnemar_of_two_classes_is_corrected_for_continuity() -> None:
    """By hand: (|86 - 150| - 1)^2 / (86 + 150) = 16.82, and one degree of freedom is a normal variable squared."""
    matrix = ConfusionMatrix(np.array([[794, 150], [86, 570]]), ("approve", "disapprove"))
    statistic = 63**2 / 236
    assert matrix.mcnemar_p_value == pytest.approx(math.erfc(math.sqrt(statistic / 2)), rel=1e-12)


def test_mcnemar_of_two_classes_mixed_up_equally_is_one() -> None:
    matrix = ConfusionMatrix(np.array([[7, 5], [5, 2]]), ("no", "yes"))
    assert matrix.mcnemar_p_value == 1.0


def test_mcnemar_of_three_classes_is_bowkers_test() -> None:
    """By hand: (10 - 4)^2 / 14 + (3 - 9)^2 / 12 + (8 - 2)^2 / 10 = 9.1714 with 3 degrees of freedom, no correction."""
    matrix = ConfusionMatrix(np.array([[20, 10, 3], [4, 30, 8], [9, 2, 25]]), ("a", "b", "c"))
    x = 36 / 14 + 36 / 12 + 36 / 10
    tail = math.erfc(math.sqrt(x / 2)) + math.sqrt(2 * x / math.pi) * math.exp(-x / 2)
    assert matrix.mcnemar_p_value == pytest.approx(tail, rel=1e-12)


@pytest.mark.parametrize("counts", [[[5, 0], [0, 5]], [[5, 1, 2], [1, 5, 0], [3, 0, 5]]])
def test_mcnemar_is_undefined_if_two_classes_were_never_mixed_up(counts: list[list[int]]) -> None:
    matrix = ConfusionMatrix(np.array(counts), names(len(counts)))
    assert math.isnan(matrix.mcnemar_p_value)


# What is undefined


def test_a_class_never_predicted_has_no_precision() -> None:
    matrix = ConfusionMatrix(np.array([[3, 0], [2, 0]]), ("no", "yes"))
    assert math.isnan(matrix.precision[1])
    assert math.isnan(matrix.negative_predictive_value[0])
    assert (matrix.recall[1], matrix.f1[1], matrix.balanced_accuracy[1]) == (0, 0, 0.5)
    assert matrix.average("macro").precision == pytest.approx(0.6 / 2)
    assert matrix.average("weighted").precision == pytest.approx(0.6 * 3 / 5)


def test_a_class_without_examples_has_no_sensitivity() -> None:
    matrix = ConfusionMatrix(np.array([[3, 2], [0, 0]]), ("no", "yes"))
    assert math.isnan(matrix.sensitivity[1])
    assert math.isnan(matrix.specificity[0])
    assert np.isnan(matrix.balanced_accuracy).all()
    assert (matrix.precision[1], matrix.f1[1], matrix.prevalence[1]) == (0, 0, 0)


def test_what_is_undefined_is_none_in_the_dictionary_and_not_available_in_the_text() -> None:
    matrix = ConfusionMatrix(np.array([[3, 0], [0, 0]]), ("no", "yes"))
    report = matrix.to_dict()
    assert report["kappa"] is None
    assert report["mcnemar_p_value"] is None
    assert report["by_class"][1] == {
        "class": "yes",
        "examples": 0,
        "sensitivity": None,
        "specificity": 1.0,
        "positive_predictive_value": None,
        "negative_predictive_value": 1.0,
        "prevalence": 0.0,
        "detection_rate": 0.0,
        "detection_prevalence": 0.0,
        "balanced_accuracy": None,
        "precision": None,
        "recall": None,
        "f1": None,
    }
    assert "n/a" in matrix.to_text()
    assert "nan" not in matrix.to_text().lower()


# Reports

SMALL_REPORT = """\
Confusion matrix: true classes down, predicted classes across

      predicted
true  cat  dog
cat    40    3
dog     1   56

Overall

Examples                           100
Accuracy                           0.9600
95 % interval                      0.9007 to 0.9890
No-information rate                0.5700
P-value, accuracy above that rate  < 2.2e-16
Cohen's kappa                      0.9179
P-value, McNemar's test            0.6171

Precision and recall

class             precision  recall      F1  examples
cat                  0.9756  0.9302  0.9524        43
dog                  0.9492  0.9825  0.9655        57
micro average        0.9600  0.9600  0.9600       100
macro average        0.9624  0.9563  0.9589       100
weighted average     0.9605  0.9600  0.9599       100

Each class against all others

                                 pos pred  neg pred              detection   detection  balanced
class  sensitivity  specificity     value     value  prevalence       rate  prevalence  accuracy
cat         0.9302       0.9825    0.9756    0.9492      0.4300     0.4000      0.4100    0.9563
dog         0.9825       0.9302    0.9492    0.9756      0.5700     0.5600      0.5900    0.9563"""


def test_text_says_what_is_where() -> None:
    assert ConfusionMatrix(np.array([[40, 3], [1, 56]]), ("cat", "dog")).to_text() == SMALL_REPORT


def test_ten_long_names_fit_one_block_and_stay_apart() -> None:
    classes = tuple(f"photograph_of_animal_{letter}" for letter in "abcdefghij")
    report = ConfusionMatrix(np.full((10, 10), 1234), classes).to_text()
    assert max(map(len, report.splitlines())) <= 100
    assert report.count("predicted\n") == 1
    assert "…" in report
    heads = report.splitlines()[3].split()
    assert len(set(heads)) == 11


@pytest.mark.parametrize("classes", [26, 62, 100])
def test_many_classes_are_shown_in_blocks(classes: int) -> None:
    counts = np.arange(classes**2).reshape(classes, classes)
    report = ConfusionMatrix(counts, names(classes)).to_text()
    assert max(map(len, report.splitlines())) <= 100
    matrix_text = report.split("Overall")[0]
    cells = [cell for row in re.findall(r"^class \d+ (.*)$", matrix_text, re.MULTILINE) for cell in row.split()]
    assert sorted(map(int, cells)) == list(range(classes**2))


# What is passed in


def test_small_integer_types_do_not_overflow() -> None:
    classes = names(200)
    true = np.array([199, 198], dtype=np.uint8)
    matrix = ConfusionMatrix.from_labels(true, [199, 0], classes)
    assert (matrix.counts[199, 199], matrix.counts[198, 0], matrix.examples) == (1, 1, 2)
    tiny = ConfusionMatrix(np.array([[100, 100], [100, 100]], dtype=np.uint8), ("a", "b"))
    assert tiny.examples == 400
    assert tiny.sensitivity.tolist() == [0.5, 0.5]


def test_counts_are_a_copy_that_cannot_be_written() -> None:
    counts = np.array([[1, 2], [3, 4]])
    matrix = ConfusionMatrix(counts, ("a", "b"))
    counts[0, 0] = 9
    assert matrix.counts[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        matrix.counts[0, 0] = 9


@pytest.mark.parametrize(
    ("counts", "classes", "message"),
    [
        ([[1]], ("a",), "two or more classes"),
        ([[1, 2], [3, 4]], ("a", "a"), "different names"),
        ([[1, 2, 3], [4, 5, 6]], ("a", "b"), r"shape \(2, 3\); 2 classes need \(2, 2\)"),
        ([[1, 2], [3, 4]], ("a", "b", "c"), "3 classes need"),
        ([[1, -2], [3, 4]], ("a", "b"), "-2"),
        ([[1.0, 2.0], [3.0, 4.0]], ("a", "b"), "whole numbers"),
        ([[0, 0], [0, 0]], ("a", "b"), "empty"),
    ],
)
def test_matrices_that_are_none(counts: npt.ArrayLike, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ConfusionMatrix(np.asarray(counts), classes)


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([], [], r"true classes have shape \(0,\)"),
        ([[0], [1]], [0, 1], r"true classes have shape \(2, 1\)"),
        ([0, 1], [0.0, 1.0], "predicted classes are of type float64"),
        ([0, 1], [0, 2], "predicted classes run from 0 to 2; 2 classes have 0 to 1"),
        ([-1, 1], [0, 1], "true classes run from -1 to 1"),
        ([0, 1], [0, 1, 1], "2 true classes, but 3 predicted"),
    ],
)
def test_labels_that_cannot_be_counted(true: npt.ArrayLike, predicted: npt.ArrayLike, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ConfusionMatrix.from_labels(true, predicted, ("a", "b"))


def test_labels_with_too_few_classes() -> None:
    with pytest.raises(InputError, match="two or more classes"):
        ConfusionMatrix.from_labels([0], [0], ("a",))


def test_unknown_averaging() -> None:
    averaging: Any = "samples"
    with pytest.raises(InputError, match="micro, macro, weighted"):
        ConfusionMatrix(np.eye(2, dtype=int), ("a", "b")).average(averaging)
