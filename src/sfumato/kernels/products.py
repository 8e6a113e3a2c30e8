"""Products of matrices, and sums of columns, in the form that is fast."""

import math
from typing import Any

import numpy as np

from sfumato.arrays import Array, to_numpy
from sfumato.kernels.compiled import products as loops
from sfumato.kernels.compiled.compiler import serves
from sfumato.kernels.threads import PART, run_in_threads

WHOLE = 8
"""Columns that OpenBLAS multiplies at once. The rest is split into 4, 2 and 1, each in about the time of 8."""

FEW = 4
"""Inputs of an affine map, at most, for which a loop over rows is faster than OpenBLAS and a pass for the bias."""

NARROW, LARGE = 32, 2**17
"""Products with fewer columns than this, of a matrix of at least so many numbers, have faster forms: with OpenBLAS it
pays to fill the columns up; PyTorch's kernels for processors, which share rows among threads and not sums, take the
product transposed."""


def product(A: Array, B: Array, out: Array) -> None:
    """Write AB to `out`, which may have another precision than the matrices A and B."""
    filled = _filled(A, B)
    if filled is B:
        np.matmul(A, B, out=out)
    else:
        out[...] = np.matmul(A, filled)[:, : B.shape[1]]


def affine(x: Array, W: Array, b: Array) -> Array:
    """Return xW + b, for matrices x and W."""
    z: Array = np.matmul(x, _filled(x, W))[:, : W.shape[1]]
    z += b
    return z


def affine_and_rectify(x: Array, W: Array, b: Array, *, positive: bool) -> tuple[Array, Any]:
    """Return max(xW + b, 0) and, if `positive`, the mask for `relu.masked`: booleans of where it is positive."""
    a = affine(x, W, b)
    np.clip(a, 0, math.inf, out=a)
    return a, a > 0 if positive else None


def column_sums(A: Array, out: Array) -> None:
    """Write the sum of each column of A to `out`, in whose precision columns of 16 bits are added up."""
    out[...] = np.ones(len(A), A.dtype) @ A  # by BLAS, several times as fast as A.sum(axis=0)


def stacked_products(rows: Array, x: Array) -> Array:
    """Products of the rows of a matrix (m, n) with x, (n,): (m,) in float64, which the parts of x add up to."""
    parts = run_in_threads(lambda: lambda part: rows[:, part] @ x[part], _parts(x))
    total: Array = np.array(parts, np.float64).sum(axis=0)
    return total


def add_combination(coefficients: Array, rows: Array, out: Array) -> None:
    """Add sum_i coefficients[i] rows[i] to `out`, (n,), for coefficients (m,) and rows (m, n)."""
    own = coefficients.astype(rows.dtype)

    def add(part: slice) -> None:
        out[part] += own @ rows[:, part]

    run_in_threads(lambda: add, _parts(out))


def _parts(x: Array) -> list[slice]:
    """Cut a vector by its length alone; an empty one is one part."""
    return [slice(start, start + PART) for start in range(0, max(1, len(x)), PART)]


def _filled(A: Array, B: Array) -> Array:
    """Fill B up with columns of zeros, where that makes AB faster."""
    columns = B.shape[1]
    if columns % WHOLE == 0 or columns >= NARROW or A.size < LARGE:
        return B
    filled = np.zeros((len(B), columns + -columns % WHOLE), B.dtype)
    filled[:, :columns] = B
    return filled


def numba_affine(x: Array, W: Array, b: Array) -> Array:
    """`affine`, in one pass where inputs are few: BLAS takes longer to begin."""
    return _numba_affine(x, W, b, relu=False) if _fits(x, W, b) else affine(x, W, b)


def numba_affine_and_rectify(x: Array, W: Array, b: Array, *, positive: bool) -> tuple[Array, Any]:
    """`affine_and_rectify`, whose mask is the output itself."""
    if not _fits(x, W, b):
        return affine_and_rectify(x, W, b, positive=positive)
    a = _numba_affine(x, W, b, relu=True)
    return a, a if positive else None


def numba_column_sums(A: Array, out: Array) -> None:
    """`column_sums` in one pass."""
    if A.flags.c_contiguous and out.flags.c_contiguous and A.shape[1:] == out.shape and serves(A, out):
        loops.column_sums(A, out)
    else:
        column_sums(A, out)


def _fits(x: Array, W: Array, b: Array) -> bool:
    """Whether the loops serve this affine map."""
    return x.shape[1:] == W.shape[:1] and b.shape == W.shape[1:] and serves(x, W, b)


def _numba_affine(x: Array, W: Array, b: Array, *, relu: bool) -> Array:
    """Compute max(xW + b, 0) or, without `relu`, xW + b."""
    z = np.empty((len(x), len(b)), W.dtype)
    if 0 < len(W) <= FEW:
        loops.affine(np.ascontiguousarray(x), np.ascontiguousarray(W), b, relu, z)
    else:
        loops.add_row(np.matmul(x, _filled(x, W)), b, relu, z)
    return z


def torch_product(A: Any, B: Any, out: Any) -> None:
    """`product` of tensors."""
    import torch

    if _narrow(A, B):
        out[...] = (B.T @ A.T).T
    elif out.dtype == A.dtype:
        torch.matmul(A, B, out=out)
    else:
        out[...] = A @ B


def torch_affine(x: Any, W: Any, b: Any) -> Array:
    """`affine` of tensors; a processor takes 0.56 times as long with a narrow W transposed (1000 x 784 by 784 x 15)."""
    import torch

    z: Array = torch.addmm(b[:, None], W.T, x.T).T.contiguous() if _narrow(x, W) else torch.addmm(b, x, W)
    return z


def torch_affine_and_rectify(x: Any, W: Any, b: Any, *, positive: bool) -> tuple[Array, Any]:
    """`affine_and_rectify` of tensors, whose mask is the output itself."""
    z: Any = torch_affine(x, W, b)
    a: Array = z.relu_()
    return a, a if positive else None


def torch_stacked_products(rows: Any, x: Any) -> Array:
    """`stacked_products` of tensors."""
    return to_numpy(rows @ x).astype(np.float64)


def torch_add_combination(coefficients: Array, rows: Any, out: Any) -> None:
    """`add_combination` of tensors."""
    import torch

    out += torch.from_numpy(coefficients).to(rows) @ rows


def torch_column_sums(A: Any, out: Any) -> None:
    """`column_sums` of a tensor."""
    import torch

    torch.sum(A, 0, dtype=out.dtype, out=out)


def _narrow(A: Any, B: Any) -> bool:
    """Whether a processor takes AB faster transposed."""
    return bool(B.shape[1] < NARROW and A.numel() >= LARGE and A.device.type == "cpu")
