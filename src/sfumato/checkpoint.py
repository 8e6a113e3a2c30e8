"""The state of a run between two steps, and the file that keeps it: all that is needed to resume bit for bit."""

import math
import re
import time
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato.arrays import Array, to_numpy
from sfumato.engine import Engine, choose_engine
from sfumato.errors import FileError, InputError
from sfumato.storage import load_header, load_tensors, refusing_damage, save_tensors

if TYPE_CHECKING:
    from sfumato.minimize import Job

DIGESTS = ("data", "scaling", "pictures", "sounds", "network_parameters")
"""Settings that are digests of arrays, which say nothing to a reader."""

CHANGEABLE = ("memory",)
"""Settings that may differ when a run resumes: the plan in the checkpoint records the effect of the memory allowed."""


DAMAGED, RESTART = "the checkpoint in it", "start anew with overwrite=True"
"""Words for a checkpoint that cannot be used, and for what to do then."""


MOST_STEPS = 2**53
"""Least number of steps that is refused: from here on, not every whole number is a float."""


@dataclass
class State:
    """The state of a run between two steps.

    Attributes:
        theta: The parameters.
        optimizer_state: The optimizer's state.
        stage: Epochs finished; or the scale that is being worked, from 0.
        step: Steps taken in this stage.
        steps: Steps taken since the start.
        finished: Why there is nothing left to do ("early", "converged", ...), or "".
        history: One entry for each epoch, or each step.
        vectors: Further vectors of the job, by name.
        numbers: Further numbers of the job, by name, and lists of them.
        seconds_before: Time spent in earlier sittings.
        began: When this sitting began.
    """

    theta: Array
    optimizer_state: Any
    stage: int = 0
    step: int = 0
    steps: int = 0
    finished: str = ""
    history: list[Any] = field(default_factory=list)
    vectors: dict[str, Array] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)
    seconds_before: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Time spent so far, over all sittings, in seconds."""
        return self.seconds_before + time.perf_counter() - self.began


def save_checkpoint(path: Path, state: State, job: "Job") -> int:
    """Write a checkpoint: the state, and the settings of its job; returns the bytes written."""
    vectors, numbers = job.optimizer.pack(state.optimizer_state)
    tensors = {
        "theta": to_numpy(state.theta),
        **{name: to_numpy(vector) for name, vector in state.vectors.items()},
        **{f"optimizer.{name}": vector for name, vector in vectors.items()},
    }
    header = {
        "format": _format(job),
        "settings": job.settings,
        "optimizer": numbers,
        "progress": [state.stage, state.step, state.steps, state.seconds, state.finished],
        "numbers": state.numbers,
        "history": [list(vars(entry).values()) if is_dataclass(entry) else entry for entry in state.history],
    }
    return save_tensors(path, tensors, header)


def recorded_engine(path: Path) -> Engine | None:
    """Engine that the run of a checkpoint computes with; None for a file that says nothing of one.

    Raises:
        InputError: if there is no such backend, device or precision here.
    """
    settings = load_header(path).get("settings")
    names = [settings.get(name) for name in Engine._fields] if isinstance(settings, dict) else [None]
    return choose_engine(*names) if all(isinstance(name, str) for name in names) else None


def load_checkpoint(path: Path, job: "Job") -> State:
    """Read a checkpoint that `save_checkpoint` wrote, onto the job's engine.

    Raises:
        FileError: if the file is not a checkpoint, or damaged.
        InputError: if it belongs to a run with other settings; the message names the first that differs.
    """
    tensors, header = load_tensors(path)
    if header.get("format") != _format(job) or not isinstance(header.get("settings"), dict):
        raise FileError(f"{path}: not a checkpoint of this version of Sfumato, or of another kind of run")
    _check_settings(path, header["settings"], job.settings)
    with refusing_damage(path, DAMAGED, RESTART):
        stage, step, steps, seconds, finished = header["progress"]
        if not all(type(count) is int and 0 <= count < MOST_STEPS for count in (stage, step, steps)):
            raise ValueError(f"no run is at stage {stage}, step {step}")
        if not isinstance(finished, str) or not check_number(seconds) >= 0:
            raise ValueError(f"no run takes {seconds} seconds, or is finished as {finished!r}")
        sizes = job.vector_sizes(stage, step)
        _check_vectors(job, sizes, tensors, header["optimizer"])
        placed = {name: job.engine.master.put(tensor) for name, tensor in tensors.items()}
        prefix = "optimizer."
        memory = {name.removeprefix(prefix): v for name, v in placed.items() if name.startswith(prefix)}
        state = State(
            theta=placed["theta"],
            optimizer_state=job.optimizer.unpack(memory, header["optimizer"]),
            stage=stage,
            step=step,
            steps=steps,
            finished=finished,
            history=[job.read_entry(entry) for entry in header["history"]],
            vectors={name: placed[name] for name in sizes if name != "theta"},
            numbers=dict(header["numbers"]),
            seconds_before=float(seconds),
        )
        job.check_state(state)
        return state


def check_number(value: Any) -> float:
    """Return a number of a checkpoint, if it is one and finite.

    Raises:
        ValueError: if it is not.
    """
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"a number was expected, not {value!r}")
    return float(value)


def stable_repr(part: object) -> str:
    """The repr of an object without memory addresses, which differ between processes."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(part))


def _format(job: "Job") -> str:
    return f"{job.kind} checkpoint 3"


def _check_settings(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    for name, value in now.items():
        if name not in CHANGEABLE and before.get(name) != value:
            label = name.replace("_", " ")
            what = f"other {label}" if name in DIGESTS else f"{label} {before.get(name)}, not {value}"
            raise InputError(
                f"{path}: this run began with {what}; resume with the same options, or start anew with overwrite=True"
            )


def _check_vectors(job: "Job", sizes: dict[str, int], tensors: dict[str, Array], numbers: dict[str, Any]) -> None:
    """Raise `ValueError` for vectors and optimizer's numbers that cannot be this job's."""
    dtype = job.engine.numpy_dtype
    vectors, right_numbers = job.optimizer.pack(job.optimizer.init(np.zeros(sizes["theta"], dtype)))
    shapes = {name: (size,) for name, size in sizes.items()}
    shapes |= {f"optimizer.{name}": vector.shape for name, vector in vectors.items()}
    if set(shapes) != set(tensors):
        raise ValueError(f"it has {', '.join(sorted(tensors))} and not {', '.join(sorted(shapes))}")
    for name, shape in shapes.items():
        there = tensors[name]
        if there.shape != shape or there.dtype != dtype or not np.isfinite(there).all():
            raise ValueError(f"{name}: {shape} finite numbers were expected")
    if {name: type(number) for name, number in numbers.items()} != {n: type(v) for n, v in right_numbers.items()}:
        raise ValueError(f"{numbers} is no state of the optimizer")
