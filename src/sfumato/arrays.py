"""Arrays, NumPy's or PyTorch's.

Layers, losses and optimizers are written once, in the names that both kinds of arrays share: operators, the functions
of `namespace(x)`, the few helpers below, and the operations of `kernels/`. This module, `engine.py`, `workers.py` and
the files of `kernels/` are the only ones that know PyTorch, which is imported where it is first needed.
"""

import functools
import hashlib
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_info

from sfumato._renamed import renamed_in

Array = npt.NDArray[Any]
"""An array of NumPy's, or a tensor of PyTorch's: code in the names that they share serves both."""

Shape = tuple[int, ...]
Where = tuple[slice, slice]
"""Index of rows and columns of an image."""


def namespace(x: Array) -> Any:
    """Functions for arrays like x, named as in NumPy (the array API standard)."""
    if isinstance(x, np.ndarray | np.generic):
        return np
    return _torch_namespace()


def to_numpy(x: Any) -> Array:
    """Copy a tensor to a NumPy array, bfloat16 as float32; a NumPy array is returned itself."""
    if isinstance(x, np.ndarray):
        return x
    x = x.cpu()
    return np.asarray((x.float() if str(x.dtype) == "torch.bfloat16" else x).numpy())


def like(x: Array, other: Any) -> Array:
    """Copy a NumPy array to `other`'s device, keeping its dtype where supported."""
    if isinstance(other, np.ndarray):
        return x
    if other.device.type == "mps" and x.dtype == np.float64:
        x = x.astype(np.float32)
    placed: Array = pytorch().from_numpy(np.ascontiguousarray(x)).to(other.device)
    return placed


def cast(x: Any, dtype: Any) -> Array:
    """Convert x to another dtype of its own kind; x itself is returned if it has that dtype."""
    converted: Array = x.astype(dtype, copy=False) if isinstance(x, np.ndarray) else x.to(dtype)
    return converted


def reduced_like(x: Array, other: Array) -> Array:
    """Convert x to the dtype of `other` if that has 16 bits, as parameters for layers that compute in less."""
    return cast(x, other.dtype) if other.dtype.itemsize == 2 and x.dtype != other.dtype else x


def upcast(x: Array) -> Array:
    """Convert x to float32 if it has 16 bits."""
    return cast(x, namespace(x).float32) if x.dtype.itemsize == 2 else x


def within_range(x: Array, kept: Array) -> Array:
    """Clip x to what the dtype of `kept` can hold, where that is narrower: float16 has nothing beyond 65,504."""
    xp = namespace(kept)
    return namespace(x).clip(x, None, float(xp.finfo(kept.dtype).max)) if kept.dtype == xp.float16 != x.dtype else x


def copied(x: Array) -> Array:
    """Copy an array."""
    copy: Array = namespace(x).asarray(x, copy=True)
    return copy


def zeros(shape: Shape, like: Any) -> Array:
    """Zeros of this shape, with the kind and dtype of `like`; NumPy's take no memory until they are written to."""
    if isinstance(like, np.ndarray):
        return np.zeros(shape, like.dtype)
    made: Array = like.new_zeros(shape)
    return made


def take(x: Array, rows: Any) -> Array:
    """Rows of x: a slice of them, or those numbered by an array, for which PyTorch's `take` is faster than brackets."""
    if isinstance(rows, slice):
        return x[rows]
    some: Array = namespace(x).take(x, rows, axis=0)
    return some


def total(x: Any) -> Any:
    """Sum of all entries as a Python number, added up in double precision where the device has it."""
    if isinstance(x, np.ndarray):
        return x.sum(dtype=np.result_type(x.dtype, np.float64)).item()
    torch = pytorch()
    return torch.sum(x, dtype=torch.float32 if x.device.type == "mps" else torch.float64).item()


def weighted_total(losses: Array, weight: Array | None) -> Any:
    """Weighted sum in double precision: a float, or a complex number under the complex-step check."""
    return total(losses if weight is None else losses * weight)


def scaled_rows(dz: Array, factor: float, weight: Array | None) -> Array:
    """Multiply rows, (n, k), by a factor and by the weight of each, (n,), in place."""
    dz *= factor
    if weight is not None:
        dz *= cast(weight[:, None], dz.dtype)
    return dz


def all_finite(x: Array) -> bool:
    """Whether no entry is infinite or not a number."""
    if isinstance(x, np.ndarray):
        return bool(np.isfinite(x).all())
    largest = pytorch().linalg.vector_norm(x, math.inf)  # which is not finite either where an entry is not
    return math.isfinite(largest.item())


@functools.cache
def pytorch() -> Any:
    """PyTorch, on as many threads as BLAS may use, and with float32 that is float32."""
    import torch

    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    torch.set_num_threads(max(blas, default=1))
    torch.backends.cudnn.allow_tf32 = False  # by default, its convolutions round to 11 bits
    return torch


@functools.cache
def _torch_namespace() -> Any:
    import array_api_compat.torch

    return array_api_compat.torch


def fingerprint(*values: Any) -> str:
    """Digest of the arrays among the values, so that no run resumes with other data than it began with."""
    digest = hashlib.blake2b(digest_size=8)
    for value in values:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()


__getattr__ = renamed_in(__name__)
