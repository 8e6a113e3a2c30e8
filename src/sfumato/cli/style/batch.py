"""Several contents of `sfumato style`, or a folder of them, painted into a folder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.cli.console import Console, duration
from sfumato.cli.folders import Kind, Task, make_all
from sfumato.cli.options import OutputOptions
from sfumato.cli.style.painting import fetching, paint, values_of
from sfumato.pictures.builtin import PREFIX
from sfumato.pictures.files import check_image_path
from sfumato.pictures.formats import LOSSY, WRITABLE, why_left_out
from sfumato.style.problem import StyleProblem
from sfumato.style.result import StyleResult
from sfumato.style.settings import LEAST_EDGE
from sfumato.style.stylize import Painting, checkpoint_of

PICTURES = Kind(
    thing="picture",
    made="painted",
    endings=WRITABLE,
    examples=".jpg or .png",
    prefix=PREFIX,
    smaller="a smaller --size or --memory",
    why_left_out=why_left_out,
    check_ending=check_image_path,
    checkpoint_of=checkpoint_of,
)


def paint_all(job: Painting, contents: list[str], output: OutputOptions, console: Console) -> int:
    """Paint every content into the folder `output.out`, see `make_all`; returns the exit status.

    Args:
        job: What all of them have in common.
        contents: Pictures, and folders of pictures.
        output: Where to, and whether to paint anew what is finished.
        console: Where to say what happens.

    Raises:
        InputError, FileError: if there is nothing to paint or no place for it, or for a setting or style that none of
            them can be painted with.
    """

    def make(task: Task) -> tuple[dict[str, Any], str]:
        quality = job.quality if _has_quality(task.target) else None
        one = replace(job, content=task.content, out=task.target, resume=task.resume, quality=quality)
        result = paint(one, console, task.stop, task.place)
        return values_of(result), _line(result)

    return make_all(PICTURES, contents, job.references, output, console, lambda: check_common(job, console), make)


def check_common(job: Painting, console: Console) -> None:
    """Check everything that all contents share: layers, styles, the network's weights, the optimizer.

    Raises:
        SfumatoError: as `StyleTransfer.run`.
    """
    grey = np.full((LEAST_EDGE, LEAST_EDGE, 3), 128, np.uint8)
    common = replace(job.transfer, quiet_ground=0.0, content_mask=None)  # which are of each content's own
    with console.progress() as progress:
        StyleProblem(common, grey, job.styles, on_download=fetching(progress))
    job.transfer.chosen_optimizer()


def _has_quality(target: Path) -> bool:
    """Whether a result's format has a quality."""
    return WRITABLE[target.suffix.lower()][0] in LOSSY


def _line(result: StyleResult) -> str:
    height, width, _ = result.picture.shape
    time = f"{result.steps} steps in {duration(result.seconds)}"
    return f"{width} x {height} pixels, {time}, loss {result.loss:.4g}"
