"""The operations of layers, losses and optimizers, and the choice between their implementations.

Each operation has a file of its own, with one implementation for each backend under the same signature; the NumPy
implementation describes the operation. `engine.computing` puts a backend's operations in force, and `ops()` returns
them. The type of an array does not choose: a compiled backend takes the same arrays as NumPy's.
"""

from contextvars import ContextVar
from typing import Any, Protocol

from sfumato.arrays import Array, Shape
from sfumato.kernels import convolution, gram, neighbours, pooling, products, relu, rows, softmax, spectra, updates
from sfumato.kernels.compiled import convolution as compiled_convolution
from sfumato.kernels.compiled import pooling as compiled_pooling
from sfumato.kernels.convolution import Prepared
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.softmax import CrossEntropy


class Ops(Protocol):
    """All operations, as every backend implements them."""

    # kernels/convolution.py

    def convolve(
        self,
        x: Array,
        W: Array,
        b: Array,
        geometry: Geometry,
        *,
        relu: bool = False,
        prepared: Prepared = None,
        direct: bool = False,
    ) -> Array:
        """Convolve images."""

    def convolve_and_rectify(
        self, x: Array, W: Array, b: Array, geometry: Geometry, *, prepared: Prepared = None, direct: bool = False
    ) -> tuple[Array, Any]:
        """Convolve images, with ReLU and the mask for its backward pass."""

    def prepare(self, W: Array, geometry: Geometry) -> Prepared:
        """Precompute transformed filters, for convolutions whose filters are frozen."""

    def input_gradient(
        self,
        dz: Array,
        W: Array,
        geometry: Geometry,
        input_shape: Shape,
        *,
        where: Any = None,
        prepared: Prepared = None,
    ) -> Array:
        """Backward pass of a convolution to its inputs."""

    def filter_gradients(self, x: Array, dz: Array, geometry: Geometry, *, where: Any = None) -> tuple[Array, Array]:
        """Backward pass of a convolution to its filters and biases."""

    # kernels/neighbours.py

    def nearest_rows(self, Q: Array, S: Array) -> tuple[Array, Array]:
        """Nearest row of S to each row of Q, and their product, NumPy's."""

    # kernels/pooling.py

    def max_pool(self, x: Array, size: int, stride: int, *, choose: bool = True) -> tuple[Array, Any]:
        """Max pooling, and the winners for its backward pass."""

    def max_pool_gradient(self, dz: Array, winners: Any, size: int, stride: int, input_shape: Shape) -> Array:
        """Backward pass of max pooling."""

    def average_pool(self, x: Array, size: int, stride: int) -> Array:
        """Average pooling."""

    def average_pool_gradient(self, dz: Array, size: int, stride: int, input_shape: Shape) -> Array:
        """Backward pass of average pooling."""

    # kernels/products.py

    def affine(self, x: Array, W: Array, b: Array) -> Array:
        """Product of matrices plus a row."""

    def affine_and_rectify(self, x: Array, W: Array, b: Array, *, positive: bool) -> tuple[Array, Any]:
        """Product of matrices plus a row, with ReLU and the mask for its backward pass."""

    def product(self, A: Array, B: Array, out: Array) -> None:
        """Product of matrices, written to `out`."""

    def column_sums(self, A: Array, out: Array) -> None:
        """Sum of each column, written to `out`."""

    def stacked_products(self, rows: Array, x: Array) -> Array:
        """Product of each row with a vector, NumPy's, in float64."""

    def add_combination(self, coefficients: Array, rows: Array, out: Array) -> None:
        """Combination of rows, added to `out`."""

    # kernels/relu.py

    def rectify(self, x: Array, *, positive: bool) -> tuple[Array, Any]:
        """ReLU, and the mask for its backward pass."""

    def masked(self, da: Array, mask: Any, *, sums: Array | None = None) -> Array:
        """Backward pass of ReLU, in the memory of da, and sums of its columns."""

    # kernels/rows.py

    def gather_and_scale(self, x: Array, rows: Array, offset: Array, factor: Array, out: Array) -> None:
        """Rows of bytes, scaled."""

    # kernels/softmax.py

    def softmax_cross_entropy(self, z: Array, y: Array, weight: Array | None = None) -> CrossEntropy:
        """Cross-entropy of the rows' softmax, the number of right rows, and the backward pass."""

    # kernels/gram.py

    def total_and_gram_matrix(
        self, features: Array, weights: Array | None = None, *, totals: bool = True
    ) -> tuple[Array, Array]:
        """Sums of features and of their products over all positions, NumPy's, in float64."""

    def add_product(self, features: Array, D: Array, d: Array, into: Array, weights: Array | None = None) -> None:
        """Backward pass of those sums, added to `into`."""

    def sum_of_squares(self, x: Array) -> float:
        """Sum of the squares of all entries."""

    # kernels/spectra.py

    def frame_spectra(self, x: Array, size: int, hop: int) -> Array:
        """Fourier transform of each frame of a sound."""

    def overlap_add(self, X: Array, size: int, hop: int) -> Array:
        """Inverse transform of each frame, added up where they lie."""

    # kernels/updates.py

    def descend(self, theta: Array, g: Array, rate: float) -> None:
        """Step of gradient descent, in place."""

    def momentum(self, theta: Array, g: Array, v: Array, beta: float, share: float, rate: float) -> None:
        """Step of momentum, in place."""

    def nesterov(self, theta: Array, g: Array, v: Array, beta: float, rate: float) -> None:
        """Step of Nesterov's momentum, in place."""

    def rmsprop(
        self, theta: Array, g: Array, s: Array, beta: float, epsilon: float, rate: float, *, inside: bool
    ) -> None:
        """Step of RMSProp, in place."""

    def adam(
        self,
        theta: Array,
        g: Array,
        v: Array,
        s: Array,
        beta1: float,
        beta2: float,
        epsilon: float,
        rate: float,
        *,
        inside: bool,
    ) -> None:
        """Step of Adam, in place."""

    def decay(self, theta: Array, decays: Array, rate: float) -> None:
        """Weight decay, in place."""


class NumpyOps:
    """The operations on NumPy's arrays."""

    convolve = staticmethod(convolution.convolve)
    convolve_and_rectify = staticmethod(convolution.convolve_and_rectify)
    prepare = staticmethod(convolution.prepare)
    input_gradient = staticmethod(convolution.input_gradient)
    filter_gradients = staticmethod(convolution.filter_gradients)
    nearest_rows = staticmethod(neighbours.nearest_rows)
    max_pool = staticmethod(pooling.max_pool)
    max_pool_gradient = staticmethod(pooling.max_pool_gradient)
    average_pool = staticmethod(pooling.average_pool)
    average_pool_gradient = staticmethod(pooling.average_pool_gradient)
    affine = staticmethod(products.affine)
    affine_and_rectify = staticmethod(products.affine_and_rectify)
    product = staticmethod(products.product)
    column_sums = staticmethod(products.column_sums)
    stacked_products = staticmethod(products.stacked_products)
    add_combination = staticmethod(products.add_combination)
    rectify = staticmethod(relu.rectify)
    masked = staticmethod(relu.masked)
    gather_and_scale = staticmethod(rows.gather_and_scale)
    softmax_cross_entropy = staticmethod(softmax.softmax_cross_entropy)
    total_and_gram_matrix = staticmethod(gram.total_and_gram_matrix)
    add_product = staticmethod(gram.add_product)
    sum_of_squares = staticmethod(gram.sum_of_squares)
    frame_spectra = staticmethod(spectra.frame_spectra)
    overlap_add = staticmethod(spectra.overlap_add)
    descend = staticmethod(updates.descend)
    momentum = staticmethod(updates.momentum)
    nesterov = staticmethod(updates.nesterov)
    rmsprop = staticmethod(updates.rmsprop)
    adam = staticmethod(updates.adam)
    decay = staticmethod(updates.decay)


class NumbaOps(NumpyOps):
    """The operations on NumPy's arrays, by compiled loops where those are faster than NumPy's."""

    affine = staticmethod(products.numba_affine)
    affine_and_rectify = staticmethod(products.numba_affine_and_rectify)
    column_sums = staticmethod(products.numba_column_sums)
    rectify = staticmethod(relu.numba_rectify)
    masked = staticmethod(relu.numba_masked)
    gather_and_scale = staticmethod(rows.numba_gather_and_scale)
    softmax_cross_entropy = staticmethod(softmax.numba_softmax_cross_entropy)
    descend = staticmethod(updates.numba_descend)
    momentum = staticmethod(updates.numba_momentum)
    nesterov = staticmethod(updates.numba_nesterov)
    rmsprop = staticmethod(updates.numba_rmsprop)
    adam = staticmethod(updates.numba_adam)
    decay = staticmethod(updates.numba_decay)
    convolve = staticmethod(compiled_convolution.convolve)
    convolve_and_rectify = staticmethod(compiled_convolution.convolve_and_rectify)
    input_gradient = staticmethod(compiled_convolution.input_gradient)
    max_pool = staticmethod(compiled_pooling.max_pool)
    max_pool_gradient = staticmethod(compiled_pooling.max_pool_gradient)
    average_pool = staticmethod(compiled_pooling.average_pool)
    average_pool_gradient = staticmethod(compiled_pooling.average_pool_gradient)
    filter_gradients = staticmethod(compiled_convolution.filter_gradients)


class TorchOps:
    """The operations on PyTorch's tensors."""

    convolve = staticmethod(convolution.torch_convolve)
    convolve_and_rectify = staticmethod(convolution.torch_convolve_and_rectify)
    prepare = staticmethod(convolution.torch_prepare)
    input_gradient = staticmethod(convolution.torch_input_gradient)
    filter_gradients = staticmethod(convolution.torch_filter_gradients)
    nearest_rows = staticmethod(neighbours.torch_nearest_rows)
    max_pool = staticmethod(pooling.torch_max_pool)
    max_pool_gradient = staticmethod(pooling.torch_max_pool_gradient)
    average_pool = staticmethod(pooling.torch_average_pool)
    average_pool_gradient = staticmethod(pooling.torch_average_pool_gradient)
    affine = staticmethod(products.torch_affine)
    affine_and_rectify = staticmethod(products.torch_affine_and_rectify)
    product = staticmethod(products.torch_product)
    column_sums = staticmethod(products.torch_column_sums)
    stacked_products = staticmethod(products.torch_stacked_products)
    add_combination = staticmethod(products.torch_add_combination)
    rectify = staticmethod(relu.torch_rectify)
    masked = staticmethod(relu.torch_masked)
    gather_and_scale = staticmethod(rows.torch_gather_and_scale)
    softmax_cross_entropy = staticmethod(softmax.torch_softmax_cross_entropy)
    total_and_gram_matrix = staticmethod(gram.torch_total_and_gram_matrix)
    add_product = staticmethod(gram.torch_add_product)
    sum_of_squares = staticmethod(gram.torch_sum_of_squares)
    frame_spectra = staticmethod(spectra.torch_frame_spectra)
    overlap_add = staticmethod(spectra.torch_overlap_add)
    descend = staticmethod(updates.torch_descend)
    momentum = staticmethod(updates.torch_momentum)
    nesterov = staticmethod(updates.torch_nesterov)
    rmsprop = staticmethod(updates.torch_rmsprop)
    adam = staticmethod(updates.torch_adam)
    decay = staticmethod(updates.torch_decay)


OPS: dict[str, Ops] = {"numpy": NumpyOps(), "numba": NumbaOps(), "torch": TorchOps()}
"""The operations of each backend."""

IN_FORCE: ContextVar[Ops] = ContextVar("ops", default=OPS["numpy"])
"""The operations in force: NumPy's, but inside of `engine.computing`. Threads of the pool copy it."""


def ops() -> Ops:
    """Return the operations in force."""
    return IN_FORCE.get()
