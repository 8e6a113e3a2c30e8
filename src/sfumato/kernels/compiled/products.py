"""Affine maps row by row, with ReLU if it follows, and sums of columns."""

from sfumato.arrays import Array
from sfumato.kernels.compiled.compiler import compiled


@compiled
def affine(x: Array, W: Array, b: Array, relu: bool, z: Array) -> None:
    """Write xW + b to z, for few inputs; max(xW + b, 0) with `relu`."""
    zero = z.dtype.type(0.0)
    for n in range(x.shape[0]):
        row = z[n]
        for j in range(len(b)):
            row[j] = b[j]
        for k in range(x.shape[1]):
            weights, value = W[k], x[n, k]
            for j in range(len(b)):
                row[j] += value * weights[j]
        if relu:
            for j in range(len(b)):
                row[j] = zero if row[j] < zero else row[j]


@compiled
def add_row(product: Array, b: Array, relu: bool, z: Array) -> None:
    """Write product + b to z; max(product + b, 0) with `relu`. Further columns of the product are left out."""
    zero = z.dtype.type(0.0)
    for n in range(z.shape[0]):
        row, own = z[n], product[n]
        for j in range(len(b)):
            row[j] = own[j] + b[j]
        if relu:
            for j in range(len(b)):
                row[j] = zero if row[j] < zero else row[j]


@compiled
def column_sums(A: Array, sums: Array) -> None:
    """Write the sum of each column of A."""
    sums[:] = 0.0
    for n in range(A.shape[0]):
        row = A[n]
        for j in range(len(sums)):
            sums[j] += row[j]
