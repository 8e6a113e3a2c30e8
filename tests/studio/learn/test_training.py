"""A playground trains as `fit` does, and as the objective driven by hand."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from tests.studio.learn.states import random_state
from tests.studio.learn.talking import at, opened, refused, told, trained

from sfumato import NetworkObjective, RunOptions, fit
from sfumato.studio.learn.frames import FINISHED, HAS_GRADIENT, HAS_TEST
from sfumato.studio.learn.session import Session
from sfumato.studio.learn.setup import Setup, set_up
from sfumato.studio.learn.state import parse_state

STEPS = 23


def by_hand(setup: Setup, steps: int) -> tuple[float, Any]:
    """Loss and parameters after so many steps of the optimizer over `NetworkObjective`, mini-batch by mini-batch."""
    training, engine = setup.training, setup.engine
    optimizer, theta = training.optimizer, training.network.initialize(training.seed, engine.numpy_dtype)
    state, batches, step = optimizer.init(theta), setup.batches(setup.train), 0
    everything = setup.objective(batches)
    for epoch in itertools.count():
        for rows in batches.epoch(epoch):
            if step == steps:
                return everything(theta).terms["data"], theta
            x, y, _ = batches.batch(rows)
            key = (training.seed, step) if training.network.stochastic else None
            size = setup.train.size
            objective = NetworkObjective(
                training.network, training.loss, x, y, l2=training.l2, data_size=size, dropout_key=key
            )
            if key is None and isinstance(rows, slice):
                objective = everything  # the same all along, as L-BFGS needs it
            theta, state, _ = optimizer.step(objective, theta, state, training.rate(epoch))
            step += 1
    raise AssertionError


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(30))
def test_losses_are_those_of_the_objective_driven_by_hand(seed: int, precision: str) -> None:
    state = random_state(seed, precision)
    session = opened(**state)
    frame = session.answer({"do": "go", "steps": 0})
    while isinstance(frame, bytes) and (shown := at(session)).step < STEPS and not shown.flags & FINISHED:
        frame = session.answer({"do": "go", "steps": STEPS - shown.step})
    shown = at(session, gradient=True)
    loss, theta = by_hand(set_up(parse_state(state)), shown.step)
    assert shown.measures.train_loss == pytest.approx(loss, rel=1e-6 if precision == "float32" else 1e-12)
    assert shown.theta == pytest.approx(theta.astype(np.float32), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_losses_are_those_of_fit(seed: int) -> None:
    state = random_state(seed)
    state["optimizer"] = {"name": "momentum", "schedule": "exponential"}
    setup, steps = set_up(parse_state(state)), itertools.count()
    training = setup.training
    done = fit(
        training.network,
        training.loss,
        training.examples(setup.train),
        scaling=training.scaling,
        optimizer=training.optimizer,
        learning_rate=training.rate,
        l2=training.l2,
        batch_size=training.batch_size,
        epochs=STEPS,
        seed=training.seed,
        run=RunOptions(engine="numpy/float64", stop=lambda: next(steps) == STEPS),
    )
    assert trained(opened(**state), STEPS).theta == pytest.approx(done.theta.astype(np.float32), rel=1e-6)


def test_the_gradient_and_its_length_are_those_of_the_objective() -> None:
    session = opened(objective={"l2": 2}, run={"precision": "float64"})
    frame = trained(session, 5, gradient=True)
    assert session.opened is not None
    evaluation = session.opened.objective(session.opened.theta)
    assert frame.flags & HAS_GRADIENT
    assert frame.gradient == pytest.approx(evaluation.gradient, rel=1e-6)
    assert frame.measures.gradient_length == pytest.approx(np.linalg.norm(evaluation.gradient))
    assert frame.measures.train_loss + frame.measures.penalty == pytest.approx(evaluation.loss)


RESETTING: list[dict[str, Any]] = [
    {"data": {"seed": 1}},
    {"data": {"kind": "moons"}},
    {"features": ["x1", "x2", "sin x1"]},
    {"network": {"hidden": [7]}},
    {"network": {"hidden": [8, 8]}},
    {"network": {"activation": "relu"}},
    {"network": {"init": "he"}},
    {"run": {"seed": 3}},
    {"run": {"precision": "float64"}},
    {"test": 0.2},
]

KEEPING: list[dict[str, Any]] = [
    {"network": {"dropout": 0.2}},
    {"objective": {"l2": 1}},
    {"optimizer": {"learning_rate": 0.5}},
    {"optimizer": {"schedule": "exponential", "decay": 0.9}},
    {"optimizer": {"name": "gd"}},
    {"optimizer": {"name": "lbfgs"}},
    {"optimizer": {"beta1": 0.5}},
    {"run": {"batch": 10}},
    {"run": {"epochs": 100}},
    {"view": {"grid": 25, "open": ["equations"]}},
]


@pytest.mark.parametrize("patch", RESETTING, ids=str)
def test_another_network_or_other_data_begin_again(patch: dict[str, Any]) -> None:
    session = opened()
    trained(session, 10)
    answer = told(session, "set", patch=patch)
    assert answer["reset"]
    assert at(session).step == answer["description"]["steps"] == 0
    assert at(session).theta == pytest.approx(at(opened(**answer["state"])).theta)


@pytest.mark.parametrize("patch", KEEPING, ids=str)
def test_what_only_changes_the_training_keeps_the_weights(patch: dict[str, Any]) -> None:
    session = opened()
    before = trained(session, 10)
    answer = told(session, "set", patch=patch)
    after = at(session)
    assert not answer["reset"]
    assert (after.step, after.theta.tolist()) == (10, before.theta.tolist())
    assert trained(session, 3).step == 13
    for section, values in patch.items():
        assert values.items() <= answer["state"][section].items()


@pytest.mark.parametrize(
    ("patch", "anew"),
    [
        ({"optimizer": {"name": "momentum"}}, True),
        ({"optimizer": {"beta1": 0.5}}, True),
        ({"optimizer": {"learning_rate": 0.5}}, False),
        ({"objective": {"l2": 1}}, False),
        ({"run": {"batch": 10}}, False),
    ],
)
def test_another_optimizer_starts_its_averages_anew_and_says_so(patch: dict[str, Any], anew: bool) -> None:
    session = opened()
    trained(session, 10)
    assert session.opened is not None
    note = told(session, "set", patch=patch)["note"]
    assert ("start anew" in note) == anew
    state = session.opened.now.optimizer_state
    assert (getattr(state, "t", 0) == 0) == anew


def test_reset_comes_back_to_the_first_weights() -> None:
    session = opened()
    first = at(session)
    trained(session, 5)
    told(session, "reset")
    assert at(session).theta.tolist() == first.theta.tolist()
    assert trained(session, 5).theta.tolist() == trained(opened(), 5).theta.tolist()


def test_a_weight_can_be_set_by_hand() -> None:
    session = opened(network={"hidden": [3]})
    told(session, "weight", name="dense_1.W", index=[1, 2], value=-2.5)
    assert at(session).theta[5] == -2.5
    assert trained(session, 1).theta[5] != -2.5
    assert refused(session, "weight", name="dense_1.W", index=[1, 3], value=1)[1] == "index"
    assert refused(session, "weight", name="dense_9.W", index=[1, 2], value=1)[1] == "name"
    assert refused(session, "weight", name="dense_1.W", index=[1, 2], value=1e30)[1] == "weight.value"


def test_divergence_names_step_and_layer_and_goes_back_to_sound_weights() -> None:
    session = opened(
        data={"kind": "waves"}, optimizer={"name": "gd", "learning_rate": 50}, network={"activation": "relu"}
    )
    answer: Any = {}
    for _ in range(200):
        answer = session.answer({"id": 7, "do": "go", "steps": 1})
        if isinstance(answer, dict):
            break
    assert answer["id"] == 7
    error = answer["error"]
    assert "diverged" in error["text"] and "learning rate ten times smaller" in error["text"]
    assert error["field"] == "optimizer.learning_rate"
    assert error["diverged"]["step"] >= 2
    assert error["diverged"]["layer"] in ("dense_1", "relu_1", "dense_2", "loss")
    assert math.isfinite(at(session).measures.train_loss)
    told(session, "set", patch={"optimizer": {"learning_rate": 1e-6}})
    told(session, "reset")
    assert math.isfinite(trained(session, 10).measures.train_loss)


def test_training_ends_after_its_epochs() -> None:
    session = opened(run={"epochs": 2, "batch": 70}, optimizer={"schedule": "cosine"})
    frame = trained(session, 6)
    assert frame.flags & FINISHED
    assert session.answer({"do": "go", "steps": 5}) == session.answer({"do": "go", "steps": 0})
    told(session, "set", patch={"run": {"epochs": 3}})
    assert trained(session, 3).step == 9


def test_two_sessions_do_not_see_each_other() -> None:
    alone = trained(opened(), 20).theta
    one, other = opened(), opened(network={"hidden": [4]})
    for _ in range(20):
        mine = trained(one, 1)
        trained(other, 1)
    assert mine.theta.tolist() == alone.tolist()


def test_nothing_goes_before_a_state_is_open() -> None:
    assert refused(Session(), "go")[0] == "nothing is open yet: begin with the command open"


def test_without_test_examples_there_are_no_numbers_of_them() -> None:
    frame = at(opened(test=0))
    assert not frame.flags & HAS_TEST
    assert math.isnan(frame.measures.test_loss)
