"""Style transfer in one call: from files, pictures or arrays to a picture."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from sfumato.checks import function_or_none, nearest
from sfumato.engine import Engine
from sfumato.errors import DivergenceError, InputError, NoProgressWarning
from sfumato.minimize import RunOptions
from sfumato.outputs import check_unfinished, locked_file, refuse_both
from sfumato.paths import user_path
from sfumato.pictures.files import Photo, check_picture_place, write_image
from sfumato.settings_fields import preset_settings
from sfumato.style.inputs import Styles, files_of, read_photo, style_pairs
from sfumato.style.presets import PRESETS
from sfumato.style.result import StepRecord, StyleResult
from sfumato.style.settings import Picture
from sfumato.style.transfer import StyleTransfer
from sfumato.workers import ALONE, Workers


def stylize(
    content: Picture,
    style: Styles,
    *,
    masks: Sequence[tuple[Picture, int]] = (),
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int = 0,
    engine: Engine | str | None = None,
    callback: Callable[[StepRecord], object] | None = None,
    preset: str | None = None,
    quality: int | None = None,
    **settings: Any,
) -> StyleResult:
    """Paint a photograph in the style of a painting, as `sfumato style` does.

        picture = sfumato.stylize("photo.jpg", "painting.jpg", size=512)
        picture.save("out.png")

    Args:
        content: The picture to paint: a file, a picture of Pillow's, an array (height, width, 3) of RGB or (height,
            width) of grey, uint8 or from 0 to 1, or "sfumato:NAME" for one that is built in.
        style: The picture whose style to paint it in; or several, as a list, as pairs with their weights, or as
            {file: weight}.
        masks: Pictures of the content's shape, each with the number of a style, from 1: what is white (or True) there
            takes it.
        out: The file of the result. A checkpoint lies beside it until it is finished. Default: nothing is written.
        resume: Go on with the unfinished picture of `out`; the result is that of the uninterrupted run, bit for bit.
        overwrite: Replace what is at `out`; never a file that is read.
        seed: Of the noise to start from.
        engine: Where to compute and in what precision: "numpy", "torch", "torch:cuda/bfloat16"; by default a GPU that
            PyTorch sees, or else NumPy, in float32.
        callback: Called with a `StepRecord` after each step; the run ends, as "interrupted", once it returns True.
        preset: Name of one of `PRESETS`, whose settings those that are given override.
        quality: From 1 to 100, of `out` where that is a JPEG, WebP or HEIC; default: 95.
        settings: Any other field of `StyleSettings`, such as size=512, style_weight=30 or colour="luminance".

    Returns:
        The picture, with its losses, settings and history; `save` writes it. Where its loss is no lower than that of
        what it began with, a `NoProgressWarning` says so.

    Raises:
        InputError: for a setting or picture that cannot be used, or an `out` that is there already.
        FileError: if a file cannot be read or written.
        DivergenceError: when the loss becomes infinite or not a number.
        DeviceMemoryError: if a GPU has too little memory, with what to allow instead.
        TypeError: for a setting that there is not.
    """
    names = [setting.name for setting in fields(StyleTransfer)]
    for name in settings:
        if name not in names:
            found = nearest(name, names)
            hint = f"; did you mean {found!r}?" if found else ""
            raise TypeError(f"stylize() got an unexpected keyword argument {name!r}{hint}")
    chosen = {} if preset is None else preset_settings(preset, PRESETS)
    transfer = StyleTransfer(**{**chosen, **settings, "seed": seed, "engine": engine})
    painting = Painting(transfer, content, style_pairs(style), list(masks or ()), resume=resume, quality=quality)
    function_or_none("callback", callback)
    if out is None and (resume or overwrite):
        raise InputError(f"{'resume' if resume else 'overwrite'}=True needs out=...: the file of the picture")
    if out is None:
        result = painting.paint(callback=callback)
    else:
        out = user_path(out)
        with locked_file(Path(out)):
            painting = replace(painting, out=check_out(painting, out, checkpoint_of, overwrite=overwrite))
            result = painting.paint(callback=callback)
    for text in result.warnings:
        warnings.warn(text, NoProgressWarning, stacklevel=2)
    return result


@dataclass(frozen=True)
class Painting:
    """A painting job: its inputs, settings and options, and the file of its result.

    Attributes:
        transfer: The settings.
        content: The picture to paint.
        styles: Those whose style to paint it in, with their weights.
        masks: Where a style goes, with its number, from 1.
        out: Where the result goes, see `check_out`; None writes nothing.
        resume: Go on from the checkpoint beside `out`.
        save_every: Steps after which the picture so far is written, again and again.
        quality: Of a JPEG, WebP or HEIC.
        workers: The processes that paint it together; the first writes.
        names: What files are called in the settings that the picture carries, where not by their own names.
    """

    transfer: StyleTransfer
    content: Picture
    styles: Sequence[tuple[Picture, float]]
    masks: Sequence[tuple[Picture, int]] = field(default_factory=list)
    out: Path | None = None
    resume: bool = False
    save_every: int | None = None
    quality: int | None = None
    workers: Workers = ALONE
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def references(self) -> list[str]:
        """Files to read beside the content."""
        pictures = [style for style, _ in self.styles] + [mask for mask, _ in self.masks]
        return [*files_of(self.transfer.start, self.transfer.content_mask, *pictures), self.transfer.vgg_weights]

    def paint(
        self,
        *,
        callback: Callable[[StepRecord], object] | None = None,
        stop: Callable[[], bool] | None = None,
        on_download: Callable[[int, int], None] | None = None,
    ) -> StyleResult:
        """Paint, and write the result; or, if the run is ended early, the picture so far with a checkpoint beside it.

        Args:
            callback: Called after each step; the run ends once it returns True.
            stop: Asked before every step; the run ends once it returns True.
            on_download: Called with the bytes of the network's weights that have come, and their total.

        Raises:
            SfumatoError: as `StyleTransfer.run`. Of a picture that diverged, nothing is left.
        """
        out = None if self.workers.rank else self.out
        checkpoint = checkpoint_of(self.out) if self.out else None
        watcher = _Watcher(self, callback)
        try:
            result = self.transfer.run(
                self.content,
                self.styles,
                masks=self.masks,
                run=RunOptions(
                    callback=watcher.after_step,
                    stop=stop,
                    checkpoint=checkpoint,
                    resume=self.resume,
                    workers=self.workers,
                ),
                on_download=on_download,
            )
        except DivergenceError:
            if out and checkpoint:  # going on from it would end there again
                checkpoint.unlink(missing_ok=True)
            if out and (watcher.written or self.resume):  # else the picture so far would be taken for a finished one
                out.unlink(missing_ok=True)
            raise
        result = self._renamed(result)
        if out and checkpoint:
            result.save(out, overwrite=True, quality=self.quality)
            if result.stopped == "finished":
                checkpoint.unlink(missing_ok=True)
        return result

    def _renamed(self, result: StyleResult) -> StyleResult:
        """The result, with its files called as `names` says."""
        inputs = [{**own, "name": self.names.get(own["name"], own["name"])} for own in result.settings["inputs"]]
        return replace(result, settings={**result.settings, "inputs": inputs})


class _Watcher:
    """Passes each step on to the caller, and writes the picture so far when asked."""

    def __init__(self, painting: Painting, callback: Callable[[StepRecord], object] | None) -> None:
        self.painting, self.callback, self.written = painting, callback, False
        self.like: Photo | None = None
        # In any case, before the run: what reading has freed leaves fewer gaps between the run's arrays (18 MB of 260)
        if painting.out and not painting.workers.rank:
            photo = read_photo(painting.content, painting.transfer.reading)
            self.like = replace(photo, pixels=photo.pixels[:0].copy())

    def after_step(self, record: StepRecord) -> object:
        """Returns what the caller's callback does: True ends the run."""
        answer = None if self.callback is None else self.callback(record)
        self._write_sometimes(record)
        return answer

    def _write_sometimes(self, record: StepRecord) -> None:
        done, out, every = (record.scale - 1) * record.steps + record.step, self.painting.out, self.painting.save_every
        if self.like is None or out is None or not every or done % every:
            return
        if checkpoint_of(out).exists():  # else, if it is killed now, the picture would count as finished
            write_image(out, record.picture, like=self.like, quality=self.painting.quality)
            self.written = True


def checkpoint_of(out: Path) -> Path:
    """Path of the checkpoint of an unfinished picture."""
    return out.with_name(f".{out.name}.checkpoint")


def check_out(painting: Painting, out: str | Path, begun: Callable[[Path], Path], *, overwrite: bool) -> Path:
    """Check, before any work, that a picture can be written, and whether there is one to resume.

    Args:
        painting: What is to be painted; none of the pictures that it reads may be replaced.
        out: Where it is to go; what a link leads to is written, and the link stays one.
        begun: Gives what lies beside an unfinished picture.
        overwrite: Whether it may replace what is there.

    Returns:
        The file to write.

    Raises:
        InputError, FileError: if not.
    """
    refuse_both(resume=painting.resume, overwrite=overwrite)
    read = [*files_of(painting.content), *painting.references]
    path = check_picture_place(out, inputs=read, overwrite=overwrite or painting.resume, quality=painting.quality)
    check_unfinished("picture", path, begun(path), resume=painting.resume, overwrite=overwrite)
    return path
