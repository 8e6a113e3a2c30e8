"""Programs in processes of their own: none meets another's threads or memory, and a peak is one program's alone."""

import multiprocessing
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt

Array = npt.NDArray[Any]
"""As `sfumato.arrays.Array`; but nothing of ours is imported into the processes of others."""

SETTLING = 0.3
"""Seconds before a run, in which the others come to rest: OpenMP and OpenBLAS let their threads spin after work."""

WARM_UP = 1
"""Runs, after the one that gives the answer, before the first that counts."""


class ProgramError(Exception):
    """A program failed; the message is its own traceback."""


class Worker:
    """An object in a process of its own, whose methods are called from here.

    Args:
        make: Makes the object there; a function or class at the top of a module, which is all that is imported.
        arguments: Given to `make`.

    Raises:
        ProgramError: if `make` does, here or in any later call.
    """

    def __init__(self, make: Callable[..., Any], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments))
        self._process.start()
        theirs.close()
        try:
            self._answer()
        except ProgramError:
            self.close()
            raise

    def call(self, method: str, *arguments: Any) -> Any:
        """What the object's method returns."""
        self._connection.send((method, arguments))
        return self._answer()[0]

    def call_rested(self, method: str, *arguments: Any) -> Any:
        """The same, once all others have come to rest: for what is timed."""
        time.sleep(SETTLING)
        return self.call(method, *arguments)

    def seconds(self) -> float:
        """Wall time of the object's `run()`, measured there, once all others have come to rest."""
        time.sleep(SETTLING)
        self._connection.send(("run", ()))
        return float(self._answer()[1])

    def warm_up(self) -> None:
        """Let it run until what it compiles is compiled."""
        for _ in range(WARM_UP):
            self.call("run")

    def peak_memory(self) -> int:
        """Bytes that the process has held at its peak, everything counted."""
        self._connection.send((None, ()))
        return int(self._answer()[0])

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> tuple[Any, float]:
        try:
            failed, result, seconds = self._connection.recv()
        except EOFError:
            self._process.join()
            raise ProgramError(f"the process ended with status {self._process.exitcode}") from None
        if failed:
            raise ProgramError(result)
        return result, seconds


def _serve(connection: Connection, make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Make the object, and call its methods as they are asked for, until nobody is there to ask."""
    try:
        made = make(*arguments)
        connection.send((False, None, 0.0))
        while True:
            method, arguments = connection.recv()
            function = peak_memory if method is None else getattr(made, method)
            begin = time.perf_counter()
            result = function(*arguments)
            connection.send((False, result, time.perf_counter() - begin))
    except EOFError:
        pass
    except Exception:
        connection.send((True, traceback.format_exc(), 0.0))


def peak_memory() -> int:
    """Bytes that this process has held at its peak.

    On Linux that is not `ru_maxrss`, which begins with what the parent held when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
