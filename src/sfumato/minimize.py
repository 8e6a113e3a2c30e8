"""The run loop, the same for training and painting: steps, stages, stopping, and a checkpoint kept on the way.

A `Job` says what is minimised: training, epoch by epoch, a batch a step; painting, scale by scale, the picture a step.
`minimize` takes the steps that are left from wherever a state stands.
"""

import contextlib
import math
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

import numpy as np

from sfumato.checkpoint import State, load_checkpoint, recorded_engine, save_checkpoint
from sfumato.checks import function_or_none
from sfumato.engine import Engine
from sfumato.errors import DivergenceError, InputError, WorkerError
from sfumato.objective import Evaluation, Objective
from sfumato.optimizers import Optimizer
from sfumato.paths import user_path
from sfumato.workers import ALONE, Workers

SHARE = 0.02
"""Part of a run's time that saving may take."""

BYTES_A_SECOND = 5e6
"""Bytes a second that saving may write on average: a disk of flash memory wears."""

LEAST_INTERVAL = 0.5
"""Seconds between two saves, at least."""


@dataclass(frozen=True)
class RunOptions:
    """Options of a run, the same for training and painting.

    Args:
        engine: Where to compute and in what precision: "numpy", "torch", "torch:cuda:1/bfloat16", "numpy/float64", or
            an `Engine`. None takes, in float32, that of the checkpoint that it goes on from; else a GPU that PyTorch
            sees, if there is one; else compiled loops for a long run, where Numba is installed; else NumPy.
        checkpoint: File that the run is kept in as it goes; None keeps nothing.
        resume: Go on from `checkpoint` if it is there. The result is that of the uninterrupted run, bit for bit with
            the same number of threads.
        callback: Called with the record of each epoch (`EpochRecord`) or of each step of a painting (`StepRecord`);
            returning True ends the run as "interrupted".
        stop: Asked before every step; once it says True, the run ends as "interrupted".
        workers: The processes that share the work, from `join_workers`; results are those of one but for the order of
            additions. The first alone writes.
        start: The `FitResult` of an earlier training, to go on with its weights and optimizer state, which are taken
            over, on other examples; for training alone.

    Raises:
        InputError: to resume without a checkpoint, or for a callback that cannot be called.
    """

    engine: Engine | str | None = None
    checkpoint: str | Path | None = None
    resume: bool = False
    callback: Callable[[Any], object] | None = None
    stop: Callable[[], bool] | None = None
    workers: Workers = ALONE
    start: Any = None

    def __post_init__(self) -> None:
        if self.resume and self.checkpoint is None:
            raise InputError("to resume, name the checkpoint that the run was kept in")
        object.__setattr__(self, "checkpoint", user_path(self.checkpoint))
        for name in ("callback", "stop"):
            function_or_none(name, getattr(self, name))

    @property
    def kept_engine(self) -> Engine | None:
        """Engine of the checkpoint to go on from, if there is one.

        Raises:
            FileError: if it cannot be read.
        """
        return None if self.resumes_from is None else recorded_engine(self.resumes_from)

    @property
    def resumes_from(self) -> Path | None:
        """The checkpoint to go on from, if there is one."""
        path = Path(self.checkpoint) if self.resume and self.checkpoint is not None else None
        return path if path is not None and path.exists() else None


class Job(ABC):
    """An objective to minimise in stages: epochs of batches, or scales of a picture.

    Attributes:
        optimizer: What takes the steps.
        engine: Where vectors live.
        settings: What a run must have begun with for this job to go on with it, as plain values.
    """

    kind: ClassVar[str]
    """Name of the kind of job, kept in its checkpoints."""

    optimizer: Optimizer[Any]
    engine: Engine
    settings: dict[str, Any]

    @abstractmethod
    def finished(self, state: State) -> str:
        """Reason why the run is finished, such as "finished"; "" while steps are left."""

    @abstractmethod
    def stage_over(self, state: State) -> bool:
        """Whether the stage has had its last step."""

    @abstractmethod
    def next_step(self, state: State) -> tuple[Objective, float]:
        """The objective of the next step, and its learning rate."""

    @abstractmethod
    def after_step(self, state: State, evaluation: Evaluation) -> Any:
        """Record the evaluation of a step, at the theta before it; returns the record for the callback, if any."""

    @abstractmethod
    def end_stage(self, state: State) -> Any:
        """Begin the next stage, or set `state.finished`; returns the record for the callback, if there is one.

        The state changes at the end of it: another process that is lost on the way leaves it as it was.
        """

    @abstractmethod
    def diverged(self, state: State, loss: float) -> DivergenceError:
        """The error for a loss that is not a number, in the step after those that the state counts."""

    @abstractmethod
    def vector_sizes(self, stage: int, step: int) -> dict[str, int]:
        """Lengths of theta and the job's further vectors after so many steps of a stage.

        Raises:
            ValueError: if the job never stands there.
        """

    @abstractmethod
    def check_state(self, state: State) -> None:
        """Refuse the counters, numbers and history of a state from a file that this job never has.

        Raises:
            TypeError, ValueError: if it never has them.
        """

    @abstractmethod
    def read_entry(self, entry: Any) -> Any:
        """Rebuild an entry of the history from its JSON."""


def resumed(job: Job, run: RunOptions) -> State | None:
    """Load the state from the checkpoint, if the run shall resume and the file exists.

    Raises:
        FileError, InputError: as `load_checkpoint`.
    """
    return None if run.resumes_from is None else load_checkpoint(run.resumes_from, job)


def minimize(job: Job, state: State, run: RunOptions) -> str:
    """Take the steps that are left, from any state, which is updated in place.

    Ctrl-C ends the run between two steps, unless the program has a handler of its own for it; pressed again, it raises
    KeyboardInterrupt at once.

    Returns:
        Why the run ended: "interrupted", or what the job says.

    Raises:
        WorkerError: when another of the processes ends; the checkpoint is that of the last step.
        DivergenceError: when the loss becomes infinite or not a number.
    """
    run.workers.check_same(job.settings, state.theta, np.array([state.stage, state.step]))
    saver = SparingSaver(job, state, run)
    ended = False
    try:
        with _noting_interrupts() as interrupted:
            while not (why := job.finished(state)):
                if job.stage_over(state):
                    ended |= _told(run, job.end_stage(state))
                    continue
                asked = run.stop is not None and run.stop()
                if run.workers.any(asked or ended or interrupted.is_set()):
                    why = "interrupted"
                    break
                ended |= _told(run, _step(job, state))
                saver.save_sometimes()
    except WorkerError:  # between two steps, as the one that failed has changed nothing
        saver.save_now()
        raise
    saver.save_now()
    return why


def _step(job: Job, state: State) -> Any:
    objective, rate = job.next_step(state)
    state.theta, state.optimizer_state, evaluation = job.optimizer.step(
        objective, state.theta, state.optimizer_state, rate
    )
    if not math.isfinite(evaluation.loss):
        raise job.diverged(state, evaluation.loss)
    state.step += 1
    state.steps += 1
    return job.after_step(state, evaluation)


def _told(run: RunOptions, record: Any) -> bool:
    """Pass a record, if there is one, to the callback; returns whether the callback ends the run."""
    answer = None if record is None or run.callback is None else run.callback(record)
    return isinstance(answer, bool | np.bool_) and bool(answer)


@contextlib.contextmanager
def _noting_interrupts() -> Iterator[threading.Event]:
    """Note Ctrl-C within instead of raising it: a step that is broken off would leave theta half updated."""
    asked = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        if main and signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class SparingSaver:
    """Saves checkpoints during a run, with a limit on the time and disk writes that they take.

    Args:
        job: What is minimised.
        state: Where it stands.
        run: Names the checkpoint, if one is kept; of several processes, the first alone writes.
    """

    def __init__(self, job: Job, state: State, run: RunOptions) -> None:
        self.job, self.state = job, state
        self.path = None if run.checkpoint is None or run.workers.rank else Path(run.checkpoint)
        self.next_save = time.perf_counter() + LEAST_INTERVAL

    def save_sometimes(self) -> None:
        """Save, if it is time to."""
        if time.perf_counter() >= self.next_save:
            self.save_now()

    def save_now(self) -> None:
        """Save now, whatever the interval."""
        begin = time.perf_counter()
        written = 0 if self.path is None else save_checkpoint(self.path, self.state, self.job)
        end = time.perf_counter()
        self.next_save = end + max(LEAST_INTERVAL, (end - begin) / SHARE, written / BYTES_A_SECOND)
