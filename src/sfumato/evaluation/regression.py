"""The errors of a regression."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.evaluation.formatting import json_number, number, pairs


@dataclass(frozen=True)
class RegressionReport:
    """Errors of predicted values.

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
        """Compare predicted values with the true ones.

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
        """Format the errors as a text of a few lines; NaN is "n/a"."""
        rows = {
            "Examples": str(self.examples),
            "Mean squared error": f"{self.mean_squared_error:.6g}",
            "Root mean squared error": f"{self.root_mean_squared_error:.6g}",
            "Mean absolute error": f"{self.mean_absolute_error:.6g}",
            "R squared": number(self.r_squared),
        }
        return pairs("Regression", rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the errors in plain Python types, ready for JSON; NaN and infinity as None."""
        return {name: json_number(value) for name, value in asdict(self).items()}


def _values(values: npt.ArrayLike, what: str) -> Array:
    array = np.asarray(values)
    if array.ndim != 1 or not array.size:
        raise InputError(f"the {what} values have shape {array.shape}; give one for each example, and at least one")
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise InputError(f"the {what} values are not all finite numbers; leave out the examples that have none")
    return array.astype(np.float64)
