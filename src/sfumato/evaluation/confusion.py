"""Confusion matrices and their statistics.

The statistics of a confusion matrix are those of `confusionMatrix` in R's caret and of scikit-learn's metrics, under
their names and by their definitions. A ratio with nothing to divide by (the precision of a class that was never
predicted) is NaN and never a guess.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from sfumato.arrays import Array
from sfumato.checks import one_of
from sfumato.display import html_table
from sfumato.errors import InputError
from sfumato.evaluation.formatting import (
    LONGEST_NAME,
    counts_table,
    json_number,
    number,
    p_value,
    pairs,
    shorten,
    table,
)

Averaging = Literal["micro", "macro", "weighted"]
AVERAGINGS: tuple[Averaging, ...] = get_args(Averaging)

MEASURES_BY_CLASS = (
    "sensitivity",
    "specificity",
    "positive_predictive_value",
    "negative_predictive_value",
    "prevalence",
    "detection_rate",
    "detection_prevalence",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
)
"""Measures of a confusion matrix by class: the names of its properties, each an array (classes,)."""

CONFIDENCE = 0.95


class Average(NamedTuple):
    """Precision, recall and F1 over all classes."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Counts of true against predicted classes, and all their statistics.

    What is given "by class" is an array with one entry for each class in turn, (classes,), that class against all
    others: its examples are the positive ones. With two classes both are given, where caret shows the first alone.

    Attributes:
        counts: Number of examples, (classes, classes): the true class down, the predicted one across, as scikit-learn
            has it; caret's tables are the transpose. Kept as a read-only int64 copy.
        classes: Names of the classes, at least two.

    Raises:
        InputError: if counts are not a square of non-negative whole numbers with at least one example, or the names do
            not fit them or repeat.
    """

    counts: Array
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        counts = np.array(self.counts)
        k = len(self.classes)
        if k < 2 or len(set(self.classes)) < k:
            raise InputError(f"a confusion matrix needs two or more classes of different names, not {self.classes!r}")
        if counts.shape != (k, k):
            raise InputError(f"the counts have shape {counts.shape}; {k} classes need ({k}, {k})")
        if counts.dtype.kind not in "iu":
            raise InputError(f"the counts are of type {counts.dtype}; give whole numbers")
        if counts.min() < 0:
            raise InputError(f"one of the counts is {counts.min()}; none can be negative")
        if not counts.any():
            raise InputError("the confusion matrix is empty; give at least one example")
        counts = counts.astype(np.int64)
        counts.setflags(write=False)
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "classes", tuple(self.classes))

    @classmethod
    def from_labels(cls, true: npt.ArrayLike, predicted: npt.ArrayLike, classes: tuple[str, ...]) -> "ConfusionMatrix":
        """Count the examples of each true and predicted class.

        >>> matrix = ConfusionMatrix.from_labels([0, 0, 1, 1], [0, 1, 1, 1], ("no", "yes"))
        >>> matrix.counts.tolist(), matrix.accuracy
        ([[1, 1], [0, 2]], 0.75)

        Args:
            true: Number of each example's class, an index into `classes`, (n,).
            predicted: Number of the class it was taken for, (n,).
            classes: Names of the classes, those without examples included.

        Raises:
            InputError: if the two differ in length, are empty, or are not indices into `classes`.
        """
        k = len(classes)
        rows, columns = _indices(true, "true", k), _indices(predicted, "predicted", k)
        if len(rows) != len(columns):
            raise InputError(f"there are {len(rows)} true classes, but {len(columns)} predicted ones")
        return cls(np.bincount(rows * k + columns, minlength=k * k).reshape(k, k), tuple(classes))

    # Overall

    @property
    def examples(self) -> int:
        """Number of examples."""
        return int(self.counts.sum())

    @property
    def correct(self) -> int:
        """Number of correct predictions."""
        return int(np.trace(self.counts))

    @property
    def accuracy(self) -> float:
        """Share of correct predictions."""
        return self.correct / self.examples

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Exact 95 % confidence interval of the accuracy (Clopper and Pearson 1934; R's binom.test)."""
        from scipy import special  # takes a fifth of a second to import

        right, wrong = self.correct, self.examples - self.correct
        tail = (1 - CONFIDENCE) / 2
        low = float(special.betaincinv(right, wrong + 1, tail)) if right else 0.0
        high = float(special.betaincinv(right + 1, wrong, 1 - tail)) if wrong else 1.0
        return low, high

    @property
    def no_information_rate(self) -> float:
        """Accuracy of always predicting the commonest class: the largest prevalence."""
        return float(self.prevalence.max())

    @property
    def p_value(self) -> float:
        """Probability of so many correct predictions or more, if the accuracy were the no-information rate.

        The one-sided exact binomial test that caret makes, R's binom.test(alternative = "greater").
        """
        from scipy import special

        return float(special.bdtrc(self.correct - 1, self.examples, self.no_information_rate))

    @property
    def kappa(self) -> float:
        """Cohen's kappa, (p - e) / (1 - e), with accuracy p and the accuracy e that chance alone would give.

        NaN where chance alone would be always right: one class is the only true and the only predicted one.
        """
        n = self.examples
        chance = float((self._true / n) @ (self._predicted / n))
        return math.nan if chance == 1 else (self.accuracy - chance) / (1 - chance)

    @property
    def mcnemar_p_value(self) -> float:
        """P-value of McNemar's test, R's mcnemar.test: whether i is taken for j as often as j for i, for all i and j.

        With c_ij examples of class i predicted as j, the sum over pairs i < j of (c_ij - c_ji)^2 / (c_ij + c_ji)
        follows a chi-squared distribution of classes (classes - 1) / 2 degrees of freedom (Bowker 1948). For two
        classes the difference is corrected for continuity, |c_ij - c_ji| - 1 unless it is zero (McNemar 1947, Yates).

        NaN where some pair of classes was never mixed up, as the sum then has a term 0 / 0; R gives NA.
        """
        from scipy import special

        k = len(self.classes)
        upper = np.triu_indices(k, 1)
        differences = np.abs(self.counts - self.counts.T)[upper]
        totals = (self.counts + self.counts.T)[upper]
        if not totals.all():
            return math.nan
        if k == 2:
            differences = np.maximum(0, differences - 1)
        statistic = float((differences.astype(np.float64) ** 2 / totals).sum())
        return float(special.chdtrc(k * (k - 1) // 2, statistic))

    # By class

    @property
    def sensitivity(self) -> Array:
        """Share of hits in the examples of the class, by class; NaN for a class without examples."""
        return _ratio(self._hits, self._true)

    @property
    def specificity(self) -> Array:
        """Share of the other classes' examples predicted as "not this class", by class; NaN without such examples."""
        return _ratio(self._rejections, self.examples - self._true)

    @property
    def positive_predictive_value(self) -> Array:
        """Share of hits in the predictions of the class, by class; NaN for a class never predicted."""
        return _ratio(self._hits, self._predicted)

    @property
    def negative_predictive_value(self) -> Array:
        """Share of correct ones in the predictions "not this class", by class; NaN without such predictions."""
        return _ratio(self._rejections, self.examples - self._predicted)

    @property
    def prevalence(self) -> Array:
        """Share of the class in all examples, by class."""
        return self._true / self.examples

    @property
    def detection_rate(self) -> Array:
        """Share of the hits of the class in all examples, by class."""
        return self._hits / self.examples

    @property
    def detection_prevalence(self) -> Array:
        """Share of the predictions of the class in all examples, by class."""
        return self._predicted / self.examples

    @property
    def balanced_accuracy(self) -> Array:
        """Mean of sensitivity and specificity, by class; NaN with either of them. A class never predicted has 1/2."""
        return (self.sensitivity + self.specificity) / 2

    @property
    def precision(self) -> Array:
        """The positive predictive value under its other name, by class."""
        return self.positive_predictive_value

    @property
    def recall(self) -> Array:
        """The sensitivity under its other name, by class."""
        return self.sensitivity

    @property
    def f1(self) -> Array:
        """Harmonic mean of precision and recall, by class: 2 hits / (examples + predictions of the class).

        NaN only for a class without either; a class with one but not the other has precision or recall undefined, no
        hits, and 0.
        """
        return _ratio(2 * self._hits, self._true + self._predicted)

    # Averages

    def average(self, averaging: Averaging) -> Average:
        """Precision, recall and F1 over all classes, as scikit-learn's precision_recall_fscore_support.

        A class for which one of them is undefined counts as zero in its mean, scikit-learn's zero_division=0.

        Args:
            averaging: "micro" counts all examples alike, which makes all three the accuracy; "macro" takes the plain
                mean over classes, "weighted" the mean weighted by their numbers of examples.

        Raises:
            InputError: for any other averaging.
        """
        one_of("averaging", averaging, AVERAGINGS)
        if averaging == "micro":
            return Average(self.accuracy, self.accuracy, self.accuracy)
        weights = self._true if averaging == "weighted" else None
        values = (self.precision, self.recall, self.f1)
        return Average(*(float(np.average(np.nan_to_num(value), weights=weights)) for value in values))

    # Reports

    def __repr__(self) -> str:
        return f"ConfusionMatrix({self.examples} examples, {len(self.classes)} classes, accuracy {self.accuracy:.4f})"

    def _repr_html_(self) -> str:
        rows = [(name, *map(str, row)) for name, row in zip(self.classes, self.counts.tolist(), strict=True)]
        caption = f"accuracy {self.accuracy:.4f} on {self.examples} examples; true classes down, predicted ones across"
        return html_table(("", *self.classes), rows, caption)

    def to_text(self) -> str:
        """Format the matrix and its statistics as text of at most 100 columns.

        P-values under 2.2e-16 are "< 2.2e-16", and NaN is "n/a". A matrix too wide is shown in blocks of columns; long
        names are cut.
        """
        names = [shorten(name, LONGEST_NAME) for name in self.classes]
        title = "Confusion matrix: true classes down, predicted classes across"
        tables = (_overall(self), _precision_and_recall(self, names), _by_class(self, names))
        return "\n\n".join([counts_table(title, self.counts, names), *tables])

    def to_dict(self) -> dict[str, Any]:
        """Return the matrix and its statistics in plain Python types, ready for JSON; NaN as None."""
        columns = {name: getattr(self, name).tolist() for name in MEASURES_BY_CLASS}
        return {
            "classes": list(self.classes),
            "counts": self.counts.tolist(),
            "examples": self.examples,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "no_information_rate": self.no_information_rate,
            "p_value": self.p_value,
            "kappa": json_number(self.kappa),
            "mcnemar_p_value": json_number(self.mcnemar_p_value),
            "by_class": [
                {"class": name, "examples": int(self._true[i])}
                | {measure: json_number(column[i]) for measure, column in columns.items()}
                for i, name in enumerate(self.classes)
            ],
            "averages": {averaging: self.average(averaging)._asdict() for averaging in AVERAGINGS},
        }

    @property
    def _true(self) -> Array:
        """Number of examples, by class."""
        totals: Array = self.counts.sum(axis=1)
        return totals

    @property
    def _predicted(self) -> Array:
        """Number of predictions, by class."""
        totals: Array = self.counts.sum(axis=0)
        return totals

    @property
    def _hits(self) -> Array:
        """True positives, by class."""
        return np.diagonal(self.counts)

    @property
    def _rejections(self) -> Array:
        """True negatives, by class."""
        return self.examples - self._true - self._predicted + self._hits


def _overall(matrix: ConfusionMatrix) -> str:
    low, high = matrix.accuracy_interval
    rows = {
        "Examples": str(matrix.examples),
        "Accuracy": number(matrix.accuracy),
        "95 % interval": f"{number(low)} to {number(high)}",
        "No-information rate": number(matrix.no_information_rate),
        "P-value, accuracy above that rate": p_value(matrix.p_value),
        "Cohen's kappa": number(matrix.kappa),
        "P-value, McNemar's test": p_value(matrix.mcnemar_p_value),
    }
    return pairs("Overall", rows)


def _precision_and_recall(matrix: ConfusionMatrix, names: list[str]) -> str:
    columns = (matrix.precision, matrix.recall, matrix.f1)
    rows = [
        [name, *map(number, values), str(examples)]
        for name, *values, examples in zip(names, *columns, matrix.counts.sum(axis=1), strict=True)
    ]
    averages = {name: matrix.average(name) for name in AVERAGINGS}
    rows += [[f"{name} average", *map(number, average), str(matrix.examples)] for name, average in averages.items()]
    return table("Precision and recall", ("class", "precision", "recall", "F1", "examples"), rows)


def _by_class(matrix: ConfusionMatrix, names: list[str]) -> str:
    columns = {
        "sensitivity": matrix.sensitivity,
        "specificity": matrix.specificity,
        "pos pred\nvalue": matrix.positive_predictive_value,
        "neg pred\nvalue": matrix.negative_predictive_value,
        "prevalence": matrix.prevalence,
        "detection\nrate": matrix.detection_rate,
        "detection\nprevalence": matrix.detection_prevalence,
        "balanced\naccuracy": matrix.balanced_accuracy,
    }
    rows = [[name, *map(number, values)] for name, *values in zip(names, *columns.values(), strict=True)]
    return table("Each class against all others", ("class", *columns), rows)


def _indices(labels: npt.ArrayLike, what: str, classes: int) -> Array:
    """Check class numbers and return them as int64, so that row times column does not overflow."""
    array = np.asarray(labels)
    if array.ndim != 1 or not array.size:
        raise InputError(f"the {what} classes have shape {array.shape}; give one for each example, and at least one")
    if array.dtype.kind not in "iu":
        raise InputError(f"the {what} classes are of type {array.dtype}; give whole numbers that index the class names")
    if array.min() < 0 or array.max() >= classes:
        raise InputError(
            f"the {what} classes run from {array.min()} to {array.max()}; {classes} classes have 0 to {classes - 1}"
        )
    return array.astype(np.int64)


def _ratio(part: Array, whole: Array) -> Array:
    """Divide by the whole; NaN where the whole is zero."""
    ratio: Array = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)
    return ratio
