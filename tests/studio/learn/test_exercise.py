"""An exercise is what a learner has: a training, its checks, and an answer."""

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.studio.learn.exercise import Exercise
from sfumato.studio.learn.faults import FAULTS


@pytest.fixture(params=range(12))
def given(request: pytest.FixtureRequest) -> Exercise:
    """Each exercise of a class, before its first step."""
    return Exercise(5, request.param)


def wrong(exercise: Exercise) -> list[str]:
    return [row.name for row in exercise.check().parameters if row.verdict == "wrong"]


def test_after_ten_steps_the_checks_name_the_place_that_the_answer_asks_for(given: Exercise) -> None:
    given.train(10)
    found = wrong(given)
    assert set(found) <= set(given.wrong)
    assert found or not all(one.right for one in given.other_checks())
    verdict = given.answer(found, given.fault.cause)
    assert verdict.place
    assert verdict.cause
    assert verdict.wrong == given.wrong
    assert len(verdict.diff) == 2
    assert 1 <= verdict.chapter <= 8


def test_a_wrong_answer_gets_a_hint_and_no_diff(given: Exercise) -> None:
    other = next(cause for cause in given.causes if cause != given.fault.cause)
    verdict = given.answer([], other)
    assert verdict.hint
    assert verdict.diff == ()
    assert verdict.wrong == []
    assert not verdict.cause


def test_no_name_of_a_layer_tells_where_the_fault_is(given: Exercise) -> None:
    names = {name.rpartition("_")[0] for name in given.parts.network.names}
    assert names == {"dense", "tanh", "relu", "dropout"}


def test_training_that_diverges_keeps_the_last_finite_weights() -> None:
    exercise = Exercise(0, 0)
    exercise.theta[:] = 1e200
    exercise.train(3)
    assert np.isfinite(exercise.theta).all()


def test_other_answers_are_refused() -> None:
    exercise = Exercise(0, 3)
    with pytest.raises(InputError, match="four causes"):
        exercise.answer([], "the weather")
    with pytest.raises(InputError, match="parameters of the network"):
        exercise.answer(["dense_9.W"], exercise.causes[0])


def test_a_class_with_one_seed_meets_all_faults() -> None:
    assert {Exercise(5, number).fault.name for number in range(12)} == set(FAULTS)
