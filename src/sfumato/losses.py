"""Losses, fused with the activation of the output layer.

A loss gives sums over the examples it is shown; whoever collects them divides once (`objective.py`). So a mini-batch,
an evaluation in chunks and a part of a larger job are the same computation, and accuracy is one more sum.

Fused: the losses take logits Z, not probabilities. Written apart, sigmoid or softmax followed by a logarithm overflows
or meets log(0); together the two derivatives collapse to "prediction minus truth".
"""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sfumato.arrays import Array, cast, namespace, total
from sfumato.errors import InputError
from sfumato.kernels import tensors
from sfumato.kernels.workers import Workers
from sfumato.layers.sigmoid import sigmoid
from sfumato.layers.softmax import softmax


class Sums(NamedTuple):
    """What a loss adds up over examples.

    Attributes:
        loss: Sum of the examples' losses, each times its weight (complex under the complex-step check).
        correct: Number of examples whose class is predicted rightly; 0 for regression.
        examples: Number of examples.
    """

    loss: Any
    correct: int
    examples: int

    def plus(self, other: "Sums") -> "Sums":
        """The sums over both sets of examples."""
        return Sums(self.loss + other.loss, self.correct + other.correct, self.examples + other.examples)

    def over(self, workers: Workers) -> "Sums":
        """The sums over what all processes of a job have added up."""
        if workers.count == 1:
            return self
        loss, correct, examples = workers.sum(np.array(self, dtype=np.float64)).tolist()
        return Sums(loss, round(correct), round(examples))


NO_SUMS = Sums(0.0, 0, 0)

Pull = Callable[[float], Array]


class Loss(ABC):
    """A loss on the outputs of a network's last layer."""

    classifies: ClassVar[bool] = True
    """Whether the truth is a class, so that predictions can be counted as correct."""

    @abstractmethod
    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pull]:
        """Measure outputs against the truth.

        Args:
            z: Outputs of the network, (n, outputs).
            y: The truth, one entry an example.
            weight: Weight of each example's loss, (n,), of mean one over the whole data; None weighs all alike.

        Returns:
            The sums, and `pull(dsum)`: the gradient with respect to `z`, (n, outputs), when the sum of losses carries
            the gradient `dsum`; 1/n for a mean over n examples.
        """

    @abstractmethod
    def check(self, y: Array, outputs: int) -> None:
        """Raise `InputError` where y cannot be the truth for a network of so many outputs."""

    @abstractmethod
    def predict(self, z: Array) -> Array:
        """What the outputs say: a probability for each class, (n, classes), or values, (n,)."""


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Two classes, one logit: the cross-entropy of a sigmoid.

    With p = sigmoid(z) and y of 0 or 1, one example's loss is -y log p - (1 - y) log(1 - p). Since
    log p = z - softplus(z) and log(1 - p) = -softplus(z), with softplus(z) = log(1 + e^z):

        loss = softplus(z) - y z,    dloss/dz = p - y

    Shapes: z (n, 1), y (n,).
    """

    def check(self, y: Array, outputs: int) -> None:
        if outputs != 1:
            raise InputError(f"binary cross-entropy takes networks of one output, not {outputs}")
        if not ((y == 0) | (y == 1)).all():
            raise InputError(f"binary cross-entropy takes the classes 0 and 1; found {y.min()} to {y.max()}")

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pull]:
        xp, logit = namespace(z), z[:, 0]
        positive = logit.real > 0
        # log(1 + e^z) = max(z, 0) + log(1 + e^-|z|): no exponential above one
        softplus = xp.where(positive, logit, 0) + xp.log1p(xp.exp(xp.where(positive, -logit, logit)))
        sums = Sums(_total(softplus - y * logit, weight), int(xp.count_nonzero(positive == y)), len(y))

        def pull(dsum: float) -> Array:
            return _scaled(sigmoid(z) - cast(y[:, None], z.dtype), dsum, weight)

        return sums, pull

    def predict(self, z: Array) -> Array:
        p: Array = namespace(z).concat([sigmoid(-z), sigmoid(z)], axis=1)
        return p


@dataclass(frozen=True)
class CategoricalCrossEntropy(Loss):
    """Several classes, a logit each: the cross-entropy of a softmax.

    With S = softmax(z) and c the true class, one example's loss is -log S_c = log(sum_k e^z_k) - z_c. The logarithm's
    derivative is softmax, so

        dloss/dz_i = S_i - [i = c]

    which is what the Jacobian of softmax times the derivative of the logarithm comes to. Exponentials are taken of
    z - max(z), as in softmax itself.

    Shapes: z (n, classes), y (n,) class numbers from 0.
    """

    def check(self, y: Array, outputs: int) -> None:
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= outputs:
            raise InputError(
                f"with {outputs} outputs the classes are the integers 0 to {outputs - 1}; "
                f"found {y.min()} to {y.max()} ({y.dtype})"
            )

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pull]:
        if not isinstance(z, np.ndarray):
            truth, correct, logarithms = tensors.softmax_logarithms(z, y)
            gradient = functools.partial(tensors.softmax_gradient, logarithms, y)
            return Sums(-_total(truth, weight), correct, len(y)), lambda dsum: _scaled(gradient(), dsum, weight)
        rows = np.arange(len(y))
        z = np.asfortranarray(z)  # class after class in memory: few classes add up fast over many examples
        shifted = z - np.max(z.real, axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        denominator = exponentials.sum(axis=1)
        correct = int(np.count_nonzero(np.argmax(z.real, axis=1) == y))
        sums = Sums(_total(np.log(denominator) - shifted[rows, y], weight), correct, len(y))

        def pull(dsum: float) -> Array:
            dz = exponentials / denominator[:, None]
            dz[rows, y] -= 1
            return _scaled(dz, dsum, weight)

        return sums, pull

    def predict(self, z: Array) -> Array:
        return softmax(z)


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

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pull]:
        difference = z - cast(y[:, None], z.dtype)
        sums = Sums(_total(difference[:, 0] ** 2, weight), 0, len(y))

        def pull(dsum: float) -> Array:
            return _scaled(2 * difference, dsum, weight)

        return sums, pull

    def predict(self, z: Array) -> Array:
        return z[:, 0]


def default_loss(classes: int) -> tuple[Loss, int]:
    """The loss for so many classes (0 for regression), and how many outputs the network needs for it.

    Two classes need one logit and a sigmoid, more a logit each and softmax, as in the reference.
    """
    if classes == 0:
        return MeanSquaredError(), 1
    return (BinaryCrossEntropy(), 1) if classes == 2 else (CategoricalCrossEntropy(), classes)


def _total(losses: Array, weight: Array | None) -> Any:
    """Weighted sum in double precision: a float, or a complex number under the complex-step check."""
    if weight is not None:
        losses = losses * weight
    return total(losses)


def _scaled(dz: Array, dsum: float, weight: Array | None) -> Array:
    dz *= dsum
    if weight is not None:
        dz *= cast(weight[:, None], dz.dtype)
    return dz
