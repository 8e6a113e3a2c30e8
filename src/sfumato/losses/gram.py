"""Gram matrices of features, and the style losses that compare them."""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from sfumato.arrays import Array, Where, total
from sfumato.kernels.gram import sum_of_squares
from sfumato.kernels.ops import ops
from sfumato.losses.features import TINY, WHOLE, LossWithNorm


class FeatureMoments(NamedTuple):
    """Sums over positions of the features and of their products: which features occur together, but not their places.

    Attributes:
        positions: Number of positions, M; or the sum of their weights.
        total: Sum of each channel, F^T 1, (N,).
        products: Sum of the products of each two channels: the Gram matrix S = F^T F, (N, N).
    """

    positions: float
    total: Array
    products: Array

    def gradient_norm(self, gradient: "FeatureMoments") -> float:
        """||dL/dF|| from D = dL/dS and d = dL/dtotal, see `StyleLoss`."""
        D, d = gradient.products, gradient.total
        square = 4.0 * np.sum(D * (self.products @ D)) + 4.0 * (d @ D @ self.total) + self.positions * (d @ d)
        return float(np.sqrt(max(square, 0.0)))


def moments(features: Array, weights: Array | None = None, *, totals: bool = True) -> FeatureMoments:
    """Sums for all style losses, in float64.

    Args:
        features: (1, height, width, N).
        weights: How much each position counts, (1, height, width, 1); by default each counts as one.
        totals: Whether to sum each channel; otherwise the totals are zeros, which saves a pass over the features.
    """
    positions: float = math.prod(features.shape[:-1]) if weights is None else total(weights)
    return FeatureMoments(positions, *ops().total_and_gram_matrix(features, weights, totals=totals))


class StyleLoss(LossWithNorm[FeatureMoments]):
    """A loss on the moments of the features.

    With D = dL/dS and d = dL/dtotal the chain rule gives, for S = F^T F and total = F^T 1,

        dL/dF = 2 F D + 1 d^T                                                     (D is symmetric, as S is)
        ||dL/dF||^2 = 4 tr(D S D) + 4 d^T D total + M d^T d                       as F^T F = S

    With a mask, position p counts T_p in all sums: S = F^T diag(T) F, total = F^T T, M = sum T. Its row of dL/dF is T_p
    times the above. So is the norm where T is 0 or 1; soft edges make the true one a little smaller.

    Args:
        targets: What to reach: the moments of each style's features, with that style's weight; the weights add up to
            one. Several styles are mixed by their moments for each position, so the target is a mixture of them all.
        mask: T, (1, height, width, 1): how much each position of the feature map counts, from 0 to 1; by default 1.
    """

    totals: ClassVar[bool] = False
    """Whether the loss depends on the total of each channel."""

    relative: ClassVar[bool] = True
    """Whether it is relative to the target's size, as the content loss beside it then is too."""

    def __init__(self, targets: Sequence[tuple[FeatureMoments, float]], mask: Array | None = None) -> None:
        self.mask = mask
        first = targets[0][0]
        self.mean, self.products = np.zeros_like(first.total), np.zeros_like(first.products)
        for target, weight in targets:
            self.mean += weight / target.positions * target.total
            self.products += weight / target.positions * target.products

    def measure(
        self, features: Array, where: Where = WHOLE
    ) -> tuple[FeatureMoments, Callable[[FeatureMoments, Array], None]]:
        mask = None if self.mask is None else self.mask[:, *where]

        def pullback(gradient: FeatureMoments, into: Array) -> None:
            ops().add_product(features, 2.0 * gradient.products, gradient.total, into, mask)

        return moments(features, mask, totals=self.totals), pullback

    def typical(self, positions: int) -> FeatureMoments:
        at_target = self.at_target(positions)
        return at_target._replace(total=0.5 * at_target.total, products=0.25 * at_target.products)

    def at_target(self, positions: int) -> FeatureMoments:
        """Expected sums over `positions` of a picture in the target's style."""
        return FeatureMoments(positions, positions * self.mean, positions * self.products)


class GramLoss(StyleLoss):
    """Squared difference of the Gram matrices for each position, relative to the target's.

        L = sum_ij (S_ij / M - A_ij)^2 / sum_ij A_ij^2,      A = the style's S / M

        dL/dS = 2 (S / M - A) / (M sum A^2)

    The reference's equation but for two factors that make the weights mean the same at every size, layer and network:
    each picture's products are divided by its own number of positions, and the whole by the target's size.
    """

    def score(self, sums: FeatureMoments, weight: float = 1.0) -> tuple[float, FeatureMoments]:
        difference = sums.products / sums.positions - self.products
        factor = weight / max(sum_of_squares(self.products), TINY)
        D = (2.0 * factor / sums.positions) * difference
        return factor * sum_of_squares(difference), FeatureMoments(0.0, np.zeros_like(sums.total), D)


class GramReferenceLoss(StyleLoss):
    """The reference's equation without normalisation (Gatys, Ecker and Bethge 2015, equation 4).

        L = 1 / (4 N^2 M^2) sum_ij (S_ij - A_ij)^2,        A = the style's Gram matrix

        dL/dS = (S - A) / (2 N^2 M^2)

    Its scale changes with the sizes of both pictures, as A grows with the style's: for comparison with the reference.
    """

    relative = False

    def __init__(self, targets: Sequence[tuple[FeatureMoments, float]], mask: Array | None = None) -> None:
        super().__init__([(target._replace(positions=1), weight) for target, weight in targets], mask)

    def at_target(self, positions: int) -> FeatureMoments:
        return FeatureMoments(positions, self.mean, self.products)

    def score(self, sums: FeatureMoments, weight: float = 1.0) -> tuple[float, FeatureMoments]:
        difference = sums.products - self.products
        factor = weight / (4.0 * len(difference) ** 2 * sums.positions**2)
        return factor * sum_of_squares(difference), FeatureMoments(
            0.0, np.zeros_like(sums.total), 2.0 * factor * difference
        )
