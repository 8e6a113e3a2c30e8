"""Neighbours: for each place of the content, the place of the style that is most like it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato.arrays import Array, to_numpy, within_range
from sfumato.engine import NUMPY, NUMPY_DOUBLE, Engine
from sfumato.kernels.neighbours import BLOCK
from sfumato.kernels.ops import ops
from sfumato.losses.content import ContentLoss
from sfumato.losses.gram import GramLoss
from sfumato.minimize import RunOptions
from sfumato.style import neighbours as module
from sfumato.style.control.colour import colour_moments
from sfumato.style.job import PaintingJob
from sfumato.style.neighbours import (
    CELL,
    MATCHED_SCALES,
    Neighbours,
    assemble,
    matching_scale,
    mixed_features,
    places_of,
    share_out,
)
from sfumato.style.objective import StyleObjective, Term
from sfumato.style.problem import StyleProblem
from sfumato.style.settings import StyleSettings
from sfumato.style.tiles.memory import Plan
from sfumato.style.transfer import StyleTransfer

HEIGHT, WIDTH = 48, 64


def blotches(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Array:
    coarse = np.random.default_rng(seed).random((height // 4, width // 4, 3))
    return np.kron(coarse, np.ones((4, 4, 1))).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 7, BLOCK, BLOCK + 1])
def test_the_nearest_row_is_that_of_brute_force_and_the_first_of_several(rows: int, engine: Engine) -> None:
    rng = np.random.default_rng(rows)
    S = rng.integers(-2, 3, (40, 3)).astype(np.float32)  # small whole numbers: products are exact, and many the same
    Q = rng.integers(-2, 3, (rows, 3)).astype(np.float32)
    with engine.in_force():
        numbers, products = ops().nearest_rows(engine.master.put(Q), engine.master.put(S))
    for q, number, product in zip(Q, numbers, products, strict=True):
        of_all = [float(q @ s) for s in S]
        assert product == max(of_all)
        assert number == of_all.index(max(of_all))


def test_no_rows_have_no_neighbours() -> None:
    numbers, products = ops().nearest_rows(np.zeros((0, 3)), np.ones((2, 3)))
    assert numbers.shape == products.shape == (0,)


def posed(content: Array, styles: Any, narrow_vgg: str, masks: Any = (), **changes: Any) -> StyleProblem:
    settings = StyleSettings(**{"tv_weight": 0.0, "vgg_weights": narrow_vgg, **changes})
    return StyleProblem(settings, content, styles, masks)


@pytest.mark.parametrize("size", [(48, 64), (50, 67)])
def test_a_picture_in_its_own_style_stays_as_it_is(size: tuple[int, int], narrow_vgg: str) -> None:
    content = blotches(1, 52, 68)[: size[0], : size[1]]
    objective = posed(content, content, narrow_vgg).objective(*size, NUMPY_DOUBLE)
    found = objective(content.astype(np.float64).ravel())
    assert found.terms["style"] < 1e-12
    assert np.abs(found.gradient).max() < 1e-6


def test_a_piece_of_the_style_finds_the_piece_that_it_is(narrow_vgg: str) -> None:
    """Far from the borders, where features see what the piece lacks."""
    style = np.random.default_rng(0).random((96, 96, 3)).astype(np.float32)
    content = style[32:, 16:80]
    problem = posed(
        content, style, narrow_vgg, style_layers={"block1_conv1": 1.0, "block2_conv1": 1.0}, style_scale=1.5
    )
    objective = problem.objective(64, 64, NUMPY_DOUBLE)
    found = problem.neighbours(objective.network)
    rows, columns = np.mgrid[0:16, 0:16]
    inner = (slice(4, 12), slice(4, 12))
    np.testing.assert_array_equal(found.rows[inner], (rows + 8)[inner])
    np.testing.assert_array_equal(found.columns[inner], (columns + 4)[inner])


def test_positions_keep_their_offset_from_their_place() -> None:
    features = np.arange(12 * 12, dtype=np.float64).reshape(1, 12, 12, 1)
    rows, columns = np.mgrid[2:-1:-1, 0:3]
    swapped = Neighbours(np.zeros((3, 3), int), rows, columns, scale=1.0)
    target = assemble(swapped, [features], None, (12, 12), 1)[0, ..., 0]
    expected = features[0, ..., 0].reshape(3, 4, 12)[::-1].reshape(12, 12)
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_places_that_are_their_own_neighbours_give_back_the_features(stride: int, scale: float) -> None:
    shape = (90 // stride, 130 // stride)
    features = np.random.default_rng(0).random((1, *shape, 2))
    places = np.zeros(places_of(90, 130, scale), int)
    rows, columns = np.indices(places.shape)
    own = Neighbours(places, rows, columns, scale=scale)
    np.testing.assert_array_equal(assemble(own, [features], None, shape, stride), features)


@pytest.mark.parametrize(("weights", "part"), [((1.0, 0.0), 1.0), ((10.0, 1.0), 10 / 11), ((1.0, 1.0), 0.5)])
def test_colours_are_moved_to_the_styles_by_its_part_of_the_weights(
    weights: tuple[float, float], part: float, narrow_vgg: str
) -> None:
    style = (0.3 + 0.2 * blotches(2)) * [1.0, 0.9, 0.8]
    problem = posed(blotches(1), style, narrow_vgg, style_weight=weights[0], content_weight=weights[1])
    painted = 0.4 + 0.1 * np.random.default_rng(0).random((HEIGHT, WIDTH, 3), np.float32)
    moved = problem.finish(painted)
    mean, covariance = colour_moments(moved)
    wanted, spread = colour_moments(style.astype(np.float32))
    np.testing.assert_allclose(mean, (1 - part) * painted.mean(axis=(0, 1)) + part * wanted, atol=1e-3)
    if part == 1.0:
        np.testing.assert_allclose(covariance, spread, atol=1e-4)


def test_within_a_mask_the_colours_of_its_own_pixels_are_moved(narrow_vgg: str) -> None:
    mask = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    mask[:, : WIDTH // 2] = 1.0
    problem = posed(blotches(1), [0.2 + 0.1 * blotches(2), 0.6 + 0.1 * blotches(3)], narrow_vgg, [(mask, 1)])
    painted = 0.4 + 0.1 * np.random.default_rng(0).random((HEIGHT, WIDTH, 3), np.float32)
    painted[:, WIDTH // 2 :] += 0.3
    moved = problem.finish(painted)
    for half, style in ((slice(0, 30), 0), (slice(34, None), 1)):
        wanted = 10 / 11 * problem.styles[style].picture.mean() + 1 / 11 * painted[:, half].mean()
        assert moved[:, half].mean() == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize("last", ["block1_conv1", "block2_conv1"])
def test_no_tile_cuts_a_place(last: str, narrow_vgg: str) -> None:
    problem = posed(blotches(1, 107, 160), blotches(2), narrow_vgg, style_layers={last: 1.0}, content_weight=0.0)
    whole, tiled = (problem.neighbours(problem.objective(107, 160, NUMPY_DOUBLE, tile).network) for tile in (None, 50))
    np.testing.assert_array_equal(tiled.rows, whole.rows)
    np.testing.assert_array_equal(tiled.columns, whole.columns)


def terms_by_position(objective: StyleObjective) -> list[Term]:
    """Terms of the content and of the neighbours, without the Gram matrices."""
    return [term for term in objective.terms if isinstance(term.loss, ContentLoss)]


def test_in_tiles_targets_take_half_the_memory_and_hardly_change(narrow_vgg: str) -> None:
    problem = posed(blotches(1), blotches(2), narrow_vgg)
    whole, tiled = (problem.objective(HEIGHT, WIDTH, NUMPY, tile) for tile in (None, 32))
    for one, other in zip(terms_by_position(whole), terms_by_position(tiled), strict=True):
        assert isinstance(one.loss, ContentLoss)
        assert isinstance(other.loss, ContentLoss)
        exact, half = one.loss.target, other.loss.target
        assert half.dtype == (np.float16 if one.kind == "style" else np.float32)
        assert np.linalg.norm(half.astype(np.float64) - exact) < 1e-3 * np.linalg.norm(exact)
    assert within_range(np.full(1, 1e6, np.float32), np.zeros(0, np.float16)) == 65504.0


def test_places_of_no_region_keep_the_features_of_the_content() -> None:
    pictures = np.array([[0, -1]])
    neighbours = Neighbours(pictures, np.zeros((1, 2), int), np.zeros((1, 2), int), 1.0)
    style, own = np.ones((1, 4, 4, 1)), np.full((1, 4, 8, 1), 5.0)
    target = assemble(neighbours, [style], own, (4, 8), 1)
    np.testing.assert_array_equal(target[0, :, :, 0], np.repeat([[1.0, 5.0]], 4, axis=1).repeat(4, axis=0))


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.5], [0.25, 0.75], [0.2, 0.3, 0.5]])
def test_styles_get_their_share_of_the_places(shares: list[float]) -> None:
    similarity = np.random.default_rng(0).random((len(shares), 100))
    chosen = share_out(similarity, shares)
    np.testing.assert_array_equal(np.bincount(chosen), [100 * share for share in shares])


def test_a_style_gets_the_places_that_are_most_like_it() -> None:
    similarity = np.array([[0.9, 0.1, 0.8, 0.2], [0.1, 0.9, 0.2, 0.8]])
    np.testing.assert_array_equal(share_out(similarity, [0.5, 0.5]), [0, 1, 0, 1])


def test_a_region_takes_from_its_own_style_alone(narrow_vgg: str) -> None:
    mask = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    mask[:, : WIDTH // 2] = 1.0
    problem = posed(blotches(1), [blotches(2), blotches(3)], narrow_vgg, [(mask, 1)])
    objective = problem.objective(HEIGHT, WIDTH)
    found = problem.neighbours(objective.network)
    assert (found.pictures[:, : WIDTH // CELL // 2] == 0).all()
    assert (found.pictures[:, WIDTH // CELL // 2 :] == 1).all()


def test_large_pictures_are_matched_in_smaller_versions(monkeypatch: pytest.MonkeyPatch, narrow_vgg: str) -> None:
    monkeypatch.setattr(module, "MOST_PLACES", 48)
    assert matching_scale((HEIGHT, WIDTH, 3)) == 2.0
    content = blotches(1)
    objective = posed(content, content, narrow_vgg).objective(HEIGHT, WIDTH, NUMPY)
    assert objective(content.ravel()).terms["style"] < 1e-9, "each place is still its own neighbour"


def test_what_is_painted_takes_part_in_the_search(narrow_vgg: str) -> None:
    problem = posed(blotches(1), blotches(2), narrow_vgg)
    first, later = (problem.objective(HEIGHT, WIDTH, painted=painted) for painted in (None, blotches(3)))
    point = blotches(4).ravel()
    assert first(point).terms["style"] != later(point).terms["style"]


def test_where_the_content_is_bare_the_painting_goes_on_and_shapes_stay() -> None:
    """Energies of 0, 1 and 2 at the deepest layer, whose mean is 1: parts of 1, 1 / 2 and 1 / 5."""
    shallow, deep = np.ones((1, 3, 2)), np.array([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]])
    painted = [np.full((1, 3, 2), 3.0), deep + 1.0]
    found = mixed_features([shallow, deep], painted, 1, np.full((1, 3), True))
    parts = np.array([1.0, 0.5, 0.2])[:, np.newaxis]
    np.testing.assert_allclose(found[0][0], 1.0 + 2.0 * parts + np.zeros(2))
    np.testing.assert_allclose(found[1][0], deep[0] + parts)


def test_a_content_without_features_is_mixed_as_well() -> None:
    (found,) = mixed_features([np.zeros((2, 2, 3))], [np.ones((2, 2, 3))], 0, np.full((2, 2), True))
    np.testing.assert_array_equal(found, 1.0)


def test_places_without_neighbours_have_no_part_in_the_mean() -> None:
    """Such as white ground that stays: shapes are mixed as they would be without it."""
    content = [np.array([[[0.0], [0.0], [1.0], [1.0]]])]
    (found,) = mixed_features(content, [content[0] + 1.0], 0, np.array([[False, False, True, True]]))
    np.testing.assert_allclose(found[0, :, 0], [1.0, 1.0, 1.5, 1.5])


@pytest.mark.parametrize("scales", [1, 2, 3, 4])
def test_the_last_scales_have_neighbours_and_those_before_gram_matrices_alone(scales: int, narrow_vgg: str) -> None:
    problem = posed(blotches(1), blotches(2), narrow_vgg, steps=1, scales=scales)
    job = PaintingJob(problem, [(HEIGHT, WIDTH)] * scales, Plan(None, 10))
    state = job.first()
    matched = []
    for scale in range(scales):
        matched.append(any(term.kind == "style" for term in terms_by_position(job.objective)))
        assert any(isinstance(term.loss, GramLoss) for term in job.objective.terms), "beside them, too"
        if scale + 1 < scales:
            job.end_stage(state)
    assert matched == [scale >= scales - MATCHED_SCALES for scale in range(scales)]


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_style_is_found_where_turns_are_asked_for(mirrored: bool, narrow_vgg: str) -> None:
    content = blotches(1, 64, 64)
    style = np.rot90(content[:, ::-1] if mirrored else content)
    losses = []
    for turned in (False, True):
        objective = posed(content, style, narrow_vgg, turned=turned).objective(64, 64)
        by_position = StyleObjective(objective.network, terms_by_position(objective))  # Gram matrices are not turned
        losses.append(by_position(content.ravel()).loss)
    assert losses[1] < 1e-9 < losses[0]


def test_loss_and_gradient_are_the_same_on_every_backend(double: Engine, narrow_vgg: str) -> None:
    mask = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    mask[:, :40] = 1.0
    problem = posed(blotches(1), [blotches(2), blotches(3, 40, 40)], narrow_vgg, [(mask, 1)])
    point = blotches(4).astype(np.float64).ravel()
    with NUMPY_DOUBLE.in_force():
        expected = problem.objective(HEIGHT, WIDTH, NUMPY_DOUBLE, painted=blotches(5))(point)
    found = problem.objective(HEIGHT, WIDTH, double, painted=blotches(5))(double.put(point))
    assert found.loss == pytest.approx(expected.loss, rel=1e-9)
    np.testing.assert_allclose(to_numpy(found.gradient), expected.gradient, rtol=0, atol=1e-9)


def test_an_interrupted_painting_goes_on_to_the_same_bytes(narrow_vgg: str, tmp_path: Path) -> None:
    """In the middle of the second scale of three, whose neighbours follow from the picture that it began with."""
    settings: dict[str, Any] = {"style_loss": "neighbours", "vgg_weights": narrow_vgg, "size": 64, "scales": 3}
    transfer = StyleTransfer(steps=6, **settings)
    undisturbed = transfer.run(blotches(1), blotches(2)).picture
    seen: list[int] = []
    stopped = transfer.run(
        blotches(1),
        blotches(2),
        run=RunOptions(
            checkpoint=tmp_path / "run", callback=lambda record: seen.append(1), stop=lambda: len(seen) == 9
        ),
    )
    assert stopped.stopped == "interrupted"
    resumed = transfer.run(blotches(1), blotches(2), run=RunOptions(checkpoint=tmp_path / "run", resume=True))
    assert resumed.steps == 18
    np.testing.assert_array_equal(resumed.picture, undisturbed)
