"""The cross-entropy of a softmax, row by row: the losses, and the gradient with respect to the logits.

With S = softmax(z) and c the true class of a row, its loss is -log S_c = log(sum_k e^z_k) - z_c, and the gradient
S_i - [i = c]; `losses/classification.py` derives it. Exponentials are taken of z - max(z), so that none overflows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array, cast, scaled_rows, weighted_total
from sfumato.kernels.compiled import softmax as loops
from sfumato.kernels.compiled.compiler import serves, whole_numbers


class CrossEntropy(NamedTuple):
    """Cross-entropies of the rows of a batch.

    Attributes:
        loss: Their sum in double precision, each times its row's weight.
        correct: Number of rows that are largest at their class.
        pullback: Gradient with respect to the logits, (n, classes), from that with respect to the sum.
    """

    loss: Any
    correct: int
    pullback: Callable[[float], Array]


def softmax_cross_entropy(z: Array, y: Array, weight: Array | None = None) -> CrossEntropy:
    """Measure logits z, (n, classes), against the true classes y, (n,); each row has a weight, (n,), or all weigh one.

    The logits may be complex under the complex-step check.
    """
    rows = np.arange(len(y))
    z = np.asfortranarray(z)  # class after class in memory: few classes add up fast over many examples
    shifted = z - np.max(z.real, axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    denominator = exponentials.sum(axis=1)
    correct = int(np.count_nonzero(np.argmax(z.real, axis=1) == y))
    losses = np.log(denominator) - shifted[rows, y]

    def pullback(dsum: float) -> Array:
        dz: Array = exponentials / denominator[:, None]
        dz[rows, y] -= 1
        return scaled_rows(dz, dsum, weight)

    return CrossEntropy(weighted_total(losses, weight), correct, pullback)


def numba_softmax_cross_entropy(z: Array, y: Array, weight: Array | None = None) -> CrossEntropy:
    """`softmax_cross_entropy` in three passes."""
    rows, classes = z.shape
    fits = classes > 0 and y.shape == (rows,) and (weight is None or weight.shape == y.shape)
    if not (fits and serves(z) and whole_numbers(y)):
        return softmax_cross_entropy(z, y, weight)
    shifted = np.empty(z.shape, z.dtype)
    weights = np.empty(0, z.dtype) if weight is None else cast(weight, z.dtype)
    correct = loops.shift(np.ascontiguousarray(z), y, shifted)
    if correct < 0:
        return softmax_cross_entropy(z, y, weight)  # which refuses the class
    S = np.exp(shifted)
    loss = loops.measure(shifted, S, y, weights)

    def pullback(dsum: float) -> Array:
        dz: Array = np.empty_like(S)
        loops.gradient(S, y, weights, dsum, dz)
        return dz

    return CrossEntropy(loss, correct, pullback)


def torch_softmax_cross_entropy(z: Array, y: Array, weight: Array | None = None) -> CrossEntropy:
    """`softmax_cross_entropy` of tensors; only the logarithms of S are kept."""
    import torch

    logits: Any = z
    logarithms: Any = torch.log_softmax(logits, 1)
    classes = y[:, None]
    losses: Array = -logarithms.gather(1, classes)[:, 0]

    def pullback(dsum: float) -> Array:
        dz: Array = logarithms.exp().scatter_(1, classes, -1.0, reduce="add")
        return scaled_rows(dz, dsum, weight)

    return CrossEntropy(weighted_total(losses, weight), int((logits.argmax(1) == y).sum()), pullback)
