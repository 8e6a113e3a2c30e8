"""L-BFGS: what theory promises, SciPy as its peer, and stopping anywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import optimize

from sfumato import (
    LBFGS,
    CategoricalCrossEntropy,
    Evaluation,
    InputError,
    NetworkObjective,
    Objective,
    multilayer_perceptron,
)
from sfumato.arrays import Array, copied, to_numpy
from sfumato.data import spiral
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.optimizers.lbfgs import Curvature
from sfumato.storage import load_tensors, save_tensors

Function = Callable[[Array], tuple[float, Array]]
"""Value and gradient at a point."""


class Counting(Objective):
    """A function of NumPy's arrays as an objective that counts its evaluations; theta is where the engine says."""

    def __init__(self, function: Function, engine: Engine | None = None) -> None:
        self.function, self.engine, self.evaluations = function, engine, 0

    def __call__(self, theta: Array) -> Evaluation:
        self.evaluations += 1
        loss, gradient = self.function(to_numpy(theta))
        return Evaluation(loss, self.engine.put(gradient) if self.engine else gradient)


class Minimum(NamedTuple):
    theta: Array
    loss: float
    steps: int
    evaluations: int


def minimise(
    function: Function,
    start: Array,
    tolerance: float,
    most: int = 2000,
    lbfgs: LBFGS | None = None,
    engine: Engine = NUMPY_DOUBLE,
) -> Minimum:
    """Step until no entry of the gradient is above the tolerance."""
    lbfgs, objective, theta = lbfgs or LBFGS(), Counting(function, engine), engine.put(start.copy())
    state, steps = lbfgs.init(theta), 0
    while steps < most and not state.converged:
        theta, state, _ = lbfgs.step(objective, theta, state, 1.0)
        steps += 1
        assert state.here is not None
        if np.abs(to_numpy(state.here.gradient)).max() <= tolerance:
            break
    return Minimum(to_numpy(theta), function(to_numpy(theta))[0], steps, objective.evaluations)


def scipys(function: Function, start: Array, tolerance: float, most: int = 2000) -> Any:
    options: Any = {"maxcor": 10, "ftol": 0.0, "gtol": tolerance, "maxfun": 100_000, "maxiter": most}
    return optimize.minimize(function, start, jac=True, method="L-BFGS-B", options=options)


def rosenbrock(x: Array) -> tuple[float, Array]:
    return float(optimize.rosen(x)), np.asarray(optimize.rosen_der(x))


def quadratic(n: int, condition: float) -> tuple[Function, Array]:
    """0.5 x'Ax - b'x with eigenvalues from 1 to `condition`, and where its minimum lies."""
    rng = np.random.default_rng(n)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A, b = (Q * np.geomspace(1, condition, n)) @ Q.T, rng.standard_normal(n)
    return lambda x: (float(0.5 * x @ A @ x - b @ x), A @ x - b), np.linalg.solve(A, b)


def network_function(hidden: list[int], seed: int, l2: float = 0.3) -> tuple[Function, Array]:
    x, y, _ = spiral().examples
    network = multilayer_perceptron(2, hidden, 3, activation="tanh")
    objective = NetworkObjective(network, CategoricalCrossEntropy(), x, y, l2=l2)

    def function(theta: Array) -> tuple[float, Array]:
        with NUMPY_DOUBLE.in_force():
            loss, gradient, _ = objective(theta)
        return loss, gradient

    return function, network.initialize(seed, np.float64)


@pytest.mark.parametrize("condition", [10, 1000])
@pytest.mark.parametrize("n", [2, 5, 10, 20])
def test_a_quadratic_of_n_variables_takes_n_steps_where_line_searches_are_exact(
    n: int, condition: float, double: Engine
) -> None:
    function, minimum = quadratic(n, condition)
    found = minimise(function, np.zeros(n), 1e-6, lbfgs=LBFGS(history=n, curvature=1e-3), engine=double)
    assert found.steps <= n + 2
    np.testing.assert_allclose(found.theta, minimum, atol=1e-6)


@pytest.mark.parametrize("condition", [1, 10, 1000])
def test_a_quadratic_is_solved_with_the_default_settings(condition: float) -> None:
    function, minimum = quadratic(30, condition)
    np.testing.assert_allclose(minimise(function, np.zeros(30), 1e-6).theta, minimum, atol=1e-6)


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize("n", [2, 10, 50])
def test_rosenbrocks_valley_is_followed_as_fast_as_by_scipy(n: int, seed: int | None) -> None:
    start = np.tile([-1.2, 1.0], n // 2) if seed is None else np.random.default_rng(seed).standard_normal(n)
    ours, peer = minimise(rosenbrock, start, 1e-8), scipys(rosenbrock, start, 1e-8)
    assert ours.loss <= peer.fun + 1e-12
    assert ours.evaluations <= 2 * peer.nfev


def test_a_softmax_classifier_reaches_scipys_minimum_as_fast() -> None:
    function, start = network_function([], 0)
    ours, peer = minimise(function, start, 1e-7), scipys(function, start, 1e-7)
    assert ours.loss == pytest.approx(peer.fun, rel=1e-11)
    np.testing.assert_allclose(ours.theta, peer.x, atol=1e-4)
    assert ours.evaluations <= 2 * peer.nfev


@pytest.mark.parametrize("seed", range(4))
def test_a_small_network_gets_as_far_as_with_scipy(seed: int) -> None:
    function, start = network_function([10], seed)
    ours, peer = minimise(function, start, 0.0, most=100), scipys(function, start, 0.0, most=100)
    assert ours.loss <= 1.1 * peer.fun
    assert ours.evaluations <= 2 * peer.nfev


@pytest.mark.parametrize("seed", range(5))
def test_every_step_meets_the_strong_wolfe_conditions(seed: int, double: Engine) -> None:
    lbfgs, theta = LBFGS(), double.put(np.random.default_rng(seed).standard_normal(10))
    objective, state = Counting(rosenbrock, double), lbfgs.init(theta)
    for _ in range(30):
        before = to_numpy(copied(theta))
        theta, state, here = lbfgs.step(objective, theta, state, 1.0)
        loss, gradient = rosenbrock(to_numpy(theta))
        step = to_numpy(theta) - before
        slope, slope_after = to_numpy(here.gradient) @ step, gradient @ step
        assert slope < 0
        assert loss <= here.loss + lbfgs.sufficient_decrease * slope
        assert abs(slope_after) <= lbfgs.curvature * abs(slope)


@pytest.mark.parametrize("history", [1, 3, 10])
def test_every_step_goes_along_the_quasi_newton_direction(history: int, double: Engine) -> None:
    """-H g, with H built as a whole matrix from the last pairs (Nocedal and Wright 2006, equations 7.16 to 7.20)."""
    lbfgs, theta = LBFGS(history=history), double.put(np.random.default_rng(0).standard_normal(6))
    objective, state, pairs = Counting(rosenbrock, double), lbfgs.init(theta), list[tuple[Array, Array]]()
    for _ in range(20):
        before = to_numpy(copied(theta))
        g = rosenbrock(before)[1]
        H = np.eye(6) * (pairs[-1][0] @ pairs[-1][1] / (pairs[-1][1] @ pairs[-1][1]) if pairs else 1)
        for s, y in pairs[-history:]:
            V = np.eye(6) - np.outer(y, s) / (y @ s)
            H = V.T @ H @ V + np.outer(s, s) / (y @ s)
        theta, state, _ = lbfgs.step(objective, theta, state, 1.0)
        step = to_numpy(theta) - before
        pairs.append((step, rosenbrock(to_numpy(theta))[1] - g))
        cosine = step @ (-H @ g) / (np.linalg.norm(step) * np.linalg.norm(H @ g))
        assert cosine == pytest.approx(1, abs=1e-9)


def test_a_step_through_negative_curvature_is_taken_and_not_remembered() -> None:
    lbfgs, theta = LBFGS(max_evaluations=1), np.array([0.1])
    hilltop = Counting(lambda x: (float(np.cos(x[0])), -np.sin(x)))
    moved, state, _ = lbfgs.step(hilltop, theta, lbfgs.init(theta), 1.0)
    assert moved[0] > 0.1
    assert state.pairs == 0


@pytest.mark.parametrize("first", [1e-3, 1.0, 50.0])
def test_the_line_search_recovers_from_a_first_length_that_is_far_off(first: float) -> None:
    lbfgs, theta = LBFGS(), np.array([-1.2, 1.0])
    theta_after, _, here = lbfgs.step(Counting(rosenbrock), theta, lbfgs.init(theta), first)
    assert rosenbrock(theta_after)[0] < here.loss


@pytest.mark.parametrize("outside", [np.inf, np.nan])
def test_the_line_search_steps_back_from_where_there_is_no_loss(outside: float) -> None:
    def barrier(x: Array) -> tuple[float, Array]:
        """x - log x, with its minimum at 1, and no value from 0 down."""
        return (float(x[0] - np.log(x[0])), 1 - 1 / x) if x[0] > 0 else (outside, np.array([outside]))

    assert minimise(barrier, np.array([20.0]), 1e-8).theta == pytest.approx([1], abs=1e-7)


def test_the_first_evaluation_is_the_only_one_at_a_minimum() -> None:
    lbfgs, minimum = LBFGS(), np.ones(4)
    objective = Counting(rosenbrock)
    theta, state, _ = lbfgs.step(objective, minimum, lbfgs.init(minimum), 1.0)
    assert state.converged
    assert theta.tolist() == minimum.tolist()
    assert objective.evaluations == 1


def test_a_memory_that_leads_uphill_is_forgotten_and_not_taken_for_convergence() -> None:
    lbfgs, theta = LBFGS(history=2), np.array([-1.2, 1.0])
    uphill = Curvature(np.array([[1.0, 0], [0, 1.0]]), np.array([[-1.0, 0], [0, -1.0]]), 2, converged=False)
    stayed, state, here = lbfgs.step(Counting(rosenbrock), theta, uphill, 1.0)
    assert stayed.tolist() == theta.tolist()
    assert (state.pairs, state.converged) == (0, False)
    moved, _, _ = lbfgs.step(Counting(rosenbrock), stayed, state, 1.0)
    assert rosenbrock(moved)[0] < here.loss


def test_steps_cost_one_evaluation_more_than_the_line_search_needs_only_at_the_start() -> None:
    lbfgs, theta = LBFGS(), np.array([-1.2, 1.0])
    objective, state = Counting(rosenbrock), lbfgs.init(theta)
    theta, state, first = lbfgs.step(objective, theta, state, 1.0)
    after_first = objective.evaluations
    _, _, second = lbfgs.step(objective, theta, state._replace(here=None), 1.0)
    without = objective.evaluations - after_first
    objective.evaluations = 0
    lbfgs.step(objective, theta, state, 1.0)
    assert objective.evaluations == without - 1
    assert second.loss < first.loss


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_rounding_leaves_nothing_to_gain_it_says_so_and_stops(dtype: type) -> None:
    """Nothing is gained by steps that leave theta and loss as they were, and each costs a whole line search."""
    x, y, _ = spiral().examples
    network = multilayer_perceptron(2, [], 3)
    objective = NetworkObjective(network, CategoricalCrossEntropy(), x.astype(dtype), y, l2=0.3)
    lbfgs, theta = LBFGS(), network.initialize(0, dtype)
    state = lbfgs.init(theta)
    losses: list[float] = []
    while not state.converged and len(losses) < 200:
        theta, state, evaluation = lbfgs.step(objective, theta, state, 1.0)
        losses.append(evaluation.loss)
    assert state.converged
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("way", ["kept", "here dropped", "checkpoint"])
def test_thirty_steps_and_thirty_more_are_sixty_bit_for_bit(way: str, engine: Engine, tmp_path: Path) -> None:
    function, first = network_function([10], 0)
    lbfgs, objective, start = LBFGS(), Counting(function, engine), engine.put(first)

    def run(theta: Array, state: Curvature, steps: int) -> tuple[Array, Curvature]:
        for _ in range(steps):
            theta, state, _ = lbfgs.step(objective, theta, state, 1.0)
        return theta, state

    uninterrupted, _ = run(copied(start), lbfgs.init(start), 60)
    theta, state = run(copied(start), lbfgs.init(start), 30)
    if way == "here dropped":
        state = state._replace(here=None)
    elif way == "checkpoint":
        vectors, numbers = lbfgs.pack(state)
        save_tensors(tmp_path / "run", {"theta": to_numpy(theta), **vectors}, {"numbers": numbers})
        tensors, header = load_tensors(tmp_path / "run")
        stored = {name: engine.put(tensor) for name, tensor in tensors.items()}
        theta, state = stored.pop("theta"), lbfgs.unpack(stored, header["numbers"])
    np.testing.assert_array_equal(to_numpy(run(theta, state, 30)[0]), to_numpy(uninterrupted))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"history": 0}, "at least one pair, not 0"),
        ({"max_evaluations": 0}, "evaluation"),
        ({"sufficient_decrease": 0.0}, "decrease"),
        ({"curvature": 1.0}, "curvature"),
        ({"sufficient_decrease": 0.95}, "decrease"),
    ],
)
def test_settings_with_which_no_line_search_can_succeed_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        LBFGS(**settings)


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e12])
def test_curvature_is_learned_whatever_the_scale_of_the_loss(scale: float) -> None:
    """Style transfer's unscaled losses are around 1e10; a test against an absolute length would reject every pair."""
    function, start = network_function([10], 0)

    def scaled(theta: Array) -> tuple[float, Array]:
        loss, gradient = function(theta)
        return scale * loss, scale * gradient

    lbfgs, objective, theta = LBFGS(), Counting(scaled), start.astype(np.float32)
    state = lbfgs.init(theta)
    for _ in range(12):
        theta, state, _ = lbfgs.step(objective, theta, state, 1.0)
    assert state.pairs >= 10


def test_pairs_that_no_steps_have_left_are_refused() -> None:
    lbfgs = LBFGS(history=2)
    vectors, numbers = lbfgs.pack(lbfgs.init(np.ones(3)))
    for slope in (0.0, -1.0):
        vectors["s"][0], vectors["y"][0] = 1.0, slope
        with pytest.raises(ValueError, match="its pairs are of no steps downhill"):
            lbfgs.unpack(vectors, {**numbers, "pairs": 1})
    vectors["y"][0] = 1.0
    assert lbfgs.unpack(vectors, {**numbers, "pairs": 1}).pairs == 1
