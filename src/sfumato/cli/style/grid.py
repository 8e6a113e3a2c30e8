"""`sfumato style --grid`: styles against weights on a contact sheet."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sfumato.arrays import Array
from sfumato.cli.console import Console, peak_memory
from sfumato.cli.interruption import interruptible
from sfumato.cli.messages import in_options
from sfumato.cli.options import OutputOptions
from sfumato.cli.style.painting import check_place, fetching, paint
from sfumato.errors import FileError, InputError, SfumatoError
from sfumato.outputs import locked_file
from sfumato.pictures.builtin import PREFIX
from sfumato.pictures.contact_sheet import Labelled, contact_sheet
from sfumato.pictures.files import read_image, write_image
from sfumato.storage import write_atomically
from sfumato.style.control.colour import COLOURS
from sfumato.style.inputs import read_picture
from sfumato.style.problem import StyleProblem
from sfumato.style.pyramid import resize
from sfumato.style.result import to_uint8
from sfumato.style.settings import STARTS, Picture
from sfumato.style.stylize import Painting, checkpoint_of

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
    folder, settings = cells_of(out), _settings(job, console)
    _open_folder(folder, settings, anew=output.overwrite)
    try:
        with interruptible(lambda: None) as interrupted:
            finished, warned = _paint_cells(job, folder, console, interrupted)
    except (SfumatoError, KeyboardInterrupt) as error:
        if [path.name for path in folder.iterdir()] == [SETTINGS]:
            shutil.rmtree(folder)
        elif isinstance(error, KeyboardInterrupt):
            console.note(f"add --resume to go on with {out}")
        raise
    values: dict[str, Any] = {
        "cells": len(list(_cells(job, folder))),
        "peak_memory_bytes": peak_memory(),
        "warnings": warned,
        "settings": settings,
    }
    if not finished:
        console.result(f"{out} is not finished", {**values, "stopped": "interrupted", "out": output.out})
        console.note(f"interrupted; add --resume to go on with {out}")
        return 130
    sheet = _draw(job, folder)
    write_image(out, sheet, description=json.dumps(settings), quality=job.quality)
    shutil.rmtree(folder)
    height, width, _ = sheet.shape
    text = f"{width} x {height} pixels, {values['cells']} cells, {peak_memory() / 1e6:.0f} MB of memory at the peak"
    values |= {"width": width, "height": height, "stopped": "finished", "out": output.out}
    console.result(f"{text}\nwritten to {out}", values)
    return 0


def weights_around(weight: float) -> list[float]:
    """The style weight of each column, in steps whose effect can be seen."""
    return [weight / 5.0, weight, weight * 5.0]


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


def _settings(job: Painting, console: Console) -> dict[str, Any]:
    """Settings that determine the sheet, without the names of folders, for the description in the picture.

    Raises:
        SfumatoError: if a picture, a layer or the network's weights are not there.
    """
    with console.progress() as progress:
        problem = StyleProblem(job.transfer, job.content, job.styles, on_download=fetching(progress))
    settings = {
        **job.transfer.as_values(job.transfer.chosen_engine()),
        "start": job.transfer.start if str(job.transfer.start) in STARTS else "a picture",
        "content_mask": None if job.transfer.content_mask is None else "a picture",
        "vgg_weights": Path(job.transfer.vgg_weights).name,
        "content": _label(job.content),
        "styles": [_label(name) for name, _ in job.styles],
        "style_weights": weights_around(job.transfer.style_weight),
        "pictures": problem.fingerprint(),
        "inputs": [own._asdict() for own in problem.inputs],
    }
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain


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


def _paint_cells(job: Painting, folder: Path, console: Console, stop: Callable[[], bool]) -> tuple[bool, list[str]]:
    """Paint the cells that are missing; returns whether all exist now, and what was warned of."""
    cells, warned = list(_cells(job, folder)), []
    for number, (cell, style, weight) in enumerate(cells, 1):
        begun = checkpoint_of(cell).exists()
        if cell.exists() and not begun:
            continue
        transfer = replace(job.transfer, style_weight=weight)
        one = replace(job, transfer=transfer, styles=[(style, 1.0)], out=cell, resume=begun, quality=None)
        place = f"{_label(style)} at {weight:g} ({number} of {len(cells)}), "
        result = paint(one, console, stop, place)
        warned += [f"{place}{in_options(text)}" for text in result.warnings]
        if result.stopped == "interrupted":
            return False, warned
    return True, warned


def _cells(job: Painting, folder: Path) -> Iterator[tuple[Path, Picture, float]]:
    """Each cell's file, style and style weight, row by row."""
    for row, (style, _) in enumerate(job.styles, 1):
        for column, weight in enumerate(weights_around(job.transfer.style_weight), 1):
            yield folder / f"{row}-{column}.png", style, weight


def _draw(job: Painting, folder: Path) -> Array:
    """Draw the sheet from the cells in the folder."""
    cells = [cell for cell, _, _ in _cells(job, folder)]
    how, weights = job.transfer.reading, weights_around(job.transfer.style_weight)
    height, width = read_image(cells[0]).shape[:2]
    content = to_uint8(resize(read_picture(job.content, how), height, width))
    rows = [Labelled(_label(name), read_picture(name, how)) for name, _ in job.styles]
    columns = [f"style weight {weights[0]:g}", *(f"{weight:g}" for weight in weights[1:])]
    return contact_sheet(Labelled(_label(job.content), content), rows, columns, map(read_image, cells))


def _label(picture: object) -> str:
    """The label of a picture: its name without folder, ending and prefix."""
    return Path(str(picture).removeprefix(PREFIX)).stem
