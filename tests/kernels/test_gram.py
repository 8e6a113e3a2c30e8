"""Sums of products of channels, and their backward pass, against their definition."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato.arrays import Array, Shape, to_numpy
from sfumato.engine import Engine
from sfumato.kernels import gram
from sfumato.kernels.ops import ops

SHAPES = st.tuples(st.integers(0, 2), st.integers(1, 9), st.integers(1, 9), st.integers(1, 12))


def near(own: Engine, ours: Any, right: Any) -> None:
    """Equal but for rounding, which goes with the numbers that are added up: their sum may cancel."""
    tolerance = {"float64": 1e-10, "float32": 2e-5}[own.precision]
    largest = np.abs(right).max(initial=1.0)
    np.testing.assert_allclose(to_numpy(ours), right, rtol=tolerance, atol=tolerance * largest)


def drawn(shape: Shape, seed: int, *, weighted: bool) -> tuple[Array, Array | None]:
    """Features, and on request weights of positions, some of them zero."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal(shape)
    return features, np.maximum(rng.random((*shape[:3], 1)) - 0.3, 0) if weighted else None


def put(own: Engine, features: Array, weights: Array | None) -> tuple[Array, Array | None]:
    """Both where they are computed with; the features as a part of larger ones, as those of a tile are."""
    wider = np.pad(features, ((0, 0), (1, 2), (2, 1), (0, 0)))
    return own.put(wider)[:, 1:-2, 2:-1], None if weights is None else own.put(weights)


@pytest.mark.parametrize("single", [False, True])
@settings(deadline=None, max_examples=40)
@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1), weighted=st.booleans(), few=st.booleans())
def test_totals_and_products_are_those_of_the_definition(
    shape: Shape, seed: int, weighted: bool, few: bool, single: bool, engine: Engine
) -> None:
    own = engine._replace(precision="float32") if single else engine
    F, T = drawn(shape, seed, weighted=weighted)
    with pytest.MonkeyPatch.context() as patch:
        if few:  # bytes in a strip, so that there are many strips
            patch.setattr(gram, "STRIP_BYTES", 200)
            patch.setattr(gram, "TORCH_STRIP_BYTES", 200)
        total, products = ops().total_and_gram_matrix(*put(own, F, T))
    count = np.ones((*shape[:3], 1)) if T is None else T
    assert total.dtype == products.dtype == np.float64
    near(own, total, (count * F).sum(axis=(0, 1, 2)))
    near(own, products, np.einsum("nhwi,nhwj->ij", count * F, F))


@pytest.mark.parametrize("single", [False, True])
@settings(deadline=None, max_examples=40)
@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1), weighted=st.booleans(), shifted=st.booleans(), few=st.booleans())
def test_what_is_added_on_the_way_back_is_that_of_the_definition(
    shape: Shape, seed: int, weighted: bool, shifted: bool, few: bool, single: bool, engine: Engine
) -> None:
    own = engine._replace(precision="float32") if single else engine
    F, T = drawn(shape, seed, weighted=weighted)
    rng = np.random.default_rng(seed)
    D, d, before = rng.standard_normal((shape[3], shape[3])), rng.standard_normal(shape[3]), rng.standard_normal(shape)
    d *= shifted
    features, weights = put(own, F, T)
    into = own.put(before.copy())
    with pytest.MonkeyPatch.context() as patch:
        if few:
            patch.setattr(gram, "STRIP_BYTES", 200)
            patch.setattr(gram, "TORCH_STRIP_BYTES", 200)
        ops().add_product(features, D, d, into, weights)
    near(own, into, before + (1 if T is None else T) * (F @ D + d))


def test_the_sum_of_squares_is_one_of_python(engine: Engine, rounding: float) -> None:
    x = np.random.default_rng(0).standard_normal((3, 4, 5))
    found = ops().sum_of_squares(engine.put(x))
    assert type(found) is float
    assert found == pytest.approx((x**2).sum(), rel=rounding)
