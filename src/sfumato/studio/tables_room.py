"""The addresses of the room Tables: tables as understood, trainings, their results, and predictions."""

import contextlib
from collections.abc import Iterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sfumato.errors import SfumatoError
from sfumato.studio.answers import found, json_body, json_response
from sfumato.studio.jobs import JOB_NAME
from sfumato.studio.requests import plain_name
from sfumato.studio.store import named
from sfumato.studio.tables import TableStore, preview, understood
from sfumato.studio.training_options import TRAINING_OPTIONS, field_of
from sfumato.studio.training_requests import TrainingRequest, read_training_request
from sfumato.studio.trainings import Trainings
from sfumato.studio.wording import FieldError, in_labels


class TablesRoom:
    """The answers to what the room can ask for.

    Args:
        store: The tables.
        trainings: The jobs of training.
    """

    def __init__(self, store: TableStore, trainings: Trainings) -> None:
        self.store, self.trainings = store, trainings

    def routes(self) -> list[Route]:
        """All addresses."""
        return [
            Route("/api/tables", self.add_table, methods=["PUT"]),
            Route("/api/tables/options", self.options),
            Route("/api/tables/understood", self.understood, methods=["POST"]),
            Route("/api/trainings", self.list_trainings, methods=["GET"]),
            Route("/api/trainings", self.add_training, methods=["POST"]),
            Route("/api/trainings/{job}", self.training, methods=["GET"]),
            Route("/api/trainings/{job}/files/{file}", self.file),
            Route("/api/trainings/{job}/predictions", self.predict, methods=["PUT"]),
            Route("/api/trainings/{job}/{action}", self.act, methods=["POST"]),
        ]

    def options(self, request: Request) -> Response:
        """The settings of training."""
        return json_response({"settings": [own._asdict() for own in TRAINING_OPTIONS.values()]})

    async def add_table(self, request: Request) -> Response:
        """Take a table: the body is the file, `?name=` its name."""
        name = plain_name(request.query_params.get("name", ""))
        table = await run_in_threadpool(self.store.add, await request.body(), name)
        return json_response({"id": table, "name": name})

    async def understood(self, request: Request) -> Response:
        """First rows of a table, and what `sfumato train` would decide on its columns with some settings."""
        with _naming_fields():
            asked = await run_in_threadpool(read_training_request, await json_body(request), self.store)
        return json_response(await run_in_threadpool(self._understood, asked))

    def _understood(self, asked: TrainingRequest) -> dict[str, Any]:
        path = self.store.path(asked.table)
        values: dict[str, Any] = {"preview": None, "understood": None, "error": None}
        try:
            values["preview"] = preview(path, asked.training_settings.table_options)
            splits, training = asked.prepared(self.store)
        except SfumatoError as error:
            text = named(" ".join(str(error).split()), path, asked.name)
            return values | {"error": {"text": in_labels(text), "field": field_of(text)}}
        sizes = {"training": splits.train.size, "epochs": training.epochs, "batch_size": training.batch_size}
        return values | {"understood": {**understood(splits.dataset), **sizes}}

    def list_trainings(self, request: Request) -> Response:
        """All trainings, the newest first, and those that were left when the studio ended."""
        told = [self._told(name) for name in self.trainings.names()]
        return json_response({"trainings": told, "left": self.trainings.left})

    async def add_training(self, request: Request) -> Response:
        """Put a training in the queue, if it can be prepared."""
        with _naming_fields():
            asked = await run_in_threadpool(read_training_request, await json_body(request), self.store)
            await run_in_threadpool(asked.prepared, self.store)
        return json_response({"id": self.trainings.add(asked)})

    async def training(self, request: Request) -> Response:
        """One training: its results, and the records of its epochs from number `?from=` on."""
        name = self._name(request)
        live = self.trainings.live if self.trainings.state(name) == self.trainings.at_work else None
        outcome = self.trainings.outcome(name)
        records = live.records if live else outcome.get("history", [])
        results: dict[str, Any] = {} if live else {key: outcome.get(key) for key in ("text", "summary", "scikit_learn")}
        start = request.query_params.get("from", "0")
        first = int(start) if start.isascii() and start.isdecimal() and len(start) < 10 else 0
        note = live.note if live else ""
        return json_response({**self._told(name), **results, "records": records[first:], "from": first, "note": note})

    async def act(self, request: Request) -> Response:
        """Do one of `Queue.actions` to a training."""
        name = self._name(request)
        found(self.trainings.actions.get(request.path_params["action"]))(name)
        return json_response({"id": name})

    def file(self, request: Request) -> Response:
        """A file of a training's run, or its report's page, to be saved: a browser shows none of them as a page."""
        path = found(self.trainings.file(self._name(request), request.path_params["file"]))
        return FileResponse(path, media_type="image/png" if path.suffix == ".png" else "application/octet-stream")

    async def predict(self, request: Request) -> Response:
        """Predict the rows of a table: the body is the file, `?name=` its name, `?proba=yes` for probabilities."""
        name, given_as = self._name(request), plain_name(request.query_params.get("name", ""))
        proba = request.query_params.get("proba") == "yes"
        return json_response(await self.trainings.predict(name, await request.body(), given_as, proba=proba))

    def _told(self, name: str) -> dict[str, Any]:
        """A training as the page shows it, without its records and results."""
        request, outcome = self.trainings.request(name), self.trainings.outcome(name)
        known = ("error", "epochs", "seconds", "network", "files")
        told: dict[str, Any] = {key: outcome[key] for key in known if key in outcome}
        told |= {"warnings": [in_labels(text) for text in outcome.get("warnings", [])]}
        if "error" in told:
            told["error"] = in_labels(told["error"])
        summary = outcome.get("summary", {})
        told |= {"test": {key: summary.get(f"{summary.get('report_on')}_{key}") for key in ("accuracy", "loss")}}
        if request is not None:
            told |= {"table": request.table, "name": request.name, "settings": request.settings}
            told |= {"command": request.command()}
        waiting = self.trainings.waiting
        position = waiting.index(name) + 1 if name in waiting else 0
        return {"id": name, "state": self.trainings.state(name), "position": position, **told}

    def _name(self, request: Request) -> str:
        name = str(request.path_params["job"])
        if not JOB_NAME.fullmatch(name) or name not in self.trainings.names():
            raise HTTPException(404)
        return name


@contextlib.contextmanager
def _naming_fields() -> Iterator[None]:
    """Make errors about a setting such that name its field."""
    try:
        yield
    except SfumatoError as error:
        field = field_of(str(error))
        if field is None:
            raise
        raise FieldError(str(error), field) from error
