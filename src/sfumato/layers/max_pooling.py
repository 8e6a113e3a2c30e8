"""Max pooling: the largest entry of each window of an image."""

from dataclasses import dataclass

from sfumato.arrays import Array, to_numpy
from sfumato.errors import InputError
from sfumato.kernels.ops import ops
from sfumato.kernels.pooling import max_pool
from sfumato.layers.base import Forward, Needs, NoParameters, Rng
from sfumato.layers.pooling import Pooling


@dataclass(frozen=True)
class MaxPooling(Pooling):
    """Z[n, u, v, c] = max_ij X[n, s u + i, s v + j, c], over windows of size x size, every s pixels.

    Shapes: X (n, height, width, channels), Z (n, rows, columns, channels), with rows = floor((height - size) / s) + 1
    and columns likewise: only windows that fit entirely count, and what no window reaches has no gradient.

    Derivation. Within a window only the winner (i, j) = argmax reaches Z, with slope 1:

        dX[n, y, x, c] = sum of dZ[n, u, v, c] over the windows (u, v) that (y, x) wins

    Of equal entries the first wins. Where the winner changes is a kink: differences that step over it measure something
    between the slopes on its sides.

    Args:
        size: Height and width of a window, 16 at most.
        stride: s above; by default the size, so that windows lie side by side.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size > 16:  # an entry's number in its window is kept in one byte
            raise InputError(f"the size of max pooling must be at most 16, not {self.size}")

    @property
    def analytic(self) -> bool:
        return False

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        z, winners = ops().max_pool(x, self.size, self.step, choose=needs.inputs)
        shape = x.shape
        return z, lambda dz, grads: ops().max_pool_gradient(dz, winners, self.size, self.step, shape)

    def kinks(self, params: NoParameters, x: Array) -> Array | None:
        winners: Array = max_pool(to_numpy(x), self.size, self.step)[1]
        return winners
