"""ReLU and its backward pass over the entries of arrays, one pass each."""

from sfumato.arrays import Array
from sfumato.kernels.compiled.compiler import compiled


@compiled
def rectify(x: Array, a: Array) -> None:
    """Write max(x, 0) to a; what is not a number stays so."""
    zero = x.dtype.type(0.0)
    for i in range(len(x)):
        a[i] = zero if x[i] < zero else x[i]


@compiled
def masked(da: Array, a: Array) -> None:
    """Set da to 0 where a is not positive."""
    zero = a.dtype.type(0.0)
    for i in range(len(a)):
        da[i] = da[i] if a[i] > zero else zero


@compiled
def masked_with_sums(da: Array, a: Array, sums: Array) -> None:
    """Set da, (n, k), to 0 where a is not positive, and write the sum of each of its columns."""
    zero = a.dtype.type(0.0)
    sums[:] = zero
    for n in range(a.shape[0]):
        for j in range(a.shape[1]):
            da[n, j] = da[n, j] if a[n, j] > zero else zero
            sums[j] += da[n, j]
