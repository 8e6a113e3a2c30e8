"""Tables larger than memory: read in blocks, once to survey the columns, then again whenever they are used."""

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from sfumato.arrays import Array
from sfumato.data.csv import LONGEST_BEGINNING, CSVTable, number
from sfumato.data.dataset import Dataset, Examples, Task, TaskChoice, check_task, indicators
from sfumato.data.parquet import ParquetTable
from sfumato.data.scaling import Scaling, ScalingKind
from sfumato.data.tables import Columns, choose_columns, classes_of, occurrences, open_table, task_of, values_of
from sfumato.errors import InputError
from sfumato.random_keys import Draw, Stream, generator

SMALLEST_BLOCK, LARGEST_BLOCK = 2**16, 2**22
"""Bytes of a CSV file read at once."""

LEAST_BLOCKS = 10
"""Least number of blocks of a streamed table: a smaller file could not be divided into parts by blocks."""

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
    def of(cls, x: Array) -> Self:
        """The moments of `x`, (n, d)."""
        present = ~np.isnan(x)
        count = present.sum(axis=0)
        mean = np.where(present, x, 0.0).sum(axis=0) / np.maximum(1, count)
        squares = (np.where(present, x - mean, 0.0) ** 2).sum(axis=0)
        least, greatest = np.where(present, x, np.inf).min(axis=0), np.where(present, x, -np.inf).max(axis=0)
        return cls(count, mean, squares, least, greatest)

    @np.errstate(over="ignore", invalid="ignore")
    def plus(self, other: "Moments") -> "Moments":
        """Moments of both sets of rows together."""
        count = self.count + other.count
        share = other.count / np.maximum(1, count)
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
        deviations: Array = np.sqrt(self.squares / np.maximum(1, self.count))
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


@dataclass(frozen=True, eq=False)
class Survey:
    """Result of the first pass over a table.

    Attributes:
        columns: Which columns are read as what.
        task: Whether the target's texts are classes or values.
        numbering: Number of the class that each text of the target means; empty for regression.
        moments: Of the columns of numbers, in training.
        target_moments: Of the target's numbers, in training, (1,), for regression.
        class_counts: Number of training examples of each class, (classes,).
        digest: Of all that was read, to tell other data from these.
    """

    columns: Columns
    task: Task
    numbering: Mapping[str, int]
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
        chosen = columns.wanted[-1]
        x, text = table.read(columns.numeric, columns.wanted, [chosen])
        if self.survey.task == "regression":
            y = values_of(table, chosen, text[chosen], "regression").y
        else:
            y = text[chosen].map(self.survey.numbering).to_numpy(np.int64)
        examples = Examples(columns.encode(table, x, text), y)
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
        shown = indicators(columns.names, columns.categories)
        if shown is None:
            return found
        offset, factor, missing = np.zeros(len(shown)), np.ones(len(shown)), np.zeros(len(shown))
        offset[~shown], factor[~shown], missing[~shown] = found.offset, found.factor, found.missing
        return Scaling(offset, factor, missing)


@dataclass
class _Found:
    """Statistics of the first pass over a table: texts of all rows, and moments of the training rows.

    Attributes:
        texts: How often each text was found, for each column of text.
        target: The same for the target.
        numeric: Whether all of the target's texts are numbers.
        train_target: How often the target has each text in training.
        moments: Of the columns of numbers, in training.
        target_moments: Of the target's numbers, in training.
        digest: Of all that was read.
    """

    texts: dict[int, Counter[str]]
    target: Counter[str] = field(default_factory=Counter)
    numeric: bool = True
    train_target: Counter[str] = field(default_factory=Counter)
    moments: Moments | None = None
    target_moments: Moments | None = None
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=8))

    def add(self, block: CSVTable | ParquetTable, columns: Columns, *, train: bool) -> int:
        """Add the rows of a block; returns their number."""
        import pandas as pd

        chosen = columns.wanted[-1]
        x, text = block.read(columns.numeric, columns.wanted, [chosen])
        self.digest.update(x.data)
        for index in columns.wanted:
            counts = occurrences(text[index])
            self.digest.update(repr(sorted(counts.items())).encode())
            _count(self.target if index == chosen else self.texts[index], counts)
            if train and index == chosen:
                _count(self.train_target, counts)
        if train:
            self.moments = _merged(self.moments, Moments.of(x))
        if self.numeric:
            y = pd.to_numeric(text[chosen], errors="coerce").to_numpy(np.float64)[:, np.newaxis]
            self.numeric = not np.isnan(y).any()
            if train:
                self.target_moments = _merged(self.target_moments, Moments.of(y))
        return len(x)

    def decided(self, table: CSVTable | ParquetTable, column: int, task: TaskChoice) -> tuple[Task, tuple[str, ...]]:
        """Decide the task and the target's texts, one for each class; none for regression."""
        many = len(self.target) > MOST_TEXTS
        where = f"{table.path}, {table.column(column)}"
        if task == "auto":
            task = (
                "regression" if self.numeric and (many or task_of([*self.target]) == "regression") else "classification"
            )
        if task == "regression":
            if not self.numeric:
                text = next((text for text in self.target if number(text) is None), "text")
                raise InputError(f"{where}: {text[:40]!r} is not a number; correct it or remove the row")
            return task, ()
        if many:
            raise InputError(f"{where}: the target has more than {MOST_TEXTS} classes; choose another target")
        if len(self.train_target) < 2:
            raise InputError(f"{where}: the training examples are all of one class; choose another target")
        return task, tuple(self.target)


def _count(all_texts: Counter[str], counts: Mapping[str, int]) -> None:
    """Add counts of texts, unless there are already too many different ones for categories."""
    if len(all_texts) <= MOST_TEXTS:
        all_texts.update(counts)


def _merged(one: Moments | None, other: Moments) -> Moments:
    return other if one is None else one.plus(other)


def _parts(validation: float, test: float, seed: int) -> Iterator[int]:
    """The part of each block: 0 for training, 1 for validation, 2 for the test; held out at even distances."""
    first, second = generator(seed, Stream.DATA, Draw.SPLIT).random(2)
    rest = 0
    for block in itertools.count():
        if math.floor((block + 1) * test + first) > math.floor(block * test + first):
            yield 2
            continue
        watched = math.floor((rest + 1) * validation + second) > math.floor(rest * validation + second)
        yield int(watched)
        rest += 1


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
) -> StreamedTable:
    """Survey a table once, in little memory, for its columns, classes and scales.

    The table is read as by `load_table`. Whole blocks of rows (of a CSV file 64 KiB to 4 MiB, of a Parquet file its row
    groups) are held out, at even distances over the file. Which columns hold numbers is told by the first mebibyte.

    Args:
        path: A CSV or Parquet file.
        target: The target column's name or index; the last one by default.
        task: "classification", "regression" or "auto".
        validation: Part of the blocks that is watched, of those not held out for the test; at least 0 and below 1.
        test: Part of the blocks for the end; at least 0 and below 1.
        seed: Of which blocks are held out.
        on_block: Called with the share of the file that is done.

    Raises:
        FileError: The file cannot be read.
        InputError: The options do not fit the file, it has too few blocks, or its content is wrong.
    """
    check_task(task)
    table = open_table(path, LONGEST_BEGINNING)
    columns = choose_columns(table, target, None)
    chosen = columns.wanted[-1]
    found = _Found({index: Counter() for index in columns.text})
    places: list[list[Any]] = [[], [], []]
    rows: list[list[int]] = [[], [], []]
    for part, block, done in _divided(table, validation, test, seed):
        rows[part].append(found.add(block, columns, train=part == 0))
        places[part].append(block.place)
        if on_block:
            on_block(done)
    _check_parts(table.path, places, validation, test)
    columns = columns.settled(table, found.texts)
    settled, texts = found.decided(table, chosen, task)
    classes, numbering = classes_of(texts) if texts else ((), {})
    counts = np.zeros(len(classes))
    for text in texts:
        counts[numbering[text]] += found.train_target[text]
    assert found.moments is not None
    survey = Survey(columns, settled, numbering, found.moments, found.target_moments, counts, found.digest.hexdigest())
    train, watched, held_out = (
        StreamedExamples(table.beginning, survey, tuple(places[part]), tuple(rows[part])) for part in range(3)
    )
    dataset = Dataset(
        name=table.path.name,
        examples=train.read(0),
        test=None,
        task=settled,
        classes=classes,
        features=columns.names,
        target=(table.header and table.header[chosen]) or "y",
        categories=columns.categories,
        left_out=columns.left_out,
    )
    return StreamedTable(dataset, train, watched if validation else None, held_out if test else None)


def _divided(
    table: CSVTable | ParquetTable, validation: float, test: float, seed: int
) -> Iterator[tuple[int, CSVTable | ParquetTable, float]]:
    """Yield the blocks of a table, each with its part and the share of the file read so far."""
    total = table.path.stat().st_size
    size = min(LARGEST_BLOCK, max(SMALLEST_BLOCK, total // 100))
    blocks: Iterator[CSVTable | ParquetTable] = table.blocks(size)
    for part, block in zip(_parts(validation, test, seed), blocks, strict=False):
        yield part, block, block.share_before(total)


def _check_parts(path: Path, places: list[list[Any]], validation: float, test: float) -> None:
    count = sum(map(len, places))
    if count < LEAST_BLOCKS:
        raise InputError(
            f"{path}: the number of blocks of rows is {count}, too few to stream; leave out stream=True, or write "
            "a Parquet file with a smaller row_group_size"
        )
    for name, part, fraction in (("validation", 1, validation), ("test", 2, test)):
        if fraction and not places[part]:
            raise InputError(
                f"{path}: has {count} blocks of rows, too few to hold out {fraction} for {name}; hold out more"
            )
    if not places[0]:
        raise InputError(f"{path}: no rows are left to train on; hold out less")
