"""Confusion matrices and their figures as scikit-learn and caret printed them, of networks trained on MNIST."""

import json
import math
import re

import numpy as np
import pytest

from sfumato.evaluation import ConfusionMatrix

DIGITS = tuple("0123456789")

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


@pytest.mark.parametrize("text", [PYTHON_TRAINING, PYTHON_TEST])
def test_ten_digits_fit_one_block_of_a_hundred_columns(text: str) -> None:
    report = python_matrix(text).to_text()
    assert max(map(len, report.splitlines())) <= 100
    assert report.count("predicted\n") == 1


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    caret_matrix(CARET_TEST).to_text()
    assert capsys.readouterr() == ("", "")
