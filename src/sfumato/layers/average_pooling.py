"""Average pooling: of each window of an image, the mean."""

from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.errors import InputError
from sfumato.kernels.pooling import average_pool, average_pool_gradient, pooled_shape
from sfumato.layers.base import Backward, Built, Layer, NoParameters, Want, image_shape


@dataclass(frozen=True)
class AveragePooling(Layer[NoParameters]):
    """Z[n, u, v, c] = 1/size^2 sum_ij X[n, s u + i, s v + j, c], over windows of size x size, every s pixels.

    Shapes: X (n, height, width, channels), Z (n, rows, columns, channels), with rows = floor((height - size) / s) + 1
    and columns likewise: only windows that fit entirely count, and what no window reaches has no gradient.

    Derivation. Every entry of a window reaches Z with slope 1 / size^2:

        dX[n, y, x, c] = 1/size^2 * sum of dZ[n, u, v, c] over the windows (u, v) that hold (y, x)

    Args:
        size: Height and width of a window.
        stride: s above; by default the size, so that windows lie side by side.
    """

    size: int = 2
    stride: int | None = None

    def __post_init__(self) -> None:
        check_pooling(self.size, self.stride)

    @property
    def parallel(self) -> bool:
        return True

    def build(self, shape: Shape) -> Built:
        return Built(pooled_image(shape, self.size, self.stride or self.size), NoParameters())

    def forward(
        self, params: NoParameters, x: Array, want: Want, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward[NoParameters]]:
        stride, shape = self.stride or self.size, x.shape

        def backward(dz: Array, grads: NoParameters) -> Array | None:
            return average_pool_gradient(dz, self.size, stride, shape) if want.inputs else None

        return average_pool(x, self.size, stride), backward


def check_pooling(size: int, stride: int | None) -> None:
    """Raise `InputError` for windows that there cannot be."""
    for name, value in (("size", size), ("stride", stride)):
        if value is not None and (value != int(value) or value < 1):
            raise InputError(f"the {name} of pooling must be a whole number from 1, not {value}")


def pooled_image(shape: Shape, size: int, stride: int) -> Shape:
    """Shape of one pooled image of `shape`; an `InputError` if that is no image, or too small for one window."""
    height, width, _ = image_shape(shape, "pooling")
    if min(height, width) < size:
        raise InputError(f"an image of {height} x {width} is too small for a window of {size} x {size}")
    return pooled_shape((1, *shape), size, stride)[1:]
