"""Products with stacked vectors, which L-BFGS is made of."""

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
