"""The evaluation against the figures that the reference prints, scikit-learn, and hand computation."""

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
from sfumato.evaluation import Averaging, ConfusionMatrix, RegressionReport

DIGITS = tuple("0123456789")

unhurried = settings(deadline=None)  # scikit-learn takes its time on a busy machine

# Part 5, section 3: 784-15-9-10 with softmax on MNIST, by scikit-learn: the true class down.

PYTHON_TRAINING = """
5854    0   19    2   10    7    0    1   24    6
   1 6659   30   10    5    3    0   14   20    0
  20   24 5805   18    6   11    2   32   37    3
   5    4  175 5783    1   27    1   58   60   17
   1   21    9    0 5780    0    5    2   12   12
  29    9   21  224    6 4824   18   17  245   28
   5    4   22    1   32   12 5799    0   43    0
   3   13  148  154   18    3    0 5883    4   39
  11   34   30   21   13   16    4    7 5703   12
  10    4    1   32  135   14    1   92  134 5526
"""
PYTHON_TEST = """
 954    1    8    0    3    3    2    4    4    1
   0 1107    6    5    0    0    1    2   14    0
  11    7  957   10    5    0    5   20   16    1
   2    3   37  925    3   13    0    8   18    1
   2    6    1    1  944    0    7    3    4   14
  12    5    4   45    2  740   24    8   42   10
   8    4    4    2   16    9  903    0   12    0
   4   10   27   18    5    1    0  940    1   22
  11   13    6   13    9   10    7    2  900    3
   8    5    1    7   50    7    0   20   29  882
"""

# Part 5, section 6: 784-15-9-10 with softmax on MNIST, by R's caret: the predicted class down.

CARET_TRAINING = """
Confusion Matrix and Statistics

          Reference
Prediction    0    1    2    3    4    5    6    7    8    9
         0 5738    1   21    5   16   17    7   15    9   43
         1    5 6632   21   24   25    3    2   33   13  392
         2   12   32 5747  106   25   28    3   27   44 4779
         3    0   27   12 5715    1   21    1   20    1   13
         4   10    5   21   18 5677    9   17   30   15  166
         5  142   21   96  136   93 5306 5884   43   60  413
         6    0    0    0    0    0    0    0    0    0    0
         7    6    9   13   13    3    4    0 6085    0   55
         8    8   12    7   43    1   32    2    7 5703   69
         9    2    3   20   71    1    1    2    5    6   19

Overall Statistics

               Accuracy : 0.777
                 95% CI : (0.7737, 0.7804)
    No Information Rate : 0.1124
    P-Value [Acc > NIR] : < 2.2e-16

                  Kappa : 0.7524
 Mcnemar's Test P-Value : NA

Statistics by Class:

                     Class: 0 Class: 1 Class: 2 Class: 3 Class: 4 Class: 5 Class: 6
Sensitivity           0.96877   0.9837  0.96459  0.93215  0.97176  0.97879  0.00000
Specificity           0.99752   0.9903  0.90644  0.99822  0.99463  0.87380  1.00000
Pos Pred Value        0.97718   0.9276  0.53198  0.98348  0.95124  0.43513      NaN
Neg Pred Value        0.99658   0.9979  0.99571  0.99232  0.99695  0.99759  0.90137
Prevalence            0.09872   0.1124  0.09930  0.10218  0.09737  0.09035  0.09863
Detection Rate        0.09563   0.1105  0.09578  0.09525  0.09462  0.08843  0.00000
Detection Prevalence  0.09787   0.1192  0.18005  0.09685  0.09947  0.20323  0.00000
Balanced Accuracy     0.98314   0.9870  0.93551  0.96518  0.98319  0.92629  0.50000
                     Class: 7 Class: 8  Class: 9
Sensitivity            0.9713  0.97471 0.0031938
Specificity            0.9981  0.99666 0.9979464
Pos Pred Value         0.9834  0.96924 0.1461538
Neg Pred Value         0.9967  0.99727 0.9009521
Prevalence             0.1044  0.09752 0.0991500
Detection Rate         0.1014  0.09505 0.0003167
Detection Prevalence   0.1031  0.09807 0.0021667
Balanced Accuracy      0.9847  0.98568 0.5005701
"""
CARET_TEST = """
Confusion Matrix and Statistics

          Reference
Prediction    0    1    2    3    4    5    6    7    8    9
         0  950    2    2    3    0    6    9    4    7    6
         1    3 1110    4    2    9    0    3   12    5   74
         2    2    6  965   21    9   14    5   16   12  789
         3    1    2    9  908    2   16    0   21    2    6
         4    0    1    9    5  938    1    8    6    8   39
         5   19    5   25   35   20  835  929    8   54   67
         6    0    0    0    0    0    0    0    0    0    0
         7    4    4    7   10    2    4    0  952    5    6
         8    1    5    8   14    2   16    2    3  876   21
         9    0    0    3   12    0    0    2    6    5    1

Overall Statistics

               Accuracy : 0.7535
                 95% CI : (0.7449, 0.7619)
    No Information Rate : 0.1135
    P-Value [Acc > NIR] : < 2.2e-16

                  Kappa : 0.7262
 Mcnemar's Test P-Value : NA

Statistics by Class:

                     Class: 0 Class: 1 Class: 2 Class: 3 Class: 4 Class: 5 Class: 6
Sensitivity            0.9694   0.9780   0.9351   0.8990   0.9552   0.9361   0.0000
Specificity            0.9957   0.9874   0.9025   0.9934   0.9915   0.8724   1.0000
Pos Pred Value         0.9606   0.9083   0.5247   0.9390   0.9241   0.4181      NaN
Neg Pred Value         0.9967   0.9972   0.9918   0.9887   0.9951   0.9929   0.9042
Prevalence             0.0980   0.1135   0.1032   0.1010   0.0982   0.0892   0.0958
Detection Rate         0.0950   0.1110   0.0965   0.0908   0.0938   0.0835   0.0000
Detection Prevalence   0.0989   0.1222   0.1839   0.0967   0.1015   0.1997   0.0000
Balanced Accuracy      0.9825   0.9827   0.9188   0.9462   0.9733   0.9043   0.5000
                     Class: 7 Class: 8  Class: 9
Sensitivity            0.9261   0.8994 0.0009911
Specificity            0.9953   0.9920 0.9968858
Pos Pred Value         0.9577   0.9241 0.0344828
Neg Pred Value         0.9916   0.9892 0.8989068
Prevalence             0.1028   0.0974 0.1009000
Detection Rate         0.0952   0.0876 0.0001000
Detection Prevalence   0.0994   0.0948 0.0029000
Balanced Accuracy      0.9607   0.9457 0.4989384
"""

CARET_NAMES = {
    "Sensitivity": "sensitivity",
    "Specificity": "specificity",
    "Pos Pred Value": "positive_predictive_value",
    "Neg Pred Value": "negative_predictive_value",
    "Prevalence": "prevalence",
    "Detection Rate": "detection_rate",
    "Detection Prevalence": "detection_prevalence",
    "Balanced Accuracy": "balanced_accuracy",
}


def python_matrix(text: str) -> ConfusionMatrix:
    return ConfusionMatrix(np.array([line.split() for line in text.strip().splitlines()], dtype=np.int64), DIGITS)


def caret_matrix(text: str) -> ConfusionMatrix:
    rows = [line.split()[1:] for line in text.splitlines() if re.fullmatch(r" +\d( +\d+){10}", line)]
    return ConfusionMatrix(np.array(rows, dtype=np.int64).T, DIGITS)


def overall_figure(text: str, name: str) -> str:
    return next(line.split(" : ")[1].strip() for line in text.splitlines() if line.strip().startswith(f"{name} : "))


def class_figures(text: str, name: str) -> list[str]:
    """The figures of all classes: caret breaks its table into two parts, so every name comes twice."""
    return [figure for line in text.splitlines() if line.startswith(f"{name} ") for figure in line[len(name) :].split()]


def as_printed(value: float, printed: str) -> str:
    """The value with as many digits after the point as the printed figure."""
    return "NaN" if math.isnan(value) else f"{value:.{len(printed.partition('.')[2])}f}"


@pytest.mark.parametrize(
    ("text", "printed", "examples"), [(PYTHON_TRAINING, "0.96", 60000), (PYTHON_TEST, "0.93", 10000)]
)
def test_figures_printed_by_python(text: str, printed: str, examples: int) -> None:
    matrix = python_matrix(text)
    assert matrix.examples == examples
    precision, recall, _ = matrix.average("micro")
    assert [as_printed(value, printed) for value in (matrix.accuracy, precision, recall)] == [printed] * 3


@pytest.mark.parametrize(("text", "examples"), [(CARET_TRAINING, 60000), (CARET_TEST, 10000)])
def test_overall_figures_printed_by_caret(text: str, examples: int) -> None:
    matrix = caret_matrix(text)
    assert matrix.examples == examples
    for name, value in (
        ("Accuracy", matrix.accuracy),
        ("No Information Rate", matrix.no_information_rate),
        ("Kappa", matrix.kappa),
    ):
        printed = overall_figure(text, name)
        assert as_printed(value, printed) == printed, name
    low, high = overall_figure(text, "95% CI").strip("()").split(", ")
    assert [as_printed(value, low) for value in matrix.accuracy_interval] == [low, high]
    assert overall_figure(text, "P-Value [Acc > NIR]") == "< 2.2e-16"
    assert matrix.p_value < 2.2e-16
    assert "< 2.2e-16" in matrix.to_text()
    assert overall_figure(text, "Mcnemar's Test P-Value") == "NA"
    assert math.isnan(matrix.mcnemar_p_value)


@pytest.mark.parametrize("text", [CARET_TRAINING, CARET_TEST])
@pytest.mark.parametrize("name", CARET_NAMES)
def test_class_figures_printed_by_caret(text: str, name: str) -> None:
    printed = class_figures(text, name)
    values = getattr(caret_matrix(text), CARET_NAMES[name])
    assert len(printed) == 10
    assert [as_printed(value, figure) for value, figure in zip(values, printed, strict=True)] == printed


def test_the_reference_matrices_are_of_the_same_examples() -> None:
    pairs = ((PYTHON_TRAINING, CARET_TRAINING), (PYTHON_TEST, CARET_TEST))
    for python, caret in pairs:
        assert np.array_equal(python_matrix(python).prevalence, caret_matrix(caret).prevalence)


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
        for name in CARET_NAMES.values():
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


def test_dictionary_is_plain_and_complete() -> None:
    matrix = caret_matrix(CARET_TEST)
    report = json.loads(json.dumps(matrix.to_dict(), allow_nan=False))
    assert report == matrix.to_dict()
    assert report["counts"] == matrix.counts.tolist()
    assert report["accuracy"] == 0.7535
    assert report["accuracy_interval"] == list(matrix.accuracy_interval)
    assert [entry["class"] for entry in report["by_class"]] == list(DIGITS)
    assert report["by_class"][6]["precision"] is None
    assert report["averages"]["macro"]["recall"] == pytest.approx(matrix.recall.mean())


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


@pytest.mark.parametrize("text", [PYTHON_TRAINING, PYTHON_TEST])
def test_ten_digits_fit_one_block_of_a_hundred_columns(text: str) -> None:
    report = python_matrix(text).to_text()
    assert max(map(len, report.splitlines())) <= 100
    assert report.count("predicted\n") == 1


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


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    caret_matrix(CARET_TEST).to_text()
    assert capsys.readouterr() == ("", "")


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


# Regression

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
