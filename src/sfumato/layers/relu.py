"""The rectified linear unit: lets positive values through."""

from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels.relu import masked, rectify
from sfumato.layers.base import Activation, Backward, Needs, NoParameters


@dataclass(frozen=True)
class ReLU(Activation):
    """A = max(Z, 0), element by element.

    Derivation. The slope is 1 where Z > 0 and 0 where Z < 0:

        dZ = dA where Z > 0, else 0

    At the kink Z = 0 there is no derivative; 0 is taken, one of the subgradients, as is usual. Finite differences that
    step over the kink measure something between the two slopes, which is why gradient checking asks `kinks`.
    """

    def forward(
        self, params: NoParameters, x: Array, needs: Needs, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward[NoParameters]]:
        a, positive = rectify(x, positive=needs.inputs)

        def backward(da: Array, grads: NoParameters) -> Array | None:
            if positive is None:
                return None
            return masked(da, positive)

        return a, backward

    def kinks(self, params: NoParameters, x: Array) -> Array:
        return x > 0

    @property
    def analytic(self) -> bool:
        return False
