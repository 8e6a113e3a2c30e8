"""The folder that a training run leaves: model, history, report, configuration and figures."""

import contextlib
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
FILES = ("model.safetensors", "history.csv", "report.txt", "config.json", CHECKPOINT, *FIGURES)


@contextlib.contextmanager
def open_run_folder(out: str | None, *, overwrite: bool, resume: bool) -> Iterator[Path | None]:
    """Make the folder, or find out at once that it cannot be had; an error before anything is written removes it again.

    Raises:
        InputError: if there is a run in it already and neither `overwrite` nor `resume` is given.
        FileError: if it cannot be made or written to.
    """
    if out is None:
        if resume:
            raise InputError("--resume needs --out: the folder of the run to go on with")
        yield None
        return
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{out}: is a file; --out names the folder of a run")
    if folder.is_dir() and any(folder.iterdir()) and not (overwrite or resume):
        raise InputError(f"{out}: is not empty; add --resume to go on with the run in it, or --overwrite to replace it")
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / ".writable", "")
        (folder / ".writable").unlink()
    except OSError as error:
        raise FileError(
            f"{out}: this folder cannot be written to ({error.strerror or error}); choose another"
        ) from error
    if overwrite and not resume:
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
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
    options: dict[str, object],
) -> None:
    """Write everything that a finished run leaves, each file whole or not at all."""
    model.save(folder / "model.safetensors")
    write_atomically(folder / "history.csv", to_csv(history))
    write_atomically(folder / "report.txt", summary.text + "\n")
    write_atomically(folder / "config.json", dump({"options": options, "outcome": summary.values}) + "\n")
    write_atomically(folder / "cost.png", plots.to_png(plots.cost_curves(history)))
    if summary.matrix is not None:
        write_atomically(folder / "confusion.png", plots.to_png(plots.confusion_matrix(summary.matrix)))
    if model.classes and model.network.input_shape == (2,):
        write_atomically(folder / "boundary.png", plots.to_png(plots.decision_boundary(model, train)))
    if len(model.network.input_shape) == 3:
        write_atomically(folder / "weights.png", plots.to_png(plots.first_weights(model)))
