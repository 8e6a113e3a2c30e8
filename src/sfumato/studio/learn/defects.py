"""Parts of the engine with a defect each, as real programs have had them: what `faults` plants.

Each is the sound part with one thing wrong, and computes the rest by the sound part's own code.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.kernels.ops import ops
from sfumato.layers import Dense, Dropout, Layer, ReLU, Tanh
from sfumato.layers.base import Built, Needs
from sfumato.losses.base import Loss, Pullback, Sums
from sfumato.objective import Evaluation, NetworkObjective
from sfumato.optimizers import Adam, Momentum
from sfumato.optimizers.first_order import AdamState, Velocity
from sfumato.optimizers.schedules import Schedule


class SummedBias(Dense):
    """The bias's gradient is summed over the examples instead of averaged, as in the reference's Part 8."""

    def forward(self, params: Any, x: Array, needs: Needs, rng: Any = None) -> tuple[Array, Any]:
        z, backward = super().forward(params, x, needs, rng)

        def defective(dz: Array, grads: Any) -> Array | None:
            dx = backward(dz, grads)
            grads.b[...] *= len(x)
            return dx

        return z, defective


class TransposedInput(Dense):
    """The weights' gradient is dZ^T X, which has the right shape where there are as many inputs as units."""

    def forward(self, params: Any, x: Array, needs: Needs, rng: Any = None) -> tuple[Array, Any]:
        z, backward = super().forward(params, x, needs, rng)

        def defective(dz: Array, grads: Any) -> Array | None:
            dx = backward(dz, grads)
            grads.W[...] = grads.W.T.copy()
            return dx

        return z, defective


class Spoiled(Layer[Any]):
    """Another layer, whose backward pass returns `spoil(da, x, dx)` instead of dx."""

    def __init__(self, layer: Layer[Any], spoil: Callable[[Array, Array, Array], Array]) -> None:
        self.layer, self.spoil = layer, spoil

    def build(self, shape: Shape) -> Built:
        return self.layer.build(shape)

    def kinks(self, params: Any, x: Array) -> Array | None:
        return self.layer.kinks(params, x)

    def forward(self, params: Any, x: Array, needs: Needs, rng: Any = None) -> tuple[Array, Any]:
        a, backward = self.layer.forward(params, x, needs, rng)

        def defective(da: Array, grads: Any) -> Array | None:
            before = da.copy()
            dx = backward(da, grads)
            return None if dx is None else self.spoil(before, x, dx)

        return a, defective


def one_minus_a() -> Layer[Any]:
    """Make a tanh whose derivative is taken for 1 - A instead of 1 - A^2."""
    return Spoiled(Tanh(), lambda da, x, dx: da * (1 - np.tanh(x)))


def mask_of_the_gradient() -> Layer[Any]:
    """Make a ReLU that lets positive gradients pass, instead of those of positive inputs."""
    return Spoiled(ReLU(), lambda da, x, dx: da * (da > 0))


class StaleCache(Tanh):
    """Keeps its last outputs on the layer for the backward pass."""

    def forward(self, params: Any, x: Array, needs: Needs, rng: Any = None) -> tuple[Array, Any]:
        a = np.tanh(x)
        vars(self)["last"] = a
        return a, lambda da, grads: da * (1 - vars(self)["last"] ** 2)


class NotInverted(Dropout):
    """Drops units and leaves the others as they are: its gradient is right, and its expected value is not."""

    def forward(self, params: Any, x: Array, needs: Needs, rng: Any = None) -> tuple[Array, Any]:
        a, backward = super().forward(params, x, needs, rng)
        if rng is None:
            return a, backward
        return a * (1 - self.p), lambda da, grads: backward(da * (1 - self.p), grads)


class NeverDivided(Loss):
    """Another loss, whose gradient is that of the examples' sum where that of their mean is asked for."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def check(self, y: Array, outputs: int) -> None:
        self.loss.check(y, outputs)

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        sums, pullback = self.loss.forward(z, y, weight)
        return sums, lambda dsum: pullback(1.0)

    def predict(self, z: Array) -> Array:
        return self.loss.predict(z)


class BiasesDecay(NetworkObjective):
    """The gradient decays biases too."""

    def __call__(self, theta: Array) -> Evaluation:
        evaluation = super().__call__(theta)
        biases = ~self.network.decaying()
        evaluation.gradient[biases] += self.penalty * theta[biases]
        return evaluation


class PenaltyNotDivided(NetworkObjective):
    """The gradient of the penalty is lambda W instead of lambda / N W."""

    def __call__(self, theta: Array) -> Evaluation:
        evaluation = super().__call__(theta)
        for weights in self.decaying:
            evaluation.gradient[weights] += (self.l2 - self.penalty) * theta[weights]
        return evaluation


class Uncorrected(Adam):
    """Adam whose averages are not corrected for starting at zero."""

    def update(self, theta: Array, gradient: Array, state: AdamState, learning_rate: float) -> tuple[Array, AdamState]:
        inside = self.epsilon_inside_root
        v, s = state.v, state.s
        ops().adam(theta, gradient, v, s, self.beta1, self.beta2, self.epsilon, learning_rate, inside=inside)
        return theta, AdamState(v, s, state.t + 1)


class AgainstThePast(Momentum):
    """Momentum that subtracts the past's share instead of adding it."""

    def update(self, theta: Array, gradient: Array, state: Velocity, learning_rate: float) -> tuple[Array, Velocity]:
        share = 1.0 - self.beta if self.form == "averaged" else 1.0
        ops().momentum(theta, gradient, state.v, -self.beta, share, learning_rate)
        return theta, state


def compounding(schedule: Schedule) -> Schedule:
    """Make a schedule that multiplies the rate of the epoch before by the whole decay so far, in place of the first."""

    def rate(epoch: int) -> float:
        first, now = schedule(0), schedule(0)
        for past in range(1, epoch + 1):
            now *= schedule(past) / first
        return now

    return rate
