"""The base class of losses on one layer's features.

A loss sees one layer's feature map F: M positions (height times width), N channels, a row for each position. It is
scored in three moves, so that parts of a picture can be measured one by one:

    measure(F)      -> sums over the positions, and `pullback`, which takes dL/dsums and adds dL/dF to what there is
    add(sums, sums) -> the sums over the positions of two parts
    score(sums)     -> the loss, and dL/dsums

`score` is the only place that divides. In the reference's notation F^l_ij is filter i at position j, the transpose of F
here, and N_l and M_l are N and M.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from sfumato.arrays import Array, Where

S = TypeVar("S")


WHOLE = (slice(None), slice(None))


TINY = float(np.finfo(np.float32).tiny)
"""What is divided by instead of zero, where a target has no features at all."""


class FeatureLoss(ABC, Generic[S]):
    """A loss on one layer's features."""

    @abstractmethod
    def measure(self, features: Array, where: Where = WHOLE) -> tuple[S, Callable[[S, Array], None]]:
        """Sums over the positions of `features`, and the backward pass: `pullback(gradient, dF)` adds to dF.

        Args:
            features: (1, height, width, N): those of a part of the picture.
            where: The rows and columns of the feature map that they are.
        """

    @abstractmethod
    def add(self, one: S, other: S) -> S:
        """The sums over two parts of a picture from those over each."""

    @abstractmethod
    def score(self, sums: S, weight: float = 1.0) -> tuple[float, S]:
        """`weight` times the loss, and the gradient of that with respect to the sums."""

    @abstractmethod
    def gradient_norm(self, sums: S, gradient: S) -> float:
        """Frobenius norm of dL/dF from the sums and dL/dsums alone, so that it is exact where F was seen in parts."""

    @abstractmethod
    def nothing(self) -> S:
        """The sums over no positions."""

    @abstractmethod
    def reached(self, positions: int) -> S:
        """About what is measured where the target is reached, over so many positions."""

    @abstractmethod
    def halved(self, sums: S) -> S:
        """What would be measured if every feature had half its size: far from the target, unlike some starts."""
