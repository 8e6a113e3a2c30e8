"""`sfumato style --grid`: styles against weights on a contact sheet."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sfumato.cli.console import Console, peak_memory
from sfumato.cli.interruption import interruptible
from sfumato.cli.messages import in_options
from sfumato.cli.options import OutputOptions
from sfumato.cli.style.painting import check_place, fetching, paint
from sfumato.errors import FileError, InputError, SfumatoError
from sfumato.outputs import locked_file
from sfumato.pictures.files import write_image
from sfumato.storage import write_atomically
from sfumato.style.control.colour import COLOURS
from sfumato.style.sheet import Sheet
from sfumato.style.stylize import Painting

SETTINGS = "settings.json"


def paint_grid(job: Painting, contents: list[str], output: OutputOptions, console: Console) -> int:
    """Paint the content in each style by itself, with each weight, on one sheet; returns the exit status.

    Until the sheet is finished, its cells lie in a hidden folder beside it.

    Args:
        job: The content, the styles and the settings.
        contents: What was asked to be painted, of which there can be one.
        output: Where the sheet goes.
        console: Where to say what happens.

    Raises:
        SfumatoError: for what cannot be drawn so, and as `StyleTransfer.run`.
    """
    check_grid(job, contents)
    if output.out is None:
        raise InputError("--grid needs --out: the file of the contact sheet")
    with locked_file(Path(output.out)):
        return _paint_sheet(job, check_place(job, output, cells_of), output, console)


def _paint_sheet(job: Painting, out: Path, output: OutputOptions, console: Console) -> int:
    """Paint the cells into their folder and the sheet from them; returns the exit status."""
    folder = cells_of(out)
    sheet = Sheet(job, folder)
    with console.progress() as progress:
        settings = sheet.settings(fetching(progress))
    _open_folder(folder, settings, anew=output.overwrite)
    try:
        with interruptible(lambda: None) as interrupted:
            finished, warned = _paint_cells(sheet, console, interrupted)
    except (SfumatoError, KeyboardInterrupt) as error:
        if [path.name for path in folder.iterdir()] == [SETTINGS]:
            shutil.rmtree(folder)
        elif isinstance(error, KeyboardInterrupt):
            console.note(f"add --resume to go on with {out}")
        raise
    values: dict[str, Any] = {
        "cells": len(sheet.cells),
        "peak_memory_bytes": peak_memory(),
        "warnings": warned,
        "settings": settings,
    }
    if not finished:
        console.result(f"{out} is not finished", {**values, "stopped": "interrupted", "out": output.out})
        console.note(f"interrupted; add --resume to go on with {out}")
        return 130
    drawn = sheet.draw()
    write_image(out, drawn, description=json.dumps(settings), quality=job.quality)
    shutil.rmtree(folder)
    height, width, _ = drawn.shape
    text = f"{width} x {height} pixels, {values['cells']} cells, {peak_memory() / 1e6:.0f} MB of memory at the peak"
    values |= {"width": width, "height": height, "stopped": "finished", "out": output.out}
    console.result(f"{text}\nwritten to {out}", values)
    return 0


def cells_of(out: Path) -> Path:
    """Folder for the cells of an unfinished sheet."""
    return out.with_name(f".{out.name}.cells")


def check_grid(job: Painting, contents: list[str]) -> None:
    """Refuse options that make no sense on a contact sheet.

    Raises:
        InputError: for several contents, masks, weights of styles, or a style weight of 0.
    """
    if len(contents) > 1 or Path(contents[0]).is_dir():
        raise InputError("--grid draws one content in several styles: name one picture, and each style with --style")
    if job.masks:
        raise InputError("--grid paints in one style at a time, everywhere: leave out --mask")
    if COLOURS[job.transfer.colour].alone:
        raise InputError("--grid compares style weights, and --colour only has none: leave out --grid")
    if job.save_every:
        raise InputError("--grid keeps what it has painted by itself: leave out --save-every")
    if not job.transfer.style_weight:
        raise InputError("--grid goes from a fifth of the style weight to five times: give --style-weight more than 0")
    for name, weight in job.styles:
        if weight != 1:
            raise InputError(f"--grid paints in one style at a time: leave out the weight of {name}, {weight:g}")


def _open_folder(folder: Path, settings: dict[str, Any], *, anew: bool) -> None:
    """Make the folder of the cells, or reuse it to resume.

    Raises:
        FileError: if what it was begun with cannot be read.
        InputError: if that was something else.
    """
    record = folder / SETTINGS
    if anew and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    if not record.exists():
        write_atomically(record, json.dumps(settings, indent=2))
    try:
        before = json.loads(record.read_text(encoding="utf-8"))
        differing = [name for name in settings if before[name] != settings[name]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{record}: is damaged ({error}); start anew with --overwrite") from error
    if differing:
        raise InputError(
            f"{folder}: this grid began with other {differing[0].replace('_', ' ')}; "
            "resume with the same options, or start anew with --overwrite"
        )


def _paint_cells(sheet: Sheet, console: Console, stop: Callable[[], bool]) -> tuple[bool, list[str]]:
    """Paint the cells that are missing; returns whether all exist now, and what was warned of."""
    cells, warned = sheet.cells, []
    for number, cell in enumerate(cells, 1):
        if cell.is_painted:
            continue
        place = f"{sheet.label(cell.style)} at {cell.weight:g} ({number} of {len(cells)}), "
        result = paint(sheet.painting(cell), console, stop, place)
        warned += [f"{place}{in_options(text)}" for text in result.warnings]
        if result.stopped == "interrupted":
            return False, warned
    return True, warned
