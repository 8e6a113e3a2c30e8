"""Rows of bytes, gathered for a mini-batch and scaled to floating point."""

import math
from typing import Any

import numpy as np

from sfumato.arrays import Array, take
from sfumato.kernels.compiled import rows as loops
from sfumato.kernels.compiled.compiler import numbers_below, serves


def gather_and_scale(x: Array, rows: Array, offset: Array, factor: Array, out: Array) -> None:
    """Write (x[rows] - offset) * factor to `out`.

    Args:
        x: Bytes, (n, ...).
        rows: Numbers of rows.
        offset: Of the type of `out`; one for all, (), for each entry of a row, (d,), or for each channel of
            images.
        factor: As `offset`, though the shapes may differ.
        out: Memory of the result, floating point.

    Raises:
        IndexError: There is no such row.
    """
    np.copyto(out, take(x, rows))
    if offset.any():
        out -= offset
    out *= factor


def numba_gather_and_scale(x: Array, rows: Array, offset: Array, factor: Array, out: Array) -> None:
    """`gather_and_scale` in one pass."""
    ordered = x.flags.c_contiguous and out.flags.c_contiguous and out.shape == (*rows.shape, *x.shape[1:])
    if not (ordered and x.dtype == np.uint8 and serves(out, offset, factor) and numbers_below(rows, len(x))):
        gather_and_scale(x, rows, offset, factor, out)
        return
    if offset.size != 1 or factor.size != 1:
        offset, factor = (np.broadcast_to(numbers, x.shape[1:]) for numbers in (offset, factor))
    width = math.prod(x.shape[1:])
    flat, into = x.reshape(len(x), width), out.reshape(len(out), width)
    loops.gather_and_scale(flat, rows, offset.ravel(), factor.ravel(), into)


def torch_gather_and_scale(x: Any, rows: Any, offset: Any, factor: Any, out: Any) -> None:
    """`gather_and_scale` of tensors."""
    out[...] = take(x, rows)
    if offset.any():
        out -= offset
    out *= factor
