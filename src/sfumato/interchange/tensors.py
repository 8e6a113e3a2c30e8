"""Tensors in a file, read only when asked for."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array, Shape


class StoredTensor(NamedTuple):
    """A tensor that has not been read yet.

    Attributes:
        shape: Its shape.
        dtype: Type of its numbers, by NumPy's name or "bfloat16".
        read: Reads it; bfloat16 becomes float32.
    """

    shape: Shape
    dtype: str
    read: Callable[[], Array]


Tensors = Mapping[str, StoredTensor]

FLOATS = ("float16", "bfloat16", "float32", "float64")
"""Types that weights may have."""


class InOrder(dict[str, StoredTensor]):
    """Tensors of a file that keeps the order of the layers: in that order, for each kind of layer."""


def decode(raw: bytes, dtype: str) -> Array:
    """Decode little-endian numbers; bfloat16 becomes float32, whose upper half it is."""
    if dtype == "bfloat16":
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<"))


def item_size(dtype: str) -> int:
    """Bytes of a number."""
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
