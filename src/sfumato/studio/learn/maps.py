"""Maps: the outputs of each unit over the plane."""

from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.layers.base import NOTHING
from sfumato.studio.learn.frames import as_bytes
from sfumato.studio.learn.points import cells
from sfumato.studio.learn.setup import Setup

MOST_MAPS = 32
"""Units of a layer that are shown as maps: the first."""


class Map(NamedTuple):
    """A map of a frame.

    Attributes:
        layer: Name of the activation, or "output".
        unit: Number of the unit, from 0; of outputs, the class, or 0 for a value.
        values: "signed", or "share" for what lies between 0 and 1.
    """

    layer: str
    unit: int
    values: str


class Maps:
    """The maps of a playground.

    Args:
        setup: What is trained.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup, self.side = setup, setup.state["view"]["grid"]
        self.x = setup.scaled_cells(cells(self.side, setup.range))
        self.names = [*self._hidden(), *self._outputs()]
        self.inputs = [Map("inputs", unit, "signed") for unit in range(self.x.shape[1])]

    def _hidden(self) -> list[Map]:
        network, shapes = self.setup.network, self.setup.network.shapes
        made = []
        for name in self.setup.activations:
            kind = type(network.layers[network.names.index(name)]).__name__
            values = "share" if kind == "Sigmoid" else "signed"
            made += [Map(name, unit, values) for unit in range(min(MOST_MAPS, shapes[name][0]))]
        return made

    def _outputs(self) -> list[Map]:
        classes = len(self.setup.dataset.classes)
        if not classes:
            return [Map("output", 0, "signed")]
        return [Map("output", number, "share") for number in (range(classes) if classes > 2 else [1])]

    def draw(self, theta: Array, *, inputs: bool) -> tuple[Array, Array]:
        """Draw all maps at theta: bytes, (m, g, g), and scales, (m,); with `inputs`, those of the features first."""
        network = self.setup.network
        layers = [*self.setup.activations, network.names[-1]]
        outputs, _ = network.measure(network.parameters(theta), self.x, [(name, _as_it_is) for name in layers], NOTHING)
        values = dict(zip(layers, outputs, strict=True))
        values["output"] = self._predicted(values[network.names[-1]])
        values["inputs"] = self.x
        asked = [*self.inputs, *self.names] if inputs else self.names
        drawn = [as_bytes(values[own.layer][:, own.unit], signed=own.values == "signed") for own in asked]
        maps = np.stack([cells for cells, _ in drawn]).reshape(len(drawn), self.side, self.side)
        return maps, np.array([scale for _, scale in drawn], dtype=np.float32)

    def _predicted(self, z: Array) -> Array:
        """Probabilities, (n, classes), or values in their own units, (n, 1)."""
        predicted = self.setup.training.loss.predict(z)
        if self.setup.dataset.classes:
            return predicted
        own = self.setup.training.target_scaling
        return (predicted * own.deviation + own.mean)[:, np.newaxis]


def _as_it_is(z: Array) -> tuple[Array, Any]:
    return z, None
