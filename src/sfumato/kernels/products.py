"""Products of matrices, and sums of columns, in the form that is fast."""

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels import tensors

WHOLE = 8
"""Columns that OpenBLAS takes at once. What is left over it takes as 4, 2 and 1, each in about the time of 8."""

NARROW, LARGE = 32, 2**17
"""Filling columns up pays in products with fewer columns than this, of a matrix of at least so many numbers."""


def product(A: Array, B: Array, out: Array) -> None:
    """AB, for matrices A and B of one precision, written to `out`, which may have another."""
    if not isinstance(A, np.ndarray):
        tensors.product_into(A, B, out)
        return
    filled = _filled(A, B)
    if filled is B:
        np.matmul(A, B, out=out)
    else:
        out[...] = np.matmul(A, filled)[:, : B.shape[1]]


def affine(x: Array, W: Array, b: Array) -> Array:
    """xW + b, for matrices x and W."""
    if not isinstance(x, np.ndarray):
        return tensors.affine(x, W, b)
    z: Array = np.matmul(x, _filled(x, W))[:, : W.shape[1]]
    z += b
    return z


def column_sums(A: Array, out: Array) -> None:
    """Sum of each column of a matrix, written to `out`; of 16 bits, added up in the precision of that."""
    if isinstance(A, np.ndarray):
        out[...] = np.ones(len(A), A.dtype) @ A  # by BLAS, several times as fast as A.sum(axis=0)
    else:
        tensors.column_sums(A, out)


def _filled(A: Array, B: Array) -> Array:
    """B, with columns of zeros to fill it up where that pays."""
    columns = B.shape[1]
    if columns % WHOLE == 0 or columns >= NARROW or A.size < LARGE:
        return B
    filled = np.zeros((len(B), columns + -columns % WHOLE), B.dtype)
    filled[:, :columns] = B
    return filled
