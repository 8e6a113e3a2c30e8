"""First-order optimizers, each two functions of flat vectors: `init` and `update`.

    state = optimizer.init(theta)
    theta, state = optimizer.update(theta, gradient, state, learning_rate)

An optimizer holds its settings and nothing else; all that changes is in `state`, a named tuple of vectors and numbers
that a checkpoint can store. `update` is pure in value, but takes its arguments over: their memory is used again for the
results, so keep a copy of what you still need.

v and s below are the reference's (Part 7); g is the gradient, alpha the learning rate. L-BFGS is in `lbfgs.py`, and
the passes over the vectors are in `kernels/updates.py`.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeVar

from sfumato.arrays import Array, namespace
from sfumato.checks import fraction, positive
from sfumato.errors import InputError
from sfumato.kernels.ops import ops
from sfumato.objective import Evaluation, Objective
from sfumato.optimizers.base import Optimizer

S = TypeVar("S", bound=tuple[Any, ...])


class FirstOrder(Optimizer[S]):
    """An optimizer whose step needs one gradient and no further evaluation."""

    @abstractmethod
    def update(self, theta: Array, gradient: Array, state: S, learning_rate: float) -> tuple[Array, S]:
        """The new theta and state, in the memory of the old ones (and of `gradient`)."""

    def step(self, objective: Objective, theta: Array, state: S, learning_rate: float) -> tuple[Array, S, Evaluation]:
        evaluation = objective(theta)
        theta, state = self.update(theta, evaluation.gradient, state, learning_rate)
        return theta, state, evaluation


class Stateless(NamedTuple):
    """Empty state."""


class Velocity(NamedTuple):
    """State of momentum: the average, or decaying sum, of past gradients."""

    v: Array


class Squares(NamedTuple):
    """State of RMSProp: the average of past squared gradients."""

    s: Array


class AdamState(NamedTuple):
    """State of Adam: averages of past gradients (v) and of their squares (s), and the number of steps so far."""

    v: Array
    s: Array
    t: int


@dataclass(frozen=True)
class GradientDescent(FirstOrder[Stateless]):
    """theta = theta - alpha g."""

    State = Stateless
    learning_rate = 0.1
    picture_learning_rate = 0.001
    proportional = True

    def init(self, theta: Array) -> Stateless:
        return Stateless()

    def update(self, theta: Array, gradient: Array, state: Stateless, learning_rate: float) -> tuple[Array, Stateless]:
        ops().descend(theta, gradient, learning_rate)
        return theta, state


@dataclass(frozen=True)
class Momentum(FirstOrder[Velocity]):
    """Gradient descent with momentum, in either of its two forms.

        averaged (the reference's):   v = beta v + (1 - beta) g,    theta = theta - alpha v
        classical (Polyak's):         v = beta v + g,               theta = theta - alpha v

    They are the same method at different rates: the classical form steps 1 / (1 - beta) times as far.

    Args:
        beta: How much of the past is kept, at least 0 and below 1; 0.9 averages about ten steps.
        form: "averaged" or "classical".
    """

    beta: float = 0.9
    form: Literal["averaged", "classical"] = "averaged"

    State = Velocity
    learning_rate = 0.1
    picture_learning_rate = 0.002
    vectors = 1
    proportional = True
    gradient_powers = MappingProxyType({"v": 1})

    def __post_init__(self) -> None:
        fraction("beta", self.beta)
        if self.form not in ("averaged", "classical"):
            raise InputError(f"momentum is averaged or classical, not {self.form!r}")

    def init(self, theta: Array) -> Velocity:
        return Velocity(namespace(theta).zeros_like(theta))

    def update(self, theta: Array, gradient: Array, state: Velocity, learning_rate: float) -> tuple[Array, Velocity]:
        share = 1.0 - self.beta if self.form == "averaged" else 1.0
        ops().momentum(theta, gradient, state.v, self.beta, share, learning_rate)
        return theta, state


@dataclass(frozen=True)
class Nesterov(FirstOrder[Velocity]):
    """Momentum that looks ahead (Nesterov 1983), in the form with the gradient at theta itself (Bengio et al. 2012).

        v = beta v + g,    theta = theta - alpha (g + beta v)

    Args:
        beta: How much of the past is kept, at least 0 and below 1.
    """

    beta: float = 0.9

    State = Velocity
    learning_rate = 0.01
    picture_learning_rate = 0.0002
    vectors = 1
    proportional = True
    gradient_powers = MappingProxyType({"v": 1})

    def __post_init__(self) -> None:
        fraction("beta", self.beta)

    def init(self, theta: Array) -> Velocity:
        return Velocity(namespace(theta).zeros_like(theta))

    def update(self, theta: Array, gradient: Array, state: Velocity, learning_rate: float) -> tuple[Array, Velocity]:
        ops().nesterov(theta, gradient, state.v, self.beta, learning_rate)
        return theta, state


@dataclass(frozen=True)
class RMSProp(FirstOrder[Squares]):
    """Division of each gradient by the root of the average of its squares (Hinton's lecture 6e, 2012).

        s = beta1 s + (1 - beta1) g^2,    theta = theta - alpha g / (sqrt(s) + epsilon)

    The reference's equation has s instead of g above the fraction; its code has g, which is right. It adds epsilon
    inside the root: choose that by `epsilon_inside_root`.

    Args:
        beta1: How much of the past is kept, at least 0 and below 1; called so in the reference.
        epsilon: Keeps the division from meeting zero, positive.
        epsilon_inside_root: Divide by sqrt(s + epsilon) instead.
    """

    beta1: float = 0.9
    epsilon: float = 1e-8
    epsilon_inside_root: bool = False

    State = Squares
    learning_rate = 0.001
    picture_learning_rate = 0.005
    vectors = 1
    gradient_powers = MappingProxyType({"s": 2})

    def __post_init__(self) -> None:
        fraction("beta1", self.beta1)
        positive("epsilon", self.epsilon)

    def init(self, theta: Array) -> Squares:
        return Squares(namespace(theta).zeros_like(theta))

    def update(self, theta: Array, gradient: Array, state: Squares, learning_rate: float) -> tuple[Array, Squares]:
        inside = self.epsilon_inside_root
        ops().rmsprop(theta, gradient, state.s, self.beta1, self.epsilon, learning_rate, inside=inside)
        return theta, state


@dataclass(frozen=True)
class Adam(FirstOrder[AdamState]):
    """Adaptive moments: momentum divided as in RMSProp, both corrected for starting at zero (Kingma and Ba 2015).

        v = beta1 v + (1 - beta1) g
        s = beta2 s + (1 - beta2) g^2
        theta = theta - alpha v' / (sqrt(s') + epsilon),    v' = v / (1 - beta1^t),  s' = s / (1 - beta2^t)

    v after t steps is a weighted sum of t gradients whose weights add up to 1 - beta1^t and not to 1, as the sum began
    with zeros; dividing by that makes it an average. The same holds for s. (The reference defines s' and then leaves it
    out of its last equation; its code has it.)

    The corrections need no pass of their own. With c = sqrt(1 - beta2^t), sqrt(s') = sqrt(s) / c, and so

        alpha v' / (sqrt(s') + epsilon) = alpha c / (1 - beta1^t) * v / (sqrt(s) + c epsilon)

    and inside the root, where sqrt(s' + epsilon) = sqrt(s + c^2 epsilon) / c, likewise.

    The first step is alpha long along every axis, however steep the slope:

    >>> import numpy as np
    >>> optimizer, theta = Adam(), np.zeros(2)
    >>> theta, state = optimizer.update(theta, np.array([5.0, -0.1]), optimizer.init(theta), learning_rate=0.01)
    >>> theta.round(6).tolist()
    [-0.01, 0.01]

    Args:
        beta1: How much of the past gradients is kept, at least 0 and below 1.
        beta2: The same for their squares.
        epsilon: Keeps the division from meeting zero, positive.
        epsilon_inside_root: Divide by sqrt(s' + epsilon) instead, as the reference does.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_inside_root: bool = False

    State = AdamState
    learning_rate = 0.003  # three times the paper's, which small networks bear well
    picture_learning_rate = 0.02
    picture_settings = MappingProxyType({"beta2": 0.99})  # a scale's steps are few to average over
    vectors = 2
    gradient_powers = MappingProxyType({"v": 1, "s": 2})

    def __post_init__(self) -> None:
        fraction("beta1", self.beta1)
        fraction("beta2", self.beta2)
        positive("epsilon", self.epsilon)

    def init(self, theta: Array) -> AdamState:
        return AdamState(namespace(theta).zeros_like(theta), namespace(theta).zeros_like(theta), 0)

    def update(self, theta: Array, gradient: Array, state: AdamState, learning_rate: float) -> tuple[Array, AdamState]:
        t = state.t + 1
        c = math.sqrt(1.0 - self.beta2**t)
        rate = learning_rate * c / (1.0 - self.beta1**t)
        epsilon = self.epsilon * (c * c if self.epsilon_inside_root else c)
        inside = self.epsilon_inside_root
        ops().adam(theta, gradient, state.v, state.s, self.beta1, self.beta2, epsilon, rate, inside=inside)
        return theta, AdamState(state.v, state.s, t)
