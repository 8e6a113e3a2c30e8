"""Convolution with 3 x 3 filters by fewer products: Winograd's minimal filtering, F(4 x 4, 3 x 3).

Along one axis first. Four neighbouring outputs y_i = sum_j d_(i+j) g_j of six inputs d, with three filter entries g,
take twelve products. Six are enough:

1. Give the outputs any weights a_i, and write these and the filter as polynomials, a(t) = sum_i a_i t^i and
   g(t) = sum_j g_j t^j. In sum_i a_i y_i = sum_k d_k (sum_(i+j=k) a_i g_j) the brackets are the coefficients of the
   product a(t) g(t).
2. That product is of degree 5, so it is known by its values at six points t. At each of them it takes one
   multiplication, of a(t) by g(t). (One of the points may be infinity, where the highest coefficient is the value.)
3. Let E be the matrix that takes six coefficients to the values, with rows [1, t, ..., t^5] and [0, ..., 0, 1] for
   infinity, and E_4 and E_3 those for four and three coefficients. The product's coefficients are E^-1 (E_4 a * E_3 g),
   with * entry by entry. So for every a

       sum_i a_i y_i = d^T E^-1 (E_4 a * E_3 g)        =>        y = E_4^T (E_3 g * E^-T d)

With A = E_4^T, G = E_3 and B = E^-T, then: transform the filter, u = G g, and the inputs, v = B d; multiply entry by
entry; and transform back, y = A (u v). For images the same is done along both axes: for a tile of 6 x 6 inputs and
4 x 4 outputs, 36 products do the work of 144. The transforms add and scale, alike for all channels, so what remains is
36 products of matrices, (tiles x channels) times (channels x filters), and that is nearly all of the arithmetic.

Where the rounding comes from: B and A have entries of both signs, so that large numbers cancel, the larger the further
the points lie apart and the closer together. At 0, +-2/3, +-3/2 and infinity it is about half of what the usual points,
0, +-1, +-2 and infinity, leave (`tests/kernels/test_winograd.py` measures both): a few units in the seventh digit.

Source: Andrew Lavin and Scott Gray, "Fast algorithms for convolutional neural networks" (2016), after Shmuel Winograd,
"Arithmetic complexity of computations" (1980). The points were found by trying.
"""

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sfumato.arrays import Array, Shape
from sfumato.kernels.strips import Strip, cut
from sfumato.kernels.threads import run_in_threads

EDGE, FILTER = 4, 3
"""Outputs of a tile, and entries of a filter, along an axis."""

SEEN = EDGE + FILTER - 1
"""Inputs that a tile sees along an axis."""

POINTS = (0.0, 2 / 3, -2 / 3, 3 / 2, -3 / 2)
"""Where polynomials are evaluated, beside infinity."""

STRIP_NUMBERS, LEAST_TILES, MOST_TILES = 2**14, 48, 256
"""Numbers that a strip has at each of the 36 places, and the bounds of its tiles: its transforms stay in the cache, and
the products of matrices have rows enough to be worth their start."""

LEAST_CHANNELS = 16
"""Channels, in and out, below which the transforms cost more than the products save."""


class Transforms(NamedTuple):
    """The matrices of the derivation, along one axis: A^T (4, 6), B (6, 6) and G (6, 3)."""

    A: Array
    B: Array
    G: Array


def transforms(points: Sequence[float] = POINTS) -> Transforms:
    """A^T, B and G in float64, for polynomials evaluated at these five points and at infinity."""
    E, E_4, E_3 = (_powers(points, count) for count in (SEEN, EDGE, FILTER))
    return Transforms(E_4.T, np.linalg.inv(E).T, E_3)


def _powers(points: Sequence[float], count: int) -> Array:
    """What gives a polynomial's values at the points, and at infinity, from its `count` coefficients: (6, count)."""
    rows = [[t**power for power in range(count)] for t in points]
    return np.array([*rows, [0.0] * (count - 1) + [1.0]])


def _in_both_axes(matrix: Array) -> Array:
    """What transforms tiles, written as vectors, along both axes."""
    return np.kron(matrix, matrix).astype(np.float32)


A, B, G = (_in_both_axes(matrix) for matrix in transforms())


def serves(x: Array, W: Array, stride: int, padding: int) -> bool:
    """Whether this is a convolution for this kernel: 3 x 3, stride 1, float32, channels enough."""
    fits = W.shape[1:3] == (FILTER, FILTER) and stride == 1 and padding < FILTER
    return fits and x.dtype == W.dtype == np.float32 and min(W.shape[0], W.shape[3]) >= LEAST_CHANNELS


def transform_filters(W: Array, *, turned: bool = False) -> Array:
    """U = G W G^T, (36, channels, out), for filters W (out, 3, 3, channels): four times as many numbers.

    Turned by 180 degrees, which the way back convolves with, they lead from their outputs to their inputs: (36, out,
    channels).
    """
    filters = W[:, ::-1, ::-1] if turned else W.transpose(3, 1, 2, 0)
    U = np.empty((SEEN**2, len(filters), filters.shape[-1]), W.dtype)
    rows = -(-len(filters) // 8)

    def part(start: int) -> None:
        entries = filters[start : start + rows].transpose(1, 2, 0, 3).reshape(FILTER**2, -1)
        np.matmul(G, entries, out=U[:, start : start + rows].reshape(SEEN**2, -1))

    run_in_threads(lambda: part, range(0, len(filters), rows))
    return U


def convolve(
    x: Array,
    U: Array,
    b: Array | None = None,
    *,
    padding: int,
    relu: bool = False,
    positive: Array | None = None,
    where: Array | None = None,
) -> Array:
    """Z, (n, rows, columns, out), for images x (n, height, width, channels): see `convolution.convolve`.

    Args:
        x: The images.
        U: The transformed filters, (36, channels, out).
        b: The biases, (out,).
        padding: Rings of zeros around the image, 0 to 2.
        relu: Whether ReLU follows.
        positive: Booleans shaped like Z to fill in: where Z > 0.
        where: Booleans shaped like x: whether an entry counts, or is taken as zero.
    """
    channels, out = U.shape[1:]
    n, rows, columns = len(x), x.shape[1] + 2 * padding - 2, x.shape[2] + 2 * padding - 2
    z = np.empty((n, rows, columns, out), x.dtype)
    most = min(MOST_TILES, max(LEAST_TILES, STRIP_NUMBERS // max(channels, out)))
    strips = _strips((n, -(-rows // EDGE), -(-columns // EDGE)), most, out)
    to_outputs = A
    if b is not None:  # as a 37th product, which all outputs of a tile get
        to_outputs = np.hstack([A, np.ones((EDGE**2, 1), A.dtype)])

    def convolve_strips() -> Callable[[tuple[Strip, slice]], None]:
        gather = _gatherer(x, strips[0][0], columns, padding, where)
        largest = math.prod(_shape(strips[0][0], columns)) * max(channels, out)
        one, other = np.empty((SEEN**2 + 1) * largest, x.dtype), np.empty(SEEN**2 * largest, x.dtype)

        def strip_of_z(item: tuple[Strip, slice]) -> None:
            strip, some = item
            shape = _shape(strip, columns)
            tiles = math.prod(shape)
            d = _matrix(one, SEEN**2, tiles * channels)
            gather(strip, d.reshape(SEEN, SEEN, *shape, channels))
            v = np.matmul(B, d, out=_matrix(other, SEEN**2, tiles * channels))
            m = _matrix(one, to_outputs.shape[1], tiles * (some.stop - some.start))
            products = m[: SEEN**2].reshape(SEEN**2, tiles, -1)
            np.matmul(v.reshape(SEEN**2, tiles, channels), U[:, :, some], out=products)
            if b is not None:
                m[SEEN**2].reshape(tiles, -1)[...] = b[some]
            y = np.matmul(to_outputs, m, out=_matrix(other, EDGE**2, m.shape[1]))
            part = z[strip.images, EDGE * strip.rows.start : EDGE * strip.rows.stop, :, some]
            _spread(y.reshape(EDGE, EDGE, *shape, -1), part, relu)
            if positive is not None:
                here = positive[strip.images, EDGE * strip.rows.start : EDGE * strip.rows.stop, :, some]
                np.greater(part, 0, out=here)

        return strip_of_z

    run_in_threads(convolve_strips, strips)
    return z


def _strips(tiles: Shape, most: int, out: int) -> list[tuple[Strip, slice]]:
    """The output in strips of rows of tiles, the largest first; a single one is halved by channels, for two threads."""
    strips = cut(tiles, most)
    if len(strips) > 1:
        return [(strip, slice(0, out)) for strip in strips]
    return [(strips[0], slice(0, out // 2)), (strips[0], slice(out // 2, out))] if strips else []


def _shape(strip: Strip, columns: int) -> Shape:
    """Images, and rows and columns of tiles, in a strip."""
    return strip.images.stop - strip.images.start, strip.rows.stop - strip.rows.start, -(-columns // EDGE)


def _matrix(memory: Array, rows: int, columns: int) -> Array:
    return memory[: rows * columns].reshape(rows, columns)


def _gatherer(
    x: Array, largest: Strip, columns: int, padding: int, where: Array | None
) -> Callable[[Strip, Array], None]:
    """A function that writes a strip's tiles, (6, 6, images, rows, columns, channels), in memory that it uses again."""
    height, width, channels = x.shape[1:]
    images, rows, across = _shape(largest, columns)
    band = np.zeros((images, EDGE * rows + 2, EDGE * across + 2, channels), x.dtype)

    def gather(strip: Strip, tiles: Array) -> None:
        count, rows = tiles.shape[2:4]
        begin = EDGE * strip.rows.start - padding
        first, last = max(0, begin), min(height, begin + EDGE * rows + 2)
        band[:, : first - begin] = 0
        band[:, last - begin :] = 0
        here = band[:count, first - begin : last - begin, padding : padding + width]
        if where is None:
            here[...] = x[strip.images, first:last]
        else:
            np.copyto(here, where[strip.images, first:last])
            here *= x[strip.images, first:last]
        image, down, right, channel = band.strides
        np.copyto(tiles, as_strided(band, tiles.shape, (down, right, image, EDGE * down, EDGE * right, channel)))

    return gather


def _spread(y: Array, z: Array, relu: bool) -> None:
    """Outputs by tiles, (4, 4, images, rows, columns, out), to where they belong in z (images, height, width, out)."""

    def put(values: Array, place: Array) -> None:
        if relu:
            np.clip(values, 0, np.inf, out=place)
        else:
            np.copyto(place, values)

    down, right = z.shape[1] // EDGE, z.shape[2] // EDGE  # tiles that lie in z entirely
    strides = z.strides
    apart = (strides[1], strides[2], strides[0], EDGE * strides[1], EDGE * strides[2], strides[3])
    put(y[:, :, :, :down, :right], as_strided(z, (EDGE, EDGE, len(z), down, right, z.shape[3]), apart))
    for i, j in product(range(EDGE), repeat=2):
        below, beside = z[:, EDGE * down + i :: EDGE, j::EDGE], z[:, i : EDGE * down : EDGE, EDGE * right + j :: EDGE]
        put(y[i, j, :, down:, : below.shape[2]][:, : below.shape[1]], below)
        put(y[i, j, :, :down, right:][:, :, : beside.shape[2]], beside)
