"""Preprocessing of images, from our format to that of the training of a network's weights."""

from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array, Shape, cast, like, namespace
from sfumato.errors import InputError
from sfumato.layers.base import Activation, Backward, Built, Needs, NoParameters

Three = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocessing(Activation):
    """Z_c = gain_c X_r(c) - offset_c: RGB images with values 0 to 1 in the channels, scale and offset of the training.

    Shapes: X and Z (n, height, width, 3). r(c) = 2 - c where `bgr`, so that blue comes first, else r(c) = c.

    Derivation. Each Z_c depends on the one X_r(c), with slope gain_c, and r is its own inverse:

        dX_c = gain_r(c) dZ_r(c)

    Args:
        gain: Factor of each channel of Z.
        offset: What is subtracted from each channel of Z.
        bgr: Whether the channels of Z are blue, green, red.
    """

    gain: Three
    offset: Three
    bgr: bool

    def build(self, shape: Shape) -> Built:
        if len(shape) != 3 or shape[2] != 3:
            raise InputError(f"VGG takes images of height x width x 3, not examples of shape {shape}")
        return Built(shape, NoParameters())

    def forward(
        self, params: NoParameters, x: Array, needs: Needs, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward[NoParameters]]:
        gain, offset = (cast(like(np.array(three), x), x.dtype) for three in (self.gain, self.offset))
        z = self._reorder(x) * gain
        z -= offset

        def backward(dz: Array, grads: NoParameters) -> Array | None:
            return self._reorder(dz) * self._reorder(gain) if needs.inputs else None

        return z, backward

    def _reorder(self, x: Array) -> Array:
        return namespace(x).flip(x, axis=-1) if self.bgr else x


CAFFE = Preprocessing(gain=(255.0, 255.0, 255.0), offset=(103.939, 116.779, 123.68), bgr=True)
"""Preprocessing of the original weights (Simonyan and Zisserman 2014, trained in Caffe; Keras's are the same): blue,
green, red from 0 to 255, less the mean of ImageNet's training images."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

TORCHVISION = Preprocessing(
    gain=(1 / _DEVIATION[0], 1 / _DEVIATION[1], 1 / _DEVIATION[2]),
    offset=(_MEAN[0] / _DEVIATION[0], _MEAN[1] / _DEVIATION[1], _MEAN[2] / _DEVIATION[2]),
    bgr=False,
)
"""Preprocessing of torchvision's weights: (X - mean) / deviation of ImageNet's channels, red first."""
