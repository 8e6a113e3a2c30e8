"""The content loss: squared differences to the features of a picture."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array, Where
from sfumato.kernels.ops import ops
from sfumato.losses.features import TINY, WHOLE, LossWithNorm
from sfumato.workers import ALONE, Workers

BLOCK = 2**22
"""Entries of F - P in memory at once, but for a row that is longer. The features stay for the backward pass, often for
another loss as well; to make F - P anew there saves a second array of their size."""


class SquaredDistance(NamedTuple):
    """Sum of squared differences to the content's features.

    Attributes:
        total: s = sum_ij (F_ij - P_ij)^2 over all positions i and channels j.
    """

    total: float

    def gradient_norm(self, gradient: "SquaredDistance") -> float:
        """||dL/dF|| = 2 |dL/ds| sqrt(s), as dL/dF = 2 dL/ds (F - P)."""
        return abs(2.0 * gradient.total) * float(np.sqrt(self.total))


class ContentLoss(LossWithNorm[SquaredDistance]):
    """Half the sum of squared differences to the features P of the content, as in the reference.

        L = 1/2 s,        s = sum_ij (F_ij - P_ij)^2,        dL/dF = dL/ds 2 (F - P) = F - P

    Relative (the default), that is divided by half the sum of squares of P: the loss of a picture without any features
    is then 1 at every size, at every layer and in every network.

    Args:
        target: P, (1, height, width, N).
        relative: Whether to divide by the target's own half sum of squares.
        mask: T, (1, height, width, 1): how much each position counts, from 0 to 1; by default 1. Each square is then
            T_i times what it was, and so is its gradient; what the loss is divided by stays that of all positions. (The
            norm of the gradient is exact where T is 0 or 1; soft edges make the true one a little smaller.)
        workers: The processes that each have a part of the target, and zeros elsewhere.

    Attributes:
        all_lost: s of a picture without any features, sum P^2, wherever it counts.
        counted: The same, with each position as it counts.
    """

    def __init__(
        self, target: Array, *, relative: bool = True, mask: Array | None = None, workers: Workers = ALONE
    ) -> None:
        self.target, self.mask = target, mask
        squares = [ops().sum_of_squares(target)]
        if mask is not None:
            squares.append(ops().sum_of_squares(target * mask**0.5))
        sums: list[float] = workers.sum_of(squares)
        self.all_lost, self.counted = sums[0], sums[-1]
        self.factor = 1.0 / max(self.all_lost, TINY) if relative else 0.5

    def measure(
        self, features: Array, where: Where = WHOLE
    ) -> tuple[SquaredDistance, Callable[[SquaredDistance, Array], None]]:
        target, mask = self.target[:, *where], None if self.mask is None else self.mask[:, *where]
        blocks = _blocks(features)

        def difference(rows: slice, power: float) -> Array:
            """T^power (F - P) at some rows."""
            apart: Array = features[:, rows] - target[:, rows]
            return apart if mask is None else apart * mask[:, rows] ** power

        def pullback(gradient: SquaredDistance, into: Array) -> None:
            for rows in blocks:
                into[:, rows] += 2.0 * gradient.total * difference(rows, 1.0)

        return SquaredDistance(sum((ops().sum_of_squares(difference(rows, 0.5)) for rows in blocks), 0.0)), pullback

    def score(self, sums: SquaredDistance, weight: float = 1.0) -> tuple[float, SquaredDistance]:
        return weight * self.factor * sums.total, SquaredDistance(weight * self.factor)

    def typical(self, positions: int) -> SquaredDistance:
        return SquaredDistance(0.25 * self.counted)


def _blocks(features: Array) -> list[slice]:
    """Slices of rows with about `BLOCK` entries each."""
    _, rows, columns, channels = features.shape
    some = max(1, BLOCK // max(1, columns * channels))
    return [slice(start, start + some) for start in range(0, rows, some)]
