"""Style transfer as an objective: the pixels are the parameters, and the network stays as it is."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sfumato.arrays import Array
from sfumato.losses.features import LossWithNorm
from sfumato.network import NamedParameter
from sfumato.objective import Evaluation, Objective
from sfumato.style.losses import total_variation
from sfumato.style.tiles.tiling import TiledNetwork

LEAST_NORM = 1e-4
"""Part of the typical norm below which a feature gradient is treated as rounding."""


class Term(NamedTuple):
    """A weighted loss on one layer.

    Attributes:
        kind: "content" or "style".
        layer: Name of the layer whose features are measured.
        loss: The loss.
        weight: What it is multiplied by.
    """

    kind: str
    layer: str
    loss: LossWithNorm[Any]
    weight: float


class StyleObjective(Objective):
    """The loss of a stylised picture as a function of its pixels x.

        J(x) = sum over terms of weight * loss(features of x at the term's layer)  +  tv_weight * total variation(x)

    which is the reference's alpha L_content + beta L_style, with alpha, beta and the layers' weights multiplied out.
    Its gradient comes back through the frozen network: only that of the inputs is wanted, so no layer keeps its input.

    Args:
        network: The network, for pictures of this size; its last layer carries a term.
        terms: The losses on its layers.
        tv_weight: Weight of the total variation.
    """

    def __init__(self, network: TiledNetwork, terms: Sequence[Term], tv_weight: float = 0.0) -> None:
        self.network, self.terms, self.tv_weight = network, tuple(terms), tv_weight
        self.shape = (*network.shape, 3)
        self.heads = [(term.layer, term.loss.measure) for term in terms]
        self.loss_scale = self._loss_scale() if network.engine.precision == "float16" else 1.0
        self.layout = (NamedParameter.unowned("pixels", 0, self.shape),)

    @property
    def size(self) -> int:
        """Number of pixel values, the length of theta."""
        return math.prod(self.shape)

    def __call__(self, theta: Array) -> Evaluation:
        losses: list[float] = []

        def score(measured: Iterable[list[Any]]) -> list[Any]:
            scores = self._scores(measured)
            losses.extend(loss for loss, _ in scores)
            return [gradient for _, gradient in scores]

        gradient = self.network.gradient(theta.reshape(self.shape), self.heads, score).reshape(-1)
        if self.loss_scale != 1.0:
            gradient /= self.loss_scale
        variation, pulled = self._total_variation(theta)
        if pulled is not None:
            gradient += pulled.reshape(-1)
        return self._evaluation(losses, variation, gradient)

    def value(self, theta: Array) -> float:
        return self.without_gradient(theta).loss

    def without_gradient(self, theta: Array) -> Evaluation:
        """Evaluate loss and terms at theta, with an empty gradient: a third of the cost."""
        scores = self._scores(self._measure(theta))
        return self._evaluation([loss for loss, _ in scores], self._total_variation(theta)[0], theta[:0])

    def kink_sides(self, theta: Array) -> Sequence[Array]:
        return list(self.network.kink_sides(theta.reshape(self.shape)))

    def with_normalized_gradients(self, theta: Array) -> "StyleObjective":
        """Copy the objective with each weight divided by the norm of its term's feature gradient at theta.

        Measured once and then fixed: measured at every call it would no longer be the gradient of anything. A term that
        is at its target already, as the content's where it starts from, has none but rounding's; it is divided by the
        norm that it would have with half of the target's features lost, which is of the size that it has later on.
        """
        sums = self._total(self._measure(theta))
        norms = [self._gradient_norm(term, own) for term, own in zip(self.terms, sums, strict=True)]
        return self.reweighted([term.weight / (norm or 1.0) for term, norm in zip(self.terms, norms, strict=True)])

    def _gradient_norm(self, term: Term, sums: Any) -> float:
        """Norm of a term's gradient with respect to its features; the typical norm, where that norm is rounding."""
        norm = sums.gradient_norm(term.loss.score(sums)[1])
        typical = self._typical_norm(term, 1.0)
        return norm if norm > LEAST_NORM * typical else typical

    def _typical_norm(self, term: Term, weight: float) -> float:
        """Norm of a term's gradient with respect to its features, far from its target."""
        rows, columns, _ = self.network.shapes[term.layer]
        sums = term.loss.typical(rows * columns)
        return float(sums.gradient_norm(term.loss.score(sums, weight)[1]))

    def reweighted(self, weights: Sequence[float]) -> "StyleObjective":
        """Copy the objective with other weights of its terms."""
        terms = [term._replace(weight=weight) for term, weight in zip(self.terms, weights, strict=True)]
        return StyleObjective(self.network, terms, self.tv_weight)

    def _loss_scale(self) -> float:
        """Factor of gradients within the backward pass, divided out at its end, so that float16 can represent them.

        A power of two that makes the root mean square of the feature gradients about one, where the features are half
        of what they shall be. It follows from the targets alone, so the objective stays a function of theta.
        """
        largest = max(
            self._typical_norm(term, term.weight) / math.sqrt(math.prod(self.network.shapes[term.layer]))
            for term in self.terms
        )
        return math.ldexp(1.0, -round(math.log2(largest))) if 0 < largest < math.inf else 1.0

    def _measure(self, theta: Array) -> Iterable[list[Any]]:
        return self.network.measure(theta.reshape(self.shape), self.heads)

    def _total(self, measured: Iterable[list[Any]]) -> list[Any]:
        """Add each term's sums over the parts of the picture."""
        return self.network.total(measured, self.heads)

    def _scores(self, measured: Iterable[list[Any]]) -> list[tuple[float, Any]]:
        """Evaluate each term from the measurements: its loss, and `loss_scale` times the gradient for its sums."""
        sums = self._total(measured)
        scores = (
            term.loss.score(own, self.loss_scale * term.weight) for term, own in zip(self.terms, sums, strict=True)
        )
        return [(loss / self.loss_scale, gradient) for loss, gradient in scores]

    def _total_variation(self, theta: Array) -> tuple[float, Array | None]:
        if not self.tv_weight:
            return 0.0, None
        variation, gradient = total_variation(theta.reshape(self.shape))
        return self.tv_weight * variation, self.tv_weight * gradient

    def _evaluation(self, losses: Sequence[float], variation: float, gradient: Array) -> Evaluation:
        parts = {"content": 0.0, "style": 0.0, "tv": variation}
        for term, loss in zip(self.terms, losses, strict=True):
            parts[term.kind] += loss
        return Evaluation(sum(parts.values()), gradient, parts)
