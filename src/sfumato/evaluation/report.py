"""Reports on a model: measurements on examples as text, as values and as a page."""

from typing import Any

import numpy as np

from sfumato.data.handed_in import as_examples
from sfumato.data.streaming import StreamedExamples
from sfumato.errors import InputError
from sfumato.evaluation.confusion import ConfusionMatrix
from sfumato.evaluation.curves import Curve
from sfumato.evaluation.formatting import json_number
from sfumato.evaluation.measurement import Measurement
from sfumato.evaluation.regression import RegressionReport
from sfumato.model import Model


class Report(Measurement):
    """Measurements of a model on examples, as text, as values and as a page. Made by `report`."""

    def _repr_html_(self) -> str:
        """Format the numbers as a small table, for notebooks."""
        from sfumato.evaluation.page import summary

        return summary(self)

    def to_text(self) -> str:
        """Format all measures as text for a terminal."""
        lines = [f"{self.name}, {self.examples.size} examples: loss {self.loss:.4f}", "", self.measures.to_text()]
        if self.calibration is not None:
            roc, average_precision = (_mean_area(curves) for curves in (self.roc, self.precision_recall))
            lines += [
                "",
                f"Probabilities: area under ROC {roc}, average precision {average_precision} (means of classes),",
                f"calibration error {self.calibration.error:.4f}",
            ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return all measures in plain Python types, ready for JSON; NaN as None."""
        values: dict[str, Any] = {
            "loss": json_number(self.loss),
            "accuracy": json_number(self.accuracy),
            "examples": self.examples.size,
            "report": self.measures.to_dict(),
        }
        if self.calibration is not None:
            values |= {
                "roc_area": self._areas(self.roc),
                "average_precision": self._areas(self.precision_recall),
                "calibration_error": self.calibration.error,
            }
        return values

    def to_html(self) -> str:
        """Format the report as an HTML page that needs neither other files nor a network."""
        from sfumato.evaluation.page import page  # matplotlib takes half a second to import

        return page(self)

    def _areas(self, curves: tuple[Curve, ...]) -> dict[str, float | None]:
        return {name: json_number(curve.area) for name, curve in zip(self.model.classes, curves, strict=True)}


def report(model: Model, examples: Any, name: str = "the model") -> Report:
    """Measure a model on examples that it was not trained on.

    Args:
        model: A trained model.
        examples: Raw inputs with their truth, in memory: `(x, y)`, `Examples` or a `Dataset`.
        name: Title of the report.

    Raises:
        InputError: if the examples do not fit the model, or are a stream.
    """
    examples = as_examples(examples)
    if isinstance(examples, StreamedExamples):
        raise InputError("a report is on examples in memory: give one of the stream's blocks")
    if model.several:
        raise InputError("a report is of one class or value, and the model predicts several: see `summary` of its run")
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


def _mean_area(curves: tuple[Curve, ...]) -> str:
    """Format the mean area of the curves that have one."""
    areas = [curve.area for curve in curves if not np.isnan(curve.area)]
    return f"{np.mean(areas):.4f}" if areas else "n/a"
