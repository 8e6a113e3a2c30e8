"""What first-order optimizers do to their vectors, in place.

NumPy goes pass by pass over parts that stay in the cache. PyTorch has names for several passes in one, each of which
is a kernel less to start, and on a processor a meeting of all threads less.
"""

import numpy as np

from sfumato.arrays import Array


def average(v: Array, g: Array, beta: float) -> None:
    """v = beta v + (1 - beta) g; the gradient is used up."""
    if not isinstance(v, np.ndarray):
        v.lerp_(g, 1.0 - beta)
        return
    v *= beta
    g *= 1.0 - beta
    v += g


def average_square(s: Array, g: Array, beta: float, scratch: Array) -> None:
    """s = beta s + (1 - beta) g^2; the gradient stays as it is."""
    s *= beta
    if not isinstance(s, np.ndarray):
        s.addcmul_(g, g, value=1.0 - beta)
        return
    square = np.multiply(g, g, out=scratch)
    square *= 1.0 - beta
    s += square


def subtract(theta: Array, g: Array, rate: float) -> None:
    """theta = theta - rate g; the gradient is used up."""
    if not isinstance(theta, np.ndarray):
        theta.sub_(g, alpha=rate)
        return
    g *= rate
    theta -= g


def descend(theta: Array, v: Array, root: Array, rate: float, scratch: Array) -> None:
    """theta = theta - rate v / root."""
    if not isinstance(theta, np.ndarray):
        theta.addcdiv_(v, root, value=-rate)
        return
    np.divide(v, root, out=scratch)
    scratch *= rate
    theta -= scratch
