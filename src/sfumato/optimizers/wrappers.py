"""Gradient clipping and weight decay, around any first-order optimizer, which takes the step itself.

    optimizer = Clipped(Decayed(Momentum(), weight_decay=0.01), norm=1.0)

The state is that of the optimizer inside. L-BFGS takes neither: its line search bounds the step by itself, and compares
losses and gradients that clipping and decay would falsify; penalise weights by `l2` there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sfumato.arrays import Array, fingerprint, like, total
from sfumato.checks import nonnegative, positive
from sfumato.errors import InputError
from sfumato.kernels.ops import ops
from sfumato.optimizers.first_order import Adam, AdamState, FirstOrder

S = TypeVar("S", bound=tuple[Any, ...])

ANSWERED_INSIDE = (
    "learning_rate",
    "picture_learning_rate",
    "picture_settings",
    "vectors",
    "proportional",
    "gradient_powers",
)


@dataclass(frozen=True, eq=False)
class Around(FirstOrder[S]):
    """Base class of an optimizer around another: write `update`, and call `self.optimizer.update` in it.

    Args:
        optimizer: The optimizer that takes the steps: one of first order.
    """

    optimizer: FirstOrder[S]

    def __post_init__(self) -> None:
        if not isinstance(self.optimizer, FirstOrder):
            raise InputError(f"{self} is not for {self.optimizer}, which compares the gradients of its steps")
        for name in ANSWERED_INSIDE:
            object.__setattr__(self, name, getattr(self.optimizer, name))

    def init(self, theta: Array) -> S:
        return self.optimizer.init(theta)

    def converged(self, state: S) -> bool:
        return self.optimizer.converged(state)

    def painting_rate(self, state: S, learning_rate: float, size: int) -> float:
        return self.optimizer.painting_rate(state, learning_rate, size)

    def digest(self) -> str:
        return f"{fingerprint(*vars(self).values())} {self.optimizer.digest()}"

    def unpack(self, vectors: Mapping[str, Array], numbers: Mapping[str, Any]) -> S:
        return self.optimizer.unpack(vectors, numbers)


@dataclass(frozen=True, eq=False)
class Clipped(Around[S]):
    """Gradient clipping (Pascanu et al. 2013): a gradient longer than the allowed norm is shortened to that norm.

        g = g min(1, norm / |g|),    then the optimizer's step

    The direction stays, so one step far up a cliff of the loss cannot undo all before it. The length is that of the
    whole gradient, Euclidean.

    >>> import numpy as np
    >>> from sfumato.optimizers import GradientDescent
    >>> optimizer, theta = Clipped(GradientDescent(), norm=5.0), np.zeros(2)
    >>> theta, _ = optimizer.update(theta, np.array([30.0, 40.0]), optimizer.init(theta), learning_rate=0.1)
    >>> theta.round(6).tolist()
    [-0.3, -0.4]

    Args:
        optimizer: The optimizer that takes the steps.
        norm: The largest norm allowed, positive.
    """

    norm: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("norm of clipped gradients", self.norm)

    def update(self, theta: Array, gradient: Array, state: S, learning_rate: float) -> tuple[Array, S]:
        length = math.sqrt(total(gradient * gradient))
        if length > self.norm:
            gradient *= self.norm / length
        return self.optimizer.update(theta, gradient, state, learning_rate)


@dataclass(frozen=True, eq=False)
class Decayed(Around[S]):
    """Weight decay beside the gradient instead of in it (Loshchilov and Hutter 2019).

        theta = theta - alpha weight_decay theta,    then the optimizer's step, by the gradient at the old theta

    For gradient descent that is L2 regularisation, with lambda / N = weight_decay. Of L2, momentum would spread its
    part of the gradient over later steps, and Adam divide it by sqrt(s') like the rest.

    Args:
        optimizer: The optimizer that takes the steps.
        weight_decay: The rate of decay, 0 or more.
        decays: For each entry of theta whether it decays (biases should not: `network.decaying()`), as booleans; None
            decays all.
    """

    weight_decay: float = 0.01
    decays: Array | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        nonnegative("weight decay", self.weight_decay)

    def update(self, theta: Array, gradient: Array, state: S, learning_rate: float) -> tuple[Array, S]:
        decay(theta, learning_rate * self.weight_decay, self.decays)
        return self.optimizer.update(theta, gradient, state, learning_rate)


@dataclass(frozen=True, eq=False)
class AdamW(Adam):
    """Adam with weight decay beside it: `Decayed(Adam())` under its usual name (Loshchilov and Hutter 2019).

        theta = theta - alpha weight_decay theta,    then Adam's step

    L2 in the gradient is divided by sqrt(s') like the rest of it, so Adam hardly decays weights with large gradients;
    decoupled, every weight decays alike.

    Args:
        weight_decay: The rate of decay, 0 or more; 0.01 is the paper's usual choice. lambda / N is what L2 would be.
        decays: For each entry of theta whether it decays (biases should not), as booleans; None decays all.
    """

    weight_decay: float = 0.01
    decays: Array | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        nonnegative("weight decay", self.weight_decay)

    def update(self, theta: Array, gradient: Array, state: AdamState, learning_rate: float) -> tuple[Array, AdamState]:
        decay(theta, learning_rate * self.weight_decay, self.decays)
        return super().update(theta, gradient, state, learning_rate)


def decay(theta: Array, rate: float, decays: Array | None = None) -> None:
    """Shrink theta in place, theta = theta - rate theta, at the entries in `decays`; everywhere if that is None."""
    if decays is None:
        theta *= 1.0 - rate
    else:
        ops().decay(theta, like(decays, theta), rate)
