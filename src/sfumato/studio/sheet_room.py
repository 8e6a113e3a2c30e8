"""The addresses of contact sheets in the room Paint."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sfumato.studio.answers import found, json_body, json_response
from sfumato.studio.jobs import JOB_NAME
from sfumato.studio.pictures import PictureStore
from sfumato.studio.requests import read_request
from sfumato.studio.sheets import Sheets, check_sheet
from sfumato.studio.wording import in_labels


class SheetRoom:
    """The answers to what is asked of contact sheets.

    Args:
        store: The pictures.
        sheets: The jobs.
    """

    def __init__(self, store: PictureStore, sheets: Sheets) -> None:
        self.store, self.sheets = store, sheets

    def routes(self) -> list[Route]:
        """All addresses."""
        return [
            Route("/api/sheets", self.list_sheets, methods=["GET"]),
            Route("/api/sheets", self.add_sheet, methods=["POST"]),
            Route("/api/sheets/{job}", self.sheet, methods=["GET"]),
            Route("/api/sheets/{job}/file", self.file),
            Route("/api/sheets/{job}/cells/{cell:int}", self.cell),
            Route("/api/sheets/{job}/{action}", self.act, methods=["POST"]),
        ]

    def list_sheets(self, request: Request) -> Response:
        """All sheets, the newest first, and those that were left when the studio ended."""
        return json_response({"sheets": [self._told(name) for name in self.sheets.names()], "left": self.sheets.left})

    async def add_sheet(self, request: Request) -> Response:
        """Put a sheet in the queue."""
        asked = await run_in_threadpool(read_request, await json_body(request), self.store)
        check_sheet(asked, self.store)
        return json_response({"id": self.sheets.add(asked)})

    def sheet(self, request: Request) -> Response:
        """One sheet, with the record of its last step."""
        name = self._name(request)
        live = self.sheets.live if self.sheets.state(name) == self.sheets.at_work else None
        now = {"record": live.record, "note": live.note} if live else {}
        return json_response({**self._told(name), **now})

    def file(self, request: Request) -> Response:
        """The file of a sheet."""
        return FileResponse(found(self.sheets.file(self._name(request))), media_type="image/png")

    def cell(self, request: Request) -> Response:
        """A cell that is painted, by its number from 0, row by row."""
        cells, number = self.sheets.cells(self._name(request)), request.path_params["cell"]
        cell = found(cells[number] if number < len(cells) and cells[number].is_painted else None)
        return FileResponse(cell.file, media_type="image/png")

    async def act(self, request: Request) -> Response:
        """Do one of `Queue.actions` to a sheet."""
        name = self._name(request)
        found(self.sheets.actions.get(request.path_params["action"]))(name)
        return json_response({"id": name})

    def _told(self, name: str) -> dict[str, Any]:
        """A sheet as the page shows it."""
        request, outcome, state = self.sheets.request(name), self.sheets.outcome(name), self.sheets.state(name)
        told: dict[str, Any] = {"error": in_labels(outcome["error"])} if "error" in outcome else {}
        if request is not None:
            told |= {"content": request.content, "styles": [style for style, _ in request.styles]}
            told |= {"settings": request.settings, "names": request.names, "command": request.command(grid=True)}
            told |= {"content_mask": request.content_mask}
        cells = self.sheets.cells(name)
        weights = [cell.weight for cell in cells[: len(cells) // len(told["styles"])]] if cells else []
        told |= {"weights": weights, "painted": [cell.is_painted for cell in cells]}
        waiting = self.sheets.waiting
        position = waiting.index(name) + 1 if name in waiting else 0
        return {"id": name, "state": state, "position": position, **told}

    def _name(self, request: Request) -> str:
        name = str(request.path_params["job"])
        if not JOB_NAME.fullmatch(name) or name not in self.sheets.names():
            raise HTTPException(404)
        return name
