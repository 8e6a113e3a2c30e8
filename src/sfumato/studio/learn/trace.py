"""Some examples on their way through a network and back, layer by layer, in float64 and without dropout."""

from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.engine import NUMPY_DOUBLE
from sfumato.layers.base import EVERYTHING, Layer
from sfumato.objective import NetworkObjective
from sfumato.studio.learn.setup import Setup

TOLERANCE = 1e-10
"""Relative difference between a trace and its objective that rounding explains: both add up in another order."""


class LayerTrace(NamedTuple):
    """A layer's part of the way.

    Attributes:
        name: Of the layer.
        layer: The layer.
        parameters: Its parameters by name.
        x: What goes in, (n, inputs).
        z: What comes out, (n, units).
        dz: Gradient of the loss with respect to z.
        dx: The same for x.
        gradients: Gradients of the parameters, without the penalty's part.
    """

    name: str
    layer: Layer[Any]
    parameters: dict[str, Array]
    x: Array
    z: Array
    dz: Array
    dx: Array
    gradients: dict[str, Array]


class Trace(NamedTuple):
    """Some examples' way through a network and back.

    Attributes:
        x: Inputs as the network gets them, (n, features).
        y: The truth, (n,).
        layers: The layers, in order.
        predictions: What the loss makes of the outputs: probabilities, (n, classes), or values, (n,).
        each: Loss of each example, (n,).
        data: Their mean.
        penalty: What L2 adds to it.
        gradient: The whole gradient, with the penalty's part: the objective's.
    """

    x: Array
    y: Array
    layers: tuple[LayerTrace, ...]
    predictions: Array
    each: Array
    data: float
    penalty: float
    gradient: Array


def trace(setup: Setup, theta: Array, part: str, rows: list[int]) -> Trace:
    """Run the layers one by one, there and back, over some rows of the training or test examples.

    Raises:
        AssertionError: if that does not come to what the objective gives for the same examples.
    """
    theta = theta.astype(np.float64)
    objective = double_objective(setup, part, rows)
    network, loss = setup.network, setup.training.loss
    z, passed = objective.x, []
    for layer, params in zip(network.layers, network.parameters(theta), strict=True):
        x = z
        z, backward = layer.forward(params, x, EVERYTHING)
        passed.append((x.copy(), z.copy(), backward))
    sums, pullback = loss.forward(z, objective.y)
    each = np.array([loss.forward(z[i : i + 1], objective.y[i : i + 1])[0].loss for i in range(len(z))])
    gradient = np.zeros_like(theta)
    grads, dz, layers = network.parameters(gradient), pullback(1.0 / len(z)), []
    for number in reversed(range(len(passed))):
        x, out, backward = passed[number]
        kept = dz.copy()  # a backward pass may work in its memory
        dx = backward(dz, grads[number])
        assert dx is not None
        own = network.parameters(theta)[number]._asdict()
        found = {name: value.copy() for name, value in grads[number]._asdict().items()}
        layers.append(LayerTrace(network.names[number], network.layers[number], own, x, out, kept, dx.copy(), found))
        dz = dx
    evaluation = objective(theta)
    for weights in objective.decaying:
        gradient[weights] += objective.penalty * theta[weights]
    data = sums.loss / len(z)
    if not _agree(data, evaluation.terms["data"]) or not _agree(gradient, evaluation.gradient):
        raise AssertionError("the layers, one by one, do not come to what the objective gives")
    penalty = float(evaluation.terms["l2"])
    backwards = tuple(reversed(layers))
    return Trace(objective.x, objective.y, backwards, loss.predict(z), each, data, penalty, evaluation.gradient)


def double_objective(setup: Setup, part: str, rows: Any, key: tuple[int, int] | None = None) -> NetworkObjective:
    """Objective of training, in float64, over some rows of a part ("train" or "test"); with dropout if `key`."""
    examples = setup.train if part == "train" else setup.test
    assert examples is not None
    x, y, _ = setup.batches(examples, NUMPY_DOUBLE).batch(np.array(rows) if isinstance(rows, list) else rows)
    training = setup.training
    size = setup.train.size
    return NetworkObjective(training.network, training.loss, x, y, l2=training.l2, data_size=size, dropout_key=key)


def _agree(one: Any, other: Any) -> bool:
    """Whether two results differ by rounding alone; those beyond all numbers are not compared."""
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return True
    scale = max(1.0, float(np.abs(other).max(initial=0.0)))
    return bool(np.abs(np.subtract(one, other)).max(initial=0.0) <= TOLERANCE * scale)


def as_values(traced: Trace) -> dict[str, Any]:
    """The trace in plain values."""
    return {
        "x": traced.x.tolist(),
        "y": traced.y.tolist(),
        "layers": [_layer_as_values(own, first=own is traced.layers[0]) for own in traced.layers],
        "loss": {
            "predictions": traced.predictions.tolist(),
            "each": traced.each.tolist(),
            "data": traced.data,
            "penalty": traced.penalty,
            "total": traced.data + traced.penalty,
        },
    }


def _layer_as_values(own: LayerTrace, *, first: bool) -> dict[str, Any]:
    return {
        "name": own.name,
        "kind": type(own.layer).__name__,
        "shapes": _shapes(own),
        "parameters": {name: value.tolist() for name, value in own.parameters.items()},
        "x": own.x.tolist(),
        "z": own.z.tolist(),
        "dz": own.dz.tolist(),
        "dx": None if first else own.dx.tolist(),
        "gradients": {name: value.tolist() for name, value in own.gradients.items()},
    }


def _shapes(own: LayerTrace) -> str:
    """The shapes of the forward pass, such as "(4 × 2)(2 × 8) + (8) → (4 × 8)"."""

    def said(array: Array) -> str:
        return f"({' × '.join(map(str, array.shape))})"

    if not own.parameters:
        return f"{said(own.x)} → {said(own.z)}"
    return f"{said(own.x)}{said(own.parameters['W'])} + {said(own.parameters['b'])} → {said(own.z)}"
