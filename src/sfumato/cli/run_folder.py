"""The folder that a training run leaves: model, history, report, configuration and figures."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from sfumato import plots
from sfumato.cli.console import dump
from sfumato.cli.summary import Summary
from sfumato.data import Examples
from sfumato.errors import FileError, InputError
from sfumato.history import EpochRecord, to_csv
from sfumato.model import Model
from sfumato.storage import write_atomically

CHECKPOINT = "checkpoint.safetensors"
FIGURES = ("cost.png", "confusion.png", "boundary.png", "weights.png")
UNFINISHED = ".unfinished"


@contextlib.contextmanager
def open_run_folder(out: str | None, *, overwrite: bool, resume: bool) -> Iterator[Path | None]:
    """Make the folder, or find out at once that it cannot be had; an error before anything is written removes it again.

    Raises:
        InputError: if there is a run in it already and neither `overwrite` nor `resume` is given, or both are.
        FileError: if it cannot be made or written to.
    """
    if overwrite and resume:
        raise InputError("--overwrite and --resume contradict each other: choose one")
    if out is None:
        if resume:
            raise InputError("--resume needs --out: the folder of the run to go on with")
        yield None
        return
    if not out:
        raise InputError("--out names no folder: give it one, or leave it out")
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{out}: is a file; --out names the folder of a run")
    made = not folder.exists()
    filled = not made and any(not path.name.startswith(".") for path in folder.iterdir())
    if resume and filled and not (folder / CHECKPOINT).exists():
        raise InputError(f"{out}: holds files, but no {CHECKPOINT} to go on from; name the folder of a run")
    if filled and not (overwrite or resume):
        raise InputError(f"{out}: is not empty; add --resume to go on with the run in it, or --overwrite to replace it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / ".writable", "")
        (folder / ".writable").unlink()
    except OSError as error:
        raise FileError(
            f"{out}: this folder cannot be written to ({error.strerror or error}); choose another"
        ) from error
    try:
        yield folder
    except BaseException:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        raise


def write_run(
    folder: Path,
    model: Model,
    history: tuple[EpochRecord, ...],
    train: Examples,
    summary: Summary,
    config: dict[str, object],
) -> list[str]:
    """Write everything that a finished run leaves; until all of it is written, what was there stays as it was.

    Returns the names of the files.
    """
    beside = folder / UNFINISHED
    shutil.rmtree(beside, ignore_errors=True)  # of a run that was killed right here
    try:
        beside.mkdir()
        model.save(beside / "model.safetensors")
        write_atomically(beside / "history.csv", to_csv(history))
        write_atomically(beside / "report.txt", summary.text + "\n")
        write_atomically(beside / "config.json", dump({**config, "outcome": summary.values}) + "\n")
        write_atomically(beside / "cost.png", plots.to_png(plots.cost_curves(history)))
        if summary.matrix is not None:
            write_atomically(beside / "confusion.png", plots.to_png(plots.confusion_matrix(summary.matrix)))
        if model.classes and model.network.input_shape == (2,):
            write_atomically(beside / "boundary.png", plots.to_png(plots.decision_boundary(model, train)))
        if len(model.network.input_shape) == 3:
            write_atomically(beside / "weights.png", plots.to_png(plots.first_weights(model)))
        names = sorted(path.name for path in beside.iterdir())
        for name in sorted(names, key="model.safetensors".__eq__):  # the model comes last: with it, all is there
            (beside / name).replace(folder / name)
        for name in set(FIGURES) - set(names):
            (folder / name).unlink(missing_ok=True)  # an earlier run's, which this one does not have
        return sorted([*names, CHECKPOINT])
    finally:
        shutil.rmtree(beside, ignore_errors=True)
