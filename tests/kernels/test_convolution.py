"""The kernels of convolution against their definition, written as loops."""

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from sfumato.arrays import Array, Shape, Stream, generator
from sfumato.kernels import convolution, pooling
from sfumato.kernels.convolution import convolve, filter_gradients, input_gradient, output_size
from sfumato.kernels.threads import parallel_kernels


@dataclass(frozen=True)
class Case:
    """A convolution to compute."""

    images: int
    size: Shape
    channels: int
    filters: int
    kernel: Shape
    stride: int
    padding: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    padding = draw(st.integers(0, 6))
    size = tuple(draw(st.integers(max(1, k - 2 * padding), 12)) for k in kernel)
    images, filters, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return Case(images, size, draw(st.sampled_from([1, 2, 3, 9, 40])), filters, kernel, stride, padding)


def arrays(case: Case, dtype: Any = np.float64) -> tuple[Array, Array, Array, Array]:
    """x, W, b and dz of the case."""
    positions = [output_size(case.size[a], case.kernel[a], case.stride, case.padding) for a in (0, 1)]
    shapes = [
        (case.images, *case.size, case.channels),
        (case.filters, *case.kernel, case.channels),
        (case.filters,),
        (case.images, *positions, case.filters),
    ]
    x, W, b, dz = (generator(0, Stream.CHECKING, i).standard_normal(s).astype(dtype) for i, s in enumerate(shapes))
    return x, W, b, dz


def by_definition(case: Case) -> tuple[Array, Array, Array, Array]:
    """Z, dx, dW and db, window by window, in float64."""
    x, W, b, dz = arrays(case)
    p, s, (kh, kw) = case.padding, case.stride, case.kernel
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    z, d_padded, dW, db = np.empty_like(dz), np.zeros_like(padded), np.zeros_like(W), np.zeros_like(b)
    for u in range(z.shape[1]):
        for v in range(z.shape[2]):
            window = np.s_[:, s * u : s * u + kh, s * v : s * v + kw]
            z[:, u, v] = np.einsum("nijc,oijc->no", padded[window], W) + b
            d_padded[window] += np.einsum("no,oijc->nijc", dz[:, u, v], W)
            dW += np.einsum("no,nijc->oijc", dz[:, u, v], padded[window])
            db += dz[:, u, v].sum(axis=0)
    return z, d_padded[:, p : p + x.shape[1], p : p + x.shape[2]], dW, db


def by_kernels(case: Case, dtype: Any = np.float64) -> tuple[Array, Array, Array, Array]:
    x, W, b, dz = arrays(case, dtype)
    how: dict[str, Any] = {"stride": case.stride, "padding": case.padding}
    z, dx = convolve(x, W, b, **how), input_gradient(dz, W, input_shape=x.shape, **how)
    return z, dx, *filter_gradients(x, dz, case.kernel, **how)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-5)])
@pytest.mark.parametrize("few", [False, True])
@settings(deadline=None, max_examples=60)
@given(case=cases())
def test_the_kernels_compute_their_definition(case: Case, few: bool, dtype: Any, tolerance: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if few:  # windows in a strip, so that there are many strips
            patch.setattr(convolution, "STRIP_WINDOWS", 7)
            patch.setattr(convolution, "STRIP_BYTES", 1)
        computed = by_kernels(case, dtype)
    for ours, right in zip(computed, by_definition(case), strict=True):
        assert ours.shape == right.shape
        assert ours.dtype == dtype
        # rounding goes with the numbers that are added up, which are around one: their sum may cancel
        np.testing.assert_allclose(ours, right, rtol=tolerance, atol=tolerance * np.abs(right).max(initial=1.0))


@settings(deadline=None, max_examples=20)
@given(case=cases())
def test_with_relu_what_is_negative_is_zero(case: Case) -> None:
    x, W, b, _ = arrays(case)
    how: dict[str, Any] = {"stride": case.stride, "padding": case.padding}
    np.testing.assert_array_equal(convolve(x, W, b, relu=True, **how), np.maximum(convolve(x, W, b, **how), 0))


def test_images_that_are_not_contiguous_in_memory_give_the_same() -> None:
    x, W, b, dz = arrays(Case(2, (9, 8), 3, 4, (3, 2), 1, 1))
    turned = np.ascontiguousarray(x[:, ::-1].transpose(3, 2, 0, 1)).transpose(2, 3, 1, 0)[:, ::-1]
    how: dict[str, Any] = {"stride": 1, "padding": 1}
    np.testing.assert_array_equal(convolve(turned, W, b, **how), convolve(x, W, b, **how))
    np.testing.assert_array_equal(
        filter_gradients(turned, dz, (3, 2), **how)[0], filter_gradients(x, dz, (3, 2), **how)[0]
    )
    np.testing.assert_array_equal(
        convolve(turned, W[:, :1, :1], b, stride=1, padding=0), convolve(x, W[:, :1, :1], b, stride=1, padding=0)
    )


def test_a_convolution_takes_memory_for_its_result_and_some_strips() -> None:
    x, W, b, dz = arrays(Case(1, (200, 200), 32, 32, (3, 3), 1, 1), np.float32)
    ways: list[Callable[[], Array]] = [
        lambda: convolve(x, W, b, stride=1, padding=1, relu=True),
        lambda: input_gradient(dz, W, stride=1, padding=1, input_shape=x.shape),
    ]
    for compute in ways:
        tracemalloc.start()
        result = compute()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < result.nbytes + 3 * 2**20, "all windows together would take 46 MB, a padded image 5 MB"


def everything(case: Case) -> list[bytes]:
    """Whatever the kernels compute for a case in float32, bytes."""
    x = arrays(case, np.float32)[0]
    pooled, winners = pooling.max_pool(x, 3, 2)
    assert winners is not None
    results = [
        *by_kernels(case, np.float32),
        pooled,
        winners,
        pooling.max_pool_gradient(pooled, winners, 3, 2, x.shape),
        pooling.average_pool(x, 2, 2),
        pooling.average_pool_gradient(pooling.average_pool(x, 2, 2), 2, 2, x.shape),
    ]
    return [result.tobytes() for result in results]


@pytest.mark.parametrize(
    "case",
    [
        Case(1, (61, 90), 32, 24, (3, 3), 1, 1),
        Case(40, (20, 20), 8, 16, (3, 3), 2, 0),
        Case(1, (31, 29), 96, 128, (3, 3), 1, 1),
    ],
    ids=["one", "many", "deep"],
)
def test_any_number_of_threads_gives_the_same_bytes(case: Case) -> None:
    results = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"), parallel_kernels():
            results += [everything(case) for _ in range(3)]
    assert all(result == results[0] for result in results)
