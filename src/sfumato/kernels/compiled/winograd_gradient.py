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
from sfumato.kernels.strips import Strip, cut
from sfumato.kernels.threads import run_in_threads
from sfumato.kernels.winograd import EDGE, FILTER, SEEN

LANES = 128
"""Numbers that are transformed together."""

STRIP_NUMBERS, LEAST_TILES = 2**12, 48
"""Numbers that a strip has at each of the 36 places, and its tiles at least: its transforms stay in the second-level
cache."""

SUM_BYTES = 2**25
"""Bytes that the partial sums at all places take at most, roughly."""

MOST_PARTS = 16
"""Partial sums at most."""

Span = tuple[int, int]
Six = tuple[float, float, float, float, float, float]


@compiled
def _of_inputs(d0: float, d1: float, d2: float, d3: float, d4: float, d5: float, B: Array) -> Six:
    """v = B d."""
    even, odd = B[1, 2] * d2 + B[1, 4] * d4, B[1, 1] * d1 + B[1, 3] * d3
    other_even, other_odd = B[3, 2] * d2 + B[3, 4] * d4, B[3, 1] * d1 + B[3, 3] * d3
    first = B[0, 0] * d0 + B[0, 2] * d2 + B[0, 4] * d4
    last = B[5, 1] * d1 + B[5, 3] * d3 + B[5, 5] * d5
    return first, even + odd, even - odd, other_even + other_odd, other_even - other_odd, last


@compiled
def _of_gradients(d0: float, d1: float, d2: float, d3: float, A: Array) -> Six:
    """A^T dy."""
    even, odd = d0 + A[2, 1] * d2, A[1, 1] * d1 + A[3, 1] * d3
    other_even, other_odd = d0 + A[2, 3] * d2, A[1, 3] * d1 + A[3, 3] * d3
    return d0, even + odd, even - odd, other_even + other_odd, other_even - other_odd, d3


@compiled
def _read(x: Array, padding: int, images: Span, rows: Span, columns: int, B: Array, v: Array) -> None:
    """Write B d B^T to v, (6, 6, tiles x channels), for some rows of tiles of some images."""
    channels = x.shape[3]
    size = columns * channels
    pixels = np.zeros((4, 6, size + channels + LANES), x.dtype)
    first = 0
    for n in range(images[0], images[1]):
        for row in range(rows[0], rows[1]):
            _read_pixels(x[n], 4 * row - padding, padding, pixels)
            _transform_inputs(pixels, size, channels, B, v, first)
            first += size


@compiled
def _read_pixels(x: Array, top: int, padding: int, pixels: Array) -> None:
    """Write the rows of an image under a row of tiles, every fourth pixel together: one of each tile."""
    height, width, channels = x.shape
    for i in range(6):
        y = top + i
        for j in range(padding, padding + width):
            into = pixels[j % 4, i, j // 4 * channels :]
            if 0 <= y < height:
                pixel = x[y, j - padding]
                for c in range(channels):
                    into[c] = pixel[c]
            else:
                for c in range(channels):
                    into[c] = 0


@compiled
def _transform_inputs(pixels: Array, size: int, channels: int, B: Array, v: Array, first: int) -> None:
    """Write B d B^T for a row of tiles to v, from `first` on."""
    down, across = np.empty((6, 6, LANES), v.dtype), np.empty((6, LANES), v.dtype)
    for start in range(0, size, LANES):
        for j in range(6):
            seen = pixels[j % 4, :, start + j // 4 * channels :]
            d0, d1, d2, d3, d4, d5 = seen[0], seen[1], seen[2], seen[3], seen[4], seen[5]
            for k in range(LANES):
                v0, v1, v2, v3, v4, v5 = _of_inputs(d0[k], d1[k], d2[k], d3[k], d4[k], d5[k], B)
                down[0, j, k], down[1, j, k], down[2, j, k] = v0, v1, v2
                down[3, j, k], down[4, j, k], down[5, j, k] = v3, v4, v5
        lanes = min(LANES, size - start)
        for i in range(6):
            d = down[i]
            for k in range(LANES):
                v0, v1, v2, v3, v4, v5 = _of_inputs(d[0, k], d[1, k], d[2, k], d[3, k], d[4, k], d[5, k], B)
                across[0, k], across[1, k], across[2, k] = v0, v1, v2
                across[3, k], across[4, k], across[5, k] = v3, v4, v5
            for j in range(6):
                line, into = across[j], v[i, j, first + start :]
                for k in range(lanes):
                    into[k] = line[k]


@compiled
def _read_gradients(
    dz: Array, where: Array | None, images: Span, rows: Span, columns: int, A: Array, t: Array, db: Array
) -> None:
    """Write A^T dY A to t, (6, 6, tiles x filters), for some rows of tiles of some images; add the sums of dY to db.

    dz and `where` are (n, rows, columns x filters).
    """
    filters = db.size
    size = columns * filters
    counted, total = np.empty(dz.shape[2], dz.dtype), np.zeros(size, dz.dtype)
    pixels = np.zeros((4, 4, size + LANES), dz.dtype)
    first = 0
    for n in range(images[0], images[1]):
        for row in range(rows[0], rows[1]):
            for i in range(4):
                y = 4 * row + i
                if y >= dz.shape[1]:
                    counted[:] = 0
                else:
                    _write_counted(dz[n, y], None if where is None else where[n, y], counted)
                for j in range(counted.size // filters):
                    pixel, into = counted[j * filters :], pixels[j % 4, i, j // 4 * filters :]
                    for o in range(filters):
                        into[o] = pixel[o]
            for j in range(4):
                d0, d1, d2, d3 = pixels[j, 0], pixels[j, 1], pixels[j, 2], pixels[j, 3]
                for k in range(size):
                    total[k] += (d0[k] + d1[k]) + (d2[k] + d3[k])
            _transform_gradients(pixels, size, A, t, first)
            first += size
    for start in range(0, size, filters):
        for o in range(filters):
            db[o] += total[start + o]


@compiled
def _write_counted(dz: Array, where: Array | None, counted: Array) -> None:
    """Write the entries of dz that count, and zero for others."""
    if where is None:
        for k in range(dz.size):
            counted[k] = dz[k]
    else:
        for k in range(dz.size):
            counted[k] = dz[k] if where[k] else 0


@compiled
def _transform_gradients(pixels: Array, size: int, A: Array, t: Array, first: int) -> None:
    """Write A^T dY A for a row of tiles to t, from `first` on."""
    down, across = np.empty((6, 4, LANES), t.dtype), np.empty((6, LANES), t.dtype)
    for start in range(0, size, LANES):
        for j in range(4):
            seen = pixels[j, :, start:]
            d0, d1, d2, d3 = seen[0], seen[1], seen[2], seen[3]
            for k in range(LANES):
                t0, t1, t2, t3, t4, t5 = _of_gradients(d0[k], d1[k], d2[k], d3[k], A)
                down[0, j, k], down[1, j, k], down[2, j, k] = t0, t1, t2
                down[3, j, k], down[4, j, k], down[5, j, k] = t3, t4, t5
        lanes = min(LANES, size - start)
        for i in range(6):
            d = down[i]
            for k in range(LANES):
                t0, t1, t2, t3, t4, t5 = _of_gradients(d[0, k], d[1, k], d[2, k], d[3, k], A)
                across[0, k], across[1, k], across[2, k] = t0, t1, t2
                across[3, k], across[4, k], across[5, k] = t3, t4, t5
            for j in range(6):
                line, into = across[j], t[i, j, first + start :]
                for k in range(lanes):
                    into[k] = line[k]


def filter_gradients(x: Array, dz: Array, padding: int, where: Array | None = None) -> tuple[Array, Array]:
    """dW, (filters, 3, 3, channels), and db, (filters,): see `convolution.filter_gradients`.

    Args:
        x: The images, (n, height, width, channels), in float32; one at least.
        dz: dL/dZ, (n, rows, columns, filters).
        padding: Rings of zeros around the image, 0 to 2.
        where: Booleans shaped like dz: whether an entry counts, or is taken as zero.
    """
    channels, filters, dtype = x.shape[3], dz.shape[3], x.dtype
    A, B, _ = (np.ascontiguousarray(matrix, dtype) for matrix in winograd.transforms())
    images, gradients = np.ascontiguousarray(x), np.ascontiguousarray(dz).reshape(*dz.shape[:2], -1)
    counts = None if where is None else np.ascontiguousarray(where).reshape(gradients.shape)
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
                    memory[: SEEN**2 * tiles * width].reshape(SEEN, SEEN, -1)
                    for memory, width in ((v_memory, channels), (t_memory, filters))
                )
                where_from = (strip.images.start, strip.images.stop), (strip.rows.start, strip.rows.stop), columns
                _read(images, padding, *where_from, B, v)
                _read_gradients(gradients, counts, *where_from, A, t, db)
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
