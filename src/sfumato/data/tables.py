"""Tables in CSV and Parquet files: one column is the target, the others are features, of numbers or of categories.

A column of categories becomes as many inputs as it has categories: one is 1 and the others are 0 ("one-hot"). A missing
number is NaN, which the scaling takes for the mean of the training examples; a missing category is none of them: all 0.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.checks import suggestion
from sfumato.data.csv import CSVTable, number
from sfumato.data.dataset import Dataset, Examples, Task, TaskChoice, check_task
from sfumato.data.parquet import FrameTable, ParquetTable
from sfumato.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Table = CSVTable | ParquetTable | FrameTable

MOST_CLASSES = 20  # A target of more distinct numbers is a value to predict, unless the caller says otherwise.
MOST_CATEGORIES = 100  # A column of more different texts tells rows apart, and nothing about them.
MOST_NAMES = 20  # An error does not list the hundreds of columns of a table of pixels.


class Known(NamedTuple):
    """Columns of a table as a model knows them.

    Attributes:
        features: Names of the columns of features, in order.
        categories: The categories of those columns that have some, by name.
    """

    features: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]


class Targets(NamedTuple):
    """The task of a target, the names of its classes, and each row's class or value, `(n,)`."""

    task: Task
    classes: tuple[str, ...]
    y: Array


@dataclass(frozen=True)
class Columns:
    """Choice of a table's columns, with the kind of each.

    Attributes:
        target: The column to predict; None where there is none.
        features: Columns of features, in the order of `names`.
        names: What they are called.
        categories: The categories of those that have some, by name.
        left_out: Columns that are no use as features, and why, in words.
    """

    target: int | None
    features: tuple[int, ...]
    names: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Number of inputs, categories encoded."""
        return sum(len(self.categories.get(name, " ")) for name in self.names)

    @property
    def wanted(self) -> list[int]:
        """Columns read as text: those of categories, and the target."""
        return self.text if self.target is None else [*self.text, self.target]

    @property
    def text(self) -> list[int]:
        """Columns of categories."""
        return [index for index, name in zip(self.features, self.names, strict=True) if name in self.categories]

    @property
    def numeric(self) -> list[int]:
        """Columns of numbers."""
        return [index for index, name in zip(self.features, self.names, strict=True) if name not in self.categories]

    def settled(self, table: Table, counts: Mapping[int, Mapping[str, int]]) -> "Columns":
        """Fix the categories as the texts found, and drop columns without use.

        Args:
            table: Whose columns they are.
            counts: How often each text was found, for each column of text.

        Raises:
            InputError: No column of features is left.
        """
        names = dict(zip(self.features, self.names, strict=True))
        useless = {index: _uselessness(texts) for index, texts in counts.items() if _uselessness(texts)}
        left_out = tuple(f"{table.column(index)} {why}" for index, why in useless.items())
        kept = tuple(index for index in self.features if index not in useless)
        used = {*kept}
        if not kept:
            raise InputError(f"{table.path}: no column is a feature: {'; '.join([*self.left_out, *left_out])}")
        categories = {names[index]: tuple(sorted(texts)) for index, texts in counts.items() if index in used}
        return Columns(self.target, kept, tuple(names[k] for k in kept), categories, self.left_out + left_out)

    def encode(self, table: Table, x: Array, text: "pd.DataFrame") -> Array:
        """Encode numbers `(n, len(numeric))` and text as features `(n, d)`."""
        if not self.categories:
            return x
        numbers, parts = iter(x.T[:, :, np.newaxis]), []
        for index, name in zip(self.features, self.names, strict=True):
            known = self.categories.get(name)
            parts.append(next(numbers) if known is None else _one_hot(table, index, text[index], known))
        return np.concatenate(parts, axis=1)


def load_table(
    path: str | Path,
    *,
    target: str | None = None,
    task: TaskChoice = "auto",
    few: bool = False,
    known: Known | None = None,
) -> Dataset:
    """Read a CSV or Parquet file: one column is the target, all others are features.

    A CSV file is UTF-8, with comma, semicolon or tab between values (the one that is most frequent in the first line).
    Its first row is a header if no cell of it is a number, or if a column has text there and numbers below. Without a
    header the features are called x1, x2, ... and the target y. Empty cells, NA, N/A, NaN and null are missing values.

    A column holds numbers if half of its cells or more are numbers, and then all have to be; else it holds categories.
    Left out are columns of text with more than 100 categories or none that occurs twice (they tell rows apart, and
    nothing about them), and a first column without a name where the others have one (the numbers of rows, as R and
    pandas write them).

    Args:
        path: The file; Parquet if its name ends in .parquet, else CSV.
        target: The target column's name, or its index from 0 (negative: from the end); the last one by default.
        task: "classification", "regression", or "auto": regression where the target has a fraction or more than 20
            distinct numbers, else classification.
        few: Accept a single row, and rows of a single class: enough to measure a model on, if not to train one.
        known: The columns that a model takes; by default all are, as above.

    Returns:
        Features float64 `(n, d)`, NaN where a number is missing. Classes are sorted by number, or by text if one of
        them is no number.

    Raises:
        FileError: The file cannot be read, or pyarrow is missing.
        InputError: The options do not fit the file, or its content is wrong; the message says in which line.
    """
    check_task(task)
    return read_dataset(open_table(path), target=target, task=task, few=few, known=known)


def read_dataset(
    table: Table, *, target: str | None = None, task: TaskChoice = "auto", few: bool = False, known: Known | None = None
) -> Dataset:
    """Read an open table, see `load_table`."""
    columns = choose_columns(table, target, known)
    chosen = columns.wanted[-1]
    x, text = table.read(columns.numeric, columns.wanted, [chosen])
    if known is None:
        columns = columns.settled(table, {index: occurrences(text[index]) for index in columns.text})
    if len(x) < 2 and not few:
        raise InputError(f"{table.path}: has only one row of values; give at least 2")
    found = values_of(table, chosen, text[chosen], task)
    classes = found.classes
    if len(classes) == 1 and not few:
        raise InputError(
            f"{table.path}, {table.column(chosen)}: the target is {classes[0]!r} in every row; "
            "give examples of at least 2 classes, or choose another target"
        )
    return Dataset(
        name=table.path.name,
        examples=Examples(columns.encode(table, x, text), found.y),
        test=None,
        task=found.task,
        classes=classes,
        features=columns.names,
        target=(table.header and table.header[chosen]) or "y",
        categories=columns.categories,
        left_out=columns.left_out,
    )


def column_names(path: str | Path) -> tuple[str, ...]:
    """Names in a table's header, the target's among them; empty for a table without a header."""
    return open_table(path).header


def load_features(path: str | Path, known: Known, count: int) -> Array:
    """Read the features of examples to predict, float64 `(n, count)`.

    Where the file has a header with the names of all features, those columns are taken and others ignored; otherwise it
    must have no header (or the features no names but x1, x2, ...) and exactly their columns, in the order of training.
    The format is that of `load_table`.

    Args:
        path: The file.
        known: The columns that the model takes; without names where it takes images.
        count: Number of features, where they have no names.

    Raises:
        FileError: The file cannot be read.
        InputError: It has other columns, or its content is wrong; the message says in which line.
    """
    return _features(open_table(path), known, count)


def features_of(frame: "pd.DataFrame", known: Known) -> Array:
    """Encode the features of a pandas table's rows, float64 `(n, d)`, as `load_features` does."""
    table = FrameTable(Path("the table"), frame.set_axis(range(frame.shape[1]), axis=1), tuple(map(str, frame.columns)))
    return _features(table, known, 0)


def _features(table: Table, known: Known, count: int) -> Array:
    names = known.features or tuple(f"x{k}" for k in range(1, count + 1))
    places = _places(table)
    if known.features and set(known.features) <= places.keys():
        features = tuple(places[name] for name in names)
    elif table.width == len(names) and (not table.header or _are_numbered(names)):
        features = tuple(range(len(names)))
    else:
        absent = [name for name in names if name not in places] if table.header else []
        missing = f" (its header lacks {absent[0]!r})" if absent and known.features else ""
        raise InputError(
            f"{table.path}: the number of columns is {table.width}{missing}, but the model takes {len(names)} "
            "features; give those alone without a header, or a header with all of their names"
        )
    columns = Columns(None, features, names, known.categories)
    return columns.encode(table, *table.read(columns.numeric, columns.text, []))


def open_table(path: str | Path, most: int | None = None) -> CSVTable | ParquetTable:
    """Open the table in a file; of a CSV file only the first `most` bytes are read, if given."""
    path = Path(path)
    return ParquetTable.open(path) if path.suffix.lower() == ".parquet" else CSVTable.open(path, most)


def choose_columns(table: Table, target: str | None, known: Known | None) -> Columns:
    """Choose the columns to read and their kinds: as known, or judged by their values; categories are found later."""
    if table.width < 2:
        raise InputError(
            f"{table.path}: has only one column (the first line has no comma, semicolon or tab); "
            "give at least one feature and the target"
        )
    chosen = _target_column(table, target)
    others = [index for index in range(table.width) if index != chosen]
    if known is not None and known.features:
        return _known_columns(table, chosen, others, known)
    left_out: tuple[str, ...] = ()
    if chosen and len(others) > 1 and table.header and not table.header[0] and all(table.header[1:]):
        others, left_out = others[1:], ("column 1 has no name, as numbers of rows have none",)
    names = tuple(table.header[k] or f"column {k + 1}" if table.header else f"x{n}" for n, k in enumerate(others, 1))
    numeric = {*table.columns_of_numbers(others)}
    categories = {name: () for k, name in zip(others, names, strict=True) if k not in numeric}
    return Columns(chosen, tuple(others), names, categories, left_out)


def _known_columns(table: Table, chosen: int, others: list[int], known: Known) -> Columns:
    names = known.features
    places = _places(table)
    absent = [name for name in names if name not in places]
    if not absent:
        return Columns(chosen, tuple(places[name] for name in names), names, known.categories)
    if table.header and len(absent) < len(names):
        raise InputError(f"{table.path}: its header lacks {absent[0]!r}; give it all of the names: {', '.join(names)}")
    if len(others) != len(names):
        raise InputError(
            f"{table.path}: the number of columns beside the target is {len(others)}, but {len(names)} are expected; "
            "give those, or a header with their names"
        )
    return Columns(chosen, tuple(others), names, known.categories)


def _places(table: Table) -> dict[str, int]:
    """Index of each column by its name."""
    return {name: index for index, name in enumerate(table.header)}


def occurrences(text: "pd.Series[str]") -> dict[str, int]:
    """Count the occurrences of each text."""
    return Counter(text.dropna().tolist())  # pandas takes a millisecond a column, and there may be thousands


def _uselessness(counts: Mapping[str, int]) -> str:
    """Explain why a column of text is useless as a feature; an empty text if it may be useful."""
    if len(counts) > MOST_CATEGORIES:
        return f"has more than {MOST_CATEGORIES} different texts"
    return "has no text that occurs twice" if max(counts.values(), default=0) < 2 else ""


def _one_hot(table: Table, index: int, text: "pd.Series[str]", categories: Sequence[str]) -> Array:
    """Encode a column of categories as zeros and ones, `(n, len(categories))`; a missing one is all zeros.

    Raises:
        InputError: A text is none of them.
    """
    import pandas as pd

    codes = pd.Index(categories).get_indexer(pd.Index(text))
    unknown = (codes < 0) & text.notna().to_numpy()
    if unknown.any():
        row = int(unknown.argmax())
        names = ", ".join(categories[:MOST_NAMES])
        raise InputError(
            f"{table.path}, {table.row(row)}, {table.column(index)}: {text.iloc[row][:40]!r} is not one of the known "
            f"categories ({names}); correct it, or leave it empty as a missing value"
        )
    shown: Array = codes[:, np.newaxis] == np.arange(len(categories))
    return shown.astype(np.float64)


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether the features have no names of their own: they come without a header, or are pixels."""
    return all(name == f"x{k}" for k, name in enumerate(names, 1))


def _target_column(table: Table, target: str | None) -> int:
    if target is None:
        return table.width - 1
    if target and target in table.header:
        return table.header.index(target)
    if re.fullmatch(r"-?[0-9]{1,9}", target) and -table.width <= int(target) < table.width:
        return int(target) % table.width
    more = ", ..." if len(table.header) > MOST_NAMES else ""
    names = f"a name ({', '.join(table.header[:MOST_NAMES])}{more})" if table.header else "no name, without a header"
    raise InputError(
        f"{table.path}: there is no column {target!r}; {suggestion(target, table.header)}"
        f"choose an index, 0 to {table.width - 1} (-1 for the last one), or {names}"
    )


def values_of(table: Table, column: int, text: "pd.Series[str]", task: TaskChoice) -> "Targets":
    """Convert the target's text to class numbers or values, as the task needs.

    Raises:
        InputError: A value that has to be a number is none.
    """
    distinct = text.unique().tolist()
    numbers = [number(value) for value in distinct]
    numeric = None not in numbers
    task = task_of(distinct) if task == "auto" else task
    if task == "regression" or numeric:
        for value, known in zip(distinct, numbers, strict=True):
            if known is None or not math.isfinite(known):
                problem = "a number" if known is None else "finite"
                raise InputError(
                    f"{table.path}, {table.row(int((text == value).to_numpy().argmax()))}, {table.column(column)}: "
                    f"{value[:40]!r} is not {problem}; correct it or remove the row"
                )
    if task == "regression":
        return Targets(task, (), text.map(dict(zip(distinct, numbers, strict=True))).to_numpy(np.float64))
    classes, numbering = classes_of(distinct)
    return Targets(task, classes, text.map(numbering).to_numpy(np.int64))


def task_of(values: Sequence[str]) -> Task:
    """Regression where one of the numbers has a fraction or there are more than 20, else classification."""
    numbers = {value for value in map(number, values) if value is not None}
    few = len(numbers) <= MOST_CLASSES and all(value.is_integer() for value in numbers)
    return "classification" if few else "regression"


def classes_of(values: Sequence[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Names of the classes among the texts of a target, in order, and the class's number for each text."""
    numbers = [number(value) for value in values]
    numeric = None not in numbers
    labels, inverse = np.unique(np.array(numbers) if numeric else values, return_inverse=True)
    names = tuple(str(int(label) if numeric and label.is_integer() else label) for label in labels)
    return names, dict(zip(values, inverse.tolist(), strict=True))
