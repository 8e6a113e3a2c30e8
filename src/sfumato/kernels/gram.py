"""Products of channels summed over the positions of an image, and their backward pass, strip by strip over the threads.

The sums are NumPy's, in float64, wherever the features are: they are few, and what losses make of them is little work.
"""

from collections.abc import Callable

import numpy as np

from sfumato.arrays import Array, to_numpy
from sfumato.kernels import tensors
from sfumato.kernels.strips import STRIP_BYTES, Strip, cut
from sfumato.kernels.threads import run_in_threads

PARTS = 16
"""Partial sums, at most; each is the size of the result."""


def total_and_gram_matrix(features: Array, weights: Array | None = None, *, totals: bool = True) -> tuple[Array, Array]:
    """Sums over the positions p of features F (n, height, width, N), in float64.

        total_i = sum_p T_p F_pi,        S_ij = sum_p T_p F_pi F_pj

    Within a strip they are added in the features' own precision.

    Args:
        features: F.
        weights: T, (n, height, width, 1); by default 1.
        totals: Whether totals are wanted; else they are zeros, which saves a pass over the features.

    Returns:
        The totals, (N,), and S = F^T diag(T) F, the Gram matrix, (N, N).
    """
    if not isinstance(features, np.ndarray):
        total, products = map(to_numpy, tensors.total_and_gram_matrix(features, weights, totals=totals))
        return total.astype(np.float64, copy=False), products.astype(np.float64, copy=False)
    channels = features.shape[-1]
    strips = _strips(features)
    per_part = max(1, -(-len(strips) // PARTS))

    def part(mine: list[Strip]) -> tuple[Array, Array]:
        total, products = np.zeros(channels), np.zeros((channels, channels))
        for strip in mine:
            rows = features[strip].reshape(-1, channels)
            count = np.ones(len(rows), features.dtype) if weights is None else weights[strip].reshape(-1)
            if totals:
                total += count @ rows
            if weights is not None:
                rows = rows * np.sqrt(count)[:, np.newaxis]
            products += rows.T @ rows
        return total, products

    parts = [strips[start : start + per_part] for start in range(0, len(strips), per_part)]
    total, products = np.zeros(channels), np.zeros((channels, channels))
    for more in run_in_threads(lambda: part, parts):
        total += more[0]
        products += more[1]
    return total, products


def add_product(features: Array, D: Array, d: Array, into: Array, weights: Array | None = None) -> None:
    """Add T_p (F D + d) at every position p to `into`, shaped like the features F, (n, height, width, N)."""
    if not isinstance(features, np.ndarray):
        tensors.add_product(features, D, d, into, weights)
        return
    channels = features.shape[-1]
    D, d = D.astype(features.dtype), d.astype(features.dtype)
    strips = _strips(features)

    def add() -> Callable[[Strip], None]:
        memory = np.empty(features[strips[0]].shape, features.dtype)

        def strip_of_product(strip: Strip) -> None:
            rows = features[strip]
            product = memory[: len(rows), : rows.shape[1]]
            np.matmul(rows.reshape(-1, channels), D, out=product.reshape(-1, channels))
            if d.any():
                product += d
            if weights is not None:
                product *= weights[strip]
            into[strip] += product

        return strip_of_product

    run_in_threads(add, strips)


def sum_of_squares(x: Array) -> float:
    """Sum of the squares of all entries."""
    if not isinstance(x, np.ndarray):
        return tensors.sum_of_squares(x)
    flat = x.ravel()
    return float(flat @ flat)


def _strips(features: Array) -> list[Strip]:
    return cut(features.shape[:3], STRIP_BYTES // (features.shape[3] * features.itemsize))
