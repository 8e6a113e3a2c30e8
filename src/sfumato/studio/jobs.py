"""The studio's jobs: each a folder, worked on one after the other by a child process, which is stopped and resumed.

    jobs/queue.json
    jobs/20261130-101500-1a2b3c/    job.json  outcome.json  out.png  .out.png.checkpoint

What is kept is in these files: a job without an outcome was cut off, as by a killed studio, and can be gone on with.
"""

import asyncio
import contextlib
import json
import re
import secrets
import time
from abc import ABC, abstractmethod
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sfumato.errors import InputError
from sfumato.storage import write_atomically
from sfumato.studio.painter import EPOCH, JOB, NOTE, OUT, OUTCOME, PAINT, PREVIEW, RECORD
from sfumato.studio.painters import Painters
from sfumato.studio.pictures import PictureStore
from sfumato.studio.processes import STOP_SECONDS, end, messages
from sfumato.studio.requests import PaintingRequest, read_request
from sfumato.studio.store import DIGEST

JOB_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")

QUEUE = "queue.json"
"""File of the names of the job at work and of those that wait, in their order."""


class Live:
    """The job at work.

    Attributes:
        name: Of its folder.
        record: Of its last step, as JSON has it; None before the first.
        note: What it is at, before its first step.
        losses: Of its steps so far, from where it went on; none of a training.
        records: Of all epochs of a training so far, as JSON has them; none of a painting.
        preview: The newest preview, a JPEG.
        previews: How many there have been.
        stopped: Whether it was asked to stop.
    """

    def __init__(self, name: str, process: Process) -> None:
        self.name, self.process = name, process
        self.record: dict[str, Any] | None = None
        self.note = ""
        self.losses: list[float] = []
        self.records: list[dict[str, Any]] = []
        self.preview = b""
        self.previews = 0
        self.stopped = False

    def take(self, kind: bytes, content: bytes) -> None:
        """Take a message of the process."""
        if kind == RECORD:
            record: dict[str, Any] = json.loads(content)
            self.record, self.note = record, ""
            self.losses.append(record["loss"])
        elif kind == EPOCH:
            self.records.append(json.loads(content))
            self.note = ""
        elif kind == PREVIEW:
            self.preview, self.previews = content, self.previews + 1
        elif kind == NOTE:
            self.note = content.decode()


class Request(Protocol):
    """Request of a job, as its page made it."""

    def to_json(self) -> str:
        """The request as its job's folder keeps it."""


Asked = TypeVar("Asked", bound=Request)


class Queue(ABC, Generic[Asked]):
    """Jobs in a folder, and the queue of those that wait. What the jobs do is said by the classes below this one.

    Args:
        folder: Where they lie; it is made if need be.
        turn: Held by the job at work, so that one job computes at a time, of whatever queue.
    """

    at_work = ""
    """State of the job at work."""

    patience = STOP_SECONDS
    """Seconds that a job's process has to end by itself, once it is asked to stop."""

    def __init__(self, folder: Path, turn: asyncio.Lock) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.turn = folder, turn
        self.waiting: list[str] = []
        self.live: Live | None = None
        self.left = self._left()
        """Jobs that were at work or waiting when the studio ended, in their order."""
        self.changes = 0
        """Count of the times that a job has come, gone or changed its state."""
        self._news = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._over = False

    @property
    def actions(self) -> dict[str, Callable[[str], None]]:
        """Actions of the page on a job, by the last part of the address."""
        order = {"earlier": self.earlier, "leave": self.leave}
        return {"stop": self.stop, "resume": self.resume, "remove": self.remove, **order}

    async def news(self) -> None:
        """Wait until there is something to tell: a change, a step, a preview."""
        await self._news.wait()

    async def run(self) -> None:
        """Do what waits, one job at a time, until this is cancelled; the job at work is then stopped and kept."""
        while True:
            while not self.waiting:
                await self.news()
            async with self.turn:
                if self.waiting:  # else it was taken out meanwhile
                    await self._work(self.waiting[0])

    def add(self, request: Asked) -> str:
        """Put a job at the end of the queue; returns its name."""
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        (self.folder / name).mkdir()
        write_atomically(self.folder / name / JOB, request.to_json())
        self.waiting.append(name)
        self._changed()
        return name

    def names(self) -> list[str]:
        """Names of all jobs, the newest first."""
        found = (path.name for path in self.folder.iterdir() if (path / JOB).is_file())
        return sorted((name for name in found if JOB_NAME.fullmatch(name)), reverse=True)

    def given(self) -> set[str]:
        """Ids of all that a job was given, even one that cannot be read as a request any more."""
        found: set[str] = set()
        for name in self.names():
            found |= {*DIGEST.findall((self.folder / name / JOB).read_text(encoding="utf-8", errors="replace"))}
        return found

    def request(self, name: str) -> Asked | None:
        """The request of a job; None for one whose file or what it names is gone."""
        with contextlib.suppress(InputError, OSError, ValueError):
            return self._read(json.loads((self.folder / name / JOB).read_bytes()))
        return None

    def outcome(self, name: str) -> dict[str, Any]:
        """The outcome of a job; empty for one that is not finished and was not stopped."""
        with contextlib.suppress(OSError, ValueError):
            outcome: dict[str, Any] = json.loads((self.folder / name / OUTCOME).read_bytes())
            return outcome
        return {}

    def state(self, name: str) -> str:
        """State of a job: what it is at (`at_work`), waiting, finished, stopped or failed."""
        if self.live is not None and self.live.name == name:
            return self.at_work
        return "waiting" if name in self.waiting else str(self.outcome(name).get("state", "stopped"))

    def stop(self, name: str) -> None:
        """Stop the job at work, or take one out of the queue."""
        if name in self.waiting:
            self.waiting.remove(name)
            self._changed()
        elif self.live is not None and self.live.name == name:
            self.live.stopped = True
            self._ending = asyncio.create_task(end(self.live.process, self.patience))

    def earlier(self, name: str) -> None:
        """Move a job that waits before the one that is before it."""
        place = self.waiting.index(name) if name in self.waiting else 0
        if place:
            self.waiting[place - 1 : place + 1] = name, self.waiting[place - 1]
            self._changed()

    def leave(self, name: str) -> None:
        """Offer a job no more that was left when the studio ended."""
        if name in self.left:
            self.left.remove(name)
            self._changed()

    def resume(self, name: str) -> None:
        """Put a job that was stopped, cut off or failed at the end of the queue, to go on with.

        Raises:
            InputError: if there is nothing to go on with.
        """
        if self.state(name) not in ("stopped", "failed"):
            raise InputError(f"this job is {self.state(name)}: there is nothing to go on with")
        (self.folder / name / OUTCOME).unlink(missing_ok=True)
        self.leave(name)
        self.waiting.append(name)
        self._changed()

    def remove(self, name: str) -> None:
        """Remove a job's files, and its folder if nothing else is in it.

        Raises:
            InputError: if it is at work.
        """
        if self.state(name) == self.at_work:
            raise InputError(f"this job is {self.at_work}: stop it first")
        self.leave(name)
        if name in self.waiting:
            self.waiting.remove(name)
        folder = self.folder / name
        self._remove_results(folder)
        for path in (folder / JOB, folder / OUTCOME):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # of a folder with files of others
            folder.rmdir()
        self._changed()

    @abstractmethod
    def _read(self, values: Any) -> Asked:
        """Read a request from JSON."""

    @abstractmethod
    def _process(self, folder: Path) -> AbstractAsyncContextManager[Process]:
        """Start what works on a job's folder."""

    @abstractmethod
    def _remove_results(self, folder: Path) -> None:
        """Remove what a job has made, from its folder."""

    async def _work(self, name: str) -> None:
        async with self._process(self.folder / name) as process:
            if name not in self.waiting:  # taken out while the process was started
                await end(process, self.patience)
                return
            self.waiting.remove(name)
            self.live = Live(name, process)
            self._changed()
            try:
                async for kind, content in messages(process):
                    self.live.take(kind, content)
                    self._tell()
            except asyncio.CancelledError:
                self._over = True  # the queue stays as it is, for the next time
                raise
            finally:
                await end(process, self.patience)
                if process.returncode and not self.outcome(name):
                    self._note_early_end(name, process.returncode, stopped=self.live.stopped)
                self.live = None
                self._changed()

    def _note_early_end(self, name: str, status: int, *, stopped: bool) -> None:
        text = f"its process ended too early (status {status}); what it kept can be gone on with"
        ended = {"state": "stopped"} if stopped else {"state": "failed", "error": text}
        write_atomically(self.folder / name / OUTCOME, json.dumps(ended))

    def _left(self) -> list[str]:
        names: Any = []
        with contextlib.suppress(OSError, ValueError):
            names = json.loads((self.folder / QUEUE).read_bytes())
        there = self.names()
        return [name for name in names if name in there and self.outcome(name).get("state", "stopped") == "stopped"]

    def _changed(self) -> None:
        if not self._over:
            live = [self.live.name] if self.live else []
            write_atomically(self.folder / QUEUE, json.dumps([*live, *self.waiting, *self.left]))
        self.changes += 1
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Jobs(Queue[PaintingRequest]):
    """Jobs of painting.

    Args:
        folder: Where they lie; it is made if need be.
        store: The pictures that they name.
        turn: Held by the job at work.
        painters: What paints them.
    """

    at_work = "painting"

    def __init__(self, folder: Path, store: PictureStore, turn: asyncio.Lock, painters: Painters) -> None:
        super().__init__(folder, turn)
        self.store, self.painters = store, painters

    def picture(self, name: str) -> Path | None:
        """File of a job's picture, if it has one so far."""
        path = self.folder / name / OUT
        return path if path.is_file() else None

    def _read(self, values: Any) -> PaintingRequest:
        return read_request(values, self.store)

    def _process(self, folder: Path) -> AbstractAsyncContextManager[Process]:
        return self.painters.at_work(folder, PAINT)

    def _remove_results(self, folder: Path) -> None:
        for path in (folder / OUT, *folder.glob(f".{OUT}.*")):
            path.unlink(missing_ok=True)
