"""The processes of jobs, estimates and predictions: how they are started, listened to and ended."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

STOP_SECONDS, TERMINATE_SECONDS = 10.0, 5.0
"""Seconds that a process has to stop between two steps, and then to end; the checkpoint survives whatever comes."""


async def start(module: str, *words: str) -> Process:
    """Start a module with these words, in a session of its own: Ctrl-C in the terminal is the studio's."""
    command = [sys.executable, "-P", "-m", module, *words]  # -P: nothing is loaded from where the studio was started
    return await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, start_new_session=sys.platform != "win32"
    )


@contextlib.asynccontextmanager
async def working(module: str, *words: str) -> AsyncIterator[Process]:
    """A process of a module with these words, which ends with its input; it is waited for in the end."""
    process = await start(module, *words)
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        await process.wait()


async def messages(process: Process) -> AsyncIterator[tuple[bytes, bytes]]:
    """Messages of a process, with their kinds, until it ends."""
    assert process.stdout is not None
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            head = await process.stdout.readexactly(5)
            yield head[:1], await process.stdout.readexactly(int.from_bytes(head[1:], "little"))


async def end(process: Process, patience: float = STOP_SECONDS) -> None:
    """Wait for a process's end: asked to stop by the end of its input, then terminated, then killed."""
    if process.stdin is not None:
        process.stdin.close()
    for seconds, harder in ((patience, process.terminate), (TERMINATE_SECONDS, process.kill)):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
            return
        with contextlib.suppress(ProcessLookupError):
            harder()
    await process.wait()
