"""Gradient of 3 x 3 filters by fewer products: Winograd's minimal filtering, transposed.

`kernels/winograd.py` computes the outputs of a tile along an axis as y = A (u * v), with u = G g of the filter's
entries and v = B d of the inputs. With dy = dL/dy given, the loss changes with the filter's entries as

    dL = dy^T dy' = dy^T A (G dg * v) = ((A^T dy) * v)^T G dg        =>        dL/dg = G^T (A^T dy * B d)

and for images the same along both axes. A filter is used by all tiles of all images, so the gradient sums over them,
and the last transform, which is linear, needs to be done but once, for the sum:

    dW[o, :, :, c] = G^T (sum of tiles  (A^T dY A)_o * (B d B^T)_c) G

At each of the 36 places that sum is a product of matrices, (filters x tiles) times (tiles x channels): 36 products for
a tile in place of 4 x 4 x 9 = 144. What A^T makes of dy are the values of the polynomial with coefficients dy at the
points; they come in pairs +-t, where even powers have the same value and odd ones the opposite.

The loops run over a row of tiles at once: a pixel's channels, and behind them those of the same pixel of the next tile.
So they are long, and alike for all shapes; `LANES` of these numbers are transformed together, which stay in the
first-level cache.
"""

from collections.abc import Callable

import numpy as np

from sfumato.arrays import Array
from sfumato.kernels import winograd
from sfumato.kernels.compiled.compiler import compiled
from sfumato.kernels.compiled.winograd import LANES, CompiledSteps, Span, mask, read_tiles, span
from sfumato.kernels.strips import Strip, cut
from sfumato.kernels.threads import run_in_threads
from sfumato.kernels.winograd import EDGE, FILTER, SEEN

STRIP_NUMBERS, LEAST_TILES = 2**12, 48
"""Numbers that a strip has at each of the 36 places, and its tiles at least: its transforms stay in the second-level
cache."""

SUM_BYTES = 2**25
"""Bytes that the partial sums at all places take at most, roughly."""

MOST_PARTS = 16
"""Partial sums at most."""


@compiled
def _read_gradients(
    dz: Array, where: Array, images: Span, rows: Span, columns: int, A: Array, t: Array, db: Array
) -> None:
    """Write A^T dY A to t, (36, tiles x filters), for some rows of tiles of some images; add the sums of dY to db.

    dz and `where` are (n, rows, columns x filters); if `where` is empty, all entries count.
    """
    filters, masked = db.size, where.size > 0
    size = columns * filters
    total = np.zeros(size, dz.dtype)
    pixels = np.zeros((4, 4, size + LANES), dz.dtype)  # of a row of tiles, every fourth together
    d = np.empty((36, LANES), dz.dtype)
    a11, a21, a31, a13, a23, a33 = A[1, 1], A[2, 1], A[3, 1], A[1, 3], A[2, 3], A[3, 3]
    first = 0
    for n in range(images[0], images[1]):
        for row in range(rows[0], rows[1]):
            for i in range(4):
                y = 4 * row + i
                for right in range(dz.shape[2] // filters):
                    j, begin, place_of_pixel = right % 4, np.uintp(right // 4 * filters), np.uintp(right * filters)
                    if y >= dz.shape[1]:
                        for o in range(np.uintp(filters)):
                            pixels[i, j, begin + o] = 0
                    elif masked:
                        for o in range(np.uintp(filters)):
                            pixels[i, j, begin + o] = (
                                dz[n, y, place_of_pixel + o] if where[n, y, place_of_pixel + o] else 0
                            )
                    else:
                        for o in range(np.uintp(filters)):
                            pixels[i, j, begin + o] = dz[n, y, place_of_pixel + o]
            for j in range(4):
                for k in range(size):
                    total[k] += (pixels[0, j, k] + pixels[1, j, k]) + (pixels[2, j, k] + pixels[3, j, k])
            for start in range(0, size, LANES):
                for place in range(16):
                    i, j = place // 4, place % 4
                    for k in range(LANES):
                        d[6 * i + j, k] = pixels[i, j, np.uintp(start + k)]
                for number in range(10):  # d = A^T d, column by column, and then d = d A, row by row
                    p, step = (number, 6) if number < 4 else (6 * (number - 4), 1)
                    p1, p2, p3, p4, p5 = p + step, p + 2 * step, p + 3 * step, p + 4 * step, p + 5 * step
                    for k in range(LANES):
                        d0, d1, d2, d3 = d[p, k], d[p1, k], d[p2, k], d[p3, k]
                        even, odd = d0 + a21 * d2, a11 * d1 + a31 * d3
                        other_even, other_odd = d0 + a23 * d2, a13 * d1 + a33 * d3
                        d[p1, k], d[p2, k] = even + odd, even - odd
                        d[p3, k], d[p4, k] = other_even + other_odd, other_even - other_odd
                        d[p5, k] = d3
                lanes = min(LANES, size - start)
                for place in range(36):
                    for k in range(lanes):
                        t[place, np.uintp(first + start + k)] = d[place, k]
            first += size
    for k in range(size):
        db[k % filters] += total[k]


def filter_gradients(x: Array, dz: Array, padding: int, where: Array | None = None) -> tuple[Array, Array]:
    """dW, (filters, 3, 3, channels), and db, (filters,): see `convolution.filter_gradients`.

    Args:
        x: The images, (n, height, width, channels), in float32; one at least.
        dz: dL/dZ, (n, rows, columns, filters).
        padding: Rings of zeros around the image, 0 to 2.
        where: Booleans shaped like dz: whether an entry counts, or is taken as zero.
    """
    channels, filters, dtype = x.shape[3], dz.shape[3], x.dtype
    images, gradients = np.ascontiguousarray(x), np.ascontiguousarray(dz).reshape(*dz.shape[:2], -1)
    everything, counts = mask(None), mask(where)
    counts = counts.reshape(*counts.shape[:2], -1)
    columns = -(-dz.shape[2] // EDGE)
    most = max(LEAST_TILES, STRIP_NUMBERS // max(channels, filters))
    strips = cut((len(x), -(-dz.shape[1] // EDGE), columns), most)
    parts = min(len(strips), MOST_PARTS, max(1, SUM_BYTES // (SEEN**2 * filters * channels * dtype.itemsize)))
    per_part = -(-len(strips) // parts)

    def add_up() -> Callable[[list[Strip]], tuple[Array, Array]]:
        largest = _tiles(strips[0], columns)
        v_memory, t_memory = (np.empty(SEEN**2 * largest * width, dtype) for width in (channels, filters))
        product = np.empty((SEEN, SEEN, filters, channels), dtype)

        def part(mine: list[Strip]) -> tuple[Array, Array]:
            total, db = np.empty_like(product), np.zeros(filters, dtype)
            for number, strip in enumerate(mine):
                tiles = _tiles(strip, columns)
                v, t = (
                    memory[: SEEN**2 * tiles * width].reshape(SEEN**2, -1)
                    for memory, width in ((v_memory, channels), (t_memory, filters))
                )
                here = span(strip.images), span(strip.rows), columns
                read_tiles(images, everything, padding, *here, CompiledSteps.B, v.reshape(-1, tiles, channels), 0)
                _read_gradients(gradients, counts, *here, CompiledSteps.A, t, db)
                left, right = t.reshape(SEEN, SEEN, tiles, filters), v.reshape(SEEN, SEEN, tiles, channels)
                np.matmul(left.swapaxes(2, 3), right, out=product if number else total)
                if number:
                    total += product
            return total, db

        return part

    sums = run_in_threads(add_up, [strips[start : start + per_part] for start in range(0, len(strips), per_part)])
    total, db = sums[0]
    for more, more_b in sums[1:]:
        total += more
        db += more_b
    dW = winograd.G.T @ total.reshape(SEEN**2, -1)
    return np.ascontiguousarray(dW.reshape(FILTER, FILTER, filters, channels).transpose(2, 0, 1, 3)), db


def _tiles(strip: Strip, columns: int) -> int:
    """Number of tiles in a strip."""
    images, rows = (part.stop - part.start for part in strip)
    tiles: int = images * rows * columns
    return tiles
