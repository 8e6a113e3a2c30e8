"""Playgrounds as the page talks to them, without a socket between."""

from typing import Any

from sfumato.studio.learn.frames import Frame, unpack
from sfumato.studio.learn.session import Session


def opened(**state: Any) -> Session:
    """A session with a state."""
    session = Session()
    told(session, "open", state=state)
    return session


def told(session: Session, do: str, **fields: Any) -> dict[str, Any]:
    """The answer to a command, which must not be an error."""
    answer = session.answer({"id": 1, "do": do, **fields})
    assert isinstance(answer, dict)
    assert answer.get("ok") is True, answer
    return answer


def refused(session: Session, do: str, **fields: Any) -> tuple[str, str | None]:
    """The error of a command, and the field that it names."""
    answer = session.answer({"id": 1, "do": do, **fields})
    assert isinstance(answer, dict)
    assert answer["id"] == 1
    text: str = answer["error"]["text"]
    assert text and "\n" not in text
    return text, answer["error"]["field"]


def trained(session: Session, steps: int, **fields: Any) -> Frame:
    """The frame after so many steps more."""
    frame = at(session, **fields)
    end = frame.step + steps
    while frame.step < end:
        answer = session.answer({"id": 1, "do": "go", "steps": end - frame.step, **fields})
        assert isinstance(answer, bytes), answer
        frame = unpack(answer)
    return frame


def at(session: Session, **fields: Any) -> Frame:
    """The frame of now."""
    answer = session.answer({"id": 1, "do": "go", "steps": 0, **fields})
    assert isinstance(answer, bytes), answer
    return unpack(answer)
