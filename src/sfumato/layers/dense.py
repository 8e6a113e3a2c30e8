"""The dense layer: an affine map, whose outputs each depend on all inputs."""

from __future__ import annotations  # those of backward passes would be evaluated at each step

import math
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from sfumato.arrays import Array, Shape
from sfumato.checks import whole
from sfumato.errors import InputError
from sfumato.kernels.ops import ops
from sfumato.layers.base import Built, Forward, Layer, Needs, ParameterSpec, Rng
from sfumato.layers.initializers import He, Initializer, Zeros, as_initializer

T = TypeVar("T")


class Affine(NamedTuple, Generic[T]):
    """Weights W, (n_in, units), and biases b, (units,)."""

    W: T
    b: T


@dataclass(frozen=True)
class Dense(Layer[Affine[Array]]):
    """Affine map Z = XW + b.

    Shapes: X (n, n_in), W (n_in, units), b (units,), Z (n, units). The reference writes examples as columns and
    Z = WX + b; with examples as rows everything is transposed, and a mini-batch is a contiguous piece of memory.

    Derivation. In components Z_ij = sum_k X_ik W_kj + b_j. With dZ = dL/dZ given, the chain rule sums over every Z_ij
    that a quantity reaches:

        dL/dW_kj = sum_i X_ik dZ_ij      =>  dW = X^T dZ
        dL/db_j  = sum_i dZ_ij           =>  db = column sums of dZ
        dL/dX_ik = sum_j dZ_ij W_kj      =>  dX = dZ W^T

    No 1/n appears: the loss divides by the number of examples once, so dZ carries it already. (Dividing dW but not db
    is the bug that the reference finds in its Part 8.)

    >>> Dense(3).build((4,)).parameters.W.shape
    (4, 3)

    Args:
        units: Number of outputs.
        init: The distribution of first weights, an initialiser or its name; He by default, as ReLU follows by default.
            Biases start at zero.
    """

    units: int
    init: Initializer | str = field(default_factory=He)

    def __post_init__(self) -> None:
        whole("units of a dense layer", self.units, 1)
        object.__setattr__(self, "init", as_initializer(self.init))

    def build(self, shape: Shape) -> Built:
        if len(shape) != 1:
            raise InputError(f"a dense layer takes vectors, not examples of shape {shape}: put Flatten() before it")
        n_in = math.prod(shape)
        W = ParameterSpec((n_in, self.units), as_initializer(self.init), decays=True, n_in=n_in, n_out=self.units)
        b = ParameterSpec((self.units,), Zeros(), decays=False)
        return Built((self.units,), Affine(W, b))

    def forward(self, params: Affine[Array], x: Array, needs: Needs, rng: Rng = None) -> Forward[Affine[Array]]:
        W, b = params
        z = ops().affine(x, W, b)
        kept = x if needs.weights else None

        def backward(dz: Array, grads: Affine[Array]) -> Array | None:
            if kept is not None:
                ops().product(kept.T, dz, out=grads.W)  # dW = X^T dZ
                ops().column_sums(dz, out=grads.b)  # db = column sums of dZ
            return dz @ W.T if needs.inputs else None  # dX = dZ W^T

        return z, backward


class RectifiedDense(Dense):
    """A dense layer with ReLU after it, A = max(XW + b, 0): what networks run for the two, in fewer passes.

    The derivations are those of `Dense` and of `ReLU`: dZ = dA where Z > 0, which is where A > 0, else 0.
    """

    def forward(self, params: Affine[Array], x: Array, needs: Needs, rng: Rng = None) -> Forward[Affine[Array]]:
        W, b = params
        a, mask = ops().affine_and_rectify(x, W, b, positive=any(needs))
        kept = x if needs.weights else None

        def backward(da: Array, grads: Affine[Array]) -> Array | None:
            dz = ops().masked(da, mask, sums=grads.b if needs.weights else None)  # and db = column sums of dZ
            if kept is not None:
                ops().product(kept.T, dz, out=grads.W)  # dW = X^T dZ
            return dz @ W.T if needs.inputs else None  # dX = dZ W^T

        return a, backward
