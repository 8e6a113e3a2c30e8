"""Rows of bytes, gathered for a mini-batch and scaled to floating point."""

import math
from typing import Any

import numpy as np

from sfumato.arrays import Array, take
from sfumato.kernels.compiled import rows as loops


def scaled_rows(x: Array, rows: Array, offset: Array, factor: Array, out: Array) -> None:
    """Write (x[rows] - offset) * factor to `out`.

    Args:
        x: Bytes, (n, ...).
        rows: Numbers of rows.
        offset: Of the type of `out`; one for all, (), or for each entry of a row, (d,).
        factor: As `offset`.
        out: Memory of the result, floating point.
    """
    np.copyto(out, take(x, rows))
    if offset.any():
        out -= offset
    out *= factor


def numba_scaled_rows(x: Array, rows: Array, offset: Array, factor: Array, out: Array) -> None:
    """`scaled_rows` in one pass."""
    width = math.prod(x.shape[1:])
    flat, into = x.reshape(len(x), width), out.reshape(len(out), width)
    loops.scaled_rows(flat, rows, offset.reshape(-1), factor.reshape(-1), into)


def torch_scaled_rows(x: Any, rows: Any, offset: Any, factor: Any, out: Any) -> None:
    """`scaled_rows` of tensors."""
    out[...] = take(x, rows)
    if offset.any():
        out -= offset
    out *= factor
