"""Affine maps row by row, with ReLU if it follows, and sums of columns."""

from sfumato.arrays import Array
from sfumato.kernels.compiled.compiler import compiled


@compiled
def affine(x: Array, W: Array, b: Array, relu: bool, z: Array) -> None:
    """Write xW + b to z, for few inputs; max(xW + b, 0) with `relu`."""
    zero = z.dtype.type(0.0)
    for n in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[n, j] = b[j] + x[n, 0] * W[0, j]
        for k in range(1, x.shape[1]):
            for j in range(z.shape[1]):
                z[n, j] += x[n, k] * W[k, j]
        if relu:
            for j in range(z.shape[1]):
                z[n, j] = zero if z[n, j] < zero else z[n, j]


@compiled
def add_row(product: Array, b: Array, relu: bool, z: Array) -> None:
    """Write product + b to z; max(product + b, 0) with `relu`. Further columns of the product are left out."""
    zero = z.dtype.type(0.0)
    for n in range(z.shape[0]):
        for j in range(z.shape[1]):
            total = product[n, j] + b[j]
            z[n, j] = zero if relu and total < zero else total


@compiled
def column_sums(A: Array, sums: Array) -> None:
    """Write the sum of each column of A."""
    sums[:] = 0.0
    for n in range(A.shape[0]):
        for j in range(A.shape[1]):
            sums[j] += A[n, j]
