"""VGG16 and VGG19 as networks, whose features describe a picture's content and style.

Source: Karen Simonyan and Andrew Zisserman, "Very deep convolutional networks for large-scale image recognition"
(2014). Blocks of 3 x 3 convolutions, each followed by ReLU, and pooling that halves the image after every block. The
classifier on top is left out: without it the network takes images of any size.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.checks import one_of
from sfumato.errors import InputError
from sfumato.layers import AveragePooling, Convolution, Layer, MaxPooling
from sfumato.layers.initializers import Zeros
from sfumato.network import Network
from sfumato.style.vgg.architecture import VggLayer, layer_name, layer_names, vgg_layers
from sfumato.style.vgg.download import Progress
from sfumato.style.vgg.preprocessing import Preprocessing
from sfumato.style.vgg.weights import read_weights

__all__ = ["POOLINGS", "Vgg", "layer_name", "layer_names", "load_vgg"]

POOLINGS = {"max": MaxPooling, "average": AveragePooling}
"""Poolings by name: "max", as trained, and "average", which Gatys, Ecker and Bethge (2015) found to paint smoother."""


@dataclass(frozen=True)
class Vgg:
    """VGG up to some layer, with its weights.

    Attributes:
        architecture: "vgg16" or "vgg19".
        last: Name of the last layer.
        pooling: "max" or "average".
        preprocessing: What the weights were trained on.
        theta: The parameters, flat, float32; the same for every size of the image.
    """

    architecture: str
    last: str
    pooling: str
    preprocessing: Preprocessing
    theta: Array = field(repr=False, compare=False)

    def network(self, height: int, width: int) -> Network:
        """Network for RGB images (height, width, 3) with values from 0 to 1.

        Its layers are called "preprocessing", "block1_conv1", "block1_conv2", "block1_pool" and so on; a convolution's
        outputs are those after its ReLU.

        Raises:
            InputError: if the image is so small that pooling leaves nothing of it for the last layer.
        """
        layers = vgg_layers(self.architecture, self.last)
        least = _least_size(layers)
        if min(height, width) < least:
            raise InputError(
                f"an image of {height} x {width} pixels (height x width) is too small for {self.last}: "
                f"it needs {least} x {least} at least"
            )
        return _network(tuple(layers), self.pooling, self.preprocessing, height, width)


@functools.lru_cache(maxsize=64)  # a plan for the memory asks for the same sizes again and again
def _network(
    layers: tuple[VggLayer, ...], pooling: str, preprocessing: Preprocessing, height: int, width: int
) -> Network:
    names = ["preprocessing", *(layer.name for layer in layers)]
    return Network([preprocessing, *_build(layers, pooling)], (height, width, 3), names)


def load_vgg(
    architecture: str = "vgg19",
    *,
    weights: str = "builtin",
    last: str = "block5_pool",
    pooling: str = "max",
    progress: Progress | None = None,
) -> Vgg:
    """Load VGG with the weights of the layers that are needed.

    Args:
        architecture: "vgg19" or "vgg16".
        weights: "builtin" (VGG19, 8 bits a weight, no download), "keras" (the original's float32, fetched once) or the
            path of a file, see `read_weights`.
        last: The last layer that is needed, by Keras's name or the literature's.
        pooling: "max", as trained, or "average".
        progress: Called during a download with the bytes that have come and their total.

    Raises:
        InputError: for a network, layer or pooling that there is not.
        FileError: if the weights cannot be fetched or read, or are not this network's.
    """
    layers = vgg_layers(architecture, last)
    one_of("pooling", pooling, POOLINGS)
    least = _least_size(layers)
    network = Network(_build(layers, pooling), (least, least, 3), [layer.name for layer in layers])
    theta = np.empty(network.size, np.float32)
    parameters = network.parameters(theta)
    convolutions = {layer.name: getattr(parameters, layer.name) for layer in layers if layer.filters}
    preprocessing = read_weights(weights, architecture, convolutions, progress)
    return Vgg(architecture, layers[-1].name, pooling, preprocessing, theta)


def _build(layers: Sequence[VggLayer], pooling: str) -> list[Layer[Any]]:
    return [
        Convolution(layer.filters, relu=True, init=Zeros()) if layer.filters else POOLINGS[pooling](2)
        for layer in layers
    ]


def _least_size(layers: Sequence[VggLayer]) -> int:
    """Smallest edge, in pixels, of an image that all poolings can halve."""
    halvings = sum(layer.filters == 0 for layer in layers)
    return int(2**halvings)
