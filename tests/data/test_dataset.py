"""Examples, splits and scalings."""

import tracemalloc
import warnings
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sfumato.arrays import Array
from sfumato.checks import suggestion
from sfumato.data import Dataset, Examples, Scaling, ScalingKind, limit, split, subset
from sfumato.errors import InputError

HUGE = np.finfo(np.float64).max


def numbered(n: int, y: Array | None = None) -> Examples:
    """Rows whose only feature is their index, so that parts can be recognised."""
    return Examples(np.arange(n, dtype=np.float64)[:, np.newaxis], np.zeros(n, dtype=np.int64) if y is None else y)


def indices(examples: Examples) -> list[int]:
    return [int(value) for value in examples.x[:, 0]]


def tables(limit: float = 1e6) -> st.SearchStrategy[Array]:
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20)
    return hnp.arrays(np.float64, shapes, elements=st.floats(-limit, limit))


def wide_enough(x: Array, relative: float) -> bool:
    """Whether no column is constant but for its values' rounding, where it would have no meaningful scale."""
    span = np.ptp(x, axis=0)
    return bool(np.all((span == 0) | (span > np.maximum(1e-300, relative * np.abs(x).max(axis=0)))))


IMAGES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)))


def test_shapes_of_a_dataset() -> None:
    images = Dataset("a", Examples(np.zeros((5, 4, 3, 1)), np.zeros(5)), None, "classification", (), (), "y")
    assert images.feature_shape == images.image_shape == (4, 3, 1)
    table = Dataset("a", numbered(3), None, "classification", (), ("x1",), "y")
    assert table.feature_shape == (1,)
    assert table.image_shape is None


def test_subset_takes_weights_along() -> None:
    weighted = numbered(4)._replace(sample_weight=np.array([1.0, 2.0, 3.0, 4.0]))
    part = subset(weighted, np.array([3, 1]))
    assert indices(part) == [3, 1]
    assert part.sample_weight is not None
    assert part.sample_weight.tolist() == [4, 2]
    assert subset(numbered(4), np.array([0])).sample_weight is None


@settings(deadline=None)
@given(rows=st.integers(1, 50), n=st.integers(1, 60), seed=st.integers(0, 2**32))
def test_limit(rows: int, n: int, seed: int) -> None:
    kept = indices(limit(numbered(rows), n, seed))
    assert len(kept) == min(n, rows)
    assert kept == sorted(set(kept))
    assert kept == indices(limit(numbered(rows), n, seed))


def test_limit_needs_a_row() -> None:
    with pytest.raises(InputError, match="cannot keep 0 examples; keep at least 1"):
        limit(numbered(3), 0, 0)


@settings(deadline=None)
@given(rows=st.integers(2, 60), fraction=st.floats(0, 1, exclude_max=True), seed=st.integers(0, 99), data=st.data())
def test_split_is_disjoint_covering_and_deterministic(
    rows: int, fraction: float, seed: int, data: st.DataObject
) -> None:
    y = data.draw(hnp.arrays(np.int64, rows, elements=st.integers(0, 3)))
    stratify = data.draw(st.booleans())
    size = round(rows * fraction)
    assume(fraction == 0 or 0 < size < rows)
    rest, held_out = split(numbered(rows, y), fraction, seed, stratify=stratify)
    parts = [rest] if held_out is None else [rest, held_out]
    assert sum(len(part.y) for part in parts) == rows
    assert sorted(index for part in parts for index in indices(part)) == list(range(rows))
    for part in parts:
        assert indices(part) == sorted(indices(part))
        assert part.y.tolist() == y[indices(part)].tolist()
    if held_out is None:
        assert fraction == 0
    else:
        assert len(held_out.y) == size
    again = split(numbered(rows, y), fraction, seed, stratify=stratify)
    assert indices(again[0]) == indices(rest)


@settings(deadline=None)
@given(counts=st.lists(st.integers(2, 40), min_size=2, max_size=5), seed=st.integers(0, 99))
def test_a_stratified_split_takes_of_every_class_its_share(counts: list[int], seed: int) -> None:
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    fraction = 0.3
    size = round(len(y) * fraction)
    assume(len(counts) <= size)
    held_out = split(numbered(len(y), y), fraction, seed, stratify=True)[1]
    assert held_out is not None
    shares = np.array(counts) * size / len(y)
    assert np.all(np.abs(np.bincount(held_out.y, minlength=len(counts)) - shares) < 1)


def test_every_row_is_held_out_as_often_as_any_other() -> None:
    y = np.array([0] * 7 + [1] * 13)
    times = np.zeros(20)
    for seed in range(2000):
        held_out = split(numbered(20, y), 0.25, seed, stratify=True)[1]
        assert held_out is not None
        times[indices(held_out)] += 1
    # Each count is binomial with n = 2000 and p = 1/4: its standard deviation is 19.4.
    assert np.all(np.abs(times - 500) < 4.5 * 19.4)


def test_a_class_of_one_is_split_plainly() -> None:
    y = np.array([0] * 9 + [1])
    rest, held_out = split(numbered(10, y), 0.3, 0, stratify=True)
    plain = split(numbered(10, y), 0.3, 0, stratify=False)
    assert indices(rest) == indices(plain[0])
    assert held_out is not None
    assert len(held_out.y) == 3


def test_different_seeds_split_differently() -> None:
    assert indices(split(numbered(100), 0.5, 0, stratify=False)[0]) != indices(
        split(numbered(100), 0.5, 1, stratify=False)[0]
    )


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 2.0, float("nan")])
def test_fraction_out_of_range(fraction: float) -> None:
    with pytest.raises(InputError, match="at least 0 and below 1"):
        split(numbered(10), fraction, 0, stratify=False)


@pytest.mark.parametrize(("rows", "fraction"), [(3, 0.1), (2, 0.9), (1, 0.5)])
def test_no_part_may_be_empty(rows: int, fraction: float) -> None:
    with pytest.raises(InputError, match=f"{fraction} of {rows} examples: one part would be empty"):
        split(numbered(rows), fraction, 0, stratify=False)


@settings(deadline=None)
@given(tables())
def test_unit_scaling_of_a_table(x: Array) -> None:
    assume(wide_enough(x, 0))
    scaled = Scaling.unit(x)(x, np.float64)
    assert scaled.min() >= 0
    assert scaled.max() <= 1 + 1e-12
    constant = x.min(axis=0) == x.max(axis=0)
    assert np.all(scaled[:, constant] == 0)
    np.testing.assert_allclose(scaled.max(axis=0)[~constant], 1, rtol=1e-12)
    assert Scaling.unit(x).offset.shape == Scaling.unit(x).factor.shape == x.shape[1:]


@settings(deadline=None)
@given(tables())
def test_standard_scaling_of_a_table(x: Array) -> None:
    assume(wide_enough(x, 1e-6))
    scaled = Scaling.standard(x)(x, np.float64)
    constant = np.ptp(x, axis=0) == 0
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-8)
    np.testing.assert_allclose(scaled.var(axis=0)[~constant], 1, rtol=1e-6)
    assert np.all(scaled[:, constant] == 0)


@settings(deadline=None)
@given(IMAGES)
def test_scaling_of_images(x: Array) -> None:
    unit = Scaling.unit(x)
    assert unit.offset.shape == unit.factor.shape == ()
    scaled = unit(x)
    assert scaled.dtype == np.float32
    assert scaled.shape == x.shape
    assert scaled.min() >= 0
    assert scaled.max() <= 1 + 1e-6
    standard = Scaling.standard(x)(x, np.float64)
    if x.min() < x.max():
        np.testing.assert_allclose([standard.mean(), standard.var()], [0, 1], atol=1e-9)
    else:
        assert np.all(standard == 0)


def test_scaling_agrees_with_scikit_learn() -> None:
    x = np.random.default_rng(0).normal(3, 7, (200, 4)) * [1, 1e-3, 1e3, 1e9]
    np.testing.assert_allclose(Scaling.standard(x)(x, np.float64), StandardScaler().fit_transform(x), atol=1e-12)
    np.testing.assert_allclose(Scaling.unit(x)(x, np.float64), MinMaxScaler().fit_transform(x), atol=1e-12)


def test_bytes_of_the_full_range_are_divided_by_255() -> None:
    x = np.array([0, 1, 128, 255], dtype=np.uint8).reshape(1, 2, 2, 1)
    scaling = Scaling.unit(x)
    assert scaling.offset == 0
    assert scaling.factor == 1 / 255
    np.testing.assert_array_equal(scaling(x, np.float64).ravel(), np.array([0, 1, 128, 255]) * (1 / 255))


def test_a_small_variation_of_a_large_value_survives_float32() -> None:
    x = np.array([[1e9], [1e9 + 1], [1e9 + 2]])
    np.testing.assert_allclose(Scaling.unit(x)(x).ravel(), [0, 0.5, 1], rtol=1e-6)


def test_new_data_use_the_fitted_scaling() -> None:
    scaling = Scaling.unit(np.array([[0.0], [10.0]]))
    assert scaling(np.array([[20.0]]))[0, 0] == 2


@pytest.mark.parametrize("kind", ["unit", "standard", "auto"])
@pytest.mark.parametrize("values", [[-HUGE, HUGE, 0], [HUGE, HUGE / 2, -1], [1e-310, 2e-310, 0], [HUGE, HUGE, HUGE]])
def test_extreme_values_neither_overflow_nor_warn(kind: ScalingKind, values: list[float]) -> None:
    x = np.array(values)[:, np.newaxis]
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        scaled = Scaling.fit(x, kind)(x)
    assert np.isfinite(scaled).all()
    assert np.abs(scaled).max() < 10


def test_what_auto_stands_for() -> None:
    image = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    table = np.arange(6, dtype=np.float64).reshape(3, 2)
    assert Scaling.fit(image).factor == Scaling.unit(image).factor
    np.testing.assert_array_equal(Scaling.fit(table).factor, Scaling.standard(table).factor)
    np.testing.assert_array_equal(Scaling.fit(table, "none")(table), table)


@pytest.mark.parametrize("kind", ["none", "unit", "standard"])
@pytest.mark.parametrize("values", [np.uint8, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaling_into_memory_that_is_given(kind: ScalingKind, values: type, dtype: type) -> None:
    x: Array = np.arange(24).reshape(2, 3, 4, 1).astype(values)
    out: Array = np.full(x.shape, np.nan, dtype)
    scaling = Scaling.fit(x, kind)
    assert scaling(x, dtype, out=out) is out
    np.testing.assert_array_equal(out, scaling(x, dtype))


def test_unknown_scaling() -> None:
    with pytest.raises(InputError, match="no scaling 'minmax'; choose one of: auto, none, unit, standard"):
        Scaling.fit(np.zeros((2, 2)), cast(Any, "minmax"))


@pytest.mark.parametrize("kind", ["unit", "standard"])
def test_images_are_scaled_without_a_float64_copy(kind: ScalingKind) -> None:
    x = np.random.default_rng(0).integers(0, 256, (1000, 28, 28, 1)).astype(np.uint8)
    scaling = Scaling.fit(x, kind)
    tracemalloc.start()
    try:
        scaled = scaling(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.1 * scaled.nbytes


def test_suggestion() -> None:
    assert suggestion("MNSIT", ("mnist", "moons")) == "did you mean 'mnist'? "
    assert suggestion("zzz", ("mnist", "moons")) == ""
