"""The updates of first-order optimizers in one pass over theta, the gradient and what is remembered.

Numbers are given in double precision, and rounded once to that of theta.
"""

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels.compiled.compiler import compiled


@compiled
def descend(theta: Array, g: Array, rate: float) -> None:
    """theta = theta - rate g."""
    alpha = theta.dtype.type(rate)
    for i in range(len(theta)):
        theta[i] -= alpha * g[i]


@compiled
def momentum(theta: Array, g: Array, v: Array, beta: float, share: float, rate: float) -> None:
    """v = beta v + share g, theta = theta - rate v."""
    kept, new, alpha = theta.dtype.type(beta), theta.dtype.type(share), theta.dtype.type(rate)
    for i in range(len(theta)):
        v[i] = kept * v[i] + new * g[i]
        theta[i] -= alpha * v[i]


@compiled
def nesterov(theta: Array, g: Array, v: Array, beta: float, rate: float) -> None:
    """v = beta v + g, theta = theta - rate (g + beta v)."""
    kept, alpha = theta.dtype.type(beta), theta.dtype.type(rate)
    for i in range(len(theta)):
        v[i] = kept * v[i] + g[i]
        theta[i] -= alpha * (g[i] + kept * v[i])


@compiled
def rmsprop(theta: Array, g: Array, s: Array, beta: float, epsilon: float, rate: float, inside: bool) -> None:
    """s = beta s + (1 - beta) g^2, theta = theta - rate g / (sqrt(s) + epsilon); or sqrt(s + epsilon), if `inside`."""
    kept, new, alpha = theta.dtype.type(beta), theta.dtype.type(1.0 - beta), theta.dtype.type(rate)
    under, beside = theta.dtype.type(epsilon if inside else 0.0), theta.dtype.type(0.0 if inside else epsilon)
    for i in range(len(theta)):
        s[i] = kept * s[i] + new * g[i] * g[i]
        theta[i] -= alpha * g[i] / (np.sqrt(s[i] + under) + beside)


@compiled
def adam(
    theta: Array,
    g: Array,
    v: Array,
    s: Array,
    beta1: float,
    beta2: float,
    epsilon: float,
    rate: float,
    inside: bool,
) -> None:
    """v = beta1 v + (1 - beta1) g, s = beta2 s + (1 - beta2) g^2, theta = theta - rate v / (sqrt(s) + epsilon)."""
    kept1, new1 = theta.dtype.type(beta1), theta.dtype.type(1.0 - beta1)
    kept2, new2 = theta.dtype.type(beta2), theta.dtype.type(1.0 - beta2)
    under, beside = theta.dtype.type(epsilon if inside else 0.0), theta.dtype.type(0.0 if inside else epsilon)
    alpha = theta.dtype.type(rate)
    for i in range(len(theta)):
        v[i] = kept1 * v[i] + new1 * g[i]
        s[i] = kept2 * s[i] + new2 * g[i] * g[i]
        theta[i] -= alpha * v[i] / (np.sqrt(s[i] + under) + beside)


@compiled
def decay(theta: Array, decays: Array, rate: float) -> None:
    """theta = theta - rate theta, where the booleans `decays` say so."""
    left, whole = theta.dtype.type(1.0 - rate), theta.dtype.type(1.0)
    for i in range(len(theta)):
        theta[i] *= left if decays[i] else whole
