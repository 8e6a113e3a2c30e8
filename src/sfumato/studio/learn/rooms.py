"""The WebSocket of the room Learn: a session for each, commands up, answers and frames down."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect
from threadpoolctl import threadpool_limits

from sfumato.storage import dump
from sfumato.studio.guard import PROTOCOL
from sfumato.studio.learn.session import Session

MOST_SESSIONS = 4

TRY_AGAIN_LATER = 1013
"""Code with which a WebSocket is closed where there are sessions enough."""


class Sessions:
    """All sessions of a studio; their work is done on two threads."""

    def __init__(self) -> None:
        self.open = 0
        self.threads = ThreadPoolExecutor(2, "learn", initializer=_on_one_thread)

    async def serve(self, socket: WebSocket) -> None:
        """Answer the commands of a page, one by one, until it is gone."""
        await socket.accept(PROTOCOL)
        if self.open >= MOST_SESSIONS:
            text = f"{MOST_SESSIONS} sessions are open already: close one"
            await socket.send_text(_json({"id": None, "error": {"text": text, "field": None}}))
            await socket.close(TRY_AGAIN_LATER, text)
            return
        self.open += 1
        session, loop = Session(), asyncio.get_running_loop()
        try:
            while True:
                answer = await loop.run_in_executor(self.threads, _answer, session, await socket.receive_text())
                await (socket.send_bytes(answer) if isinstance(answer, bytes) else socket.send_text(answer))
        except WebSocketDisconnect:
            pass
        finally:
            self.open -= 1


def _on_one_thread() -> None:
    """Keep products of matrices on one thread: these are small, and sessions share the machine."""
    threadpool_limits(1, "blas")


def _answer(session: Session, text: str) -> str | bytes:
    try:
        command = json.loads(text)
    except (ValueError, RecursionError):
        return _json({"id": None, "error": {"text": "the command is not JSON", "field": None}})
    answer = session.answer(command)
    return answer if isinstance(answer, bytes) else _json(answer)


def _json(values: dict[str, Any]) -> str:
    return dump(values, indent=None)
