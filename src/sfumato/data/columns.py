"""Decisions on the columns of a table: taken once, on the rows of training, and kept in the model.

A column of numbers is one input. One of categories becomes as many as it has categories: one is 1 and the others are 0
("one-hot"). A date becomes three, see `dates`. What is missing is NaN in numbers and dates, which the scaling takes for
the mean of the training examples, and all 0 in categories.
"""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.data.csv_format import number
from sfumato.data.dates import PARTS, YEAR_FIRST, day_of, order_of, parts_of_days
from sfumato.data.missing import DASHES, without_dashes
from sfumato.data.notations import CODE, amount, written
from sfumato.data.spellings import ANY_CAPITALS, one_spelling, variants
from sfumato.errors import InputError, TableWarning

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "category", "date", "left out", "classes", "values"]

MOST_CATEGORIES = 100
"""A column of more different texts tells rows apart, and nothing about them."""

MOSTLY = 0.9
"""Share of a column's cells that are numbers, from which on its other texts are taken for missing values."""

FEW_VALUES = 20
"""Different values up to which numbers and texts that all come again are categories, such as 0, 1, 2 and 3+."""

COUNTS = frozenset(["id", "rownames", "rowname", "row.names", "row_names", "index", "unnamed: 0", "unnamed: 0.1"])
"""Names of columns that tell rows apart, where all of their values are different."""


class Column(NamedTuple):
    """The decision on a column: what it is, and how its values are written.

    Attributes:
        name: Its name as a feature.
        kind: What it is; "classes" or "values" for the target.
        form: How its numbers or dates are written; "" for plain numbers. For categories, whether capitals count.
        first: Of dates the first day, from 1970-01-01.
        note: What is not obvious about it, in words; empty for nothing.
        missing: Number of rows that have no value in it, among those that it was decided on.
    """

    name: str
    kind: Kind
    form: str = ""
    first: float = 0.0
    note: str = ""
    missing: int = 0

    @property
    def said(self) -> str:
        """The note as a line."""
        return f"left out: {self.note}" if self.kind == "left out" else self.note


def widths(
    features: Sequence[str], categories: Mapping[str, tuple[str, ...]], columns: Sequence[Column] = ()
) -> list[int]:
    """Number of inputs of each column of features."""
    dates = {column.name for column in columns if column.kind == "date"}
    return [PARTS if name in dates else len(categories.get(name, " ")) for name in features]


def indicators(
    features: Sequence[str], categories: Mapping[str, tuple[str, ...]], columns: Sequence[Column] = ()
) -> Array | None:
    """Mask of the inputs that are categories, zeros and ones, `(d,)` of bool; None where none are."""
    if not categories:
        return None
    return np.repeat([name in categories for name in features], widths(features, categories, columns))


@dataclass
class Strange:
    """Texts of a table that a model does not know, and takes for missing.

    Attributes:
        path: The table.
        strict: Refuse them instead.
        said: What was found so far, by column: the text found first, and how many there were.
    """

    path: str
    strict: bool = False
    said: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, where: str, column: str, texts: "pd.Series[str]", what: str) -> None:
        """Note the texts of a column; `where` is the place of the first.

        Raises:
            InputError: They are to be refused.
        """
        first = f"{texts.iloc[0][:40]!r} is {what}"
        if self.strict:
            raise InputError(f"{self.path}, {where}, {column}: {first}; correct it, or leave it empty")
        text, count = self.said.get(column, (f"{where}, {column}: {first}", 0))
        self.said[column] = (text, count + len(texts))

    def warn(self) -> None:
        """Warn of all that was found."""
        for text, count in self.said.values():
            others = f", and {count - 1} more like it" if count > 1 else ""
            warnings.warn(
                f"{self.path}, {text}{others}: {count} in all, taken for missing",
                TableWarning,
                stacklevel=2,
            )


def columns_table(columns: Sequence[Column], categories: Mapping[str, tuple[str, ...]]) -> str:
    """All columns of a table with what was decided on each, a line each."""
    width = max((len(column.name) for column in columns), default=0)
    return "\n".join(
        f"{column.name:<{width}}  {column.kind:<8}  {'; '.join(column_details(column, categories))}".rstrip()
        for column in columns
    )


def column_details(column: Column, categories: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The decision on a column in words: its categories, how it is written, what is not obvious."""
    known = categories.get(column.name, ())
    shown = ", ".join(known[:6]) + (f", ... ({len(known)})" if len(known) > 6 else "")
    form = f"written as {column.form}" if column.form else ""
    note = column.note.removeprefix(f"column {column.name!r}: ").removeprefix(f"column {column.name!r} ")
    missing = f"{column.missing} without a value" if column.missing else ""
    return [text for text in (shown, form, note, missing) if text]


def said_of_missing(columns: Sequence[Column]) -> list[str]:
    """A line on the values that are missing in a table's features, and what is taken for them; none without any."""
    features = [column for column in columns if column.kind in ("number", "date", "category")]
    most = max(features, key=lambda column: column.missing, default=None)
    if most is None or not most.missing:
        return []
    count = sum(column.missing > 0 for column in features)
    where = f"{count} of {len(features)} columns, most in" if count > 1 else "column"
    taken = "numbers and dates are taken for the mean of the training rows, categories for none"
    return [f"values are missing in {where} {most.name!r} ({most.missing}): {taken}"]


def occurrences(texts: "pd.Series[str]") -> dict[str, int]:
    """Count the occurrences of each text."""
    return Counter(texts.dropna().tolist())  # pandas takes a millisecond a column, and there may be thousands


def is_numeric(values: "pd.Series[float] | pd.Series[str]") -> bool:
    """Whether a column that was read holds numbers, rather than texts."""
    return values.dtype.kind == "f"


def decide(name: str, label: str, values: "pd.Series[str]", *, decimal: str, asked: str, doubtful: bool) -> Column:
    """Decide what a column of features is.

    Args:
        name: Its name as a feature.
        label: Its name for messages.
        values: Its values, numbers or texts.
        decimal: The decimal sign of the table.
        asked: "number" or "text", if the user says so; else empty.
        doubtful: Whether all decimal signs in its plain numbers could be between thousands.

    Raises:
        InputError: It is to hold numbers, and has none.
    """
    if is_numeric(values):
        if values.isna().all():
            return Column(name, "left out", note=f"{label} has no values")
        sign = "commas" if decimal == "," else "points"
        taken = f"its {sign} are taken for decimal {sign}, as no value proves otherwise"
        return Column(name, "number", note=f"{label}: {taken}" if doubtful else "")
    counts = without_dashes(occurrences(values))
    if not counts:
        return Column(name, "left out", note=f"{label} has no values")
    if asked == "text":
        return Column(name, "category")
    return numbers_of(name, label, counts, decimal, sure=asked == "number") or _texts(name, label, counts)


def numbers_of(name: str, label: str, counts: Mapping[str, int], decimal: str, *, sure: bool) -> Column | None:
    """The decision on a column of texts that are numbers, or mostly so; None for others.

    Args:
        name: Its name as a feature.
        label: Its name for messages.
        counts: How often each text occurs.
        decimal: The decimal sign of the table.
        sure: Whether the user says that it holds numbers.

    Raises:
        InputError: The user says so, and it has none.
    """
    if not sure and any(CODE.fullmatch(text) for text in counts):
        return None
    form, meaning, doubtful, _ = written(counts, decimal)
    others = {t: n for t, n in counts.items() if amount(t, form) is None and number(t, decimal) is None}
    if len(others) == len(counts) and sure:
        raise InputError(f"{label}: none of its texts is a number ({next(iter(others))[:20]!r}): leave out number=...")
    if not sure and not _is_mostly_numbers(counts, others):
        return None
    if all(number(text, decimal) is not None for text in counts if text not in others):
        form, meaning = "", meaning if doubtful else ""
    told = [meaning] if meaning else []
    if others:
        shown = ", ".join(repr(text[:20]) for text in [*others][:2]) + (", ..." if len(others) > 2 else "")
        told.append(f"{sum(others.values())} of {sum(counts.values())} are no numbers ({shown}), taken for missing")
    return Column(name, "number", form, note=f"{label}: {'; '.join(told)}" if told else "")


def _is_mostly_numbers(counts: Mapping[str, int], others: Mapping[str, int]) -> bool:
    """Whether a column is one of numbers although some of its texts are none."""
    if not others:
        return True
    total, wrong = sum(counts.values()), sum(others.values())
    if len(counts) <= FEW_VALUES and min(counts.values()) > 1 and any(c.isdigit() for text in others for c in text):
        return False
    if len(others) == 1 and not any(c.isdigit() for text in others for c in text) and len(counts) > 2:
        return 2 * wrong <= total  # one word, such as "unknown"
    return wrong <= (1 - MOSTLY) * total


def _texts(name: str, label: str, counts: Mapping[str, int]) -> Column:
    """The decision on a column of texts that are no numbers: dates or categories."""
    order = order_of(counts) if len(counts) > 1 else None
    if order is not None:
        days = {text: day for text in counts if (day := _day(text, order.form)) is not None}
        others = [text for text in counts if text not in days]
        strange = f"{sum(counts[text] for text in others)} of {sum(counts.values())} are no dates"
        told = [f"{label}: dates, as days since the first, month and day of the week", order.note]
        told += [f"{strange} ({others[0][:20]!r}), taken for missing"] if others else []
        return Column(name, "date", order.form, min(days.values()), "; ".join(filter(None, told)))
    if any(CODE.fullmatch(text) for text in counts):
        taken = f"taken for text, as some numbers begin with 0 (number={name!r} if they are numbers)"
        return Column(name, "category", note=f"{label}: {taken}")
    mixed = sum(count for text, count in counts.items() if number(text) is not None)
    note = f"{label}: {mixed} numbers among {sum(counts.values())} texts: taken for text" if mixed else ""
    return Column(name, "category", note=note)


def settle(column: Column, label: str, counts: Mapping[str, int]) -> tuple[Column, tuple[str, ...]]:
    """Fix the categories of a column as the texts found; it is left out where they are no use.

    Args:
        column: The decision so far.
        label: The column's name for messages.
        counts: How often each text occurs in it.

    Returns:
        The decision, and the categories in order.
    """
    counts = without_dashes(counts)
    merged, note = one_spelling(counts)
    totals: Counter[str] = Counter()
    for text, count in counts.items():
        totals[merged.get(text, text)] += count
    why = _uselessness(totals)
    if why:
        return column._replace(kind="left out", note=f"{label} {why}"), ()
    categories = tuple(sorted(totals))
    told = [column.note] if column.note else []
    told += [f"{label}: {note}"] if note else []
    folded = merged or variants(categories, truths_only=True)
    return column._replace(form=ANY_CAPITALS if folded else "", note="; ".join(told)), categories


def _uselessness(counts: Mapping[str, int]) -> str:
    """Explain why a column of text is useless as a feature; an empty text if it may be useful."""
    if len(counts) > MOST_CATEGORIES:
        return f"has more than {MOST_CATEGORIES} different texts"
    return "has no text that occurs twice" if max(counts.values(), default=0) < 2 else ""


def counts_rows(name: str, values: "pd.Series[float]", *, first: bool) -> bool:
    """Whether a column only counts the rows: 1 to n or 0 to n - 1 in the first one, or different values in an `id`."""
    named = name.strip().lower() in COUNTS
    if not (named or first) or len(values) < 3 or not is_numeric(values) or values.isna().any():
        return False
    x = values.to_numpy(dtype=np.float64)
    if named:
        return bool((x == np.floor(x)).all()) and len(np.unique(x)) == len(x)
    return x[0] in (0, 1) and bool((np.diff(x) == 1).all())


def inputs_of(
    column: Column, categories: tuple[str, ...], values: "pd.Series[str]", decimal: str
) -> tuple[Array, Array]:
    """The inputs of a column's values, `(n, inputs)`, and which texts of it are unknown, `(n,)` of bool."""
    if column.kind == "category":
        x, unknown = _one_hot(values, categories, folded=column.form == ANY_CAPITALS)
    else:
        found, unknown = _as_numbers(column, values, decimal)
        x = parts_of_days(found, column.first) if column.kind == "date" else found[:, np.newaxis]
    if unknown.any():
        unknown &= ~values.isin(DASHES).to_numpy()
    return x, unknown


def _as_numbers(column: Column, values: "pd.Series[str]", decimal: str) -> tuple[Array, Array]:
    """Numbers of a column of numbers, or days of one of dates; and which of its texts are none."""
    import pandas as pd

    if is_numeric(values):
        return values.to_numpy(dtype=np.float64), np.zeros(len(values), bool)
    codes, distinct = pd.factorize(values)
    parsed = [parse(column, text, decimal) for text in distinct]
    found = np.array([*(np.nan if value is None else value for value in parsed), np.nan])[codes]
    return found, np.isnan(found) & values.notna().to_numpy()


def parse(column: Column, text: str, decimal: str) -> float | None:
    """Parse a text of a column of numbers or of dates; None for any other text."""
    if column.kind == "date":
        return _day(text, column.form)
    return amount(text, column.form) if column.form else number(text, decimal)


def _day(text: str, form: str) -> float | None:
    day = day_of(text, form)
    return day_of(text, YEAR_FIRST) if day is None else day


def _one_hot(values: "pd.Series[str]", categories: Sequence[str], *, folded: bool) -> tuple[Array, Array]:
    """Encode a column of categories as zeros and ones, all zeros where it is missing; and which are unknown."""
    import pandas as pd

    if folded:
        values = values.replace(variants(categories))
    codes = pd.Index(categories).get_indexer(pd.Index(values))
    shown: Array = codes[:, np.newaxis] == np.arange(len(categories))
    return shown.astype(np.float64), (codes < 0) & values.notna().to_numpy()
