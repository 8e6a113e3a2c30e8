"""`sfumato style`: a photograph in the manner of a painting."""

from dataclasses import replace
from pathlib import Path

import typer

from sfumato.cli.console import Console
from sfumato.cli.folders import wants_folder
from sfumato.cli.interruption import interruptible
from sfumato.cli.options import ComputeOptions, OutputOptions, grouped
from sfumato.cli.processes import console_of, is_first, joined, processes_wanted
from sfumato.cli.style.again import Asked, filled
from sfumato.cli.style.batch import paint_all
from sfumato.cli.style.estimate import tell_estimate
from sfumato.cli.style.grid import paint_grid
from sfumato.cli.style.options import (
    PictureFileOptions,
    PictureOptions,
    Pictures,
    StyleObjectiveOptions,
    StyleRunOptions,
    VggOptions,
)
from sfumato.cli.style.painting import check_place, paint, text_of, values_of
from sfumato.cli.style.parsing import parse_masks, parse_pictures, parse_transfer
from sfumato.errors import InputError
from sfumato.outputs import locked_file
from sfumato.storage import followed
from sfumato.style.stylize import Painting, checkpoint_of


@grouped
def style(
    context: typer.Context,
    picture: PictureOptions,
    objective: StyleObjectiveOptions,
    vgg: VggOptions,
    run: StyleRunOptions,
    compute: ComputeOptions,
    output: OutputOptions,
    file: PictureFileOptions,
    pictures: Pictures = None,
) -> None:
    """Paint CONTENT, a photograph, in the style of STYLE, a painting; or with --style any number of contents.

    Several, or folders of them, go into the folder --out. What is finished there is skipped: the same command goes on.

    Examples:
        sfumato style cat.jpg painting.jpg -o cat-painted.png

        sfumato style cat.jpg --style painting.jpg:2 --style drawing.png:1 --size full -o cat-painted.jpg

        sfumato style cat.jpg painting.jpg -o cat-painted.png --resume

        sfumato style cat.jpg --style painting.jpg --style sfumato:ink --mask cat-mask.png=1 -o cat-painted.png

        sfumato style cat.jpg painting.jpg --size 2048 --memory 2GB --estimate

        sfumato style photos --style painting.jpg --preset painterly -o painted

        sfumato style cat.jpg --style painting.jpg --style drawing.png --grid --size 256 -o grid.png

        sfumato style --settings-of cat-painted.png --size 2048 -o cat-large.png
    """
    console = console_of(output)
    given = [
        name for name in context.params if str(context.get_parameter_source(name)) == "ParameterSource.COMMANDLINE"
    ]
    told = Asked(pictures or [], picture.styles, picture.mask or [], {})
    if run.settings_of is not None:
        if run.preset is not None:
            raise InputError("--settings-of and --preset contradict each other: choose one")
        told = filled(told, run.settings_of, given)
    contents, styles = parse_pictures(told.pictures, told.styles)
    transfer = parse_transfer(
        picture, objective, vgg, run, compute, preset=run.preset, told=told.settings, given_by_name=given
    )
    if run.resume and output.overwrite:
        raise InputError("--overwrite and --resume contradict each other: choose one")
    masks = parse_masks(told.masks, len(styles))
    job = Painting(transfer, contents[0], styles, masks, None, run.resume, run.save_every, file.quality)
    several = run.estimate or run.grid or wants_folder(contents, output.out)
    if several and processes_wanted() > 1:
        raise InputError("torchrun's processes share one picture: name one content and one file, without --estimate")
    with console.computing(output.threads):
        if run.estimate:
            status = tell_estimate(job, contents, console, grid=run.grid)
        elif run.grid:
            status = paint_grid(job, contents, output, console)
        elif wants_folder(contents, output.out):
            status = paint_all(job, contents, output, console)
        else:
            status = _paint_one(job, output, console)
    if status:
        raise typer.Exit(status)


def _paint_one(job: Painting, output: OutputOptions, console: Console) -> int:
    """Paint one picture into one file; returns the exit status."""
    if output.out is None:
        needing = {"--resume": job.resume, "--save-every": job.save_every, "--quality": job.quality}
        for option, given in needing.items():
            if given:
                raise InputError(f"{option} needs --out: the file of the picture")
    elif is_first():
        with locked_file(Path(output.out)):
            return _paint_into(replace(job, out=check_place(job, output, checkpoint_of)), output, console)
    else:
        job = replace(job, out=followed(Path(output.out)))
    return _paint_into(job, output, console)


def _paint_into(job: Painting, output: OutputOptions, console: Console) -> int:
    """Paint a picture into a file that is ready for it, if there is one; returns the exit status."""

    def begin() -> None:
        if job.out is None:
            console.note("nothing is kept of this run: add --out FILE to keep the picture and its progress")

    try:
        with joined() as workers, interruptible(begin) as interrupted:
            result = paint(replace(job, workers=workers), console, interrupted)
    except KeyboardInterrupt:  # a second Ctrl-C, or one before the first step
        if job.out and checkpoint_of(job.out).exists():
            console.note(f"add --resume to go on with {job.out}")
        raise
    console.result(text_of(result, job.out), {**values_of(result), "out": output.out})
    if result.stopped == "finished":
        return 0
    kept = "nothing is kept, as no --out was given" if job.out is None else f"add --resume to go on with {job.out}"
    console.note(f"interrupted after {result.steps} steps; {kept}")
    return 130
