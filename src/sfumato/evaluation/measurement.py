"""Measurements of a model on examples: loss, predictions, and the measures and curves computed from them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.evaluation.confusion import ConfusionMatrix
from sfumato.evaluation.curves import Calibration, Curve, calibration, precision_recall_curve, roc_curve
from sfumato.evaluation.regression import RegressionReport
from sfumato.model import Model


@dataclass(frozen=True, eq=False)
class Measurement:
    """Loss, predictions and measures of a model on examples.

    Attributes:
        name: Name of the model and the examples, as a title.
        model: The model.
        examples: The examples.
        loss: Mean loss.
        accuracy: Share of right predictions; NaN for regression.
        predicted: Number of the predicted class, or the value, (n,).
        probabilities: Probability of each class, (n, classes); None for regression.
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

    def __repr__(self) -> str:
        if isinstance(self.measures, ConfusionMatrix):
            found = f"accuracy={self.accuracy:.4f}"
        else:
            found = f"r_squared={self.measures.r_squared:.4f}"
        return f"<{type(self).__name__} of {self.name}: {self.examples.size} examples, loss={self.loss:.4f}, {found}>"

    @cached_property
    def roc(self) -> tuple[Curve, ...]:
        """ROC curve of each class against the others; empty for regression."""
        if self.probabilities is None:
            return ()
        return tuple(roc_curve(self.examples.y == k, score) for k, score in enumerate(self.probabilities.T))

    @cached_property
    def precision_recall(self) -> tuple[Curve, ...]:
        """Precision against recall of each class against the others; empty for regression."""
        if self.probabilities is None:
            return ()
        return tuple(
            precision_recall_curve(self.examples.y == k, score) for k, score in enumerate(self.probabilities.T)
        )

    @cached_property
    def calibration(self) -> Calibration | None:
        """Accuracy against confidence; None for regression."""
        if self.probabilities is None:
            return None
        return calibration(self.probabilities.max(axis=1).astype(np.float64), self.predicted == self.examples.y)

    def worst(self, most: int) -> Array:
        """Find the wrong predictions of the highest probability, or the values furthest off, the worst first.

        Args:
            most: Number of examples at most.

        Returns:
            Their numbers, from 0, (up to `most`,).
        """
        if self.probabilities is None:
            errors = np.abs(self.predicted - self.examples.y)
        else:
            errors = np.where(self.predicted == self.examples.y, 0.0, self.probabilities.max(axis=1))
        order = np.argsort(-errors, kind="stable")[:most]
        found: Array = order[errors[order] > 0]
        return found
