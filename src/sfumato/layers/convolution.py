"""The convolution: the same small filters at every place of an image."""

from dataclasses import dataclass, field
from typing import NamedTuple

from sfumato.arrays import Array, Shape
from sfumato.checks import whole
from sfumato.errors import InputError
from sfumato.kernels.convolution import Prepared
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.ops import ops
from sfumato.layers.base import Built, Forward, Layer, Needs, ParameterSpec, ReceptiveField, Rng, image_shape
from sfumato.layers.dense import Affine
from sfumato.layers.initializers import He, Initializer, Zeros, as_initializer


class PreparedFilters(NamedTuple):
    """Parameters of a convolution with frozen filters, and these filters transformed by `prepare`."""

    W: Array
    b: Array
    prepared: Prepared


@dataclass(frozen=True)
class Convolution(Layer[Affine[Array]]):
    """Convolution of images: sums of windows of the image, weighted by filters that all output pixels share.

        Z[n, u, v, o] = b[o] + sum_ijc X[n, s u + i - p, s v + j - p, c] W[o, i, j, c]

    with stride s and padding p: X is zero beyond its edges. (As everywhere in deep learning this is a correlation; a
    convolution in the mathematical sense has its filters turned by 180 degrees.)

    Shapes: X (n, height, width, channels), W (filters, h, w, channels) for kernels of h x w, b (filters,), Z (n, rows,
    columns, filters), with rows = floor((height + 2p - h) / s) + 1 and columns likewise.

    Derivation. With dZ = dL/dZ given, the chain rule sums over every Z that a quantity reaches. A weight is used once
    at every place, so its gradient adds up over places as well as over examples, and so does a bias's:

        dW[o, i, j, c] = sum_nuv dZ[n, u, v, o] X[n, s u + i - p, s v + j - p, c]
        db[o]          = sum_nuv dZ[n, u, v, o]

    Pixel (y, x) reaches Z[n, u, v, o] through W[o, y + p - s u, x + p - s v, c], wherever there is such an entry:

        dX[n, y, x, c] = sum_uvo dZ[n, u, v, o] W[o, y + p - s u, x + p - s v, c]

    which is a convolution of dZ with the filters turned by 180 degrees (`kernels/convolution.py` says how). With
    `relu`, the outputs are max(Z, 0), and dZ is zero wherever they are.

    Args:
        filters: Number of filters, the channels of the output.
        kernel: Height and width of a filter, or one number for both.
        stride: Pixels from one window to the next.
        padding: Rings of zeros around the image. Kernel 3 with padding 1 keeps the image's size.
        relu: Whether ReLU follows at once, which saves a pass over the outputs.
        init: The distribution of first weights. Biases start at zero.
    """

    filters: int
    kernel: int | tuple[int, int] = 3
    stride: int = 1
    padding: int = 1
    relu: bool = False
    init: Initializer | str = field(default_factory=He)

    def __post_init__(self) -> None:
        least = {"filters": 1, "stride": 1, "padding": 0}
        for name, smallest in least.items():
            whole(f"{name} of a convolution", getattr(self, name), smallest)
        if isinstance(self.kernel, list):  # as a model file has it
            object.__setattr__(self, "kernel", tuple(self.kernel))
        if isinstance(self.kernel, tuple) and len(self.kernel) != 2:
            raise InputError(f"the kernel of a convolution is a number, or height and width, not {self.kernel}")
        for edge in self.window:
            whole("kernel of a convolution", edge, 1)
        object.__setattr__(self, "init", as_initializer(self.init))

    @property
    def window(self) -> tuple[int, int]:
        """Height and width of a filter."""
        return self.kernel if isinstance(self.kernel, tuple) else (self.kernel, self.kernel)

    @property
    def geometry(self) -> Geometry:
        """Size and places of the windows."""
        return Geometry(self.window, self.stride, self.padding)

    @property
    def analytic(self) -> bool:
        return not self.relu

    @property
    def parallel(self) -> bool:
        return True

    @property
    def receptive_field(self) -> ReceptiveField:
        return ReceptiveField(max(self.window), self.stride, self.padding)

    def build(self, shape: Shape) -> Built:
        height, width, channels = image_shape(shape, "a convolution")
        rows, columns = self.geometry.positions((height, width))
        h, w = self.window
        if min(rows, columns) < 1:
            padded = f" with {self.padding} of padding around it" if self.padding else ""
            raise InputError(f"an image of {height} x {width}{padded} is too small for a window of {h} x {w}")
        n_in, n_out = h * w * channels, h * w * self.filters
        W = ParameterSpec(
            (self.filters, h, w, channels), as_initializer(self.init), decays=True, n_in=n_in, n_out=n_out
        )
        return Built((rows, columns, self.filters), Affine(W, ParameterSpec((self.filters,), Zeros(), decays=False)))

    def prepare(self, params: Affine[Array]) -> PreparedFilters:
        return PreparedFilters(*params, ops().prepare(params.W, self.geometry))

    def forward(
        self, params: Affine[Array] | PreparedFilters, x: Array, needs: Needs, rng: Rng = None
    ) -> Forward[Affine[Array]]:
        W, b, geometry = params.W, params.b, self.geometry
        prepared = params.prepared if isinstance(params, PreparedFilters) else None
        # In training, biases start at zero and images have blank parts, so that outputs are zero: at a kink. Rounded to
        # 1e-8 instead, half of them would let gradients through. `direct` keeps windows of zeros exact.
        direct, mask = needs.weights, None
        if self.relu and any(needs):
            z, mask = ops().convolve_and_rectify(x, W, b, geometry, prepared=prepared, direct=direct)
        else:
            z = ops().convolve(x, W, b, geometry, relu=self.relu, prepared=prepared, direct=direct)
        kept, shape = x if needs.weights else None, x.shape

        def backward(dz: Array, grads: Affine[Array]) -> Array | None:
            if kept is not None:
                grads.W[...], grads.b[...] = ops().filter_gradients(kept, dz, geometry, where=mask)
            if not needs.inputs:
                return None
            return ops().input_gradient(dz, W, geometry, shape, where=mask, prepared=prepared)

        return z, backward

    def kinks(self, params: Affine[Array], x: Array) -> Array | None:
        return ops().convolve(x, *params, self.geometry) > 0 if self.relu else None
