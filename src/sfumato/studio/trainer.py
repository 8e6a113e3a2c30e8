"""The process that trains a job of the studio, or predicts: `python -m sfumato.studio.trainer FOLDER train|predict`.

It is a process of its own for the reasons of the painter, and speaks with the studio as that does. It does what
`sfumato train` and `sfumato predict` do, by the same functions. Asked to stop, it ends between two steps, and what is
trained so far is kept with its report, and can be gone on with bit for bit.
"""

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sfumato.engine import choose_engine
from sfumato.errors import SfumatoError, TableWarning
from sfumato.evaluation.predictions import check_predictable, predictions, predictions_csv
from sfumato.kernels.compiled.compiler import watching_compilation
from sfumato.minimize import RunOptions
from sfumato.model import Model
from sfumato.outputs import CHECKPOINT
from sfumato.recipe import TrainingRun, finish, options, save_run
from sfumato.storage import dump, write_atomically
from sfumato.studio.painter import (
    COMPILING,
    EPOCH,
    ERROR,
    JOB,
    NOTE,
    OUTCOME,
    Send,
    end_with_the_studio,
    sender,
    stopping,
)
from sfumato.studio.store import named
from sfumato.studio.tables import ROWS_SHOWN, TableStore
from sfumato.studio.training_requests import TrainingRequest, read_training_request
from sfumato.studio.wording import in_labels
from sfumato.training.history import EpochRecord
from sfumato.training.run_folder import open_run_folder, run_files

RUN, REPORT = "run", "report.html"
"""In a job's folder: the folder of the run, as `sfumato train --out` makes it, and the page of its report."""

PREDICTIONS = b"a"
"""Kind of the message with predictions, JSON."""


def main(folder: Path, action: str) -> None:
    """Train or predict, and send what there is to say."""
    send = sender()
    try:
        with watching_compilation(lambda: send(NOTE, COMPILING)):
            if action == "predict":
                end_with_the_studio()
                send(PREDICTIONS, json.dumps(predict(folder, json.loads((folder / JOB).read_bytes()))).encode())
            else:
                store = TableStore(folder.parent.parent / "tables")
                train(folder, read_training_request(json.loads((folder / JOB).read_bytes()), store), store, send)
    except (SfumatoError, MemoryError, OSError) as error:
        told = " ".join(str(error).split()) or "there is not enough memory for this table and network"
        if action == "train":
            write_atomically(folder / OUTCOME, dump({"state": "failed", "error": told}))
        send(ERROR, told.encode())


def train(folder: Path, request: TrainingRequest, store: TableStore, send: Send) -> None:
    """Train a job, or go on with it, and write its run, its report and what became of it.

    Raises:
        SfumatoError: as `sfumato.train`.
    """
    stop, out = stopping(), folder / RUN
    splits, training = request.prepared(store)
    settings, resume = request.training_settings, (out / CHECKPOINT).exists()
    files = run_files(training.network.input_shape, classes=bool(splits.dataset.classes))
    with open_run_folder(str(out), files, inputs=[str(store.path(request.table))], overwrite=not resume, resume=resume):
        how = RunOptions(
            checkpoint=out / CHECKPOINT, resume=resume, callback=_reporter(training.epochs, send), stop=stop
        )
        run = finish(training, training.fit(splits, how), splits, settings, out, in_labels)
        outcome: dict[str, Any] = {"state": "stopped" if run.stopped == "interrupted" else "finished"}
        if run.history:
            send(NOTE, b"Writing the report.")
            compute = dict.fromkeys(("backend", "device", "precision"))
            asked = options(request.name, settings, resume=resume, seed=request.seed, **compute)
            outcome |= {**_told(run), "files": save_run(run, asked, training.epochs)}
            outcome["scikit_learn"] = request.scikit_learn(splits.dataset, store)
        write_atomically(folder / OUTCOME, dump(outcome))
        if run.history:
            write_atomically(folder / REPORT, run.report().to_html())


def _reporter(epochs: int, send: Send) -> Callable[[EpochRecord], None]:
    """Make the function that sends the record of every epoch."""

    def tell(record: EpochRecord) -> None:
        send(EPOCH, dump({**asdict(record), "epochs": epochs}).encode())

    return tell


def _told(run: TrainingRun) -> dict[str, Any]:
    """The outcome of a run, as the page shows it."""
    return {
        "epochs": len(run.history),
        "seconds": run.seconds,
        "network": run.summary.network,
        "text": run.summary.text,
        "summary": run.summary.values,
        "warnings": list(run.warnings),
        "history": [asdict(record) for record in run.history],
    }


def predict(folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Predict the rows of a table with a model, as `sfumato predict` does.

    Args:
        folder: Where the table lies.
        asked: "model" and "file" by their paths, "name" of the table where it comes from, and "proba".

    Returns:
        "rows" in all, "csv" of the predictions, "names" of its columns, its "first" rows, and "notes".

    Raises:
        SfumatoError: as `sfumato predict`.
    """
    model = Model.load(asked["model"])
    model = model.on(choose_engine(None, None, model.theta.dtype.name))
    check_predictable(model, "the model", proba=asked["proba"])
    path, name = folder / asked["file"], asked["name"]
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", TableWarning)
            table = predictions(model, model.inputs(path), proba=asked["proba"])
    except SfumatoError as error:
        raise type(error)(named(str(error), path, name)) from error
    notes = [in_labels(named(str(one.message), path, name)) for one in caught if issubclass(one.category, TableWarning)]
    first = table.head(ROWS_SHOWN).astype(str).to_numpy().tolist()
    return {
        "rows": len(table),
        "csv": predictions_csv(table),
        "names": [*map(str, table.columns)],
        "first": first,
        "notes": notes,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
