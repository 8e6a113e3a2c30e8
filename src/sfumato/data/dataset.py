"""A data set: its examples, and the names of its features, target and classes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self, get_args

import numpy as np

from sfumato._renamed import renamed_in
from sfumato.arrays import Array, Shape
from sfumato.data.columns import Column, indicators, said_of_missing
from sfumato.display import html_table
from sfumato.errors import InputError

Task = Literal["classification", "regression"]
TaskChoice = Literal["auto", "classification", "regression"]


class Examples(NamedTuple):
    """Rows of data.

    Attributes:
        x: Features, `(n, d)` float64, NaN where one is missing, or images `(n, height, width, channels)` uint8.
        y: Targets, `(n,)`: int64 indices of classes, or float64 values for regression. Of several labels or values an
            example, `(n, k)`: int64 zeros and ones, or float64 values.
        sample_weight: What each row counts, `(n,)`; None where all count the same.
    """

    x: Array
    y: Array
    sample_weight: Array | None = None

    def __repr__(self) -> str:
        parts = [
            f"{name}: {np.shape(part)} {np.asarray(part).dtype}"
            for name, part in self._asdict().items()
            if part is not None
        ]
        return f"Examples({', '.join(parts)})"

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.y)

    def map(self, change: "Callable[[Examples], Examples]") -> "Examples":
        """Apply a function to the rows."""
        return change(self)

    def blocks(self) -> Iterator[Self]:
        """Yield all rows as one block."""
        yield self


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples with the names of their features, target and classes.

    Attributes:
        name: Name of the data, or of the file or folder they come from.
        examples: All rows there are for training and validation.
        test: The test set that the data bring with them; None where they bring none.
        task: Whether `y` are classes or values.
        classes: Names of the classes, in the order of their indices; empty for regression.
        features: Names of the columns of features; empty for images.
        target: Name of what is predicted.
        categories: The categories of those columns that have some, by name: each is a column of `x`, of zeros and ones.
        columns: What was decided on each column of a table, the target's last.
        notes: What was decided on the table as a whole, in words.
        missing: Further texts that stand for a missing value.
    """

    name: str
    examples: Examples
    test: Examples | None
    task: Task
    classes: tuple[str, ...]
    features: tuple[str, ...]
    target: str
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns that are no features, and why, in words."""
        return tuple(column.note for column in self.columns if column.kind == "left out")

    @property
    def said(self) -> tuple[str, ...]:
        """Decisions that are not obvious, a line each: on the table, then on its columns."""
        return (*self.notes, *(column.said for column in self.columns if column.said), *said_of_missing(self.columns))

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {', '.join(f'{count} {what}' for what, count in self._counts().items())})"

    def _repr_html_(self) -> str:
        rows = [(what, count) for what, count in self._counts().items()]
        rows += [("target", self.target), *([("names of classes", ", ".join(self.classes))] if self.classes else [])]
        return html_table(("", self.name), rows)

    def _counts(self) -> dict[str, str]:
        """Counts of examples, features and classes, as text by their labels."""
        images = self.image_shape is not None
        return {
            "examples": str(self.examples.size),
            **({} if self.test is None else {"test examples": str(self.test.size)}),
            "pixels" if images else "features": "x".join(map(str, self.feature_shape)),
            **({"classes": str(len(self.classes))} if self.classes else {}),
        }

    @property
    def feature_shape(self) -> Shape:
        """Shape of one example's features: `(d,)` or `(height, width, channels)`."""
        return self.examples.x.shape[1:]

    @property
    def indicators(self) -> Array | None:
        """Mask of the columns of `x` that are categories, zeros and ones, `(d,)` of bool; None where none are."""
        return indicators(self.features, self.categories, self.columns)

    @property
    def several(self) -> int:
        """Number of labels or values of an example; 0 where it has one class or one value."""
        y = self.examples.y
        return y.shape[1] if y.ndim == 2 else 0

    @property
    def image_shape(self) -> Shape | None:
        """`(height, width, channels)`; None where the examples are no images."""
        return self.feature_shape if self.examples.x.ndim == 4 else None


def check_task(task: str) -> None:
    """Raise an InputError unless `task` is one of `TaskChoice`."""
    if task not in get_args(TaskChoice):
        raise InputError(f"there is no task {task!r}; choose one of: {', '.join(get_args(TaskChoice))}")


def check_names(where: str, names: Iterable[str]) -> None:
    """Raise an InputError if two columns of the table `where` have one name."""
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{where}: two columns are called {twice!r}; rename one")


__getattr__ = renamed_in(__name__)
