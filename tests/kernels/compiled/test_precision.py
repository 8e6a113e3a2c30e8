"""Loops over float32 compute in float32: one number of another type makes them convert every entry, and slow."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from sfumato.arrays import Array
from sfumato.kernels.compiled import convolution, pooling, relu
from sfumato.kernels.compiled.compiler import Compiled

IMAGES: Array = np.ones((1, 4, 4, 3), np.float32)
WINNERS: Array = np.zeros((1, 2, 2, 3), np.uint8)
SHARE = np.float32(0.25)
VECTORS: Array = np.ones((1, 72), np.float32)
STEPS, OFFSETS = (12, 3), np.zeros(9, np.int64)
ROWS: Array = np.ones((9, 3), np.float32)
MASK: Array = np.ones((1, 4, 12), bool)

CALLS: dict[str, tuple[Compiled[..., Any], tuple[Any, ...]]] = {
    "rectify": (relu.rectify, (IMAGES[0, 0, 0], IMAGES[0, 0, 1])),
    "masked": (relu.masked, (IMAGES[0, 0, 0], IMAGES[0, 0, 1])),
    "take largest": (pooling._take_largest, (IMAGES, 2, 2, IMAGES[:, :2, :2].copy(), WINNERS)),
    "send to winners": (pooling._send_to_winners, (IMAGES[:, :2, :2].copy(), WINNERS, 2, 2, True, IMAGES.copy())),
    "take mean": (pooling._take_mean, (IMAGES, 2, 2, SHARE, IMAGES[:, :2, :2].copy())),
    "spread": (pooling._spread, (IMAGES[:, :2, :2].copy(), 2, 2, SHARE, False, IMAGES.copy())),
    "convolve pixels": (
        convolution._convolve_pixels,
        (VECTORS, OFFSETS, ROWS, ROWS[0], STEPS, True, ((0, 1), (0, 4)), IMAGES.reshape(1, 4, 12).copy(), MASK),
    ),
    "add pixels": (
        convolution._add_pixels,
        (VECTORS, OFFSETS[:3], IMAGES.reshape(1, 4, 12), MASK, STEPS, (0, 1), ROWS.copy(), ROWS[0].copy()),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_no_number_is_converted_to_double_precision(name: str) -> None:
    import numba

    function, arguments = CALLS[name]
    anew = numba.njit(function.function, nogil=True, error_model="numpy")
    anew(*arguments)
    (instructions,) = anew.inspect_llvm().values()
    assert "float" in instructions
    assert "fpext" not in instructions  # which converts to double precision
