"""Rows of bytes, gathered and scaled, against the scaling of all rows."""

import importlib.util

import numpy as np
import pytest

from sfumato.arrays import like, to_numpy
from sfumato.data import Scaling
from sfumato.engine import Engine
from sfumato.kernels.ops import OPS, ops

needs_numba = pytest.mark.skipif(not importlib.util.find_spec("numba"), reason="compiled loops need Numba")

RNG = np.random.default_rng(0)
TABLE = RNG.integers(256, size=(11, 7), dtype=np.uint8)
IMAGES = RNG.integers(256, size=(11, 3, 5, 1), dtype=np.uint8)
COLOURS = RNG.integers(256, size=(11, 4, 2, 3), dtype=np.uint8)


@pytest.mark.parametrize("rows", [[3, 3, 0, 10, 7], list(range(11)), []])
@pytest.mark.parametrize(
    ("x", "scaling"),
    [
        (TABLE, Scaling.standard(TABLE)),
        (TABLE[:, :1], Scaling.standard(TABLE[:, :1])),
        (IMAGES, Scaling.unit(IMAGES)),
        (IMAGES, Scaling(np.zeros(()), np.array(1 / 255))),
        (TABLE, Scaling(RNG.random(7), np.array(0.5))),
        (TABLE, Scaling(np.array(0.5), RNG.random(7))),
        (COLOURS, Scaling(RNG.random(3), np.array(1 / 255))),
        (COLOURS, Scaling(RNG.random(3), RNG.random(3))),
    ],
)
def test_rows_are_gathered_and_scaled(
    engine: Engine, rounding: float, x: np.ndarray, scaling: Scaling, rows: list[int]
) -> None:
    offset, factor = map(engine.put, (scaling.offset, scaling.factor))
    out = engine.put(np.full((len(rows), *x.shape[1:]), np.nan))
    ops().gather_and_scale(engine.put(x), like(np.array(rows, np.int64), out), offset, factor, out=out)
    np.testing.assert_allclose(to_numpy(out), scaling(x[rows], np.float64), rtol=rounding, atol=rounding)


@pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=needs_numba)])
def test_rows_are_numbered_as_by_numpy(backend: str) -> None:
    zero, one, out = np.zeros((), np.float32), np.ones((), np.float32), np.empty((2, 7), np.float32)
    OPS[backend].gather_and_scale(TABLE, np.array([-1, -11]), zero, one, out=out)
    np.testing.assert_array_equal(out, TABLE[[-1, -11]])
    for row in (11, -12, 10**9):
        with pytest.raises(IndexError):
            OPS[backend].gather_and_scale(TABLE, np.array([0, row]), zero, one, out=out)


@pytest.mark.parametrize("backend", ["numpy", pytest.param("numba", marks=needs_numba)])
def test_results_go_to_memory_of_any_order_if_it_has_their_shape(backend: str) -> None:
    zero, one, out = np.zeros((), np.float32), np.ones((), np.float32), np.empty((7, 2), np.float32).T
    OPS[backend].gather_and_scale(TABLE[::2], np.array([1, 2]), zero, one, out=out)
    np.testing.assert_array_equal(out, TABLE[[2, 4]])
    with pytest.raises(ValueError, match="broadcast"):
        OPS[backend].gather_and_scale(TABLE, np.arange(3), zero, one, out=out)
