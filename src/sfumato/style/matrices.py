"""Roots of covariance matrices."""

import numpy as np

from sfumato.arrays import Array


def symmetric_root(matrix: Array, least: float) -> Array:
    """Symmetric square root of a symmetric matrix (n, n), whose eigenvalues are taken as at least `least`."""
    values, vectors = np.linalg.eigh(matrix)
    root: Array = (vectors * np.sqrt(np.maximum(values, least))) @ vectors.T
    return root
