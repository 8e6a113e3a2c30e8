"""Search for the layer of a network where numbers first stopped being finite."""

from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.layers.base import NOTHING
from sfumato.network import Network


def first_beyond(network: Network, theta: Array, x: Array) -> dict[str, Any]:
    """Find the first parameter or layer, on the way of inputs x, with an entry that is infinite or not a number.

    Returns:
        `layer`, its name, "loss" where all layers are finite; and `what`, a line that says what was found.
    """
    for own in network.layout:
        beyond = int((~np.isfinite(theta[own.start : own.stop])).sum())
        if beyond:
            what = f"{beyond} of the {own.stop - own.start} entries of {own.name} are infinite or not a number"
            return {"layer": network.names[own.layer], "what": what}
    largest = float(np.abs(theta).max(initial=0.0))
    for name, layer, params in zip(network.names, network.layers, network.parameters(theta), strict=True):
        x, _ = layer.forward(params, x, NOTHING)
        beyond = int((~np.isfinite(x)).any(axis=1).sum())
        if beyond:
            what = f"the outputs of {name} are beyond all numbers for {beyond} of {len(x)} examples"
            return {"layer": name, "what": f"{what}; the largest weight is {largest:.2g}"}
    return {
        "layer": "loss",
        "what": f"the loss or its gradient is beyond all numbers; the largest weight is {largest:.2g}",
    }
