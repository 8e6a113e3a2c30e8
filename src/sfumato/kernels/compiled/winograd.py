"""Winograd's transforms as loops: each axis by itself, from the image's pixels and to the outputs' in one pass.

The derivation, and the plan of the strips, are those of `kernels/winograd.py`. A transform along one axis takes fewer
sums than its matrix has entries, as the points come in pairs +-t: the even powers of a polynomial have the same value
at both, and the odd ones the opposite. And each point's reciprocal is a point too, so that the rows of B for 0 and for
infinity have the same entries.

Channels are indexed by numbers without a sign, for which the compiler need not ask whether they count from the end.
"""

from collections.abc import Callable

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels import winograd
from sfumato.kernels.compiled.compiler import compiled
from sfumato.kernels.strips import Strip

LANES = 128
"""Channels of a tile that are transformed together at most: their sums, 24 KB, stay in the first-level cache."""

Six = tuple[float, float, float, float, float, float]
Four = tuple[float, float, float, float]
Span = tuple[int, int]


@compiled
def _values(d0: float, d1: float, d2: float, d3: float, d4: float, d5: float, entries: tuple[float, ...]) -> Six:
    """v = B d, for some of B's entries, as `read_tiles` picks them."""
    b02, b11, b12, b13, b14, b31, b32, b33, b34 = entries
    odd, even = b11 * d1 + b13 * d3, b12 * d2 + b14 * d4
    other_odd, other_even = b31 * d1 + b33 * d3, b32 * d2 + b34 * d4
    return (
        d0 + b02 * d2 + d4,
        even + odd,
        even - odd,
        other_even + other_odd,
        other_even - other_odd,
        d1 + b02 * d3 + d5,
    )


@compiled
def _outputs(m0: float, m1: float, m2: float, m3: float, m4: float, m5: float, entries: tuple[float, ...]) -> Four:
    """y = A m, for some of A's entries, as `write_tiles` picks them."""
    a11, a21, a31, a13, a23, a33 = entries
    even, odd, other_even, other_odd = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return (
        m0 + even + other_even,
        a11 * odd + a13 * other_odd,
        a21 * even + a23 * other_even,
        a31 * odd + a33 * other_odd + m5,
    )


@compiled
def read_tiles(
    x: Array,
    where: Array,
    padding: int,
    images: Span,
    rows: Span,
    columns: int,
    B: Array,
    v: Array,
    first: int,
) -> None:
    """v[:, first:] = B d B^T, (36, tiles, channels), for some rows of tiles of some images.

    If `where` is empty, all entries count.
    """
    entries = (B[0, 2], B[1, 1], B[1, 2], B[1, 3], B[1, 4], B[3, 1], B[3, 2], B[3, 3], B[3, 4])
    d, e, f = np.empty((6, LANES), x.dtype), np.empty((6, 6, LANES), x.dtype), np.empty((6, LANES), x.dtype)
    masked, zero, tile, channels = where.size > 0, x.dtype.type(0), first, x.shape[3]
    for n in range(images[0], images[1]):
        for number in range(rows[0] * columns, rows[1] * columns):
            top, left = 4 * (number // columns) - padding, 4 * (number % columns) - padding
            for begin in range(0, channels, LANES):
                lanes = min(LANES, channels - begin)
                for j in range(6):  # e = B d, column by column
                    right = left + j
                    for i in range(6):
                        y = top + i
                        if y < 0 or y >= x.shape[1] or right < 0 or right >= x.shape[2]:
                            for c in range(lanes):
                                d[i, c] = 0
                        elif masked:
                            for c in range(lanes):
                                o = np.uintp(begin + c)
                                d[i, c] = x[n, y, right, o] if where[n, y, right, o] else zero
                        else:
                            for c in range(lanes):
                                d[i, c] = x[n, y, right, np.uintp(begin + c)]
                    for c in range(lanes):
                        e[0, j, c], e[1, j, c], e[2, j, c], e[3, j, c], e[4, j, c], e[5, j, c] = _values(
                            d[0, c], d[1, c], d[2, c], d[3, c], d[4, c], d[5, c], entries
                        )
                for i in range(6):  # f = B e^T, row by row
                    for c in range(lanes):
                        f[0, c], f[1, c], f[2, c], f[3, c], f[4, c], f[5, c] = _values(
                            e[i, 0, c], e[i, 1, c], e[i, 2, c], e[i, 3, c], e[i, 4, c], e[i, 5, c], entries
                        )
                    for j in range(6):
                        for c in range(lanes):
                            v[6 * i + j, tile, np.uintp(begin + c)] = f[j, c]
            tile += 1


@compiled
def write_tiles(
    m: Array,
    first: int,
    images: Span,
    rows: Span,
    columns: int,
    A: Array,
    b: Array,
    relu: bool,
    z: Array,
    positive: Array,
) -> None:
    """z = A m A^T + b from m[:, first:], (36, tiles, out), for some rows of tiles of some images."""
    entries = (A[1, 1], A[2, 1], A[3, 1], A[1, 3], A[2, 3], A[3, 3])
    e, y = np.empty((4, 6, LANES), z.dtype), np.empty((4, 4, LANES), z.dtype)
    signs, zero, tile = positive.size > 0, z.dtype.type(0), first
    for n in range(images[0], images[1]):
        for number in range(rows[0] * columns, rows[1] * columns):
            top, left = 4 * (number // columns), 4 * (number % columns)
            for begin in range(0, z.shape[3], LANES):
                lanes = min(LANES, z.shape[3] - begin)
                for j in range(6):  # e = A m, column by column
                    for c in range(lanes):
                        o = np.uintp(begin + c)
                        m0, m1, m2 = m[j, tile, o], m[6 + j, tile, o], m[12 + j, tile, o]
                        m3, m4, m5 = m[18 + j, tile, o], m[24 + j, tile, o], m[30 + j, tile, o]
                        e[0, j, c], e[1, j, c], e[2, j, c], e[3, j, c] = _outputs(m0, m1, m2, m3, m4, m5, entries)
                for i in range(4):  # y = A e^T, row by row
                    for c in range(lanes):
                        y[i, 0, c], y[i, 1, c], y[i, 2, c], y[i, 3, c] = _outputs(
                            e[i, 0, c], e[i, 1, c], e[i, 2, c], e[i, 3, c], e[i, 4, c], e[i, 5, c], entries
                        )
                for i in range(min(4, z.shape[1] - top)):
                    for j in range(min(4, z.shape[2] - left)):
                        for c in range(lanes):
                            o = np.uintp(begin + c)
                            value = y[i, j, c] + b[o]
                            z[n, top + i, left + j, o] = zero if relu and value < zero else value
                        if signs:
                            for c in range(lanes):
                                o = np.uintp(begin + c)
                                positive[n, top + i, left + j, o] = z[n, top + i, left + j, o] > 0
            tile += 1


class CompiledSteps(winograd.Steps):
    """The steps by compiled loops."""

    A, B = (np.ascontiguousarray(matrix, np.float32) for matrix in winograd.transforms()[:2])

    def reader(self) -> Callable[[Strip, Array, int, Array], None]:
        x, where = np.ascontiguousarray(self.x), mask(self.where)

        def read(strip: Strip, v: Array, first: int, scratch: Array) -> None:
            read_tiles(x, where, self.padding, span(strip.images), span(strip.rows), self.tiles[2], self.B, v, first)

        return read

    def write(self, strip: Strip, m: Array, first: int, scratch: Array) -> None:
        b = np.zeros(self.out, m.dtype) if self.b is None else self.b
        images, rows, positive = span(strip.images), span(strip.rows), mask(self.positive)
        write_tiles(m, first, images, rows, self.tiles[2], self.A, b, self.relu, self.z, positive)


def mask(mask: Array | None) -> Array:
    """A mask, or an empty one in its place."""
    return np.empty((1, 1, 1, 0), bool) if mask is None else np.ascontiguousarray(mask)


def span(part: slice) -> Span:
    """First entry of a part, and the one behind its last."""
    return part.start, part.stop
