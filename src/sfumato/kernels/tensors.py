"""The kernels on PyTorch's tensors: the same operations, by the libraries that PyTorch brings (oneDNN, cuDNN, Metal).

Images are n x height x width x channels here as everywhere. Seen with their channels second, as PyTorch counts them,
they are "channels last", the order in which those libraries are fastest, and nothing is moved.

The backward passes are kernels like any other, called here by name with dz: no graph is recorded and nothing is
differentiated. PyTorch is imported by whoever made the first tensor.
"""

from typing import Any

from sfumato.arrays import Array, Shape, total
from sfumato.kernels.strips import cut

Tensor = Any
"""One of PyTorch's: its types are not known where it is not installed."""

NARROW, LARGE = 32, 2**17
"""On a processor, products of a matrix with so many numbers are taken transposed, if they have fewer columns: its
kernels share rows among threads, not sums."""

STRIP_BYTES, GPU_STRIP_BYTES = 2**23, 2**28
"""What Gram products take at once: more than NumPy's do, as starting a kernel, which brings all threads together, costs
more than leaving the cache; most of all on a GPU."""


def convolve(x: Tensor, W: Tensor, b: Tensor, stride: int, padding: int, *, relu: bool) -> Tensor:
    """`convolution.convolve`, in the precision of the filters."""
    import torch

    z: Any = torch.nn.functional.conv2d(_seen(_as(x, W)), _seen(W), b, stride=stride, padding=padding)
    return _back(z.relu_() if relu else z)


def input_gradient(
    dz: Tensor,
    W: Tensor,
    stride: int,
    padding: int,
    input_shape: Shape,
    where: Tensor | None = None,
) -> Tensor:
    """`convolution.input_gradient`; `where` is what is positive exactly where dz counts."""
    x = _seen(dz.new_empty(input_shape))  # of which the shape alone is read
    return _back(_convolution_backward(masked(dz, where), x, W, stride, padding, [True, False, False])[0])


def filter_gradients(
    x: Tensor, dz: Tensor, kernel: Shape, stride: int, padding: int, where: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """`convolution.filter_gradients`."""
    W = dz.new_empty((dz.shape[-1], *kernel, x.shape[-1]))
    _, dW, db = _convolution_backward(masked(dz, where), _seen(_as(x, dz)), W, stride, padding, [False, True, True])
    return _back(dW), db


def max_pool(x: Tensor, size: int, stride: int, *, choose: bool) -> tuple[Tensor, Any]:
    """`pooling.max_pool`; the winners are numbers of pixels, and x."""
    import torch

    z: Any = torch.nn.functional.max_pool2d(_seen(x), size, stride, return_indices=choose)
    return (_back(z[0]), (z[1], x)) if choose else (_back(z), None)


def max_pool_gradient(dz: Tensor, winners: Any, size: int, stride: int) -> Tensor:
    """`pooling.max_pool_gradient`."""
    import torch

    which, x = winners
    window, step = [size, size], [stride, stride]
    gradient = torch.ops.aten.max_pool2d_with_indices_backward
    return _back(gradient(_seen(dz), _seen(x), window, step, [0, 0], [1, 1], False, which))


def average_pool(x: Tensor, size: int, stride: int) -> Tensor:
    """`pooling.average_pool`."""
    import torch

    return _back(torch.nn.functional.avg_pool2d(_seen(x), size, stride))


def average_pool_gradient(dz: Tensor, size: int, stride: int, input_shape: Shape) -> Tensor:
    """`pooling.average_pool_gradient`."""
    import torch

    x = _seen(dz.new_empty(input_shape))
    window, step = [size, size], [stride, stride]
    return _back(torch.ops.aten.avg_pool2d_backward(_seen(dz), x, window, step, [0, 0], False, True, None))


def total_and_gram_matrix(features: Tensor, weights: Tensor | None, *, totals: bool) -> tuple[Tensor, Tensor]:
    """`gram.total_and_gram_matrix`, as tensors.

    Features of 16 bits become float32 first: their squares alone may be beyond float16, and rounded to bfloat16 the
    sums would lose what tells two pictures apart.
    """
    import torch

    channels = features.shape[-1]
    sums: Any = {"device": features.device, "dtype": torch.float32 if features.device.type == "mps" else torch.float64}
    total, products = torch.zeros(channels, **sums), torch.zeros(channels, channels, **sums)
    working = torch.promote_types(features.dtype, torch.float32)
    for strip in _strips(features):
        rows: Any = features[strip].reshape(-1, channels).to(working)  # float32 is not copied, but where it must be
        count: Any = None if weights is None else weights[strip].reshape(-1, 1).to(working)
        if totals:
            total += (rows if count is None else rows * count).sum(0)
        if count is not None:
            rows = rows * count.sqrt()
        products += rows.T @ rows
    return total, products


def add_product(features: Tensor, D: Array, d: Array, into: Tensor, weights: Tensor | None) -> None:
    """`gram.add_product`, in the precision of the features; D and d come from NumPy."""
    import torch

    place: Any = {"device": features.device, "dtype": features.dtype}
    channels, shifted = features.shape[-1], bool(d.any())
    products, shift = torch.as_tensor(D, **place), torch.as_tensor(d, **place)
    for strip in _strips(features):
        rows: Any = features[strip].reshape(-1, channels)
        there: Any = into[strip]
        if weights is None and there.is_contiguous():
            there.view(-1, channels).addmm_(rows, products)
            if shifted:
                there += shift
            continue
        product = (rows @ products).reshape(there.shape)
        if shifted:
            product += shift
        if weights is not None:
            product *= weights[strip]
        there += product


def sum_of_squares(x: Tensor) -> float:
    """Sum of the squares of all entries; of 16 bits, taken and added up in 32."""
    import torch

    norm: Any = torch.linalg.vector_norm(x, dtype=torch.promote_types(x.dtype, torch.float32))
    return float(total(norm) ** 2)


def rectify(x: Tensor) -> Tensor:
    """max(x, 0)."""
    import torch

    tensor: Any = x
    return torch.relu(tensor)


def masked(dz: Tensor, where: Tensor | None) -> Tensor:
    """dz where `where`, if given, is positive, and 0 elsewhere; in the memory of dz."""
    import torch

    return dz if where is None else torch.ops.aten.threshold_backward.grad_input(dz, where, 0, grad_input=dz)


def affine(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """XW + b; transposed, where W is narrow, as that takes a processor 0.56 times as long (1000 x 784 by 784 x 15)."""
    import torch

    if _narrow(x, W):
        return torch.addmm(b[:, None], W.T, x.T).T.contiguous()
    return torch.addmm(b, x, W)


def product_into(A: Tensor, B: Tensor, out: Tensor) -> None:
    """AB, written to `out`, which may have another precision; transposed, where B is narrow."""
    import torch

    if _narrow(A, B):
        out[...] = (B.T @ A.T).T
    elif out.dtype == A.dtype:
        torch.matmul(A, B, out=out)
    else:
        out[...] = A @ B


def _narrow(A: Tensor, B: Tensor) -> bool:
    return bool(B.shape[1] < NARROW and A.numel() >= LARGE and A.device.type == "cpu")


def column_sums(A: Tensor, out: Tensor) -> None:
    """`products.column_sums`."""
    import torch

    torch.sum(A, 0, dtype=out.dtype, out=out)


def softmax_logarithms(z: Tensor, y: Tensor) -> tuple[Tensor, int, Tensor]:
    """log S_c for the softmax S of each row and its class c; how many rows are largest at c; and log S."""
    import torch

    tensor: Any = z
    logarithms: Any = torch.log_softmax(tensor, 1)
    truth = logarithms.gather(1, y[:, None])
    return truth[:, 0], int((tensor.argmax(1) == y).sum()), logarithms


def softmax_gradient(logarithms: Tensor, y: Tensor) -> Tensor:
    """S - [i = c] from log S."""
    S: Any = logarithms.exp()
    return S.scatter_(1, y[:, None], -1.0, reduce="add")


def _seen(x: Tensor) -> Any:
    """Images, or filters, as PyTorch counts their axes: the same memory."""
    return x.permute(0, 3, 1, 2)


def _back(x: Any) -> Tensor:
    """What came out, with our order of axes."""
    return x.permute(0, 2, 3, 1)


def _as(x: Tensor, other: Tensor) -> Tensor:
    return x.to(other.dtype)


def _convolution_backward(dz: Tensor, x: Any, W: Tensor, stride: int, padding: int, wanted: list[bool]) -> Any:
    import torch

    out, steps, rings = [len(W)] if wanted[2] else None, [stride] * 2, [padding] * 2
    gradient = torch.ops.aten.convolution_backward
    return gradient(_seen(dz), x, _seen(W), out, steps, rings, [1, 1], False, [0, 0], 1, wanted)


def _strips(features: Tensor) -> Any:
    most = STRIP_BYTES if features.device.type == "cpu" else GPU_STRIP_BYTES
    return cut(features.shape[:3], most // (4 * features.shape[3]))
