"""Explanations of what is selected in the net: its equation with numbers, and the code that computes it."""

from typing import Any

import numpy as np

from sfumato.checks import one_of, whole
from sfumato.errors import InputError
from sfumato.notebook import source
from sfumato.studio.learn import equations as formulas
from sfumato.studio.learn.fields import FieldError, filled_in, naming
from sfumato.studio.learn.playground import Playground
from sfumato.studio.learn.trace import Trace, trace
from sfumato.studio.learn.updates import of_update

SELECTIONS = ("unit", "weight", "update", "loss")

CHAPTERS = {
    "Dense": "chapters/03-l-layers.html",
    "Tanh": "chapters/02-one-hidden-layer.html",
    "Sigmoid": "chapters/01-logistic-regression.html",
    "ReLU": "chapters/03-l-layers.html",
    "LeakyReLU": "chapters/03-l-layers.html",
    "Dropout": "chapters/06-initialization-l2-dropout.html",
    "BinaryCrossEntropy": "chapters/01-logistic-regression.html",
    "CategoricalCrossEntropy": "chapters/04-softmax.html",
    "update": "chapters/07-optimizers.html",
}
"""The course's chapter on each kind of layer and loss, in the site."""


def explain(playground: Playground, select: Any, part: str, row: int) -> dict[str, Any]:
    """Explain a selection by one example.

    Raises:
        FieldError: if there is nothing like it.
    """
    fields = {"kind": "loss", "layer": None, "unit": 0, "name": None, "index": None}
    chosen = filled_in(select, "select", fields)
    with naming("select.kind"):
        kind = one_of("selection", chosen["kind"], SELECTIONS)
    if kind == "unit":
        return _unit(playground, chosen, _trace(playground, part, [row]))
    if kind == "loss":
        setup = playground.setup
        loss = setup.training.loss
        lines = formulas.of_loss(setup, _trace(playground, part, [row]), _everything(playground))
        return _explained("the loss", lines, [loss.forward], type(loss).__name__)
    name, index, place = _parameter(playground, chosen)
    where = f"{name}{index}"
    if kind == "update":
        optimizer = playground.job.optimizer
        step = getattr(type(optimizer), "update", type(optimizer).step)
        return _explained(f"the next step of {where}", of_update(playground, name, index, place), [step], "update")
    everything = _everything(playground)
    equation, bars = formulas.of_gradient(playground.setup, everything, name, index, place)
    layer = next(own.layer for own in everything.layers if own.name == name.rpartition(".")[0])
    told = _explained(f"the gradient of {where}", [equation], [layer.forward], type(layer).__name__)
    penalty = float(everything.gradient[place] - bars.sum())
    return {**told, "bars": {"examples": list(range(len(bars))), "values": bars.tolist()}, "penalty": penalty}


def _unit(playground: Playground, chosen: dict[str, Any], traced: Trace) -> dict[str, Any]:
    setup = playground.setup
    shapes = {name: shape[0] for name, shape in setup.network.shapes.items()}
    shapes["output"] = len(setup.dataset.classes) or 1
    with naming("select.layer"):
        layer = one_of("layer", chosen["layer"], shapes)
    with naming("select.unit"):
        unit = whole(f"number of a unit of {layer}", chosen["unit"], 0, shapes[layer] - 1)
    equation = formulas.of_unit(setup, traced, layer, unit)
    loss = setup.training.loss
    own = loss if layer == "output" else setup.network.layers[setup.network.names.index(layer)]
    code = loss.predict if own is loss else own.forward
    alone = layer == "output" and len(setup.dataset.classes) <= 2  # two classes share one probability
    title = "the output" if alone else f"unit {unit + 1} of {layer}"
    return _explained(title, [equation], [code], type(own).__name__)


def _parameter(playground: Playground, chosen: dict[str, Any]) -> tuple[str, list[int], int]:
    layout = {own.name: own for own in playground.setup.network.layout}
    with naming("select.name"):
        own = layout[one_of("parameter", chosen["name"], layout)]
    index, shape = chosen["index"], own.spec.shape
    try:
        if not all(type(entry) is int and entry >= 0 for entry in index):
            raise InputError("an index has whole numbers from 0")
        place = int(np.ravel_multi_index(index, shape))
    except (TypeError, ValueError) as error:
        raise FieldError(
            f"{own.name} has the shape {shape}; there is no entry {str(index)[:40]}", "select.index"
        ) from error
    return own.name, index, own.start + place


def _trace(playground: Playground, part: str, rows: list[int]) -> Trace:
    return trace(playground.setup, playground.theta, part, rows)


def _everything(playground: Playground) -> Trace:
    return _trace(playground, "train", list(range(playground.setup.train.size)))


def _explained(title: str, lines: list[formulas.Equation], code: list[Any], subject: str) -> dict[str, Any]:
    return {
        "title": title,
        "equations": [equation._asdict() for equation in lines],
        "bars": None,
        "penalty": None,
        "source": [vars(source(item)) for item in code],
        "chapter": CHAPTERS.get(subject),
    }
