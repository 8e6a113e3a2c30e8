"""The hyperbolic tangent: squashes to between -1 and 1."""

from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array, namespace
from sfumato.layers.base import Activation, Backward, Needs, NoParameters


@dataclass(frozen=True)
class Tanh(Activation):
    """A = tanh(Z) = (e^Z - e^-Z) / (e^Z + e^-Z), element by element.

    Derivation. By the quotient rule, with u = e^Z - e^-Z, v = e^Z + e^-Z, u' = v and v' = u:

        dA/dZ = (v^2 - u^2) / v^2 = 1 - A^2      =>  dZ = dA * (1 - A^2)
    """

    def forward(
        self, params: NoParameters, x: Array, needs: Needs, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward[NoParameters]]:
        a: Array = namespace(x).tanh(x)

        def backward(da: Array, grads: NoParameters) -> Array | None:
            return da * (1.0 - a * a) if needs.inputs else None

        return a, backward
