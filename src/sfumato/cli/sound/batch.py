"""Several contents of `sfumato sound`, or a folder of them, played into a folder."""

from dataclasses import replace
from functools import partial
from typing import Any

from sfumato.cli.console import Console, duration
from sfumato.cli.folders import Kind, Task, make_all
from sfumato.cli.options import OutputOptions
from sfumato.cli.sound.playing import cut_off_files, perform, values_of
from sfumato.sound.builtin import PREFIX
from sfumato.sound.files import WRITABLE, check_format, why_left_out
from sfumato.sound.play import Playing, checkpoint_of
from sfumato.sound.result import SoundResult


def play_all(job: Playing, contents: list[str], output: OutputOptions, console: Console) -> int:
    """Play every content into the folder `output.out`, see `make_all`; returns the exit status.

    Raises:
        InputError, FileError: if there is nothing to play or no place for it, or for a style, a sound to start from or
            an optimizer that none of them can be played with.
    """

    def make(task: Task) -> tuple[dict[str, Any], str]:
        one = replace(job, content=task.content, out=task.target, resume=task.resume)
        result = perform(one, console, task.stop, task.place)
        return values_of(result, task.target), _line(result)

    def check() -> None:
        with cut_off_files(console):
            job.check_common()

    sounds = Kind(
        thing="sound",
        made="played",
        endings=WRITABLE,
        examples=".wav or .flac",
        prefix=PREFIX,
        smaller="fewer --seconds or a smaller --memory",
        why_left_out=why_left_out,
        check_ending=partial(check_format, bits=job.bits),
        checkpoint_of=checkpoint_of,
    )
    return make_all(sounds, contents, job.files, output, console, check, make)


def _line(result: SoundResult) -> str:
    seconds = len(result.samples) / result.rate
    return f"{seconds:.2f} s, {result.steps} steps in {duration(result.seconds)}, loss {result.loss:.4g}"
