"""Affine maps of few inputs, row by row."""

from sfumato.arrays import Array
from sfumato.kernels.compiled.compiler import compiled


@compiled
def affine(x: Array, W: Array, b: Array, z: Array) -> None:
    """Write xW + b to z."""
    for n in range(x.shape[0]):
        row = z[n]
        for j in range(len(b)):
            row[j] = b[j]
        for k in range(x.shape[1]):
            weights, value = W[k], x[n, k]
            for j in range(len(b)):
                row[j] += value * weights[j]
