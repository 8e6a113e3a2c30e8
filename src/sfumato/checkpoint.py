"""A training run between two steps: all that is needed to go on as if it had never stopped."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sfumato.arrays import Array, to_numpy
from sfumato.engine import Engine
from sfumato.errors import FileError, InputError
from sfumato.losses.base import NO_SUMS, Sums
from sfumato.optimizers import Optimizer
from sfumato.storage import load_tensors, save_tensors
from sfumato.training.history import EpochRecord

FORMAT = "training checkpoint 1"

DIGESTS = ("data", "scaling", "pictures", "network_parameters")
"""Settings that are digests of arrays, which say nothing to a reader."""

SHARE = 0.02
"""Part of a run's time that saving may take."""

BYTES_A_SECOND = 5e6
"""What saving may write on average: a disk of flash memory wears."""

LEAST_INTERVAL = 0.5
"""Seconds between two saves, at least."""


@dataclass
class TrainingState:
    """Where a run stands.

    Attributes:
        theta: The parameters.
        memory: The optimizer's state.
        epoch: Epochs finished.
        batch: Mini-batches of the current epoch finished.
        step: Steps taken since the start.
        sums: What the loss has added up over the current epoch.
        best_theta: The parameters of the epoch with the lowest validation loss.
        best_epoch: That epoch, from 1; 0 before there is one.
        seconds: Training time so far.
        finished: Why there is nothing left to do before the last epoch ("early", "converged"), or "".
        history: One record for each finished epoch.
    """

    theta: Array
    memory: Any
    best_theta: Array
    epoch: int = 0
    batch: int = 0
    step: int = 0
    sums: Sums = NO_SUMS
    best_epoch: int = 0
    seconds: float = 0.0
    finished: str = ""
    history: list[EpochRecord] = field(default_factory=list)


def save_checkpoint(path: Path, state: TrainingState, settings: dict[str, Any]) -> int:
    """Write the state and the settings it belongs to; returns the bytes written."""
    vectors, numbers = pack_memory(state.memory)
    tensors = {"theta": to_numpy(state.theta), "best_theta": to_numpy(state.best_theta), **vectors}
    header = {
        "format": FORMAT,
        "settings": settings,
        "optimizer": numbers,
        "progress": [state.epoch, state.batch, state.step, state.best_epoch, state.seconds, state.finished],
        "sums": list(state.sums),
        "history": [list(asdict(record).values()) for record in state.history],
    }
    return save_tensors(path, tensors, header)


def load_checkpoint(path: Path, optimizer: Optimizer[Any], settings: dict[str, Any], engine: Engine) -> TrainingState:
    """Read what `save_checkpoint` wrote, to where the engine computes.

    Raises:
        FileError: if the file is not a checkpoint.
        InputError: if it belongs to a run with other settings; the message names the first that differs.
    """
    tensors, header = load_same_run(path, FORMAT, settings)
    tensors = {name: engine.master.put(tensor) for name, tensor in tensors.items()}
    with refusing_damage(path):
        epoch, batch, step, best_epoch, seconds, finished = header["progress"]
        return TrainingState(
            theta=tensors["theta"],
            memory=unpack_memory(optimizer, tensors, header["optimizer"]),
            best_theta=tensors["best_theta"],
            epoch=epoch,
            batch=batch,
            step=step,
            sums=Sums(*header["sums"]),
            best_epoch=best_epoch,
            seconds=seconds,
            finished=finished,
            history=[EpochRecord(*values) for values in header["history"]],
        )


@contextlib.contextmanager
def refusing_damage(path: Path) -> Iterator[None]:
    """Within, a part of a checkpoint that is missing or does not fit becomes an error of one line.

    Raises:
        FileError: if so.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise FileError(f"{path}: the checkpoint in it is damaged ({error}); start anew with --overwrite") from error


def load_same_run(path: Path, expected: str, settings: dict[str, Any]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Tensors and header of a checkpoint, if it is of the format expected and of a run with these settings.

    Raises:
        FileError: if the file is not such a checkpoint.
        InputError: if it belongs to a run with other settings; the message names the first that differs.
    """
    tensors, header = load_tensors(path)
    if header.get("format") != expected or not isinstance(header.get("settings"), dict):
        raise FileError(f"{path}: not a checkpoint of this version of Sfumato, or of another kind of run")
    for name, value in settings.items():
        before, label = header["settings"].get(name), name.replace("_", " ")
        if before != value:
            what = f"other {label}" if name in DIGESTS else f"{label} {before}, not {value}"
            raise InputError(
                f"{path}: this run began with {what}; resume with the same options, or start anew with --overwrite"
            )
    return tensors, header


def pack_memory(memory: Any) -> tuple[dict[str, Array], dict[str, Any]]:
    """An optimizer's state as tensors for a file ("optimizer.v") and numbers for its header.

    What is neither (L-BFGS's current evaluation) can be had again.
    """
    values = memory._asdict()
    vectors = {f"optimizer.{name}": to_numpy(value) for name, value in values.items() if hasattr(value, "shape")}
    return vectors, {name: value for name, value in values.items() if isinstance(value, bool | int | float)}


def unpack_memory(optimizer: Optimizer[Any], tensors: dict[str, Array], numbers: dict[str, Any]) -> Any:
    """The state that `pack_memory` took apart."""
    vectors = {name.partition(".")[2]: value for name, value in tensors.items() if name.startswith("optimizer.")}
    return optimizer.State(**vectors, **numbers)


class SparingSaver:
    """Keeps a run's progress as it goes, sparing its time and the disk, and its clock.

    Args:
        save: Writes the checkpoint; called with the seconds spent so far, and returns the bytes written.
        seconds_before: Time spent in earlier sittings.
    """

    def __init__(self, save: Callable[[float], int], seconds_before: float = 0.0) -> None:
        self.save, self.seconds_before = save, seconds_before
        self.began = time.perf_counter()
        self.next_save = self.began + LEAST_INTERVAL

    def seconds(self) -> float:
        """Time spent on the run so far, over all sittings."""
        return self.seconds_before + time.perf_counter() - self.began

    def save_sometimes(self) -> None:
        """Save, if it is time to."""
        if time.perf_counter() >= self.next_save:
            self.save_now()

    def save_now(self) -> None:
        """Save in any case."""
        begin = time.perf_counter()
        written = self.save(self.seconds())
        end = time.perf_counter()
        self.next_save = end + max(LEAST_INTERVAL, (end - begin) / SHARE, written / BYTES_A_SECOND)
