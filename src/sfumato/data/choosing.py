"""Choice of a table's columns: the target, the features and what each of them is, and what is left out."""

import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.checks import suggestion
from sfumato.data.columns import (
    Column,
    Strange,
    counts_rows,
    decide,
    inputs_of,
    is_numeric,
    occurrences,
    settle,
    widths,
)
from sfumato.data.csv import CSVTable
from sfumato.data.csv_format import mangled
from sfumato.data.options import PLAIN_TABLE, TableOptions
from sfumato.data.parquet import FrameTable, ParquetTable
from sfumato.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Table = CSVTable | ParquetTable | FrameTable

NAME_THE_SEPARATOR = "or name the sign between the values: separator=..."

MOST_NAMES = 20  # An error does not list the hundreds of columns of a table of pixels.


class Known(NamedTuple):
    """Columns of a table as a model knows them.

    Attributes:
        features: Names of the columns of features, in order.
        categories: The categories of those columns that have some, by name.
        columns: What was decided on each column, in the order of the file; empty for a model of before.
        missing: Further texts that stand for a missing value.
        classes: Names of the classes; empty for regression.
    """

    features: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    columns: tuple[Column, ...] = ()
    missing: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def decided(self, name: str) -> Column:
        """The decision on a column of features."""
        found = next((one for one in self.columns if one.name == name and one.kind != "left out"), None)
        return found or Column(name, "category" if name in self.categories else "number")

    @property
    def target(self) -> Column | None:
        """The decision on the target; None for a model of before."""
        return next((one for one in self.columns if one.kind in ("classes", "values")), None)

    @property
    def numbered(self) -> bool:
        """Whether the columns had no names."""
        return all(re.fullmatch("x[0-9]+", name) for name in self.features)

    @property
    def texts(self) -> frozenset[str]:
        """Categories and classes of columns without names: a first row that has one of them holds no names."""
        return frozenset([*self.classes, *itertools.chain(*self.categories.values())] if self.numbered else [])


@dataclass(frozen=True)
class Columns:
    """Choice of a table's columns, with what was decided on each.

    Attributes:
        target: The column to predict; None where there is none.
        features: Columns of features.
        decided: What they are, in the same order.
        categories: The categories of those that have some, by name.
        left_out: Columns that are no features, and why, by index.
    """

    target: int | None
    features: tuple[int, ...]
    decided: tuple[Column, ...]
    categories: Mapping[str, tuple[str, ...]]
    left_out: Mapping[int, Column] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(column.name for column in self.decided)

    @property
    def width(self) -> int:
        """Number of inputs."""
        return sum(widths(self.names, self.categories, self.decided))

    @property
    def wanted(self) -> list[int]:
        """Columns to read: the features, and the target."""
        return [*self.features, *([] if self.target is None else [self.target])]

    @property
    def plain(self) -> list[int]:
        """Columns of plain numbers."""
        found = zip(self.features, self.decided, strict=True)
        return [index for index, column in found if column.kind == "number" and not column.form]

    @property
    def text(self) -> list[int]:
        """Columns of categories."""
        return [k for k, column in zip(self.features, self.decided, strict=True) if column.kind == "category"]

    @property
    def only_numbers(self) -> "Columns":
        """The columns of numbers and of dates alone."""
        kept = [(k, c) for k, c in zip(self.features, self.decided, strict=True) if c.kind != "category"]
        return replace(self, features=tuple(k for k, _ in kept), decided=tuple(c for _, c in kept), categories={})

    def settled(self, table: Table, counts: Mapping[int, Mapping[str, int]]) -> "Columns":
        """Fix the categories as the texts found, and drop columns without use.

        Args:
            table: Whose columns they are.
            counts: How often each text was found, for each column of text.

        Raises:
            InputError: No column of features is left.
        """
        found = [
            (index, *(settle(column, table.column(index), counts[index]) if index in counts else (column, ())))
            for index, column in zip(self.features, self.decided, strict=True)
        ]
        kept = [(index, column) for index, column, _ in found if column.kind != "left out"]
        left_out = {**self.left_out, **{index: column for index, column, _ in found if column.kind == "left out"}}
        if not kept:
            raise _no_feature(table, left_out)
        categories = {column.name: names for _, column, names in found if column.kind == "category"}
        indices, decided = zip(*kept, strict=True)
        return replace(self, features=indices, decided=decided, categories=categories, left_out=left_out)

    def missing_in(self, x: Array) -> list[int]:
        """Number of rows without a value in each of the features, for encoded rows, `(n, width)`."""
        each = widths(self.names, self.categories, self.decided)
        starts = np.cumsum([0, *each])
        counts: list[int] = np.isnan(x[:, starts[:-1]]).sum(axis=0).tolist()
        for n, column in enumerate(self.decided):
            if column.kind == "category":
                counts[n] = int((~x[:, starts[n] : starts[n + 1]].any(axis=1)).sum())
        return counts

    def with_missing(self, counts: Iterable[int]) -> "Columns":
        """Keep the number of rows without a value with each of the features."""
        found = zip(self.decided, counts, strict=True)
        return replace(self, decided=tuple(column._replace(missing=count) for column, count in found))

    @property
    def in_order(self) -> tuple[Column, ...]:
        """All decisions but the target's, in the order of the file."""
        found = {**dict(zip(self.features, self.decided, strict=True)), **self.left_out}
        return tuple(found[index] for index in sorted(found))

    def encode(self, table: Table, frame: "pd.DataFrame", strange: Strange) -> Array:
        """Encode the features in a table of values, `(n, d)`; what is unknown goes into `strange`."""
        each = widths(self.names, self.categories, self.decided)
        starts = np.cumsum([0, *each])
        x = np.empty((len(frame), starts[-1]))
        numbers = [n for n, k in enumerate(self.features) if n in self._numbers and is_numeric(frame[k])]
        x[:, starts[numbers]] = frame[[self.features[n] for n in numbers]].to_numpy(dtype=np.float64)  # at once
        for n in {*range(len(each))} - {*numbers}:
            index, column = self.features[n], self.decided[n]
            known = self.categories.get(column.name, ())
            x[:, starts[n] : starts[n + 1]], unknown = inputs_of(column, known, frame[index], table.decimal)
            if unknown.any():
                row = table.row(int(frame.index[int(unknown.argmax())]))
                strange.add(row, table.column(index), frame[index][unknown], _strangeness(column, known))
        self._check_finite(table, x, frame, starts)
        return x

    @cached_property
    def _numbers(self) -> frozenset[int]:
        return frozenset(n for n, column in enumerate(self.decided) if column.kind == "number")

    def _check_finite(self, table: Table, x: Array, frame: "pd.DataFrame", starts: Array) -> None:
        wrong = np.isinf(x)
        if wrong.any():
            row, place = np.unravel_index(int(wrong.argmax()), x.shape)
            index = self.features[int(np.searchsorted(starts, place, side="right")) - 1]
            raise InputError(
                f"{table.path}, {table.row(int(frame.index[int(row)]))}, {table.column(index)}: "
                f"{str(frame[index].iloc[int(row)])!r} is not finite; correct it or remove the row"
            )


def _no_feature(table: Table, left_out: Mapping[int, Column]) -> InputError:
    return InputError(f"{table.path}: no column is a feature: {'; '.join(one.note for one in left_out.values())}")


def _strangeness(column: Column, known: tuple[str, ...]) -> str:
    """Words for what a column's texts have to be, for a message on one that is not."""
    if column.kind == "category":
        more = ", ..." if len(known) > MOST_NAMES else ""
        return f"not one of the known categories ({', '.join(known[:MOST_NAMES])}{more})"
    return "not a number" if column.kind == "number" else f"not a date as {column.form}"


def target_column(table: Table, target: str | None, drop: Collection[int] = ()) -> int:
    """Index of the target: by name or index, or the last column that is not empty and not left out.

    Raises:
        InputError: There is no such column, or it is to be left out.
    """
    if table.width < 2:
        raise InputError(
            f"{table.path}: has only one column (the first line has no comma, semicolon or tab); "
            f"give at least one feature and the target, {NAME_THE_SEPARATOR}"
        )
    if target is None:
        left = [index for index in range(table.last + 1) if index not in drop]
        if not left:
            raise InputError(f"{table.path}: no column is left to predict: drop fewer (drop=...)")
        return left[-1]
    chosen = index_of(table, target)
    if chosen in drop:
        raise InputError(f"{table.path}: {table.column(chosen)} is the target and cannot be left out too (drop=...)")
    return chosen


def names_of(table: Table) -> tuple[str, ...]:
    """Names of all columns, each another; "column 2" where the header has none."""
    return mangled([name or f"column {k}" for k, name in enumerate(table.header or [""] * table.width, 1)])


def target_name(table: Table, index: int) -> str:
    """Name of a column as the target."""
    return names_of(table)[index] if table.header else "y"


def index_of(table: Table, name: str) -> int:
    """Index of a column by its name or index.

    Raises:
        InputError: There is no such column.
    """
    if name and name in table.header:
        return table.header.index(name)
    if re.fullmatch(r"-?[0-9]{1,9}", name) and -table.width <= int(name) < table.width:
        return int(name) % table.width
    more = ", ..." if len(table.header) > MOST_NAMES else ""
    names = f"a name ({', '.join(table.header[:MOST_NAMES])}{more})" if table.header else "no name, without a header"
    raise InputError(
        f"{table.path}: there is no column {name!r}; {suggestion(name, table.header)}"
        f"choose an index, 0 to {table.width - 1} (-1 for the last one), or {names}"
    )


class Asked(NamedTuple):
    """Columns that the user has named, by index: left out, of text, of numbers."""

    drop: frozenset[int]
    text: frozenset[int]
    number: frozenset[int]

    @classmethod
    def of(cls, table: Table, options: TableOptions = PLAIN_TABLE) -> "Asked":
        """The columns that the options name."""
        named = (options.drop, options.text, options.number)
        asked = cls(*(frozenset(index_of(table, name) for name in names) for names in named))
        if asked.text & asked.number:
            both = table.column(min(asked.text & asked.number))
            raise InputError(f"{table.path}: {both} cannot be of text and of numbers: leave out text=... or number=...")
        return asked

    def kind(self, index: int) -> str:
        """Find what the user says that a column holds: "text" or "number"; else empty."""
        return "text" if index in self.text else "number" if index in self.number else ""


def choose_columns(table: Table, chosen: int, frame: "pd.DataFrame", doubtful: Sequence[int], asked: Asked) -> Columns:
    """Choose the features among all columns, and what each is; categories are found later.

    Args:
        table: The table.
        chosen: The target; -1 for none.
        frame: Its values, or those of its first rows.
        doubtful: Columns of plain numbers whose points could all be between thousands.
        asked: What the user has named.

    Raises:
        InputError: No column of features is left.
    """
    names = names_of(table)
    left_out = {k: Column(names[k], "left out", note=f"{table.column(k)} as asked") for k in sorted(asked.drop)}
    others = [index for index in range(table.width) if index != chosen and index not in left_out]
    if chosen and others[:1] == [0] and len(others) > 1 and table.header and not table.header[0] and any(table.header):
        left_out[0] = Column(names[0], "left out", note="column 1 has no name, as numbers of rows have none")
        others = others[1:]
    decided = {}
    for n, k in enumerate(others, 1):
        name, label = names[k] if table.header else f"x{n}", table.column(k)
        decided[k] = decide(name, label, frame[k], decimal=table.decimal, asked=asked.kind(k), doubtful=k in doubtful)
    counting = {
        k: Column(one.name, "left out", note=f"{table.column(k)} only counts the rows")
        for k, one in decided.items()
        if not {k} & (asked.text | asked.number) and counts_rows(one.name, frame[k], first=k == 0)
    }
    if any(one.kind != "left out" and k not in counting for k, one in decided.items()):  # else better than none
        decided |= counting
    left_out |= {k: one for k, one in decided.items() if one.kind == "left out"}
    kept = {k: one for k, one in decided.items() if one.kind != "left out"}
    if not kept:
        raise _no_feature(table, left_out)
    return Columns(chosen, tuple(kept), tuple(kept.values()), {}, left_out)


def known_columns(table: Table, chosen: int | None, known: Known) -> Columns:
    """The columns of a table that a model takes, by their names, or by their order where there are none.

    Raises:
        InputError: It has other columns.
    """
    names = known.features
    places = {name: index for index, name in enumerate(names_of(table))} if table.header else {}
    decided = tuple(map(known.decided, names))
    absent = [name for name in names if name not in places]
    if not absent:
        return Columns(chosen, tuple(places[name] for name in names), decided, known.categories)
    if chosen is not None and table.header and len(absent) < len(names):
        raise InputError(f"{table.path}: its header lacks {absent[0]!r}; give it all of the names: {', '.join(names)}")
    others = [index for index in range(table.last + 1) if index != chosen]
    all_names = tuple(one.name for one in known.columns if one.kind not in ("classes", "values"))
    if chosen is not None or not table.header or known.numbered:
        for order in (names, all_names):
            if len(others) == len(order):
                in_order = dict(zip(order, others, strict=True))
                return Columns(chosen, tuple(in_order[name] for name in names), decided, known.categories)
    if chosen is not None:
        raise InputError(
            f"{table.path}: the number of columns beside the target is {len(others)}, but {len(names)} are expected; "
            "give those, or a header with their names"
        )
    missing = f" (its header lacks {absent[0]!r})" if table.header and names else ""
    if isinstance(table, FrameTable):
        raise InputError(f"{table.path}: has no column {absent[0]!r}; the model takes {', '.join(names[:MOST_NAMES])}")
    if table.width == 1 < len(names):
        raise InputError(f"{table.path}: has only one column{missing}; give all {len(names)}, {NAME_THE_SEPARATOR}")
    raise InputError(
        f"{table.path}: the number of columns is {len(others)}{missing}, but the model takes {len(names)} "
        "features; give those alone without a header, or a header with all of their names"
    )


def text_counts(columns: Columns, frame: "pd.DataFrame") -> dict[int, dict[str, int]]:
    """Count the occurrences of each text in each column of categories."""
    return {index: occurrences(frame[index]) for index in columns.text}
