"""The cross-entropy of a softmax, whose exponentials NumPy takes: it has vector instructions for them.

They are 32 and 64 bits wide; sums over examples are in double precision.
"""

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels.compiled.compiler import compiled


@compiled
def shift(z: Array, y: Array, shifted: Array) -> int:
    """Write z - max(z) of each row to `shifted`; returns the number of rows that are largest at their class in y.

    The first of several largest counts, and not-a-number above all others, as in np.argmax. If a class is none of the
    row's entries, -1 is returned.
    """
    correct = 0
    for n in range(z.shape[0]):
        if not -z.shape[1] <= y[n] < z.shape[1]:
            return -1
        largest, at = z[n, 0], 0
        for k in range(1, z.shape[1]):
            if z[n, k] > largest or (np.isnan(z[n, k]) and not np.isnan(largest)):
                largest, at = z[n, k], k
        for k in range(z.shape[1]):
            shifted[n, k] = z[n, k] - largest
        correct += at == y[n]
    return correct


@compiled
def measure(shifted: Array, exponentials: Array, y: Array, weight: Array) -> float:
    """Sum of the losses log(sum_k e^z_k) - z_c, each times its weight; `exponentials` are divided by their row's sum.

    `weight` is empty where all rows weigh alike.
    """
    total = 0.0
    for n in range(len(y)):
        denominator = exponentials[n, 0]
        for k in range(1, exponentials.shape[1]):
            denominator += exponentials[n, k]
        loss = np.log(denominator) - shifted[n, y[n]]
        total += loss * weight[n] if len(weight) else loss
        for k in range(exponentials.shape[1]):
            exponentials[n, k] /= denominator
    return total


@compiled
def gradient(S: Array, y: Array, weight: Array, dsum: float, dz: Array) -> None:
    """Write the gradient (S_i - [i = c]) dsum, times the row's weight, to dz."""
    one = S.dtype.type(1.0)
    for n in range(len(y)):
        factor = S.dtype.type(dsum * weight[n] if len(weight) else dsum)
        for k in range(S.shape[1]):
            dz[n, k] = S[n, k] * factor
        dz[n, y[n]] = (S[n, y[n]] - one) * factor
