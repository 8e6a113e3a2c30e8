"""The updates of first-order optimizers, in place.

NumPy goes pass by pass over parts that stay in the cache. PyTorch has names for several passes in one, each of which
is a kernel less to start, and on a processor a meeting of all threads less.
"""

from typing import Any

import numpy as np

from sfumato.arrays import Array


def average(v: Array, g: Array, beta: float) -> None:
    """Set v to beta v + (1 - beta) g; the gradient g is used up."""
    v *= beta
    g *= 1.0 - beta
    v += g


def average_square(s: Array, g: Array, beta: float, scratch: Array) -> None:
    """Set s to beta s + (1 - beta) g^2; the gradient g stays as it is."""
    s *= beta
    square = np.multiply(g, g, out=scratch)
    square *= 1.0 - beta
    s += square


def subtract(theta: Array, g: Array, rate: float) -> None:
    """Set theta to theta - rate g; the gradient g is used up."""
    g *= rate
    theta -= g


def descend(theta: Array, v: Array, root: Array, rate: float, scratch: Array) -> None:
    """Set theta to theta - rate v / root."""
    np.divide(v, root, out=scratch)
    scratch *= rate
    theta -= scratch


def torch_average(v: Any, g: Any, beta: float) -> None:
    """`average` of tensors; g stays as it is."""
    v.lerp_(g, 1.0 - beta)


def torch_average_square(s: Any, g: Any, beta: float, scratch: Any) -> None:
    """`average_square` of tensors, without scratch memory."""
    s *= beta
    s.addcmul_(g, g, value=1.0 - beta)


def torch_subtract(theta: Any, g: Any, rate: float) -> None:
    """`subtract` for tensors; g stays as it is."""
    theta.sub_(g, alpha=rate)


def torch_descend(theta: Any, v: Any, root: Any, rate: float, scratch: Any) -> None:
    """`descend` for tensors, without scratch memory."""
    theta.addcdiv_(v, root, value=-rate)
