"""Commands that share their work among several processes, under `torchrun`."""

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sfumato.checks import variable
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
    """Number of processes that `torchrun` has started; 1 without it."""
    return variable("WORLD_SIZE", 1, least=1)


def is_first() -> bool:
    """Whether this process is the first, which alone writes and prints."""
    return processes_wanted() == 1 or variable("RANK", 0) == 0


def check_environment(arguments: list[str]) -> None:
    """Refuse environment variables that are no numbers, and a command whose work several processes cannot share.

    Raises:
        InputError: if a variable is wrong, or there are several processes and the command is not one for them.
    """
    variable("SOURCE_DATE_EPOCH", 0)  # SciPy would end in an error of its own, after the training
    if processes_wanted() > 1 and not {*arguments[:1]} <= {*SHARED, "-h", "--help"}:
        raise InputError(f"torchrun is for {' and '.join(SHARED)}: run {arguments[0]} without it")


def speaks(error: Exception) -> bool:
    """Whether this process shall print an error: the first prints any, another only an error of its own.

    What the first has met too ends it, and then torchrun ends the others, while they wait here.
    """
    try:
        first = is_first()
    except InputError:  # for a variable that is no number, which is the error
        return True
    if not first and not isinstance(error, WorkerError | FileError | MemoryError | OSError):
        time.sleep(PATIENCE)
    return True


@contextlib.contextmanager
def joined() -> Iterator["Workers"]:
    """Join the processes of this job within, and leave them at the end; this one alone without `torchrun`.

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
    """The console of this process: the first prints as the options say, the others nothing."""
    options: dict[str, bool] = {"as_json": output.as_json, "quiet": output.quiet, "verbose": output.verbose}
    return Console(**options) if is_first() else Console(silent=True)
