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

from sfumato.arrays import Array, Shape, to_numpy
from sfumato.engine import NUMPY, Engine
from sfumato.kernels import convolution, pooling, windows
from sfumato.kernels.convolution import convolve, input_gradient
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.ops import ops
from sfumato.kernels.threads import parallel_kernels
from sfumato.random_keys import Stream, generator


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
    relu: bool = False

    @property
    def geometry(self) -> Geometry:
        """Where the windows lie."""
        return Geometry(self.kernel, self.stride, self.padding)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    padding = draw(st.integers(0, 6))
    size = tuple(draw(st.integers(max(1, k - 2 * padding), 12)) for k in kernel)
    images, filters, stride = draw(st.integers(0, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    channels, relu = draw(st.sampled_from([1, 2, 3, 9, 40])), draw(st.booleans())
    return Case(images, size, channels, filters, kernel, stride, padding, relu)


def arrays(case: Case, dtype: Any = np.float64) -> tuple[Array, Array, Array, Array]:
    """x, W, b and dz of the case."""
    positions = case.geometry.positions(case.size)
    shapes = [
        (case.images, *case.size, case.channels),
        (case.filters, *case.kernel, case.channels),
        (case.filters,),
        (case.images, *positions, case.filters),
    ]
    x, W, b, dz = (generator(0, Stream.CHECKING, i).standard_normal(s).astype(dtype) for i, s in enumerate(shapes))
    return x, W, b, dz


def by_definition(case: Case) -> tuple[Array, tuple[Array, Array, Array, Array]]:
    """dZ, and for it Z, dx, dW and db, window by window, in float64.

    With relu it is max(Z, 0), and the gradients where Z is positive. So close to the kink that rounding decides on its
    side, dZ is zero.
    """
    x, W, b, dz = arrays(case)
    p, s, (kh, kw) = case.padding, case.stride, case.kernel
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    z, d_padded, dW, db = np.empty_like(dz), np.zeros_like(padded), np.zeros_like(W), np.zeros_like(b)
    for u in range(z.shape[1]):
        for v in range(z.shape[2]):
            window = np.s_[:, s * u : s * u + kh, s * v : s * v + kw]
            z[:, u, v] = np.einsum("nijc,oijc->no", padded[window], W) + b
            if case.relu:
                dz[:, u, v][abs(z[:, u, v]) < 1e-4] = 0
            own = dz[:, u, v] * (z[:, u, v] > 0) if case.relu else dz[:, u, v]
            d_padded[window] += np.einsum("no,oijc->nijc", own, W)
            dW += np.einsum("no,nijc->oijc", own, padded[window])
            db += own.sum(axis=0)
    dx = d_padded[:, p : p + x.shape[1], p : p + x.shape[2]]
    return dz, (np.maximum(z, 0) if case.relu else z, dx, dW, db)


def by_kernels(case: Case, engine: Engine, dz: Array, *, prepared: bool = False) -> tuple[Array, Array, Array, Array]:
    x, W, b, dz = map(engine.put, (*arrays(case)[:3], dz))
    kept = ops().prepare(W, case.geometry) if prepared else None
    z, mask = (
        ops().convolve_and_rectify(x, W, b, case.geometry, prepared=kept)
        if case.relu
        else (ops().convolve(x, W, b, case.geometry, prepared=kept), None)
    )
    dx = ops().input_gradient(dz, W, case.geometry, x.shape, where=mask, prepared=kept)
    dW, db = ops().filter_gradients(x, dz, case.geometry, where=mask)
    return to_numpy(z), to_numpy(dx), to_numpy(dW), to_numpy(db)


@pytest.mark.parametrize("single", [False, True])
@settings(deadline=None, max_examples=100)
@given(case=cases(), few=st.booleans(), prepared=st.booleans())
def test_the_kernels_compute_their_definition(
    case: Case, few: bool, prepared: bool, single: bool, engine: Engine
) -> None:
    own = engine._replace(precision="float32") if single else engine
    tolerance = {"float64": 1e-10, "float32": 1e-5}[own.precision]
    dz, expected = by_definition(case)
    with pytest.MonkeyPatch.context() as patch:
        if few:  # windows in a strip, so that there are many strips
            for module in (convolution, windows):
                patch.setattr(module, "STRIP_WINDOWS", 7)
                patch.setattr(module, "STRIP_BYTES", 1)
        computed = by_kernels(case, own, dz, prepared=prepared)
    for ours, right in zip(computed, expected, strict=True):
        assert ours.shape == right.shape
        assert ours.dtype == own.numpy_dtype
        # rounding goes with the numbers that are added up, which are around one: their sum may cancel
        np.testing.assert_allclose(ours, right, rtol=tolerance, atol=tolerance * np.abs(right).max(initial=1.0))


@settings(deadline=None, max_examples=20)
@given(case=cases())
def test_with_relu_what_is_negative_is_zero(case: Case, engine: Engine) -> None:
    x, W, b, _ = map(engine.put, arrays(case))
    z, rectified = (to_numpy(ops().convolve(x, W, b, case.geometry, relu=relu)) for relu in (False, True))
    np.testing.assert_array_equal(rectified, np.maximum(z, 0))


def test_images_that_are_not_contiguous_in_memory_give_the_same(engine: Engine, rounding: float) -> None:
    images, *others = arrays(Case(2, (9, 8), 3, 4, (3, 2), 1, 1))
    x, W, b, dz = map(engine.put, (images, *others))
    turned = engine.put(np.ascontiguousarray(images[:, ::-1].transpose(3, 2, 0, 1)).transpose(2, 3, 1, 0)[:, ::-1])
    geometry = Geometry((3, 2), padding=1)
    ways: list[Callable[[Array], Array]] = [
        lambda x: ops().convolve(x, W, b, geometry),
        lambda x: ops().filter_gradients(x, dz, geometry)[0],
        lambda x: ops().convolve(x, W[:, :1, :1], b, Geometry((1, 1))),
    ]
    for compute in ways:
        ours, right = to_numpy(compute(turned)), to_numpy(compute(x))
        if engine.backend == "numpy":
            np.testing.assert_array_equal(ours, right)
        np.testing.assert_allclose(ours, right, rtol=rounding, atol=rounding)


def test_a_convolution_takes_memory_for_its_result_and_some_strips() -> None:
    x, W, b, dz = arrays(Case(1, (200, 200), 32, 32, (3, 3), 1, 1), np.float32)
    ways: list[Callable[[], Array]] = [
        lambda: convolve(x, W, b, Geometry((3, 3), padding=1), relu=True),
        lambda: input_gradient(dz, W, Geometry((3, 3), padding=1), x.shape),
    ]
    for compute in ways:
        tracemalloc.start()
        result = compute()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < result.nbytes + 3 * 2**20, "all windows together would take 46 MB, a padded image 5 MB"


def everything(case: Case) -> list[bytes]:
    """Whatever the kernels compute for a case in float32, bytes."""
    x, _, _, dz = arrays(case, np.float32)
    pooled, winners = pooling.max_pool(x, 3, 2)
    assert winners is not None
    results = [
        *by_kernels(case, NUMPY, dz),
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
