"""The base class of layers: an equation, and its backward pass.

A layer is a small immutable object. It holds its configuration, never its parameters or anything from the last call:
`forward` takes the parameters and returns, beside its result, the backward pass as a function that holds whatever it
needs. So a layer can run twice, in threads or on parts of the data, and nothing goes stale.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from sfumato._renamed import renamed_in
from sfumato.arrays import Array, Shape
from sfumato.errors import InputError
from sfumato.layers.initializers import Initializer

P = TypeVar("P", bound=tuple[Any, ...])


class Needs(NamedTuple):
    """Gradients needed from the backward pass; known in the forward pass, which keeps no more than they require."""

    weights: bool
    inputs: bool


NOTHING = Needs(weights=False, inputs=False)
EVERYTHING = Needs(weights=True, inputs=True)


@dataclass(frozen=True)
class ParameterSpec:
    """Specification of one parameter: its shape and initialiser.

    Attributes:
        shape: Its shape.
        init: The distribution of its first values.
        decays: Whether weight decay (L2) applies: to weights, not to biases.
        n_in: Number of inputs that one unit adds up.
        n_out: Number of units that each input feeds.
    """

    shape: Shape
    init: Initializer
    decays: bool
    n_in: int = 1
    n_out: int = 1

    def draw(self, rng: np.random.Generator) -> Array:
        """Draw the first values, in float64."""
        return self.init.draw(rng, self.shape, self.n_in, self.n_out)


class Built(NamedTuple):
    """Shapes of a layer's outputs and parameters, for inputs of a known shape (of one example, without the batch axis).

    `parameters` is the layer's own named tuple, with a `ParameterSpec` where an array will be (or, for a layer made of
    layers, their named tuples).
    """

    output_shape: Shape
    parameters: tuple[Any, ...]


class NoParameters(NamedTuple):
    """Parameters of a layer without any: the empty tuple."""


class ReceptiveField(NamedTuple):
    """Pixels of the image under an output pixel: along each axis, output u sees `size` of them from stride u - padding.

    Where that is beyond the edge of the image, there are zeros. One that says too much, such as the larger of height
    and width, costs time but nothing else.
    """

    size: int = 1
    stride: int = 1
    padding: int = 0

    def then(self, above: "ReceptiveField") -> "ReceptiveField":
        """Compose the fields of two layers: the pixels of `above` are this one's outputs, `stride` pixels apart.

        >>> convolution, pooling = ReceptiveField(3, padding=1), ReceptiveField(2, stride=2)
        >>> convolution.then(pooling).then(convolution)
        ReceptiveField(size=8, stride=2, padding=3)
        """
        return ReceptiveField(
            self.size + (above.size - 1) * self.stride,
            self.stride * above.stride,
            self.padding + above.padding * self.stride,
        )


Rng = np.random.Generator | None
"""Source of randomness for one step of training; None outside training."""

Backward = Callable[[Array, P], Array | None]
"""A backward pass: from the gradient with respect to the outputs to that with respect to the inputs, assigning those of
the parameters."""

Forward = tuple[Array, Backward[P]]
"""Outputs of a forward pass, and the backward pass."""


class Layer(ABC, Generic[P]):
    """A differentiable function of an input and of parameters `P`, a named tuple of arrays."""

    @property
    def analytic(self) -> bool:
        """Whether the equation also holds for complex numbers, which the complex-step check needs."""
        return True

    @property
    def stochastic(self) -> bool:
        """Whether the layer draws random numbers in training."""
        return False

    @property
    def parallel(self) -> bool:
        """Whether the layer runs on the kernels' own threads, see `engine.computing`."""
        return False

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """Receptive field of an output pixel; None where outputs are no pixels, or see the whole image."""
        return None

    @abstractmethod
    def build(self, shape: Shape) -> Built:
        """Shape the layer for inputs of `shape`; raises `InputError` where the shape does not fit."""

    def prepare(self, params: P) -> Any:
        """Precompute transformed weights, for layers that are frozen: parameters that `forward` takes as well."""
        return params

    @abstractmethod
    def forward(self, params: P, x: Array, needs: Needs, rng: Rng = None) -> Forward[P]:
        """Apply the layer.

        Args:
            params: The parameters, with the shapes of `build`.
            x: Inputs, one example a row: (n, *shape).
            needs: The gradients that the backward pass shall compute.
            rng: Source of randomness for this step in training; None outside training.

        Returns:
            The outputs, (n, *output_shape), and `backward(dz, grads)`. That takes the gradient with respect to the
            outputs, assigns the gradients of the parameters to `grads` where `needs.weights`, and returns the gradient
            with respect to `x` where `needs.inputs`, else None. It is called at most once, may overwrite `dz`, and is
            not called where it would have nothing to compute: without needs, and for a layer without parameters unless
            `needs.inputs`.
        """

    def kinks(self, params: P, x: Array) -> Array | None:
        """Side of each of the layer's kinks on which inputs x lie, or None where the layer is smooth.

        Booleans, or numbers where there are more than two sides: equal arrays say that no kink lies between.
        """
        return None


class Activation(Layer[NoParameters]):
    """A layer without parameters and with outputs of the shape of its inputs, each pixel computed from its own."""

    @property
    def receptive_field(self) -> ReceptiveField | None:
        return ReceptiveField()

    def build(self, shape: Shape) -> Built:
        return Built(shape, NoParameters())


def image_shape(shape: Shape, layer: str) -> tuple[int, int, int]:
    """Unpack height, width and channels of one example; an `InputError` if it is no image."""
    if len(shape) != 3:
        raise InputError(f"{layer} takes images, (height, width, channels), not examples of shape {shape}")
    height, width, channels = shape
    return height, width, channels


__getattr__ = renamed_in(__name__)
