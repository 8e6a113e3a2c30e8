"""Sessions over their WebSocket: one each, four at most, freed when they close."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.studio.running import Studio
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from sfumato.studio.learn.frames import unpack


def joined(studio: Studio, key: str | None = None) -> ClientConnection:
    """A session with a studio."""
    address = f"{studio.url.replace('http', 'ws')}/ws/learn"
    protocols = [Subprotocol("sfumato"), Subprotocol(key or studio.key)]
    return connect(address, origin=Origin(studio.url), subprotocols=protocols, max_size=None)


def asked(session: ClientConnection, **command: Any) -> Any:
    """The answer to a command: JSON, or a frame."""
    session.send(json.dumps({"id": 1, **command}))
    answer = session.recv(timeout=30)
    return unpack(answer) if isinstance(answer, bytes) else json.loads(answer)


def test_each_socket_has_a_session_of_its_own(served: Studio) -> None:
    with joined(served) as one, joined(served) as other:
        assert asked(one, do="open", state={"network": {"hidden": [3]}})["ok"]
        assert asked(other, do="go")["error"]["text"].startswith("nothing is open yet")
        assert asked(other, do="open")["state"]["network"]["hidden"] == [8]
        assert asked(one, do="go", steps=4).step == 4
        assert asked(other, do="go", steps=0).step == 0
        assert len(asked(one, do="go", steps=0).theta) == 3 * 3 + 4 * 3


@pytest.mark.parametrize("text", ["{", "[]", "3", "null", '{"do": []}', "[" * 100000], ids=range(6))
def test_what_is_no_command_is_answered_in_a_line(text: str, served: Studio) -> None:
    with joined(served) as session:
        session.send(text)
        answer = json.loads(session.recv(timeout=30))
        assert "\n" not in answer["error"]["text"]
        assert asked(session, do="open")["ok"]


def test_commands_are_answered_in_their_order(served: Studio) -> None:
    with joined(served) as session:
        for number, do in enumerate(["open", "report", "go", "check", "go"]):
            session.send(json.dumps({"id": number, "do": do}))
        answers = [session.recv(timeout=30) for _ in range(5)]
    assert [unpack(answer).step for answer in answers if isinstance(answer, bytes)] == [1, 2]
    assert [json.loads(answer)["id"] for answer in answers if isinstance(answer, str)] == [0, 1, 3]


def test_a_fifth_session_is_refused_and_a_closed_one_frees_its_place(served: Studio) -> None:
    with contextlib.ExitStack() as three, contextlib.ExitStack() as last:
        for stack in (three, three, three, last):
            assert asked(stack.enter_context(joined(served)), do="open")["ok"]
        with joined(served) as fifth:
            assert "4 sessions are open already" in json.loads(fifth.recv(timeout=10))["error"]["text"]
            with pytest.raises(ConnectionClosed):
                fifth.recv(timeout=10)
        last.close()
        end = time.monotonic() + 5
        while "error" in (answer := _first_answer(served)):
            assert time.monotonic() < end, answer


def _first_answer(studio: Studio) -> Any:
    with joined(studio) as session:
        try:
            return asked(session, do="open")
        except ConnectionClosed:
            return {"error": "closed"}


def test_a_state_of_five_thousand_points_is_taken_and_a_larger_message_is_not(served: Studio) -> None:
    rows = [[0.123456789 * (k % 50), -0.987654321 * (k % 31), k % 3] for k in range(5000)]
    with joined(served) as session:
        assert asked(session, do="open", state={"data": {"kind": "points", "rows": rows}})["ok"]
        assert asked(session, do="go").step == 1
        session.send("x" * (2**20 + 1))
        with pytest.raises(ConnectionClosed):
            session.recv(timeout=10)


def test_a_session_needs_the_key(served: Studio) -> None:
    with pytest.raises(InvalidStatus), joined(served, "wrong"):
        pass


def test_the_studio_ends_while_sessions_are_open(start_studio: Callable[..., Studio]) -> None:
    studio = start_studio()
    with joined(studio) as session:
        assert asked(session, do="open")["ok"]
        studio.close()
    assert studio.process.returncode is not None


def test_the_command_line_does_not_load_the_room() -> None:
    listed = "[name for name in sys.modules if 'starlette' in name or 'studio.learn' in name]"
    loaded = f"import sys, sfumato.cli; print({listed})"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
