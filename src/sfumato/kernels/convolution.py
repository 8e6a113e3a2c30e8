"""Convolution of images, and its two backward passes, as matrix products over strips.

Images are n x height x width x channels, filters out x height x width x channels. Under every position of the filters
lies a window of the padded image. Written as rows of a matrix, the windows turn the convolution into one product with
the filters; but they hold every number as often as a filter has entries. So they are written strip by strip, each small
enough to stay in the cache: a few rows of one image's output, or a few whole images where those are small.

For filters of 3 x 3 in float32 there is a faster way to the same sums, in `winograd.py`; this one serves all. Tensors
of PyTorch's go to the kernels that it brings.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.kernels import winograd
from sfumato.kernels.channels_last import channels_last, channels_second
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.relu import torch_masked
from sfumato.kernels.strips import STRIP_BYTES, Strip, cut
from sfumato.kernels.threads import run_in_threads
from sfumato.kernels.windows import STRIP_WINDOWS, Windows

GRADIENT_BYTES = 2**25
"""Bytes that the partial sums of a filter's gradient take at most, roughly."""

MOST_PARTS = 16
"""Partial sums of a filter's gradient at most."""

Prepared = tuple[Array, Array] | None
"""Filters transformed for the forward and for the backward pass; None where a kernel takes them as they are."""

FEW = 4
"""Channels at most of images whose gradient is added up from products of the filters."""

WORTH_KEEPING = 2**20
"""Entries of filters below which they are transformed anew each time."""


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
    """Convolve images x (n, height, width, channels): Z, (n, rows, columns, out); max(Z, 0) with `relu`.

        Z[n, u, v, o] = b[o] + sum_ijc x[n, stride u + i - padding, stride v + j - padding, c] W[o, i, j, c]

    where x is zero beyond its edges. The windows fit entirely into the padded image. `prepared` is the result of
    `prepare` for these filters, if it is at hand. With `direct`, a window of zeros gives exactly b.
    """
    return _convolve(x, W, b, geometry, relu, prepared, direct)


def convolve_and_rectify(
    x: Array, W: Array, b: Array, geometry: Geometry, *, prepared: Prepared = None, direct: bool = False
) -> tuple[Array, Any]:
    """Return max(Z, 0), as `convolve` does, and the mask for the backward pass: booleans of where Z > 0."""
    positive = np.empty((len(x), *geometry.positions(x.shape[1:3]), len(W)), bool)
    return _convolve(x, W, b, geometry, True, prepared, direct, positive), positive


def _convolve(
    x: Array,
    W: Array,
    b: Array,
    geometry: Geometry,
    relu: bool,
    prepared: Prepared,
    direct: bool,
    positive: Array | None = None,
) -> Array:
    """`convolve`, filling in `positive`, if given, with whether Z > 0."""
    padding = geometry.padding
    if not direct and winograd.serves(W.shape, geometry, x.dtype, W.dtype):
        U = winograd.transform_filters(W) if prepared is None else prepared[0]
        return winograd.convolve(x, U, b, padding=padding, relu=relu, positive=positive)
    positions = geometry.positions(x.shape[1:3])
    windows = Windows(x, geometry.kernel, positions, stride=geometry.stride, padding=(padding, padding))
    return _multiply(windows, W.reshape(len(W), -1).T, b, relu, positive)


def prepare(W: Array, geometry: Geometry) -> Prepared:
    """Precompute transformed filters, for convolutions whose filters are frozen.

    None where no kernel transforms these filters, or where they are so small that it takes next to no time.
    """
    if W.size < WORTH_KEEPING or not winograd.serves(W.shape, geometry, W.dtype):
        return None
    U = winograd.transform_filters(W)
    return U, winograd.turned_view(U)


def input_gradient(
    dz: Array, W: Array, geometry: Geometry, input_shape: Shape, *, where: Any = None, prepared: Prepared = None
) -> Array:
    """Backward pass of `convolve` to the inputs: dL/dx, of `input_shape` (n, height, width, channels), for dz = dL/dZ.

    With `where`, the mask of `convolve_and_rectify`, dz counts as zero elsewhere.

    Derivation. Input row y reaches output row u through filter row i = y + padding - stride u, and columns likewise, so

        dx[y] = sum_ui dz[u] W[i],    over all u and i with stride u + i = y + padding

    Spread dz out, with stride - 1 zeros between its entries: D[stride u] = dz[u], 0 elsewhere. And count the filter's
    rows from its end, i = k - 1 - i'. Then

        dx[y] = sum_i' D[y + i' - (k - 1 - padding)] W[k - 1 - i']

    which is again a convolution: of D, padded by k - 1 - padding (cropped, where that is negative), with stride 1 and
    with the filters turned by 180 degrees, their inputs and outputs exchanged. Input rows below the last window find
    only zeros, and get a gradient of zero.
    """
    kernel, stride, padding = geometry
    if winograd.serves(W.shape, geometry, dz.dtype, W.dtype):
        U = winograd.transform_filters(W, turned=True) if prepared is None else prepared[1]
        return winograd.convolve(dz, U, padding=winograd.FILTER - 1 - padding, where=where)
    if stride == 1 and W.shape[3] <= FEW:
        return _gradient_of_few(dz, W, padding, input_shape, where)
    turned = np.ascontiguousarray(W[:, ::-1, ::-1].transpose(1, 2, 0, 3)).reshape(-1, W.shape[3])
    padded = (kernel[0] - 1 - padding, kernel[1] - 1 - padding)
    windows = Windows(dz, kernel, input_shape[1:3], padding=padded, spread=stride, where=where)
    return _multiply(windows, turned)


def filter_gradients(x: Array, dz: Array, geometry: Geometry, *, where: Any = None) -> tuple[Array, Array]:
    """Backward pass of `convolve` to the filters: dL/dW, (out, *kernel, channels), and dL/db, (out,), for dz = dL/dZ.

    With `where`, the mask of `convolve_and_rectify`, dz counts as zero elsewhere.

    Derivation. W[o, i, j, c] is used once at every position of every image, and so is b[o]:

        dW[o, i, j, c] = sum_nuv dz[n, u, v, o] x[n, stride u + i - padding, stride v + j - padding, c]
        db[o] = sum_nuv dz[n, u, v, o]

    With windows P, a row for each position, this is dW = dZ^T P: the products of the strips are added up, in parts that
    follow from the shapes alone.
    """
    kernel, stride, padding = geometry
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
    """Backward pass to images of few channels, such as a picture's three, for stride 1.

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


def _multiply(
    windows: Windows, filters: Array, b: Array | None = None, relu: bool = False, positive: Array | None = None
) -> Array:
    """Product of every window and every filter, (entries, out)."""
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


def torch_convolve(
    x: Any,
    W: Any,
    b: Any,
    geometry: Geometry,
    *,
    relu: bool = False,
    prepared: Prepared = None,
    direct: bool = False,
) -> Array:
    """`convolve` of tensors, in the precision of the filters."""
    import torch

    images, filters = channels_second(_as(x, W)), channels_second(W)
    if relu and images.numel() and _by_onednn(W):
        ready: Any = filters if prepared is None else prepared[0]
        return _convolve_by_onednn(images, ready, b, [geometry.stride] * 2, [geometry.padding] * 2, "relu")
    z = torch.nn.functional.conv2d(images, filters, b, stride=geometry.stride, padding=geometry.padding)
    return channels_last(z.relu_() if relu else z)


def torch_convolve_and_rectify(
    x: Any, W: Any, b: Any, geometry: Geometry, *, prepared: Prepared = None, direct: bool = False
) -> tuple[Array, Any]:
    """`convolve_and_rectify` of tensors, whose mask is the output itself."""
    z = torch_convolve(x, W, b, geometry, relu=True, prepared=prepared)
    return z, z


def torch_prepare(W: Any, geometry: Geometry) -> Prepared:
    """`prepare` of tensors: filters in the order of oneDNN's kernels, and those turned for the backward pass.

    None but in bfloat16 on a processor, where products are so fast that to order the filters at every call counts.
    """
    import torch

    if W.dtype != torch.bfloat16 or not _by_onednn(W) or geometry.stride > 1 or min(_turned_rings(geometry)) < 0:
        return None
    lay_out = torch.ops.mkldnn._reorder_convolution_weight
    turned = W.flip(1, 2).permute(3, 1, 2, 0)
    return lay_out(channels_second(W)), lay_out(channels_second(turned))


def torch_input_gradient(
    dz: Any, W: Any, geometry: Geometry, input_shape: Shape, *, where: Any = None, prepared: Prepared = None
) -> Array:
    """`input_gradient` of tensors."""
    if prepared is not None and dz.numel():
        dz = dz if where is None else torch_masked(dz, where)
        return _convolve_by_onednn(channels_second(dz), prepared[1], None, [1, 1], _turned_rings(geometry), "none")
    x = channels_second(dz.new_empty(input_shape))  # of which the shape alone is read
    return channels_last(_torch_gradients(dz, x, W, geometry, where, [True, False, False])[0])


def torch_filter_gradients(x: Any, dz: Any, geometry: Geometry, *, where: Any = None) -> tuple[Array, Array]:
    """`filter_gradients` of tensors."""
    W = dz.new_empty((dz.shape[-1], *geometry.kernel, x.shape[-1]))  # of which the shape alone is read
    images = channels_second(_as(x, dz))
    _, dW, db = _torch_gradients(dz, images, W, geometry, where, [False, True, True])
    return channels_last(dW), db


def _torch_gradients(dz: Any, x: Any, W: Any, geometry: Geometry, where: Any, which: list[bool]) -> Any:
    """The gradients of a convolution that `which` names: of inputs, filters and biases."""
    import torch

    dz = dz if where is None else torch_masked(dz, where)
    biases, steps, rings = [len(W)] if which[2] else None, [geometry.stride] * 2, [geometry.padding] * 2
    gradients = torch.ops.aten.convolution_backward
    return gradients(channels_second(dz), x, channels_second(W), biases, steps, rings, [1, 1], False, [0, 0], 1, which)


def _by_onednn(W: Any) -> bool:
    """Whether oneDNN convolves with these filters, as PyTorch's kernels for processors of Intel's and AMD's do."""
    import torch

    if W.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if W.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return bool(W.dtype == torch.float32)


def _convolve_by_onednn(x: Any, filters: Any, b: Any, steps: list[int], rings: list[int], then: str) -> Array:
    """Convolve images, channels second, by oneDNN, which applies what comes `then` ("relu" or "none") on the way."""
    import torch

    return channels_last(torch.ops.mkldnn._convolution_pointwise(x, filters, b, rings, steps, [1, 1], 1, then, [], ""))


def _turned_rings(geometry: Geometry) -> list[int]:
    """Padding down and across with which turned filters give `input_gradient`, for a stride of 1."""
    return [edge - 1 - geometry.padding for edge in geometry.kernel]


def _as(x: Any, other: Any) -> Any:
    """Convert x to the precision of `other`."""
    return x.to(other.dtype)
