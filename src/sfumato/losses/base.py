"""The base class of losses on a network's outputs, and their sums over examples.

A loss gives sums over the examples it is shown; whoever collects them divides once (`objective.py`). So a mini-batch,
an evaluation in chunks and a part of a larger job are the same computation, and accuracy is one more sum.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.workers import Workers


class Sums(NamedTuple):
    """Sums of a loss over examples.

    Attributes:
        loss: Sum of the examples' losses, each times its weight (complex under the complex-step check).
        correct: Number of examples whose class is predicted rightly; 0 for regression.
        examples: Number of examples.
    """

    loss: Any
    correct: int
    examples: int

    def plus(self, other: "Sums") -> "Sums":
        """Sums over both sets of examples."""
        return Sums(self.loss + other.loss, self.correct + other.correct, self.examples + other.examples)

    def over(self, workers: Workers) -> "Sums":
        """Sums over the examples of all processes of a job."""
        if workers.count == 1:
            return self
        loss, correct, examples = workers.sum(np.array(self, dtype=np.float64)).tolist()
        return Sums(loss, round(correct), round(examples))


NO_SUMS = Sums(0.0, 0, 0)


Pullback = Callable[[float], Array]
"""The backward pass of a loss: from the gradient with respect to its sum to that with respect to the outputs."""


class Loss(ABC):
    """A loss on the outputs of a network's last layer."""

    classifies: ClassVar[bool] = True
    """Whether the truth is a class, so that predictions can be counted as correct."""

    multilabel: ClassVar[bool] = False
    """Whether an example may have several classes, or none: the truth is then zeros and ones, (n, classes)."""

    @abstractmethod
    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        """Measure outputs against the truth.

        Args:
            z: Outputs of the network, (n, outputs).
            y: The truth, one entry an example, (n,); or of several values or labels one each, (n, outputs).
            weight: Weight of each example's loss, (n,), of mean one over the whole data; None weighs all alike.

        Returns:
            The sums, and `pullback(dsum)`: the gradient with respect to `z`, (n, outputs), when the sum of losses
            carries the gradient `dsum`; 1/n for a mean over n examples.
        """

    @abstractmethod
    def check(self, y: Array, outputs: int) -> None:
        """Raise `InputError` if y cannot be the truth for a network of so many outputs."""

    @abstractmethod
    def predict(self, z: Array) -> Array:
        """Predictions from the outputs: a probability for each class, (n, classes), or values, (n,) or (n, outputs)."""
