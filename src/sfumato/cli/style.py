"""`sfumato style`: a photograph in the manner of a painting."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sfumato.cli.console import Console, RunProgress, check_output, duration, limited_threads, peak_memory
from sfumato.cli.interruption import interruptible
from sfumato.cli.options import OutputOptions, grouped
from sfumato.cli.style_options import (
    Content,
    PictureOptions,
    Style,
    StyleObjectiveOptions,
    StyleRunOptions,
    VggOptions,
    parse_layers,
    parse_size,
    parse_start,
    parse_styles,
)
from sfumato.errors import DivergenceError, FileError, InputError

if TYPE_CHECKING:
    from sfumato.style.progress import StepRecord, StyleResult


@grouped
def style(
    content: Content,
    picture: PictureOptions,
    objective: StyleObjectiveOptions,
    vgg: VggOptions,
    run: StyleRunOptions,
    output: OutputOptions,
    style: Style = None,
) -> None:
    """Paint CONTENT, a photograph, in the style of STYLE, a painting.

    Examples:
        sfumato style cat.jpg painting.jpg -o cat-painted.png

        sfumato style cat.jpg --style painting.jpg:2 --style drawing.png:1 --size full -o cat-painted.jpg

        sfumato style cat.jpg painting.jpg --style-weight 100 --style-scale 0.5 -o cat-painted.png --overwrite

        sfumato style cat.jpg painting.jpg -o cat-painted.png --resume
    """
    from sfumato.style.images import write_image
    from sfumato.style.transfer import StyleTransfer

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    styles = parse_styles(style, picture.styles)
    transfer = StyleTransfer(
        size=parse_size(picture.size),
        start=parse_start(picture.start),
        style_scale=picture.style_scale,
        content_weight=objective.content_weight,
        style_weight=objective.style_weight,
        tv_weight=objective.tv_weight,
        content_layers=parse_layers("--content-layers", objective.content_layers),
        style_layers=parse_layers("--style-layers", objective.style_layers),
        style_loss=objective.style_loss,
        normalize_gradients=objective.normalize_gradients,
        pooling=vgg.pooling,
        network=vgg.network,
        vgg_weights=vgg.vgg_weights,
        optimizer=run.optimizer,
        learning_rate=run.learning_rate,
        steps=run.steps,
        scales=run.scales,
        seed=run.seed,
    )
    out = _check_out(output, run, [content, picture.start, *(path for path, _ in styles)])
    checkpoint = out and _checkpoint(out)

    def begin() -> None:
        if out is None:
            console.note("nothing is kept of this run: add --out FILE to keep the picture and its progress")

    def after_step(record: "StepRecord") -> None:
        _show(record, progress)
        if out and run.save_every and ((record.scale - 1) * record.steps + record.step) % run.save_every == 0:
            write_image(out, record.picture)

    begun = time.perf_counter()

    def while_fetching(come: int, total: int) -> None:
        text = f"{come / 1e6:.0f} of {total / 1e6:.0f} MB"
        progress.show("fetching VGG's weights", text, done=come / total, seconds=time.perf_counter() - begun)

    try:
        with (
            limited_threads(output.threads),
            console.progress() as progress,
            interruptible(begin) as interrupted,
        ):
            result = transfer.run(
                content,
                styles,
                callback=after_step,
                stop=interrupted,
                on_download=while_fetching,
                checkpoint=checkpoint,
                resume=run.resume,
            )
    except DivergenceError:
        if checkpoint:  # going on from it would end there again
            checkpoint.unlink(missing_ok=True)
        raise
    if out:
        write_image(out, result.picture, description=json.dumps(result.settings))
    console.result(_text(result, out), {**_values(result), "out": output.out})
    if result.stopped == "interrupted":
        kept = "nothing is kept, as no --out was given" if out is None else f"add --resume to go on with {out}"
        console.note(f"interrupted after {result.steps} steps; {kept}")
        raise typer.Exit(130)
    if checkpoint:
        checkpoint.unlink(missing_ok=True)


def _checkpoint(out: Path) -> Path:
    return out.with_name(f".{out.name}.checkpoint")


def _check_out(output: OutputOptions, run: StyleRunOptions, inputs: list[str]) -> Path | None:
    """Find out, before any work, whether the picture can be written, and whether there is one to go on with.

    Raises:
        InputError, FileError: if not.
    """
    from sfumato.style.images import check_image_path

    if run.resume and output.overwrite:
        raise InputError("--overwrite and --resume contradict each other: choose one")
    if output.out is None:
        for option, given in (("--resume", run.resume), ("--save-every", run.save_every)):
            if given:
                raise InputError(f"{option} needs --out: the file of the picture")
        return None
    check_output(output.out, overwrite=output.overwrite or run.resume)
    check_image_path(output.out)
    out = Path(output.out)
    if out.exists() and any(Path(path).exists() and out.samefile(path) for path in inputs):
        raise InputError(f"{out}: is one of the pictures to read; name another file for the result")
    beside = out.with_name(f".{_checkpoint(out).name}.part")  # the longest name that will be written
    try:
        beside.touch()
        beside.unlink()
    except OSError as error:
        raise FileError(f"{out}: cannot be written there ({error.strerror}); choose another place") from error
    begun = _checkpoint(out).exists()
    if run.resume and not begun:
        state = "is finished; to make it anew, use --overwrite" if out.exists() else "was not begun; leave out --resume"
        raise InputError(f"{out}: there is nothing to go on with: the picture {state}")
    if begun and not (run.resume or output.overwrite):
        raise InputError(f"{out}: was begun and not finished; add --resume to go on, or --overwrite to begin anew")
    return out


def _show(record: "StepRecord", progress: RunProgress) -> None:
    place = f"scale {record.scale}/{record.scales}, step {record.step}/{record.steps}"
    progress.show(place, f"loss {record.loss:.4g}", done=record.done, seconds=record.seconds)


def _values(result: "StyleResult") -> dict[str, Any]:
    height, width, _ = result.picture.shape
    return {
        "loss": result.loss,
        "content_loss": result.content_loss,
        "style_loss": result.style_loss,
        "tv_loss": result.tv_loss,
        "steps": result.steps,
        "seconds": result.seconds,
        "width": width,
        "height": height,
        "peak_memory_bytes": peak_memory(),
        "stopped": result.stopped,
        "settings": result.settings,
    }


def _text(result: "StyleResult", out: Path | None) -> str:
    height, width, _ = result.picture.shape
    lines = [
        f"{width} x {height} pixels, {result.steps} steps in {duration(result.seconds)}, "
        f"{peak_memory() / 1e6:.0f} MB of memory at the peak",
        f"loss {result.loss:.4g}: content {result.content_loss:.4g}, style {result.style_loss:.4g}, "
        f"total variation {result.tv_loss:.4g}",
    ]
    return "\n".join([*lines, f"written to {out}"] if out else lines)
