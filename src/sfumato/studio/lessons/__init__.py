"""Lessons of the studio: where to begin, what to do there, and what to watch. Each is a file beside this one.

A lesson's file, NAME.toml, has `title`, `chapter`, `text` and `question`; `open` and `hide` name the parts of the page
that are unfolded and left out. Its `state` is a playground of the room Learn. In its place, a lesson on digits has
`digits`, the settings of their network, and one of the room Paint has a `form` with `styles` and `settings`.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfumato.checks import one_of
from sfumato.studio.learn.digits import parse_settings
from sfumato.studio.learn.state import parse_state
from sfumato.studio.options import read_settings

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Args:
        name: Of its file, and in addresses.
        title: Its title.
        chapter: Name of the chapter's page in the course, such as "02-one-hidden-layer".
        text: What to do, and what to watch.
        question: What to think about.
        state: The playground, as `parse_state` takes it; None for another lesson.
        digits: Settings of a network for digits, as `parse_settings` takes them.
        form: Ids of styles, and settings by name, of the room Paint.
        hide: Parts of the page, or fields of the state, that are left out.
        open: Parts of the page that are unfolded; all others are folded.
    """

    name: str
    title: str
    chapter: str
    text: str
    question: str
    state: dict[str, Any] | None = None
    digits: dict[str, Any] | None = None
    form: dict[str, Any] | None = None
    hide: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """The lesson as the page is told of it; its state is whole, and names the lesson.

        Raises:
            InputError: for a state or settings that cannot be used.
        """
        told: dict[str, Any] = {"name": self.name, "title": self.title, "chapter": self.chapter}
        told |= {"text": self.text, "question": self.question}
        if self.form is not None:
            settings = read_settings(self.form["settings"], lambda _: False)
            return {**told, "room": "paint", "form": {"styles": self.form["styles"], "settings": settings}}
        if self.digits is not None:
            return {**told, "room": "learn", "digits": parse_settings(self.digits)._asdict()}
        view = {"lesson": self.name, "hide": list(self.hide), "open": list(self.open)}
        return {**told, "room": "learn", "state": parse_state({**(self.state or {}), "view": view})}


def names() -> list[str]:
    """Names of all lessons, in the order of their chapters."""
    return [lesson.name for lesson in lessons()]


def lessons() -> list[Lesson]:
    """All lessons, in the order of their chapters."""
    found = [
        Lesson(name=path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))) for path in FOLDER.glob("*.toml")
    ]
    return sorted(found, key=lambda lesson: (lesson.chapter, lesson.title))


def address_of(name: str) -> str:
    """The part of the page's address, behind its #, that opens a lesson.

    Raises:
        InputError: if there is none of this name.
    """
    return f"lesson={one_of('lesson', name, names())}"
