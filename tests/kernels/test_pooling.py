"""The kernels of pooling against their definition, written as loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato.arrays import Array, Shape, to_numpy
from sfumato.engine import Engine
from sfumato.kernels import pooling
from sfumato.kernels.ops import ops
from sfumato.kernels.pooling import pooled_shape
from sfumato.kernels.threads import parallel_kernels


@st.composite
def cases(draw: st.DrawFn) -> tuple[Shape, int, int]:
    """Shape of the images, size of the windows and stride."""
    size, stride = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    height, width = draw(st.integers(size, 12)), draw(st.integers(size, 12))
    return (draw(st.integers(0, 3)), height, width, draw(st.integers(1, 4))), size, stride


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


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("ties", [False, True])
@settings(deadline=None, max_examples=40)
@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_the_kernels_compute_their_definition(
    case: tuple[Shape, int, int], seed: int, ties: bool, single: bool, engine: Engine
) -> None:
    own = engine._replace(precision="float32") if single else engine
    tolerance = {"float64": 1e-10, "float32": 1e-5}[own.precision]
    shape, size, stride = case
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 3, shape).astype(float) if ties else rng.standard_normal(shape)
    x, dz = own.put(images), own.put(rng.standard_normal(pooled_shape(shape, size, stride)))
    with pytest.MonkeyPatch.context() as patch, parallel_kernels():
        patch.setattr(pooling, "STRIP_BYTES", 500)  # so that there are many strips
        largest, winners = ops().max_pool(x, size, stride)
        assert winners is not None
        d_largest = ops().max_pool_gradient(dz, winners, size, stride, shape)
        mean, d_mean = ops().average_pool(x, size, stride), ops().average_pool_gradient(dz, size, stride, shape)
    right, chosen, *others = by_definition(to_numpy(x), to_numpy(dz), size, stride)
    for ours, defined in zip((largest, d_largest, mean, d_mean), (right, *others), strict=True):
        assert to_numpy(ours).dtype == own.numpy_dtype
        np.testing.assert_allclose(to_numpy(ours), defined, rtol=tolerance, atol=tolerance)
    if not own.on_tensors:  # tensors have winners of another form
        assert winners.dtype == np.uint8
        np.testing.assert_array_equal(winners, chosen)


def test_without_a_way_back_no_winners_are_kept(engine: Engine) -> None:
    x = engine.put(np.random.default_rng(0).standard_normal((2, 6, 6, 3)))
    largest, winners = ops().max_pool(x, 2, 2, choose=False)
    assert winners is None
    np.testing.assert_array_equal(to_numpy(largest), to_numpy(ops().max_pool(x, 2, 2)[0]))


def test_the_last_entry_of_the_largest_windows_can_win(engine: Engine) -> None:
    x = np.zeros((1, 16, 16, 1))
    x[0, 15, 15, 0] = 1
    largest, winners = ops().max_pool(engine.put(x), 16, 16)
    assert largest.item() == 1
    dx = to_numpy(ops().max_pool_gradient(engine.put(np.full((1, 1, 1, 1), 3.0)), winners, 16, 16, x.shape))
    np.testing.assert_array_equal(dx, 3 * x)


def test_what_is_not_a_number_stays_so(engine: Engine) -> None:
    x = np.ones((1, 4, 4, 1))
    x[0, 1, 1, 0] = np.nan
    largest = to_numpy(ops().max_pool(engine.put(x), 2, 2)[0])
    assert np.isnan(largest[0, 0, 0, 0])
    assert np.isfinite(largest).sum() == 3
