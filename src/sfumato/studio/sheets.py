"""The studio's contact sheets: their queue, and their cells.

    sheets/20261130-101500-1a2b3c/    job.json  outcome.json  out.png  cells/1-1.png  cells/1-2.png ...

The file out.png is what `sfumato style --grid` makes.
"""

import asyncio
import contextlib
from asyncio.subprocess import Process
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from sfumato.errors import InputError
from sfumato.studio.jobs import Queue
from sfumato.studio.painter import OUT
from sfumato.studio.pictures import PictureStore
from sfumato.studio.processes import working
from sfumato.studio.requests import PaintingRequest, read_request
from sfumato.studio.sheet_painter import CELLS, sheet_of
from sfumato.studio.wording import FieldError
from sfumato.style.control.colour import COLOURS
from sfumato.style.sheet import Cell

SHEET_PAINTER = "sfumato.studio.sheet_painter"


class Sheets(Queue[PaintingRequest]):
    """Jobs of contact sheets.

    Args:
        folder: Where they lie; it is made if need be.
        store: The pictures that they name.
        turn: Held by the job at work.
    """

    at_work = "painting"

    def __init__(self, folder: Path, store: PictureStore, turn: asyncio.Lock) -> None:
        super().__init__(folder, turn)
        self.store = store

    def cells(self, name: str) -> list[Cell]:
        """Cells of a job, row by row; none where its pictures are gone."""
        request = self.request(name)
        return sheet_of(request, self.store, self.folder / name).cells if request else []

    def file(self, name: str) -> Path | None:
        """File of a job's sheet, if it is finished."""
        path = self.folder / name / OUT
        return path if path.is_file() else None

    def _read(self, values: Any) -> PaintingRequest:
        return read_request(values, self.store)

    def _process(self, folder: Path) -> AbstractAsyncContextManager[Process]:
        return working(SHEET_PAINTER, str(folder.absolute()))

    def _remove_results(self, folder: Path) -> None:
        cells = [path for path in (folder / CELLS).glob("*") if path.name.lstrip(".")[:1].isdecimal()]
        for path in (folder / OUT, *folder.glob(f".{OUT}.*"), *cells):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # of a folder with files of others, or of none
            (folder / CELLS).rmdir()


def check_sheet(request: PaintingRequest, store: PictureStore) -> None:
    """Refuse what makes no sense on a contact sheet.

    Raises:
        InputError: for masks, weights of styles, colours alone, or a style weight of 0.
    """
    painting = request.painting(store)
    if painting.masks:
        raise InputError("a contact sheet paints in one style at a time, everywhere: leave out the masks")
    if any(weight != 1 for _, weight in painting.styles):
        raise InputError("a contact sheet paints in one style at a time: leave out their weights")
    if COLOURS[painting.transfer.colour].alone:
        raise FieldError("a contact sheet compares style weights, and colours alone have none", "colour")
    if not painting.transfer.style_weight:
        raise FieldError(
            "a contact sheet goes from a fifth of the style weight to five times: give it more than 0", "style_weight"
        )
