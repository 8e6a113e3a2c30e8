"""The playing of one sound by `sfumato sound`, with its progress and its result as text and values."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sfumato.cli.console import Console, duration, peak_memory
from sfumato.cli.messages import in_options
from sfumato.sound.files import CutOffWarning, written_rate
from sfumato.sound.play import Playing
from sfumato.sound.result import SoundRecord, SoundResult


def perform(job: Playing, console: Console, stop: Callable[[], bool], place: str = "") -> SoundResult:
    """Play, and write the result; or, once `stop` returns True, the sound so far, with a checkpoint beside it.

    Args:
        job: What to play.
        console: Where progress is shown.
        stop: Asked before every step.
        place: What to say before the step, as which sound of how many it is.

    Returns:
        The result, among whose warnings are then the files that are cut off.

    Raises:
        SfumatoError: as `Playing.play`.
    """
    with cut_off_files(console) as cut_off, console.progress() as progress:

        def show(record: SoundRecord) -> None:
            step = f"{place}step {record.step}/{record.steps}"
            progress.show(step, f"loss {record.loss:.4g}", done=record.done, seconds=record.seconds)

        result = job.play(callback=show, stop=stop)
    for text in result.warnings:
        console.warn(f"{place}{text}")
    return replace(result, warnings=(*cut_off, *result.warnings))


def values_of(result: SoundResult, out: Path | None) -> dict[str, Any]:
    """Values of a result for JSON, without its samples; the rate is that of the file, if it is written."""
    samples, channels = result.samples.shape
    peak = float(abs(result.samples).max())
    return {
        "loss": result.loss,
        "terms": result.terms,
        "steps": result.steps,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "peak_memory_bytes": peak_memory(),
        "stopped": result.stopped,
        "warnings": [in_options(text) for text in result.warnings],
        "settings": result.settings,
        "sound": {
            "rate": _rate(result, out),
            "channels": channels,
            "seconds": samples / result.rate,
            "peak": peak,
            "gain_db": result.gain_db,
        },
    }


def _rate(result: SoundResult, out: Path | None) -> int:
    return result.rate if out is None else written_rate(out, result.rate)


def text_of(result: SoundResult, out: Path | None) -> str:
    """Format a result as text."""
    samples, channels = result.samples.shape
    terms = ", ".join(f"{kind} {value:.4g}" for kind, value in result.terms.items())
    kind = "stereo" if channels == 2 else "mono"
    lines = [
        f"{samples / result.rate:.2f} s of {kind} at {_rate(result, out)} samples a second, {result.steps} steps in "
        f"{duration(result.seconds)}, {peak_memory() / 1e6:.0f} MB of memory at the peak",
        f"loss {result.loss:.4g}: {terms}",
    ]
    if result.gain_db < 0:
        lines.append(f"made quieter by {-result.gain_db:.1f} dB, as its loudest peak would not have fitted")
    if result.settings["rate"] > result.rate:
        lines.append(f"the content has nothing above {result.rate / 2:.0f} Hz for the style to work on")
    if result.settings["rate"] < result.rate:
        lines.append(f"nothing sounds above {result.settings['rate'] / 2:.0f} Hz: see --sample-rate")
    return "\n".join([*lines, f"written to {out}"] if out else lines)


@contextmanager
def cut_off_files(console: Console) -> Iterator[list[str]]:
    """Say once of each file that is cut off that it is; yields what was said of those read within."""
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", CutOffWarning)
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, CutOffWarning):
                said.append(str(message))
                console.note_once(str(message))
            else:
                shown(message, category, *rest, **more)

        warnings.showwarning = show
        yield said
