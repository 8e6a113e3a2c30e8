"""The folder of a training run: model, history, report, configuration and figures."""

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from sfumato.arrays import Shape
from sfumato.data import Examples
from sfumato.errors import InputError
from sfumato.model import Model
from sfumato.outputs import (
    CHECKPOINT,
    MODEL,
    check_files,
    is_filled,
    keep_list,
    locked_folder,
    refuse_both,
    remove_ours,
    writing_into,
)
from sfumato.storage import dump, refuse_planted, write_atomically
from sfumato.training.history import EpochRecord, to_csv
from sfumato.training.summary import Summary

UNFINISHED = ".sfumato-unfinished"


def run_files(input_shape: Shape, *, classes: bool) -> set[str]:
    """Names of the files of a run, with those figures that exist for such a network."""
    names = {MODEL, CHECKPOINT, "history.csv", "report.txt", "config.json", "cost.png"}
    if classes:
        names.add("confusion.png")
    if classes and input_shape == (2,):
        names.add("boundary.png")
    if len(input_shape) == 3:
        names.add("weights.png")
    return names


@contextlib.contextmanager
def open_run_folder(
    out: str | None, files: Iterable[str], *, inputs: Iterable[str | None], overwrite: bool, resume: bool
) -> Iterator[Path | None]:
    """Make the folder before any work, or raise an error; an error before the first file removes it again.

    Args:
        out: The folder; None keeps nothing.
        files: The names of the files that the run will write into it.
        inputs: What the run reads; none of it is replaced.
        overwrite: Replace the run in it, see `outputs`.
        resume: Go on with the run in it.

    Raises:
        InputError: if there is a run in it already and neither `overwrite` nor `resume` is given, or both are; or if
            a file that no run wrote, or an input, is in the way, or another run is at work there.
        FileError: if it cannot be made or written to.
    """
    refuse_both(resume=resume, overwrite=overwrite)
    if out is None:
        if resume:
            raise InputError("resume=True needs out=...: the folder of the run to go on with")
        yield None
        return
    if not out:
        raise InputError("out=... names no folder: give it one, or leave it out")
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{out}: is a file; out=... names the folder of a run")
    with locked_folder(folder):
        refuse_planted(folder / UNFINISHED)
        if (folder / UNFINISHED).is_file():
            raise InputError(f"{folder / UNFINISHED}: stands where a run keeps its unfinished results; move it")
        filled = is_filled(folder)
        if resume and filled and not (folder / CHECKPOINT).exists():
            raise InputError(f"{out}: holds files, but no {CHECKPOINT} to go on from; name the folder of a run")
        if filled and not (overwrite or resume):
            raise InputError(
                f"{out}: is not empty; add resume=True to go on with the run in it, or overwrite=True to replace it"
            )
        check_files(folder, files, inputs)
        with writing_into(folder, files):
            yield folder


def write_run(
    folder: Path,
    model: Model,
    history: tuple[EpochRecord, ...],
    train: Examples,
    summary: Summary,
    config: dict[str, object],
) -> list[str]:
    """Write all files of a finished run; the previous files stay until all are written.

    Returns the names of the files.
    """
    from sfumato import plots  # matplotlib takes half a second

    beside = folder / UNFINISHED
    shutil.rmtree(beside, ignore_errors=True)  # of a run that was killed right here
    try:
        beside.mkdir()
        model.save(beside / MODEL)
        write_atomically(beside / "history.csv", to_csv(history))
        write_atomically(beside / "report.txt", summary.text + "\n")
        write_atomically(beside / "config.json", dump({**config, "outcome": summary.values}) + "\n")
        write_atomically(beside / "cost.png", plots.to_png(plots.cost_curves(history)))
        if summary.matrix is not None:
            write_atomically(beside / "confusion.png", plots.to_png(plots.confusion_matrix(summary.matrix)))
        if model.classes and not model.several and model.network.input_shape == (2,):
            write_atomically(beside / "boundary.png", plots.to_png(plots.decision_boundary(model, train)))
        if len(model.network.input_shape) == 3:
            write_atomically(beside / "weights.png", plots.to_png(plots.first_weights(model)))
        names = sorted(path.name for path in beside.iterdir())
        for name in sorted(names, key=MODEL.__eq__):  # the model comes last: with it, all is there
            if (folder / name).is_symlink():
                write_atomically(folder / name, (beside / name).read_bytes())
            else:
                (beside / name).replace(folder / name)
        written = sorted([*names, CHECKPOINT])
        remove_ours(folder, but=written)  # what an earlier run wrote, which this one does not have
        keep_list(folder, written)
        return written
    finally:
        shutil.rmtree(beside, ignore_errors=True)
