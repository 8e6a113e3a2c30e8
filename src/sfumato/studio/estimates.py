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
        self._action = ""
        self._checks = 0
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
        """Refuse a job that cannot be painted, as one that does not fit.

        Estimates are given up for it; checks wait for each other.

        Raises:
            InputError: as `painter.check`, or if the process that checks has ended too early.
        """
        asked = request.to_json()
        self._checks += 1
        self._give_up_estimate()
        try:
            async with self._one_at_a_time:
                if asked not in self.known:
                    await self._made(asked, CHECKED)
        except GivenUpError:
            raise InputError(
                "the check of this job ended before it was done, and nothing was begun: try again"
            ) from None
        finally:
            self._checks -= 1

    async def _made(self, asked: str, action: str) -> Any:
        self.folder.mkdir(exist_ok=True)
        write_atomically(self.folder / JOB, asked)
        async with self.painters.at_work(self.folder, action) as process:
            self._process, self._action = process, action
            if self._closed:
                self._end()
            elif self._checks:
                self._give_up_estimate()
            try:
                async for kind, content in messages(process):
                    if kind == ERROR:
                        told = json.loads(content)
                        raise FieldError(told["error"], told["field"]) if "field" in told else InputError(told["error"])
                    if kind == ESTIMATE:
                        return json.loads(content)
            finally:
                self._end()
                await process.wait()
        raise GivenUpError("the estimate was given up")

    def close(self) -> None:
        """End the estimate that is being made, and any that is begun from now on."""
        self._closed = True
        self._end()

    async def ended(self) -> None:
        """Wait until no estimate is being made, and its process is gone."""
        async with self._one_at_a_time:
            pass

    def _give_up_estimate(self) -> None:
        if self._action == ESTIMATED:
            self._end()

    def _end(self) -> None:
        """End the process at work, if there is one, with its standard input."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
