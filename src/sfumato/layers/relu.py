"""The rectified linear unit: lets positive values through."""

from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array
from sfumato.layers.base import Activation, Backward, NoParameters, Want


@dataclass(frozen=True)
class ReLU(Activation):
    """A = max(Z, 0), element by element.

    Derivation. The slope is 1 where Z > 0 and 0 where Z < 0:

        dZ = dA where Z > 0, else 0

    At the kink Z = 0 there is no derivative; 0 is taken, one of the subgradients, as is usual. Finite differences that
    step over the kink measure something between the two slopes, which is why gradient checking asks `kinks`.
    """

    def forward(
        self, params: NoParameters, x: Array, want: Want, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward[NoParameters]]:
        a = np.clip(x, 0, np.inf)  # half the time of np.maximum where there is much
        positive = x > 0 if want.inputs else None

        def backward(da: Array, grads: NoParameters) -> Array | None:
            return None if positive is None else np.multiply(da, positive, out=da)

        return a, backward

    def kinks(self, params: NoParameters, x: Array) -> Array:
        return x > 0

    @property
    def analytic(self) -> bool:
        return False
