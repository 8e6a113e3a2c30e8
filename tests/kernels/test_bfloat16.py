"""PyTorch's kernels in bfloat16 on the processor: as exact as that precision allows, and sums as exact as float32."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sfumato.arrays import Array, to_numpy
from sfumato.engine import NUMPY_DOUBLE, Engine, choose_engine
from sfumato.errors import InputError
from sfumato.kernels import gram
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.ops import OPS

ROUNDING = 2**-8
"""Of one number to eight bits."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    try:
        chosen = choose_engine("torch", "cpu", "bfloat16")
    except InputError as error:
        pytest.skip(str(error))
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield chosen
    torch.set_num_threads(threads)


def rounded(engine: Engine, x: Array) -> tuple[Array, Array]:
    """An array in bfloat16, and its numbers in float64."""
    tensor = engine.put(x.astype(np.float32))
    return tensor, to_numpy(tensor).astype(np.float64)


@settings(deadline=None, max_examples=60)
@given(
    images=st.integers(0, 3),
    size=st.tuples(st.integers(5, 12), st.integers(5, 12)),
    channels=st.sampled_from([1, 3, 16, 33]),
    filters=st.sampled_from([1, 16, 20]),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.integers(1, 2),
    padding=st.integers(0, 3),
)
def test_a_convolution_with_relu_and_its_backward_pass_are_float64s_but_for_rounding(
    images: int,
    size: tuple[int, int],
    channels: int,
    filters: int,
    kernel: tuple[int, int],
    stride: int,
    padding: int,
    engine: Engine,
) -> None:
    ours, right = OPS["torch"], OPS["numpy"]
    geometry, rng = Geometry(kernel, stride, padding), np.random.default_rng(0)
    positions = geometry.positions(size)
    assume(min(positions) > 1)  # oneDNN's windows side by side in steps of 2, a single column of them, come out wrong
    x, x64 = rounded(engine, rng.standard_normal((images, *size, channels)))
    W, W64 = rounded(
        engine, rng.standard_normal((filters, *kernel, channels)) / np.sqrt(channels * kernel[0] * kernel[1])
    )
    b, b64 = rounded(engine, rng.standard_normal(filters))
    given, given64 = rounded(engine, rng.standard_normal((images, *positions, filters)))
    z64 = right.convolve(x64, W64, b64, geometry, relu=True)
    for prepared in (None, ours.prepare(W, geometry)):
        z, mask = ours.convolve_and_rectify(x, W, b, geometry, prepared=prepared)
        np.testing.assert_allclose(to_numpy(z), z64, rtol=ROUNDING, atol=1e-5)
        dz = engine.put(to_numpy(given).copy())  # which the backward pass may overwrite
        dx = ours.input_gradient(dz, W, geometry, x.shape, where=mask, prepared=prepared)
        dx64 = right.input_gradient(given64 * (to_numpy(z) > 0), W64, geometry, x64.shape)
        np.testing.assert_allclose(to_numpy(dx), dx64, rtol=ROUNDING, atol=1e-5)


def test_filters_are_prepared_in_bfloat16_alone(engine: Engine) -> None:
    W, geometry = np.ones((16, 3, 3, 16), np.float32), Geometry((3, 3), padding=1)
    assert OPS["torch"].prepare(engine.put(W), geometry) is not None
    assert OPS["torch"].prepare(engine.master.put(W), geometry) is None


@pytest.mark.parametrize("strip_bytes", [2**12, gram.TORCH_STRIP_BYTES])
@pytest.mark.parametrize("weighted", [False, True])
def test_gram_matrices_are_as_exact_as_float32s(
    strip_bytes: int, weighted: bool, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gram, "TORCH_STRIP_BYTES", strip_bytes)
    rng = np.random.default_rng(0)
    F, F64 = rounded(engine, np.maximum(rng.standard_normal((1, 40, 50, 32)), 0) * rng.random(32) * 9)
    T = rng.random((1, 40, 50, 1)).astype(np.float32) if weighted else np.ones((1, 40, 50, 1), np.float32)
    weights = engine.master.put(T) if weighted else None
    totals, products = OPS["torch"].total_and_gram_matrix(F, weights)
    _, alone = OPS["torch"].total_and_gram_matrix(F, weights, totals=False)
    total64, product64 = OPS["numpy"].total_and_gram_matrix(F64, T.astype(NUMPY_DOUBLE.numpy_dtype))
    np.testing.assert_allclose(totals, total64, rtol=1e-5)
    for ours in (products, alone):
        assert np.linalg.norm(ours - product64) < 1e-5 * np.linalg.norm(product64)
