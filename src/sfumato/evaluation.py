"""How good predictions are: everything that can be read off a confusion matrix, and the errors of a regression.

The statistics of a confusion matrix are those of `confusionMatrix` in R's caret and of scikit-learn's metrics, under
their names and by their definitions. A ratio with nothing to divide by (the precision of a class that was never
predicted) is NaN and never a guess.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from sfumato.arrays import Array
from sfumato.errors import InputError

Averaging = Literal["micro", "macro", "weighted"]

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
"""What a confusion matrix has an array of, with an entry for each class."""

CONFIDENCE = 0.95
SMALLEST_P_VALUE = 2.2e-16
"""Smaller P-values are shown as "< 2.2e-16", the spacing of floating-point numbers at one, as R does."""

TEXT_WIDTH = 100
LONGEST_NAME = 16
SHORTEST_NAME = 6


class Average(NamedTuple):
    """Precision, recall and F1 over all classes."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """How often each class was predicted as each class.

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
        """Count examples.

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
        """Number of examples whose class was predicted."""
        return int(np.trace(self.counts))

    @property
    def accuracy(self) -> float:
        """Share of examples whose class was predicted."""
        return self.correct / self.examples

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Exact 95 % confidence interval of the accuracy (Clopper and Pearson 1934; R's binom.test)."""
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
        """Share of the class's examples predicted as it, by class; NaN for a class without examples."""
        return _ratio(self._hits, self._true)

    @property
    def specificity(self) -> Array:
        """Share of the other classes' examples not predicted as it, by class; NaN if there are no others."""
        return _ratio(self._rejections, self.examples - self._true)

    @property
    def positive_predictive_value(self) -> Array:
        """Share of the predictions of the class that are right, by class; NaN where it was never predicted."""
        return _ratio(self._hits, self._predicted)

    @property
    def negative_predictive_value(self) -> Array:
        """Share of the predictions of other classes whose example is of another, by class; NaN if there are none."""
        return _ratio(self._rejections, self.examples - self._predicted)

    @property
    def prevalence(self) -> Array:
        """Share of all examples that are of the class, by class."""
        return self._true / self.examples

    @property
    def detection_rate(self) -> Array:
        """Share of all examples that are of the class and predicted as it, by class."""
        return self._hits / self.examples

    @property
    def detection_prevalence(self) -> Array:
        """Share of all examples that are predicted as the class, by class."""
        return self._predicted / self.examples

    @property
    def balanced_accuracy(self) -> Array:
        """Mean of sensitivity and specificity, by class; NaN where either is. A class never predicted has 1/2."""
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
        if averaging not in get_args(Averaging):
            raise InputError(f"no averaging is called {averaging!r}; choose one of {', '.join(get_args(Averaging))}")
        if averaging == "micro":
            return Average(self.accuracy, self.accuracy, self.accuracy)
        weights = self._true if averaging == "weighted" else None
        values = (self.precision, self.recall, self.f1)
        return Average(*(float(np.average(np.nan_to_num(value), weights=weights)) for value in values))

    # Reports

    def to_text(self) -> str:
        """Everything as a text of at most 100 columns, P-values under 2.2e-16 as "< 2.2e-16" and NaN as "n/a".

        A matrix too wide for that is shown in blocks of columns; long names are cut.
        """
        return "\n\n".join([self._counts_text(), self._overall_text(), self._precision_text(), self._class_text()])

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain Python types, ready for JSON; NaN as None."""
        averagings: tuple[Averaging, ...] = get_args(Averaging)
        columns = {name: getattr(self, name).tolist() for name in MEASURES_BY_CLASS}
        return {
            "classes": list(self.classes),
            "counts": self.counts.tolist(),
            "examples": self.examples,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "no_information_rate": self.no_information_rate,
            "p_value": self.p_value,
            "kappa": _plain(self.kappa),
            "mcnemar_p_value": _plain(self.mcnemar_p_value),
            "by_class": [
                {"class": name, "examples": int(self._true[i])}
                | {measure: _plain(column[i]) for measure, column in columns.items()}
                for i, name in enumerate(self.classes)
            ],
            "averages": {averaging: self.average(averaging)._asdict() for averaging in averagings},
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

    @property
    def _names(self) -> list[str]:
        return [_cut(name, LONGEST_NAME) for name in self.classes]

    def _counts_text(self) -> str:
        """The matrix in as few blocks of columns as fit the width."""
        k = len(self.classes)
        label_width = max(map(len, [*self._names, "true"]))
        room = TEXT_WIDTH - label_width
        # Heads are rather cut down to SHORTEST_NAME than the matrix broken; with room to spare they stay whole.
        heads = [_cut(name, max(SHORTEST_NAME, room // k - 2)) for name in self._names]
        width = max(len(str(self.counts.max())), *map(len, heads)) + 2
        blocks = math.ceil(k / (room // width))
        texts = []
        for columns in np.array_split(np.arange(k), blocks):
            lines = [" " * (label_width + 2) + "predicted"]
            lines.append(f"{'true':{label_width}}" + "".join(f"{heads[j]:>{width}}" for j in columns))
            for name, row in zip(self._names, self.counts[:, columns], strict=True):
                lines.append(f"{name:{label_width}}" + "".join(f"{count:{width}}" for count in row))
            texts.append("\n".join(lines))
        return "Confusion matrix: true classes down, predicted classes across\n\n" + "\n\n".join(texts)

    def _overall_text(self) -> str:
        low, high = self.accuracy_interval
        rows = {
            "Examples": str(self.examples),
            "Accuracy": _number(self.accuracy),
            "95 % interval": f"{_number(low)} to {_number(high)}",
            "No-information rate": _number(self.no_information_rate),
            "P-value, accuracy above that rate": _p_value(self.p_value),
            "Cohen's kappa": _number(self.kappa),
            "P-value, McNemar's test": _p_value(self.mcnemar_p_value),
        }
        return _pairs("Overall", rows)

    def _precision_text(self) -> str:
        averagings: tuple[Averaging, ...] = get_args(Averaging)
        columns = (self.precision, self.recall, self.f1)
        rows = [
            [name, *map(_number, values), str(examples)]
            for name, *values, examples in zip(self._names, *columns, self._true, strict=True)
        ]
        for averaging in averagings:
            rows.append([f"{averaging} average", *map(_number, self.average(averaging)), str(self.examples)])
        return _table("Precision and recall", ("class", "precision", "recall", "F1", "examples"), rows)

    def _class_text(self) -> str:
        columns = {
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
            "pos pred\nvalue": self.positive_predictive_value,
            "neg pred\nvalue": self.negative_predictive_value,
            "prevalence": self.prevalence,
            "detection\nrate": self.detection_rate,
            "detection\nprevalence": self.detection_prevalence,
            "balanced\naccuracy": self.balanced_accuracy,
        }
        by_class = zip(self._names, *columns.values(), strict=True)
        rows = [[name, *map(_number, values)] for name, *values in by_class]
        return _table("Each class against all others", ("class", *columns), rows)


@dataclass(frozen=True)
class RegressionReport:
    """How far predicted values are from the true ones.

    Attributes:
        mean_squared_error: In the target's unit squared.
        root_mean_squared_error: In the target's unit.
        mean_absolute_error: In the target's unit.
        r_squared: 1 - (sum of squared errors) / (sum of squares about the true mean), the share of the variance that is
            predicted: 1 at best, 0 for always predicting the mean, negative for worse. NaN if all true values are
            equal.
        examples: Number of examples.

    Errors too large to be squared give infinity, and NaN as R squared.
    """

    mean_squared_error: float
    root_mean_squared_error: float
    mean_absolute_error: float
    r_squared: float
    examples: int

    @classmethod
    def from_predictions(cls, true: npt.ArrayLike, predicted: npt.ArrayLike) -> "RegressionReport":
        """Compare values.

        Args:
            true: True values, (n,).
            predicted: Predicted values, (n,).

        Raises:
            InputError: if the two differ in length, are empty, or are not finite numbers.
        """
        y, guess = _values(true, "true"), _values(predicted, "predicted")
        if len(y) != len(guess):
            raise InputError(f"there are {len(y)} true values, but {len(guess)} predicted ones")
        with np.errstate(over="ignore", invalid="ignore"):
            errors = guess - y
            squared, absolute = float(np.mean(errors**2)), float(np.mean(np.abs(errors)))
            # Equal values are asked for outright: rounding can give them a variance just above zero.
            variance = float(np.var(y)) if (y != y[0]).any() else 0.0
        r_squared = 1 - squared / variance if variance else math.nan
        return cls(squared, math.sqrt(squared), absolute, r_squared, len(y))

    def to_text(self) -> str:
        """The report as a text of a few lines, NaN as "n/a"."""
        rows = {
            "Examples": str(self.examples),
            "Mean squared error": f"{self.mean_squared_error:.6g}",
            "Root mean squared error": f"{self.root_mean_squared_error:.6g}",
            "Mean absolute error": f"{self.mean_absolute_error:.6g}",
            "R squared": _number(self.r_squared),
        }
        return _pairs("Regression", rows)

    def to_dict(self) -> dict[str, Any]:
        """The report in plain Python types, ready for JSON; NaN and infinity as None."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _indices(labels: npt.ArrayLike, what: str, classes: int) -> Array:
    """Class numbers as int64, in which a row and a column number multiply without overflow."""
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


def _values(values: npt.ArrayLike, what: str) -> Array:
    array = np.asarray(values)
    if array.ndim != 1 or not array.size:
        raise InputError(f"the {what} values have shape {array.shape}; give one for each example, and at least one")
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise InputError(f"the {what} values are not all finite numbers; leave out the examples that have none")
    return array.astype(np.float64)


def _ratio(part: Array, whole: Array) -> Array:
    """Part of the whole, NaN where the whole is zero."""
    ratio: Array = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole != 0)
    return ratio


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.4f}"


def _p_value(value: float) -> str:
    if math.isnan(value):
        return "n/a"
    return f"< {SMALLEST_P_VALUE:.1e}" if value < SMALLEST_P_VALUE else f"{value:.4g}"


def _cut(name: str, longest: int) -> str:
    """The name with its middle left out if it is too long, since names tend to differ at one of their ends."""
    tail = (longest - 1) // 2
    return name if len(name) <= longest else name[: longest - 1 - tail] + "…" + name[-tail:]


def _pairs(title: str, rows: dict[str, str]) -> str:
    width = max(map(len, rows)) + 2
    return "\n".join([title, "", *(f"{name:{width}}{value}" for name, value in rows.items())])


def _table(title: str, heads: tuple[str, ...], rows: list[list[str]]) -> str:
    """Rows under heads of one or two lines: names to the left, numbers to the right."""
    two_lines = [head.split("\n") if "\n" in head else ["", head] for head in heads]
    lines = [*map(list, zip(*two_lines, strict=True)), *rows]
    first, *widths = (max(map(len, column)) for column in zip(*lines, strict=True))
    roomy = first + sum(widths) + 2 * len(widths) <= TEXT_WIDTH
    gap = "  " if roomy else " "
    text = [
        gap.join([f"{name:{first}}", *(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))])
        for name, *cells in lines
        if any([name, *cells])
    ]
    return "\n".join([title, "", *text])
