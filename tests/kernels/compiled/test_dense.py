"""Compiled kernels of dense networks against NumPy's: in both precisions, of odd sizes, and what is not finite."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sfumato.arrays import Array
from sfumato.kernels import threads
from sfumato.kernels.ops import OPS, Ops
from sfumato.kernels.threads import parallel_kernels

pytest.importorskip("numba")

NUMPY, NUMBA = OPS["numpy"], OPS["numba"]
DTYPES: list[np.dtype[Any]] = [np.dtype("float32"), np.dtype("float64")]
BETA1, BETA2, EPSILON, RATE = 0.9, 0.999, 1e-8, 0.01

UPDATES: dict[str, tuple[int, Callable[..., None]]] = {
    "descend": (0, lambda ops, theta, g: ops.descend(theta, g, RATE)),
    "averaged momentum": (1, lambda ops, theta, g, v: ops.momentum(theta, g, v, BETA1, 1 - BETA1, RATE)),
    "classical momentum": (1, lambda ops, theta, g, v: ops.momentum(theta, g, v, BETA1, 1.0, RATE)),
    "nesterov": (1, lambda ops, theta, g, v: ops.nesterov(theta, g, v, BETA1, RATE)),
    "rmsprop": (1, lambda ops, theta, g, s: ops.rmsprop(theta, g, s, BETA1, EPSILON, RATE, inside=False)),
    "rmsprop inside": (1, lambda ops, theta, g, s: ops.rmsprop(theta, g, s, BETA1, 0.1, RATE, inside=True)),
    "adam": (2, lambda ops, theta, g, v, s: ops.adam(theta, g, v, s, BETA1, BETA2, EPSILON, RATE, inside=False)),
    "adam inside": (2, lambda ops, theta, g, v, s: ops.adam(theta, g, v, s, BETA1, BETA2, 0.1, RATE, inside=True)),
    "decay": (0, lambda ops, theta, g: ops.decay(theta, g > 0, RATE)),
}
"""Vectors that each update remembers beside theta and the gradient, and the update."""


def close(dtype: np.dtype[Any]) -> float:
    return 1e-12 if dtype == np.float64 else 2e-5


def draw(dtype: np.dtype[Any], *shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("size", [0, 1, 17, threads.PART + 5])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", UPDATES)
def test_updates_equal_those_of_numpy(name: str, dtype: np.dtype[Any], size: int) -> None:
    remembered, update = UPDATES[name]
    theirs = [draw(dtype, size, seed=seed) for seed in range(2 + remembered)]
    theirs[2:] = [np.abs(vector) for vector in theirs[2:]]
    ours = [vector.copy() for vector in theirs]
    update(NUMPY, *theirs)
    update(NUMBA, *ours)
    for number in (0, *range(2, 2 + remembered)):  # the gradient is used up
        assert ours[number].dtype == dtype
        np.testing.assert_allclose(ours[number], theirs[number], rtol=close(dtype), atol=close(dtype))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", [name for name in UPDATES if name != "decay"])
def test_a_gradient_that_is_not_finite_shows_in_theta(name: str, bad: float) -> None:
    remembered, update = UPDATES[name]
    theta, g = np.ones(9, np.float32), np.full(9, bad, np.float32)
    update(NUMBA, theta, g, *(np.zeros(9, np.float32) for _ in range(remembered)))
    assert not np.isfinite(theta).any()


def test_updates_are_the_same_bytes_for_any_number_of_threads() -> None:
    def stepped(count: int) -> Array:
        theta, g, v, s = (np.abs(draw(np.dtype("float32"), 3 * threads.PART + 1, seed=seed)) for seed in range(4))
        with threadpool_limits(count, "blas"), parallel_kernels():
            NUMBA.adam(theta, g, v, s, BETA1, BETA2, EPSILON, RATE, inside=False)
        return theta

    np.testing.assert_array_equal(stepped(1), stepped(2))


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 5), (300, 130), (2, 3, 5, 3)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_relu_equals_that_of_numpy(dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    x, da = draw(dtype, *shape), draw(dtype, *shape, seed=1)
    (a, mask), (expected, numpy_mask) = (ops.rectify(x, positive=True) for ops in (NUMBA, NUMPY))
    np.testing.assert_array_equal(a, expected)
    np.testing.assert_array_equal(NUMBA.masked(da.copy(), mask), NUMPY.masked(da.copy(), numpy_mask))
    assert NUMBA.rectify(x, positive=False)[1] is None


def test_relu_of_parts_of_arrays() -> None:
    x, da = draw(np.dtype("float32"), 9, 8)[:, :5], draw(np.dtype("float32"), 5, 9, seed=1).T
    a, mask = NUMBA.rectify(x, positive=True)
    np.testing.assert_array_equal(a, np.maximum(x, 0))
    np.testing.assert_array_equal(NUMBA.masked(da, mask), np.where(x > 0, da, 0))


def test_relu_keeps_what_is_not_finite_and_lets_nothing_through_where_it_is_off() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], np.float32)
    a, mask = NUMBA.rectify(x, positive=True)
    np.testing.assert_array_equal(a, [np.nan, np.inf, 0, 0, 0, 1])
    np.testing.assert_array_equal(NUMBA.masked(np.ones(6, np.float32), mask), [0, 1, 0, 0, 0, 1])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "classes"), [(1, 1), (7, 3), (300, 10), (5, 33)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_cross_entropy_equals_that_of_numpy(dtype: np.dtype[Any], n: int, classes: int, weighted: bool) -> None:
    z, y = 20 * draw(dtype, n, classes), np.random.default_rng(1).integers(classes, size=n)
    weight = np.abs(draw(dtype, n, seed=2)) if weighted else None
    ours, theirs = (ops.softmax_cross_entropy(z, y, weight) for ops in (NUMBA, NUMPY))
    assert (ours.loss, ours.correct) == (pytest.approx(theirs.loss, rel=close(dtype), abs=close(dtype)), theirs.correct)
    dz = ours.pullback(1 / n)
    assert dz.dtype == dtype
    np.testing.assert_allclose(dz, theirs.pullback(1 / n), rtol=close(dtype), atol=close(dtype))


def test_ties_and_rows_that_are_not_a_number_count_as_with_numpy() -> None:
    nan = np.nan
    z = np.array([[1, 1, 0], [0, 1, 1], [nan, 5, 1], [1, nan, nan], [nan, nan, nan], [2, 1, nan]], np.float32)
    for truth in range(3):
        y = np.full(len(z), truth)
        ours, theirs = (ops.softmax_cross_entropy(z, y) for ops in (NUMBA, NUMPY))
        assert ours.correct == theirs.correct
        assert np.isnan(ours.loss) and np.isnan(theirs.loss)


def test_cross_entropy_takes_complex_logits() -> None:
    z = draw(np.dtype("float64"), 4, 3) + 1e-20j
    assert (
        NUMBA.softmax_cross_entropy(z, np.arange(4) % 3).loss == NUMPY.softmax_cross_entropy(z, np.arange(4) % 3).loss
    )


@pytest.mark.parametrize("n_in", [1, 2, 4, 5])
@pytest.mark.parametrize("n", [0, 1, 31])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_affine_maps_of_few_inputs_equal_those_of_numpy(dtype: np.dtype[Any], n: int, n_in: int) -> None:
    x, W, b = draw(dtype, n, n_in), draw(dtype, n_in, 13, seed=1), draw(dtype, 13, seed=2)
    z = NUMBA.affine(x, W, b)
    assert z.dtype == dtype
    np.testing.assert_allclose(z, NUMPY.affine(x, W, b), rtol=close(dtype), atol=close(dtype))


@pytest.mark.parametrize(("n", "n_in", "units"), [(0, 3, 5), (1, 1, 1), (31, 4, 13), (31, 5, 13), (1100, 130, 3)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_affine_maps_with_relu_equal_those_of_numpy(dtype: np.dtype[Any], n: int, n_in: int, units: int) -> None:
    x, W, b = draw(dtype, n, n_in), draw(dtype, n_in, units, seed=1), draw(dtype, units, seed=2)
    da = draw(dtype, n, units, seed=3)
    (a, mask), (expected, numpy_mask) = (ops.affine_and_rectify(x, W, b, positive=True) for ops in (NUMBA, NUMPY))
    assert a.dtype == dtype
    np.testing.assert_allclose(a, expected, rtol=close(dtype), atol=10 * close(dtype))
    np.testing.assert_array_equal(mask > 0, numpy_mask)
    ours, theirs = (np.full(units, 7, dtype) for _ in range(2))
    dz = NUMBA.masked(da.copy(), mask, sums=ours)
    assert_same(dz, NUMPY.masked(da.copy(), numpy_mask, sums=theirs))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=100 * close(dtype))
    NUMBA.column_sums(da, ours)
    NUMPY.column_sums(da, theirs)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=100 * close(dtype))


@pytest.mark.parametrize("n_in", [1, 6])
def test_affine_maps_with_relu_keep_what_is_not_finite(n_in: int) -> None:
    x, W = np.zeros((1, n_in), np.float32), np.zeros((n_in, 5), np.float32)
    b = np.array([np.nan, np.inf, -np.inf, -0.0, 1.0], np.float32)
    a, mask = NUMBA.affine_and_rectify(x, W, b, positive=True)
    np.testing.assert_array_equal(a, [[np.nan, np.inf, 0, 0, 1]])
    sums = np.empty(5, np.float32)
    dz = NUMBA.masked(np.array([[1, np.nan, 1, 1, np.inf]], np.float32), mask, sums=sums)
    np.testing.assert_array_equal(dz, [[0, np.nan, 0, 0, np.inf]])
    np.testing.assert_array_equal(sums, dz[0])


def test_sums_of_columns_of_arrays_in_any_order() -> None:
    A, mask = draw(DTYPES[0], 6, 14)[:, ::2], np.ones((6, 7), np.float32)
    for matrix in (A, A.copy(order="F"), A.astype(np.float64)):
        sums, masked_sums = np.empty((2, 7), np.float32)
        NUMBA.column_sums(matrix, sums)
        NUMBA.masked(matrix.copy(), mask, sums=masked_sums)
        for found in (sums, masked_sums):
            np.testing.assert_allclose(found, A.sum(axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ops", [NUMPY, NUMBA], ids=["numpy", "numba"])
def test_classes_are_numbered_as_by_numpy(ops: Ops) -> None:
    z = draw(DTYPES[0], 3, 4)
    counted_from_the_end, whole = (ops.softmax_cross_entropy(z, np.array(y)) for y in ([-1, -4, 2], [3, 0, 2]))
    assert counted_from_the_end.loss == whole.loss
    np.testing.assert_array_equal(counted_from_the_end.pullback(1.0), whole.pullback(1.0))
    for c in (4, -5, 10**9):
        with pytest.raises(IndexError):
            ops.softmax_cross_entropy(z, np.array([0, c, 1]))
    with pytest.raises(ValueError, match="broadcast"):
        ops.softmax_cross_entropy(z, np.array([0, 1, 2, 3]))
    with pytest.raises(ValueError, match="zero-size"):
        ops.softmax_cross_entropy(z[:, :0], np.array([0, 0, 0]))


@pytest.mark.parametrize("ops", [NUMPY, NUMBA], ids=["numpy", "numba"])
def test_the_backward_pass_of_a_cross_entropy_may_be_repeated(ops: Ops) -> None:
    pullback = ops.softmax_cross_entropy(draw(DTYPES[0], 5, 3), np.arange(5) % 3).pullback
    first = pullback(0.5)
    kept = first.copy()
    np.testing.assert_array_equal(pullback(0.5), kept)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_allclose(pullback(1.0), 2 * kept, rtol=1e-6)


OTHERS = [np.dtype(name) for name in ("complex128", ">f4", ">f8", "float16")]
"""What the loops do not serve."""


def assert_same(ours: Any, theirs: Any) -> None:
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", OTHERS, ids=str)
def test_arrays_of_other_types_are_left_to_numpy(dtype: np.dtype[Any]) -> None:
    z, W, b = draw(dtype, 5, 3), draw(dtype, 3, 4, seed=1), draw(dtype, 4, seed=2)
    assert_same(NUMBA.affine(z, W, b), NUMPY.affine(z, W, b))
    for ours, theirs in zip(*(ops.affine_and_rectify(z, W, b, positive=True) for ops in (NUMBA, NUMPY)), strict=True):
        assert_same(ours, theirs)
    (a, mask), (expected, numpy_mask) = (ops.rectify(z, positive=True) for ops in (NUMBA, NUMPY))
    assert_same(a, expected)
    assert_same(NUMBA.masked(z[::-1].copy(), mask), NUMPY.masked(z[::-1].copy(), numpy_mask))
    ours, theirs = (ops.softmax_cross_entropy(z, np.arange(5) % 3) for ops in (NUMBA, NUMPY))
    assert (ours.loss, ours.correct) == (theirs.loss, theirs.correct)
    assert_same(ours.pullback(0.5), theirs.pullback(0.5))


@pytest.mark.parametrize("dtype", OTHERS, ids=str)
@pytest.mark.parametrize("name", UPDATES)
def test_updates_of_vectors_of_other_types_are_left_to_numpy(name: str, dtype: np.dtype[Any]) -> None:
    remembered, update = UPDATES[name]
    theirs = [np.abs(draw(dtype, 9, seed=seed)).astype(dtype) for seed in range(2 + remembered)]
    ours = [vector.copy() for vector in theirs]
    update(NUMPY, *theirs)
    update(NUMBA, *ours)
    for own, expected in zip(ours, theirs, strict=True):
        assert_same(own, expected)


@pytest.mark.parametrize(("first", "second"), [("float64", "float32"), ("float32", "float64"), ("float16", "float32")])
def test_affine_maps_of_mixed_precision_have_that_of_numpy(first: str, second: str) -> None:
    x, W, b = draw(np.dtype(first), 5, 3), draw(np.dtype(second), 3, 4, seed=1), draw(np.dtype(second), 4, seed=2)
    assert_same(NUMBA.affine(x, W, b), NUMPY.affine(x, W, b))


def test_a_gradient_is_masked_in_its_own_memory_whatever_its_order() -> None:
    x = draw(DTYPES[0], 5, 9)
    mask = NUMBA.rectify(x, positive=True)[1]
    for da in (draw(DTYPES[0], 5, 9, seed=1), draw(DTYPES[0], 9, 5, seed=1).T, draw(DTYPES[0], 5, 18, seed=1)[:, ::2]):
        expected = np.where(x > 0, da, 0)
        assert NUMBA.masked(da, mask) is da
        np.testing.assert_array_equal(da, expected)
