"""The scaling of features, and of the values that a regression learns."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.errors import InputError

if TYPE_CHECKING:
    from sfumato.data.streaming import Moments, StreamedExamples

ScalingKind = Literal["auto", "none", "unit", "standard"]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Scaling of features to comparable sizes: `(x - offset) * factor`.

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

    def __repr__(self) -> str:
        if self.offset.ndim == 0:
            return f"Scaling(offset={float(self.offset):g}, factor={float(self.factor):g})"
        return f"Scaling({len(self.offset)} features)"

    def __call__(self, x: Array, dtype: npt.DTypeLike = np.float32, out: Array | None = None) -> Array:
        """Scale features; the result has the shape of `x`.

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

    @classmethod
    def none(cls) -> Self:
        """The identity: every value stays as it is."""
        return cls(np.zeros(()), np.ones(()))

    @classmethod
    def unit(cls, x: Array) -> Self:
        """Scaling of the least value of `x` to 0 and of the greatest to 1."""
        least, greatest = _extremes(x)
        factor = np.where(least == greatest, 0.0, _inverse(greatest / 2 - least / 2) / 2)
        return cls(least, factor, None if x.ndim == 4 else _means(x, None)[0])

    @classmethod
    def standard(cls, x: Array, weight: Array | None = None) -> Self:
        """Scaling of `x` to mean 0 and variance 1. In a table, rows may have weights, (n,).

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
        """Fit the scaling of a kind to `x`; in tables, missing values become the mean.

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
        """Leave some columns, `(d,)` of bool, unscaled, except those constant in training."""
        offset = np.where(indicators, 0.0, self.offset)
        factor = np.where(indicators, self.factor != 0, self.factor)
        return replace(self, offset=offset, factor=factor)


@dataclass(frozen=True, eq=False)
class TargetScaling:
    """Standardisation of a regression's values for training, by their mean and standard deviation.

    Without it, values far from 0 or 1 would ask for learning rates of their own. Classes stay as they are. Values that
    are all the same have the deviation 0: they become 0, and whatever a network makes of them goes back to their mean.

    Attributes:
        mean: A number, or an array with one for each of several values, `(k,)`.
        deviation: The same.
    """

    mean: float | Array = 0.0
    deviation: float | Array = 1.0

    @classmethod
    def fit(
        cls, train: "Examples | StreamedExamples", kind: str, name: str = "the values to predict"
    ) -> "TargetScaling":
        """Fit mean and standard deviation to the training values; the identity for "none".

        Args:
            train: The training examples.
            kind: "none", or any other scaling.
            name: What the values are called where they cannot be used.

        Raises:
            InputError: if the values are so large that their squares are beyond float32.
        """
        if not isinstance(train, Examples):
            found = train.survey.target_moments
            assert found is not None
            return cls.of(found, kind, name)
        y, weight = train.y, train.sample_weight
        least, greatest = y.min(axis=0), y.max(axis=0)
        mean = np.average(y, axis=0, weights=weight)
        with np.errstate(over="ignore"):
            deviation = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=weight))
        return cls._checked(least, greatest, mean, deviation, kind=kind, name=name)

    @classmethod
    def of(cls, moments: "Moments", kind: str, name: str = "the values to predict") -> "TargetScaling":
        """Make the scaling from the moments of the values, as `fit` does."""
        parts = np.stack([moments.least, moments.greatest, moments.mean, moments.deviation])
        return cls._checked(*(parts if parts.shape[1] > 1 else parts[:, 0]), kind=kind, name=name)

    @classmethod
    def _checked(
        cls, least: Array, greatest: Array, mean: Array, deviation: Array, *, kind: str, name: str
    ) -> "TargetScaling":
        if max(np.max(np.abs(least)), np.max(np.abs(greatest))) > 1e18:
            raise InputError(f"{name} are beyond 1e18; give them in larger units")
        if kind == "none":
            return cls()
        # The mean of equal values is not always equal to them, so a constant is its own mean.
        mean, deviation = np.where(least == greatest, least, mean), np.where(least == greatest, 0.0, deviation)
        return cls(mean, deviation) if mean.ndim else cls(float(mean), float(deviation))

    @property
    def identity(self) -> bool:
        """Whether values stay as they are."""
        return not np.any(self.mean) and bool(np.all(np.equal(self.deviation, 1.0)))

    def __call__(self, examples: "Examples | StreamedExamples") -> "Examples | StreamedExamples":
        """Standardise the values of examples."""
        if self.identity:
            return examples
        divisor = np.where(np.equal(self.deviation, 0.0), 1.0, self.deviation)
        return examples.map(lambda part: part._replace(y=(part.y - self.mean) / divisor))


def _extremes(x: Array) -> tuple[Array, Array]:
    """Least and greatest value, float64: `()` of images, `(d,)` of a table, 0 where all are missing."""
    axis = None if x.ndim == 4 else 0
    if x.dtype.kind == "f" and np.isnan(x).any():
        nothing = np.isnan(x).all(axis=axis)
        least, greatest = np.fmin.reduce(x, axis=axis), np.fmax.reduce(x, axis=axis)
        return np.where(nothing, 0.0, least), np.where(nothing, 0.0, greatest)
    return np.asarray(x.min(axis=axis), dtype=np.float64), np.asarray(x.max(axis=axis), dtype=np.float64)


def _means(x: Array, weight: Array | None) -> tuple[Array, Array]:
    """Weighted mean and standard deviation over the first axis, without missing values; 0 where all are missing."""
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
    """`1 / x` for `x >= 0`, finite even for the smallest `x`."""
    return np.asarray(1 / np.maximum(x, np.finfo(np.float64).tiny))
