"""The painting of one picture by `sfumato style`, with its progress and its result as text and values."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sfumato.cli.console import Console, RunProgress, duration, peak_memory
from sfumato.cli.messages import in_options
from sfumato.cli.options import OutputOptions
from sfumato.engine import has_amx, has_torch
from sfumato.errors import InputError
from sfumato.style.result import StepRecord, StyleResult
from sfumato.style.settings import LARGEST_EDGE
from sfumato.style.stylize import Painting, check_out
from sfumato.style.transfer import StyleTransfer

LONG = 2 * 10**7
"""Pixels of the square of a picture's long edge, times steps at a scale, from which painting takes about a minute."""

SHARE_IN_BFLOAT16 = "about six tenths of"
"""Share of a step's time that it takes in bfloat16 where there is AMX, as docs/performance.md has it."""


def paint(painting: Painting, console: Console, stop: Callable[[], bool], place: str = "") -> StyleResult:
    """Paint, and write the result; or, once `stop` returns True, the picture so far, with a checkpoint beside it.

    Args:
        painting: What to paint.
        console: Where progress is shown.
        stop: Asked before every step.
        place: What to say before the step, as which picture of how many it is.

    Raises:
        SfumatoError: as `Painting.paint`.
    """
    advice = "" if painting.resume or place else advice_on_precision(painting.transfer)
    if advice:
        console.note(advice)
    with console.progress() as progress:

        def show(record: StepRecord) -> None:
            step = f"{place}scale {record.scale}/{record.scales}, step {record.step}/{record.steps}"
            progress.show(step, f"loss {record.loss:.4g}", done=record.done, seconds=record.seconds)

        result = painting.paint(callback=show, stop=stop, on_download=fetching(progress))
    for text in result.warnings:
        console.warn(f"{place}{text}")
    return result


def advice_on_precision(transfer: StyleTransfer) -> str:
    """Say what a long painting would gain from 16 bits on this processor, and how to ask for them; "" where nothing."""
    edge = transfer.size if isinstance(transfer.size, int) else LARGEST_EDGE
    if (
        transfer.engine is not None
        or edge**2 * transfer.steps < LONG
        or transfer.chosen_engine().device != "cpu"
        or not has_amx()
    ):
        return ""
    extra = "" if has_torch() else ", once pip install '.[torch]' has brought PyTorch"
    return f"this processor has AMX: --precision bfloat16 takes {SHARE_IN_BFLOAT16} the time{extra}"


def check_place(painting: Painting, output: OutputOptions, begun: Callable[[Path], Path]) -> Path:
    """Check, before any work, the file of a picture and whether it can be written: see `check_out`.

    Raises:
        InputError, FileError: if it cannot.
    """
    if not output.out:
        raise InputError("--out names no file: give it one, or leave it out")
    return check_out(painting, output.out, begun, overwrite=output.overwrite)


def fetching(progress: RunProgress) -> Callable[[int, int], None]:
    """A callback that shows the progress of a download of the network's weights."""
    began = time.perf_counter()

    def show(come: int, total: int) -> None:
        text = f"{come / 1e6:.0f} of {total / 1e6:.0f} MB"
        progress.show("fetching VGG's weights", text, done=come / total, seconds=time.perf_counter() - began)

    return show


def values_of(result: StyleResult) -> dict[str, Any]:
    """Values of a result for JSON, without its pixels."""
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
        "warnings": [in_options(text) for text in result.warnings],
        "settings": result.settings,
    }


def text_of(result: StyleResult, out: Path | None) -> str:
    """Format a result as text."""
    height, width, _ = result.picture.shape
    lines = [
        f"{width} x {height} pixels, {result.steps} steps in {duration(result.seconds)}, "
        f"{peak_memory() / 1e6:.0f} MB of memory at the peak",
        f"loss {result.loss:.4g}: content {result.content_loss:.4g}, style {result.style_loss:.4g}, "
        f"total variation {result.tv_loss:.4g}",
    ]
    return "\n".join([*lines, f"written to {out}"] if out else lines)
