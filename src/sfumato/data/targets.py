"""The target of a table: values or classes, and what becomes of its texts."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sfumato.data.columns import Column, numbers_of, parse
from sfumato.data.csv_format import number
from sfumato.data.dataset import Task, TaskChoice
from sfumato.data.dates import order_of
from sfumato.data.missing import without_dashes
from sfumato.data.notations import written
from sfumato.data.spellings import ANY_CAPITALS, one_spelling, variants
from sfumato.errors import InputError

MOST_CLASSES = 20
"""A target of more distinct numbers is a value to predict, unless the caller says otherwise."""

LEAST_REPEATS = 3
"""Rows for each distinct number of a target, on average, from which on they may be classes."""

FEW_TEXTS = 5
"""Classes of text that are not too many for any number of rows."""


class Target(NamedTuple):
    """The decision on a target, by the counts of all its texts.

    Attributes:
        task: Whether it is classes or values.
        classes: Names of the classes; empty for values.
        numbering: The number of the class of each text; empty for values.
        column: The decision, with the notation of numbers.
    """

    task: Task
    classes: tuple[str, ...]
    numbering: Mapping[str, int]
    column: Column

    def takes(self, text: str, decimal: str) -> bool:
        """Whether a text is a class or a value; else it is taken for missing."""
        return text in self.numbering if self.classes else parse(self.column, text, decimal) is not None


def decide_target(
    label: str,
    name: str,
    counts: Mapping[str, int],
    task: TaskChoice,
    decimal: str,
    *,
    asked: str,
    few: bool,
    place: Callable[[str], str],
) -> Target:
    """Decide what a target is.

    Args:
        label: Its name for messages, with the file's.
        name: Its name.
        counts: How often each text occurs in it.
        task: The task, or "auto".
        decimal: The decimal sign of the table.
        asked: "number" or "text", if the user says so; else empty.
        few: Accept a single class, and as many classes as rows.
        place: Gives the place of a text, for messages.

    Raises:
        InputError: It has no values, a text where a number is needed, dates, one class, or nearly as many as rows.
    """
    counts = without_dashes(counts)
    if not counts:
        raise InputError(f"{label}: the target is missing in every row; choose another column: target=...")
    where = f"column {name!r}"
    numbers = None if asked == "text" else numbers_of(name, where, counts, decimal, sure=asked == "number")
    if numbers is not None:
        found = {t: parse(numbers, t, decimal) for t in counts}
        values = {t: value for t, value in found.items() if value is not None}
        infinite = next((t for t, value in values.items() if not math.isfinite(value)), None)
        if infinite is not None:
            raise InputError(f"{place(infinite)}: {infinite!r} is not finite; correct it or remove the row")
        repeats = Counter[float]()
        for one, value in values.items():
            repeats[value] += counts[one]
        if task == "regression" or (task == "auto" and (written(counts, decimal).unit or not are_classes(repeats))):
            return Target("regression", (), {}, numbers._replace(kind="values"))
        if numbers.form:  # classes of a number's value
            counts = {t: counts[t] for t in values}
    stray = next((t for t in counts if number(t, decimal) is None), None)
    if numbers is None and stray is not None and (task == "regression" or (task == "auto" and _is_mixed(counts))):
        raise InputError(
            f"{place(stray)}: {stray[:40]!r} is not a number; correct it or remove the row, or "
            "choose another column: target=..."
        )
    if numbers is None and asked != "text" and task == "auto" and order_of(counts) is not None:
        raise InputError(
            f'{label}: the target is dates; choose another column (target=...), or insist by task="classification"'
        )
    kept = {t: n for t, n in counts.items() if numbers is None or t in values}
    return _classes(label, where, name, kept, numbers, task, decimal, few=few)


def _classes(
    label: str,
    where: str,
    name: str,
    counts: Mapping[str, int],
    numbers: Column | None,
    task: TaskChoice,
    decimal: str,
    *,
    few: bool,
) -> Target:
    """The classes of a target of texts, or of numbers that repeat."""
    merged, note = one_spelling(counts) if numbers is None else ({}, "")
    texts = sorted({merged.get(t, t) for t in counts})
    rows = sum(counts.values())
    if task == "auto" and not few and len(texts) > max(FEW_TEXTS, rows / 2):
        raise InputError(
            f"{label}: the target has {len(texts)} different texts in {rows} rows, and no class that small is learned; "
            'choose another column (target=...), or insist by task="classification"'
        )
    classes, numbering = classes_of(texts, numbers, decimal)
    if len(classes) == 1 and not few:
        raise InputError(
            f"{label}: the target is {classes[0]!r} in every row; give examples of at least 2 classes, or choose "
            'another target (of values, task="regression")'
        )
    numbering |= {other: numbering[chosen] for other, chosen in merged.items()}
    form = numbers.form if numbers else ANY_CAPITALS if merged or variants(classes, truths_only=True) else ""
    told = [numbers.note] if numbers and numbers.note else [f"{where}: {note}"] if note else []
    if numbers is not None and task == "auto":
        shown = ", ".join(classes[:6]) + (", ..." if len(classes) > 6 else "")
        told.append(f'{where}: classes: {shown} (task="regression" if these are values)')
    return Target("classification", classes, numbering, Column(name, "classes", form, note="; ".join(told)))


def _is_mixed(counts: Mapping[str, int]) -> bool:
    """Whether half of a target are numbers, and such as are values."""
    values = {t: number(t) for t in counts}
    found = Counter({value: counts[t] for t, value in values.items() if value is not None})
    return 2 * found.total() >= sum(counts.values()) and not are_classes(found)


def are_classes(counts: Mapping[float, int]) -> bool:
    """Whether the distinct numbers of a target are classes: few, whole, and each there several times.

    >>> are_classes({1947.0: 1, 1948.0: 1, 1949.0: 1}), are_classes({3.0: 4, 4.0: 200, 8.0: 99}), are_classes({0.5: 9})
    (False, True, False)
    """
    values, rows = sorted(counts), sum(counts.values())
    if not 0 < len(values) <= MOST_CLASSES or not all(math.isfinite(v) and float(v).is_integer() for v in values):
        return False
    in_turn = values[0] in (0, 1) and all(b - a == 1 for a, b in pairwise(values))
    if len(values) <= 2:
        return in_turn or rows >= 2 * len(values)
    return rows >= (2 if in_turn else LEAST_REPEATS) * len(values)


def classes_of(
    texts: Sequence[str], numbers: Column | None = None, decimal: str = "."
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Names of the classes among the texts of a target, in order, and the class's number for each text.

    Args:
        texts: The different texts.
        numbers: How they are written where they are numbers; plain ones are recognised.
        decimal: The decimal sign of the table.
    """
    values = [number(t, decimal) if numbers is None else parse(numbers, t, decimal) for t in texts]
    numeric = None not in values
    labels, inverse = np.unique(np.array(values) if numeric else texts, return_inverse=True)
    names = tuple(str(int(label) if numeric and label.is_integer() else label) for label in labels)
    return names, dict(zip(texts, inverse.tolist(), strict=True))


def known_target(
    label: str, column: Column, classes: tuple[str, ...], counts: Mapping[str, int], decimal: str
) -> Target:
    """The target of a table whose classes, or notation of values, a model knows.

    Raises:
        InputError: It has no values, or a text where a number is needed.
    """
    counts = without_dashes(counts)
    if not counts:
        raise InputError(f"{label}: the target is missing in every row; choose another column: target=...")
    if column.kind == "values":
        stray = next((t for t in counts if parse(column, t, decimal) is None), None)
        if stray is not None and all(parse(column, t, decimal) is None for t in counts):
            raise InputError(
                f"{label}: {stray[:40]!r} is not a number; correct it or choose another column: target=..."
            )
        return Target("regression", (), {}, column)
    other = variants(classes) if column.form == ANY_CAPITALS else {}
    if column.form not in ("", ANY_CAPITALS):
        found, numbering = classes_of([t for t in counts if parse(column, t, decimal) is not None], column, decimal)
        return Target("classification", found, numbering, column)
    spelled = {t: other.get(t, t) for t in counts}
    found, numbering = classes_of(sorted({*spelled.values()}), None, decimal)
    return Target("classification", found, {t: numbering[spelled[t]] for t in counts}, column)
