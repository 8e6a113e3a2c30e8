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
        blank = np.ones([size + 2 * geometry.padding for size in x.shape[1:3]], bool)
        run_in_threads(
            lambda: partial(_fill_blank, images, geometry.padding, blank_outputs, z, signs, blank.copy()), range(len(x))
        )
    return z


@compiled
def _fill_blank(x: Array, padding: int, b: Array, z: Array, positive: Array, blank: Array, n: int) -> None:
    """Write b wherever a window of 3 x 3 pixels of image n is zero, and its signs if they are asked for.

    `blank` has room for whether a pixel of the padded image is zero; it says so of those around the image.
    """
    _, height, width, channels = x.shape
    _, rows, columns, out = z.shape
    for y in range(height):
        for right in range(width):
            c = 0
            while c < channels and x[n, y, right, c] == 0:
                c += 1
            blank[y + padding, right + padding] = c == channels
    for u in range(rows):
        for v in range(columns):
            count = 0
            for place in range(9):
                count += blank[u + place // 3, v + place % 3]
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
    lines, images = z.reshape(*z.shape[:2], z.shape[2] * out), _padded(x, geometry)
    signs = np.empty((0, 0, 0), bool) if positive is None else positive.reshape(lines.shape)
    steps = _steps(geometry, x.shape)

    def convolve_strip(strip: Strip) -> None:
        part = (strip.images.start, strip.images.stop), (strip.rows.start, strip.rows.stop)
        _convolve_pixels(images, offsets, filters, b, steps, relu, part, lines, signs)

    run_in_threads(lambda: convolve_strip, cut(z.shape[:3], STRIP_BYTES // (out * z.itemsize)))
    return z


def _gradients_by_pixels(x: Array, dz: Array, geometry: Geometry, where: Array | None) -> tuple[Array, Array]:
    """Gradients of the filters and biases by loops over pixels, for small windows."""
    n, out = len(x), dz.shape[3]
    offsets, steps = _offsets(geometry, x.shape), _steps(geometry, x.shape)
    images, gradients = _padded(x, geometry), np.ascontiguousarray(dz).reshape(*dz.shape[:2], -1)
    counts = mask(where)
    counts = counts.reshape(*counts.shape[:2], -1)
    parts = min(n, MOST_PARTS)

    def sums() -> Callable[[int], tuple[Array, Array]]:
        def part(number: int) -> tuple[Array, Array]:
            dW, db = np.zeros((len(offsets), out), dz.dtype), np.zeros(out, dz.dtype)
            span = (n * number // parts, n * (number + 1) // parts)
            _add_pixels(images, offsets, gradients, counts, steps, span, dW, db)
            return dW, db

        return part

    dW, db = (sum(terms[1:], terms[0]) for terms in zip(*run_in_threads(sums, range(parts)), strict=True))
    return np.ascontiguousarray(dW.T).reshape(out, *geometry.kernel, x.shape[3]), db


def _padded(x: Array, geometry: Geometry) -> Array:
    """Images with zeros around them, each written as a vector: with zeros behind it for eight windows more."""
    n, height, width, channels = x.shape
    across, down = width + 2 * geometry.padding, height + 2 * geometry.padding
    padded = np.zeros((n, down * across * channels + 8 * geometry.stride * channels), x.dtype)
    inside = padded[:, : down * across * channels].reshape(n, down, across, channels)
    inside[:, geometry.padding : down - geometry.padding, geometry.padding : across - geometry.padding] = x
    return padded


def _steps(geometry: Geometry, images: Shape) -> tuple[int, int]:
    """Numbers of a padded image, written as a vector, from a window to that below it and to that beside it."""
    width, channels = images[2] + 2 * geometry.padding, images[3]
    return geometry.stride * width * channels, geometry.stride * channels


def _offsets(geometry: Geometry, images: Shape) -> Array:
    """Places of a window's entries in a padded image that is written as a vector, beside the first."""
    width, channels = images[2] + 2 * geometry.padding, images[3]
    entries = product(range(geometry.kernel[0]), range(geometry.kernel[1]), range(channels))
    return np.array([(i * width + j) * channels + c for i, j, c in entries], np.int64)


@compiled
def _convolve_pixels(
    x: Array,
    offsets: Array,
    W: Array,
    b: Array,
    steps: tuple[int, int],
    relu: bool,
    part: tuple[Span, Span],
    z: Array,
    positive: Array,
) -> None:
    """Write z, (n, rows, columns x out), for a part: some rows of some images; W is (9, out), x as `_padded` has it."""
    images, rows = part
    out = b.size
    sums, zero = np.empty(out, x.dtype), x.dtype.type(0.0)
    for n in range(images[0], images[1]):
        for u in range(rows[0], rows[1]):
            for v in range(z.shape[2] // out):
                p, place = u * steps[0] + v * steps[1], np.uintp(v * out)
                x0, x1, x2 = x[n, p + offsets[0]], x[n, p + offsets[1]], x[n, p + offsets[2]]
                x3, x4, x5 = x[n, p + offsets[3]], x[n, p + offsets[4]], x[n, p + offsets[5]]
                x6, x7, x8 = x[n, p + offsets[6]], x[n, p + offsets[7]], x[n, p + offsets[8]]
                for o in range(out):
                    half = b[o] + x0 * W[0, o] + x1 * W[1, o] + x2 * W[2, o] + x3 * W[3, o]
                    sums[o] = half + x4 * W[4, o] + x5 * W[5, o] + x6 * W[6, o] + x7 * W[7, o] + x8 * W[8, o]
                for o in range(np.uintp(out)):
                    z[n, u, place + o] = zero if relu and sums[o] < zero else sums[o]
            if positive.size > 0:
                for k in range(z.shape[2]):
                    positive[n, u, k] = z[n, u, k] > zero


@compiled
def _add_pixels(
    x: Array,
    offsets: Array,
    dz: Array,
    where: Array,
    steps: tuple[int, int],
    images: Span,
    dW: Array,
    db: Array,
) -> None:
    """Add up the gradients of the filters, dW (entries, out), and of the biases over some images, as `_padded` has x.

    dz and `where` are (n, rows, columns x out); if `where` is empty, all entries count.
    """
    down, step = steps
    size, out, filters = dz.shape[2], db.size, np.uintp(db.size)
    own, total = np.zeros(size + 7 * out, dz.dtype), np.zeros(size, dz.dtype)
    masked, zero = where.size > 0, dz.dtype.type(0.0)
    for n in range(images[0], images[1]):
        for u in range(dz.shape[1]):
            if masked:
                for k in range(size):
                    own[k] = dz[n, u, k] if where[n, u, k] else zero
            else:
                for k in range(size):
                    own[k] = dz[n, u, k]
            for k in range(size):
                total[k] += own[k]
            for v in range(0, size // out, 8):
                k0, k1, k2 = np.uintp(v * out), np.uintp((v + 1) * out), np.uintp((v + 2) * out)
                k3, k4, k5 = np.uintp((v + 3) * out), np.uintp((v + 4) * out), np.uintp((v + 5) * out)
                k6, k7 = np.uintp((v + 6) * out), np.uintp((v + 7) * out)
                for entry in range(offsets.size):
                    p = u * down + v * step + offsets[entry]
                    x0, x1, x2, x3 = x[n, p], x[n, p + step], x[n, p + 2 * step], x[n, p + 3 * step]
                    x4, x5, x6, x7 = x[n, p + 4 * step], x[n, p + 5 * step], x[n, p + 6 * step], x[n, p + 7 * step]
                    for o in range(filters):
                        half = x0 * own[k0 + o] + x1 * own[k1 + o] + x2 * own[k2 + o] + x3 * own[k3 + o]
                        rest = half + x4 * own[k4 + o] + x5 * own[k5 + o] + x6 * own[k6 + o] + x7 * own[k7 + o]
                        dW[entry, o] += rest
    for start in range(0, size, out):
        for o in range(out):
            db[o] += total[start + o]
