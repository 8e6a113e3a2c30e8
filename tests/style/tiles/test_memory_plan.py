"""What a picture is said to take, and the plan that follows from it."""

import itertools
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sfumato import InputError
from sfumato.arrays import Array
from sfumato.checks import bytes_as_text
from sfumato.engine import Engine
from sfumato.kernels.threads import parallel_kernels
from sfumato.minimize import RunOptions
from sfumato.style.problem import StyleProblem
from sfumato.style.settings import StyleSettings
from sfumato.style.tiles import memory
from sfumato.style.tiles.memory import GOOD_TILE, LEAST_TILE, NUMBA, Plan, make_plan, pass_bytes, planned_memory
from sfumato.style.tiles.tiling import halo_field, largest_tile
from sfumato.style.transfer import StyleTransfer

SCRATCH = 55e6
"""Bytes that strips, transformed filters and Gram matrices take, whatever the picture's size."""


def picture(seed: int, height: int, width: int) -> Array:
    return np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)


def problem(**settings: Any) -> StyleProblem:
    how = {"engine": "numpy", "style_loss": "gram", "tv_weight": 0.0, **settings}
    return StyleProblem(StyleSettings(**how), picture(0, 60, 80), picture(1, 32, 32))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"content_layers": {"block1_conv2": 1.0}},
        {"style_layers": {"block1_conv1": 1.0, "block1_conv2": 1.0, "block2_conv2": 1.0}},
        {"style_layers": {"block3_conv1": 1.0}, "pooling": "average"},
    ],
    ids=["the defaults", "early content", "early styles", "one layer"],
)
@pytest.mark.parametrize("tile", [None, 256])
def test_a_pass_takes_what_is_said(settings: dict[str, Any], tile: int | None) -> None:
    posed = problem(**settings)
    height, width = 480, 640
    x = picture(2, height, width).ravel()
    with parallel_kernels():
        objective = posed.objective(height, width, tile=tile)
    seen = largest_tile(height, width, tile, halo_field(posed.vgg.network(height, width)))
    owned = 1.0 if tile is None else tile**2 / (seen[0] * seen[1])
    heads = [*posed.content_layers, *posed.style_layers]
    said = pass_bytes(posed.vgg.network(*seen).shapes, heads, gradient=True, owned=owned)
    tracemalloc.start()
    try:
        with parallel_kernels():
            objective(x)
        _, took = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.8 * said < took < 1.2 * said + SCRATCH


def test_a_picture_that_fits_is_worked_in_one() -> None:
    assert make_plan(problem(), 480, 640) == Plan(None, 10, prepared=True)


def test_filters_are_kept_where_there_is_room_and_it_pays() -> None:
    with_filters, without = (planned_memory(problem(), 480, 640, Plan(None, 10, kept)) for kept in (True, False))
    assert make_plan(problem(memory=with_filters), 480, 640) == Plan(None, 10, prepared=True)
    assert make_plan(problem(memory=with_filters - 1), 480, 640) == Plan(None, 10)
    assert make_plan(problem(memory=without), 480, 640) == Plan(None, 10)
    assert make_plan(problem(memory=10**10), 960, 1280) == Plan(None, 10)


@pytest.mark.parametrize(
    ("engine", "kept"),
    [
        (Engine("torch", precision="bfloat16"), 1.0),
        (Engine("torch"), None),
        (Engine("torch", "cuda:0", "bfloat16"), None),
    ],
)
def test_tensors_have_filters_to_keep_in_bfloat16_on_the_processor(engine: Engine, kept: float | None) -> None:
    posed = problem(memory=10**10)
    posed.engine = engine
    plan = make_plan(posed, 480, 640)
    assert plan.prepared == (kept is not None)
    more = planned_memory(posed, 480, 640, plan) - planned_memory(posed, 480, 640, Plan(None, 10))
    assert more == (kept or 0) * posed.vgg.theta.nbytes


def test_the_plan_counts_numba() -> None:
    posed, plan = problem(), Plan(None, 10)
    counted = []
    for engine in (Engine(), Engine("numba")):
        posed.engine = engine
        counted.append(planned_memory(posed, 480, 640, plan))
    assert counted[1] - counted[0] == NUMBA


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_less_memory_gives_smaller_tiles_and_never_more_than_is_allowed(optimizer: str) -> None:
    plans = []
    for megabytes in (2500, 2000, 1600, 1300, 1100, 1000):
        posed = problem(optimizer=optimizer, memory=megabytes * 10**6)
        plan = make_plan(posed, 1200, 1600)
        assert planned_memory(posed, 1200, 1600, plan) <= megabytes * 10**6
        plans.append(plan)
    tiles = [plan.tile or 10**9 for plan in plans]
    assert tiles == sorted(tiles, reverse=True)
    assert tiles[0] > tiles[-1]
    assert all(plan.tile is None or plan.tile % LEAST_TILE == 0 for plan in plans)
    # The memory of L-BFGS is shortened where tiles would become small, and not before
    assert all(plan.history == 10 for plan in plans if optimizer == "adam")
    assert all(plan.history == 3 for plan in plans if optimizer == "lbfgs" and (plan.tile or 10**9) < GOOD_TILE)


def test_neighbours_take_their_targets_beside_and_half_of_that_in_tiles() -> None:
    by_gram, by_neighbours = problem(), problem(style_loss="neighbours")
    shapes = by_gram.vgg.network(1200, 1600).shapes
    targets = 4 * sum(int(np.prod(shapes[layer])) for layer in by_gram.style_layers)
    for plan, number in ((Plan(None, 10), 1.0), (Plan(512, 10), 0.5)):
        more = planned_memory(by_neighbours, 1200, 1600, plan) - planned_memory(by_gram, 1200, 1600, plan)
        assert number * targets <= more < (number + 0.6) * targets, "and a layer's features while it is put together"


def test_less_memory_gives_neighbours_smaller_tiles_until_it_says_what_takes_less() -> None:
    plans = [make_plan(problem(style_loss="neighbours", memory=mb * 10**6), 1200, 1600) for mb in (2800, 2200, 1600)]
    tiles = [plan.tile or 10**9 for plan in plans]
    assert tiles[0] > tiles[1] > tiles[2]
    with pytest.raises(InputError, match="choose a smaller size or style scale, or optimizer='adam', or style_loss="):
        make_plan(problem(style_loss="neighbours", memory=1_000_000_000), 1200, 1600)


def test_the_plan_is_the_same_on_any_number_of_threads() -> None:
    posed = problem(memory=1_500_000_000)
    plan = make_plan(posed, 1200, 1600)
    with threadpool_limits(limits=1), parallel_kernels():
        assert make_plan(posed, 1200, 1600) == plan


def test_too_little_memory_is_refused_with_the_least_that_works() -> None:
    with pytest.raises(InputError, match=r"at 1600 x 1200 pixels it takes at least (.*) of memory, and 300 MB are all"):
        make_plan(problem(memory=300_000_000), 1200, 1600)
    least = planned_memory(problem(), 1200, 1600, Plan(LEAST_TILE, 3))
    assert make_plan(problem(memory=least), 1200, 1600) == Plan(LEAST_TILE, 3)
    with pytest.raises(InputError):
        make_plan(problem(memory=least - 1), 1200, 1600)


def test_a_picture_in_tiles_is_the_picture_in_one_but_for_rounding() -> None:
    content, style = ((255 * picture(seed, 90, 120)).astype(np.uint8) for seed in (3, 4))
    settings: dict[str, Any] = {
        "size": 120,
        "steps": 3,
        "scales": 1,
        "optimizer": "gd",
        "content_layers": {"block2_conv2": 1.0},
        "style_layers": {"block1_conv1": 1.0, "block2_conv1": 1.0},
    }
    posed = StyleProblem(StyleSettings(**settings), content, style)
    allowed = planned_memory(posed, 90, 120, Plan(LEAST_TILE, 10))
    whole = StyleTransfer(**settings).run(content, style)
    tiled = StyleTransfer(**settings, memory=allowed).run(content, style)
    assert (whole.settings["plan"]["tile"], tiled.settings["plan"]["tile"]) == (None, LEAST_TILE)
    assert tiled.loss == pytest.approx(whole.loss, rel=1e-4)
    assert np.abs(tiled.picture.astype(int) - whole.picture).max() <= 1


def test_a_run_goes_on_by_the_plan_it_began_with_on_a_machine_with_more_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, style = ((255 * picture(seed, 90, 120)).astype(np.uint8) for seed in (3, 4))
    layers: dict[str, Any] = {"content_layers": {"block2_conv2": 1.0}, "style_layers": {"block1_conv1": 1.0}}
    transfer, calls, kept = StyleTransfer(size=120, steps=5, scales=1, **layers), itertools.count(), tmp_path / "kept"
    posed = StyleProblem(transfer, content, style)
    little = planned_memory(posed, 90, 120, Plan(LEAST_TILE, 3))
    with monkeypatch.context() as small_machine:
        small_machine.setattr(memory, "allowed_memory", lambda *asked: little)
        whole = transfer.run(content, style)
        transfer.run(content, style, run=RunOptions(checkpoint=kept, stop=lambda: next(calls) == 3))
    resumed = transfer.run(content, style, run=RunOptions(checkpoint=kept, resume=True))
    assert resumed.settings["plan"] == {"tile": LEAST_TILE, "history": 3, "prepared": False}
    np.testing.assert_array_equal(resumed.picture, whole.picture)
    assert transfer.run(content, style).settings["plan"] == {"tile": None, "history": 10, "prepared": True}


def test_the_estimate_tells_the_plan_the_memory_and_the_largest_size() -> None:
    content, style = picture(0, 60, 80), picture(1, 32, 32)
    settings: dict[str, Any] = {"size": 1600, "memory": 2_000_000_000}
    told = StyleTransfer(**settings).estimate(content, style)
    posed = StyleProblem(StyleSettings(**settings), content, style)
    assert told.plan == make_plan(posed, 1200, 1600)
    assert told.allowed_bytes == 2_000_000_000
    assert 0.8 * told.allowed_bytes < told.memory_bytes < planned_memory(posed, 1200, 1600, told.plan)
    assert (told.width, told.height) == (1600, 1200)
    assert told.tiles > 1
    assert told.seconds > 0
    make_plan(posed, round(0.75 * told.largest_size), told.largest_size)
    with pytest.raises(InputError):
        make_plan(posed, round(0.75 * (told.largest_size + 2)), told.largest_size + 2)


def test_the_time_told_is_that_of_the_probe_times_the_evaluations_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    content, style = picture(0, 60, 80), picture(1, 60, 80)
    layers: dict[str, Any] = {"content_layers": {"block1_conv2": 1.0}, "style_layers": {"block1_conv1": 1.0}}
    how: dict[str, Any] = {"size": 400, "steps": 20, "scales": 1, "memory": 2_000_000_000, "engine": "numpy"}
    fixed, per_pixel, now = 0.01, 2e-6, [0.0]

    class Timed:
        """An objective whose evaluation takes a time that is known."""

        def __init__(self, height: int, width: int) -> None:
            self.seconds = fixed + per_pixel * height * width

        def __call__(self, theta: Array) -> None:
            now[0] += self.seconds

    monkeypatch.setattr(StyleProblem, "objective", lambda self, height, width, **how: Timed(height, width))
    monkeypatch.setattr("sfumato.style.tiles.estimate.time.perf_counter", lambda: now[0])
    told = StyleTransfer(**how, **layers, style_loss="gram").estimate(content, style)
    assert told.tiles == 1
    evaluation = fixed + per_pixel * 300 * 400
    evaluations = 20 * 1.05 + 0.5  # a line search seldom takes a second; the content's features take a forward pass
    assert told.seconds == pytest.approx((evaluations + 0.5) * evaluation)  # and so does the style, of the same size
    for turned, turns in ((False, 1), (True, 8)):
        # content and painted are searched; the style's one layer is too, and kept; and its Gram matrix is measured
        told = StyleTransfer(**how, **layers, turned=turned).estimate(content, style)
        assert told.seconds == pytest.approx((20 * 1.05 + 3 * 0.5 + turns * 2 * 0.5 + 0.5) * evaluation)


def test_bytes_are_said_as_people_do() -> None:
    assert [bytes_as_text(n) for n in (5e6, 5.2e6, 1.21e9, 2.9e14)] == ["5 MB", "6 MB", "1.3 GB", "290,000 GB"]
