"""The studio's trainings: their queue, the files of their runs, and predictions of their models.

    trainings/20261130-101500-1a2b3c/    job.json  outcome.json  report.html  run/

The folder `run` is what `sfumato train --out run` makes.
"""

import asyncio
import json
from asyncio.subprocess import Process
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from sfumato.errors import InputError
from sfumato.outputs import MODEL, RUN, remove_run
from sfumato.storage import write_atomically
from sfumato.studio import trainer
from sfumato.studio.jobs import Queue
from sfumato.studio.painter import ERROR, JOB
from sfumato.studio.processes import messages, working
from sfumato.studio.store import name_ending
from sfumato.studio.tables import TableStore
from sfumato.studio.training_requests import TrainingRequest, read_training_request

TRAINER = "sfumato.studio.trainer"


class Trainings(Queue[TrainingRequest]):
    """Jobs of training.

    Args:
        folder: Where they lie; it is made if need be.
        store: The tables that they name.
        turn: Held by the job at work.
    """

    at_work = "training"

    patience = 60.0  # for the report, whose figures take seconds, more where the machine is busy

    def __init__(self, folder: Path, store: TableStore, turn: asyncio.Lock) -> None:
        super().__init__(folder, turn)
        self.store = store
        self._one_at_a_time = asyncio.Lock()

    def file(self, name: str, file: str) -> Path | None:
        """File of a finished or stopped training by its name: one of the run's, or the report's page."""
        folder = self.folder / name
        path = folder / trainer.REPORT if file == trainer.REPORT else folder / trainer.RUN / file
        return path if file in (trainer.REPORT, *RUN) and path.is_file() else None

    async def predict(self, name: str, content: bytes, given_as: str, *, proba: bool) -> dict[str, Any]:
        """Predict the rows of a table with a training's model, in a process that ends with the studio.

        Args:
            name: Of the training.
            content: The bytes of the table's file.
            given_as: What it is called where it comes from.
            proba: A column for each class's probability as well.

        Returns:
            As `trainer.predict`.

        Raises:
            InputError: if there is no model, or the table does not fit it.
        """
        model = self.file(name, MODEL)
        if model is None:
            raise InputError("this training has no model yet")
        folder = self.folder / ".predictions"
        async with self._one_at_a_time:
            folder.mkdir(exist_ok=True)
            table = folder / f"table{name_ending(given_as)}"
            write_atomically(table, content)
            asked = {"model": str(model.absolute()), "file": table.name, "name": given_as, "proba": proba}
            write_atomically(folder / JOB, json.dumps(asked))
            try:
                return await _answer(folder)
            finally:
                table.unlink(missing_ok=True)

    def _read(self, values: Any) -> TrainingRequest:
        return read_training_request(values, self.store)

    def _process(self, folder: Path) -> AbstractAsyncContextManager[Process]:
        return working(TRAINER, str(folder.absolute()), "train")

    def _remove_results(self, folder: Path) -> None:
        remove_run(folder / trainer.RUN)
        (folder / trainer.REPORT).unlink(missing_ok=True)


async def _answer(folder: Path) -> dict[str, Any]:
    async with working(TRAINER, str(folder.absolute()), "predict") as process:
        async for kind, content in messages(process):
            if kind == ERROR:
                raise InputError(content.decode())
            if kind == trainer.PREDICTIONS:
                answer: dict[str, Any] = json.loads(content)
                return answer
    raise InputError("the prediction ended too early")
