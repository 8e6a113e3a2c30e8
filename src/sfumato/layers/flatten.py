"""Flatten: the pixels of an image as one vector."""

import math
from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.layers.base import Backward, Built, Layer, Needs, NoParameters


@dataclass(frozen=True)
class Flatten(Layer[NoParameters]):
    """(n, height, width, channels) to (n, height * width * channels), in the order of memory.

    Derivation. Every output is one input, so the gradient only takes the input's shape again.
    """

    def build(self, shape: Shape) -> Built:
        return Built((math.prod(shape),), NoParameters())

    def forward(
        self, params: NoParameters, x: Array, needs: Needs, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward[NoParameters]]:
        shape = x.shape

        def backward(da: Array, grads: NoParameters) -> Array | None:
            return da.reshape(shape) if needs.inputs else None

        return x.reshape(shape[0], math.prod(shape[1:])), backward
