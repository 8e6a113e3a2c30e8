"""Data split for training, validation and test."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sfumato import data
from sfumato.data.choosing import Known
from sfumato.data.dataset import Dataset, Examples
from sfumato.data.loading import as_dataset, renumbered, with_test
from sfumato.data.streaming import StreamedExamples
from sfumato.errors import InputError
from sfumato.training.settings import TrainingSettings, option_value

VALIDATION, TEST = 0.1, 0.2
"""The parts held out by default; data that bring a test set keep that."""


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set split for training.

    Attributes:
        dataset: The whole, with its names of classes and columns; of a stream, the rows of the first block.
        train: Examples to train on.
        validation: Examples to watch while training; None where none are held out.
        test: Examples for the end; None where none are held out.
    """

    dataset: Dataset
    train: Examples | StreamedExamples
    validation: Examples | StreamedExamples | None = None
    test: Examples | StreamedExamples | None = None

    @property
    def sample(self) -> Examples:
        """Training examples for figures: all of them, or those of a stream's first block."""
        return self.train if isinstance(self.train, Examples) else self.dataset.examples

    @property
    def held_out(self) -> str:
        """Examples for the report: "test", else "validation", else "train"."""
        return next((name for name in ("test", "validation") if getattr(self, name) is not None), "train")


def load_splits(
    source: Any, settings: TrainingSettings, seed: int, on_block: Callable[[float], None] | None = None
) -> Splits:
    """Load data and split them as the settings say.

    Args:
        source: The data, as of `sfumato.train`.
        settings: Target, task, limit, validation, test, stream and what is said of a table are used.
        seed: Of the choice of examples.
        on_block: Called with the share of a stream's file that is done.

    Raises:
        FileError, InputError: if the data cannot be read, or not be divided so.
    """
    if settings.stream:
        return _split_stream(source, settings, seed, on_block)
    dataset = as_dataset(source, target=settings.target, task=settings.task, options=settings.table_options)
    return split_dataset(dataset, settings, seed)


def split_dataset(dataset: Dataset, settings: TrainingSettings, seed: int) -> Splits:
    """Split a data set into training, validation and test examples as the settings say."""
    examples = dataset.examples if settings.limit is None else data.limit(dataset.examples, settings.limit, seed)
    test = dataset.test
    if settings.test is not None or test is None:
        examples, test = _hold_out("test", _or(settings.test, TEST), dataset, examples, settings, seed)
    choice = _or(settings.validation, VALIDATION)
    train, validation = _hold_out("validation", choice, dataset, examples, settings, seed)
    if dataset.classes and len(np.unique(train.y)) < 2:
        raise InputError(f"{dataset.name}: the training examples are all of one class; use more of them")
    return Splits(dataset, train, validation, test)


def _split_stream(
    source: Any, settings: TrainingSettings, seed: int, on_block: Callable[[float], None] | None
) -> Splits:
    """Survey a table that stays in its file, and split it."""
    if settings.limit is not None:
        raise InputError("limit=... takes rows of a table in memory: leave out stream=True, or limit=...")
    if not isinstance(source, str | Path) or str(source) in data.NAMES or Path(source).is_dir():
        name = source if isinstance(source, str | Path) else "these data"
        raise InputError(f"{name}: stream=True is for a CSV or Parquet file; leave it out, or name one")
    choices = {"validation": _or(settings.validation, VALIDATION), "test": _or(settings.test, TEST)}
    fractions = {name: _fraction(name, choice) for name, choice in choices.items()}
    table = data.stream_table(
        source,
        target=settings.target,
        task=settings.task,
        validation=fractions["validation"] or 0.0,
        test=fractions["test"] or 0.0,
        seed=seed,
        on_block=on_block,
        options=settings.table_options,
    )
    validation, test = (
        part if fractions[name] is not None else _other(name, choices[name], table.dataset, settings)
        for name, part in (("validation", table.validation), ("test", table.test))
    )
    return Splits(table.dataset, table.train, validation, test)


def _or(choice: Any, default: Any) -> Any:
    return default if choice is None or (isinstance(choice, str) and not choice) else choice


def _hold_out(
    name: str, choice: Any, dataset: Dataset, examples: Examples, settings: TrainingSettings, seed: int
) -> tuple[Examples, Examples | None]:
    fraction = _fraction(name, choice)
    if fraction is None:
        return examples, _other(name, choice, dataset, settings)
    try:
        return data.split(examples, fraction, seed, stratify=bool(dataset.classes))
    except InputError as error:
        raise InputError(f"{dataset.name}, {name}=...: {error}") from error


def _fraction(name: str, choice: Any) -> float | None:
    """Fraction to hold out; None if the choice is no number, but a file or other data."""
    if isinstance(choice, bool) or not isinstance(choice, int | float | np.number):
        return None
    if not 0 <= choice < 1:
        said = option_value(name, choice)
        raise InputError(f"{name}=... takes a fraction of at least 0 and below 1, or a file, not {said}")
    return float(choice)


def _other(name: str, choice: Any, dataset: Dataset, settings: TrainingSettings) -> Examples:
    """Load the examples of another file, or other data, with the class numbers of the data set."""
    known = Known(dataset.features, dataset.categories, dataset.columns, dataset.missing, dataset.classes)
    task = dataset.task if dataset.features else "auto"
    other = as_dataset(
        choice,
        target=settings.target,
        task=task,
        few=True,
        known=known,
        name=f"{name}=...",
        options=settings.table_options,
    )
    if name == "test":  # as for evaluate
        other = with_test(other)
    return renumbered(
        other, str(choice) if isinstance(choice, str | Path) else other.name, dataset.classes, dataset.feature_shape
    )
