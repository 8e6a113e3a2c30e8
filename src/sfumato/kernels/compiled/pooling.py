"""Pooling as loops over windows, whose innermost runs over channels: a window's pixels are read, or written, once.

Channels are counted by numbers without a sign, for which the compiler need not ask whether they count from the end.
"""

from typing import Any

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.kernels import pooling
from sfumato.kernels.compiled.compiler import compiled, serves
from sfumato.kernels.pooling import memory_for_gradient, pooled_shape, strips_of
from sfumato.kernels.strips import Strip
from sfumato.kernels.threads import run_in_threads

NO_WINNERS = np.empty((0, 0, 0, 0), np.uint8)
"""In place of winners that nobody asks for."""


@compiled
def _take_largest(x: Array, size: int, stride: int, z: Array, winners: Array) -> None:
    """z = max_ij x[stride u + i, stride v + j], and the number of the first that is as large, if asked for."""
    images, rows, columns, _ = z.shape
    choose, channels = winners.size > 0, np.uintp(z.shape[3])
    for n in range(images):
        for u in range(rows):
            for v in range(columns):
                for c in range(channels):
                    z[n, u, v, c] = x[n, stride * u, stride * v, c]
                for number in range(1, size * size):
                    y, right = stride * u + number // size, stride * v + number % size
                    if choose:
                        for c in range(channels):
                            larger = x[n, y, right, c] > z[n, u, v, c]
                            winners[n, u, v, c] = np.uint8(number) if larger else winners[n, u, v, c]
                    for c in range(channels):
                        pixel, largest = x[n, y, right, c], z[n, u, v, c]
                        z[n, u, v, c] = pixel if pixel > largest or np.isnan(pixel) else largest


@compiled
def _send_to_winners(dz: Array, winners: Array, size: int, stride: int, apart: bool, dx: Array) -> None:
    """dx[stride u + i, stride v + j] = dz where (i, j) has won, else 0; added up, unless windows lie apart."""
    images, rows, columns, _ = dz.shape
    channels, zero = np.uintp(dz.shape[3]), dz.dtype.type(0.0)
    for n in range(images):
        for u in range(rows):
            for v in range(columns):
                for number in range(size * size):
                    y, right = stride * u + number // size, stride * v + number % size
                    if not apart:
                        for c in range(channels):
                            gradient = dz[n, u, v, c]
                            dx[n, y, right, c] += gradient if winners[n, u, v, c] == np.uint8(number) else zero
                        continue
                    for c in range(channels):
                        gradient = dz[n, u, v, c]
                        dx[n, y, right, c] = gradient if winners[n, u, v, c] == np.uint8(number) else zero


@compiled
def _take_mean(x: Array, size: int, stride: int, share: float, z: Array) -> None:
    """z = share sum_ij x[stride u + i, stride v + j]."""
    images, rows, columns, _ = z.shape
    channels = np.uintp(z.shape[3])
    for n in range(images):
        for u in range(rows):
            for v in range(columns):
                for c in range(channels):
                    z[n, u, v, c] = 0
                for number in range(size * size):
                    y, right = stride * u + number // size, stride * v + number % size
                    for c in range(channels):
                        z[n, u, v, c] += x[n, y, right, c]
                for c in range(channels):
                    z[n, u, v, c] *= share


@compiled
def _spread(dz: Array, size: int, stride: int, share: float, apart: bool, dx: Array) -> None:
    """dx[stride u + i, stride v + j] = share dz; added up, unless windows lie apart."""
    images, rows, columns, _ = dz.shape
    channels, zero = np.uintp(dz.shape[3]), dz.dtype.type(0.0)
    for n in range(images):
        for u in range(rows):
            for v in range(columns):
                for number in range(size * size):
                    y, right = stride * u + number // size, stride * v + number % size
                    for c in range(channels):
                        before = zero if apart else dx[n, y, right, c]
                        dx[n, y, right, c] = before + share * dz[n, u, v, c]


def max_pool(x: Array, size: int, stride: int, *, choose: bool = True) -> tuple[Array, Any]:
    """`kernels.pooling.max_pool`."""
    if not serves(x):
        return pooling.max_pool(x, size, stride, choose=choose)
    x = np.ascontiguousarray(x)
    z: Array = np.empty(pooled_shape(x.shape, size, stride), x.dtype)
    winners = np.zeros(z.shape, np.uint8) if choose else None

    def pool(strip: Strip) -> None:
        own = NO_WINNERS if winners is None else winners[strip]
        _take_largest(_under(x, strip, stride), size, stride, z[strip], own)

    run_in_threads(lambda: pool, strips_of(z, size))
    return z, winners


def max_pool_gradient(dz: Array, winners: Any, size: int, stride: int, input_shape: Shape) -> Array:
    """`kernels.pooling.max_pool_gradient`."""
    if not (serves(dz) and winners.shape == dz.shape == pooled_shape(input_shape, size, stride)):
        return pooling.max_pool_gradient(dz, winners, size, stride, input_shape)
    dz, dx, apart = np.ascontiguousarray(dz), memory_for_gradient(dz, size, stride, input_shape), stride >= size

    def send(strip: Strip) -> None:
        _send_to_winners(dz[strip], winners[strip], size, stride, apart, _under(dx, strip, stride))

    run_in_threads(lambda: send, strips_of(dz, size, apart=apart))
    return dx


def average_pool(x: Array, size: int, stride: int) -> Array:
    """`kernels.pooling.average_pool`."""
    if not serves(x):
        return pooling.average_pool(x, size, stride)
    x, share = np.ascontiguousarray(x), x.dtype.type(1 / size**2)
    z: Array = np.empty(pooled_shape(x.shape, size, stride), x.dtype)

    def pool(strip: Strip) -> None:
        _take_mean(_under(x, strip, stride), size, stride, share, z[strip])

    run_in_threads(lambda: pool, strips_of(z, size))
    return z


def average_pool_gradient(dz: Array, size: int, stride: int, input_shape: Shape) -> Array:
    """`kernels.pooling.average_pool_gradient`."""
    if not (serves(dz) and dz.shape == pooled_shape(input_shape, size, stride)):
        return pooling.average_pool_gradient(dz, size, stride, input_shape)
    dz, dx, apart = np.ascontiguousarray(dz), memory_for_gradient(dz, size, stride, input_shape), stride >= size
    share = dz.dtype.type(1 / size**2)

    def send(strip: Strip) -> None:
        _spread(dz[strip], size, stride, share, apart, _under(dx, strip, stride))

    run_in_threads(lambda: send, strips_of(dz, size, apart=apart))
    return dx


def _under(x: Array, strip: Strip, stride: int) -> Array:
    """Images from the first pixel on that a strip's windows see: one block of memory, as all arrays here."""
    return x[strip.images, stride * strip.rows.start :]
