"""`sfumato style --estimate`: the memory and time of a job, before anything is painted."""

import sys
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from sfumato.checks import bytes_as_text
from sfumato.cli.console import Console, duration, say
from sfumato.cli.folders import expand, left_out_of, note_left_out, reason
from sfumato.cli.style.batch import PICTURES, check_common
from sfumato.cli.style.grid import check_grid
from sfumato.cli.style.painting import fetching
from sfumato.errors import SfumatoError
from sfumato.style.sheet import weights_around
from sfumato.style.stylize import Painting
from sfumato.style.tiles.estimate import Estimate


class Task(NamedTuple):
    """One of the pictures to paint, once or several times.

    Attributes:
        name: The picture that makes it differ from the others.
        job: What to paint.
        times: How often.
    """

    name: str
    job: Painting
    times: int = 1


def tell_estimate(job: Painting, contents: list[str], console: Console, *, grid: bool) -> int:
    """Estimate the cost of painting and print it; nothing is written. Returns the exit status.

    Args:
        job: What all contents have in common.
        contents: Pictures, and folders of pictures.
        console: Where to say it.
        grid: Estimate a contact sheet: each style by itself, with each weight.

    Raises:
        SfumatoError: as `StyleTransfer.estimate`, if there is but one picture; for what concerns all of several.
    """
    if grid:
        check_grid(job, contents)
        columns = len(weights_around(job.transfer.style_weight))
        tasks = [Task(str(name), replace(job, styles=[(name, 1.0)]), columns) for name, _ in job.styles]
    else:
        tasks = [Task(name, replace(job, content=name)) for content in contents for name in expand(PICTURES, content)]
    if len(tasks) == 1 and tasks[0].times == 1:
        estimate = _estimate(tasks[0].job, console)
        console.result(_text(estimate), _values(estimate))
        return 0
    check_common(job, console)
    return _tell_several(tasks, left_out_of(PICTURES, contents), console)


def _tell_several(tasks: list[Task], left_out: list[dict[str, str]], console: Console) -> int:
    """Print the estimates of each task and of all together."""
    note_left_out(left_out, console)
    told: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    memory, seconds = 0, 0.0
    for task in tasks:
        try:
            estimate = _estimate(task.job, console)
        except SfumatoError as error:
            failed.append({"content": task.name, "error": reason(PICTURES, task.name, error)})
            continue
        memory, seconds = max(memory, estimate.memory_bytes), seconds + task.times * estimate.seconds
        if console.as_json:
            told.append({"content": task.name, "times": task.times, **_values(estimate)})
        else:
            times = f"{task.times} times " if task.times > 1 else ""
            console.result(f"{task.name}: {times}{_text(estimate)}", {})
    values = {"pictures": told, "failed": failed, "left_out": left_out, "memory_bytes": memory, "seconds": seconds}
    console.result(f"in all {_expected(seconds, memory)} at the peak", values)
    for failure in failed:
        say(f"sfumato: {failure['error']}", sys.stderr)
    return 2 if failed else 0


def _estimate(job: Painting, console: Console) -> Estimate:
    with console.progress() as progress:
        return job.transfer.estimate(job.content, job.styles, masks=job.masks, on_download=fetching(progress))


def _values(estimate: Estimate) -> dict[str, Any]:
    return {**asdict(estimate), "plan": estimate.plan._asdict()}


def _text(estimate: Estimate) -> str:
    tiles = "in one piece" if estimate.tiles == 1 else f"in {estimate.tiles} tiles"
    return (
        f"{estimate.width} x {estimate.height} pixels, {tiles}: {_expected(estimate.seconds, estimate.memory_bytes)} "
        f"({bytes_as_text(estimate.allowed_bytes)} are allowed; "
        f"--size {estimate.largest_size} is the largest that fits)"
    )


def _expected(seconds: float, memory: int) -> str:
    return f"about {duration(seconds)} if every scale takes all its steps, and about {bytes_as_text(memory)} of memory"
