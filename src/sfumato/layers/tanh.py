"""The hyperbolic tangent, with values between -1 and 1."""

from dataclasses import dataclass

from sfumato.arrays import Array, namespace
from sfumato.layers.base import Activation, Forward, Needs, NoParameters, Rng


@dataclass(frozen=True)
class Tanh(Activation):
    """A = tanh(Z) = (e^Z - e^-Z) / (e^Z + e^-Z), element by element.

    Derivation. By the quotient rule, with u = e^Z - e^-Z, v = e^Z + e^-Z, u' = v and v' = u:

        dA/dZ = (v^2 - u^2) / v^2 = 1 - A^2      =>  dZ = dA * (1 - A^2)
    """

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        a: Array = namespace(x).tanh(x)
        return a, lambda da, grads: da * (1.0 - a * a)
