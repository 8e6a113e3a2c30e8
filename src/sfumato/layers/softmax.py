"""Softmax, row by row, with probabilities as values."""

from dataclasses import dataclass

from sfumato.arrays import Array, namespace
from sfumato.layers.base import Activation, Forward, Needs, NoParameters, Rng


def softmax(z: Array) -> Array:
    """Probabilities e^z_j / sum_k e^z_k over the last axis.

    Adding the same D to every z leaves the quotient as it is; D = -max(z) keeps every exponential at one or below, so
    that none overflows (the reference's Part 5).

    >>> import numpy as np
    >>> softmax(np.array([[0.0, np.log(3.0)], [1000.0, 1000.0]])).round(3).tolist()
    [[0.25, 0.75], [0.5, 0.5]]
    """
    xp = namespace(z)
    p: Array = xp.exp(z - xp.max(z.real, axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p


@dataclass(frozen=True)
class Softmax(Activation):
    """S_j = e^Z_j / sum_k e^Z_k, row by row.

    Derivation. With the quotient rule, the Jacobian of one row is

        dS_j/dZ_i = S_j (delta_ij - S_i)

    and the chain rule sums over every output that Z_i reaches:

        dZ_i = sum_j dS_j S_j (delta_ij - S_i) = S_i (dS_i - sum_j dS_j S_j)

    A classifier's last softmax is not this layer: fused with the cross-entropy on the logits
    (`losses/classification.py`) the two derivatives collapse to S - Y, which is both simpler and exact where S_j is too
    small to represent.
    """

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        s = softmax(x)
        return s, lambda ds, grads: s * (ds - (ds * s).sum(axis=-1, keepdims=True))
