"""What a picture is asked to keep of its content, and to take over from a style: losses on a network's features.

Each loss sees one layer's feature map F: M positions (height times width), N channels, a row for each position. It is
scored in three moves, so that parts of a picture can be measured one by one:

    measure(F)      -> sums over the positions, and `pull`, which takes dL/dsums and adds dL/dF to what there is
    add(sums, sums) -> the sums over the positions of two parts
    score(sums)     -> the loss, and dL/dsums

`score` is the only place that divides. In the reference's notation F^l_ij is filter i at position j, the transpose of F
here, and N_l and M_l are N and M.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

from sfumato.arrays import Array, Where, total, zeros
from sfumato.kernels.gram import add_product, sum_of_squares, total_and_gram_matrix
from sfumato.kernels.workers import ALONE, Workers

S = TypeVar("S")

REGULARISATION = 1e-3
"""Part of the target's mean variance that is added to every variance, as a covariance of few positions is singular."""


WHOLE = (slice(None), slice(None))

TINY = float(np.finfo(np.float32).tiny)
"""What is divided by instead of zero, where a target has no features at all."""


class FeatureLoss(ABC, Generic[S]):
    """A loss on one layer's features."""

    @abstractmethod
    def measure(self, features: Array, where: Where = WHOLE) -> tuple[S, Callable[[S, Array], None]]:
        """Sums over the positions of `features`, and the way back: `pull(gradient, dF)` adds to dF.

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
        (self.all_lost,) = workers.sum_of([sum_of_squares(target)])
        self.factor = 1.0 / max(self.all_lost, TINY) if relative else 0.5

    def measure(self, features: Array, where: Where = WHOLE) -> tuple[float, Callable[[float, Array], None]]:
        difference = features - self.target[:, *where]

        def pull(gradient: float, into: Array) -> None:
            scaled = difference
            scaled *= 2.0 * gradient
            into += scaled

        return sum_of_squares(difference), pull

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


class Moments(NamedTuple):
    """Sums over positions that say which features there are and which occur together, but not where.

    Attributes:
        positions: Number of positions, M; or the sum of their weights.
        total: Sum of each channel, F^T 1, (N,).
        products: Sum of the products of each two channels: the Gram matrix S = F^T F, (N, N).
    """

    positions: float
    total: Array
    products: Array


def moments(features: Array, weights: Array | None = None, *, totals: bool = True) -> Moments:
    """The sums that every style loss is made of, in float64.

    Args:
        features: (1, height, width, N).
        weights: How much each position counts, (1, height, width, 1); all alike by default.
        totals: Whether the total of each channel is wanted; else it stays zero.
    """
    positions: float = math.prod(features.shape[:-1]) if weights is None else total(weights)
    return Moments(positions, *total_and_gram_matrix(features, weights, totals=totals))


def no_moments(channels: int) -> Moments:
    """The moments of nothing."""
    return Moments(0.0, np.zeros(channels), np.zeros((channels, channels)))


def add_moments(one: Moments, other: Moments) -> Moments:
    """The moments of two parts of a picture together."""
    return Moments(one.positions + other.positions, one.total + other.total, one.products + other.products)


class StyleLoss(FeatureLoss[Moments]):
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
    """Whether the score looks at the total of each channel."""

    def __init__(self, targets: Sequence[tuple[Moments, float]], mask: Array | None = None) -> None:
        self.mask = mask
        first = targets[0][0]
        self.mean, self.products = np.zeros_like(first.total), np.zeros_like(first.products)
        for target, weight in targets:
            self.mean += weight / target.positions * target.total
            self.products += weight / target.positions * target.products

    def measure(self, features: Array, where: Where = WHOLE) -> tuple[Moments, Callable[[Moments, Array], None]]:
        mask = None if self.mask is None else self.mask[:, *where]

        def pull(gradient: Moments, into: Array) -> None:
            add_product(features, 2.0 * gradient.products, gradient.total, into, mask)

        return moments(features, mask, totals=self.totals), pull

    def add(self, one: Moments, other: Moments) -> Moments:
        return add_moments(one, other)

    def gradient_norm(self, sums: Moments, gradient: Moments) -> float:
        D, d = gradient.products, gradient.total
        square = 4.0 * np.sum(D * (sums.products @ D)) + 4.0 * (d @ D @ sums.total) + sums.positions * (d @ d)
        return float(np.sqrt(max(square, 0.0)))

    def nothing(self) -> Moments:
        return no_moments(len(self.mean))

    def reached(self, positions: int) -> Moments:
        return Moments(positions, positions * self.mean, positions * self.products)

    def halved(self, sums: Moments) -> Moments:
        return Moments(sums.positions, 0.5 * sums.total, 0.25 * sums.products)


class GramLoss(StyleLoss):
    """Squared difference of the Gram matrices for each position, relative to the target's.

        L = sum_ij (S_ij / M - A_ij)^2 / sum_ij A_ij^2,      A = the style's S / M

        dL/dS = 2 (S / M - A) / (M sum A^2)

    The reference's equation but for two factors that make the weights mean the same at every size, layer and network:
    each picture's products are divided by its own number of positions, and the whole by the target's size.
    """

    def score(self, sums: Moments, weight: float = 1.0) -> tuple[float, Moments]:
        difference = sums.products / sums.positions - self.products
        factor = weight / max(sum_of_squares(self.products), TINY)
        D = (2.0 * factor / sums.positions) * difference
        return factor * sum_of_squares(difference), Moments(0.0, np.zeros_like(sums.total), D)


class GramReferenceLoss(StyleLoss):
    """The reference's equation as it stands (Gatys, Ecker and Bethge 2015, equation 4).

        L = 1 / (4 N^2 M^2) sum_ij (S_ij - A_ij)^2,        A = the style's Gram matrix

        dL/dS = (S - A) / (2 N^2 M^2)

    Its scale changes with the sizes of both pictures, as A grows with the style's: for comparison with the reference.
    """

    def __init__(self, targets: Sequence[tuple[Moments, float]], mask: Array | None = None) -> None:
        super().__init__([(target._replace(positions=1), weight) for target, weight in targets], mask)

    def reached(self, positions: int) -> Moments:
        return Moments(positions, self.mean, self.products)

    def score(self, sums: Moments, weight: float = 1.0) -> tuple[float, Moments]:
        difference = sums.products - self.products
        factor = weight / (4.0 * len(difference) ** 2 * sums.positions**2)
        return factor * sum_of_squares(difference), Moments(0.0, np.zeros_like(sums.total), 2.0 * factor * difference)


class WassersteinLoss(StyleLoss):
    """Squared Wasserstein-2 distance of the normal distributions with the features' means and covariances.

        L = (||m - m_t||^2 + tr(C + C_t - 2 (C_t^1/2 C C_t^1/2)^1/2)) / (||m_t||^2 + tr C_t)

    with m = total / M and C = S / M - m m^T (Olkin and Pukelsheim 1982): the least mean square by which the features
    have to move to become the style's. It is relative to what they are, like `GramLoss`.

    Derivation. With T = C_t^1/2 (C_t^1/2 C C_t^1/2)^-1/2 C_t^1/2, the optimal transport from C to C_t, dL/dC = I - T. C
    depends on S directly and on the total through m:

        dL/dS = (I - T) / M
        dL/dtotal = (2 (m - m_t) - 2 (I - T) m) / M

    With the singular values C_t^1/2 C^1/2 = U diag(sigma) V^T, the root in L has the trace sum sigma, and T is
    C_t^1/2 U diag(1 / sigma) U^T C_t^1/2: the roots of small eigenvalues, which squaring would lose, stay exact.

    To both covariances goes a small multiple of the identity (`REGULARISATION`), without which the inverse does not
    exist where there are fewer positions than channels.
    """

    totals = True

    def __init__(self, targets: Sequence[tuple[Moments, float]], mask: Array | None = None) -> None:
        super().__init__(targets, mask)
        covariance = self.products - np.outer(self.mean, self.mean)
        variance = max(float(np.trace(covariance)), TINY) / len(covariance)
        self.ridge = REGULARISATION * variance * np.eye(len(covariance))
        self.trace = float(np.trace(covariance + self.ridge))
        self.root = _square_root(covariance + self.ridge)
        self.size = float(self.mean @ self.mean) + self.trace

    def score(self, sums: Moments, weight: float = 1.0) -> tuple[float, Moments]:
        if not np.isfinite(sums.products).all():  # too far for a line search; there are no singular values to be had
            return math.inf, Moments(0.0, np.zeros_like(sums.total), np.zeros_like(sums.products))
        factor, n = weight / self.size, sums.positions
        mean = sums.total / n
        covariance = sums.products / n - np.outer(mean, mean) + self.ridge
        U, singular, _ = np.linalg.svd(self.root @ _square_root(covariance))
        shift, moved = mean - self.mean, self.root @ U
        loss = max(shift @ shift + np.trace(covariance) + self.trace - 2.0 * singular.sum(), 0.0)  # but for rounding
        D = np.eye(len(mean)) - (moved / singular) @ moved.T  # I - T
        d = 2.0 * (shift - D @ mean)
        return factor * float(loss), Moments(0.0, factor / n * d, factor / n * D)


STYLE_LOSSES: dict[str, type[StyleLoss]] = {
    "gram": GramLoss,
    "gram-reference": GramReferenceLoss,
    "wasserstein": WassersteinLoss,
}


def total_variation(picture: Array) -> tuple[float, Array]:
    """Mean over pixels of the squared differences to the right and lower neighbours, and its gradient.

        L = 1/M sum_ij (x_i+1,j - x_ij)^2 + (x_i,j+1 - x_ij)^2

    Each difference pulls its two pixels together: it adds 2/M of itself to the gradient at one, and takes it from the
    other. (The square, and not the absolute value, is what neural-style calls total variation: it is smooth.)

    Args:
        picture: (height, width, channels).
    """
    pixels = picture.shape[0] * picture.shape[1]
    down, right = picture[1:] - picture[:-1], picture[:, 1:] - picture[:, :-1]
    gradient = zeros(picture.shape, picture)
    gradient[1:] += down
    gradient[:-1] -= down
    gradient[:, 1:] += right
    gradient[:, :-1] -= right
    gradient *= 2.0 / pixels
    return (sum_of_squares(down) + sum_of_squares(right)) / pixels, gradient


def _square_root(matrix: Array) -> Array:
    """Symmetric square root of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    root: Array = (vectors * np.sqrt(np.maximum(values, TINY))) @ vectors.T
    return root
