"""What lets positive values through, and its backward pass."""

import math

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels import tensors


def rectify(x: Array, *, positive: bool) -> tuple[Array, Array | None]:
    """max(x, 0), and if `positive` what `masked` takes: booleans of where x > 0; of a tensor, that itself."""
    if not isinstance(x, np.ndarray):
        a = tensors.rectify(x)
        return a, a if positive else None
    a = np.clip(x, 0, math.inf)  # half the time of np.maximum where there is much
    return a, x > 0 if positive else None


def masked(da: Array, positive: Array) -> Array:
    """da where x was positive, and 0 elsewhere, in the memory of da."""
    if not isinstance(da, np.ndarray):
        return tensors.masked(da, positive)
    da *= positive
    return da
