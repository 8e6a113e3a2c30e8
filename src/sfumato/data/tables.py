"""Tables in CSV and Parquet files, and of pandas: one column is the target, the others are features.

What each column is, is told in `columns`; which of them are taken, in `choosing`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sfumato.arrays import Array
from sfumato.data.choosing import (
    Asked,
    Columns,
    Known,
    Table,
    choose_columns,
    known_columns,
    target_column,
    target_name,
    text_counts,
)
from sfumato.data.columns import Column, Strange, occurrences, parse
from sfumato.data.csv import CSVTable
from sfumato.data.dataset import Dataset, Examples, TaskChoice, check_task
from sfumato.data.missing import DASHES
from sfumato.data.options import PLAIN_TABLE, TableOptions
from sfumato.data.parquet import FrameTable, ParquetTable
from sfumato.data.targets import Target, decide_target, known_target
from sfumato.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def load_table(
    path: str | Path,
    *,
    target: str | None = None,
    task: TaskChoice = "auto",
    few: bool = False,
    known: Known | None = None,
    options: TableOptions = PLAIN_TABLE,
) -> Dataset:
    """Read a CSV or Parquet file: one column is the target, all others are features.

    What becomes of each column, how the file may be written, and what stands for a missing value, is told in the guide
    to tables; what was decided is in the data set's `columns` and `notes`. Without a header the features are called x1,
    x2, ... and the target y.

    Args:
        path: The file; Parquet if its name ends in .parquet, else CSV, which may be compressed by gzip.
        target: The target column's name, or its index from 0 (negative: from the end); the last one by default.
        task: "classification", "regression", or "auto": classes where the target is text, or has at most 20 distinct
            whole numbers that repeat; else values.
        few: Accept a single row, and rows of a single class: enough to measure a model on, if not to train one.
        known: The columns that a model takes; by default all are, as above.
        options: What is said about the table, rather than told by its content.

    Returns:
        Features float64 `(n, d)`, NaN where a number is missing. Classes are sorted by number, or by text if one of
        them is no number. Rows without a target are left out.

    Raises:
        FileError: The file cannot be read, or pyarrow is missing.
        InputError: The options do not fit the file, or its content is wrong; the message says in which line.
    """
    check_task(task)
    table = open_table(path, options=options, known=known)
    return read_dataset(table, target=target, task=task, few=few, known=known, options=options)


def read_dataset(
    table: Table,
    *,
    target: str | None = None,
    task: TaskChoice = "auto",
    few: bool = False,
    known: Known | None = None,
    options: TableOptions = PLAIN_TABLE,
) -> Dataset:
    """Read an open table, see `load_table`."""
    asked = Asked.of(table, options)
    chosen = target_column(table, target, asked.drop)
    fresh = known is None or not known.features
    columns, frame = _choose(table, chosen, asked) if known is None or fresh else _read_known(table, chosen, known)
    label = f"{table.path}, {table.column(chosen)}"
    counts = occurrences(frame[chosen])
    name = target_name(table, chosen)
    if sum(counts.values()) == 1 and not few:
        raise InputError(f"{table.path}: has only one row of values; give at least 2")
    if known is not None and known.target is not None and _asks(known.target, task):
        found = known_target(label, known.target, known.classes, counts, table.decimal)
    else:
        wanted = asked.kind(chosen)

        def place(cell: str) -> str:
            row = table.row(int((frame[chosen] == cell).to_numpy().argmax()))
            return f"{table.path}, {row}, {table.column(chosen)}"

        found = decide_target(label, name, counts, task, table.decimal, asked=wanted, few=few, place=place)
        stray = next((text for text in counts if not found.takes(text, table.decimal) and text not in DASHES), None)
        if options.strict and stray is not None:
            raise InputError(f"{place(stray)}: {stray[:40]!r} is not a number; correct it, or leave it empty")
    frame, y, notes = _with_target(table, frame, chosen, found, name)
    if fresh:
        columns = columns.settled(table, text_counts(columns, frame))
    strange = Strange(str(table.path), options.strict)
    x = columns.encode(table, frame, strange)
    if fresh:
        columns = columns.with_missing(columns.missing_in(x))
    else:
        strange.warn()
    return Dataset(
        name=table.path.name,
        examples=Examples(x, y),
        test=None,
        task=found.task,
        classes=found.classes,
        features=columns.names,
        target=name,
        categories=columns.categories,
        columns=(*columns.in_order, found.column),
        notes=(*table.notes, *notes),
        missing=options.missing if known is None else known.missing,
    )


def _asks(column: Column, task: TaskChoice) -> bool:
    """Whether a decision on a target is one for this task."""
    return task == "auto" or (task == "classification") == (column.kind == "classes")


def _choose(table: Table, chosen: int, asked: Asked) -> tuple[Columns, "pd.DataFrame"]:
    """Choose the columns of a table by its values, and read them."""
    everything = [*range(table.width)]
    plain = table.plain([k for k in everything if k != chosen and k not in asked.text])
    frame = table.read(everything, [*plain])
    return choose_columns(table, chosen, frame, [k for k, doubt in plain.items() if doubt], asked), frame


def _read_known(table: Table, chosen: int, known: Known) -> tuple[Columns, "pd.DataFrame"]:
    columns = known_columns(table, chosen, known)
    return columns, table.read(columns.wanted, columns.plain)


def _with_target(
    table: Table, frame: "pd.DataFrame", chosen: int, found: Target, name: str
) -> tuple["pd.DataFrame", Array, list[str]]:
    """The rows that have a target, the target of each, and a note on the others."""
    y, kept = targets_of(frame[chosen], found, table.decimal)
    without = int((~kept).sum())
    note = f"{without} of {len(frame)} rows have no value in {name!r}, and are left out"
    return (frame[kept], y, [note]) if without else (frame, y, [])


def targets_of(texts: "pd.Series[str]", found: Target, decimal: str) -> tuple[Array, Array]:
    """The targets of those rows that have one, int64 classes or float64 values; and which those are, `(n,)` of bool."""
    import pandas as pd

    codes, distinct = pd.factorize(texts)
    if found.classes:
        numbers = [float(found.numbering.get(text, np.nan)) for text in distinct]
    else:
        parsed = (parse(found.column, text, decimal) for text in distinct)
        numbers = [np.nan if value is None else value for value in parsed]
    y = np.array([*numbers, np.nan])[codes]
    kept = ~np.isnan(y)
    return (y[kept].astype(np.int64) if found.classes else y[kept]), kept


def column_names(path: str | Path) -> tuple[str, ...]:
    """Names in a table's header, the target's among them; empty for a table without a header."""
    return open_table(path).header


def load_features(path: str | Path, known: Known, count: int, options: TableOptions = PLAIN_TABLE) -> Array:
    """Read the features of examples to predict, float64 `(n, count)`.

    Where the file has a header with the names of all features, those columns are taken and others ignored; otherwise it
    must have no header (or the features no names but x1, x2, ...) and exactly their columns, in the order of training.
    The format is that of `load_table`. A text that the model does not know is taken for missing, with a `TableWarning`.

    Args:
        path: The file.
        known: The columns that the model takes; without names where it takes images.
        count: Number of features, where they have no names.
        options: What is said about the table, rather than told by its content.

    Raises:
        FileError: The file cannot be read.
        InputError: It has other columns, or its content is wrong; the message says in which line.
    """
    return _features(open_table(path, options=options, known=known), known, count, options)


def features_of(frame: "pd.DataFrame", known: Known, options: TableOptions = PLAIN_TABLE) -> Array:
    """Encode the features of a pandas table's rows, float64 `(n, d)`, as `load_features` does."""
    return _features(frame_table("the table", frame, known.missing), known, 0, options)


def learn_features(frame: "pd.DataFrame") -> Known:
    """Decide what the columns of a pandas table of features alone are, as `load_table` does."""
    table = frame_table("x", frame)
    everything = range(table.width)
    values = table.read(everything, [*table.plain(everything)])
    columns = choose_columns(table, -1, values, [], Asked.of(table))
    columns = columns.settled(table, text_counts(columns, values))
    columns = columns.with_missing(columns.missing_in(columns.encode(table, values, Strange("x"))))
    return Known(columns.names, columns.categories, columns.in_order)


def frame_table(name: str, frame: "pd.DataFrame", missing: Sequence[str] = ()) -> FrameTable:
    """A pandas table to read."""
    header = tuple(map(str, frame.columns))
    numbered = frame.set_axis(range(frame.shape[1]), axis=1).reset_index(drop=True)
    return FrameTable(Path(name), numbered, header, missing=tuple(missing))


def _features(table: Table, known: Known, count: int, options: TableOptions) -> Array:
    if not known.features:
        known = known._replace(features=tuple(f"x{k}" for k in range(1, count + 1)))
    columns = known_columns(table, None, known)
    strange = Strange(str(table.path), options.strict)
    x = columns.encode(table, table.read(columns.features, columns.plain), strange)
    strange.warn()
    return x


def open_table(
    path: str | Path, most: int | None = None, options: TableOptions = PLAIN_TABLE, known: Known | None = None
) -> CSVTable | ParquetTable:
    """Open the table in a file; of a CSV file only the first `most` bytes are read, if given."""
    path = Path(path)
    if known is not None:
        options = options._replace(missing=(*known.missing, *options.missing))
    if path.suffix.lower() == ".parquet":
        return ParquetTable.open(path, options.missing)
    names, texts = ((), frozenset[str]()) if known is None else (known.features, known.texts)
    return CSVTable.open(path, most, options, names, texts)
