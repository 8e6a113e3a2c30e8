"""The content loss: squared differences to the features of a picture."""

from collections.abc import Callable

import numpy as np

from sfumato.arrays import Array, Where
from sfumato.kernels.ops import ops
from sfumato.losses.features import TINY, WHOLE, FeatureLoss
from sfumato.workers import ALONE, Workers


class ContentLoss(FeatureLoss[float]):
    """Half the sum of squared differences to the features P of the content, as in the reference.

        L = 1/2 sum_ij (F_ij - P_ij)^2,        dL/dF = F - P

    Relative (the default), that is divided by half the sum of squares of P: the loss of a picture without any features
    is then 1 at every size, at every layer and in every network.

    The sums are the one number s = sum (F - P)^2, so dL/dF = dL/ds 2 (F - P), of norm 2 dL/ds sqrt(s).

    Args:
        target: P, (1, height, width, N).
        relative: Whether to divide by the target's own half sum of squares.
        workers: The processes that each have a part of the target, and zeros elsewhere.

    Attributes:
        all_lost: s of a picture without any features, sum P^2.
    """

    def __init__(self, target: Array, *, relative: bool = True, workers: Workers = ALONE) -> None:
        self.target = target
        self.all_lost: float
        (self.all_lost,) = workers.sum_of([ops().sum_of_squares(target)])
        self.factor = 1.0 / max(self.all_lost, TINY) if relative else 0.5

    def measure(self, features: Array, where: Where = WHOLE) -> tuple[float, Callable[[float, Array], None]]:
        difference = features - self.target[:, *where]

        def pullback(gradient: float, into: Array) -> None:
            scaled = difference
            scaled *= 2.0 * gradient
            into += scaled

        return ops().sum_of_squares(difference), pullback

    def add(self, one: float, other: float) -> float:
        return one + other

    def score(self, sums: float, weight: float = 1.0) -> tuple[float, float]:
        return weight * self.factor * sums, weight * self.factor

    def gradient_norm(self, sums: float, gradient: float) -> float:
        return abs(2.0 * gradient) * float(np.sqrt(sums))

    def nothing(self) -> float:
        return 0.0

    def reached(self, positions: int) -> float:
        return 0.0

    def halved(self, sums: float) -> float:
        return 0.25 * self.all_lost
