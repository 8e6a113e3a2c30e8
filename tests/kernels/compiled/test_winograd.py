"""The compiled transforms where the tests of Winograd's kernel do not go."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sfumato.arrays import Array
from sfumato.kernels import winograd
from sfumato.kernels.compiled.winograd import LANES
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.ops import OPS
from sfumato.kernels.threads import parallel_kernels

pytest.importorskip("numba")

COMPILED, GEOMETRY = OPS["numba"], Geometry((3, 3), padding=1)


def draw(c: int, out: int) -> tuple[Array, Array, Array, Array]:
    """Images of odd sizes, filters, biases and a gradient."""
    rng = np.random.default_rng(0)
    shapes = ((2, 17, 10, c), (out, 3, 3, c), (out,), (2, 17, 10, out))
    x, W, b, dz = (rng.standard_normal(shape, np.float32) for shape in shapes)
    return x, W, b, dz


def both_ways(c: int, out: int, backend: str = "numba") -> list[Array]:
    x, W, b, dz = draw(c, out)
    z, positive = OPS[backend].convolve_and_rectify(x, W, b, GEOMETRY)
    return [z, positive, OPS[backend].input_gradient(dz, W, GEOMETRY, x.shape, where=positive)]


@pytest.mark.parametrize("channels", [LANES, LANES + 1, 2 * LANES + 22])
def test_channels_are_transformed_in_parts_of_any_size(channels: int) -> None:
    z, positive, dx = both_ways(channels, 16 + channels)
    expected, _, gradient = both_ways(channels, 16 + channels, "numpy")
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-5 * expected.max())
    np.testing.assert_array_equal(positive, z > 0)
    np.testing.assert_allclose(dx, gradient, rtol=0, atol=1e-4 * np.abs(gradient).max())


@pytest.mark.parametrize("whole", [0, 2**40], ids=["strip by strip", "step by step"])
def test_any_number_of_threads_gives_the_same_bytes(whole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "WHOLE_NUMBERS", whole)
    results = []
    for threads in (1, 3):
        with threadpool_limits(threads, "blas"), parallel_kernels():
            results.append([array.tobytes() for array in both_ways(20, 33)])
    assert results[0] == results[1]


def test_what_is_not_a_number_stays_so_through_relu() -> None:
    x, W, b, _ = draw(16, 16)
    x[0, 0, 0, 0] = np.nan
    z, positive = COMPILED.convolve_and_rectify(x, W, b, GEOMETRY)
    assert np.isnan(z[0, :2, :2]).all()
    assert not positive[np.isnan(z)].any()
    assert np.isfinite(z[1]).all()


def test_a_mask_keeps_out_what_is_not_a_number() -> None:
    _, W, _, dz = draw(16, 16)
    where = np.ones(dz.shape, bool)
    clean = COMPILED.input_gradient(np.where(where, dz, 0), W, GEOMETRY, dz.shape, where=where)
    assert np.isfinite(clean).all()
    dz[0, 3, 3], where[0, 3, 3] = np.inf, False
    assert np.isfinite(COMPILED.input_gradient(dz, W, GEOMETRY, dz.shape, where=where)).all()
