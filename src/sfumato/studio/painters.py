"""The painters: processes that paint, estimate and check, one of which is started before it is asked for."""

import asyncio
import contextlib
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

from sfumato.studio.processes import end, start

PAINTER = "sfumato.studio.painter"


class Painters:
    """Painters, of which one is started beforehand whenever none is at work."""

    def __init__(self) -> None:
        self._spare: asyncio.Task[Process] | None = None
        self._at_work = 0
        self._closed = False

    def prepare(self) -> None:
        """Start a painter that waits for a job."""
        if self._spare is None and not self._at_work and not self._closed:
            self._spare = asyncio.create_task(start(PAINTER))

    @contextlib.asynccontextmanager
    async def at_work(self, folder: Path, action: str) -> AsyncIterator[Process]:
        """A painter on a job's folder; it is waited for in the end."""
        spare, self._spare = self._spare, None
        self._at_work += 1
        try:
            process = await (spare or start(PAINTER))
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.write(json.dumps([str(folder.absolute()), action]).encode() + b"\n")
                await process.stdin.drain()
            yield process
            await process.wait()
        finally:
            self._at_work -= 1
            self.prepare()

    async def close(self) -> None:
        """End the painter that waits, and start none from now on."""
        self._closed = True
        if self._spare is not None:
            await end(await self._spare)
