"""Several contents of `sfumato sound`, or a folder of them, played into a folder."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sfumato.cli.console import Console, duration, say
from sfumato.cli.interruption import interruptible
from sfumato.cli.messages import in_options
from sfumato.cli.options import OutputOptions
from sfumato.errors import InputError, SfumatoError
from sfumato.outputs import files_read, identity, locked_folder
from sfumato.sound.builtin import PREFIX
from sfumato.sound.files import SUFFIXES, WRITABLE
from sfumato.sound.play import Playing, checkpoint_of
from sfumato.sound.result import SoundResult
from sfumato.storage import check_folder, refuse_planted, refuse_special

Perform = Callable[[Playing, Callable[[], bool], str], SoundResult]
"""Plays one sound: the job, what it asks whether to stop, and what its progress says before each step."""


def wants_folder(contents: list[str | None], out: str | None) -> bool:
    """Whether results go into a folder: there are several contents, or a folder of them, or --out is a folder.

    Raises:
        InputError: for a folder where there is no content, whose name the result would have.
    """
    into = out and (Path(out).is_dir() or out.endswith(("/", os.sep)))
    first = contents[0]
    if into and first is None:
        raise InputError(f"{out}: is a folder; name the file of the texture")
    return bool(into) or len(contents) > 1 or (first is not None and Path(first).is_dir())


def play_all(
    job: Playing,
    contents: list[str],
    output: OutputOptions,
    console: Console,
    perform: Perform,
    values_of: Callable[[SoundResult], dict[str, Any]],
) -> int:
    """Play every content into the folder `output.out`, skipping what is finished there; returns the exit status.

    A content that cannot be played does not keep the others from it: it is reported at the end, with status 2.

    Raises:
        InputError, FileError: if there is nothing to play or no place for it.
    """
    folder = _check_folder(output.out, contents)
    targets, left_out = _targets(contents, folder, job)
    if left_out:
        console.note(f"left out: {len(left_out)} that are no sounds by the endings of their names")
    played: list[dict[str, Any]] = []
    skipped: list[str] = []
    failed: list[dict[str, str]] = []
    interrupted = False
    with locked_folder(folder), interruptible(lambda: None) as stop:
        for number, (content, target) in enumerate(targets, 1):
            if target.is_file() and not checkpoint_of(target).exists() and not output.overwrite:
                skipped.append(str(target))
                continue
            resume = checkpoint_of(target).exists() and not output.overwrite
            try:
                refuse_special(target)
                refuse_planted(checkpoint_of(target))
                one = replace(job, content=content, out=target, resume=resume)
                result = perform(one, stop, f"{content} ({number} of {len(targets)}), ")
            except (SfumatoError, MemoryError, OSError) as error:
                failed.append({"content": content, "error": in_options(" ".join(str(error).split()))})
                continue
            played.append({**values_of(result), "out": str(target)})
            if not console.as_json:
                console.result(_line(result, target), {})
            if result.stopped == "interrupted":
                interrupted = True
                break
    text = f"{len(played) - interrupted} played, {len(skipped)} skipped, {len(failed)} failed"
    values = {"sounds": played, "skipped": skipped, "failed": failed, "left_out": left_out, "out": output.out}
    console.result(f"{text}; written to {folder}", values)
    for failure in failed:
        say(f"sfumato: {failure['error']}", sys.stderr)
    if interrupted:
        console.note("interrupted; the same command goes on")
        return 130
    return 2 if failed else 0


def _targets(contents: list[str], folder: Path, job: Playing) -> tuple[list[tuple[str, Path]], list[str]]:
    """Pairs of each content and its result's file; and the files of folders that are left out.

    Raises:
        InputError: if there is no sound, or a result would replace another, or a sound to read.
    """
    left_out: list[str] = []
    sounds: list[str] = []
    for content in contents:
        if not Path(content).is_dir():
            sounds.append(content)
            continue
        for path in sorted(Path(content).iterdir()):
            taken = path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
            (sounds if taken else left_out).append(str(path))
    if not sounds:
        raise InputError(f"{contents[0]}: there is no sound in this folder; name one with files such as .wav or .flac")
    read, targets = files_read([*sounds, *job.files]), dict[Path, str]()
    for sound in sounds:
        name = Path(sound.removeprefix(PREFIX)).name
        target = folder / (name if Path(name).suffix.lower() in WRITABLE else f"{name}.wav")
        if target in targets:
            raise InputError(f"{targets[target]} and {sound}: both would become {target}; choose two folders")
        if target.exists() and identity(target) in read:
            raise InputError(f"{target}: is one of the sounds to read; name another folder for the results")
        targets[target] = sound
    return [(sound, target) for target, sound in targets.items()], left_out


def _check_folder(out: str | None, contents: list[str]) -> Path:
    if not out:
        raise InputError("several contents, or a folder of them, need --out: the folder of the results")
    folder = Path(out)
    if folder.is_file() or (not folder.exists() and folder.suffix.lower() in WRITABLE):
        raise InputError(f"{out}: is the name of a sound; the results of several contents need a folder")
    if any(Path(content).is_dir() and folder.exists() and folder.samefile(content) for content in contents):
        raise InputError(f"{out}: is the folder of the contents; name another for the results")
    check_folder(out, folder if folder.exists() else folder.parent)
    return folder


def _line(result: SoundResult, target: Path) -> str:
    seconds = len(result.samples) / result.rate
    return f"{target}: {seconds:.2f} s, {result.steps} steps in {duration(result.seconds)}, loss {result.loss:.4g}"
