"""Training on numbered rows, with a loss that tells which of them it is shown."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sfumato import (
    FitResult,
    GradientDescent,
    MeanSquaredError,
    RunOptions,
    fit,
    multilayer_perceptron,
)
from sfumato.arrays import Array
from sfumato.data import Examples
from sfumato.losses.base import Pullback, Sums


def numbered(n: int = 10, first: int = 0) -> Examples:
    """Rows whose truth is their number, so that a loss that is shown them can tell which they are."""
    numbers = np.arange(first, first + n, dtype=np.float64)
    return Examples(numbers[:, None] / 10, numbers)


@dataclass(frozen=True)
class NotedSquaredError(MeanSquaredError):
    """The squared error, noting the rows of every batch that a gradient was asked of."""

    batches: list[list[int]] = field(default_factory=list)

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        sums, pullback = super().forward(z, y, weight)

        def noted(dsum: float) -> Array:
            self.batches.append([int(number) for number in y])
            return pullback(dsum)

        return sums, noted


def fit_numbered(**options: Any) -> tuple[FitResult, NotedSquaredError]:
    """Train a small network on ten numbered rows by gradient descent, in batches of four unless told otherwise."""
    recorder = NotedSquaredError()
    settings: dict[str, Any] = {"batch_size": 4, "epochs": 3, "learning_rate": 0.01, "precision": "float64", **options}
    optimizer = settings.pop("optimizer", GradientDescent())
    examples = settings.pop("train", numbered())
    how = {name: settings.pop(name) for name in ("callback", "stop", "resume", "checkpoint") if name in settings}
    settings["run"] = RunOptions(engine=f"numpy/{settings.pop('precision')}", **how)
    return fit(SMALL, recorder, examples, optimizer=optimizer, **settings), recorder


SMALL = multilayer_perceptron(1, [3], 1, activation="tanh")
