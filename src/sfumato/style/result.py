"""Results of a style transfer: the records of its steps, and the picture with the losses."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sfumato.arrays import Array, to_numpy
from sfumato.checkpoint import DAMAGED, RESTART
from sfumato.pictures.files import Photo, check_picture_place, write_image
from sfumato.storage import load_header, refusing_damage
from sfumato.style.tiles.memory import HISTORIES, Plan


@dataclass(frozen=True)
class StepRecord:
    """Record of one step of a style transfer, for displays of progress.

    Attributes:
        scale: Which scale is being worked, from 1.
        scales: How many there are.
        step: Steps taken at this scale.
        steps: Steps that each scale takes at most.
        width: Of the picture at this scale, in pixels.
        height: Of the picture at this scale.
        loss: What is minimised, before this step; the sum of the next three.
        content_loss: Weighted loss of content.
        style_loss: Weighted loss of style.
        tv_loss: Weighted total variation.
        seconds: Time spent so far, over all sittings of a resumed run.
        done: Share of the work that is done, from 0 to 1, counted in pixels times steps.
        pixels: What is being painted, (height, width, 3), from 0 to 1 and a little beyond, where it is painted;
            valid until the next step.
        finish: Makes of it what is shown, see `StyleProblem.finish`.
    """

    scale: int
    scales: int
    step: int
    steps: int
    width: int
    height: int
    loss: float
    content_loss: float
    style_loss: float
    tv_loss: float
    seconds: float
    done: float
    pixels: Array = field(repr=False, compare=False)
    finish: Callable[[Array], Array] = field(repr=False, compare=False)

    @property
    def picture(self) -> Array:
        """The picture so far, (height, width, 3), uint8."""
        return to_uint8(self.finish(to_numpy(self.pixels)))


@dataclass(frozen=True, repr=False)
class StyleResult:
    """The outcome of a style transfer.

    Attributes:
        picture: (height, width, 3), uint8; at the scale that was being worked, if interrupted.
        loss: What was minimised, at the end; the sum of the next three.
        content_loss: Weighted loss of content.
        style_loss: Weighted loss of style.
        tv_loss: Weighted total variation.
        steps: Steps taken, over all scales.
        seconds: Time spent, over all sittings of a resumed run.
        stopped: "finished" or "interrupted".
        settings: What was used, as plain values.
        warnings: What went wrong without ending the run, such as a loss that did not fall, and what to try.
        history: Loss before each step, over all scales; weights may change between scales if gradients are normalised.
        photo: What the content has beside its pixels, for `save`.
        files: The files that were read, which `save` does not replace.
    """

    picture: Array = field(repr=False)
    loss: float
    content_loss: float
    style_loss: float
    tv_loss: float
    steps: int
    seconds: float
    stopped: str
    settings: dict[str, Any]
    history: tuple[float, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()
    photo: Photo | None = field(default=None, repr=False, compare=False)
    files: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def __repr__(self) -> str:
        height, width, _ = self.picture.shape
        return (
            f"StyleResult({width} x {height} pixels, loss {self.loss:.4g} after {self.steps} steps "
            f"in {self.seconds:.1f} s, {self.stopped})"
        )

    def _repr_png_(self) -> bytes:
        """Encode the picture as PNG, for a notebook to show."""
        buffer = io.BytesIO()
        Image.fromarray(self.picture).save(buffer, "PNG")
        return buffer.getvalue()

    def save(self, path: str | Path, *, overwrite: bool = False, quality: int | None = None) -> None:
        """Write the picture, whole or not at all, as `sfumato style` does.

        The file keeps the settings, and the content's metadata, colour profile and transparency.

        Args:
            path: Where to: .png, .jpg, .jpeg, .webp, .tif, .tiff, or .heic with the extra `heic`.
            overwrite: Replace a file that is there; never one of those that the picture was made from.
            quality: From 1 to 100, of JPEG, WebP and HEIC; default: 95, where what is lost cannot be seen.

        Raises:
            InputError: if the file is there, is one of those that were read, or has another ending.
            FileError: if it cannot be written; what was there stays as it was.
        """
        place = check_picture_place(path, inputs=self.files, overwrite=overwrite, quality=quality)
        write_image(place, self.picture, description=json.dumps(self.settings), like=self.photo, quality=quality)


def to_uint8(pixels: Array) -> Array:
    """Convert pixels from 0 to 1 to bytes; values beyond are clipped."""
    rounded: Array = np.rint(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)
    return rounded


def recorded_plan(path: Path) -> Plan:
    """Read the plan of a run from its checkpoint.

    Raises:
        FileError: if the file is not such a checkpoint.
    """
    header = load_header(path)
    with refusing_damage(path, DAMAGED, RESTART):
        tile, history, prepared = (header["settings"]["plan"][name] for name in Plan._fields)
        if not (tile is None or (isinstance(tile, int) and tile > 0)) or history not in HISTORIES:
            raise ValueError(f"there is no plan with tiles of {tile} and a history of {history}")
        return Plan(tile, history, bool(prepared))
