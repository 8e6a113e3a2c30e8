"""Numbers, names and tables as text of at most 100 columns, and numbers for JSON."""

import math
from collections.abc import Sequence

import numpy as np

from sfumato.arrays import Array

SMALLEST_P_VALUE = 2.2e-16
"""Smaller P-values are shown as "< 2.2e-16", the spacing of floating-point numbers at one, as R does."""

TEXT_WIDTH = 100
LONGEST_NAME = 16
SHORTEST_NAME = 6


def number(value: float) -> str:
    """Format a number with four decimals; NaN is "n/a"."""
    return "n/a" if math.isnan(value) else f"{value:.4f}"


def p_value(value: float) -> str:
    """Format a P-value with four digits; NaN is "n/a"."""
    if math.isnan(value):
        return "n/a"
    return f"< {SMALLEST_P_VALUE:.1e}" if value < SMALLEST_P_VALUE else f"{value:.4g}"


def json_number(value: float) -> float | None:
    """Return None for NaN and infinity, since JSON has neither, and every other number unchanged."""
    return value if math.isfinite(value) else None


def shorten(name: str, longest: int) -> str:
    """Leave out the middle of a name of more than `longest` characters, since names tend to differ at their ends."""
    tail = (longest - 1) // 2
    return name if len(name) <= longest else name[: longest - 1 - tail] + "…" + name[-tail:]


def pairs(title: str, rows: dict[str, str]) -> str:
    """Lay out names to the left and values to the right, under a title."""
    width = max(map(len, rows)) + 2
    return "\n".join([title, "", *(f"{name:{width}}{value}" for name, value in rows.items())])


def table(title: str, heads: Sequence[str], rows: list[list[str]]) -> str:
    """Lay out rows under heads of one or two lines: names to the left, numbers to the right."""
    two_lines = [head.split("\n") if "\n" in head else ["", head] for head in heads]
    lines = [*map(list, zip(*two_lines, strict=True)), *rows]
    first, *widths = (max(map(len, column)) for column in zip(*lines, strict=True))
    fits = first + sum(widths) + 2 * len(widths) <= TEXT_WIDTH
    gap = "  " if fits else " "
    text = [
        gap.join([f"{name:{first}}", *(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))])
        for name, *cells in lines
        if any([name, *cells])
    ]
    return "\n".join([title, "", *text])


def counts_table(title: str, counts: Array, names: Sequence[str]) -> str:
    """Lay out counts of true classes (down) and predicted classes (across), in as few blocks of columns as fit.

    Args:
        title: The line above the table.
        counts: Number of examples, (classes, classes).
        names: Names of the classes, short enough for the first column.
    """
    k = len(names)
    label_width = max(map(len, [*names, "true"]))
    available = TEXT_WIDTH - label_width
    # Heads are cut down to SHORTEST_NAME before the matrix is broken into blocks; where there is space they stay whole.
    heads = [shorten(name, max(SHORTEST_NAME, available // k - 2)) for name in names]
    width = max(len(str(counts.max())), *map(len, heads)) + 2
    blocks = math.ceil(k / (available // width))
    texts = []
    for columns in np.array_split(np.arange(k), blocks):
        lines = [" " * (label_width + 2) + "predicted"]
        lines.append(f"{'true':{label_width}}" + "".join(f"{heads[j]:>{width}}" for j in columns))
        for name, row in zip(names, counts[:, columns], strict=True):
            lines.append(f"{name:{label_width}}" + "".join(f"{count:{width}}" for count in row))
        texts.append("\n".join(lines))
    return "\n\n".join([title, *texts])
