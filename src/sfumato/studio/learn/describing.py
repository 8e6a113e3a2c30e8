"""Description of a playground for the page: its points, layers, parameters and maps."""

from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.studio.learn.maps import Maps
from sfumato.studio.learn.setup import Setup


def describe(setup: Setup, maps: Maps, batches: int, steps: int) -> dict[str, Any]:
    """Describe a playground in plain values.

    Args:
        setup: What is trained.
        maps: Its maps.
        batches: Steps of an epoch.
        steps: Steps taken.
    """
    data = setup.state["data"]
    return {
        "task": setup.dataset.task,
        "classes": list(setup.dataset.classes),
        "loss": type(setup.training.loss).__name__,
        "columns": list(data.get("columns", ("x1", "x2"))),
        "target": setup.dataset.target,
        "range": setup.range,
        "train": _placed(setup.train_points, setup.train),
        "test": _placed(setup.test_points, setup.test),
        "values": None if setup.dataset.classes else _values(setup),
        "batches": batches,
        "inputs": list(setup.dataset.features),
        "layers": _layers(setup),
        "parameters": [
            {"name": own.name, "start": own.start, "stop": own.stop, "shape": own.spec.shape}
            for own in setup.network.layout
        ],
        "maps": [own._asdict() for own in maps.names],
        "steps": steps,
    }


def _placed(places: Array, examples: Examples | None) -> dict[str, Any]:
    return {"x": places.tolist(), "y": [] if examples is None else examples.y.tolist()}


def _values(setup: Setup) -> dict[str, float]:
    """The values of a regression: how they are scaled, and between which they lie."""
    scaling, y = setup.training.target_scaling, setup.dataset.examples.y
    return {
        "mean": float(np.asarray(scaling.mean)),
        "deviation": float(np.asarray(scaling.deviation)),
        "least": float(y.min()),
        "greatest": float(y.max()),
    }


def _layers(setup: Setup) -> list[dict[str, Any]]:
    network, described = setup.network, []
    (inputs,) = network.input_shape
    for layer, (name, (units,)) in zip(network.layers, network.shapes.items(), strict=True):
        described.append(
            {"name": name, "kind": type(layer).__name__, "inputs": inputs, "units": units, "settings": repr(layer)}
        )
        inputs = units
    return described
