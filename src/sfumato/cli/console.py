"""Output of the commands: results on standard output, everything else on standard error."""

import contextlib
import math
import os
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TextColumn

from sfumato.cli.messages import in_options
from sfumato.errors import FileError, InputError, TableWarning
from sfumato.storage import dump

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that control a terminal, or turn the direction in which it writes."""


class Console:
    """Output streams of a command, and the kind of output asked for.

    Args:
        as_json: Print the result as one JSON object instead of text.
        quiet: Leave out notes and progress.
        verbose: Print every epoch or step.
        silent: Say nothing at all.
    """

    def __init__(
        self, *, as_json: bool = False, quiet: bool = False, verbose: bool = False, silent: bool = False
    ) -> None:
        if quiet and verbose:
            raise InputError("--quiet and --verbose contradict each other: choose one")
        self.as_json, self.quiet, self.verbose, self.silent = as_json, quiet or silent, verbose, silent
        self.noted: set[str] = set()

    def note(self, text: str) -> None:
        """Print a remark on standard error."""
        if not self.quiet:
            say(text, sys.stderr)

    def note_once(self, text: str) -> None:
        """Print a remark, unless it has been printed before."""
        if text not in self.noted:
            self.noted.add(text)
            self.note(text)

    def warn(self, text: str) -> None:
        """Print on standard error what is wrong with a result that is there, whatever is asked for."""
        if not self.silent:
            say(f"sfumato: {in_options(text)}", sys.stderr)

    def result(self, text: str, values: dict[str, Any]) -> None:
        """Print the command's answer on standard output."""
        if not self.silent:
            say(dump(values) if self.as_json else text, sys.stdout)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Print, within, what of a table was taken for missing as a remark."""
        with warnings.catch_warnings():
            warnings.simplefilter("always", TableWarning)
            shown = warnings.showwarning

            def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
                if issubclass(category, TableWarning):
                    self.note(f"{in_options(str(message))} (--strict refuses)")
                else:
                    shown(message, category, *place, **more)

            warnings.showwarning = show
            yield

    @contextlib.contextmanager
    def progress(self) -> Iterator["RunProgress"]:
        """Progress of a long run, with an estimate of the time left."""
        with RunProgress(self) as progress:
            yield progress

    @contextlib.contextmanager
    def computing(self, threads: int | None) -> Iterator[None]:
        """Limit the threads of the numerical libraries within, and say so, once, when kernels are compiled."""
        from sfumato.kernels.compiled.compiler import watching_compilation

        text = "compiling kernels, which takes some seconds and is done once on this machine"
        with limited_threads(threads), watching_compilation(lambda: self.note_once(text)):
            yield


class RunProgress:
    """Shows the progress of a run: a bar on a terminal; elsewhere, about ten lines in all."""

    def __init__(self, console: Console) -> None:
        self.console, self.tenths = console, 0
        interactive = sys.stderr.isatty() and not console.quiet and not console.verbose
        self.bar: Progress | None = None
        if interactive:
            # Without markup, as a path may have [brackets]
            columns = (BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
            self.bar = Progress(*columns, console=RichConsole(stderr=True), transient=True)
            self.task = self.bar.add_task("starting", total=1.0)

    def __enter__(self) -> "RunProgress":
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def show(self, place: str, text: str, *, done: float, seconds: float) -> None:
        """Show one epoch or step.

        Args:
            place: Which it is, as in "epoch 3/20".
            text: What there is to say of it.
            done: Share of the run that is done, above 0 and up to 1.
            seconds: Time that this share took.
        """
        left = f"about {duration(seconds / done * (1 - done))} left"
        before, self.tenths = self.tenths, math.floor(done * 10 + 1e-9)
        if self.bar:
            self.bar.update(self.task, completed=done, description=visible(f"{place}, {left}: {text}"))
        elif self.console.verbose or self.tenths > before:
            self.console.note(f"{place}: {text} ({duration(seconds)}, {left})")


def duration(seconds: float) -> str:
    """Format a time for people."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def visible(text: str) -> str:
    r"""The text with its control characters written out, but for ends of lines and tabs.

    Names of classes, columns and files come from strangers: as they are, they could move a terminal's cursor, change
    its title, or write over what stands there.

    >>> print(visible("rose\x1b[2J"))
    rose\x1b[2J
    """
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(text: str, stream: TextIO) -> None:
    """Print a line; stay silent once the reader has closed the pipe, as `head` does.

    Messages, and what goes to a terminal, are made `visible`; results in files and pipes stay exact.

    Raises:
        FileError: if the stream cannot be written to, because a disk is full for instance.
    """
    try:
        print(visible(text) if stream is sys.stderr or stream.isatty() else text, file=stream, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is left would fail again at the exit
        if not isinstance(error, BrokenPipeError):
            raise FileError(f"{stream.name}: cannot be written ({error.strerror})") from error


@contextlib.contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Limit the threads of the numerical libraries within."""
    if threads is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=threads):
        yield


def peak_memory() -> int:
    """Peak memory of this process, in bytes."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
