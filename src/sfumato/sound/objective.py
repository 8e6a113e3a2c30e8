"""A sound in the manner of another as an objective: the losses of its spectra."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sfumato.arrays import Array, zeros
from sfumato.layers.base import NOTHING, Needs, NoParameters
from sfumato.losses.features import FeatureLoss
from sfumato.network import NamedParameter, Network
from sfumato.objective import Evaluation, Objective
from sfumato.sound.rendering import Gains
from sfumato.sound.spectrum import Spectrum

INPUTS = Needs(weights=False, inputs=True)


class Term(NamedTuple):
    """A weighted loss on what layers make of a spectrum.

    Attributes:
        kind: "content", "style", "rhythm" or "loudness".
        network: The layers, which stay as they are; None for the spectrum itself.
        theta: Their parameters; empty for none.
        loss: The loss on their outputs.
        weight: What it is multiplied by.
    """

    kind: str
    network: Network | None
    theta: Array
    loss: FeatureLoss[Any]
    weight: float

    def add_to(self, L: Array, dL: Array | None) -> float:
        """Evaluate for a spectrum L, and add the gradient to dL, if there is one to add to."""
        if self.network is None:
            sums, pullback = self.loss.measure(L)
            loss, gradient = self.loss.score(sums, self.weight)
            if dL is not None:
                pullback(gradient, dL)
            return loss
        parameters, head = self.network.parameters(self.theta), (self.network.names[-1], self._measure)
        (sums,), backward = self.network.measure(parameters, L, [head], NOTHING if dL is None else INPUTS)
        loss, gradient = self.loss.score(sums, self.weight)
        if dL is not None:
            dL += backward([gradient], [None] * len(self.network.layers))
        return loss

    def _measure(self, z: Array) -> tuple[Any, Any]:
        sums, pullback = self.loss.measure(z)

        def pull(gradient: Any, dz: Array | None) -> Array:
            dz = zeros(z.shape, z) if dz is None else dz
            pullback(gradient, dz)
            return dz

        return sums, pull


class SoundObjective(Objective):
    """The loss of a sound as a function of theta.

        J(theta) = sum over terms of weight * loss(layers(spectrum(x))),        x = rendering(theta)

    Each spectrum is computed once for all of its terms, and so is its backward pass.

    Args:
        rendering: The sound as a function of theta.
        terms: The losses on each spectrum.

    Attributes:
        size: Length of theta.
        evaluations: How often the gradient has been computed.
    """

    def __init__(self, rendering: Gains, terms: Mapping[Spectrum, Sequence[Term]]) -> None:
        self.rendering, self.terms = rendering, terms
        self.size, self.evaluations = rendering.size, 0
        self.layout = (NamedParameter.unowned("theta", 0, (self.size,)),)

    def __call__(self, theta: Array) -> Evaluation:
        self.evaluations += 1
        x, backward = self.rendering.forward(theta)
        parts, dx = dict[str, float](), zeros(x.shape, x)
        for spectrum, terms in self.terms.items():
            L, back = spectrum.forward(NoParameters(), x, INPUTS)
            dL = zeros(L.shape, L)
            for term in terms:
                parts[term.kind] = parts.get(term.kind, 0.0) + term.add_to(L, dL)
            dx += back(dL, NoParameters())
        return Evaluation(sum(parts.values()), backward(dx), parts)

    def value(self, theta: Array) -> float:
        return self.without_gradient(theta).loss

    def without_gradient(self, theta: Array) -> Evaluation:
        """Evaluate loss and terms at theta, with an empty gradient."""
        x, _ = self.rendering.forward(theta)
        parts = dict[str, float]()
        for spectrum, terms in self.terms.items():
            L, _ = spectrum.forward(NoParameters(), x, NOTHING)
            for term in terms:
                parts[term.kind] = parts.get(term.kind, 0.0) + term.add_to(L, None)
        return Evaluation(sum(parts.values()), theta[:0], parts)

    def kink_sides(self, theta: Array) -> Sequence[Array]:
        x, _ = self.rendering.forward(theta)
        sides: list[Array] = []
        for spectrum, terms in self.terms.items():
            L, _ = spectrum.forward(NoParameters(), x, NOTHING)
            for term in terms:
                sides += [] if term.network is None else term.network.kink_sides(term.theta, L)
        return sides
