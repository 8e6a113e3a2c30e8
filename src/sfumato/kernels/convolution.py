"""Convolution of images, and its two backward passes, as matrix products over strips.

Images are n x height x width x channels, filters out x height x width x channels. Under every position of the filters
lies a window of the padded image. Written as rows of a matrix, the windows turn the convolution into one product with
the filters; but they hold every number as often as a filter has entries. So they are written strip by strip, each small
enough to stay in the cache: a few rows of one image's output, or a few whole images where those are small.

For filters of 3 x 3 in float32 there is a faster way to the same sums, in `winograd.py`; this one serves all. Tensors
of PyTorch's go to its own kernels (`tensors.py`).
"""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sfumato.arrays import Array, Shape
from sfumato.kernels import tensors, winograd
from sfumato.kernels.strips import STRIP_BYTES, Strip, cut
from sfumato.kernels.threads import run_in_threads

STRIP_WINDOWS = 512
"""Windows in a strip at least: with fewer, a product would spend its time on reading the filters."""

GRADIENT_BYTES = 2**25
"""About what the partial sums of a filter's gradient take at most."""

MOST_PARTS = 16
"""Partial sums of a filter's gradient at most."""

Prepared = tuple[Array, Array] | None
"""Filters as their kernel takes them, for the forward and for the backward pass; None: as they are."""

FEW = 4
"""Channels up to which the gradient of images is added up from products of the filters."""

WORTH_KEEPING = 2**20
"""Entries of filters below which they are prepared anew each time."""

SHORT = 32
"""Entries of a window's row below which windows are written one entry at a time: copying so few at once is slow."""


def convolve(
    x: Array,
    W: Array,
    b: Array,
    *,
    stride: int,
    padding: int,
    relu: bool = False,
    positive: Array | None = None,
    prepared: Prepared = None,
    direct: bool = False,
) -> Array:
    """Z, (n, rows, columns, out), for images x (n, height, width, channels); max(Z, 0) with `relu`.

        Z[n, u, v, o] = b[o] + sum_ijc x[n, stride u + i - padding, stride v + j - padding, c] W[o, i, j, c]

    where x is zero beyond its edges. The windows fit entirely into the padded image. `positive`, if given, are booleans
    of Z's shape to fill in: where Z > 0. `prepared` is what `prepare` made of these filters, if it did. With `direct`,
    a window of zeros gives exactly b.
    """
    if not isinstance(x, np.ndarray):
        return tensors.convolve(x, W, b, stride, padding, relu=relu)
    if not direct and winograd.serves(x, W, stride, padding):
        U = winograd.transform_filters(W) if prepared is None else prepared[0]
        return winograd.convolve(x, U, b, padding=padding, relu=relu, positive=positive)
    height, width = (output_size(x.shape[1 + axis], W.shape[1 + axis], stride, padding) for axis in (0, 1))
    windows = Windows(x, W.shape[1:3], (height, width), stride=stride, padding=(padding, padding))
    return _multiply(windows, W.reshape(len(W), -1).T, b, relu, positive)


def convolve_and_rectify(
    x: Array, W: Array, b: Array, *, stride: int, padding: int, prepared: Prepared = None, direct: bool = False
) -> tuple[Array, Array]:
    """max(Z, 0), and what the backward pass takes as `where`: booleans of where Z > 0; of a tensor, that itself."""
    how: Any = {"stride": stride, "padding": padding, "prepared": prepared, "direct": direct}
    if not isinstance(x, np.ndarray):
        z = convolve(x, W, b, relu=True, **how)
        return z, z
    rows, columns = (output_size(x.shape[1 + axis], W.shape[1 + axis], stride, padding) for axis in (0, 1))
    positive = np.empty((len(x), rows, columns, len(W)), bool)
    return convolve(x, W, b, relu=True, positive=positive, **how), positive


def prepare(W: Array, stride: int, padding: int) -> Prepared:
    """What convolving with these filters, and its backward pass to the inputs, begin with, to be kept for many calls.

    None where there is nothing, or where the filters are so small that it takes next to no time.
    """
    if not isinstance(W, np.ndarray) or not winograd.serves(W, W, stride, padding) or W.size < WORTH_KEEPING:
        return None
    return winograd.transform_filters(W), winograd.transform_filters(W, turned=True)


def input_gradient(
    dz: Array,
    W: Array,
    *,
    stride: int,
    padding: int,
    input_shape: Shape,
    where: Array | None = None,
    prepared: Prepared = None,
) -> Array:
    """dL/dx, of `input_shape` (n, height, width, channels), for dz = dL/dZ; with `where`, dz is zero elsewhere.

    Derivation. Input row y reaches output row u through filter row i = y + padding - stride u, and columns likewise, so

        dx[y] = sum_ui dz[u] W[i],    over all u and i with stride u + i = y + padding

    Spread dz out, with stride - 1 zeros between its entries: D[stride u] = dz[u], 0 elsewhere. And count the filter's
    rows from its end, i = k - 1 - i'. Then

        dx[y] = sum_i' D[y + i' - (k - 1 - padding)] W[k - 1 - i']

    which is again a convolution: of D, padded by k - 1 - padding (cropped, where that is negative), with stride 1 and
    with the filters turned by 180 degrees, their inputs and outputs exchanged. Input rows below the last window find
    only zeros, and get a gradient of zero.
    """
    if not isinstance(dz, np.ndarray):
        return tensors.input_gradient(dz, W, stride, padding, input_shape, where)
    if winograd.serves(dz, W, stride, padding):
        U = winograd.transform_filters(W, turned=True) if prepared is None else prepared[1]
        return winograd.convolve(dz, U, padding=winograd.FILTER - 1 - padding, where=where)
    if stride == 1 and W.shape[3] <= FEW:
        return _gradient_of_few(dz, W, padding, input_shape, where)
    kernel = W.shape[1:3]
    turned = np.ascontiguousarray(W[:, ::-1, ::-1].transpose(1, 2, 0, 3)).reshape(-1, W.shape[3])
    padded = (kernel[0] - 1 - padding, kernel[1] - 1 - padding)
    windows = Windows(dz, kernel, input_shape[1:3], padding=padded, spread=stride, where=where)
    return _multiply(windows, turned)


def filter_gradients(
    x: Array, dz: Array, kernel: Shape, *, stride: int, padding: int, where: Array | None = None
) -> tuple[Array, Array]:
    """dL/dW, (out, *kernel, channels), and dL/db, (out,), for dz = dL/dZ; with `where`, dz is zero elsewhere.

    Derivation. W[o, i, j, c] is used once at every position of every image, and so is b[o]:

        dW[o, i, j, c] = sum_nuv dz[n, u, v, o] x[n, stride u + i - padding, stride v + j - padding, c]
        db[o] = sum_nuv dz[n, u, v, o]

    With windows P, a row for each position, this is dW = dZ^T P: the products of the strips are added up, in parts that
    follow from the shapes alone.
    """
    if not isinstance(x, np.ndarray):
        return tensors.filter_gradients(x, dz, kernel, stride, padding, where)
    out = dz.shape[-1]
    windows = Windows(x, kernel, dz.shape[1:3], stride=stride, padding=(padding, padding))
    strips = windows.strips()
    if not strips:  # no images, as in an empty batch: the sums have no terms
        return np.zeros((out, *kernel, x.shape[3]), dz.dtype), np.zeros(out, dz.dtype)
    parts = min(len(strips), MOST_PARTS, max(1, GRADIENT_BYTES // (out * windows.entries * dz.itemsize)))
    per_part = -(-len(strips) // parts)

    def add_up() -> Callable[[list[Strip]], tuple[Array, Array]]:
        write = windows.writer()
        product = np.empty((out, windows.entries), dz.dtype)

        def part(mine: list[Strip]) -> tuple[Array, Array]:
            dW, db = np.zeros_like(product), np.zeros(out, dz.dtype)
            for strip in mine:
                own = (dz[strip] if where is None else dz[strip] * where[strip]).reshape(-1, out)
                dW += np.matmul(own.T, write(strip), out=product)
                db += own.sum(axis=0)
            return dW, db

        return part

    sums = run_in_threads(add_up, [strips[start : start + per_part] for start in range(0, len(strips), per_part)])
    dW, db = sums[0]
    for more_W, more_b in sums[1:]:
        dW += more_W
        db += more_b
    return dW.reshape(out, *kernel, -1), db


def _gradient_of_few(dz: Array, W: Array, padding: int, input_shape: Shape, where: Array | None) -> Array:
    """`input_gradient` for images of few channels, such as a picture's three, and stride 1.

    Windows of dz would hold far more numbers than come out. So the filters go first, P_ij[u] = dz[u] W[i, j], an image
    for each entry of the filters and each channel, and these are added up: dx[y] = sum_ij P_ij[y + padding - i].
    """
    out, h, w, channels = W.shape
    n, height, width, _ = input_shape
    dx: Array = np.empty(input_shape, dz.dtype)
    columns, filters = dz.shape[2], W.reshape(out, -1).T

    def add_up(strip: Strip) -> None:
        start, stop = strip.rows.start, strip.rows.stop
        first, last = max(0, start + padding - h + 1), min(dz.shape[1], stop + padding)  # rows of dz that reach these
        for image in range(strip.images.start, strip.images.stop):
            own = dz[image, first:last] if where is None else dz[image, first:last] * where[image, first:last]
            P = (filters @ own.reshape(-1, out).T).reshape(h, w, channels, last - first, columns)
            total = np.zeros((channels, last - first + h - 1, columns + w - 1), dz.dtype)  # of the padded image
            for i, j in product(range(h), range(w)):
                total[:, i : i + last - first, j : j + columns] += P[i, j]
            here = slice(start + padding - first, stop + padding - first)
            dx[image, strip.rows] = total[:, here, padding : padding + width].transpose(1, 2, 0)

    run_in_threads(lambda: add_up, cut((n, height, width), max(STRIP_WINDOWS, STRIP_BYTES // (out * dz.itemsize))))
    return dx


def output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    """How many windows fit along an axis of `size`; below 1 if none does."""
    return (size + 2 * padding - kernel) // stride + 1


def _multiply(
    windows: "Windows", filters: Array, b: Array | None = None, relu: bool = False, positive: Array | None = None
) -> Array:
    """Every window times every filter, (entries, out)."""
    out = filters.shape[1]
    z: Array = np.empty((len(windows.x), *windows.positions, out), np.result_type(windows.x, filters))

    def multiply() -> Callable[[Strip], None]:
        write = windows.writer()

        def strip_of_z(strip: Strip) -> None:
            part = z[strip].reshape(-1, out)
            np.matmul(write(strip), filters, out=part)
            if b is not None:
                part += b
            if relu:
                np.clip(part, 0, np.inf, out=part)
            if positive is not None:
                np.greater(part, 0, out=positive[strip].reshape(-1, out))

        return strip_of_z

    run_in_threads(multiply, windows.strips())
    return z


class Windows:
    """The windows of images as rows of a matrix, strip by strip.

    Args:
        x: Images, (n, height, width, channels).
        kernel: Height and width of a window.
        positions: How many windows there are down and across.
        stride: Pixels from window to window.
        padding: Zeros above and to the left of the image; a negative number crops. Below and to the right there are as
            many as the windows need.
        spread: Pixels of the image are taken so far apart, with zeros in between.
        where: Booleans shaped like x: whether an entry counts, or is taken as zero.

    Attributes:
        entries: Numbers in a window.
    """

    def __init__(
        self,
        x: Array,
        kernel: Shape,
        positions: Shape,
        *,
        padding: Shape,
        stride: int = 1,
        spread: int = 1,
        where: Array | None = None,
    ) -> None:
        self.x, self.kernel, self.positions, self.where = x, kernel, positions, where
        self.stride, self.padding, self.spread = stride, padding, spread
        self.channels = x.shape[3]
        self.entries = kernel[0] * kernel[1] * self.channels

    def strips(self) -> list[Strip]:
        """The output cut into strips, by shapes alone."""
        most = max(STRIP_WINDOWS, STRIP_BYTES // (self.entries * self.x.itemsize))
        return cut((len(self.x), *self.positions), most)

    def writer(self) -> Callable[[Strip], Array]:
        """A function that gives a strip's windows, (windows, entries), in memory that it uses again."""
        largest = self.strips()[0]
        count, rows, columns = largest.images.stop, largest.rows.stop, self.positions[1]
        memory = np.empty(count * rows * columns * self.entries, self.x.dtype)
        band = np.empty(count * self._reach(0, rows) * self._reach(1, columns) * self.channels, self.x.dtype)

        def write(strip: Strip) -> Array:
            pixels = self._pixels(strip, band)
            shape = (len(pixels), strip.rows.stop - strip.rows.start, columns)
            if self.kernel == (1, 1) and self.stride == 1:
                return pixels.reshape(-1, self.channels)
            into = memory[: math.prod(shape) * self.entries]
            if self.kernel[1] * self.channels < SHORT:
                matrix = into.reshape(self.entries, -1).T
            else:
                matrix = into.reshape(-1, self.entries)
            np.copyto(matrix.reshape(*shape, *self.kernel, self.channels), self._sliding(pixels, shape))
            return matrix

        return write

    def _reach(self, axis: int, positions: int) -> int:
        """Pixels of the padded image that so many positions see."""
        return (positions - 1) * self.stride + self.kernel[axis]

    def _pixels(self, strip: Strip, memory: Array) -> Array:
        """What the strip's windows see of the padded image: a part of the image itself, or written to `memory`."""
        step = self.spread
        begin = (strip.rows.start * self.stride - self.padding[0], -self.padding[1])
        size = (self._reach(0, strip.rows.stop - strip.rows.start), self._reach(1, self.positions[1]))
        # From which row and column of x on, up to which, and where they come to lie
        first = [max(0, -(-start // step)) for start in begin]
        last = [max(first[a], -(-(begin[a] + size[a]) // step)) for a in (0, 1)]
        seen = (strip.images, slice(first[0], last[0]), slice(first[1], last[1]))
        x = self.x[seen]
        if x.shape[1:3] == size and self.where is None:
            return x
        pixels = memory[: len(x) * size[0] * size[1] * self.channels].reshape(len(x), *size, self.channels)
        pixels.fill(0)
        if x.size:
            down, across = (first[a] * step - begin[a] for a in (0, 1))
            into = pixels[:, down::step, across::step][:, : x.shape[1], : x.shape[2]]
            np.multiply(x, True if self.where is None else self.where[seen], out=into)
        return pixels

    def _sliding(self, pixels: Array, shape: Shape) -> Array:
        """The windows of `pixels` as a view, (images, rows, columns, *kernel, channels)."""
        image, down, across, channel = pixels.strides
        strides = (image, self.stride * down, self.stride * across, down, across, channel)
        return as_strided(pixels, (*shape, *self.kernel, self.channels), strides)
