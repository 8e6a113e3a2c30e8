"""Losses on features: each by its definition, its gradient by differences, its norm from the sums alone."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato import Evaluation, Objective, check_gradient
from sfumato.arrays import Array
from sfumato.losses.content import ContentLoss
from sfumato.losses.features import LossWithNorm, add_sums
from sfumato.losses.gram import FeatureMoments, GramLoss, GramReferenceLoss, moments
from sfumato.style.losses import REGULARISATION, STYLE_LOSSES, WassersteinLoss, total_variation

N = 4


def features(height: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((1, height, width, N)) + 0.5


def target(*seeds: int) -> Sequence[tuple[FeatureMoments, float]]:
    return [(moments(features(5, 3 + seed, seed)), 1 / len(seeds)) for seed in seeds]


COMPARED = (GramLoss, GramReferenceLoss, WassersteinLoss)
LOSSES: dict[str, LossWithNorm[Any]] = {
    "content": ContentLoss(features(6, 5, 9)),
    "content, not relative": ContentLoss(features(6, 5, 9), relative=False),
    "content, half of it masked": ContentLoss(features(6, 5, 9), mask=(np.arange(6) < 3.0).reshape(1, 6, 1, 1) * 1.0),
    "gram": GramLoss(target(1)),
    "gram of two styles": GramLoss(target(1, 2)),
    "gram-reference": GramReferenceLoss(target(1)),
    "wasserstein": WassersteinLoss(target(1, 2)),
    **{name: loss(target(1)) for name, loss in STYLE_LOSSES.items() if loss not in COMPARED},
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


def pulled(pullback: Any, gradient: Any, like: Array) -> Array:
    """What a loss sends back to features of this shape."""
    dz = np.zeros_like(like)
    pullback(gradient, dz)
    return dz


class OfFeatures(Objective):
    """A loss as a function of the features alone."""

    def __init__(self, loss: LossWithNorm[Any], weight: float = 0.7) -> None:
        self.loss, self.weight = loss, weight

    def __call__(self, theta: Array) -> Evaluation:
        sums, pullback = self.loss.measure(theta.reshape(1, 6, 5, N))
        loss, gradient = self.loss.score(sums, self.weight)
        return Evaluation(loss, pulled(pullback, gradient, theta.reshape(1, 6, 5, N)).ravel())


@every_loss
def test_the_gradient_equals_differences_of_the_loss(loss: LossWithNorm[Any]) -> None:
    report = check_gradient(OfFeatures(loss), features(6, 5).ravel())
    assert report.difference < 1e-7


@every_loss
def test_the_norm_of_the_feature_gradient_follows_from_the_sums(loss: LossWithNorm[Any]) -> None:
    sums, pullback = loss.measure(features(6, 5))
    _, gradient = loss.score(sums, 1.3)
    norm = sums.gradient_norm(gradient)
    assert norm == pytest.approx(np.linalg.norm(pulled(pullback, gradient, features(6, 5))), rel=1e-10)


@every_loss
def test_the_typical_sums_are_those_of_the_targets_features_at_half_their_size(loss: LossWithNorm[Any]) -> None:
    if isinstance(loss, ContentLoss):
        measured = loss.measure(0.5 * loss.target)[0]
        assert loss.typical(30) == pytest.approx(measured, rel=1e-12)
        return
    z = features(6, 5)
    kind: Any = type(loss)
    expected: Any = moments(0.5 * z)
    for left, right in zip(kind([(moments(z), 1.0)]).typical(30), expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12)


@every_loss
def test_the_weight_multiplies_loss_and_gradient(loss: LossWithNorm[Any]) -> None:
    once, thrice = OfFeatures(loss, 1.0)(features(6, 5).ravel()), OfFeatures(loss, 3.0)(features(6, 5).ravel())
    assert thrice.loss == pytest.approx(3 * once.loss, rel=1e-12)
    np.testing.assert_allclose(thrice.gradient, 3 * once.gradient, rtol=1e-10)


def loss_of(loss: LossWithNorm[Any], z: Array) -> float:
    return loss.score(loss.measure(z)[0])[0]


def test_a_gram_matrix_holds_the_products_of_each_two_channels() -> None:
    z = features(2, 3)
    expected = sum(np.outer(z[0, i, j], z[0, i, j]) for i in range(2) for j in range(3))
    np.testing.assert_allclose(moments(z).products, expected, rtol=1e-12)


def test_content_is_half_the_sum_of_squared_differences_as_in_the_reference() -> None:
    F, P = features(6, 5), features(6, 5, 9)
    by_hand = 0.5 * sum((F[0, i, j, k] - P[0, i, j, k]) ** 2 for i in range(6) for j in range(5) for k in range(N))
    assert loss_of(ContentLoss(P, relative=False), F) == pytest.approx(by_hand, rel=1e-12)
    assert loss_of(ContentLoss(P), F) == pytest.approx(by_hand / (0.5 * (P**2).sum()), rel=1e-12)


def test_the_references_style_loss_is_its_equation_term_by_term() -> None:
    F, A = features(6, 5).reshape(30, N).T, features(5, 4, 1).reshape(20, N).T  # channels are rows there
    G, A = F @ F.T, A @ A.T
    by_hand = sum((G[i, j] - A[i, j]) ** 2 for i in range(N) for j in range(N)) / (4 * N**2 * 30**2)
    assert loss_of(GramReferenceLoss(target(1)), features(6, 5)) == pytest.approx(by_hand, rel=1e-12)


def test_the_relative_loss_is_the_references_up_to_a_factor_where_the_sizes_are_the_same() -> None:
    style = [(moments(features(6, 5, 1)), 1.0)]
    mean_products = style[0][0].products / 30
    factor = 4 * N**2 / (mean_products**2).sum()
    for seed in (2, 3):
        reference = loss_of(GramReferenceLoss(style), features(6, 5, seed))
        assert loss_of(GramLoss(style), features(6, 5, seed)) == pytest.approx(factor * reference, rel=1e-12)


@pytest.mark.parametrize("kind", [GramLoss, WassersteinLoss])
@settings(deadline=None, max_examples=25)
@given(repeats=st.tuples(st.integers(1, 4), st.integers(1, 4)), style=st.tuples(st.integers(1, 4), st.integers(1, 4)))
def test_a_style_loss_does_not_change_when_either_picture_is_tiled(
    kind: Any, repeats: tuple[int, int], style: tuple[int, int]
) -> None:
    once = loss_of(kind(target(1)), features(6, 5))
    tiled_target = [(moments(np.tile(features(5, 4, 1), (1, *style, 1))), 1.0)]
    assert loss_of(kind(tiled_target), np.tile(features(6, 5), (1, *repeats, 1))) == pytest.approx(once, rel=1e-9)


@pytest.mark.parametrize("kind", [GramLoss, GramReferenceLoss, WassersteinLoss])
def test_a_picture_in_its_own_style_has_nothing_to_lose(kind: Any) -> None:
    z = features(6, 5)
    shuffled = np.random.default_rng(0).permutation(z.reshape(30, N)).reshape(z.shape)
    sums, pullback = (loss := kind([(moments(z), 1.0)])).measure(shuffled)
    value, gradient = loss.score(sums)
    assert value == pytest.approx(0, abs=1e-10)
    np.testing.assert_allclose(pulled(pullback, gradient, z), 0, atol=1e-6)


def test_a_soft_mask_weighs_the_squares_of_the_content_and_their_gradient() -> None:
    z, goal = features(6, 5), features(6, 5, 9)
    mask = np.random.default_rng(0).random((1, 6, 5, 1))
    sums, pullback = (loss := ContentLoss(goal, mask=mask)).measure(z)
    value, gradient = loss.score(sums)
    assert value == pytest.approx((mask * (z - goal) ** 2).sum() / (goal**2).sum())
    np.testing.assert_allclose(pulled(pullback, gradient, z), 2 * mask * (z - goal) / (goal**2).sum())


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("block", [1, 15, 10**6])
def test_content_by_blocks_of_rows_is_content_at_once(block: int, masked: bool, monkeypatch: Any) -> None:
    """Of a part of the feature map, as in tiles."""
    monkeypatch.setattr("sfumato.losses.content.BLOCK", block * N)
    z, goal, where = features(4, 5), features(6, 7, 9), (slice(1, 5), slice(2, 7))
    mask = np.random.default_rng(0).random((1, 6, 7, 1))
    counts = mask[:, *where] if masked else np.ones((1, 4, 5, 1))
    sums, pullback = (loss := ContentLoss(goal, mask=mask if masked else None)).measure(z, where)
    apart = z - goal[:, *where]
    assert sums.total == pytest.approx((counts * apart**2).sum(), rel=1e-12)
    expected = 2 * counts * apart / (goal**2).sum()
    np.testing.assert_allclose(pulled(pullback, loss.score(sums)[1], z), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", [ContentLoss, GramLoss, WassersteinLoss])
def test_relative_losses_of_nothing_at_all_are_one(kind: Any) -> None:
    z = features(6, 5)
    loss = ContentLoss(z) if kind is ContentLoss else kind([(moments(z), 1.0)])
    assert loss_of(loss, np.zeros_like(z)) == pytest.approx(1, abs=0.1)  # Wasserstein regularises the zero variances


def test_wasserstein_is_the_distance_of_two_normal_distributions() -> None:
    rows, goal = features(6, 5).reshape(-1, N), features(5, 4, 1).reshape(-1, N)
    m, m_t, C, C_t = rows.mean(0), goal.mean(0), np.cov(rows.T, bias=True), np.cov(goal.T, bias=True)
    ridge = REGULARISATION * np.trace(C_t) / N * np.eye(N)
    C, C_t = C + ridge, C_t + ridge
    root: Any = scipy.linalg.sqrtm(C_t)
    squared = ((m - m_t) ** 2).sum() + np.trace(C + C_t - 2 * scipy.linalg.sqrtm(root @ C @ root).real)
    by_hand = squared / ((m_t**2).sum() + np.trace(C_t))
    assert loss_of(WassersteinLoss(target(1)), features(6, 5)) == pytest.approx(by_hand, rel=1e-9)


def test_wasserstein_bears_fewer_positions_than_channels() -> None:
    loss = WassersteinLoss([(moments(features(1, 2, 1)), 1.0)])
    sums, pullback = loss.measure(features(1, 3))
    value, gradient = loss.score(sums)
    assert np.isfinite(value)
    assert np.isfinite(pulled(pullback, gradient, features(1, 3))).all()


def test_several_styles_are_mixed_by_their_weights() -> None:
    both = GramLoss([(moments(features(5, 4, 1)), 0.75), (moments(features(5, 5, 2)), 0.25)])
    A, B = (moments(features(5, w, s)).products / (5 * w) for w, s in [(4, 1), (5, 2)])
    np.testing.assert_allclose(both.products, 0.75 * A + 0.25 * B, rtol=1e-12)


@every_loss
def test_sums_of_parts_are_the_sums_of_the_whole(loss: LossWithNorm[Any]) -> None:
    z = features(6, 5)
    upper, lower, none = (slice(0, 2), slice(None)), (slice(2, 6), slice(None)), (slice(0, 0), slice(None))
    parts: list[Any] = [loss.measure(z[:, *where], where)[0] for where in (upper, none, lower)]
    whole, added = loss.measure(z)[0], functools.reduce(add_sums, parts)
    for together, entry in zip(whole, added, strict=True):
        np.testing.assert_allclose(entry, together, rtol=1e-12)


class Variation(Objective):
    """Total variation as a function of the pixels."""

    def __call__(self, theta: Array) -> Evaluation:
        variation, gradient = total_variation(theta.reshape(4, 5, 3))
        return Evaluation(variation, gradient.ravel())


def test_total_variation_matches_its_gradient_and_its_definition() -> None:
    x = np.random.default_rng(3).random((4, 5, 3))
    assert check_gradient(Variation(), x.ravel()).difference < 1e-8
    down = sum(((x[i + 1, j] - x[i, j]) ** 2).sum() for i in range(3) for j in range(5))
    right = sum(((x[i, j + 1] - x[i, j]) ** 2).sum() for i in range(4) for j in range(4))
    assert total_variation(x)[0] == pytest.approx((down + right) / 20, rel=1e-12)
