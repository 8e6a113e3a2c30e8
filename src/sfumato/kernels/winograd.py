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

A filter turned around has the values t^2 g(1/t). So with points in pairs t and 1/t, and g(t) / |t| in place of g(t),
for which v takes the factor |t|, the values of the turned filter are those of the filter, in the opposite order of the
points: the backward pass, which convolves with turned filters, can take the same U.

Where the rounding comes from: B and A have entries of both signs, so that large numbers cancel, the larger the further
the points lie apart and the closer together. At 0, +-2/3, +-3/2 and infinity it is about half of what the usual points,
0, +-1, +-2 and infinity, leave (`tests/kernels/test_winograd.py` measures both): a few units in the seventh digit.

Source: Andrew Lavin and Scott Gray, "Fast algorithms for convolutional neural networks" (2016), after Shmuel Winograd,
"Arithmetic complexity of computations" (1980). The points were found by trying.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sfumato.arrays import Array, Shape
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.strips import Strip, cut
from sfumato.kernels.threads import run_in_threads

EDGE, FILTER = 4, 3
"""Outputs of a tile, and entries of a filter, along an axis."""

SEEN = EDGE + FILTER - 1
"""Inputs of a tile along an axis."""

PLACES = SEEN * SEEN
"""Products of a tile for each channel and filter."""

POINTS = (0.0, 2 / 3, -2 / 3, -3 / 2, 3 / 2)
"""Points at which polynomials are evaluated, beside infinity: from the last on, the reciprocals."""

STRIP_NUMBERS, LEAST_TILES, MOST_TILES = 2**15, 64, 128
"""Numbers that a strip has at each of the 36 places, and the bounds of its tiles (but a row of them at least): its
transforms stay near the cache, and the products of matrices have rows enough to be worth their start. Measured by
`benchmarks/tile_sizes.py`; the same on every machine, as results are to be, and as a cache of half the size would save
a hundredth of a step (docs/performance.md)."""

LEAST_STRIPS = 4
"""Least number of strips, so that threads share even a small image."""

WHOLE_NUMBERS = 10 * 2**20
"""Numbers in the transforms of all tiles together (40 MiB), up to which images are convolved step by step. VGG19's
layers of 512 channels have 9.4 million at 512 x 512 pixels, and strips take 1.17 times as long there."""

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
    factors = np.array([*(abs(t) or 1.0 for t in points), 1.0])[:, None]
    return Transforms(E_4.T, np.linalg.inv(E).T * factors, E_3 / factors)


def _powers(points: Sequence[float], count: int) -> Array:
    """Matrix from a polynomial's `count` coefficients to its values at the points and at infinity: (6, count)."""
    rows = [[t**power for power in range(count)] for t in points]
    return np.array([*rows, [0.0] * (count - 1) + [1.0]])


def _in_both_axes(matrix: Array) -> Array:
    """Matrix that transforms tiles, written as vectors, along both axes."""
    return np.kron(matrix, matrix).astype(np.float32)


A, B, G = (_in_both_axes(matrix) for matrix in transforms())


def serves(filters: Shape, geometry: Geometry, *dtypes: np.dtype[Any]) -> bool:
    """Whether this kernel serves a convolution: 3 x 3, stride 1, float32, channels enough.

    Args:
        filters: Shape of the filters, (out, height, width, channels).
        geometry: How their windows lie.
        dtypes: Types of the arrays that take part.
    """
    fits = filters[1:3] == (FILTER, FILTER) and geometry.stride == 1 and geometry.padding < FILTER
    single = all(dtype == np.float32 for dtype in dtypes)
    return fits and single and min(filters[0], filters[3]) >= LEAST_CHANNELS


def transform_filters(W: Array, *, turned: bool = False) -> Array:
    """U = G W G^T, (36, channels, out), for filters W (out, 3, 3, channels): four times as many numbers.

    Turned by 180 degrees, which the backward pass convolves with, they lead from their outputs to their inputs:
    (36, out, channels).
    """
    filters = W[:, ::-1, ::-1] if turned else W.transpose(3, 1, 2, 0)
    U = np.empty((PLACES, len(filters), filters.shape[-1]), W.dtype)
    rows = -(-len(filters) // 8)

    def part(start: int) -> None:
        entries = filters[start : start + rows].transpose(1, 2, 0, 3).reshape(FILTER**2, -1)
        np.matmul(G, entries, out=U[:, start : start + rows].reshape(PLACES, -1))

    run_in_threads(lambda: part, range(0, len(filters), rows))
    return U


def turned_view(U: Array) -> Array:
    """U of the filters turned, in the memory of U: products with it take about a tenth longer than with a copy."""
    return U[::-1].swapaxes(1, 2)


def convolve(
    x: Array,
    U: Array,
    b: Array | None = None,
    *,
    padding: int,
    relu: bool = False,
    positive: Array | None = None,
    where: Array | None = None,
    steps: "type[Steps] | None" = None,
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
        steps: How tiles are transformed; by default with NumPy.
    """
    rows, columns = (size + 2 * padding - FILTER + 1 for size in x.shape[1:3])
    z = np.empty((len(x), rows, columns, U.shape[2]), x.dtype)
    if z.size:
        plan = (steps or NumpySteps)(x, U, b, z, padding, relu, positive, where)
        (_step_by_step if plan.few else _strip_by_strip)(plan)
    return z


class Steps(ABC):
    """The plan of one convolution, and its steps for a strip of tiles: v = B d from the images, m = v U, z from A m.

    How a strip is read and written is left to subclasses. A strip's tiles are those from `first` on in v, (36, tiles,
    channels), and in m, (products, tiles, out); `scratch` is memory for as many numbers as the strip has in either.

    Attributes:
        few: Whether the filters are more than the images, and so better read once than for every strip.
        strips: Strips of tiles.
    """

    def __init__(
        self,
        x: Array,
        U: Array,
        b: Array | None,
        z: Array,
        padding: int,
        relu: bool,
        positive: Array | None,
        where: Array | None,
    ) -> None:
        self.x, self.U, self.b, self.z = x, U, b, z
        self.padding, self.relu, self.positive, self.where = padding, relu, positive, where
        self.channels, self.out = U.shape[1:]
        n, rows, columns, _ = z.shape
        self.tiles: Shape = (n, -(-rows // EDGE), -(-columns // EDGE))
        tiles = math.prod(self.tiles)
        self.few: bool = tiles <= self.out and PLACES * tiles * (self.channels + self.out) <= WHOLE_NUMBERS
        most = min(MOST_TILES, max(LEAST_TILES, STRIP_NUMBERS // max(self.channels, self.out)))
        self.strips = cut(self.tiles, min(most, -(-tiles // LEAST_STRIPS)))

    @property
    def products(self) -> int:
        """Matrices in m."""
        return PLACES

    def shape(self, strip: Strip) -> Shape:
        """Images, and rows and columns of tiles, in a strip."""
        return strip.images.stop - strip.images.start, strip.rows.stop - strip.rows.start, self.tiles[2]

    @abstractmethod
    def reader(self) -> Callable[[Strip, Array, int, Array], None]:
        """Make a function read(strip, v, first, scratch), for a thread of its own."""

    @abstractmethod
    def write(self, strip: Strip, m: Array, first: int, scratch: Array) -> None:
        """Write z for a strip."""


def _strip_by_strip(steps: Steps) -> None:
    """All steps for a strip, in memory that stays in the cache, and then the next: for large images."""

    def thread() -> Callable[[Strip], None]:
        read, channels, out = steps.reader(), steps.channels, steps.out
        largest = math.prod(steps.shape(steps.strips[0])) * max(channels, out)
        one, other = np.empty(steps.products * largest, steps.z.dtype), np.empty(PLACES * largest, steps.z.dtype)

        def strip_of_z(strip: Strip) -> None:
            tiles = math.prod(steps.shape(strip))
            v, m = _matrices(other, PLACES, tiles, channels), _matrices(one, steps.products, tiles, out)
            read(strip, v, 0, one)
            np.matmul(v, steps.U, out=m[:PLACES])
            steps.write(strip, m, 0, other)

        return strip_of_z

    run_in_threads(thread, steps.strips)


def _step_by_step(steps: Steps) -> None:
    """One step for all tiles, and then the next: for images that are less than the filters, which are read once."""
    channels, out, dtype = steps.channels, steps.out, steps.z.dtype
    tiles, largest = math.prod(steps.tiles), math.prod(steps.shape(steps.strips[0]))
    v, m = np.empty((PLACES, tiles, channels), dtype), np.empty((steps.products, tiles, out), dtype)

    def first(strip: Strip) -> int:
        row: int = strip.images.start * steps.tiles[1] + strip.rows.start
        return row * steps.tiles[2]

    def reading() -> Callable[[Strip], None]:
        read, scratch = steps.reader(), np.empty(PLACES * largest * channels, dtype)
        return lambda strip: read(strip, v, first(strip), scratch)

    def multiply(place: int) -> None:
        np.matmul(v[place], steps.U[place], out=m[place])

    def writing() -> Callable[[Strip], None]:
        scratch = np.empty(EDGE**2 * largest * out, dtype)
        return lambda strip: steps.write(strip, m, first(strip), scratch)

    run_in_threads(reading, steps.strips)
    run_in_threads(lambda: multiply, range(PLACES))
    run_in_threads(writing, steps.strips)


def _matrices(memory: Array, count: int, rows: int, columns: int) -> Array:
    return memory[: count * rows * columns].reshape(count, rows, columns)


class NumpySteps(Steps):
    """The steps with NumPy, where a transform along both axes is one product of matrices."""

    @property
    def products(self) -> int:
        return PLACES if self.b is None else PLACES + 1

    @cached_property
    def to_outputs(self) -> Array:
        """A, and a column for the bias: a 37th product, which all outputs of a tile get."""
        return A if self.b is None else np.hstack([A, np.ones((EDGE**2, 1), A.dtype)])

    def reader(self) -> Callable[[Strip, Array, int, Array], None]:
        gather = _gatherer(self.x, self.shape(self.strips[0]), self.padding, self.where)

        def read(strip: Strip, v: Array, first: int, scratch: Array) -> None:
            tiles = math.prod(self.shape(strip))
            d = _matrix(scratch, PLACES, tiles * self.channels)
            gather(strip, d.reshape(SEEN, SEEN, *self.shape(strip), self.channels))
            np.matmul(B, d, out=v[:, first : first + tiles].reshape(PLACES, -1))

        return read

    def write(self, strip: Strip, m: Array, first: int, scratch: Array) -> None:
        tiles = math.prod(self.shape(strip))
        own = m[:, first : first + tiles]
        if self.b is not None:
            own[PLACES] = self.b
        y = _matrix(scratch, EDGE**2, tiles * self.out)
        np.matmul(self.to_outputs, own.reshape(self.products, -1), out=y)
        here = strip.images, slice(EDGE * strip.rows.start, EDGE * strip.rows.stop)
        _spread(y.reshape(EDGE, EDGE, *self.shape(strip), self.out), self.z[here], self.relu)
        if self.positive is not None:
            np.greater(self.z[here], 0, out=self.positive[here])


def _matrix(memory: Array, rows: int, columns: int) -> Array:
    return memory[: rows * columns].reshape(rows, columns)


def _gatherer(x: Array, largest: Shape, padding: int, where: Array | None) -> Callable[[Strip, Array], None]:
    """Make a function that writes a strip's tiles, (6, 6, images, rows, columns, channels), at most `largest`."""
    height, width, channels = x.shape[1:]
    images, rows, across = largest
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
    """Write outputs by tiles, (4, 4, images, rows, columns, out), to their place in z (images, height, width, out)."""

    def put(values: Array, place: Array) -> None:
        if relu:
            np.clip(values, 0, np.inf, out=place)
        else:
            np.copyto(place, values)

    down, right = z.shape[1] // EDGE, z.shape[2] // EDGE  # tiles that lie in z entirely
    strides = z.strides
    apart = (strides[1], strides[2], strides[0], EDGE * strides[1], EDGE * strides[2], strides[3])
    put(y[:, :, :, :down, :right], as_strided(z, (EDGE, EDGE, len(z), down, right, z.shape[3]), apart))
    for i, j in product(range(z.shape[1] % EDGE), range(EDGE)):  # the rows of z below those tiles
        below = z[:, EDGE * down + i, j::EDGE]
        put(y[i, j, :, down, : below.shape[1]], below)
    for i, j in product(range(EDGE), range(z.shape[2] % EDGE)):  # and the columns beside them
        put(y[i, j, :, :down, right], z[:, i : EDGE * down : EDGE, EDGE * right + j])
