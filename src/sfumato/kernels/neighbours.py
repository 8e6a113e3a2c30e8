"""The nearest row of a matrix for each row of another, by their product."""

from typing import Any

import numpy as np

from sfumato.arrays import Array, to_numpy
from sfumato.kernels.threads import run_in_threads

BLOCK = 1024
"""Rows whose products are in memory at once, for each thread."""


def nearest_rows(Q: Array, S: Array) -> tuple[Array, Array]:
    """For each row of Q the number of the row of S with which its product is largest, and that product.

    Of rows of length one that is the nearest by cosine distance. Of several as near, the first counts.

    Args:
        Q: (n, d).
        S: (m, d), of the same type; at least one row.

    Returns:
        Numbers, (n,) int64, and products, (n,), as NumPy's arrays.
    """

    def search(start: int) -> tuple[Array, Array]:
        products = Q[start : start + BLOCK] @ S.T
        numbers = np.argmax(products, axis=1)
        return numbers, products[np.arange(len(numbers)), numbers]

    found = run_in_threads(lambda: search, range(0, max(1, len(Q)), BLOCK))
    return np.concatenate([numbers for numbers, _ in found]), np.concatenate([largest for _, largest in found])


def torch_nearest_rows(Q: Any, S: Any) -> tuple[Array, Array]:
    """`nearest_rows` of tensors."""
    found = [(Q[start : start + BLOCK] @ S.T).max(1) for start in range(0, max(1, len(Q)), BLOCK)]
    return (
        np.concatenate([to_numpy(largest.indices) for largest in found]),
        np.concatenate([to_numpy(largest.values) for largest in found]),
    )
