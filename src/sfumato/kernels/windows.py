"""The windows of images as rows of a matrix, written strip by strip into memory that stays in the cache."""

import math
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sfumato.arrays import Array, Shape
from sfumato.kernels.strips import STRIP_BYTES, Strip, cut

STRIP_WINDOWS = 512
"""Windows in a strip at least: with fewer, a product would spend its time on reading the filters."""

SHORT = 32
"""Entries of a window's row below which windows are written one entry at a time: copying so few at once is slow."""


class Windows:
    """Windows of images as rows of a matrix, strip by strip.

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
        """Cut the output into strips, by shapes alone."""
        most = max(STRIP_WINDOWS, STRIP_BYTES // (self.entries * self.x.itemsize))
        return cut((len(self.x), *self.positions), most)

    def writer(self) -> Callable[[Strip], Array]:
        """Make a function that writes a strip's windows, (windows, entries), into memory that it uses again."""
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
        """Number of pixels of the padded image that so many positions see."""
        return (positions - 1) * self.stride + self.kernel[axis]

    def _pixels(self, strip: Strip, memory: Array) -> Array:
        """Part of the padded image under a strip's windows: a view of the image itself, or written to `memory`."""
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
        """View of the windows of `pixels`, (images, rows, columns, *kernel, channels)."""
        image, down, across, channel = pixels.strides
        strides = (image, self.stride * down, self.stride * across, down, across, channel)
        return as_strided(pixels, (*shape, *self.kernel, self.channels), strides)
