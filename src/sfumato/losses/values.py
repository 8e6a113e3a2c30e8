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

    (no factor 1/2, so that the mean is the mean squared error that everyone reports). Of several values an example's
    loss is the mean over them. Shapes: z (n, 1), y (n,); or z and y (n, k).
    """

    classifies: ClassVar[bool] = False

    def check(self, y: Array, outputs: int) -> None:
        if outputs != (1 if y.ndim == 1 else y.shape[1]):
            raise InputError(f"mean squared error takes networks of one output for each value, not {outputs}")
        if not np.isfinite(y).all():
            raise InputError("the values to learn must be finite numbers")

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        difference = z - cast(y.reshape(z.shape), z.dtype)
        outputs = z.shape[1]
        sums = Sums(weighted_total((difference**2).sum(axis=1) / outputs, weight), 0, len(y))

        def pullback(dsum: float) -> Array:
            return scaled_rows(2 * difference, dsum / outputs, weight)

        return sums, pullback

    def predict(self, z: Array) -> Array:
        return z[:, 0] if z.shape[1] == 1 else z
