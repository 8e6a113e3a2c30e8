"""Estimates of what jobs would take, and the check that they fit, before there is a job."""

import asyncio
import json
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

from sfumato.errors import InputError
from sfumato.storage import write_atomically
from sfumato.studio.painter import CHECKED, ERROR, ESTIMATE, ESTIMATED, JOB
from sfumato.studio.painters import Painters
from sfumato.studio.processes import messages
from sfumato.studio.requests import PaintingRequest
from sfumato.studio.wording import FieldError


class GivenUpError(Exception):
    """An estimate was given up, as something else is more urgent."""


class Estimates:
    """Estimates of what jobs would take, one at a time, each by a child process.

    Args:
        folder: Where jobs lie; the request of an estimate is put in a hidden folder there.
        painters: What makes them.
    """

    def __init__(self, folder: Path, painters: Painters) -> None:
        self.folder, self.painters = folder / ".estimate", painters
        self.known: dict[str, Any] = {}
        self._process: Process | None = None
        self._closed = False
        self._one_at_a_time = asyncio.Lock()

    async def of(self, request: PaintingRequest) -> dict[str, Any] | None:
        """Memory and time of a job, as `painter.estimate` has them; those of a request from before are known.

        Raises:
            InputError: as that does.
            GivenUpError: if it was given up.
        """
        asked = request.to_json()
        async with self._one_at_a_time:
            if asked not in self.known:
                self.known[asked] = await self._made(asked, ESTIMATED)
        estimate: dict[str, Any] | None = self.known[asked]
        return estimate

    async def check(self, request: PaintingRequest) -> None:
        """Refuse a job that cannot be painted, as one that does not fit; an estimate that is being made is given up.

        Raises:
            InputError: as `painter.check`.
        """
        asked = request.to_json()
        self.give_up()
        async with self._one_at_a_time:
            if asked not in self.known:
                await self._made(asked, CHECKED)

    async def _made(self, asked: str, action: str) -> Any:
        self.folder.mkdir(exist_ok=True)
        write_atomically(self.folder / JOB, asked)
        async with self.painters.at_work(self.folder, action) as process:
            self._process = process
            if self._closed:
                self.give_up()
            try:
                async for kind, content in messages(process):
                    if kind == ERROR:
                        told = json.loads(content)
                        raise FieldError(told["error"], told["field"]) if "field" in told else InputError(told["error"])
                    if kind == ESTIMATE:
                        return json.loads(content)
            finally:
                self.give_up()
                await process.wait()
        raise GivenUpError("the estimate was given up")

    def close(self) -> None:
        """End the estimate that is being made, and any that is begun from now on."""
        self._closed = True
        self.give_up()

    async def ended(self) -> None:
        """Wait until no estimate is being made, and its process is gone."""
        async with self._one_at_a_time:
            pass

    def give_up(self) -> None:
        """End the estimate that is being made, if there is one: its process ends with its standard input."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
