"""Rows of bytes, gathered and scaled in one pass."""

from sfumato.arrays import Array
from sfumato.kernels.compiled.compiler import compiled


@compiled
def gather_and_scale(x: Array, rows: Array, offset: Array, factor: Array, out: Array) -> None:
    """Write (x[rows] - offset) * factor to `out`, where offset and factor are both one for all, or one a column."""
    number = out.dtype.type
    for n in range(len(rows)):
        taken, row = x[rows[n]], out[n]
        if len(factor) == 1:
            start, scale = offset[0], factor[0]
            for j in range(len(row)):
                row[j] = (number(taken[j]) - start) * scale
        else:
            for j in range(len(row)):
                row[j] = (number(taken[j]) - offset[j]) * factor[j]
