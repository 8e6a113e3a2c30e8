"""A job done by several programs: their results compared, the fastest setting of each found, and these run in turns."""

import contextlib
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workers import Array, ProgramError, Worker

HEAT_SECONDS = 2.0
"""Of a library's settings the fastest is chosen by runs that take so long together, or by one."""

OURS = "Sfumato"

Tolerances = Mapping[str, Mapping[str, float]]
"""By precision: for each part of the answer, how far it may be from our first, relative, in the norm."""


@dataclass(frozen=True)
class Program:
    """One way to do a job.

    Attributes:
        library: Whose.
        setting: Which of the library's documented settings.
        make: Makes an object in a worker process, with `answer()`, what the job's result is, as arrays by name;
            `run()`, the work to time; and the attribute `about`: versions and threads in a line.
        arguments: Given to `make`.
        usual: Whether it is worth its time; else it has never been its library's best.
        kind: Of a library's ways that are worth comparing with each other; the fastest setting of each runs in turns.
        precision: What it computes in.
        device: Where.
    """

    library: str
    setting: str
    make: Callable[..., Any]
    arguments: tuple[Any, ...]
    usual: bool = True
    kind: str = ""
    precision: str = "float32"
    device: str = "cpu"

    @property
    def contestant(self) -> tuple[str, ...]:
        """What it has in common with those programs of which one, the fastest, runs in turns with the others' best."""
        return self.library, self.kind, self.precision, self.device


class Row(NamedTuple):
    """How a program did.

    Attributes:
        program: Which.
        seconds: Of its runs.
        peak: Memory of its process in bytes.
        final: Whether it ran in turns with the fastest of the others; else there was a faster one of its kind.
        failure: Last line of its error, if it failed.
    """

    program: Program
    seconds: Sequence[float]
    peak: int
    final: bool
    failure: str = ""

    @property
    def median(self) -> float:
        """Median of the seconds."""
        return statistics.median(self.seconds)


class DisagreementError(Exception):
    """Two programs do not do the same."""


@dataclass
class _Entry:
    """A program that is ready in its worker, and how long its runs took."""

    program: Program
    worker: Worker
    seconds: list[float]

    def row(self, *, final: bool) -> Row:
        return Row(self.program, self.seconds, self.worker.peak_memory(), final)


def hold(programs: Sequence[Program], tolerances: Tolerances, rounds: int, about: set[str]) -> list[Row]:
    """Time programs that do the same job.

    Args:
        programs: All settings of all libraries, ours first.
        tolerances: How far answers may be from our first.
        rounds: Runs of each contestant's fastest setting.
        about: Gets a line from every program about what it runs on.

    Returns:
        A row for each program. One that failed, or whose answer is not that of our first, says so.
    """
    expected: dict[str, Array] = {}
    rows: dict[Program, Row] = {}
    fastest: dict[tuple[str, ...], _Entry] = {}
    with contextlib.ExitStack() as stack:
        for program in programs:
            say(f"  {program.library}, {program.setting}")
            try:
                worker = stack.enter_context(_ready(program, expected, tolerances[program.precision]))
            except (ProgramError, DisagreementError) as error:
                if not expected:
                    raise
                rows[program] = _failed(program, error)
                continue
            about.add(worker.call("__getattribute__", "about"))
            entry, best = _Entry(program, worker, _heat(worker)), fastest.get(program.contestant)
            if best is None or statistics.median(entry.seconds) < statistics.median(best.seconds):
                fastest[program.contestant] = entry
            slower = best if fastest[program.contestant] is entry else entry
            if slower is not None:
                rows[slower.program] = slower.row(final=False)
                slower.worker.close()
        for entry in fastest.values():
            entry.seconds = []
        for number in range(rounds):
            say(f"  round {number + 1} of {rounds}")
            for entry in fastest.values():
                entry.seconds.append(entry.worker.seconds())
        rows.update((entry.program, entry.row(final=True)) for entry in fastest.values())
    return [rows[program] for program in programs]


def _ready(program: Program, expected: dict[str, Array], tolerances: Mapping[str, float]) -> Worker:
    """The program in its worker, its answer compared with ours and everything compiled."""
    with contextlib.ExitStack() as if_failing:
        worker = if_failing.enter_context(Worker(program.make, *program.arguments))
        answer = worker.call("answer")
        if not expected:
            expected.update(answer)
        check(f"{program.library}, {program.setting}", answer, expected, tolerances)
        worker.warm_up()
        if_failing.pop_all()
    return worker


def _heat(worker: Worker) -> list[float]:
    seconds: list[float] = []
    while sum(seconds) < HEAT_SECONDS:
        seconds.append(worker.seconds())
    return seconds


def _failed(program: Program, error: Exception) -> Row:
    reason = str(error).strip().splitlines()[-1]
    return Row(program, (), 0, final=False, failure=reason)


def check(
    name: str, answer: Mapping[str, Array], expected: Mapping[str, Array], tolerances: Mapping[str, float]
) -> None:
    """Refuse an answer that is further from the expected one than it may be.

    Raises:
        DisagreementError: if it is.
    """
    for part, tolerance in tolerances.items():
        difference = float(np.linalg.norm(np.subtract(answer[part], expected[part])) / np.linalg.norm(expected[part]))
        say(f"    {part}: relative difference {difference:.1e}")
        if not difference <= tolerance:
            raise DisagreementError(f"{name}: {part} differs from ours by {difference:.2g}, allowed are {tolerance:g}")


def say(line: str) -> None:
    """Report progress, beside the table."""
    print(line, file=sys.stderr, flush=True)
