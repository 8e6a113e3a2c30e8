"""Compiled pooling gives what NumPy's does, to the byte where nothing is rounded."""

from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sfumato.arrays import Array
from sfumato.kernels import pooling
from sfumato.kernels.ops import OPS
from sfumato.kernels.threads import parallel_kernels

pytest.importorskip("numba")

WINDOWS = [(2, 2), (3, 2), (2, 3), (1, 1)]
"""Side by side, overlapping, apart, and single pixels."""


def pooled(backend: str, x: Array, size: int, stride: int) -> list[Any]:
    """Maxima, winners, means, and both gradients."""
    ops = OPS[backend]
    z, winners = ops.max_pool(x, size, stride)
    dz = np.random.default_rng(1).standard_normal(z.shape).astype(x.dtype)
    back = ops.max_pool_gradient(dz, winners, size, stride, x.shape)
    return [z, winners, back, ops.average_pool(x, size, stride), ops.average_pool_gradient(dz, size, stride, x.shape)]


@pytest.mark.parametrize(("size", "stride"), WINDOWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 3])
def test_it_gives_what_numpy_does(n: int, dtype: type, size: int, stride: int) -> None:
    x: Array = np.random.default_rng(0).standard_normal((n, 11, 8, 37)).astype(dtype)
    ours, right = pooled("numba", x, size, stride), pooled("numpy", x, size, stride)
    for own, expected in zip(ours[:2], right[:2], strict=True):
        np.testing.assert_array_equal(own, expected)
    for own, expected in zip(ours[2:], right[2:], strict=True):
        assert own.dtype == dtype
        np.testing.assert_allclose(own, expected, rtol=0, atol=10 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize(("size", "stride"), WINDOWS)
def test_any_number_of_threads_gives_the_same_bytes(size: int, stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "STRIP_BYTES", 500)  # so that there are many strips
    x, results = np.random.default_rng(0).standard_normal((2, 12, 9, 5), np.float32), []
    for threads in (1, 3):
        with threadpool_limits(threads, "blas"), parallel_kernels():
            results.append([array.tobytes() for array in pooled("numba", x, size, stride)])
    assert results[0] == results[1]


def test_images_that_are_not_contiguous_in_memory_give_the_same() -> None:
    x = np.random.default_rng(0).standard_normal((2, 9, 8, 5), np.float32)
    for ours, right in zip(pooled("numba", np.asfortranarray(x), 2, 2), pooled("numba", x, 2, 2), strict=True):
        np.testing.assert_array_equal(ours, right)


@pytest.mark.parametrize("dtype", ["complex128", ">f4", "float16", "uint8"])
def test_images_of_other_types_are_left_to_numpy(dtype: str) -> None:
    x: Array = np.random.default_rng(0).integers(-9, 9, (2, 9, 8, 5)).astype(dtype)
    if dtype == "uint8":  # which has maxima, and no means
        ours, right = (list(OPS[backend].max_pool(x, 2, 2)) for backend in ("numba", "numpy"))
    else:
        ours, right = pooled("numba", x, 2, 2), pooled("numpy", x, 2, 2)
    for own, expected in zip(ours, right, strict=True):
        assert own.dtype == expected.dtype
        np.testing.assert_array_equal(own, expected)
