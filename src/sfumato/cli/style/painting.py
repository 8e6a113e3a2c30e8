"""One picture of `sfumato style`: painted, shown as it goes, written, and gone on with if it was interrupted."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sfumato.arrays import Array
from sfumato.cli.console import Console, RunProgress, duration, peak_memory
from sfumato.cli.options import OutputOptions
from sfumato.cli.outputs import check_output, is_input
from sfumato.errors import DivergenceError, FileError, InputError
from sfumato.pictures.files import Photo, check_image_path, open_image, write_image
from sfumato.storage import followed
from sfumato.style.result import StepRecord, StyleResult
from sfumato.style.transfer import StyleTransfer
from sfumato.workers import ALONE, Workers


@dataclass(frozen=True)
class Job:
    """A picture to paint.

    Attributes:
        transfer: The settings.
        content: The picture to paint.
        styles: Those whose style to paint it in, with their weights.
        masks: Where a style goes, with its number, from 1.
        out: Where the result goes; None keeps nothing.
        resume: Go on from the checkpoint beside `out`.
        save_every: Steps after which the picture so far is written, again and again.
        quality: Of a JPEG, WebP or HEIC.
        workers: The processes that paint it together; the first writes.
    """

    transfer: StyleTransfer
    content: str
    styles: list[tuple[str, float]]
    masks: list[tuple[str, int]] = field(default_factory=list)
    out: Path | None = None
    resume: bool = False
    save_every: int | None = None
    quality: int | None = None
    workers: Workers = ALONE

    @property
    def references(self) -> list[str]:
        """What it reads beside the content, by name."""
        pictures = [str(self.transfer.start), *(name for name, _ in self.styles), *(name for name, _ in self.masks)]
        return [*pictures, self.transfer.vgg_weights]

    def writer(self) -> "Writer | None":
        """What writes to `out`; None if there is no such place."""
        if self.out is None or self.workers.rank:
            return None
        photo = open_image(self.content, first_frame=self.transfer.first_frame)
        return Writer(self.out, replace(photo, pixels=photo.pixels[:0].copy()), self.quality)


@dataclass
class Writer:
    """Writes pictures with all that the content has beside its pixels.

    Attributes:
        out: Where to.
        like: The content, without its pixels: they would be held through the whole run.
        quality: Of a JPEG, WebP or HEIC.
        written: Whether it has written one.
    """

    out: Path
    like: Photo
    quality: int | None
    written: bool = False

    def write(self, picture: Array, settings: dict[str, Any] | None = None) -> None:
        """Write a picture with the settings, if any, that it was painted with."""
        description = None if settings is None else json.dumps(settings)
        write_image(self.out, picture, description=description, like=self.like, quality=self.quality)
        self.written = True


def paint(job: Job, console: Console, stop: Callable[[], bool], place: str = "") -> StyleResult:
    """Paint, and write the result; or the picture so far, with a checkpoint beside it, once `stop` says True.

    Args:
        job: What to paint.
        console: Where progress is shown.
        stop: Asked before every step.
        place: What to say before the step, as which picture of how many it is.

    Raises:
        SfumatoError: as `StyleTransfer.run`. Of a picture that diverged, nothing is left.
    """
    writer = job.writer()
    checkpoint = checkpoint_of(job.out) if job.out else None
    try:
        with console.progress() as progress:
            result = job.transfer.run(
                job.content,
                job.styles,
                masks=job.masks,
                callback=_Watcher(writer, job.save_every, progress, place).after_step,
                stop=stop,
                on_download=fetching(progress),
                workers=job.workers,
                checkpoint=checkpoint,
                resume=job.resume,
            )
    except DivergenceError:
        if writer and checkpoint:  # going on from it would end there again
            checkpoint.unlink(missing_ok=True)
        if writer and (writer.written or job.resume):  # else the picture so far would be taken for a finished one
            writer.out.unlink(missing_ok=True)
        raise
    if writer:
        writer.write(result.picture, result.settings)
    if writer and checkpoint and result.stopped == "finished":
        checkpoint.unlink(missing_ok=True)
    return result


class _Watcher:
    """What a run tells while it goes on: shown, and the picture so far written where that is asked for."""

    def __init__(self, writer: Writer | None, save_every: int | None, progress: RunProgress, place: str) -> None:
        self.writer, self.save_every, self.progress, self.place = writer, save_every, progress, place

    def after_step(self, record: StepRecord) -> None:
        place = f"{self.place}scale {record.scale}/{record.scales}, step {record.step}/{record.steps}"
        self.progress.show(place, f"loss {record.loss:.4g}", done=record.done, seconds=record.seconds)
        done = (record.scale - 1) * record.steps + record.step
        if not self.writer or not self.save_every or done % self.save_every:
            return
        if checkpoint_of(self.writer.out).exists():  # else, if it is killed now, the picture would count as finished
            self.writer.write(record.picture)


def fetching(progress: RunProgress) -> Callable[[int, int], None]:
    """What shows how many bytes of the network's weights have come, and of how many."""
    began = time.perf_counter()

    def show(come: int, total: int) -> None:
        text = f"{come / 1e6:.0f} of {total / 1e6:.0f} MB"
        progress.show("fetching VGG's weights", text, done=come / total, seconds=time.perf_counter() - began)

    return show


def checkpoint_of(out: Path) -> Path:
    """Where an unfinished picture is kept."""
    return out.with_name(f".{out.name}.checkpoint")


def check_place(job: Job, output: OutputOptions, begun: Callable[[Path], Path]) -> Path:
    """Find out, before any work, whether a picture can be written, and whether there is one to go on with.

    A link stays one: what it leads to is written.

    Args:
        job: What is to be painted; none of the pictures that it reads may be replaced.
        output: Where it is to go, and whether it may replace what is there.
        begun: Tells what lies beside an unfinished picture.

    Raises:
        InputError, FileError: if not.
    """
    check_output(output.out, overwrite=output.overwrite or job.resume)
    path = followed(Path(output.out or ""))
    check_image_path(path, quality=job.quality)
    if is_input(path, [job.content, *job.references]):
        raise InputError(f"{path}: is one of the pictures to read; name another file for the result")
    beside = path.with_name(f".{begun(path).name}.part")  # the longest name that will be written
    try:
        beside.touch()
        beside.unlink()
    except OSError as error:
        raise FileError(f"{path}: cannot be written there ({error.strerror}); choose another place") from error
    unfinished = begun(path).exists()
    if job.resume and not unfinished:
        state = (
            "is finished; to make it anew, use --overwrite" if path.exists() else "was not begun; leave out --resume"
        )
        raise InputError(f"{path}: there is nothing to go on with: the picture {state}")
    if unfinished and not (job.resume or output.overwrite):
        raise InputError(f"{path}: was begun and not finished; add --resume to go on, or --overwrite to begin anew")
    return path


def values_of(result: StyleResult) -> dict[str, Any]:
    """A result, but for its pixels, as values."""
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


def text_of(result: StyleResult, out: Path | None) -> str:
    """A result in words."""
    height, width, _ = result.picture.shape
    lines = [
        f"{width} x {height} pixels, {result.steps} steps in {duration(result.seconds)}, "
        f"{peak_memory() / 1e6:.0f} MB of memory at the peak",
        f"loss {result.loss:.4g}: content {result.content_loss:.4g}, style {result.style_loss:.4g}, "
        f"total variation {result.tv_loss:.4g}",
    ]
    return "\n".join([*lines, f"written to {out}"] if out else lines)
