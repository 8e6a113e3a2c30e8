"""Losses of style transfer alone: the Wasserstein distance of features, and total variation.

Those that other objectives share (content, Gram matrices) are in `losses/`.
"""

import math
from collections.abc import Sequence

import numpy as np

from sfumato._renamed import renamed_in
from sfumato.arrays import Array, zeros
from sfumato.kernels.ops import ops
from sfumato.losses.features import TINY
from sfumato.losses.gram import FeatureMoments, GramLoss, GramReferenceLoss, StyleLoss
from sfumato.style.matrices import symmetric_root

REGULARISATION = 1e-3
"""Part of the target's mean variance that is added to every variance, as a covariance of few positions is singular."""


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

    def __init__(self, targets: Sequence[tuple[FeatureMoments, float]], mask: Array | None = None) -> None:
        super().__init__(targets, mask)
        covariance = self.products - np.outer(self.mean, self.mean)
        variance = max(float(np.trace(covariance)), TINY) / len(covariance)
        self.ridge = REGULARISATION * variance * np.eye(len(covariance))
        self.trace = float(np.trace(covariance + self.ridge))
        self.root = symmetric_root(covariance + self.ridge, TINY)
        self.size = float(self.mean @ self.mean) + self.trace

    def score(self, sums: FeatureMoments, weight: float = 1.0) -> tuple[float, FeatureMoments]:
        if not np.isfinite(sums.products).all():  # too far for a line search; there are no singular values to be had
            return math.inf, FeatureMoments(0.0, np.zeros_like(sums.total), np.zeros_like(sums.products))
        factor, n = weight / self.size, sums.positions
        mean = sums.total / n
        covariance = sums.products / n - np.outer(mean, mean) + self.ridge
        U, singular, _ = np.linalg.svd(self.root @ symmetric_root(covariance, TINY))
        shift, moved = mean - self.mean, self.root @ U
        loss = max(shift @ shift + np.trace(covariance) + self.trace - 2.0 * singular.sum(), 0.0)  # but for rounding
        D = np.eye(len(mean)) - (moved / singular) @ moved.T  # I - T
        d = 2.0 * (shift - D @ mean)
        return factor * float(loss), FeatureMoments(0.0, factor / n * d, factor / n * D)


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
    squares = ops().sum_of_squares(down) + ops().sum_of_squares(right)
    return squares / pixels, gradient


__getattr__ = renamed_in(__name__)
