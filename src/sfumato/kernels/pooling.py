"""Pooling of images: the largest entry of each window, or its mean.

Images are n x height x width x channels, windows size x size, one every `stride` pixels, and only those that fit.
Entry (i, j) of all windows at once is a slice of the images, x[:, i::stride, j::stride], so a loop over i and j sees
every window.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.kernels.channels_last import channels_last, channels_second
from sfumato.kernels.strips import STRIP_BYTES, Strip, cut
from sfumato.kernels.threads import run_in_threads


def max_pool(x: Array, size: int, stride: int, *, choose: bool = True) -> tuple[Array, Any]:
    """Max pooling, Z[n, u, v, c] = max_ij x[n, stride u + i, stride v + j, c].

    Returns:
        Z, (n, rows, columns, channels), and with `choose` the winners, for `max_pool_gradient`: numbers size * i + j of
        that shape as uint8; of equal entries the first wins. None without `choose`.
    """
    z: Array = np.empty(pooled_shape(x.shape, size, stride), x.dtype)
    winners: Array | None = np.zeros(z.shape, np.uint8) if choose else None

    def pool(strip: Strip) -> None:
        best = z[strip]
        for number, entry in enumerate(_entries(x, strip, size, stride, z.shape)):
            if number == 0:
                best[...] = entry
                continue
            if winners is not None:
                larger = (entry > best).view(np.uint8)
                larger *= np.uint8(number)
                np.maximum(winners[strip], larger, out=winners[strip])  # the later of two numbers is the larger
            np.maximum(best, entry, out=best)

    run_in_threads(lambda: pool, strips_of(z, size))
    return z, winners


def max_pool_gradient(dz: Array, winners: Any, size: int, stride: int, input_shape: Shape) -> Array:
    """Backward pass of `max_pool`: dL/dx, of `input_shape`; each entry of dz = dL/dZ goes to its window's winner."""
    apart, dx = stride >= size, memory_for_gradient(dz, size, stride, input_shape)

    def send(strip: Strip) -> None:
        gradient, winner = dz[strip], winners[strip]
        for number, entry in enumerate(_entries(dx, strip, size, stride, dz.shape)):
            if apart:
                np.multiply(gradient, winner == number, out=entry)
            else:
                np.add(entry, gradient * (winner == number), out=entry)

    run_in_threads(lambda: send, strips_of(dz, size, apart=apart))
    return dx


def average_pool(x: Array, size: int, stride: int) -> Array:
    """Average pooling, Z[n, u, v, c] = 1/size^2 sum_ij x[n, stride u + i, stride v + j, c]."""
    z: Array = np.zeros(pooled_shape(x.shape, size, stride), x.dtype)

    def pool(strip: Strip) -> None:
        mean = z[strip]
        for entry in _entries(x, strip, size, stride, z.shape):
            mean += entry
        mean *= 1 / size**2

    run_in_threads(lambda: pool, strips_of(z, size))
    return z


def average_pool_gradient(dz: Array, size: int, stride: int, input_shape: Shape) -> Array:
    """Backward pass of `average_pool`: dL/dx, of `input_shape`; dz = dL/dZ spreads evenly over each window."""
    apart, dx = stride >= size, memory_for_gradient(dz, size, stride, input_shape)

    def send(strip: Strip) -> None:
        share = dz[strip] * (1 / size**2)
        for entry in _entries(dx, strip, size, stride, dz.shape):
            if apart:
                np.copyto(entry, share)
            else:
                np.add(entry, share, out=entry)

    run_in_threads(lambda: send, strips_of(dz, size, apart=apart))
    return dx


def pooled_shape(shape: Shape, size: int, stride: int) -> Shape:
    """Shape of the pooled images, (n, rows, columns, channels), for images of `shape`."""
    n, height, width, channels = shape
    return n, (height - size) // stride + 1, (width - size) // stride + 1, channels


def torch_max_pool(x: Array, size: int, stride: int, *, choose: bool = True) -> tuple[Array, Any]:
    """`max_pool` of tensors; the winners are the numbers of pixels, and x."""
    import torch

    z: Any = torch.nn.functional.max_pool2d(channels_second(x), size, stride, return_indices=choose)
    return (channels_last(z[0]), (z[1], x)) if choose else (channels_last(z), None)


def torch_max_pool_gradient(dz: Array, winners: Any, size: int, stride: int, input_shape: Shape) -> Array:
    """`max_pool_gradient` of tensors."""
    import torch

    which, x = winners
    window, step = [size, size], [stride, stride]
    gradient = torch.ops.aten.max_pool2d_with_indices_backward
    dx = gradient(channels_second(dz), channels_second(x), window, step, [0, 0], [1, 1], False, which)
    return channels_last(dx)


def torch_average_pool(x: Array, size: int, stride: int) -> Array:
    """`average_pool` of tensors."""
    import torch

    return channels_last(torch.nn.functional.avg_pool2d(channels_second(x), size, stride))


def torch_average_pool_gradient(dz: Any, size: int, stride: int, input_shape: Shape) -> Array:
    """`average_pool_gradient` of tensors."""
    import torch

    x = channels_second(dz.new_empty(input_shape))  # of which the shape alone is read
    window, step = [size, size], [stride, stride]
    gradient = torch.ops.aten.avg_pool2d_backward
    return channels_last(gradient(channels_second(dz), x, window, step, [0, 0], False, True, None))


def memory_for_gradient(dz: Array, size: int, stride: int, input_shape: Shape) -> Array:
    """Memory for dx: zeros, unless windows lie side by side and cover everything."""
    dx: Array = np.empty(input_shape, dz.dtype)
    if (dz.shape[1] * stride, dz.shape[2] * stride, stride) != (*input_shape[1:3], size):
        dx.fill(0)  # `np.zeros` asks for new pages each time, which costs far more than memory used before
    return dx


def _entries(x: Array, strip: Strip, size: int, stride: int, pooled: Shape) -> Iterator[Array]:
    """Views of x with one entry of all windows of a strip, entry by entry."""
    images = x[strip.images]
    down, across = stride * (strip.rows.stop - 1) + 1, stride * (pooled[2] - 1) + 1
    for i in range(size):
        for j in range(size):
            yield images[:, stride * strip.rows.start + i : down + i : stride, j : across + j : stride]


def strips_of(z: Array, size: int, *, apart: bool = True) -> list[Strip]:
    """Cut pooled images into strips; into whole images where windows overlap, as no two threads may add to a pixel."""
    n, height, width, channels = z.shape
    strips = cut((n, height, width), STRIP_BYTES // (size**2 * channels * z.itemsize))
    return strips if apart else [Strip(slice(image, image + 1), slice(0, height)) for image in range(n)]
