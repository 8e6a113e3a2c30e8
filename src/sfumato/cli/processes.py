"""Commands that several processes carry out together, under `torchrun`."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sfumato.cli.console import Console
from sfumato.errors import FileError, InputError, WorkerError

if TYPE_CHECKING:
    from sfumato.cli.options import OutputOptions
    from sfumato.workers import Workers

SHARED = ("train", "style")
"""The commands that processes can share."""


PATIENCE = 5.0
"""Seconds that a process waits for the first to meet the same error."""


def processes_wanted() -> int:
    """How many processes `torchrun` has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the one that writes and speaks."""
    return processes_wanted() == 1 or int(os.environ.get("RANK", "0")) == 0


def check_shared(arguments: list[str]) -> None:
    """Refuse what several processes would only do several times.

    Raises:
        InputError: if there are several, and the command is not one that they can share.
    """
    if processes_wanted() > 1 and not {*arguments[:1]} <= {*SHARED, "-h", "--help"}:
        raise InputError(f"torchrun is for {' and '.join(SHARED)}: run {arguments[0]} without it")


def speaks(error: Exception) -> bool:
    """Whether this process shall tell of an error: the first does, and any other does of what it alone has met.

    What the first has met too ends it, and then torchrun ends the others, while they wait here.
    """
    if not is_first() and not isinstance(error, WorkerError | FileError | MemoryError | OSError):
        time.sleep(PATIENCE)
    return True


@contextlib.contextmanager
def joined() -> Iterator["Workers"]:
    """The processes of this job, met and left again; this one alone without `torchrun`.

    Raises:
        InputError: if PyTorch is not there, or the processes cannot meet.
    """
    from sfumato.workers import ALONE, join_workers, leave_workers

    if processes_wanted() == 1:
        yield ALONE
        return
    try:
        workers = join_workers()
    except ImportError:
        raise InputError("torchrun's processes talk through PyTorch: pip install '.[torch]'") from None
    try:
        yield workers
    finally:
        leave_workers()


def console_of(output: "OutputOptions") -> Console:
    """Where this process speaks: the first as the options say, the others not at all."""
    options: dict[str, bool] = {"as_json": output.as_json, "quiet": output.quiet, "verbose": output.verbose}
    return Console(**options) if is_first() else Console(silent=True)
