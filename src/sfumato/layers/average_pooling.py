"""Average pooling: of each window of an image, the mean."""

from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels.pooling import average_pool, average_pool_gradient
from sfumato.layers.base import Backward, Needs, NoParameters
from sfumato.layers.pooling import Pooling


@dataclass(frozen=True)
class AveragePooling(Pooling):
    """Z[n, u, v, c] = 1/size^2 sum_ij X[n, s u + i, s v + j, c], over windows of size x size, every s pixels.

    Shapes: X (n, height, width, channels), Z (n, rows, columns, channels), with rows = floor((height - size) / s) + 1
    and columns likewise: only windows that fit entirely count, and what no window reaches has no gradient.

    Derivation. Every entry of a window reaches Z with slope 1 / size^2:

        dX[n, y, x, c] = 1/size^2 * sum of dZ[n, u, v, c] over the windows (u, v) that hold (y, x)

    Args:
        size: Height and width of a window.
        stride: s above; by default the size, so that windows lie side by side.
    """

    def forward(
        self, params: NoParameters, x: Array, needs: Needs, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward[NoParameters]]:
        shape = x.shape

        def backward(dz: Array, grads: NoParameters) -> Array | None:
            return average_pool_gradient(dz, self.size, self.step, shape) if needs.inputs else None

        return average_pool(x, self.size, self.step), backward
