"""The reports of several labels or values an example, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.evaluation.confusion import ConfusionMatrix
from sfumato.evaluation.regression import RegressionReport


@dataclass(frozen=True)
class SeveralReports:
    """A report for each label or value.

    Attributes:
        reports: By name.
    """

    reports: dict[str, ConfusionMatrix | RegressionReport]

    @classmethod
    def from_predictions(cls, true: Array, predicted: Array, labels: Sequence[str] = ()) -> "SeveralReports":
        """Compare predictions with the truth, column by column.

        Args:
            true: The truth, (n, k): zeros and ones of labels, or values.
            predicted: The predictions, of the same shape.
            labels: Names of the labels; values have none, and are called y1, y2 ...
        """
        if labels:
            pairs = zip(labels, true.T, predicted.T, strict=True)
            return cls({name: ConfusionMatrix.from_labels(y, guess, ("no", "yes")) for name, y, guess in pairs})
        numbers = range(true.shape[1])
        return cls({f"y{k + 1}": RegressionReport.from_predictions(true[:, k], predicted[:, k]) for k in numbers})

    def to_text(self) -> str:
        """Format the reports as text, each under its name."""
        return "\n\n".join(f"{name}\n\n{report.to_text()}" for name, report in self.reports.items())

    def to_dict(self) -> dict[str, Any]:
        """The reports by name, and of values the means over them: R^2, and the squared error and its root."""
        values = [report for report in self.reports.values() if isinstance(report, RegressionReport)]
        squared = float(np.mean([report.mean_squared_error for report in values])) if values else None
        means = (
            {}
            if squared is None
            else {
                "mean_squared_error": squared,
                "root_mean_squared_error": squared**0.5,
                "r_squared": _mean_of_known([report.r_squared for report in values]),
            }
        )
        return {**means, "targets": {name: report.to_dict() for name, report in self.reports.items()}}


def _mean_of_known(values: Sequence[float]) -> float:
    """Mean of the numbers, without those of constant values, which are NaN."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
