"""Products of channels summed over the positions of an image, and their backward pass, strip by strip over the threads.

The sums are NumPy's, in float64, wherever the features are: they are few, and what losses make of them is little work.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sfumato.arrays import Array, to_numpy, total, upcast
from sfumato.kernels.strips import STRIP_BYTES, Strip, cut
from sfumato.kernels.threads import run_in_threads

PARTS = 16
"""Partial sums, at most; each is the size of the result."""

UPCAST_ENTRIES = 2**20
"""Entries of 16 bits that are converted at once."""

TORCH_STRIP_BYTES, GPU_STRIP_BYTES = 2**23, 2**28
"""Bytes of a strip for PyTorch: more than for NumPy, since starting a kernel, which brings all threads together, costs
more than leaving the cache; most of all on a GPU."""


def total_and_gram_matrix(features: Array, weights: Array | None = None, *, totals: bool = True) -> tuple[Array, Array]:
    """Sum features F (n, height, width, N), and the products of each two channels, over all positions p, in float64.

        total_i = sum_p T_p F_pi,        S_ij = sum_p T_p F_pi F_pj

    Within a strip they are added in the features' own precision.

    Args:
        features: F.
        weights: T, (n, height, width, 1); by default 1.
        totals: Whether totals are wanted; else they are zeros, which saves a pass over the features.

    Returns:
        The totals, (N,), and S = F^T diag(T) F, the Gram matrix, (N, N).
    """
    channels = features.shape[-1]
    strips = _strips(features)
    per_part = max(1, -(-len(strips) // PARTS))

    def part(mine: list[Strip]) -> tuple[Array, Array]:
        sums, products = np.zeros(channels), np.zeros((channels, channels))
        for strip in mine:
            rows = features[strip].reshape(-1, channels)
            count = np.ones(len(rows), features.dtype) if weights is None else weights[strip].reshape(-1)
            if totals:
                sums += count @ rows
            if weights is not None:
                rows = rows * np.sqrt(count)[:, np.newaxis]
            products += rows.T @ rows
        return sums, products

    parts = [strips[start : start + per_part] for start in range(0, len(strips), per_part)]
    sums, products = np.zeros(channels), np.zeros((channels, channels))
    for more in run_in_threads(lambda: part, parts):
        sums += more[0]
        products += more[1]
    return sums, products


def add_product(features: Array, D: Array, d: Array, into: Array, weights: Array | None = None) -> None:
    """Add T_p (F D + d) at every position p to `into`, shaped like the features F, (n, height, width, N)."""
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
    """Sum of the squares of all entries; of 16 bits, taken and added up in 32."""
    flat = x.ravel()
    if x.dtype.itemsize == 2:
        parts = (upcast(flat[start : start + UPCAST_ENTRIES]) for start in range(0, len(flat), UPCAST_ENTRIES))
        return sum(float(part @ part) for part in parts)
    return float(flat @ flat)


def torch_total_and_gram_matrix(features: Any, weights: Any = None, *, totals: bool = True) -> tuple[Array, Array]:
    """`total_and_gram_matrix` of tensors; the sums are NumPy's.

    Features of 16 bits are multiplied as if they were float32: their squares alone may be beyond float16, and rounded
    to bfloat16 the sums would lose what tells two pictures apart.
    """
    import torch

    channels = features.shape[-1]
    how: Any = {"device": features.device, "dtype": torch.float32 if features.device.type == "mps" else torch.float64}
    sums, products = torch.zeros(channels, **how), torch.zeros(channels, channels, **how)
    working = torch.promote_types(features.dtype, torch.float32)
    for strip in _torch_strips(features):
        rows: Any = features[strip].reshape(-1, channels)
        if totals or weights is not None:
            rows = rows.to(working)  # float32 is not copied, but where it must be
        count: Any = None if weights is None else weights[strip].reshape(-1, 1).to(working)
        if totals:
            sums += (rows if count is None else rows * count).sum(0)
        for part in _torch_products(rows if count is None else rows * count.sqrt()):
            products += part
    return to_numpy(sums).astype(np.float64, copy=False), to_numpy(products).astype(np.float64, copy=False)


def _torch_products(rows: Any) -> Iterator[Any]:
    """Yield one or two matrices that add up to S = F^T F for the rows F, in the precision of float32.

    In bfloat16 on a processor they are R = S rounded, and S - R rounded. Within a product PyTorch adds up in float32,
    so the second has what the first lost, and two products are less work than one in float32 and the copy that it
    needs: with VGG's features two thirds, and the error is 3e-6 of S, where that of R alone is 2e-3.
    """
    import torch

    if rows.dtype == torch.bfloat16 and rows.device.type == "cpu":
        rounded = rows.T @ rows
        yield rounded
        yield rounded.addmm_(rows.T, rows, beta=-1)
    else:
        rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
        yield rows.T @ rows


def torch_add_product(features: Any, D: Array, d: Array, into: Any, weights: Any = None) -> None:
    """`add_product` of tensors, in the precision of the features; D and d come from NumPy."""
    import torch

    place: Any = {"device": features.device, "dtype": features.dtype}
    channels, shifted = features.shape[-1], bool(d.any())
    products, shift = torch.as_tensor(D, **place), torch.as_tensor(d, **place)
    for strip in _torch_strips(features):
        rows: Any = features[strip].reshape(-1, channels)
        there: Any = into[strip]
        if weights is None and there.is_contiguous():
            there.view(-1, channels).addmm_(rows, products)
            if shifted:
                there += shift
            continue
        product = (rows @ products).reshape(there.shape)
        if shifted:
            product += shift
        if weights is not None:
            product *= weights[strip]
        there += product


def torch_sum_of_squares(x: Any) -> float:
    """`sum_of_squares` of a tensor; of 16 bits, taken and added up in 32."""
    import torch

    norm: Any = torch.linalg.vector_norm(x, dtype=torch.promote_types(x.dtype, torch.float32))
    return float(total(norm) ** 2)


def _strips(features: Array) -> list[Strip]:
    return cut(features.shape[:3], STRIP_BYTES // (features.shape[3] * features.itemsize))


def _torch_strips(features: Any) -> list[Strip]:
    most = TORCH_STRIP_BYTES if features.device.type == "cpu" else GPU_STRIP_BYTES
    return cut(features.shape[:3], most // (4 * features.shape[3]))
