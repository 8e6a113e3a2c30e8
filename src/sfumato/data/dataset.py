"""A data set, its parts, and the scaling of its features."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import IntEnum
from typing import Literal, NamedTuple, Self, get_args

import numpy as np
import numpy.typing as npt

from sfumato.arrays import Array, Shape, Stream, cast, generator, like
from sfumato.errors import InputError

Task = Literal["classification", "regression"]
TaskChoice = Literal["auto", "classification", "regression"]
ScalingKind = Literal["auto", "none", "unit", "standard"]


class Draw(IntEnum):
    """Steps of `Stream.DATA`, so that making, splitting and limiting data under one seed share no numbers."""

    MAKE = 0
    SPLIT = 1
    LIMIT = 2


class Examples(NamedTuple):
    """Rows of data.

    Attributes:
        x: Features, `(n, d)` float64, NaN where one is missing, or images `(n, height, width, channels)` uint8.
        y: Targets, `(n,)`: int64 indices of classes, or float64 values for regression.
        sample_weight: What each row counts, `(n,)`; None where all count the same.
    """

    x: Array
    y: Array
    sample_weight: Array | None = None

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.y)

    def changed(self, change: "Callable[[Examples], Examples]") -> "Examples":
        """The rows with something done to them."""
        return change(self)

    def blocks(self) -> Iterator[Self]:
        """The rows, all in one."""
        yield self


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples and what they are called.

    Attributes:
        name: Name of the data, or of the file or folder they come from.
        examples: All rows there are for training and validation.
        test: The test set that the data bring with them; None where they bring none.
        task: Whether `y` are classes or values.
        classes: Names of the classes, in the order of their indices; empty for regression.
        features: Names of the columns of features; empty for images.
        target: Name of what is predicted.
        categories: The categories of those columns that have some, by name: each is a column of `x`, of zeros and ones.
        left_out: Columns that are no features, and why, in words.
    """

    name: str
    examples: Examples
    test: Examples | None
    task: Task
    classes: tuple[str, ...]
    features: tuple[str, ...]
    target: str
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def feature_shape(self) -> Shape:
        """Shape of one example's features: `(d,)` or `(height, width, channels)`."""
        return self.examples.x.shape[1:]

    @property
    def indicators(self) -> Array | None:
        """Which columns of `x` are categories, zeros and ones, `(d,)` of bool; None where none are."""
        return indicators(self.features, self.categories)

    @property
    def image_shape(self) -> Shape | None:
        """`(height, width, channels)`; None where the examples are no images."""
        return self.feature_shape if self.examples.x.ndim == 4 else None


def indicators(features: Sequence[str], categories: Mapping[str, tuple[str, ...]]) -> Array | None:
    """Which inputs are categories, zeros and ones, `(d,)` of bool; None where none are."""
    if not categories:
        return None
    widths = [len(categories.get(name, ())) for name in features]
    return np.repeat([width > 0 for width in widths], [max(1, width) for width in widths])


def subset(examples: Examples, indices: Array) -> Examples:
    """The rows at `indices` (integers or a mask), in that order."""
    x, y, weight = examples
    return Examples(x[indices], y[indices], None if weight is None else weight[indices])


def limit(examples: Examples, n: int, seed: int) -> Examples:
    """A random choice of `n` rows without replacement, in their original order; all rows where there are no more.

    Raises:
        InputError: `n` is below 1.
    """
    if n < 1:
        raise InputError(f"cannot keep {n} examples; keep at least 1")
    rows = len(examples.y)
    if n >= rows:
        return examples
    chosen = generator(seed, Stream.DATA, Draw.LIMIT).permutation(rows)[:n]
    return subset(examples, np.sort(chosen))


def split(examples: Examples, fraction: float, seed: int, *, stratify: bool) -> tuple[Examples, Examples | None]:
    """Hold out a random part of the rows; both parts keep the original order.

    Args:
        examples: The rows to divide.
        fraction: Part to hold out, at least 0 and below 1; rounded to whole rows. 0 holds out nothing.
        seed: Seed of the choice: the same seed holds out the same rows.
        stratify: Hold out of every class its share, to within one row. Where a class has a single member, or a
            part has fewer rows than there are classes, the choice is a plain one all the same.

    Returns:
        The rest, and what is held out (None for fraction 0).

    Raises:
        InputError: The fraction is out of range, or one part would be empty.
    """
    rows = len(examples.y)
    if not 0 <= fraction < 1:
        raise InputError(f"cannot hold out the fraction {fraction}; give one that is at least 0 and below 1")
    if fraction == 0:
        return examples, None
    size = round(rows * fraction)
    if size in (0, rows):
        raise InputError(
            f"cannot hold out the fraction {fraction} of {rows} examples: one part would be empty; "
            "choose another fraction, or give more examples"
        )
    random = generator(seed, Stream.DATA, Draw.SPLIT)
    order = random.permutation(rows)
    if stratify and _can_stratify(examples.y, size):
        # Classes side by side, each in random order: rows at even distances take its share of every one.
        order = order[np.argsort(examples.y[order], kind="stable")]
        steps = (np.arange(rows + 1) * size + random.integers(rows)) // rows
        chosen = order[np.diff(steps) == 1]
    else:
        chosen = order[:size]
    held_out = np.zeros(rows, dtype=bool)
    held_out[chosen] = True
    return subset(examples, ~held_out), subset(examples, held_out)


def _can_stratify(y: Array, size: int) -> bool:
    counts = np.unique(y, return_counts=True)[1]
    return bool(counts.min() >= 2 and len(counts) <= min(size, len(y) - size))


@dataclass(frozen=True, eq=False)
class Scaling:
    """What makes features comparable: `(x - offset) * factor`.

    It is fitted to the training examples alone and then applied to all others, so that nothing is learned from
    those. Images share one offset and one factor over all pixels, as their pixels share a unit; a table has one of
    each per column. A feature that is constant in training becomes 0 whatever comes later: nothing is known of it.

    Attributes:
        offset: float64, `()` or `(d,)`.
        factor: float64, `()` or `(d,)`.
        missing: What a missing value (NaN) is taken for, of the same shape; None leaves it missing.
    """

    offset: Array
    factor: Array
    missing: Array | None = None

    def __call__(self, x: Array, dtype: npt.DTypeLike = np.float32, out: Array | None = None) -> Array:
        """Scaled features, of the shape of `x`.

        Args:
            x: Features, `(n, ...)`.
            dtype: Floating type of the result; float32 by default, which training computes in. A result beyond its
                range becomes infinite.
            out: Memory to put the result in, of its shape and type; new memory by default.
        """
        out = np.empty(x.shape, dtype) if out is None else out
        # Bytes are exact in every floating type, so images need no float64 copy. A table's differences do need it:
        # in float32 a small variation of a large value would be lost.
        working = np.dtype(dtype if x.dtype == np.uint8 else np.float64)
        scaled = out if out.dtype == working else np.empty(x.shape, working)
        offset, factor = self.offset.astype(working), self.factor.astype(working)
        with np.errstate(over="ignore"):
            if not offset.any():
                np.copyto(scaled, x)
                scaled *= factor
            else:
                # In halves, because the difference of two huge values may be too large for a float.
                np.multiply(x, 0.5, out=scaled, dtype=working)
                scaled -= offset / 2
                scaled *= factor * 2
            if self.missing is not None and x.dtype.kind == "f" and (gaps := np.isnan(x)).any():
                np.copyto(scaled, (self.missing - offset) * factor, where=gaps)
            if scaled is not out:
                out[...] = scaled
        return out

    def of_bytes(self, x: Array, out: Array) -> None:
        """Scaled features of bytes on a device, (n, ...), put into memory there."""
        out[...] = x
        if self.offset.any():
            out -= cast(like(self.offset, x), out.dtype)
        out *= cast(like(self.factor, x), out.dtype)

    @classmethod
    def none(cls) -> Self:
        """Leaves every value as it is."""
        return cls(np.zeros(()), np.ones(()))

    @classmethod
    def unit(cls, x: Array) -> Self:
        """Takes the least value of `x` to 0 and the greatest to 1."""
        least, greatest = _extremes(x)
        factor = np.where(least == greatest, 0.0, _inverse(greatest / 2 - least / 2) / 2)
        return cls(least, factor, None if x.ndim == 4 else _means(x, None)[0])

    @classmethod
    def standard(cls, x: Array, weight: Array | None = None) -> Self:
        """Takes `x` to mean 0 and variance 1. In a table, rows may have weights, (n,).

        >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
        >>> Scaling.standard(x)(x).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
        """
        least, greatest = _extremes(x)
        # Pixels have few distinct values: weighing those avoids a float64 copy of all pixels.
        values, counts = np.unique(x, return_counts=True) if x.ndim == 4 else (x, weight)
        mean, deviation = _means(values, counts)
        constant = least == greatest
        # The mean of equal values is not always equal to them, so a constant is its own mean.
        offset = np.where(constant, least, mean)
        return cls(offset, np.where(constant, 0.0, _inverse(deviation)), None if x.ndim == 4 else offset)

    @classmethod
    def fit(
        cls, x: Array, kind: ScalingKind = "auto", weight: Array | None = None, indicators: Array | None = None
    ) -> Self:
        """The scaling of a kind, fitted to `x`; in tables, it takes missing values for the mean.

        Args:
            x: Features of the training examples, `(n, d)`, NaN where missing, or `(n, height, width, channels)`.
            kind: "none", "unit", "standard", or "auto": "unit" for images, whose black stays 0, and "standard" for
                tables, whose columns have different units.
            weight: What each row of a table counts in its mean and variance, `(n,)`.
            indicators: Which columns of a table are categories, `(d,)`: they stay zeros and ones, as one that is rare
                would be a large number if it were standardised.

        Raises:
            InputError: There is no such kind.
        """
        if kind == "auto":
            kind = "unit" if x.ndim == 4 else "standard"
        match kind:
            case "none":
                found = cls.none() if x.ndim == 4 else cls(np.zeros(()), np.ones(()), _means(x, weight)[0])
            case "unit":
                found = cls.unit(x)
            case "standard":
                found = cls.standard(x, weight)
            case _:
                raise InputError(f"there is no scaling {kind!r}; choose one of: auto, none, unit, standard")
        return found if indicators is None else found.without(indicators)

    def without(self, indicators: Array) -> Self:
        """The scaling that leaves some columns, `(d,)` of bool, as they are, but for those constant in training."""
        offset = np.where(indicators, 0.0, self.offset)
        factor = np.where(indicators, self.factor != 0, self.factor)
        return replace(self, offset=offset, factor=factor)


def _extremes(x: Array) -> tuple[Array, Array]:
    """Least and greatest value, float64: `()` of images, `(d,)` of a table, 0 where all are missing."""
    axis = None if x.ndim == 4 else 0
    if x.dtype.kind == "f" and np.isnan(x).any():
        nothing = np.isnan(x).all(axis=axis)
        least, greatest = np.fmin.reduce(x, axis=axis), np.fmax.reduce(x, axis=axis)
        return np.where(nothing, 0.0, least), np.where(nothing, 0.0, greatest)
    return np.asarray(x.min(axis=axis), dtype=np.float64), np.asarray(x.max(axis=axis), dtype=np.float64)


def _means(x: Array, weight: Array | None) -> tuple[Array, Array]:
    """Weighted mean and standard deviation over the first axis, of what is not missing; 0 where all is."""
    weights: Array | None = weight
    if x.dtype.kind == "f" and (gaps := np.isnan(x)).any():
        weights = np.where(gaps, 0.0, 1.0 if weight is None else weight[:, np.newaxis])
        weights[:, ~weights.any(axis=0)] = 1.0
        x = np.where(gaps, 0.0, x)
    # A power of two that brings all values below 1 changes no digit and keeps their squares finite.
    exponent = np.frexp(np.maximum(np.abs(x.min(axis=0)), np.abs(x.max(axis=0))).astype(np.float64))[1]
    values = np.ldexp(x.astype(np.float64), -exponent)
    mean = np.average(values, axis=0, weights=weights)
    deviation = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    return np.ldexp(mean, exponent), np.ldexp(deviation, exponent)


def _inverse(x: Array) -> Array:
    """`1 / x` for `x >= 0`, finite even where `x` is next to nothing."""
    return np.asarray(1 / np.maximum(x, np.finfo(np.float64).tiny))


def check_task(task: str) -> None:
    """Raise an InputError unless `task` is one of `TaskChoice`."""
    if task not in get_args(TaskChoice):
        raise InputError(f"there is no task {task!r}; choose one of: {', '.join(get_args(TaskChoice))}")


def suggestion(name: str, choices: Iterable[str]) -> str:
    """`"did you mean 'x'? "` for the choice most like `name`, upper and lower case aside; else an empty text."""
    by_lower = {choice.lower(): choice for choice in choices}
    matches = get_close_matches(name.lower(), by_lower, n=1)
    return f"did you mean {by_lower[matches[0]]!r}? " if matches else ""
