"""The rectified linear unit: the positive part of a value."""

from dataclasses import dataclass

from sfumato.arrays import Array
from sfumato.kernels.ops import ops
from sfumato.layers.base import Activation, Forward, Needs, NoParameters, Rng


@dataclass(frozen=True)
class ReLU(Activation):
    """A = max(Z, 0), element by element.

    Derivation. The slope is 1 where Z > 0 and 0 where Z < 0:

        dZ = dA where Z > 0, else 0

    At the kink Z = 0 there is no derivative; 0 is taken, one of the subgradients, as is usual. Finite differences that
    step over the kink measure something between the two slopes, which is why gradient checking asks `kinks`.
    """

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        a, mask = ops().rectify(x, positive=needs.inputs)
        return a, lambda da, grads: ops().masked(da, mask)

    def kinks(self, params: NoParameters, x: Array) -> Array:
        return x > 0

    @property
    def analytic(self) -> bool:
        return False
