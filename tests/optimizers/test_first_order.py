"""The first-order optimizers against their textbook equations, written out number by number.

The defects that other implementations have had in these very equations are planted at the end, and the same
comparison catches each.
"""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato import (
    Adam,
    AdamW,
    Dense,
    GradientDescent,
    InputError,
    MeanSquaredError,
    Momentum,
    Nesterov,
    NetworkObjective,
    Optimizer,
    RMSProp,
    Tanh,
)
from sfumato.arrays import Array, copied, to_numpy
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.network import Network
from sfumato.optimizers import LBFGS, OPTIMIZERS, FirstOrder, make_optimizer
from sfumato.storage import load_tensors, save_tensors

RATE, STEPS = 0.01, 60
START = [-1.3, -0.2, 0.0, 0.4, 2.5]

Update = Callable[[float, float], float]
"""theta after one step, from theta and the gradient there, of one number."""


def gradient_of(theta: Any) -> Any:
    """The gradient of sum(theta^4 / 4 - theta^2 + theta / 2): large, small, and of changing sign on the way."""
    return theta**3 - 2 * theta + 0.5


def gradient_descent() -> Update:
    return lambda theta, g: theta - RATE * g


def averaged_momentum(beta: float) -> Update:
    v = 0.0

    def update(theta: float, g: float) -> float:
        nonlocal v
        v = beta * v + (1 - beta) * g
        return theta - RATE * v

    return update


def classical_momentum(beta: float) -> Update:
    v = 0.0

    def update(theta: float, g: float) -> float:
        nonlocal v
        v = beta * v + g
        return theta - RATE * v

    return update


def nesterov(beta: float) -> Update:
    """Nesterov's own two sequences: a step from the point that momentum leads to, where the gradient is taken.

    Theta is that point, and `x` follows behind it, as the gradient is known at theta alone.
    """
    x: float | None = None

    def update(theta: float, g: float) -> float:
        nonlocal x
        before = theta if x is None else x
        x = theta - RATE * g
        return x + beta * (x - before)

    return update


def rmsprop(beta: float, epsilon: float, *, inside: bool = False) -> Update:
    s = 0.0

    def update(theta: float, g: float) -> float:
        nonlocal s
        s = beta * s + (1 - beta) * g**2
        return theta - RATE * g / (math.sqrt(s + epsilon) if inside else math.sqrt(s) + epsilon)

    return update


def adam(beta1: float, beta2: float, epsilon: float, *, inside: bool = False, weight_decay: float = 0.0) -> Update:
    m = v = 0.0
    t = 0

    def update(theta: float, g: float) -> float:
        nonlocal m, v, t
        t += 1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        step = m_hat / (math.sqrt(v_hat + epsilon) if inside else math.sqrt(v_hat) + epsilon)
        return theta - RATE * (step + weight_decay * theta)

    return update


def textbook_path(make_update: Callable[[], Update]) -> Array:
    path = []
    for number in START:
        theta, update = number, make_update()
        path.append([theta := update(theta, gradient_of(theta)) for _ in range(STEPS)])
    return np.array(path).T


def path_of(optimizer: FirstOrder[Any], rate: float = RATE, engine: Engine = NUMPY_DOUBLE) -> Array:
    theta = engine.put(np.array(START))
    state, path = optimizer.init(theta), []
    for _ in range(STEPS):
        theta, state = optimizer.update(theta, gradient_of(theta), state, rate)
        path.append(to_numpy(copied(theta)))
    return np.array(path)


def apart(optimizer: FirstOrder[Any], make_update: Callable[[], Update], engine: Engine = NUMPY_DOUBLE) -> float:
    """How far the optimizer ever is from the textbook's path."""
    return float(np.abs(path_of(optimizer, engine=engine) - textbook_path(make_update)).max())


PAIRS: list[tuple[FirstOrder[Any], Callable[[], Update]]] = [
    (GradientDescent(), gradient_descent),
    (Momentum(), lambda: averaged_momentum(0.9)),
    (Momentum(0.5, "classical"), lambda: classical_momentum(0.5)),
    (Nesterov(0.8), lambda: nesterov(0.8)),
    (RMSProp(), lambda: rmsprop(0.9, 1e-8)),
    (RMSProp(0.7, 0.1), lambda: rmsprop(0.7, 0.1)),
    (RMSProp(0.7, 0.1, epsilon_inside_root=True), lambda: rmsprop(0.7, 0.1, inside=True)),
    (Adam(), lambda: adam(0.9, 0.999, 1e-8)),
    (Adam(0.8, 0.95, 0.1), lambda: adam(0.8, 0.95, 0.1)),
    (Adam(0.8, 0.95, 0.1, epsilon_inside_root=True), lambda: adam(0.8, 0.95, 0.1, inside=True)),
    (AdamW(), lambda: adam(0.9, 0.999, 1e-8, weight_decay=0.01)),
    (AdamW(weight_decay=0.5), lambda: adam(0.9, 0.999, 1e-8, weight_decay=0.5)),
]


def test_every_optimizer_is_held_against_the_textbook() -> None:
    assert {type(optimizer) for optimizer, _ in PAIRS} == {*OPTIMIZERS.values()} - {LBFGS}, "add it to PAIRS"


@pytest.mark.parametrize(("optimizer", "make_update"), PAIRS, ids=[repr(optimizer) for optimizer, _ in PAIRS])
def test_the_path_is_the_textbooks(
    optimizer: FirstOrder[Any], make_update: Callable[[], Update], engine: Engine, rounding: float
) -> None:
    assert apart(optimizer, make_update, engine) < rounding


def test_averaged_momentum_is_classical_momentum_at_a_smaller_rate() -> None:
    averaged = path_of(Momentum(0.9, "averaged"), rate=RATE)
    classical = path_of(Momentum(0.9, "classical"), rate=RATE * (1 - 0.9))
    np.testing.assert_allclose(averaged, classical, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [optimizer for optimizer, _ in PAIRS], ids=repr)
def test_a_long_vector_is_stepped_like_each_of_its_entries(optimizer: FirstOrder[Any], engine: Engine) -> None:
    start = engine.put(np.resize(START, 100_000))
    theta, state = copied(start), optimizer.init(start)
    for _ in range(3):
        theta, state = optimizer.update(theta, gradient_of(theta), state, RATE)
    expected = np.resize(path_of(optimizer, engine=engine)[2], 100_000)
    few = 0 if engine.backend == "numpy" else 4 * np.finfo(engine.numpy_dtype).eps  # a vector's end is taken otherwise
    np.testing.assert_allclose(to_numpy(theta), expected, rtol=few, atol=few)


@pytest.mark.parametrize("kind", [RMSProp, Adam])
def test_epsilon_stands_outside_the_root_unless_asked_for_inside(kind: Any) -> None:
    assert not kind().epsilon_inside_root
    assert np.abs(path_of(kind(epsilon=0.1)) - path_of(kind(epsilon=0.1, epsilon_inside_root=True))).max() > 1e-3


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.6), (0.0, 0.0)])
def test_adams_first_step_is_corrected_to_the_gradient_itself(betas: tuple[float, float], double: Engine) -> None:
    theta, gradient = np.array([1.0, 1.0, 1.0]), np.array([1e-3, -2.0, 500.0])
    state = Adam(*betas).init(double.put(theta))
    moved, state = Adam(*betas).update(double.put(theta.copy()), double.put(gradient.copy()), state, RATE)
    np.testing.assert_allclose(theta - to_numpy(moved), RATE * gradient / (np.abs(gradient) + 1e-8), rtol=1e-10)
    assert state.t == 1


def test_adamw_decays_what_it_is_told_to_and_is_adam_without_decay(engine: Engine) -> None:
    decays = np.array([True, False, True])
    theta = engine.put(np.array([1.0, 2.0, 3.0]))
    optimizer = AdamW(weight_decay=0.5, decays=decays)
    moved, _ = optimizer.update(copied(theta), engine.put(np.zeros(3)), optimizer.init(theta), RATE)
    exact = 8 * float(np.finfo(engine.numpy_dtype).eps)
    np.testing.assert_allclose(to_numpy(moved), [1 - RATE * 0.5, 2, 3 * (1 - RATE * 0.5)], rtol=exact)
    np.testing.assert_array_equal(path_of(AdamW(weight_decay=0.0), engine=engine), path_of(Adam(), engine=engine))


def objective_and_start(engine: Engine = NUMPY_DOUBLE) -> tuple[NetworkObjective, Array]:
    rng = np.random.default_rng(0)
    network = Network([Dense(4), Tanh(), Dense(1)], 3)
    x, y = engine.put(rng.standard_normal((20, 3))), engine.put(rng.standard_normal(20))
    return NetworkObjective(network, MeanSquaredError(), x, y), engine.put(network.initialize(0, np.float64))


def test_a_step_returns_the_evaluation_from_where_it_started(engine: Engine, rounding: float) -> None:
    objective, start = objective_and_start(engine)
    theta, _, evaluation = GradientDescent().step(objective, copied(start), GradientDescent().init(start), 0.1)
    assert evaluation.loss == objective.value(start)
    expected = to_numpy(start - 0.1 * objective(start).gradient)
    np.testing.assert_allclose(to_numpy(theta), expected, rtol=rounding, atol=1e-3 * rounding)


def steps(optimizer: Optimizer[Any], theta: Array, state: Any, count: int, engine: Engine = NUMPY_DOUBLE) -> Any:
    objective, _ = objective_and_start(engine)
    for _ in range(count):
        theta, state, _ = optimizer.step(objective, theta, state, 0.05)
    return theta, state


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_stopping_after_some_steps_and_going_on_changes_no_bit(name: str, engine: Engine, tmp_path: Path) -> None:
    optimizer = make_optimizer(name)
    _, start = objective_and_start(engine)
    expected, _ = steps(optimizer, copied(start), optimizer.init(start), 30, engine)
    theta, state = steps(optimizer, copied(start), optimizer.init(start), 13, engine)
    twin = copy.deepcopy((theta, state))
    vectors, numbers = optimizer.pack(state)
    save_tensors(tmp_path / "run", {"theta": to_numpy(theta), **vectors}, {"numbers": numbers})
    tensors, header = load_tensors(tmp_path / "run")
    stored = {name: engine.put(tensor) for name, tensor in tensors.items()}
    kept = stored.pop("theta"), optimizer.unpack(stored, header["numbers"])
    for stopped in [(theta, state), twin, kept]:
        np.testing.assert_array_equal(to_numpy(steps(optimizer, *stopped, 17, engine)[0]), to_numpy(expected))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_network_is_trained_along_the_same_path_wherever_it_is(name: str, engine: Engine, rounding: float) -> None:
    optimizer = make_optimizer(name)
    _, start = objective_and_start(engine)
    found, _ = steps(optimizer, copied(start), optimizer.init(start), 5, engine)
    _, start = objective_and_start()
    with NUMPY_DOUBLE.in_force():
        expected, _ = steps(optimizer, copied(start), optimizer.init(start), 5)
    np.testing.assert_allclose(to_numpy(found), expected, rtol=10 * rounding, atol=rounding)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_precision_is_kept(name: str, engine: Engine) -> None:
    optimizer, single = make_optimizer(name), engine._replace(precision="float32")
    _, start = objective_and_start(single)
    theta, state = steps(optimizer, start, optimizer.init(start), 5, single)
    assert to_numpy(theta).dtype == np.float32
    assert all(to_numpy(array).dtype == np.float32 for array in state if hasattr(array, "dtype"))


def test_every_optimizer_is_made_by_name_with_its_own_settings() -> None:
    assert make_optimizer("gd", beta=None) == GradientDescent()
    assert make_optimizer("momentum", beta=0.5, form="classical") == Momentum(0.5, "classical")
    assert make_optimizer("adam", beta1=0.8, epsilon_inside_root=True) == Adam(0.8, epsilon_inside_root=True)
    assert [type(make_optimizer(name)) for name in OPTIMIZERS] == list(OPTIMIZERS.values())


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("sgd", {}, "no optimizer is called 'sgd': use one of gd, momentum, nesterov, rmsprop, adam, adamw, lbfgs"),
        ("gd", {"beta": 0.9}, "the optimizer gd has no beta; it has no settings beside the learning rate"),
        ("momentum", {"beta1": 0.9}, "the optimizer momentum has no beta1; it has beta, form"),
        ("adam", {"weight_decay": 0.1}, "the optimizer adam has no weight decay; it has beta1, beta2, epsilon"),
        ("lbfgs", {"beta": 0.9}, "the optimizer lbfgs has no beta; it has history"),
        ("momentum", {"beta": 1.0}, "the beta must be at least 0 and below 1, not 1.0"),
        ("momentum", {"form": "polyak"}, "momentum is averaged or classical, not 'polyak'"),
        ("nesterov", {"beta": -0.1}, "the beta must be at least 0 and below 1, not -0.1"),
        ("rmsprop", {"beta1": math.nan}, "the beta1 must be at least 0 and below 1, not nan"),
        ("rmsprop", {"epsilon": 0.0}, "the epsilon must be a positive number, not 0.0"),
        ("adam", {"beta2": 1.0}, "the beta2 must be at least 0 and below 1, not 1.0"),
        ("adam", {"epsilon": math.inf}, "the epsilon must be a positive number, not inf"),
        ("adamw", {"weight_decay": -0.1}, "the weight decay must be 0 or more, not -0.1"),
        ("adamw", {"weight_decay": math.inf}, "the weight decay must be 0 or more, not inf"),
        ("lbfgs", {"history": 0}, "L-BFGS must keep at least one pair, not 0"),
    ],
)
def test_settings_that_would_be_ignored_or_cannot_be_are_refused(
    name: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        make_optimizer(name, **settings)


class RawGradient(Momentum):
    """Defect: the velocity is computed, then the raw gradient used."""

    def update(self, theta: Array, gradient: Array, state: Any, learning_rate: float) -> tuple[Array, Any]:
        raw = gradient.copy()
        _, state = super().update(theta.copy(), gradient, state, learning_rate)
        return theta - learning_rate * raw, state


class ConstantCorrection(Adam):
    """Defect: divides by 1 - beta where 1 - beta^t belongs, which is right in the first step only."""

    def update(self, theta: Array, gradient: Array, state: Any, learning_rate: float) -> tuple[Array, Any]:
        moved, new = super().update(theta, gradient, state._replace(t=0), learning_rate)
        return moved, new._replace(t=state.t + 1)


class UpdatesTwice(Adam):
    """Defect: the update of a layer runs once for each hidden layer."""

    def update(self, theta: Array, gradient: Array, state: Any, learning_rate: float) -> tuple[Array, Any]:
        theta, state = super().update(theta, gradient.copy(), state, learning_rate)
        return super().update(theta, gradient, state, learning_rate)


class UncountedSteps(Adam):
    """Defect: the correction counts from 0 again in every epoch (of ten steps here)."""

    def update(self, theta: Array, gradient: Array, state: Any, learning_rate: float) -> tuple[Array, Any]:
        return super().update(theta, gradient, state._replace(t=state.t % 10), learning_rate)


@pytest.mark.parametrize(
    ("defect", "make_update"),
    [
        (RawGradient(), lambda: averaged_momentum(0.9)),
        (ConstantCorrection(), lambda: adam(0.9, 0.999, 1e-8)),
        (UpdatesTwice(), lambda: adam(0.9, 0.999, 1e-8)),
        (UncountedSteps(), lambda: adam(0.9, 0.999, 1e-8)),
        (Adam(epsilon=0.1, epsilon_inside_root=True), lambda: adam(0.9, 0.999, 0.1)),
        (Momentum(0.9, "classical"), lambda: averaged_momentum(0.9)),
        (AdamW(weight_decay=0.1), lambda: adam(0.9, 0.999, 1e-8)),
    ],
    ids=lambda value: repr(value) if isinstance(value, Optimizer) else "",
)
def test_planted_defects_leave_the_textbooks_path(defect: FirstOrder[Any], make_update: Callable[[], Update]) -> None:
    assert apart(defect, make_update) > 1e-3
