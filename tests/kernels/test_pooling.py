"""The kernels of pooling against their definition, written as loops."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato.arrays import Array, Shape
from sfumato.kernels import pooling
from sfumato.kernels.pooling import (
    average_pool,
    average_pool_gradient,
    max_pool,
    max_pool_gradient,
    pooled_shape,
)
from sfumato.kernels.threads import parallel_kernels


@st.composite
def cases(draw: st.DrawFn) -> tuple[Shape, int, int]:
    """Shape of the images, size of the windows and stride."""
    size, stride = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    height, width = draw(st.integers(size, 12)), draw(st.integers(size, 12))
    return (draw(st.integers(1, 3)), height, width, draw(st.integers(1, 4))), size, stride


def by_definition(x: Array, dz: Array, size: int, stride: int) -> tuple[Array, Array, Array, Array, Array]:
    """Maxima, winners and their gradient, means and their gradient."""
    largest, mean, winners = np.empty_like(dz), np.empty_like(dz), np.empty(dz.shape, int)
    d_largest, d_mean = np.zeros_like(x), np.zeros_like(x)
    for n, u, v, c in np.ndindex(dz.shape):
        window = np.s_[n, stride * u : stride * u + size, stride * v : stride * v + size, c]
        largest[n, u, v, c], mean[n, u, v, c] = x[window].max(), x[window].mean()
        winners[n, u, v, c] = x[window].argmax()
        d_largest[window][np.unravel_index(x[window].argmax(), (size, size))] += dz[n, u, v, c]
        d_mean[window] += dz[n, u, v, c] / size**2
    return largest, winners, d_largest, mean, d_mean


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-5)])
@pytest.mark.parametrize("ties", [False, True])
@settings(deadline=None, max_examples=40)
@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_the_kernels_compute_their_definition(
    case: tuple[Shape, int, int], seed: int, ties: bool, dtype: Any, tolerance: float
) -> None:
    shape, size, stride = case
    rng = np.random.default_rng(seed)
    x = (rng.integers(0, 3, shape) if ties else rng.standard_normal(shape)).astype(dtype)
    dz = rng.standard_normal(pooled_shape(shape, size, stride)).astype(dtype)
    with pytest.MonkeyPatch.context() as patch, parallel_kernels():
        patch.setattr(pooling, "STRIP_BYTES", 500)  # so that there are many strips
        largest, winners = max_pool(x, size, stride)
        assert winners is not None
        d_largest = max_pool_gradient(dz, winners, size, stride, shape)
        mean, d_mean = average_pool(x, size, stride), average_pool_gradient(dz, size, stride, shape)
    right = by_definition(x, dz, size, stride)
    for ours, defined in zip((largest, winners, d_largest, mean, d_mean), right, strict=True):
        assert ours.dtype == (np.uint8 if ours is winners else dtype)
        np.testing.assert_allclose(ours, defined, rtol=tolerance, atol=tolerance)


def test_without_a_way_back_no_winners_are_kept() -> None:
    x = np.random.default_rng(0).standard_normal((2, 6, 6, 3))
    largest, winners = max_pool(x, 2, 2, choose=False)
    assert winners is None
    np.testing.assert_array_equal(largest, max_pool(x, 2, 2)[0])


def test_the_last_entry_of_the_largest_windows_can_win() -> None:
    x = np.zeros((1, 16, 16, 1))
    x[0, 15, 15, 0] = 1
    largest, winners = max_pool(x, 16, 16)
    assert winners is not None
    assert (largest.item(), winners.item()) == (1, 255)


def test_what_is_not_a_number_stays_so() -> None:
    x = np.ones((1, 4, 4, 1))
    x[0, 1, 1, 0] = np.nan
    largest, _ = max_pool(x, 2, 2)
    assert np.isnan(largest[0, 0, 0, 0])
    assert np.isfinite(largest).sum() == 3
