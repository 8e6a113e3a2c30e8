"""The faults that learners look for: each shows in the check that is said to show it, and in no other."""

import inspect
from typing import Any

import numpy as np
import pytest

from sfumato import (
    Adam,
    CategoricalCrossEntropy,
    Dense,
    Dropout,
    Layer,
    Momentum,
    Network,
    NetworkObjective,
    ReLU,
    Tanh,
    check_gradient,
)
from sfumato import objective as objectives
from sfumato.data import spiral
from sfumato.errors import InputError
from sfumato.gradient_check import Verdict
from sfumato.layers import dense, dropout, relu, tanh
from sfumato.optimizers import first_order, schedules
from sfumato.studio.learn.faults import FAULTS, Fault, Parts, choices, exercise, state_of
from sfumato.studio.learn.other_checks import other_checks

BY_NAME = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())


def parts(optimizer: Any = None) -> Parts:
    """The sound parts of an exercise: 2-6-6-6-3, with dropout, L2 and a decaying rate."""
    below: list[Layer[Any]] = [Dense(6), Tanh(), Dropout(0.1), Dense(6), ReLU(), Dropout(0.1)]
    layers = [*below, Dense(6), Tanh(), Dropout(0.1), Dense(3)]
    schedule = schedules.exponential(0.5, 0.999)
    return Parts(Network(layers, 2), CategoricalCrossEntropy(), NetworkObjective, optimizer or Momentum(), schedule)


def parts_for(fault: Fault) -> Parts:
    return parts(Adam() if fault.name == "adam-uncorrected" else Momentum())


def wrong(given: Parts, theta: Any) -> list[str]:
    x, y, _ = spiral(20).examples
    objective = given.objective(given.network, given.loss, x, y, l2=1.0, dropout_key=(0, 3))
    return [row.name for row in check_gradient(objective, theta).parameters if row.verdict == Verdict.WRONG]


@BY_NAME
@pytest.mark.parametrize("seed", [0, 1])
def test_a_fault_makes_just_those_gradients_wrong_that_follow_from_the_equations(fault: Fault, seed: int) -> None:
    sound = parts_for(fault)
    theta = np.random.default_rng(seed).standard_normal(sound.network.size)
    assert wrong(fault.apply(sound), theta) == fault.wrong(sound.network)
    assert bool(fault.wrong(sound.network)) == (fault.shown_by == "gradient check")


@pytest.mark.parametrize("seed", range(10))
def test_without_a_fault_nothing_is_wrong(seed: int) -> None:
    sound = parts()
    assert wrong(sound, np.random.default_rng(seed).standard_normal(sound.network.size)) == []
    assert all(one.right for one in other_checks(sound, sound.schedule))
    assert all(one.right for one in other_checks(parts(Adam()), sound.schedule))


@BY_NAME
def test_a_fault_that_no_gradient_shows_is_shown_by_the_check_that_is_named_alone(fault: Fault) -> None:
    sound = parts_for(fault)
    shown = {one.by for one in other_checks(fault.apply(sound), sound.schedule) if not one.right}
    assert shown == ({fault.shown_by} - {"gradient check"})


def test_biases_that_decay_show_only_after_training() -> None:
    fault, sound = FAULTS["biases-decay"], parts()
    assert wrong(fault.apply(sound), sound.network.initialize(0, np.float64)) == []


@BY_NAME
def test_the_faultless_line_of_a_diff_is_the_engines(fault: Fault) -> None:
    engine = "".join(map(inspect.getsource, (dense, dropout, relu, tanh, objectives, first_order, schedules)))
    right, planted = fault.diff
    assert right in engine
    assert planted not in engine or planted == "rate = learning_rate"


@BY_NAME
def test_a_fault_keeps_names_and_parameters(fault: Fault) -> None:
    """So that theta can go on, and that no name tells where it is."""
    sound = parts_for(fault)
    planted = fault.apply(sound)
    assert planted.network.names == sound.network.names
    assert planted.network.layout == sound.network.layout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("relu-mask", "ReLU"),
        ("transposed-input", "same units"),
        ("last-outputs-kept", "two tanh"),
        ("dropout-not-inverted", "Dropout"),
        ("adam-uncorrected", "adam"),
    ],
)
def test_a_fault_without_a_place_is_refused(name: str, message: str) -> None:
    bare = parts()._replace(network=Network([Dense(3), Tanh(), Dense(2)], 2))
    with pytest.raises(InputError, match=message):
        FAULTS[name].apply(bare)


def test_a_seed_gives_each_of_the_twelve_once_in_grades_and_the_same_to_all() -> None:
    order = [exercise(7, number) for number in range(12)]
    assert {fault.name for fault in order} == set(FAULTS)
    assert [fault.grade for fault in order] == sorted(fault.grade for fault in FAULTS.values())
    assert order == [exercise(7, number) for number in range(12)]
    assert order != [exercise(8, number) for number in range(12)]


@BY_NAME
def test_four_causes_are_offered_and_one_is_right(fault: Fault) -> None:
    offered = choices(fault, 3)
    assert len(set(offered)) == 4
    assert fault.cause in offered
    assert offered == choices(fault, 3)


def test_the_exercise_has_the_optimizer_that_its_fault_sits_in() -> None:
    for number in range(2):
        assert state_of(FAULTS["adam-uncorrected"], number)["optimizer"]["name"] == "adam"
        assert state_of(FAULTS["momentum-sign"], number)["optimizer"]["name"] == "momentum"
