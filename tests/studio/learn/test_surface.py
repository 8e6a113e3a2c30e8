"""The surface under an optimizer: its values are the objective's, its ways the optimizers'."""

from typing import Any

import numpy as np
import pytest

from sfumato import (
    LBFGS,
    Adam,
    CategoricalCrossEntropy,
    Dense,
    GradientDescent,
    Network,
    NetworkObjective,
    Tanh,
    check_gradient,
)
from sfumato.data import spiral
from sfumato.errors import InputError
from sfumato.studio.learn.surface import CLASSICS, Classic, plane_of_weights, race, random_plane, rows

EACH = pytest.mark.parametrize("kind", CLASSICS.values(), ids=CLASSICS.keys())


def small() -> tuple[NetworkObjective, Any]:
    """2-4-3 on a spiral of 60 points."""
    network = Network([Dense(4), Tanh(), Dense(3)], 2)
    x, y, _ = spiral(20).examples
    return NetworkObjective(network, CategoricalCrossEntropy(), x, y, l2=0.1), network.initialize(0, np.float64)


@EACH
@pytest.mark.parametrize("method", ["two-sided", "complex-step"])
def test_a_classic_function_has_the_gradient_that_is_written_for_it(kind: type[Classic], method: Any) -> None:
    for theta in np.random.default_rng(0).uniform(-2, 2, (10, 2)):
        assert not check_gradient(kind(), theta, method=method).wrong


@EACH
def test_a_classic_function_is_lowest_where_it_is_said_to_be(kind: type[Classic]) -> None:
    """At a minimum the slope is zero and all points around it are higher."""
    function = kind()
    for place in kind.lowest:
        here = function(np.array(place))
        assert np.abs(here.gradient).max() < 1e-9
        assert max(np.abs(place)) <= kind.reach
        for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
            assert function.value(np.array(place) + 0.01 * np.array([np.cos(angle), np.sin(angle)])) > here.loss


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [("rosenbrock", (-1.2, 1.0), 24.2), ("beale", (0.0, 0.0), 14.203125), ("rastrigin", (1.0, 1.0), 2.0)],
)
def test_a_classic_function_has_its_published_values(name: str, place: Any, value: float) -> None:
    assert CLASSICS[name]().value(np.array(place)) == pytest.approx(value, rel=1e-12)


def test_a_surface_is_the_objective_on_a_coarse_grid_and_then_on_a_fine_one() -> None:
    objective, theta = small()
    plane = plane_of_weights(theta, 1, 9, ("dense_1.W", "dense_1.b"), reach=2.0)
    came = list(rows(objective, plane, (3, 5)))
    assert [(row.size, row.number) for row in came] == [(3, n) for n in range(3)] + [(5, n) for n in range(5)]
    moved = theta.copy()
    moved[1] += 1.0
    moved[9] -= 2.0
    assert came[3].values[3] == objective.value(moved)
    assert came[1].values[1] == came[5].values[2] == objective.value(theta)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 99), (-1, 2)])
def test_a_plane_needs_two_weights(first: int, second: int) -> None:
    with pytest.raises(InputError, match="two different weights"):
        plane_of_weights(np.zeros(5), first, second, ("a", "b"))


def test_random_directions_are_as_long_as_each_parameter() -> None:
    objective, theta = small()
    plane = random_plane(objective, theta, seed=3)
    for own in objective.layout:
        part = slice(own.start, own.stop)
        expected = np.linalg.norm(theta[part]) or 1.0
        for direction in (plane.u, plane.v):
            assert np.linalg.norm(direction[part]) == pytest.approx(expected, rel=1e-12)
    again = random_plane(objective, theta, seed=3)
    assert (again.u == plane.u).all()


def test_a_projection_is_the_nearest_point_of_the_plane() -> None:
    objective, theta = small()
    plane = random_plane(objective, theta)
    assert plane.project(plane.at(0.3, -0.7)) == pytest.approx((0.3, -0.7, 0), abs=1e-9)
    off = plane.at(0.3, -0.7) + np.random.default_rng(0).standard_normal(theta.size)
    a, b, distance = plane.project(off)
    assert np.linalg.norm(off - plane.at(a, b)) == pytest.approx(distance)
    for da, db in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        assert np.linalg.norm(off - plane.at(a + da, b + db)) > distance


def test_a_racer_goes_where_the_optimizer_goes() -> None:
    objective, theta = small()
    plane = plane_of_weights(theta, 0, 1, ("a", "b"))
    ways = race(objective, plane, theta, {"gd": (GradientDescent(), 0.5), "adam": (Adam(), 0.05)}, 20)
    here = theta.copy()
    for step in range(21):
        assert ways["gd"].losses[step] == pytest.approx(objective.value(here), rel=1e-12)
        assert ways["gd"].places[step][:2] == pytest.approx(here[:2] - theta[:2], abs=1e-12)
        assert ways["gd"].places[step][2] == pytest.approx(np.linalg.norm((here - theta)[2:]), abs=1e-9)
        here = here - 0.5 * objective(here).gradient
    assert ways["gd"].evaluations == ways["adam"].evaluations == 20
    assert ways["adam"].losses[-1] < ways["adam"].losses[0]


@pytest.mark.parametrize("kind", [CLASSICS["ravine"], CLASSICS["rosenbrock"], CLASSICS["saddle"]])
def test_lbfgs_arrives_in_smooth_valleys(kind: type[Classic]) -> None:
    function = kind()
    way = race(function, function.plane(), np.array(kind.start), {"lbfgs": (LBFGS(), 1.0)}, 100)["lbfgs"]
    assert min(np.linalg.norm(way.places[-1][:2] - np.array(place)) for place in kind.lowest) < 1e-4
    assert (way.places[:, 2] < 1e-12).all()


def test_the_trials_of_a_line_search_are_counted() -> None:
    function = CLASSICS["rosenbrock"]()
    way = race(function, function.plane(), np.array(function.start), {"lbfgs": (LBFGS(), 1.0)}, 30)["lbfgs"]
    assert way.evaluations > len(way.losses)


def test_a_ravine_throws_gradient_descent_out_from_one_twentieth_on() -> None:
    """y shrinks by 1 - 40 alpha a step: by -0.96 at 0.049, and grows by -1.04 at 0.051."""
    ravine = CLASSICS["ravine"]()
    start = np.array([0.0, 0.7])
    ways = race(ravine, ravine.plane(), start, {"a": (GradientDescent(), 0.049), "b": (GradientDescent(), 0.051)}, 100)
    assert ways["a"].losses[-1] < 0.1 * ways["a"].losses[0]
    assert ways["b"].losses[-1] > 10 * ways["b"].losses[0]


def test_a_racer_that_diverges_ends_with_its_last_finite_loss() -> None:
    function = CLASSICS["rosenbrock"]()
    way = race(function, function.plane(), np.array([-1.2, 1.0]), {"gd": (GradientDescent(), 1.0)}, 100)["gd"]
    assert way.diverged
    assert np.isfinite(way.losses).all()
    assert len(way.losses) == len(way.places) < 101


@pytest.mark.parametrize("count", [0, 5])
def test_one_to_four_race(count: int) -> None:
    function = CLASSICS["beale"]()
    racers: Any = {str(number): (Adam(), 0.1) for number in range(count)}
    with pytest.raises(InputError, match="between 1 and 4"):
        race(function, function.plane(), np.zeros(2), racers, 5)
