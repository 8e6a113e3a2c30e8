"""Objectives: functions of one flat vector to minimise, each with its gradient.

Optimizers, gradient checking and checkpoints know nothing but this, so whatever is written as an objective (a network's
loss over its weights, a picture's loss over its pixels, a function of one's own) gets all of them.
"""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from sfumato.arrays import Array, Shape, cast, copied, like, namespace, reduced_like, to_numpy, upcast
from sfumato.checks import nonnegative
from sfumato.engine import Engine
from sfumato.errors import InputError
from sfumato.layers.base import EVERYTHING, NOTHING, Layer, Needs
from sfumato.losses.base import NO_SUMS, Loss, Sums
from sfumato.network import NamedParameter, Network
from sfumato.random_keys import Stream, generator
from sfumato.workers import ALONE, Share, Workers


class Evaluation(NamedTuple):
    """Loss and gradient of an objective at one point.

    Attributes:
        loss: The number to minimise.
        gradient: Its gradient, of the shape of theta.
        terms: The parts that the loss is made of, and whatever else was measured on the way, by name.
    """

    loss: float
    gradient: Array
    terms: Mapping[str, float] = {}


class BatchEvaluation(Evaluation):
    """An objective over a batch of examples at one point: unpacks as any `Evaluation` does.

    Attributes:
        sums: What the loss has added up over the batch, to be added to other batches' sums.
    """

    sums: Sums

    def __new__(cls, loss: float, gradient: Array, terms: Mapping[str, float], sums: Sums = NO_SUMS) -> Self:
        evaluation = super().__new__(cls, loss, gradient, terms)
        evaluation.sums = sums  # copies are made without it, and get it afterwards
        return evaluation


class Objective(ABC):
    """A deterministic function of theta: the same theta gives the same evaluation, bit for bit.

    Write `__call__`; the rest has answers that serve any objective and can be bettered by one that knows more.
    """

    layout: Sequence[NamedParameter] = ()
    """Names of the parts of theta, for reports; empty where theta is one thing."""

    layer_names: Sequence[str] = ()
    """Names of the layers that `layout` counts."""

    analytic: bool = False
    """Whether `value` also takes complex theta, which the complex-step check needs."""

    @abstractmethod
    def __call__(self, theta: Array) -> Evaluation:
        """Evaluate at theta, (size,), which stays as it is; the gradient is the caller's to keep."""

    def value(self, theta: Array) -> Any:
        """Loss alone, for line searches and finite differences."""
        return self(theta).loss

    def kink_sides(self, theta: Array) -> Sequence[Array]:
        """Side of its kinks on which the function is at theta; theta on different sides have a kink between them."""
        return ()


class NetworkObjective(Objective):
    """Mean loss of a network over examples, with L2 regularisation: J(theta) as training minimises it.

        J = 1/n sum_i w_i loss(z_i, y_i) + lambda / (2 N) sum_W W^2

    over the n examples of this batch, where N counts the examples of the data set: the penalty belongs to the data, so
    that its strength does not change with the batch size. Biases are not penalised.

    Args:
        network: The network whose parameters theta holds.
        loss: Loss on the network's outputs.
        x: Inputs, (n, *input_shape), floating point.
        y: Truth, (n,): class numbers, or values for regression; (n, k) of several labels or values.
        sample_weight: Weight of each example, (n,), of mean one over the data set.
        l2: Lambda above, 0 or more.
        data_size: N above; n by default.
        dropout_key: `(seed, step)` that dropout's masks are drawn from; None leaves dropout out.
        workers: The processes that share the batch; see `over`.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        x: Array,
        y: Array,
        *,
        sample_weight: Array | None = None,
        l2: float = 0.0,
        data_size: int | None = None,
        dropout_key: tuple[int, int] | None = None,
        workers: Workers = ALONE,
    ) -> None:
        weight = None if sample_weight is None else to_numpy(sample_weight)
        check_examples(network, loss, to_numpy(x), to_numpy(y), weight)
        nonnegative("L2 penalty", l2)
        self.network, self.loss, self.x, self.y = network, loss, x, y
        self.sample_weight, self.l2, self.dropout_key = sample_weight, l2, dropout_key
        self.penalty = l2 / (data_size or len(x))
        self.decaying = [slice(p.start, p.stop) for p in network.layout if p.spec.decays] if l2 else []
        self.layout, self.layer_names, self.analytic = network.layout, network.names, network.analytic
        self.workers, self.share = workers, Share(0, len(x), len(x))
        self._views = _Views(network)

    def over(
        self,
        x: Array,
        y: Array,
        sample_weight: Array | None = None,
        dropout_key: tuple[int, int] | None = None,
        share: Share | None = None,
    ) -> "NetworkObjective":
        """Copy the objective for other examples of the same data set: N stays, and they are not checked again.

        Of a batch that several processes share, each gives its own part of the examples and says by `share` which part
        that is. The sums over the parts, and so loss and gradient, are then those of the whole batch.
        """
        objective = copy.copy(self)
        objective.x, objective.y, objective.sample_weight = x, y, sample_weight
        objective.dropout_key, objective.share = dropout_key, share or Share(0, len(x), len(x))
        return objective

    @property
    def size(self) -> int:
        """Number of examples in the batch, n above."""
        return self.share.whole

    def __call__(self, theta: Array) -> Evaluation:
        n = self.size
        gradient = namespace(theta).empty_like(theta)
        z, backward = self._forward(theta, Needs(weights=True, inputs=False))
        sums, pullback = self.loss.forward(upcast(z), self.y, self.sample_weight)
        loss_scale = 1.0 / n if z.dtype.itemsize > 2 else 1.0 / math.sqrt(n)
        backward(cast(pullback(loss_scale), z.dtype), self.network.parameters(gradient))
        if loss_scale * n != 1.0:  # gradients of 16 bits are scaled up, as the small ones would be lost
            gradient *= 1.0 / (loss_scale * n)
        gradient, sums = self.workers.sum(gradient), sums.over(self.workers)
        for weights in self.decaying:
            gradient[weights] += self.penalty * theta[weights]  # d/dW (lambda / 2N) W^2 = (lambda / N) W
        data, penalty = sums.loss / n, self._penalty(theta)
        return BatchEvaluation(
            data + penalty, gradient, {"data": data, "l2": penalty, "accuracy": sums.correct / n}, sums
        )

    def value(self, theta: Array) -> Any:
        z, _ = self._forward(theta, NOTHING)
        sums, _ = self.loss.forward(upcast(z), self.y, self.sample_weight)
        return sums.over(self.workers).loss / self.size + self._penalty(theta)

    def kink_sides(self, theta: Array) -> Sequence[Array]:
        return self.network.kink_sides(theta, self.x, self._rng())

    def _forward(self, theta: Array, needs: Needs) -> tuple[Array, Any]:
        return self.network.forward(self._views.of(reduced_like(theta, self.x)), self.x, needs, self._rng())

    def _penalty(self, theta: Array) -> Any:
        return sum((0.5 * self.penalty * (theta[w] @ theta[w]).item() for w in self.decaying), start=0.0)

    def _rng(self) -> Any:
        if self.dropout_key is None:
            return None
        rng = generator(self.dropout_key[0], Stream.DROPOUT, self.dropout_key[1])
        return rng if self.workers.count == 1 else _PartOf(rng, self.share)


class _Views:
    """Parameters of a network as views of the latest theta, which serve as long as steps are taken in its memory."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.theta: Array | None = None
        self.parameters: Any = None

    def of(self, theta: Array) -> Any:
        """View theta as `Network.parameters` does."""
        if theta is not self.theta:
            self.theta, self.parameters = theta, self.network.parameters(theta)
        return self.parameters


class _PartOf:
    """Source of randomness for a part of a batch: the whole batch is drawn, so any number of parts gets the same."""

    def __init__(self, rng: np.random.Generator, share: Share) -> None:
        self.rng, self.share = rng, share

    def random(self, shape: Shape, dtype: Any) -> Array:
        """Draw uniform numbers for the part, of `shape`."""
        drawn: Array = self.rng.random((self.share.whole, *shape[1:]), dtype=dtype)
        return drawn[self.share.start : self.share.stop]


def check_examples(
    network: Network, loss: Loss, x: Array, y: Array, sample_weight: Array | None = None, *, gaps: bool = False
) -> None:
    """Raise `InputError` for examples that do not fit network or loss; with `gaps`, inputs may be missing (NaN)."""
    if y.ndim not in (1, 2) or y.shape[1:] == (1,):
        raise InputError(f"the truth must be one entry an example, of shape ({len(y)},), not {y.shape}")
    if len(x) != len(y) or not len(x):
        raise InputError(f"inputs and truth must have the same number of examples, not {len(x)} and {len(y)}")
    if x.shape[1:] != network.input_shape:
        raise InputError(f"examples have shape {x.shape[1:]}; the network takes {network.input_shape}")
    if x.dtype.kind == "f" and (np.isinf(x) if gaps else ~np.isfinite(x)).any():
        raise InputError("an input is infinite or not a number: leave such examples out, or fill the gaps in")
    loss.check(y, math.prod(network.output_shape))
    if sample_weight is None:
        return
    if sample_weight.shape != (len(y),):
        raise InputError(f"there must be one sample weight for each of {len(y)} examples, not {sample_weight.shape}")
    if not np.isfinite(sample_weight).all() or sample_weight.min() < 0:
        raise InputError("a sample weight must be a number of 0 or more")


class LayerObjective(Objective):
    """Objective to check a layer on its own: a fixed random projection of its outputs for random inputs.

        J = sum(C * layer(X)),    theta = the layer's parameters and then X

    Its gradient exercises the whole backward pass, with respect to parameters and inputs alike, each under its name.

    Args:
        layer: The layer.
        input_shape: Shape of one example.
        examples: Number of examples in X.
        seed: What C, the parameters and X are drawn from: standard normal, so that no part of the layer stays idle.
        dropout_key: `(seed, step)` for a layer that draws random numbers; None runs it as outside training.

    Attributes:
        theta: The point to check at, float64.
    """

    def __init__(
        self,
        layer: Layer[Any],
        input_shape: Shape = (5,),
        *,
        examples: int = 4,
        seed: int = 0,
        dropout_key: tuple[int, int] | None = None,
    ) -> None:
        self.network = Network([layer], input_shape)
        self.input_shape = (examples, *input_shape)
        self.dropout_key = dropout_key
        rng = generator(seed, Stream.CHECKING)
        self.projection = rng.standard_normal((examples, *self.network.output_shape))
        self.theta = rng.standard_normal(self.network.size + math.prod(self.input_shape))
        self.layout = (*self.network.layout, NamedParameter.unowned("inputs", self.network.size, self.input_shape))
        self.layer_names, self.analytic = self.network.names, layer.analytic

    def __call__(self, theta: Array) -> Evaluation:
        weights, x = self._split(theta)
        gradient = namespace(theta).empty_like(theta)
        outputs, backward = self._forward(weights, x, EVERYTHING)
        projection = cast(like(self.projection, theta), theta.dtype)
        loss = (projection * outputs).sum().item()
        dx = backward(copied(projection), self.network.parameters(gradient[: self.network.size]))
        gradient[self.network.size :] = dx.reshape(-1)
        return Evaluation(loss, gradient)

    def value(self, theta: Array) -> Any:
        weights, x = self._split(theta)
        return (like(self.projection, theta) * self._forward(weights, x, NOTHING)[0]).sum().item()

    def _split(self, theta: Array) -> tuple[Array, Array]:
        """Split theta into the layer's parameters and X."""
        return theta[: self.network.size], theta[self.network.size :]

    def kink_sides(self, theta: Array) -> Sequence[Array]:
        weights, x = self._split(theta)
        return self.network.kink_sides(weights, x.reshape(self.input_shape), self._rng())

    def _forward(self, weights: Array, x: Array, needs: Needs) -> tuple[Array, Any]:
        return self.network.forward(self.network.parameters(weights), x.reshape(self.input_shape), needs, self._rng())

    def _rng(self) -> np.random.Generator | None:
        return None if self.dropout_key is None else generator(self.dropout_key[0], Stream.DROPOUT, self.dropout_key[1])


class OnDevice(Objective):
    """Objective of NumPy's theta over an objective whose arrays live on a device, for gradient checks.

    Args:
        objective: The objective.
        engine: Where it computes; its operations are in force in every call.
    """

    def __init__(self, objective: Objective, engine: Engine) -> None:
        self.objective, self.engine = objective, engine
        self.layout, self.layer_names = objective.layout, objective.layer_names

    def __call__(self, theta: Array) -> Evaluation:
        with self.engine.in_force():
            found = self.objective(self._put(theta))
        return found._replace(gradient=to_numpy(found.gradient))

    def value(self, theta: Array) -> Any:
        with self.engine.in_force():
            return self.objective.value(self._put(theta))

    def kink_sides(self, theta: Array) -> Sequence[Array]:
        with self.engine.in_force():
            return [to_numpy(side) for side in self.objective.kink_sides(self._put(theta))]

    def _put(self, theta: Array) -> Array:
        return self.engine.master.put(theta.copy())
