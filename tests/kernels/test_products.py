"""Products with stacked vectors, which L-BFGS is made of, and those of a dense layer."""

from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sfumato.arrays import to_numpy
from sfumato.engine import Engine
from sfumato.kernels.ops import ops
from sfumato.kernels.threads import PART, parallel_kernels


@pytest.mark.parametrize("size", [0, 1, 7, PART, 2 * PART + 3])
@pytest.mark.parametrize("count", [1, 2, 11])
def test_products_and_combinations_are_those_of_the_rows(
    count: int, size: int, engine: Engine, rounding: float
) -> None:
    rng = np.random.default_rng(count * 100 + size)
    rows, x, out, coefficients = (rng.standard_normal(shape) for shape in ((count, size), size, size, count))
    found = ops().stacked_products(engine.put(rows), engine.put(x))
    assert found.dtype == np.float64
    expected = [sum(a * b for a, b in zip(row, x, strict=True)) for row in rows]
    np.testing.assert_allclose(found, expected, rtol=0, atol=10 * rounding * max(1, size) ** 0.5)
    placed = engine.put(out.copy())
    ops().add_combination(coefficients, engine.put(rows), placed)
    sums = out + sum(c * row for c, row in zip(coefficients, rows, strict=True))
    np.testing.assert_allclose(to_numpy(placed), sums, rtol=0, atol=20 * rounding)


@pytest.mark.parametrize(("n", "n_in", "units"), [(0, 3, 2), (1, 1, 1), (7, 4, 5), (31, 9, 17), (1100, 130, 3)])
def test_a_dense_layer_with_relu_is_the_two_after_each_other(
    n: int, n_in: int, units: int, engine: Engine, rounding: float
) -> None:
    rng = np.random.default_rng(0)
    x, W, b, da = (rng.standard_normal(shape) for shape in ((n, n_in), (n_in, units), units, (n, units)))
    a, mask = ops().affine_and_rectify(*map(engine.put, (x, W, b)), positive=True)
    z = x @ W + b
    np.testing.assert_allclose(to_numpy(a), np.maximum(z, 0), rtol=0, atol=20 * rounding)
    sums: Any = engine.put(np.full(units, 7.0))
    dz = ops().masked(engine.put(da.copy()), mask, sums=sums)
    np.testing.assert_allclose(to_numpy(dz), da * (z > 0), rtol=rounding)
    np.testing.assert_allclose(to_numpy(sums), (da * (z > 0)).sum(axis=0), rtol=0, atol=100 * rounding)
    assert ops().affine_and_rectify(*map(engine.put, (x, W, b)), positive=False)[1] is None


def test_they_are_the_same_bytes_on_any_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    rows, x = rng.standard_normal((5, 5 * PART + 1), np.float32), rng.standard_normal(5 * PART + 1, np.float32)
    found = []
    for threads in (1, 3):
        with threadpool_limits(threads), parallel_kernels():
            out = np.zeros_like(x)
            ops().add_combination(np.arange(5.0), rows, out)
            found.append((ops().stacked_products(rows, x).tobytes(), out.tobytes()))
    assert found[0] == found[1]
