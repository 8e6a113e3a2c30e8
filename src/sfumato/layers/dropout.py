"""Dropout: random units are left out in training, so that the network does not rely on single ones."""

from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array, like
from sfumato.checks import fraction
from sfumato.layers.base import Activation, Forward, Needs, NoParameters, Rng


@dataclass(frozen=True)
class Dropout(Activation):
    """A = Z * M / (1 - p) in training, A = Z otherwise (inverted dropout; Srivastava et al. 2014, section 10).

    M is 0 with probability p and 1 otherwise, drawn anew for every unit, example and step. Dividing by 1 - p keeps the
    expected value, so that nothing needs to be rescaled when the network is used.

    Derivation. M is a constant of the step, so the layer is linear:

        dZ = dA * M / (1 - p),      the same M as in the forward pass

    The mask comes from the step's generator, `(seed, step)`, from which each dropout layer of a network draws in its
    turn: different from layer to layer and step to step, the same when a step is evaluated again. It is drawn in
    float32 whatever the precision, so that float64 checks meet the masks of float32 training.

    Args:
        p: Probability of dropping a unit, at least 0 and below 1. (The reference's keep_prob is 1 - p.)
    """

    p: float

    def __post_init__(self) -> None:
        fraction("probability of dropping", self.p)

    @property
    def stochastic(self) -> bool:
        return self.p > 0

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        if rng is None or self.p == 0:
            return x, lambda da, grads: da
        kept = like(rng.random(x.shape, dtype=np.float32) >= self.p, x)
        scale = 1.0 / (1.0 - self.p)
        a = x * kept
        a *= scale

        def backward(da: Array, grads: NoParameters) -> Array:
            da *= kept
            da *= scale
            return da

        return a, backward
