"""The leaky rectified linear unit: the positive part of a value, and a little of the negative part."""

from dataclasses import dataclass

from sfumato.arrays import Array, namespace
from sfumato.checks import fraction
from sfumato.layers.base import Activation, Forward, Needs, NoParameters, Rng


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """A = Z where Z > 0, else slope * Z, element by element (Maas, Hannun and Ng 2013).

    Derivation. The slope is 1 where Z > 0 and `slope` elsewhere, so a unit that is off still learns:

        dZ = dA where Z > 0, else slope * dA

    Args:
        slope: Slope for negative inputs, 0.01 by default as in the paper; from 0 (ReLU) to below 1.
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        fraction("slope of a leaky ReLU", self.slope)

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        xp = namespace(x)
        a = xp.maximum(x, self.slope * x)
        negative = x <= 0 if needs.inputs else None  # a quarter of the memory that x itself would take
        return a, lambda da, grads: xp.where(negative, self.slope * da, da)

    def kinks(self, params: NoParameters, x: Array) -> Array:
        return x > 0

    @property
    def analytic(self) -> bool:
        return False
