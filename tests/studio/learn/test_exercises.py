"""Exercises by command: what a page asks for, and what it is told."""

from pathlib import Path
from typing import Any

import pytest
from tests.studio.learn.talking import refused, told

from sfumato.studio.learn.exercises import CHAPTERS
from sfumato.studio.learn.faults import FAULTS
from sfumato.studio.learn.session import Session

CHAPTERS_THERE = {page.stem for page in (Path(__file__).parents[3] / "docs" / "chapters").glob("*.md")}


def given(number: int, seed: int = 5) -> tuple[Session, dict[str, Any]]:
    session = Session()
    return session, told(session, "exercise", seed=seed, number=number)


@pytest.mark.parametrize("number", range(12))
def test_an_exercise_is_solved_by_its_checks(number: int) -> None:
    session, exercise = given(number)
    step = 0
    while step < 10:
        step = told(session, "exercise-train", steps=10 - step)["step"]
    rows = told(session, "exercise-check")["report"]["parameters"]
    wrong = [row["name"] for row in rows if row["verdict"] == "wrong"]
    measured = told(session, "exercise-measure")["measured"]
    assert wrong or not all(one["right"] for one in measured)
    verdicts = [told(session, "exercise-answer", parameters=wrong, cause=cause) for cause in exercise["causes"]]
    (right,) = (verdict for verdict in verdicts if verdict["cause"])
    assert right["place"]
    assert right["hint"] == ""
    sound, faulty = right["diff"]
    assert sound != faulty
    for other in verdicts:
        if other is not right:
            assert other["hint"]
            assert other["diff"] == ()
            assert other["chapter"] is None


def test_one_seed_gives_one_order_and_the_same_choices() -> None:
    assert [given(number)[1]["causes"] for number in range(12)] == [given(number)[1]["causes"] for number in range(12)]
    assert [given(number)[1]["causes"] for number in range(4)] != [given(number, 6)[1]["causes"] for number in range(4)]


def test_nothing_that_is_told_before_the_answer_names_the_fault() -> None:
    for number in range(12):
        session, exercise = given(number)
        told_before = str([exercise, told(session, "exercise-train", steps=1), told(session, "exercise-measure")])
        assert not [name for name in FAULTS if name in told_before]
        assert not [fault.hint for fault in FAULTS.values() if fault.hint in told_before]


def test_every_fault_leads_to_a_chapter_that_is_there() -> None:
    assert {fault.chapter for fault in FAULTS.values()} == set(CHAPTERS)
    assert {Path(address).stem for address in CHAPTERS.values()} <= CHAPTERS_THERE


def test_training_is_an_answer_of_steps_and_their_losses() -> None:
    session, _ = given(0)
    answer = told(session, "exercise-train", steps=3)
    assert answer["step"] == len(answer["losses"]) >= 1
    assert 0 <= answer["accuracy"] <= 1
    told(session, "exercise", seed=5, number=0)
    assert told(session, "exercise-train", steps=1)["losses"] == answer["losses"][:1]


@pytest.mark.parametrize(
    ("do", "fields", "field"),
    [
        ("exercise", {"seed": -1}, "exercise.seed"),
        ("exercise", {"seed": "five"}, "exercise.seed"),
        ("exercise", {"number": 12}, "exercise.number"),
        ("exercise", {"grade": 1}, "exercise.grade"),
        ("exercise-train", {"steps": 0}, "exercise-train.steps"),
        ("exercise-train", {"steps": 201}, "exercise-train.steps"),
        ("exercise-check", {"method": "two-sided"}, "exercise-check.method"),
        ("exercise-answer", {"parameters": ["dense_9.W"], "cause": "x"}, "exercise-answer.parameters"),
        ("exercise-answer", {"parameters": "dense_1.W", "cause": "x"}, "exercise-answer.parameters"),
        ("exercise-answer", {"parameters": [["dense_1.W"]], "cause": "x"}, "exercise-answer.parameters"),
        ("exercise-answer", {"parameters": [], "cause": "the weather"}, "exercise-answer.cause"),
        ("exercise-answer", {"parameters": []}, "exercise-answer.cause"),
    ],
)
def test_wrong_input_is_refused_in_a_line_that_names_the_field(do: str, fields: dict[str, Any], field: str) -> None:
    session, _ = given(0)
    assert refused(session, do, **fields)[1] == field


@pytest.mark.parametrize("do", ["exercise-train", "exercise-check", "exercise-measure", "exercise-answer"])
def test_without_an_exercise_nothing_can_be_asked_of_it(do: str) -> None:
    assert "begin with the command exercise" in refused(Session(), do)[0]
