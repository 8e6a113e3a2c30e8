"""Confusion matrices as text that a person can read, in at most 100 columns."""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sfumato.evaluation.confusion import ConfusionMatrix

SMALLEST_P_VALUE = 2.2e-16
"""Smaller P-values are shown as "< 2.2e-16", the spacing of floating-point numbers at one, as R does."""

TEXT_WIDTH = 100
LONGEST_NAME = 16
SHORTEST_NAME = 6


def confusion_text(matrix: "ConfusionMatrix") -> str:
    """The matrix, the overall statistics, precision and recall, and each class against all others."""
    names = [shorten(name, LONGEST_NAME) for name in matrix.classes]
    parts = (
        _counts_text(matrix, names),
        _overall_text(matrix),
        _precision_text(matrix, names),
        _class_text(matrix, names),
    )
    return "\n\n".join(parts)


def _counts_text(matrix: "ConfusionMatrix", names: list[str]) -> str:
    """The matrix in as few blocks of columns as fit the width."""
    k = len(matrix.classes)
    label_width = max(map(len, [*names, "true"]))
    room = TEXT_WIDTH - label_width
    # Heads are rather cut down to SHORTEST_NAME than the matrix broken; with room to spare they stay whole.
    heads = [shorten(name, max(SHORTEST_NAME, room // k - 2)) for name in names]
    width = max(len(str(matrix.counts.max())), *map(len, heads)) + 2
    blocks = math.ceil(k / (room // width))
    texts = []
    for columns in np.array_split(np.arange(k), blocks):
        lines = [" " * (label_width + 2) + "predicted"]
        lines.append(f"{'true':{label_width}}" + "".join(f"{heads[j]:>{width}}" for j in columns))
        for name, row in zip(names, matrix.counts[:, columns], strict=True):
            lines.append(f"{name:{label_width}}" + "".join(f"{count:{width}}" for count in row))
        texts.append("\n".join(lines))
    return "Confusion matrix: true classes down, predicted classes across\n\n" + "\n\n".join(texts)


def _overall_text(matrix: "ConfusionMatrix") -> str:
    low, high = matrix.accuracy_interval
    rows = {
        "Examples": str(matrix.examples),
        "Accuracy": number(matrix.accuracy),
        "95 % interval": f"{number(low)} to {number(high)}",
        "No-information rate": number(matrix.no_information_rate),
        "P-value, accuracy above that rate": _p_value(matrix.p_value),
        "Cohen's kappa": number(matrix.kappa),
        "P-value, McNemar's test": _p_value(matrix.mcnemar_p_value),
    }
    return pairs("Overall", rows)


def _precision_text(matrix: "ConfusionMatrix", names: list[str]) -> str:
    columns = (matrix.precision, matrix.recall, matrix.f1)
    rows = [
        [name, *map(number, values), str(examples)]
        for name, *values, examples in zip(names, *columns, matrix.counts.sum(axis=1), strict=True)
    ]
    averages = {name: matrix.average(name) for name in ("micro", "macro", "weighted")}
    rows += [[f"{name} average", *map(number, average), str(matrix.examples)] for name, average in averages.items()]
    return _table("Precision and recall", ("class", "precision", "recall", "F1", "examples"), rows)


def _class_text(matrix: "ConfusionMatrix", names: list[str]) -> str:
    columns = {
        "sensitivity": matrix.sensitivity,
        "specificity": matrix.specificity,
        "pos pred\nvalue": matrix.positive_predictive_value,
        "neg pred\nvalue": matrix.negative_predictive_value,
        "prevalence": matrix.prevalence,
        "detection\nrate": matrix.detection_rate,
        "detection\nprevalence": matrix.detection_prevalence,
        "balanced\naccuracy": matrix.balanced_accuracy,
    }
    by_class = zip(names, *columns.values(), strict=True)
    rows = [[name, *map(number, values)] for name, *values in by_class]
    return _table("Each class against all others", ("class", *columns), rows)


def number(value: float) -> str:
    """Four decimals, or n/a."""
    return "n/a" if math.isnan(value) else f"{value:.4f}"


def _p_value(value: float) -> str:
    if math.isnan(value):
        return "n/a"
    return f"< {SMALLEST_P_VALUE:.1e}" if value < SMALLEST_P_VALUE else f"{value:.4g}"


def shorten(name: str, longest: int) -> str:
    """The name with its middle left out if it is too long, since names tend to differ at one of their ends."""
    tail = (longest - 1) // 2
    return name if len(name) <= longest else name[: longest - 1 - tail] + "…" + name[-tail:]


def pairs(title: str, rows: dict[str, str]) -> str:
    """Names to the left, values to the right, under a title."""
    width = max(map(len, rows)) + 2
    return "\n".join([title, "", *(f"{name:{width}}{value}" for name, value in rows.items())])


def _table(title: str, heads: tuple[str, ...], rows: list[list[str]]) -> str:
    """Rows under heads of one or two lines: names to the left, numbers to the right."""
    two_lines = [head.split("\n") if "\n" in head else ["", head] for head in heads]
    lines = [*map(list, zip(*two_lines, strict=True)), *rows]
    first, *widths = (max(map(len, column)) for column in zip(*lines, strict=True))
    roomy = first + sum(widths) + 2 * len(widths) <= TEXT_WIDTH
    gap = "  " if roomy else " "
    text = [
        gap.join([f"{name:{first}}", *(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))])
        for name, *cells in lines
        if any([name, *cells])
    ]
    return "\n".join([title, "", *text])


def plain(value: float) -> float | None:
    """The number for JSON, which has no NaN and no infinity: None instead."""
    return value if math.isfinite(value) else None
