"""The compiled convolution against NumPy's, in float64, where its loops and tiles have edges."""

from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sfumato.arrays import Array, Shape
from sfumato.kernels import convolution as by_numpy
from sfumato.kernels import winograd
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.threads import parallel_kernels

pytest.importorskip("numba")

from sfumato.kernels.compiled import convolution

Case = tuple[int, Shape, int, int, Geometry]

LOOPS: list[Case] = [
    (3, (28, 28), 1, 32, Geometry((3, 3), padding=1)),
    (2, (9, 14), 1, 33, Geometry((3, 3), stride=2, padding=2)),
    (2, (7, 5), 1, 40, Geometry((2, 3), stride=3)),
    (2, (8, 11), 3, 32, Geometry((3, 3), padding=1)),
    (1, (1, 1), 2, 35, Geometry((2, 2), padding=1)),
    (2, (12, 9), 1, 32, Geometry((5, 5), stride=2, padding=4)),
]
"""Small windows."""

TILES: list[Case] = [
    (5, (14, 14), 32, 64, Geometry((3, 3), padding=1)),
    (2, (7, 10), 17, 21, Geometry((3, 3), padding=2)),
    (3, (3, 3), 16, 16, Geometry((3, 3))),
    (2, (9, 8), 150, 16, Geometry((3, 3))),
    (1, (1, 1), 16, 40, Geometry((3, 3), padding=1)),
]
"""Those that Winograd's tiles serve in float32."""

OTHERS: list[Case] = [
    (2, (9, 8), 8, 6, Geometry((3, 3), padding=1)),
    (2, (9, 8), 16, 32, Geometry((5, 4), stride=2, padding=1)),
    (0, (9, 8), 1, 32, Geometry((3, 3), padding=1)),
    (0, (9, 8), 16, 32, Geometry((3, 3), padding=1)),
]
"""Those that are left to NumPy, and empty batches."""


def arrays(case: Case, dtype: Any) -> tuple[Array, Array, Array, Array]:
    """x, W, b and dz, whose numbers are those of float32."""
    n, size, channels, filters, geometry = case
    rng = np.random.default_rng(0)
    shapes = [(n, *size, channels), (filters, *geometry.kernel, channels), (filters,)]
    shapes.append((n, *geometry.positions(size), filters))
    x, W, b, dz = (rng.standard_normal(shape).astype(np.float32).astype(dtype) for shape in shapes)
    return x, W, b, dz


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", [*LOOPS, *TILES, *OTHERS], ids=str)
def test_the_gradients_of_filters_are_those_of_float64(case: Case, dtype: Any, masked: bool) -> None:
    x, _, _, dz = arrays(case, dtype)
    where = np.random.default_rng(1).random(dz.shape) < 0.5 if masked else None
    expected = by_numpy.filter_gradients(x.astype(np.float64), dz.astype(np.float64), case[4], where=where)
    tolerance = 1e-12 if dtype == np.float64 else 3e-6
    for ours, right in zip(convolution.filter_gradients(x, dz, case[4], where=where), expected, strict=True):
        assert ours.dtype == dtype
        assert ours.shape == right.shape
        np.testing.assert_allclose(ours, right, rtol=tolerance, atol=tolerance * abs(right).max(initial=1.0))


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", [*LOOPS, *TILES, *OTHERS], ids=str)
def test_outputs_and_masks_are_those_of_float64(case: Case, dtype: Any, direct: bool) -> None:
    x, W, b, _ = arrays(case, dtype)
    x[:, 2:] *= np.random.default_rng(1).random((*x[:, 2:].shape[:3], 1)) < 0.1  # leaves windows of zeros
    exact_x, exact_W, exact_b = (a.astype(np.float64) for a in (x, W, b))
    right = by_numpy.convolve(exact_x, exact_W, exact_b, case[4])
    tolerance = (1e-12 if dtype == np.float64 else 3e-6) * abs(right).max(initial=1.0)
    np.testing.assert_allclose(convolution.convolve(x, W, b, case[4], direct=direct), right, rtol=0, atol=tolerance)
    rectified = convolution.convolve(x, W, b, case[4], relu=True, direct=direct)
    np.testing.assert_allclose(rectified, np.maximum(right, 0), rtol=0, atol=tolerance)
    z, mask = convolution.convolve_and_rectify(x, W, b, case[4], direct=direct)
    np.testing.assert_allclose(z, np.maximum(right, 0), rtol=0, atol=tolerance)
    np.testing.assert_array_equal(mask, z > 0)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("case", [*LOOPS, *TILES], ids=str)
def test_directly_a_window_of_zeros_gives_exactly_the_bias(case: Case, relu: bool) -> None:
    x, W, b, _ = arrays(case, np.float32)
    x[:, 2:] *= np.random.default_rng(1).random((*x[:, 2:].shape[:3], 1)) < 0.05
    blank = by_numpy.convolve(abs(x), np.ones_like(W), np.zeros_like(b), case[4], direct=True) == 0
    bias = np.broadcast_to(b, blank.shape)
    z = convolution.convolve(x, W, b, case[4], relu=relu, direct=True)
    np.testing.assert_array_equal(z[blank], (np.maximum(bias, 0) if relu else bias)[blank])
    mask = convolution.convolve_and_rectify(x, W, b, case[4], direct=True)[1]
    np.testing.assert_array_equal(mask[blank], bias[blank] > 0)


def test_filters_prepared_beforehand_give_the_same() -> None:
    x, W, b, _ = arrays(TILES[0], np.float32)
    U = winograd.transform_filters(W)
    prepared = U, winograd.turned_view(U)
    anew, kept = (convolution.convolve(x, W, b, TILES[0][4], prepared=kept) for kept in (None, prepared))
    np.testing.assert_array_equal(anew, kept)


def test_images_that_are_not_contiguous_in_memory_give_the_same() -> None:
    for case in (LOOPS[0], TILES[0]):
        x, W, b, dz = arrays(case, np.float32)
        turned, gradient = (np.ascontiguousarray(a[:, ::-1].transpose(3, 2, 0, 1)) for a in (x, dz))
        other_x, other_dz = (a.transpose(2, 3, 1, 0)[:, ::-1] for a in (turned, gradient))
        np.testing.assert_array_equal(
            convolution.convolve(other_x, W, b, case[4], direct=True),
            convolution.convolve(x, W, b, case[4], direct=True),
        )
        right = convolution.filter_gradients(x, dz, case[4], where=dz > 0)
        for ours, theirs in zip(
            convolution.filter_gradients(other_x, other_dz, case[4], where=other_dz > 0), right, strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("case", [LOOPS[3], TILES[0]], ids=["loops", "tiles"])
def test_gradients_are_those_of_pytorch(case: Case) -> None:
    torch = pytest.importorskip("torch")
    x, W, b, dz = arrays(case, np.float32)
    images, filters, biases = (torch.from_numpy(a.astype(np.float64)) for a in (x, W, b))
    filters.requires_grad_()
    biases.requires_grad_()
    channels_second = (tensor.permute(0, 3, 1, 2) for tensor in (images, filters))
    z = torch.nn.functional.conv2d(*channels_second, biases, case[4].stride, case[4].padding).relu()
    z.backward(torch.from_numpy(dz.astype(np.float64)).permute(0, 3, 1, 2))
    mask = convolution.convolve_and_rectify(x, W, b, case[4], direct=True)[1]
    for ours, right in zip(
        convolution.filter_gradients(x, dz, case[4], where=mask), (filters.grad, biases.grad), strict=True
    ):
        np.testing.assert_allclose(ours, right.numpy(), rtol=0, atol=3e-6 * float(abs(right).max()))


@pytest.mark.parametrize("case", [(40, *LOOPS[0][1:]), (9, *LOOPS[3][1:]), (40, *TILES[0][1:])], ids=str)
def test_any_number_of_threads_gives_the_same_bytes(case: Case) -> None:
    x, W, b, dz = arrays(case, np.float32)
    results = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"), parallel_kernels():
            z, mask = convolution.convolve_and_rectify(x, W, b, case[4], direct=True)
            results.append([a.tobytes() for a in (z, mask, *convolution.filter_gradients(x, dz, case[4], where=mask))])
    assert results == [results[0]] * 3


@pytest.mark.parametrize("dtype", ["complex128", ">f4", "float16"])
@pytest.mark.parametrize("case", [LOOPS[1], TILES[2]], ids=["loops", "tiles"])
def test_arrays_of_other_types_are_left_to_numpy(case: Case, dtype: str) -> None:
    x, W, b, dz = arrays(case, dtype)
    ours, right = (
        [
            module.convolve(x, W, b, case[4]),
            *module.filter_gradients(x, dz, case[4]),
            module.input_gradient(dz, W, case[4], x.shape),
        ]
        for module in (convolution, by_numpy)
    )
    for own, expected in zip(ours, right, strict=True):
        assert own.dtype == expected.dtype
        np.testing.assert_array_equal(own, expected)
