"""The process that paints a contact sheet of the studio: `python -m sfumato.studio.sheet_painter FOLDER`.

It is a process of its own for the reasons of the painter, and speaks with the studio as that does. It paints what
`sfumato style --grid` does, by the same cells. Asked to stop, it ends between two steps; the cells that are painted are
kept, and gone on with bit for bit.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sfumato.errors import SfumatoError
from sfumato.kernels.compiled.compiler import watching_compilation
from sfumato.outputs import locked_file
from sfumato.pictures.files import write_image
from sfumato.storage import dump, write_atomically
from sfumato.studio.painter import ERROR, JOB, NOTE, OUT, OUTCOME, RECORD, Send, sender, stopping
from sfumato.studio.pictures import PictureStore
from sfumato.studio.requests import PaintingRequest, read_request
from sfumato.studio.wording import told_error
from sfumato.style.result import StepRecord
from sfumato.style.sheet import Sheet

CELLS = "cells"
"""In a job's folder: the folder of the cells, each as a painting by itself is; the sheet of them all is `OUT`."""


def sheet_of(request: PaintingRequest, store: PictureStore, folder: Path) -> Sheet:
    """The sheet that a job's folder is for.

    Raises:
        InputError: for settings that cannot be used, or a picture that is not there.
    """
    return Sheet(request.painting(store), folder / CELLS)


def main(folder: Path) -> None:
    """Paint, and send what there is to say."""
    send = sender()
    store = PictureStore(folder.parent.parent / "pictures")
    named: Callable[[str], str] = str
    try:
        request = read_request(json.loads((folder / JOB).read_bytes()), store)
        named = partial(request.named, store=store)
        with (
            watching_compilation(lambda: send(NOTE, b"Compiling the kernels, once on this machine.")),
            locked_file(folder / OUT),
        ):
            paint(sheet_of(request, store, folder), folder, send)
    except (SfumatoError, MemoryError, OSError) as error:
        told = told_error(error)
        told["error"] = named(told["error"]) or "there is not enough memory: choose a smaller size"
        write_atomically(folder / OUTCOME, dump({"state": "failed", **told}))
        send(ERROR, dump(told).encode())


def paint(sheet: Sheet, folder: Path, send: Send) -> None:
    """Paint the cells that are missing, and the sheet of them all, and write what became of it.

    Raises:
        SfumatoError: as `Painting.paint`.
    """
    stop, cells = stopping(), sheet.cells
    sheet.folder.mkdir(exist_ok=True)
    settings = sheet.settings()
    for number, cell in enumerate(cells):
        if cell.is_painted:
            continue

        def tell(record: StepRecord, number: int = number) -> None:
            left = record.seconds / record.done * (len(cells) - number - record.done)
            values = {"cell": number, "loss": record.loss, "done": (number + record.done) / len(cells), "left": left}
            send(RECORD, dump(values).encode())

        if sheet.painting(cell).paint(callback=tell, stop=stop).stopped == "interrupted":
            write_atomically(folder / OUTCOME, dump({"state": "stopped"}))
            return
    drawn = sheet.draw()
    write_image(folder / OUT, drawn, description=json.dumps(settings))
    write_atomically(folder / OUTCOME, dump({"state": "finished", "width": drawn.shape[1], "height": drawn.shape[0]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
