"""What a style transfer says as it goes, what it returns, and where it stands between two steps."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sfumato.arrays import Array, to_numpy
from sfumato.checkpoint import load_same_run, pack_memory, refusing_damage, unpack_memory
from sfumato.optimizers import LBFGS, Optimizer
from sfumato.pictures.files import Photo, check_picture_place, write_image
from sfumato.storage import load_header, save_tensors
from sfumato.style.tiles.memory import HISTORIES, Plan

FORMAT = "style checkpoint 2"


@dataclass(frozen=True)
class StepRecord:
    """One step of a style transfer, for whoever shows its progress.

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
    photo: Photo | None = field(default=None, repr=False, compare=False)
    files: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def __repr__(self) -> str:
        height, width, _ = self.picture.shape
        return (
            f"StyleResult({width} x {height} pixels, loss {self.loss:.4g} after {self.steps} steps "
            f"in {self.seconds:.1f} s, {self.stopped})"
        )

    def _repr_png_(self) -> bytes:
        """The picture, which a notebook shows."""
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


@dataclass
class StyleState:
    """Where a style transfer stands between two steps.

    Attributes:
        theta: The pixels at the current scale, a flat vector.
        memory: The optimizer's state.
        weights: Weights of the objective's terms at this scale, which may have been normalised at its start.
        rate: Learning rate at this scale.
        average: Running average of the iterates, not yet corrected for starting at zero; empty where none is taken.
        scale: The scale that is being worked, from 0.
        step: Steps taken at the current scale.
        seconds: Time spent.
        history: Loss before each step so far.
    """

    theta: Array
    memory: Any
    weights: list[float]
    rate: float
    average: Array
    scale: int = 0
    step: int = 0
    seconds: float = 0.0
    history: list[float] = field(default_factory=list)


def to_uint8(pixels: Array) -> Array:
    """Pixels from 0 to 1 (what lies beyond is clipped) as bytes."""
    rounded: Array = np.rint(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)
    return rounded


def save_style_checkpoint(path: Path, state: StyleState, settings: dict[str, Any]) -> int:
    """Write the state and the settings it belongs to; returns the bytes written."""
    vectors, numbers = pack_memory(state.memory)
    header = {
        "format": FORMAT,
        "settings": settings,
        "optimizer": numbers,
        "weights": state.weights,
        "rate": state.rate,
        "progress": [state.scale, state.step, state.seconds],
        "history": state.history,
    }
    return save_tensors(path, {"theta": to_numpy(state.theta), "average": to_numpy(state.average), **vectors}, header)


def recorded_plan(path: Path) -> Plan:
    """The plan of the run that a checkpoint belongs to.

    Raises:
        FileError: if the file is not such a checkpoint.
    """
    header = load_header(path)
    with refusing_damage(path):
        tile, history, prepared = (header["settings"]["plan"][name] for name in Plan._fields)
        if not (tile is None or (isinstance(tile, int) and tile > 0)) or history not in HISTORIES:
            raise ValueError(f"there is no plan with tiles of {tile} and a history of {history}")
        return Plan(tile, history, bool(prepared))


def load_style_checkpoint(path: Path, optimizer: Optimizer[Any], settings: dict[str, Any]) -> StyleState:
    """Read what `save_style_checkpoint` wrote.

    Raises:
        FileError: if the file is not such a checkpoint.
        InputError: if it belongs to a run with other settings or pictures.
    """
    compared = {name: value for name, value in settings.items() if name != "memory"}  # the plan tells what came of it
    tensors, header = load_same_run(path, FORMAT, compared)
    with refusing_damage(path):
        scale, step, seconds = header["progress"]
        state = StyleState(
            theta=tensors["theta"],
            memory=unpack_memory(optimizer, tensors, header["optimizer"]),
            weights=[float(weight) for weight in header["weights"]],
            rate=float(header["rate"]),
            average=tensors["average"],
            scale=scale,
            step=step,
            seconds=float(seconds),
            history=[float(loss) for loss in header["history"]],
        )
        _check_state(state, optimizer, settings)
        return state


def _check_state(state: StyleState, optimizer: Optimizer[Any], settings: dict[str, Any]) -> None:
    """Raise `ValueError` where a state is none that a run with this optimizer and these settings can have."""
    if state.scale not in range(len(settings["sizes"])) or state.step not in range(settings["steps"] + 1):
        raise ValueError(f"it has no scale {state.scale} with {state.step} steps")
    theta = np.zeros(3 * math.prod(settings["sizes"][state.scale]), np.float32)
    average = theta[:0] if isinstance(optimizer, LBFGS) else theta
    expected = (theta, average, *optimizer.init(theta))
    for there, right in zip((state.theta, state.average, *state.memory), expected, strict=True):
        if isinstance(right, np.ndarray):
            if there.shape != right.shape or there.dtype != right.dtype or not np.isfinite(there).all():
                raise ValueError(f"{right.shape} finite numbers were expected")
        elif type(there) is not type(right):
            raise ValueError(f"{there!r} is no {type(right).__name__}")
