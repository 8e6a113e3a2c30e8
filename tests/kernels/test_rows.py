"""Rows of bytes, gathered and scaled, against the scaling of all rows."""

import numpy as np
import pytest

from sfumato.arrays import like, to_numpy
from sfumato.data import Scaling
from sfumato.engine import Engine
from sfumato.kernels.ops import ops

RNG = np.random.default_rng(0)
TABLE = RNG.integers(256, size=(11, 7), dtype=np.uint8)
IMAGES = RNG.integers(256, size=(11, 3, 5, 1), dtype=np.uint8)


@pytest.mark.parametrize("rows", [[3, 3, 0, 10, 7], list(range(11)), []])
@pytest.mark.parametrize(
    ("x", "scaling"),
    [
        (TABLE, Scaling.standard(TABLE)),
        (TABLE[:, :1], Scaling.standard(TABLE[:, :1])),
        (IMAGES, Scaling.unit(IMAGES)),
        (IMAGES, Scaling(np.zeros(()), np.array(1 / 255))),
    ],
)
def test_rows_are_gathered_and_scaled(
    engine: Engine, rounding: float, x: np.ndarray, scaling: Scaling, rows: list[int]
) -> None:
    offset, factor = map(engine.put, (scaling.offset, scaling.factor))
    out = engine.put(np.full((len(rows), *x.shape[1:]), np.nan))
    ops().scaled_rows(engine.put(x), like(np.array(rows, np.int64), out), offset, factor, out=out)
    np.testing.assert_allclose(to_numpy(out), scaling(x[rows], np.float64), rtol=rounding, atol=rounding)
