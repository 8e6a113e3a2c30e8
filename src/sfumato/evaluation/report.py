"""A report on a model: what it does on examples, as text, as values and as a page."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.evaluation import ConfusionMatrix, RegressionReport
from sfumato.evaluation.curves import Calibration, Curve, calibration, precision_recall_curve, roc_curve
from sfumato.evaluation.text import plain
from sfumato.model import Model


@dataclass(frozen=True, eq=False)
class Report:
    """What a model does on examples. Made by `report`.

    Attributes:
        name: What the model and the examples are called.
        model: The model.
        examples: The examples.
        loss: Mean loss.
        accuracy: Share of right predictions; NaN for regression.
        predicted: Number of the predicted class, or the value, (n,).
        probabilities: Of each class, (n, classes); None for regression.
        measures: The confusion matrix, or the errors of a regression.
    """

    name: str
    model: Model
    examples: Examples
    loss: float
    accuracy: float
    predicted: Array
    probabilities: Array | None
    measures: ConfusionMatrix | RegressionReport

    @cached_property
    def roc(self) -> tuple[Curve, ...]:
        """Each class against the others; none for regression."""
        return () if self.probabilities is None else tuple(roc_curve(*self._against_others(k)) for k in self._classes)

    @cached_property
    def precision_recall(self) -> tuple[Curve, ...]:
        """Each class against the others; none for regression."""
        if self.probabilities is None:
            return ()
        return tuple(precision_recall_curve(*self._against_others(k)) for k in self._classes)

    @cached_property
    def calibration(self) -> Calibration | None:
        """Confidence against accuracy; None for regression."""
        if self.probabilities is None:
            return None
        return calibration(self.probabilities.max(axis=1).astype(np.float64), self.predicted == self.examples.y)

    def worst(self, most: int) -> Array:
        """Which examples are most surely wrong, or whose values are furthest off, (up to `most`,), the worst first."""
        if self.probabilities is None:
            errors = np.abs(self.predicted - self.examples.y)
        else:
            errors = np.where(self.predicted == self.examples.y, 0.0, self.probabilities.max(axis=1))
        order = np.argsort(-errors, kind="stable")[:most]
        found: Array = order[errors[order] > 0]
        return found

    def to_text(self) -> str:
        """Everything that a terminal can show."""
        lines = [f"{self.name}, {self.examples.size} examples: loss {self.loss:.4f}", "", self.measures.to_text()]
        if self.calibration is not None:
            roc, average_precision = (_mean(curves) for curves in (self.roc, self.precision_recall))
            lines += [
                "",
                f"Probabilities: area under ROC {roc}, average precision {average_precision} (means of classes),",
            ]
            lines += [f"calibration error {self.calibration.error:.4f}"]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain Python types, ready for JSON; NaN as None."""
        values: dict[str, Any] = {
            "loss": plain(self.loss),
            "accuracy": plain(self.accuracy),
            "examples": self.examples.size,
            "report": self.measures.to_dict(),
        }
        if self.calibration is not None:
            names = self.model.classes
            values |= {
                "roc_area": {n: plain(curve.area) for n, curve in zip(names, self.roc, strict=True)},
                "average_precision": {n: plain(c.area) for n, c in zip(names, self.precision_recall, strict=True)},
                "calibration_error": self.calibration.error,
            }
        return values

    def to_html(self) -> str:
        """A page that holds all it needs: it can be sent, kept, and read without a network."""
        from sfumato.evaluation.page import page  # matplotlib takes half a second, which text does without

        return page(self)

    @property
    def _classes(self) -> range:
        return range(len(self.model.classes))

    def _against_others(self, k: int) -> tuple[Array, Array]:
        assert self.probabilities is not None
        return self.examples.y == k, self.probabilities[:, k]


def report(model: Model, examples: Examples, name: str = "the model") -> Report:
    """Measure a model on examples that it was not trained on.

    Args:
        model: A trained model.
        examples: Raw inputs with their truth.
        name: What the report says that it is about.

    Raises:
        InputError: if the examples do not fit the model.
    """
    if not model.classes:
        values = model.predict(examples.x)
        loss, accuracy = model.evaluate(examples)
        errors = RegressionReport.from_predictions(examples.y, values)
        return Report(name, model, examples, loss, accuracy, values, None, errors)
    probabilities = model.predict_proba(examples.x)
    predicted = probabilities.argmax(axis=1)
    loss, accuracy = model.evaluate(examples)
    matrix = ConfusionMatrix.from_labels(examples.y, predicted, model.classes)
    return Report(name, model, examples, loss, accuracy, predicted, probabilities, matrix)


def _mean(curves: tuple[Curve, ...]) -> str:
    """Mean area of the classes that have one."""
    areas = [curve.area for curve in curves if not np.isnan(curve.area)]
    return f"{np.mean(areas):.4f}" if areas else "n/a"
