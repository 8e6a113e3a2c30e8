"""The squared error, for regression."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sfumato.arrays import Array, cast, scaled_rows, weighted_total
from sfumato.errors import InputError
from sfumato.losses.base import Loss, Pullback, Sums


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Regression: the squared distance to the value.

        loss = (z - y)^2,    dloss/dz = 2 (z - y)

    (no factor 1/2, so that the mean is the mean squared error that everyone reports). Shapes: z (n, 1), y (n,).
    """

    classifies: ClassVar[bool] = False

    def check(self, y: Array, outputs: int) -> None:
        if outputs != 1:
            raise InputError(f"mean squared error takes networks of one output, not {outputs}")
        if not np.isfinite(y).all():
            raise InputError("the values to learn must be finite numbers")

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        difference = z - cast(y[:, None], z.dtype)
        sums = Sums(weighted_total(difference[:, 0] ** 2, weight), 0, len(y))

        def pullback(dsum: float) -> Array:
            return scaled_rows(2 * difference, dsum, weight)

        return sums, pullback

    def predict(self, z: Array) -> Array:
        return z[:, 0]
