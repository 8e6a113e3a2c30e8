"""The base class of losses on one layer's features.

A loss sees one layer's feature map F: M positions (height times width), N channels, a row for each position. It is
computed in two moves, so that parts of a picture can be measured one by one:

    measure(F)  -> sums over the positions, and `pullback`, which takes dL/dsums and adds dL/dF to what there is
    score(sums) -> the loss, and dL/dsums

The sums are a named tuple of numbers and arrays; those of two parts of a picture add up entry by entry (`add_sums`) to
those of both. `score` is the only place that divides. In the reference's notation F^l_ij is filter i at position j, the
transpose of F here, and N_l and M_l are N and M.
"""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar, cast

import numpy as np

from sfumato.arrays import Array, Where

WHOLE = (slice(None), slice(None))
"""All rows and columns of a feature map."""

TINY = float(np.finfo(np.float32).tiny)
"""Divisor in place of zero, where a target has no features at all."""


class SumsWithNorm(Protocol):
    """Sums from which the size of the gradient follows."""

    def gradient_norm(self, gradient: Self) -> float:
        """Frobenius norm of dL/dF, given dL/dsums: exact where F was seen in parts, and needs no F."""


S = TypeVar("S")
"""A named tuple of sums over positions."""

N = TypeVar("N", bound=SumsWithNorm)


def add_sums(one: S, other: S) -> S:
    """Add the sums over two parts of a picture."""
    numbers: Any = map(operator.add, cast("tuple[Any, ...]", one), cast("tuple[Any, ...]", other))
    kind: Any = type(one)
    return cast("S", kind(*numbers))


class FeatureLoss(ABC, Generic[S]):
    """A loss on one layer's features."""

    @abstractmethod
    def measure(self, features: Array, where: Where = WHOLE) -> tuple[S, Callable[[S, Array], None]]:
        """Sums over the positions of `features`, and the backward pass: `pullback(gradient, dF)` adds to dF.

        Args:
            features: (1, height, width, N), the features of a part of the picture; of no positions at all, where a
                process has no part of it.
            where: The rows and columns of these features in the feature map.
        """

    @abstractmethod
    def score(self, sums: S, weight: float = 1.0) -> tuple[float, S]:
        """Evaluate `weight` times the loss, and its gradient with respect to the sums."""


class LossWithNorm(FeatureLoss[N]):
    """A loss whose sums tell how large its gradient is, so that it can be brought to a size, as in painting."""

    @abstractmethod
    def typical(self, positions: int) -> N:
        """The sums over `positions` of the target's features at half their size.

        They are far from the target, unlike those of some starts, so the gradient there is of typical size.
        """
