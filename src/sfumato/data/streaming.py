"""Tables larger than memory: read in blocks, once to survey the columns, then again whenever they are used."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from sfumato.arrays import Array
from sfumato.data.blocks import check_parts, divided
from sfumato.data.choosing import Asked, Columns, choose_columns, target_column, target_name
from sfumato.data.columns import Column, Strange, indicators, inputs_of, numbers_of, occurrences
from sfumato.data.csv import LONGEST_BEGINNING, CSVTable
from sfumato.data.csv_format import ENOUGH_TO_TELL_NUMBERS
from sfumato.data.dataset import Dataset, Examples, TaskChoice, check_task
from sfumato.data.missing import DASHES, without_dashes
from sfumato.data.options import PLAIN_TABLE, TableOptions
from sfumato.data.parquet import ParquetTable
from sfumato.data.scaling import Scaling, ScalingKind
from sfumato.data.tables import open_table, targets_of
from sfumato.data.targets import Target, decide_target
from sfumato.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MOST_TEXTS = 10_000
"""Most different texts of a target, or of a column of categories, that are counted: beyond that they are neither."""

Change = Callable[[Examples], Examples]


@dataclass
class Moments:
    """Number, mean, sum of squared deviations and extremes of columns of numbers, without those that are missing.

    Two of them are merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
    sample variances", 1979.
    """

    count: Array
    mean: Array
    squares: Array
    least: Array
    greatest: Array

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")  # infinite targets are refused in words, when their task is known
    def of(cls, x: Array, weight: Array | None = None) -> Self:
        """The moments of `x`, (n, d), whose rows may have weights, (n,): two count as if the row was there twice."""
        present = ~np.isnan(x)
        counted = present if weight is None else present * weight[:, np.newaxis]
        count = counted.sum(axis=0)
        mean = (np.where(present, x, 0.0) * counted).sum(axis=0) / _divisor(count)
        squares = (np.where(present, x - mean, 0.0) ** 2 * counted).sum(axis=0)
        least, greatest = np.where(present, x, np.inf).min(axis=0), np.where(present, x, -np.inf).max(axis=0)
        return cls(count, mean, squares, least, greatest)

    @np.errstate(over="ignore", invalid="ignore")
    def plus(self, other: "Moments") -> "Moments":
        """Moments of both sets of rows together."""
        count = self.count + other.count
        share = other.count / _divisor(count)
        apart = other.mean - self.mean
        return Moments(
            count,
            self.mean + apart * share,
            self.squares + other.squares + apart**2 * self.count * share,
            np.minimum(self.least, other.least),
            np.maximum(self.greatest, other.greatest),
        )

    @property
    def deviation(self) -> Array:
        """Standard deviations."""
        deviations: Array = np.sqrt(self.squares / _divisor(self.count))
        return deviations

    def scaling(self, kind: ScalingKind) -> Scaling:
        """Fit the scaling of tables of a kind, as `Scaling.fit` does."""
        constant = ~(self.least < self.greatest)
        if kind == "none":
            return Scaling(np.zeros(()), np.ones(()), self.mean)
        with np.errstate(divide="ignore", invalid="ignore"):
            if kind == "unit":
                least = np.where(np.isfinite(self.least), self.least, 0.0)
                return Scaling(least, np.where(constant, 0.0, 1 / (self.greatest - least)), self.mean)
            return Scaling(self.mean, np.where(constant, 0.0, 1 / self.deviation), self.mean)


def _divisor(count: Array) -> Array:
    """Number of values, or the sum of their weights, to divide by; 1 where there are none."""
    return np.where(count > 0, count, 1)


@dataclass(frozen=True, eq=False)
class Survey:
    """Result of the first pass over a table.

    Attributes:
        columns: Which columns are read as what.
        target: What the target is, and the class that each of its texts means.
        moments: Of the columns of numbers, in training.
        target_moments: Of the target's numbers, in training, (1,), for regression.
        class_counts: Number of training examples of each class, (classes,).
        digest: Of all that was read, to tell other data from these.
    """

    columns: Columns
    target: Target
    moments: Moments
    target_moments: Moments | None
    class_counts: Array
    digest: str


@dataclass(frozen=True, eq=False)
class StreamedExamples:
    """Examples that stay in their file and are read block by block.

    Attributes:
        table: The file.
        survey: What the first pass has learned of it.
        places: Where each block lies.
        rows: Number of rows of each block.
        changes: What is done to the examples of a block when it is read, in turn.
    """

    table: CSVTable | ParquetTable
    survey: Survey
    places: tuple[Any, ...]
    rows: tuple[int, ...]
    changes: tuple[Change, ...] = ()

    @property
    def size(self) -> int:
        """Number of examples."""
        return sum(self.rows)

    @property
    def width(self) -> int:
        """Number of inputs, categories encoded."""
        return self.survey.columns.width

    @property
    def class_counts(self) -> Array:
        """Number of training examples of each class, (classes,)."""
        return self.survey.class_counts

    def read(self, block: int) -> Examples:
        """The examples of a block, x float64 `(n, width)`."""
        table, columns = self.table.at(self.places[block]), self.survey.columns
        frame = table.read(columns.wanted, columns.plain)
        y, kept = targets_of(frame[columns.wanted[-1]], self.survey.target, table.decimal)
        examples = Examples(columns.encode(table, frame[kept], Strange(str(table.path))), y)
        for change in self.changes:
            examples = change(examples)
        return examples

    def blocks(self) -> Iterator[Examples]:
        """The examples, block by block, in the order of the file."""
        return map(self.read, range(len(self.rows)))

    def map(self, change: Change) -> "StreamedExamples":
        """Apply a function to each block when it is read."""
        return replace(self, changes=(*self.changes, change))

    def scaling(self, kind: ScalingKind = "auto") -> Scaling:
        """Fit the scaling of a kind to the training examples."""
        columns = self.survey.columns
        found = self.survey.moments.scaling("standard" if kind == "auto" else kind)
        shown = indicators(columns.names, columns.categories, columns.decided)
        if shown is None:
            return found
        offset, factor, missing = np.zeros(len(shown)), np.ones(len(shown)), np.zeros(len(shown))
        offset[~shown], factor[~shown], missing[~shown] = found.offset, found.factor, found.missing
        return Scaling(offset, factor, missing)


class Counted(NamedTuple):
    """Numbers of a block's rows: of all with something in the target, and of those with a text, or a dash, there."""

    rows: int
    texts: int
    dashes: int


@dataclass
class _Found:
    """Statistics of the first pass over a table: texts of all rows, and moments of the training rows.

    Attributes:
        column: How the numbers of the target are written; None where they are none.
        texts: How often each text was found, for each column of text.
        strange: Texts among numbers and dates.
        target: How often each text was found in the target.
        train_target: The same in training.
        moments: Of the columns of numbers, in training.
        target_moments: Of the target's numbers, in training.
        digest: Of all that was read.
        without: Number of rows without a target.
        missing: Number of rows without a value, for each column of numbers or dates.
    """

    column: Column | None
    texts: dict[int, Counter[str]]
    strange: Strange
    target: Counter[str] = field(default_factory=Counter)
    train_target: Counter[str] = field(default_factory=Counter)
    moments: Moments | None = None
    target_moments: Moments | None = None
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=8))
    without: int = 0
    missing: Counter[int] = field(default_factory=Counter)

    def add(self, block: CSVTable | ParquetTable, columns: Columns, *, train: bool) -> Counted:
        """Add the rows of a block, and count them."""
        frame = block.read(columns.wanted, columns.plain)
        chosen = columns.wanted[-1]
        y = self._values(frame[chosen], block.decimal)
        kept = frame[chosen].notna().to_numpy()
        self.without += int((~kept).sum())
        if y is not None and np.isinf(y).any():
            row = int(np.isinf(y).argmax())
            raise InputError(
                f"{block.path}, {block.row(row)}, {block.column(chosen)}: {frame[chosen].iloc[row]!r} is not finite; "
                "correct it or remove the row"
            )
        frame = frame[kept]
        numbers = columns.only_numbers
        x = numbers.encode(block, frame, self.strange)
        self.missing.update(dict(zip(numbers.features, numbers.missing_in(x), strict=True)))
        self.digest.update(x.data)
        for index in [*columns.text, chosen]:
            counts = occurrences(frame[index])
            self.digest.update(repr(sorted(counts.items())).encode())
            _count(self.target if index == chosen else self.texts[index], counts)
            if train and index == chosen:
                _count(self.train_target, counts)
        if train and len(frame):
            self.moments = _merged(self.moments, Moments.of(x))
            if y is not None:
                self.target_moments = _merged(self.target_moments, Moments.of(y[kept][:, np.newaxis]))
        texts = 0 if y is None else int(np.isnan(y[kept]).sum())
        return Counted(len(frame), texts, int(frame[chosen].isin(DASHES).sum()))

    def settled(self, columns: Columns, table: CSVTable | ParquetTable, rows: int) -> Columns:
        """The columns with their categories, and with the number of rows without a value, of all rows."""
        columns = columns.settled(table, self.texts)
        present = {index: sum(without_dashes(counts).values()) for index, counts in self.texts.items()}
        return columns.with_missing(
            rows - present[index] if index in present else self.missing[index] for index in columns.features
        )

    def _values(self, texts: "pd.Series[str]", decimal: str) -> Array | None:
        """The target's numbers; None where it has none."""
        if self.column is None:
            return None
        return inputs_of(self.column._replace(kind="number"), (), texts, decimal)[0][:, 0]

    def without_target(self, settled: Target, decimal: str) -> Callable[[Counted], int]:
        """Make the function that gives the number of a block's rows whose target is neither a class nor a value."""
        strange = (text for text in self.target if text not in DASHES and not settled.takes(text, decimal))
        if not settled.classes or next(strange, None) is not None:  # texts among numbers
            return lambda counted: counted.texts
        return lambda counted: 0 if "+" in self.target else counted.dashes

    def decided(self, table: CSVTable | ParquetTable, column: int, task: TaskChoice, *, asked: str) -> Target:
        """Decide what the target is."""
        where, name = f"{table.path}, {table.column(column)}", target_name(table, column)
        many = len(self.target) > MOST_TEXTS
        if many and self.column is not None and task != "classification":
            return Target("regression", (), {}, self.column._replace(name=name, kind="values"))
        if many:
            raise InputError(f"{where}: the target has more than {MOST_TEXTS} classes; choose another target")
        found = decide_target(
            where, name, self.target, task, table.decimal, asked=asked, few=False, place=lambda _: where
        )
        if found.classes and len({found.numbering.get(text) for text in self.train_target}) < 2:
            raise InputError(f"{where}: the training examples are all of one class; choose another target")
        return found


def _count(all_texts: Counter[str], counts: Mapping[str, int]) -> None:
    """Add counts of texts, unless there are already too many different ones for categories."""
    if len(all_texts) <= MOST_TEXTS:
        all_texts.update(counts)


def _merged(one: Moments | None, other: Moments) -> Moments:
    return other if one is None else one.plus(other)


@dataclass(frozen=True, eq=False)
class StreamedTable:
    """A table that stays in its file, split for training.

    Attributes:
        dataset: What its columns and classes are called; its `examples` are the rows of the first block alone.
        train: Examples to train on.
        validation: Examples to watch; None if none were asked for.
        test: Examples for the end; None if none were asked for.
    """

    dataset: Dataset
    train: StreamedExamples
    validation: StreamedExamples | None
    test: StreamedExamples | None


def stream_table(
    path: str | Path,
    *,
    target: str | None = None,
    task: TaskChoice = "auto",
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
    on_block: Callable[[float], None] | None = None,
    options: TableOptions = PLAIN_TABLE,
) -> StreamedTable:
    """Survey a table once, in little memory, for its columns, classes and scales.

    The table is read as by `load_table`. Whole blocks of rows (of a CSV file 64 KiB to 4 MiB, of a Parquet file its row
    groups) are held out, at even distances over the file. What each column is, is told by the first mebibyte of a
    CSV file or the first row group; later texts that do not fit are taken for missing, with a `TableWarning`.

    Args:
        path: A CSV or Parquet file.
        target: The target column's name or index; the last one by default.
        task: "classification", "regression" or "auto".
        validation: Part of the blocks that is watched, of those not held out for the test; at least 0 and below 1.
        test: Part of the blocks for the end; at least 0 and below 1.
        seed: Of which blocks are held out.
        on_block: Called with the share of the file that is done.
        options: What is said about the table, rather than told by its content.

    Raises:
        FileError: The file cannot be read.
        InputError: The options do not fit the file, it has too few blocks, or its content is wrong.
    """
    check_task(task)
    table = open_table(path, LONGEST_BEGINNING, options)
    asked = Asked.of(table, options)
    chosen = target_column(table, target, asked.drop)
    columns, column = _choose_by_beginning(table, chosen, asked)
    found = _Found(column, {index: Counter() for index in columns.text}, Strange(str(table.path), options.strict))
    places: list[list[Any]] = [[], [], []]
    rows: list[list[Counted]] = [[], [], []]
    for part, block, done in divided(table, validation, test, seed):
        counted = found.add(block, columns, train=part == 0)
        if counted.rows:
            rows[part].append(counted)
            places[part].append(block.place)
        if on_block:
            on_block(done)
    check_parts(table.path, places, validation, test)
    found.strange.warn()
    columns = found.settled(columns, table, sum(one.rows for part in rows for one in part))
    settled = found.decided(table, chosen, task, asked=asked.kind(chosen))
    lost = found.without_target(settled, table.decimal)
    sizes = [[one.rows - lost(one) for one in part] for part in rows]
    without = found.without + sum(lost(one) for part in rows for one in part)
    counts = np.zeros(len(settled.classes))
    for text, number in settled.numbering.items():
        counts[number] += found.train_target[text]
    assert found.moments is not None
    survey = Survey(columns, settled, found.moments, found.target_moments, counts, found.digest.hexdigest())
    train, watched, held_out = (
        StreamedExamples(table.beginning, survey, tuple(places[part]), tuple(sizes[part])) for part in range(3)
    )
    name = settled.column.name
    notes = [f"{without} rows have no value in {name!r}, and are left out"] if without else []
    dataset = Dataset(
        name=table.path.name,
        examples=train.read(0),
        test=None,
        task=settled.task,
        classes=settled.classes,
        features=columns.names,
        target=name,
        categories=columns.categories,
        columns=(*columns.in_order, settled.column),
        notes=(*table.notes, *notes),
        missing=options.missing,
    )
    return StreamedTable(dataset, train, watched if validation else None, held_out if test else None)


def _choose_by_beginning(table: CSVTable | ParquetTable, chosen: int, asked: Asked) -> tuple[Columns, Column | None]:
    """Choose the columns by the file's beginning; and tell how the target's numbers are written, if it has some."""
    blocks: Iterator[CSVTable | ParquetTable] = table.blocks(ENOUGH_TO_TELL_NUMBERS)
    beginning = next(blocks, table)
    plain = table.plain([k for k in range(table.width) if k != chosen and k not in asked.text])
    frame = beginning.read(range(table.width), [*plain])
    columns = choose_columns(table, chosen, frame, [k for k, doubt in plain.items() if doubt], asked)
    counts = without_dashes(occurrences(frame[chosen]))
    if chosen in asked.text or not counts:
        return columns, None
    sure = chosen in asked.number
    return columns, numbers_of(target_name(table, chosen), table.column(chosen), counts, table.decimal, sure=sure)
