"""The updates of first-order optimizers, in place; `optimizers/first_order.py` has their equations.

With NumPy, an update is up to a dozen passes over vectors that together may be larger than a processor's cache, and
moving them takes longer than arithmetic. So they are stepped part by part (`in_parts`): all passes over one part, which
stays in the cache, and then over the next. Compiled loops make one pass. PyTorch has names for several passes in one,
each of which is a kernel less to start, and on a processor a meeting of all threads less.

`rate` is the learning rate. The gradient g is used up, wherever its memory serves for something else.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels.compiled import updates as loops
from sfumato.kernels.compiled.compiler import serves
from sfumato.kernels.threads import PART, run_on_parts


def descend(theta: Array, g: Array, rate: float) -> None:
    """Step of gradient descent: theta = theta - rate g."""
    g *= rate
    theta -= g


def momentum(theta: Array, g: Array, v: Array, beta: float, share: float, rate: float) -> None:
    """Step of momentum: v = beta v + share g, theta = theta - rate v."""

    def step(theta: Array, g: Array, v: Array, scratch: Array) -> None:
        v *= beta
        if share != 1.0:
            g *= share
        v += g
        theta -= np.multiply(v, rate, out=scratch)

    in_parts(step, theta, g, v)


def nesterov(theta: Array, g: Array, v: Array, beta: float, rate: float) -> None:
    """Step of Nesterov's momentum: v = beta v + g, theta = theta - rate (g + beta v)."""

    def step(theta: Array, g: Array, v: Array, scratch: Array) -> None:
        v *= beta
        v += g
        g += np.multiply(v, beta, out=scratch)
        g *= rate
        theta -= g

    in_parts(step, theta, g, v)


def rmsprop(theta: Array, g: Array, s: Array, beta: float, epsilon: float, rate: float, *, inside: bool) -> None:
    """Step of RMSProp: s = beta s + (1 - beta) g^2, theta = theta - rate g / root(s), for `_root`."""

    def step(theta: Array, g: Array, s: Array, scratch: Array) -> None:
        _average_square(s, g, beta, scratch)
        g *= rate
        g /= _root(s, epsilon, scratch, inside=inside)
        theta -= g

    in_parts(step, theta, g, s)


def adam(
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
    """Step of Adam: v = beta1 v + (1 - beta1) g, s = beta2 s + (1 - beta2) g^2, theta = theta - rate v / root(s).

    The corrections of v and s are in `rate` and `epsilon`.
    """

    def step(theta: Array, g: Array, v: Array, s: Array, scratch: Array) -> None:
        _average_square(s, g, beta2, scratch)
        v *= beta1
        g *= 1.0 - beta1
        v += g
        np.divide(v, _root(s, epsilon, scratch, inside=inside), out=g)
        g *= rate
        theta -= g

    in_parts(step, theta, g, v, s)


def decay(theta: Array, decays: Array, rate: float) -> None:
    """Weight decay: theta = theta - rate theta, where the booleans `decays` say so."""

    def step(theta: Array, decays: Array, scratch: Array) -> None:
        np.multiply(theta, decays, out=scratch)
        scratch *= rate
        theta -= scratch

    in_parts(step, theta, decays)


def _average_square(s: Array, g: Array, beta: float, scratch: Array) -> None:
    """Set s to beta s + (1 - beta) g^2."""
    s *= beta
    square = np.multiply(g, g, out=scratch)
    square *= 1.0 - beta
    s += square


def _root(s: Array, epsilon: float, scratch: Array, *, inside: bool) -> Array:
    """sqrt(s + epsilon) if `inside`, else sqrt(s) + epsilon, in `scratch`."""
    if inside:
        np.add(s, epsilon, out=scratch)
        return np.sqrt(scratch, out=scratch)
    np.sqrt(s, out=scratch)
    scratch += epsilon
    return scratch


def in_parts(step: Callable[..., None], *vectors: Array) -> None:
    """Call `step(*parts, scratch)` for each part of the vectors, cut alike, with scratch memory for one part."""
    scratch = np.empty_like(vectors[0][:PART])
    for start in range(0, len(vectors[0]), PART):
        parts = [vector[start : start + PART] for vector in vectors]
        step(*parts, scratch[: len(parts[0])])


def numba_descend(theta: Array, g: Array, rate: float) -> None:
    """`descend` in one pass."""
    if _served(theta, g):
        run_on_parts(loops.descend, (theta, g), rate)
    else:
        descend(theta, g, rate)


def numba_momentum(theta: Array, g: Array, v: Array, beta: float, share: float, rate: float) -> None:
    """`momentum` in one pass."""
    if _served(theta, g, v):
        run_on_parts(loops.momentum, (theta, g, v), beta, share, rate)
    else:
        momentum(theta, g, v, beta, share, rate)


def numba_nesterov(theta: Array, g: Array, v: Array, beta: float, rate: float) -> None:
    """`nesterov` in one pass."""
    if _served(theta, g, v):
        run_on_parts(loops.nesterov, (theta, g, v), beta, rate)
    else:
        nesterov(theta, g, v, beta, rate)


def numba_rmsprop(theta: Array, g: Array, s: Array, beta: float, epsilon: float, rate: float, *, inside: bool) -> None:
    """`rmsprop` in one pass."""
    if _served(theta, g, s):
        run_on_parts(loops.rmsprop, (theta, g, s), beta, epsilon, rate, inside)
    else:
        rmsprop(theta, g, s, beta, epsilon, rate, inside=inside)


def numba_adam(
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
    """`adam` in one pass."""
    if _served(theta, g, v, s):
        run_on_parts(loops.adam, (theta, g, v, s), beta1, beta2, epsilon, rate, inside)
    else:
        adam(theta, g, v, s, beta1, beta2, epsilon, rate, inside=inside)


def numba_decay(theta: Array, decays: Array, rate: float) -> None:
    """`decay` in one pass."""
    if _served(theta) and decays.dtype == np.bool_ and decays.shape == theta.shape:
        run_on_parts(loops.decay, (theta, decays), rate)
    else:
        decay(theta, decays, rate)


def _served(*vectors: Array) -> bool:
    """Whether the loops serve these vectors, which are to be of one length."""
    return serves(*vectors) and all(vector.shape == vectors[0].shape for vector in vectors)


def torch_descend(theta: Any, g: Any, rate: float) -> None:
    """`descend` for tensors."""
    theta.sub_(g, alpha=rate)


def torch_momentum(theta: Any, g: Any, v: Any, beta: float, share: float, rate: float) -> None:
    """`momentum` for tensors."""
    v *= beta
    v.add_(g, alpha=share)
    theta.sub_(v, alpha=rate)


def torch_nesterov(theta: Any, g: Any, v: Any, beta: float, rate: float) -> None:
    """`nesterov` for tensors."""
    v *= beta
    v += g
    g.add_(v, alpha=beta)
    theta.sub_(g, alpha=rate)


def torch_rmsprop(theta: Any, g: Any, s: Any, beta: float, epsilon: float, rate: float, *, inside: bool) -> None:
    """`rmsprop` for tensors."""
    s *= beta
    s.addcmul_(g, g, value=1.0 - beta)
    theta.addcdiv_(g, _torch_root(s, epsilon, inside=inside), value=-rate)


def torch_adam(
    theta: Any,
    g: Any,
    v: Any,
    s: Any,
    beta1: float,
    beta2: float,
    epsilon: float,
    rate: float,
    *,
    inside: bool,
) -> None:
    """`adam` for tensors."""
    s *= beta2
    s.addcmul_(g, g, value=1.0 - beta2)
    v.lerp_(g, 1.0 - beta1)
    theta.addcdiv_(v, _torch_root(s, epsilon, inside=inside), value=-rate)


def torch_decay(theta: Any, decays: Any, rate: float) -> None:
    """`decay` for tensors."""
    theta.addcmul_(theta, decays, value=-rate)


def _torch_root(s: Any, epsilon: float, *, inside: bool) -> Any:
    """`_root` of a tensor, in new memory."""
    return (s + epsilon).sqrt_() if inside else s.sqrt().add_(epsilon)
