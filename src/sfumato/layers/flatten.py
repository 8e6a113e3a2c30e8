"""Flatten: the pixels of an image as one vector."""

import math
from dataclasses import dataclass

from sfumato.arrays import Array, Shape
from sfumato.layers.base import Built, Forward, Layer, Needs, NoParameters, Rng


@dataclass(frozen=True)
class Flatten(Layer[NoParameters]):
    """Images (n, height, width, channels) as vectors (n, height * width * channels), in the order of memory.

    Derivation. Every output is one input, so the gradient only takes the input's shape again.
    """

    def build(self, shape: Shape) -> Built:
        return Built((math.prod(shape),), NoParameters())

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        shape = x.shape
        return x.reshape(shape[0], math.prod(shape[1:])), lambda da, grads: da.reshape(shape)
