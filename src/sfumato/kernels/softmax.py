"""The cross-entropy of a softmax, row by row: the losses, and the gradient with respect to the logits.

With S = softmax(z) and c the true class of a row, its loss is -log S_c = log(sum_k e^z_k) - z_c, and the gradient
S_i - [i = c]; `losses/classification.py` derives it. Exponentials are taken of z - max(z), so that none overflows.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from sfumato.arrays import Array


def softmax_cross_entropy(z: Array, y: Array) -> tuple[Array, int, Callable[[], Array]]:
    """Measure logits z, (n, classes), against the true classes y, (n,).

    Returns:
        The losses, (n,); the number of rows that are largest at their class; and a function that returns the gradient
        of the sum of the losses, (n, classes), for one call.
    """
    rows = np.arange(len(y))
    z = np.asfortranarray(z)  # class after class in memory: few classes add up fast over many examples
    shifted = z - np.max(z.real, axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    denominator = exponentials.sum(axis=1)
    correct = int(np.count_nonzero(np.argmax(z.real, axis=1) == y))

    def gradient() -> Array:
        dz: Array = exponentials / denominator[:, None]
        dz[rows, y] -= 1
        return dz

    return np.log(denominator) - shifted[rows, y], correct, gradient


def torch_softmax_cross_entropy(z: Array, y: Array) -> tuple[Array, int, Callable[[], Array]]:
    """`softmax_cross_entropy` of tensors; only the logarithms of S are kept."""
    import torch

    logits: Any = z
    logarithms: Any = torch.log_softmax(logits, 1)
    classes = y[:, None]
    losses: Array = -logarithms.gather(1, classes)[:, 0]

    def gradient() -> Array:
        dz: Array = logarithms.exp().scatter_(1, classes, -1.0, reduce="add")
        return dz

    return losses, int((logits.argmax(1) == y).sum()), gradient
