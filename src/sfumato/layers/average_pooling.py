"""Average pooling: the mean of each window of an image."""

from dataclasses import dataclass

from sfumato.arrays import Array
from sfumato.kernels.ops import ops
from sfumato.layers.base import Forward, Needs, NoParameters, Rng
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

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        z, shape = ops().average_pool(x, self.size, self.step), x.shape
        return z, lambda dz, grads: ops().average_pool_gradient(dz, self.size, self.step, shape)
