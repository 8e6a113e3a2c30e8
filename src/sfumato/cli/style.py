"""`sfumato style`: a photograph in the manner of a painting."""

import json
import time
from pathlib import Path
from typing import Any

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
    parse_name,
    parse_styles,
    parse_transfer,
)
from sfumato.errors import DivergenceError, FileError, InputError
from sfumato.style.images import check_image_path, write_image
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
    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    content, styles = parse_name("CONTENT", content), parse_styles(style, picture.styles)
    transfer = parse_transfer(picture, objective, vgg, run)
    out = _check_out(output, run, [content, picture.start, *(path for path, _ in styles)])
    checkpoint = out and _checkpoint(out)
    try:
        with limited_threads(output.threads), console.progress() as progress:
            watcher = _Watcher(console, progress, out, run.save_every)
            with interruptible(watcher.begin) as interrupted:
                result = transfer.run(
                    content,
                    styles,
                    callback=watcher.after_step,
                    stop=interrupted,
                    on_download=watcher.while_fetching,
                    checkpoint=checkpoint,
                    resume=run.resume,
                )
    except KeyboardInterrupt:  # a second Ctrl-C, or one before the first step
        if checkpoint and checkpoint.exists():
            console.note(f"add --resume to go on with {out}")
        raise
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


class _Watcher:
    """What a run tells while it goes on: shown, and the picture so far written where that is asked for."""

    def __init__(self, console: Console, progress: RunProgress, out: Path | None, save_every: int | None) -> None:
        self.console, self.progress, self.out, self.save_every = console, progress, out, save_every
        self.made = time.perf_counter()

    def begin(self) -> None:
        if self.out is None:
            self.console.note("nothing is kept of this run: add --out FILE to keep the picture and its progress")

    def while_fetching(self, come: int, total: int) -> None:
        text = f"{come / 1e6:.0f} of {total / 1e6:.0f} MB"
        seconds = time.perf_counter() - self.made
        self.progress.show("fetching VGG's weights", text, done=come / total, seconds=seconds)

    def after_step(self, record: StepRecord) -> None:
        place = f"scale {record.scale}/{record.scales}, step {record.step}/{record.steps}"
        self.progress.show(place, f"loss {record.loss:.4g}", done=record.done, seconds=record.seconds)
        done = (record.scale - 1) * record.steps + record.step
        if self.out and self.save_every and done % self.save_every == 0:
            write_image(self.out, record.picture)


def _checkpoint(out: Path) -> Path:
    return out.with_name(f".{out.name}.checkpoint")


def _check_out(output: OutputOptions, run: StyleRunOptions, inputs: list[str]) -> Path | None:
    """Find out, before any work, whether the picture can be written, and whether there is one to go on with.

    Raises:
        InputError, FileError: if not.
    """
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


def _values(result: StyleResult) -> dict[str, Any]:
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


def _text(result: StyleResult, out: Path | None) -> str:
    height, width, _ = result.picture.shape
    lines = [
        f"{width} x {height} pixels, {result.steps} steps in {duration(result.seconds)}, "
        f"{peak_memory() / 1e6:.0f} MB of memory at the peak",
        f"loss {result.loss:.4g}: content {result.content_loss:.4g}, style {result.style_loss:.4g}, "
        f"total variation {result.tv_loss:.4g}",
    ]
    return "\n".join([*lines, f"written to {out}"] if out else lines)
