"""Winograd's kernel against the plain definition, in the shapes that people use and in odd ones."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato.arrays import Array
from sfumato.engine import has_numba
from sfumato.kernels import winograd
from sfumato.kernels.compiled.winograd import CompiledSteps
from sfumato.kernels.convolution import convolve, input_gradient, prepare
from sfumato.kernels.geometry import Geometry
from sfumato.kernels.ops import OPS
from sfumato.kernels.threads import parallel_kernels


def plain(x: Array, W: Array, b: Array, padding: int) -> Array:
    """The definition, a loop over the nine entries of the filters, in float64."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    rows, columns = padded.shape[1] - 2, padded.shape[2] - 2
    z = np.zeros((len(x), rows, columns, len(W))) + b
    for i in range(3):
        for j in range(3):
            z += padded[:, i : i + rows, j : j + columns] @ W[:, i, j].astype(np.float64).T
    return z


BACKENDS = ["numpy", *(["numba"] if has_numba() else [])]
STEPS = [winograd.NumpySteps, *([CompiledSteps] if has_numba() else [])]

sizes = st.integers(1, 21)
channels = st.integers(winograd.LEAST_CHANNELS, winograd.LEAST_CHANNELS + 24)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("whole", [0, 2**40], ids=["strip by strip", "step by step"])
@settings(deadline=None)
@given(n=st.integers(0, 5), height=sizes, width=sizes, c=channels, out=channels, padding=st.integers(0, 2))
def test_it_gives_the_sums_of_the_plain_loop_both_ways(
    backend: str, whole: int, n: int, height: int, width: int, c: int, out: int, padding: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, parallel_kernels():
        patch.setattr(winograd, "WHOLE_NUMBERS", whole)
        both_ways(backend, n, height, width, c, out, padding)


def both_ways(backend: str, n: int, height: int, width: int, c: int, out: int, padding: int) -> None:
    """A convolution with bias and ReLU, and the backward pass through its mask."""
    height, width = (max(size, 3 - 2 * padding) for size in (height, width))
    rng = np.random.default_rng(height * width)
    x: Array = rng.standard_normal((n, height, width, c)).astype(np.float32)
    W: Array = rng.standard_normal((out, 3, 3, c)).astype(np.float32)
    b = rng.standard_normal(out).astype(np.float32)
    assert winograd.serves(W.shape, Geometry((3, 3), padding=padding), x.dtype, W.dtype)
    expected = np.maximum(plain(x, W, b, padding), 0)
    geometry = Geometry((3, 3), padding=padding)
    z, positive = OPS[backend].convolve_and_rectify(x, W, b, geometry)
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-5 * np.abs(expected).max(initial=1))
    np.testing.assert_array_equal(positive, z > 0)
    dz = rng.standard_normal(z.shape).astype(np.float32)
    turned = W[:, ::-1, ::-1].transpose(3, 1, 2, 0)
    expected = plain(dz * positive, turned, np.zeros(c), 2 - padding)
    dx = OPS[backend].input_gradient(dz, W, geometry, x.shape, where=positive)
    assert dx.shape == x.shape
    np.testing.assert_allclose(dx, expected, rtol=0, atol=1e-5 * np.abs(expected).max(initial=1))


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize(("relu", "order"), [(True, "C"), (False, "F")])
def test_masks_biases_and_orders_in_memory_go_together(
    relu: bool, order: Literal["C", "F"], steps: type[winograd.Steps]
) -> None:
    """What the layers do not ask for together: a mask of the inputs with biases, signs without ReLU, columns first."""
    rng = np.random.default_rng(1)
    x = np.asarray(rng.standard_normal((2, 13, 9, 18), np.float32), order=order)
    where = np.asarray(rng.random(x.shape) < 0.5, order=order)
    W, b = rng.standard_normal((20, 3, 3, 18), np.float32), rng.standard_normal(20, np.float32)
    positive = np.zeros((2, 13, 9, 20), bool)
    U = winograd.transform_filters(W)
    z = winograd.convolve(x, U, b, padding=1, relu=relu, positive=positive, where=where, steps=steps)
    expected = plain(x * where, W, b, 1)
    np.testing.assert_allclose(z, np.maximum(expected, 0) if relu else expected, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(positive, z > 0)


def test_prepared_filters_change_nothing_and_are_kept_once() -> None:
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((1, 6, 7, 320), np.float32), rng.standard_normal((384, 3, 3, 320), np.float32)
    geometry = Geometry((3, 3), padding=1)
    prepared, b = prepare(W, geometry), np.zeros(384, np.float32)
    assert prepared is not None
    z = convolve(x, W, b, geometry)
    np.testing.assert_array_equal(convolve(x, W, b, geometry, prepared=prepared), z)
    dx, again = (input_gradient(z, W, geometry, x.shape, prepared=kept) for kept in (None, prepared))
    assert np.shares_memory(*prepared)
    np.testing.assert_allclose(again, dx, rtol=0, atol=1e-6 * np.abs(dx).max())


@pytest.mark.parametrize(
    ("dtype", "kernel", "stride", "c", "out"),
    [
        (np.float64, 3, 1, 32, 32),
        (np.float32, 5, 1, 32, 32),
        (np.float32, 3, 2, 32, 32),
        (np.float32, 3, 1, 3, 64),
        (np.float32, 3, 1, 64, 3),
    ],
)
def test_other_convolutions_are_left_to_the_direct_kernel(
    dtype: type, kernel: int, stride: int, c: int, out: int
) -> None:
    W: Array = np.ones((out, kernel, kernel, c), dtype)
    geometry = Geometry((kernel, kernel), stride, 1)
    assert not winograd.serves(W.shape, geometry, np.dtype(np.float32), W.dtype)
    assert prepare(W, geometry) is None


def test_the_transforms_give_the_sums_of_the_filter_exactly() -> None:
    A, B, G = winograd.transforms()
    rng = np.random.default_rng(0)
    d, g = rng.standard_normal(6), rng.standard_normal(3)
    np.testing.assert_allclose(A @ ((G @ g) * (B @ d)), np.correlate(d, g, "valid"), rtol=1e-12)


def rounding(points: tuple[float, ...]) -> float:
    """Root mean square error of outputs of size about one, in float32, with these points beside infinity."""
    A, B, G = (np.kron(matrix, matrix).astype(np.float32) for matrix in winograd.transforms(points))
    rng, errors = np.random.default_rng(0), []
    for _ in range(20):
        d = np.maximum(rng.standard_normal((6, 6, 512)), 0).astype(np.float32)
        g = (rng.standard_normal((3, 3, 512)) / np.sqrt(9 * 512 / 2)).astype(np.float32)
        y = A @ ((B @ d.reshape(36, -1)) * (G @ g.reshape(9, -1))).sum(axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(d.astype(np.float64), (3, 3), axis=(0, 1))
        errors.append(y - np.einsum("ijcab,abc->ij", windows, g.astype(np.float64)).ravel())
    return float(np.sqrt(np.mean(np.square(errors))))


def test_the_points_leave_less_rounding_than_the_usual_ones() -> None:
    usual = rounding((0.0, 1.0, -1.0, 2.0, -2.0))
    assert rounding(winograd.POINTS) < 0.7 * usual
