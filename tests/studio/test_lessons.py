"""Lessons: each can be opened, hides and unfolds what the page has, and is named at the end of its chapter."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.studio.learn.talking import at, opened, told
from tests.studio.running import Studio

from sfumato.pictures.builtin import BUILTIN_STYLES, PREFIX
from sfumato.studio.application import STATIC
from sfumato.studio.learn.session import Session
from sfumato.studio.learn.state import parse_state
from sfumato.studio.lessons import Lesson, lessons
from sfumato.style.transfer import StyleTransfer

LESSONS = lessons()
LEARN = [lesson for lesson in LESSONS if lesson.form is None and lesson.digits is None]
DIGITS = [lesson for lesson in LESSONS if lesson.digits is not None]
PAINT = [lesson for lesson in LESSONS if lesson.form is not None]
CHAPTERS = sorted((Path(__file__).parents[2] / "docs" / "chapters").glob("*.md"))
PARTS = set(re.findall(r'data-part="([^"]+)"', (STATIC / "index.html").read_text(encoding="utf-8"))) | {"activation"}


def name_of(lesson: Lesson) -> str:
    return lesson.name


def fields(values: dict[str, Any], before: str = "") -> set[str]:
    """Names of all fields of a state, such as "run.batch"."""
    names = {f"{before}{name}" for name in values}
    return names.union(*(fields(own, f"{name}.") for name, own in values.items() if isinstance(own, dict)))


def test_the_chapters_of_the_playground_and_of_painting_have_lessons() -> None:
    assert {int(lesson.chapter[:2]) for lesson in LESSONS} >= {*range(1, 9), 10, 11}


@pytest.mark.parametrize("lesson", LESSONS, ids=name_of)
def test_a_lesson_says_in_a_few_sentences_what_to_do_and_asks_something(lesson: Lesson) -> None:
    assert 2 <= len(re.findall(r"[.:?](?:\s|$)", lesson.text)) <= 6
    assert "?" in lesson.question
    assert re.fullmatch("[a-z-]+", lesson.name)
    assert f"{lesson.chapter}.md" in [path.name for path in CHAPTERS]


@pytest.mark.parametrize("lesson", LEARN, ids=name_of)
def test_the_playground_of_a_lesson_is_taken_and_keeps_what_is_hidden(lesson: Lesson) -> None:
    state = lesson.told()["state"]
    assert parse_state(state) == state
    assert (state["view"]["lesson"], state["view"]["hide"]) == (lesson.name, list(lesson.hide))
    assert at(opened(**state)).measures.train_loss > 0
    assert set(lesson.open) <= PARTS - set(lesson.hide)
    assert set(lesson.hide) <= PARTS | fields(state)


@pytest.mark.parametrize("lesson", DIGITS, ids=name_of)
def test_the_network_of_a_lesson_of_digits_can_be_trained(lesson: Lesson) -> None:
    session = Session()
    settings = lesson.told()["digits"]
    assert told(session, "digits", **settings)["settings"] == settings
    assert isinstance(session.answer({"id": 1, "do": "digits-go"}), bytes)


@pytest.mark.parametrize("lesson", PAINT, ids=name_of)
def test_the_settings_of_a_lesson_can_be_painted_with(lesson: Lesson) -> None:
    form = lesson.told()["form"]
    assert StyleTransfer(**form["settings"]).size == form["settings"]["size"]
    assert {style.removeprefix(PREFIX) for style in form["styles"]} <= set(BUILTIN_STYLES)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_ends_with_its_lessons(chapter: Path) -> None:
    end = chapter.read_text(encoding="utf-8").rpartition("## References and further reading")[2]
    named = re.findall(r"`sfumato studio --lesson ([a-z-]+)`", end)
    assert named == [lesson.name for lesson in LESSONS if lesson.chapter == chapter.stem]


def test_the_command_gives_the_address_of_a_lesson(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "kept", "--port", "0", "--lesson", "xor")
    studio.close()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#lesson=xor&key=[\w-]+", studio.url)
