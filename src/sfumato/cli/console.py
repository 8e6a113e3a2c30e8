"""How the commands speak: results on standard output, everything else on standard error."""

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sfumato.errors import FileError, InputError
from sfumato.history import EpochRecord
from sfumato.storage import write_atomically


class Console:
    """Where a command's words go.

    Args:
        as_json: Print the result as one JSON object instead of text.
        quiet: Leave out notes and progress.
        verbose: Print every epoch.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        if quiet and verbose:
            raise InputError("--quiet and --verbose contradict each other: choose one")
        self.as_json, self.quiet, self.verbose = as_json, quiet, verbose

    def note(self, text: str) -> None:
        """Something worth knowing, on standard error."""
        if not self.quiet:
            say(text, sys.stderr)

    def result(self, text: str, values: dict[str, Any]) -> None:
        """The command's answer, on standard output."""
        say(dump(values) if self.as_json else text, sys.stdout)

    @contextlib.contextmanager
    def epochs(self, total: int) -> Iterator["EpochProgress"]:
        """Progress of a training run, with an estimate of the time left."""
        with EpochProgress(self, total) as progress:
            yield progress


class EpochProgress:
    """Draws each finished epoch: a bar on a terminal; elsewhere, about ten lines in all."""

    def __init__(self, console: Console, total: int) -> None:
        self.console, self.total = console, total
        interactive = sys.stderr.isatty() and not console.quiet and not console.verbose
        self.bar: Progress | None = None
        if interactive:
            columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn())
            self.bar = Progress(
                *columns, TextColumn("{task.description}"), console=RichConsole(stderr=True), transient=True
            )
            self.task = self.bar.add_task("", total=total)

    def __enter__(self) -> "EpochProgress":
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def __call__(self, record: EpochRecord) -> None:
        """Show one epoch."""
        text = f"loss {record.train_loss:.4f}"
        if not math.isnan(record.train_accuracy):
            text += f", accuracy {record.train_accuracy:.4f}"
        if not math.isnan(record.validation_loss):
            text += f"; validation {record.validation_loss:.4f}"
        if not math.isnan(record.validation_accuracy):
            text += f", {record.validation_accuracy:.4f}"
        if self.bar:
            self.bar.update(self.task, completed=record.epoch, description=text)
        elif self.console.verbose or record.epoch % max(1, self.total // 10) == 0 or record.epoch == self.total:
            left = record.seconds / record.epoch * (self.total - record.epoch)
            self.console.note(
                f"epoch {record.epoch}/{self.total}: {text} ({record.seconds:.1f} s, about {left:.1f} s left)"
            )


def say(text: str, stream: TextIO) -> None:
    """Print a line; where the reader has seen enough and left, as `head` does, fall silent.

    Raises:
        FileError: if the stream cannot be written to, because a disk is full for instance.
    """
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is left would fail again at the exit
        if not isinstance(error, BrokenPipeError):
            raise FileError(f"{stream.name}: cannot be written ({error.strerror})") from error


def dump(values: dict[str, Any]) -> str:
    """JSON with not-a-number as null, as JSON has no such number."""
    return json.dumps(_plain(values), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextlib.contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Run the numerical libraries on so many threads."""
    if threads is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=threads):
        yield


def threads_in_use() -> int:
    """Threads that the numerical libraries run on."""
    from threadpoolctl import threadpool_info

    return max((pool["num_threads"] for pool in threadpool_info()), default=1)


def write_output(path: str | None, text: str, *, overwrite: bool) -> None:
    """Write a command's answer to a file, if one was asked for."""
    if path is None:
        return
    check_output(path, overwrite=overwrite)
    write_atomically(Path(path), text if text.endswith("\n") else text + "\n")


def check_output(path: str | None, *, overwrite: bool) -> None:
    """Refuse, before any work is done, an output that is there already or cannot be written.

    Raises:
        InputError: if so.
    """
    if path is None:
        return
    if not path:
        raise InputError("--out names no file: give it one, or leave it out")
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if target.exists() and not overwrite:
        raise InputError(f"{path}: exists already; add --overwrite to replace it, or name another")
    if not target.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no folder {target.parent}; make it first")
    if not os.access(target.absolute().parent, os.W_OK):
        raise InputError(f"{path}: the folder {target.parent} cannot be written to; choose another")
