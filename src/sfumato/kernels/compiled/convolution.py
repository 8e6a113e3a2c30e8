"""Convolution of images, and its two backward passes, by compiled loops and Winograd's tiles.

Which way is taken follows from the shapes alone:

- Filters that Winograd's tiles serve go their way in all three passes. Where `direct` asks for it, windows of zeros are
  looked up afterwards, and get exactly b.
- Small windows, such as 3 x 3 pixels of a grey image, are multiplied by loops over pixels, where the bias, ReLU and its
  mask cost no pass of their own; and so is the gradient of small filters, eight pixels at a time.
- Whatever remains is left to `kernels/convolution.py`.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.kernels import convolution, winograd
from sfumato.kernels.compiled import winograd_gradient
from sfumato.kernels.compiled.compiler import compiled, serves
from sfumato.kernels.compiled.winograd import CompiledSteps, Span, mask
from sfumato.kernels.convolution import Prepared
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.strips import STRIP_BYTES, Strip, cut
from sfumato.kernels.threads import run_in_threads

TERMS, SMALL = 9, 27
"""Entries of a window at most for the loops over pixels, forward and for the filters' gradient."""

LEAST_FILTERS = 32
"""Filters at least for these loops: shorter ones are hardly worth the compiler's vectors."""

MOST_PARTS = 16
"""Partial sums of a filter's gradient at most."""


def convolve(
    x: Array,
    W: Array,
    b: Array,
    geometry: Geometry,
    *,
    relu: bool = False,
    prepared: Prepared = None,
    direct: bool = False,
) -> Array:
    """`convolution.convolve`."""
    if winograd.serves(W.shape, geometry, x.dtype, W.dtype, b.dtype):
        return _by_tiles(x, W, b, geometry, relu=relu, prepared=prepared, direct=direct)
    if serves(x, W, b) and W[0].size <= TERMS and len(W) >= LEAST_FILTERS:
        return _by_pixels(x, W, b, geometry, relu=relu)
    return convolution.convolve(x, W, b, geometry, relu=relu, prepared=prepared, direct=direct)


def convolve_and_rectify(
    x: Array, W: Array, b: Array, geometry: Geometry, *, prepared: Prepared = None, direct: bool = False
) -> tuple[Array, Any]:
    """`convolution.convolve_and_rectify`."""
    positive = np.empty((len(x), *geometry.positions(x.shape[1:3]), len(W)), bool)
    if winograd.serves(W.shape, geometry, x.dtype, W.dtype, b.dtype):
        z = _by_tiles(x, W, b, geometry, relu=True, prepared=prepared, direct=direct, positive=positive)
        return z, positive
    if serves(x, W, b) and W[0].size <= TERMS and len(W) >= LEAST_FILTERS:
        return _by_pixels(x, W, b, geometry, relu=True, positive=positive), positive
    return convolution.convolve_and_rectify(x, W, b, geometry, prepared=prepared, direct=direct)


def input_gradient(
    dz: Array, W: Array, geometry: Geometry, input_shape: Shape, *, where: Any = None, prepared: Prepared = None
) -> Array:
    """`convolution.input_gradient`."""
    if not winograd.serves(W.shape, geometry, dz.dtype, W.dtype):
        return convolution.input_gradient(dz, W, geometry, input_shape, where=where)
    U = winograd.transform_filters(W, turned=True) if prepared is None else prepared[1]
    padding = winograd.FILTER - 1 - geometry.padding
    return winograd.convolve(dz, U, padding=padding, where=where, steps=CompiledSteps)


def filter_gradients(x: Array, dz: Array, geometry: Geometry, *, where: Any = None) -> tuple[Array, Array]:
    """`convolution.filter_gradients`."""
    filters = dz.shape[-1], *geometry.kernel, x.shape[3]
    if len(x) and winograd.serves(filters, geometry, x.dtype, dz.dtype):
        return winograd_gradient.filter_gradients(x, dz, geometry.padding, where)
    if len(x) and serves(x, dz) and math.prod(filters[1:]) <= SMALL and filters[0] >= LEAST_FILTERS:
        return _gradients_by_pixels(x, dz, geometry, where)
    return convolution.filter_gradients(x, dz, geometry, where=where)


def _by_tiles(
    x: Array,
    W: Array,
    b: Array,
    geometry: Geometry,
    *,
    relu: bool,
    prepared: Prepared,
    direct: bool,
    positive: Array | None = None,
) -> Array:
    """Convolve by Winograd's tiles; with `direct`, windows of zeros give exactly b."""
    U = winograd.transform_filters(W) if prepared is None else prepared[0]
    z = winograd.convolve(x, U, b, padding=geometry.padding, relu=relu, positive=positive, steps=CompiledSteps)
    if direct and z.size:
        blank_outputs = np.maximum(b, 0) if relu else b
        images, signs = np.ascontiguousarray(x), mask(positive)
        run_in_threads(lambda: partial(_fill_blank, images, geometry.padding, blank_outputs, z, signs), range(len(x)))
    return z


@compiled
def _fill_blank(x: Array, padding: int, b: Array, z: Array, positive: Array, n: int) -> None:
    """Write b wherever a window of 3 x 3 pixels of image n is zero, and its signs if they are asked for."""
    _, height, width, channels = x.shape
    _, rows, columns, out = z.shape
    blank = np.ones((height + 2 * padding, width + 2 * padding), np.bool_)  # pixels
    for y in range(height):
        for right in range(width):
            pixel, c = x[n, y, right], 0
            while c < channels and pixel[c] == 0:
                c += 1
            blank[y + padding, right + padding] = c == channels
    for u in range(rows):
        for v in range(columns):
            count = 0
            for i in range(3):
                for j in range(3):
                    count += blank[u + i, v + j]
            if count == 9:
                for o in range(out):
                    z[n, u, v, o] = b[o]
                if positive.size > 0:
                    for o in range(out):
                        positive[n, u, v, o] = b[o] > 0


def _by_pixels(x: Array, W: Array, b: Array, geometry: Geometry, *, relu: bool, positive: Array | None = None) -> Array:
    """Convolve by loops over pixels, for small windows."""
    entries, out = W[0].size, len(W)
    filters, offsets = np.zeros((TERMS, out), W.dtype), np.zeros(TERMS, np.int64)  # filled up with zeros
    filters[:entries], offsets[:entries] = W.reshape(out, -1).T, _offsets(geometry, x.shape)
    z = np.empty((len(x), *geometry.positions(x.shape[1:3]), out), x.dtype)
    lines, images = z.reshape(*z.shape[:2], z.shape[2] * out), np.ascontiguousarray(x)
    signs = np.empty((0, 0, 0), bool) if positive is None else positive.reshape(lines.shape)

    def convolve_strip(strip: Strip) -> None:
        part = (strip.images.start, strip.images.stop), (strip.rows.start, strip.rows.stop)
        _convolve_pixels(images, offsets, filters, b, geometry, relu, part, lines, signs)

    run_in_threads(lambda: convolve_strip, cut(z.shape[:3], STRIP_BYTES // (out * z.itemsize)))
    return z


def _gradients_by_pixels(x: Array, dz: Array, geometry: Geometry, where: Array | None) -> tuple[Array, Array]:
    """Gradients of the filters and biases by loops over pixels, for small windows."""
    n, out = len(x), dz.shape[3]
    offsets = _offsets(geometry, x.shape)
    images, gradients = np.ascontiguousarray(x), np.ascontiguousarray(dz).reshape(*dz.shape[:2], -1)
    counts = mask(where)
    counts = counts.reshape(*counts.shape[:2], -1)
    parts = min(n, MOST_PARTS)

    def sums() -> Callable[[int], tuple[Array, Array]]:
        def part(number: int) -> tuple[Array, Array]:
            dW, db = np.zeros((len(offsets), out), dz.dtype), np.zeros(out, dz.dtype)
            span = (n * number // parts, n * (number + 1) // parts)
            _add_pixels(images, offsets, gradients, counts, geometry, span, dW, db)
            return dW, db

        return part

    dW, db = (sum(terms[1:], terms[0]) for terms in zip(*run_in_threads(sums, range(parts)), strict=True))
    return np.ascontiguousarray(dW.T).reshape(out, *geometry.kernel, x.shape[3]), db


def _offsets(geometry: Geometry, images: Shape) -> Array:
    """Places of a window's entries in a padded image that is written as a vector, beside the first."""
    width, channels = images[2] + 2 * geometry.padding, images[3]
    entries = product(range(geometry.kernel[0]), range(geometry.kernel[1]), range(channels))
    return np.array([(i * width + j) * channels + c for i, j, c in entries], np.int64)


@compiled
def _write_pixels(x: Array, padding: int, top: int, pixels: Array) -> None:
    """Write an image, from row `top` on, to memory that has zeros around it: rows of the padded image as a vector."""
    height, width, channels = x.shape
    line = (width + 2 * padding) * channels
    for y in range(max(0, top), min(height, top + pixels.size // line)):
        place = (y - top) * line + padding * channels
        for right in range(width):
            for c in range(channels):
                pixels[place] = x[y, right, c]
                place += 1


@compiled
def _convolve_pixels(
    x: Array,
    offsets: Array,
    W: Array,
    b: Array,
    geometry: Geometry,
    relu: bool,
    part: tuple[Span, Span],
    z: Array,
    positive: Array,
) -> None:
    """Write z, (n, rows, columns x out), for a part: some rows of some images; W is (9, out)."""
    images, rows = part
    kernel, stride, padding = geometry
    width, channels, out = x.shape[2], x.shape[3], b.size
    line = (width + 2 * padding) * channels
    pixels = np.zeros(((rows[1] - rows[0] - 1) * stride + kernel[0]) * line, x.dtype)  # of the padded image
    sums, zero = np.empty(out, x.dtype), x.dtype.type(0.0)
    top = rows[0] * stride - padding
    o0, o1, o2, o3, o4 = offsets[0], offsets[1], offsets[2], offsets[3], offsets[4]
    o5, o6, o7, o8 = offsets[5], offsets[6], offsets[7], offsets[8]
    W0, W1, W2, W3, W4, W5, W6, W7, W8 = W[0], W[1], W[2], W[3], W[4], W[5], W[6], W[7], W[8]
    for n in range(images[0], images[1]):
        _write_pixels(x[n], padding, top, pixels)
        for u in range(rows[0], rows[1]):
            for v in range(z.shape[2] // out):
                p = (u - rows[0]) * stride * line + v * stride * channels
                x0, x1, x2, x3, x4 = pixels[p + o0], pixels[p + o1], pixels[p + o2], pixels[p + o3], pixels[p + o4]
                x5, x6, x7, x8 = pixels[p + o5], pixels[p + o6], pixels[p + o7], pixels[p + o8]
                for o in range(out):
                    half = b[o] + x0 * W0[o] + x1 * W1[o] + x2 * W2[o] + x3 * W3[o]
                    sums[o] = half + x4 * W4[o] + x5 * W5[o] + x6 * W6[o] + x7 * W7[o] + x8 * W8[o]
                own = z[n, u, v * out : (v + 1) * out]
                for o in range(out):
                    own[o] = sums[o]
            own = z[n, u]
            if relu:
                for k in range(own.size):
                    own[k] = zero if own[k] < zero else own[k]
            if positive.size > 0:
                signs = positive[n, u]
                for k in range(own.size):
                    signs[k] = own[k] > zero


@compiled
def _add_pixels(
    x: Array,
    offsets: Array,
    dz: Array,
    where: Array,
    geometry: Geometry,
    images: Span,
    dW: Array,
    db: Array,
) -> None:
    """Add up the gradients of the filters, dW (entries, out), and of the biases over some images.

    dz and `where` are (n, rows, columns x out); if `where` is empty, all entries count.
    """
    _, stride, padding = geometry
    _, height, width, channels = x.shape
    rows, out = dz.shape[1], db.size
    size, step = dz.shape[2], stride * channels
    line = (width + 2 * padding) * channels
    pixels = np.zeros((height + 2 * padding) * line + 8 * step, x.dtype)  # of the padded image, and some beyond
    own, total = np.zeros(size + 7 * out, dz.dtype), np.zeros(size, dz.dtype)
    dy, masked, zero = own.reshape(-1, out), where.size > 0, dz.dtype.type(0.0)
    for n in range(images[0], images[1]):
        _write_pixels(x[n], padding, -padding, pixels)
        for u in range(rows):
            if masked:
                for k in range(size):
                    own[k] = dz[n, u, k] if where[n, u, k] else zero
            else:
                for k in range(size):
                    own[k] = dz[n, u, k]
            for k in range(size):
                total[k] += own[k]
            for v in range(0, size // out, 8):
                d0, d1, d2, d3 = dy[v], dy[v + 1], dy[v + 2], dy[v + 3]
                d4, d5, d6, d7 = dy[v + 4], dy[v + 5], dy[v + 6], dy[v + 7]
                for entry in range(offsets.size):
                    p = u * stride * line + v * step + offsets[entry]
                    x0, x1, x2, x3 = pixels[p], pixels[p + step], pixels[p + 2 * step], pixels[p + 3 * step]
                    x4, x5 = pixels[p + 4 * step], pixels[p + 5 * step]
                    x6, x7 = pixels[p + 6 * step], pixels[p + 7 * step]
                    gradient = dW[entry]
                    for o in range(out):
                        half = x0 * d0[o] + x1 * d1[o] + x2 * d2[o] + x3 * d3[o]
                        gradient[o] += half + x4 * d4[o] + x5 * d5[o] + x6 * d6[o] + x7 * d7[o]
    for start in range(0, size, out):
        for o in range(out):
            db[o] += total[start + o]
