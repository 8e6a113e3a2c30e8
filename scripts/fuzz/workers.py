"""Workers: processes that read damaged files with limits of time and memory, and are replaced when they die."""

import contextlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from scripts.fuzz.kinds import KINDS
from scripts.fuzz.mutations import mutated
from scripts.fuzz.seeds import Seeds

from sfumato.errors import SfumatoError, TableWarning

PATIENCE, PROGRAM_PATIENCE = 20.0, 120.0
"""Seconds that a file may take to be read by a function, or by the program."""

ASKING = 1.0
"""Seconds after which workers that have said nothing are looked after."""

MOST_MEMORY = 2 * 10**9
"""Bytes that a worker may take beyond what it has when it begins."""

READ, REFUSED = "read", "refused"
"""Outcomes that are right; any other is a finding, and says what happened."""

EXPECTED = (DeprecationWarning, PendingDeprecationWarning, ResourceWarning, TableWarning)
"""Warnings that Python shows to no user, and what a table's reader says of texts that it takes for missing."""


class Input(NamedTuple):
    """An input: the kind of its file, its number among those, and whether the real program reads it."""

    kind: str
    number: int
    program: bool


class Outcome(NamedTuple):
    """What came of an input, and a finding's traceback or output."""

    input: Input
    outcome: str
    details: str = ""


def content_of(one: Input, seed: int, seeds: Seeds) -> bytes:
    """The file that an input is; nothing else has to be known to make it again."""
    random = np.random.default_rng([seed, *one.kind.encode(), one.number])
    return mutated(random, seeds[one.kind], KINDS[one.kind].mutations)


def outcome_of(one: Input, content: bytes, folder: Path, place: Path) -> Outcome:
    """Read a file in this process, or by the program.

    Args:
        one: The input.
        content: Its file.
        folder: That of the whole files.
        place: A folder to write to.
    """
    path = place / f"input{KINDS[one.kind].suffix}"
    path.write_bytes(content)
    if one.program:
        return _by_program(one, folder, path)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            KINDS[one.kind].read(folder, path)
    except SfumatoError as error:
        said = str(error)
        outcome = REFUSED if said.strip() and len(said.splitlines()) == 1 else "no line"
        return Outcome(one, outcome, "" if outcome == REFUSED else repr(said))
    except Exception as error:
        return Outcome(one, type(error).__name__, traceback.format_exc())
    heard = [str(warning.message) for warning in warned if not issubclass(warning.category, EXPECTED)]
    return Outcome(one, "warning" if heard else READ, "\n".join(heard))


def _by_program(one: Input, folder: Path, path: Path) -> Outcome:
    with tempfile.TemporaryDirectory() as out:
        arguments = KINDS[one.kind].command(folder, path, Path(out))
        command = [sys.executable, "-m", "sfumato", *arguments]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return Outcome(one, "hang", " ".join(command))
    said = run.stdout + run.stderr
    wrong = run.returncode not in (0, 2) or "Traceback" in said or (run.returncode == 2 and run.stderr.count("\n") != 1)
    return Outcome(one, f"status {run.returncode}" if wrong else (REFUSED if run.returncode else READ), said)


def outcomes(inputs: list[Input], seed: int, seeds: Seeds, folder: Path, jobs: int) -> Iterator[Outcome]:
    """Yield the outcome of each input, as workers come to them."""
    context = multiprocessing.get_context("spawn")
    shares = [inputs[first::jobs] for first in range(jobs)]
    workers = [_Worker(context, share, seed, seeds, folder) for share in shares if share]
    try:
        while workers:
            wait([worker.answers for worker in workers], timeout=ASKING)
            for worker in [*workers]:
                yield from worker.news()
                if not worker.inputs:
                    worker.end()
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process and the inputs that it has still to read; another takes its place when it dies."""

    def __init__(self, context: Any, inputs: list[Input], seed: int, seeds: Seeds, folder: Path) -> None:
        self.context, self.inputs, self.fixed = context, inputs[::-1], (seed, seeds, folder)
        self.start()

    def start(self) -> None:
        """Start a process for the inputs that are left."""
        self.answers, end = self.context.Pipe(duplex=False)
        self.process = self.context.Process(target=_work, args=(end, self.inputs[::-1], *self.fixed), daemon=True)
        self.process.start()
        end.close()
        self.since = time.monotonic() + 60.0  # for the start

    def news(self) -> Iterator[Outcome]:
        """Yield what the process has said since, or how it ended."""
        try:
            while self.inputs and self.answers.poll():
                outcome: Outcome = self.answers.recv()
                assert outcome.input == self.inputs.pop()
                self.since = time.monotonic()
                yield outcome
        except EOFError:
            self.process.join()
            yield from self.replaced(f"died with {self.process.exitcode}")
        if self.inputs and time.monotonic() - self.since > self.patience:
            yield from self.replaced("hang")

    @property
    def patience(self) -> float:
        """Seconds that the present input may take."""
        return 2 * PROGRAM_PATIENCE if self.inputs[-1].program else PATIENCE

    def replaced(self, outcome: str) -> Iterator[Outcome]:
        """Yield the finding that ended the process, and start another at the next input."""
        self.end()
        yield Outcome(self.inputs.pop(), outcome)
        if self.inputs:
            self.start()

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.answers.close()


def _work(answers: Connection, inputs: list[Input], seed: int, seeds: Seeds, folder: Path) -> None:
    """Read files in a process of its own."""
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryFile() as printed:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(printed.fileno(), stream.fileno())
        for kind in {one.kind for one in inputs}:  # what readers load and keep is not to count as a file's
            outcome_of(Input(kind, 0, False), seeds[kind][0], folder, Path(place))
        _limit_memory()
        printed_before = os.fstat(printed.fileno()).st_size
        for one in inputs:
            outcome = outcome_of(one, content_of(one, seed, seeds), folder, Path(place))
            size = os.fstat(printed.fileno()).st_size
            if size > printed_before and outcome.outcome in (READ, REFUSED):
                text = os.pread(printed.fileno(), size - printed_before, printed_before)
                outcome = Outcome(one, "printed", text.decode(errors="replace"))
            printed_before = size
            answers.send(outcome)


def _limit_memory() -> None:
    """Limit this process to some memory beyond what it has, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        most = psutil.Process().memory_info().vms + MOST_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
