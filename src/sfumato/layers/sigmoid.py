"""The sigmoid, with values between 0 and 1."""

from dataclasses import dataclass

from sfumato.arrays import Array, namespace
from sfumato.layers.base import Activation, Forward, Needs, NoParameters, Rng


def sigmoid(z: Array) -> Array:
    """Compute 1 / (1 + e^-z) as (1 + tanh(z/2)) / 2: the same function without an exponential that could overflow."""
    a: Array = namespace(z).tanh(z * 0.5)
    a += 1.0
    a *= 0.5
    return a


@dataclass(frozen=True)
class Sigmoid(Activation):
    """A = 1 / (1 + e^-Z), element by element.

    Derivation. With A = (1 + e^-Z)^-1:

        dA/dZ = e^-Z (1 + e^-Z)^-2 = A (1 - A)      =>  dZ = dA * A * (1 - A)

    The derivative needs only the output A.
    """

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        a = sigmoid(x)
        return a, lambda da, grads: da * a * (1.0 - a)
