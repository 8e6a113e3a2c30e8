"""Several contents of `sfumato style`, or a folder of them, painted into a folder."""

import errno
import os
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.cli.console import Console, duration, say
from sfumato.cli.interruption import interruptible
from sfumato.cli.messages import in_options
from sfumato.cli.options import OutputOptions
from sfumato.cli.style.painting import fetching, paint, values_of
from sfumato.errors import InputError, SfumatoError
from sfumato.outputs import files_read, identity, locked_folder
from sfumato.pictures.builtin import PREFIX
from sfumato.pictures.files import check_image_path
from sfumato.pictures.formats import LOSSY, WRITABLE, why_left_out
from sfumato.storage import check_folder, followed, refuse_planted, refuse_special
from sfumato.style.problem import StyleProblem
from sfumato.style.result import StyleResult
from sfumato.style.settings import LEAST_EDGE
from sfumato.style.stylize import Painting, checkpoint_of


@dataclass
class Outcome:
    """The results of the contents so far, without pixels.

    Attributes:
        pictures: Values of the results.
        skipped: Results that were there already.
        failed: Contents that could not be painted, and why.
        interrupted: Whether Ctrl-C ended it.
        disk_is_full: Whether that ended it.
    """

    pictures: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    interrupted: bool = False
    disk_is_full: bool = False


def wants_folder(contents: list[str], out: str | None) -> bool:
    """Whether results go into a folder: there are several contents, or a folder of them, or --out is a folder."""
    into = out and (Path(out).is_dir() or out.endswith(("/", os.sep)))
    return bool(into) or len(contents) > 1 or Path(contents[0]).is_dir()


def paint_all(job: Painting, contents: list[str], output: OutputOptions, console: Console) -> int:
    """Paint every content into the folder `output.out`, skipping what is finished there; returns the exit status.

    A content that cannot be painted does not keep the others from it: it is reported at the end, with status 2.

    Args:
        job: What all of them have in common.
        contents: Pictures, and folders of pictures.
        output: Where to, and whether to paint anew what is finished.
        console: Where to say what happens.

    Raises:
        InputError, FileError: if there is nothing to paint or no place for it, or for a setting or style that none of
            them can be painted with.
    """
    targets = result_files(contents, output.out, job.references)
    folder, left_out = Path(output.out or ""), left_out_of(contents)
    check_common(job, console)
    note_left_out(left_out, console)
    outcome = Outcome()
    try:
        with locked_folder(folder):
            _paint_each(job, targets, outcome, console, anew=output.overwrite)
    except KeyboardInterrupt:  # a second Ctrl-C, or one while the first picture was read
        _note_interrupted(console, output.overwrite)
        raise
    painted = len(outcome.pictures) - outcome.interrupted
    text = f"{painted} painted, {len(outcome.skipped)} skipped, {len(outcome.failed)} failed"
    text += f", {len(left_out)} left out" if left_out else ""
    if outcome.disk_is_full:
        console.note("the disk is full, so no other was tried; the same command goes on once there is room")
    values = {"pictures": outcome.pictures, "skipped": outcome.skipped, "failed": outcome.failed, "left_out": left_out}
    values |= {"out": output.out}
    console.result(f"{text}; written to {folder}", values)
    for failure in outcome.failed:
        say(f"sfumato: {failure['error']}", sys.stderr)
    if outcome.interrupted:
        _note_interrupted(console, output.overwrite)
        return 130
    return 2 if outcome.failed else 0


def result_files(contents: list[str], out: str | None, references: list[str]) -> list[tuple[str, Path]]:
    """Pairs of each content and its result's file.

    Args:
        contents: Pictures, and folders of pictures.
        out: The folder for the results.
        references: The other pictures that are read.

    Raises:
        InputError, FileError: if there is no such folder or no picture, a result would replace another or a picture
            to read, or a link leads to what cannot be written.
    """
    folder = _check_folder(out, contents)
    pictures = [picture for content in contents for picture in expand(content)]
    targets: dict[Path, str] = {}
    read = files_read([*pictures, *references])
    for picture in pictures:
        target = folder / result_name(picture)
        if target.is_symlink():  # what it leads to may have another ending
            target = followed(target)
            check_image_path(target)
        if target in targets:
            raise InputError(
                f"{targets[target]} and {picture}: both would become {target}; choose two folders, in two commands"
            )
        if target.exists() and identity(target) in read:
            raise InputError(f"{target}: is one of the pictures to read; name another folder for the results")
        targets[target] = picture
    return [(picture, target) for target, picture in targets.items()]


def expand(content: str) -> list[str]:
    """Pictures of a folder, by name, without subfolders and hidden files; or the picture itself.

    Raises:
        InputError: if it is a folder without pictures.
    """
    folder = Path(content)
    if not folder.is_dir():
        return [content]
    left_out = left_out_of([content])
    pictures = sorted({str(path) for path in folder.iterdir()} - {left["file"] for left in left_out})
    if not pictures:
        others = f" ({_counted(left_out)})" if left_out else ""
        raise InputError(
            f"{content}: there is no picture in this folder{others}; name one with files such as .jpg or .png"
        )
    return pictures


def left_out_of(contents: list[str]) -> list[dict[str, str]]:
    """Files in the folders among the contents that are not painted, each with the reason."""
    folders = [Path(content) for content in contents if Path(content).is_dir()]
    reasons = {path: _why_left_out(path) for folder in folders for path in sorted(folder.iterdir())}
    return [{"file": str(path), "reason": reason} for path, reason in reasons.items() if reason is not None]


def note_left_out(left_out: list[dict[str, str]], console: Console) -> None:
    """Note how many files are left out, and why."""
    if left_out:
        console.note(f"left out: {_counted(left_out)}")


def _counted(left_out: list[dict[str, str]]) -> str:
    counts = Counter(left["reason"] for left in left_out)
    return "; ".join(f"{count} ({reason})" for reason, count in counts.items())


def _why_left_out(path: Path) -> str | None:
    if path.is_file() or path.name.startswith("."):
        return why_left_out(path.name)
    return "a folder within" if path.is_dir() else "neither a file nor a folder"


def result_name(content: str) -> str:
    """Name of a content's result: the content's own, followed by .png where its ending cannot be written.

    The ending stays, as IMG_1.bmp and IMG_1.png may well lie in one folder.
    """
    name = Path(content.removeprefix(PREFIX)).name
    return name if Path(name).suffix.lower() in WRITABLE else f"{name}.png"


def check_common(job: Painting, console: Console) -> None:
    """Check everything that all contents share: layers, styles, the network's weights, the optimizer.

    Raises:
        SfumatoError: as `StyleTransfer.run`.
    """
    grey = np.full((LEAST_EDGE, LEAST_EDGE, 3), 128, np.uint8)
    with console.progress() as progress:
        StyleProblem(job.transfer, grey, job.styles, on_download=fetching(progress))
    job.transfer.chosen_optimizer()


def _check_folder(out: str | None, contents: list[str]) -> Path:
    if out == "":
        raise InputError("--out names no folder: give it one")
    if out is None:
        raise InputError("several contents, or a folder of them, need --out: the folder of the results")
    folder = Path(out)
    if folder.is_file():
        raise InputError(f"{out}: is a file; the results of several contents need a folder")
    if not folder.exists() and folder.suffix.lower() in WRITABLE:
        raise InputError(f"{out}: is the name of a picture; the results of several contents need a folder")
    if any(Path(content).is_dir() and folder.exists() and folder.samefile(content) for content in contents):
        raise InputError(f"{out}: is the folder of the contents; name another for the results")
    check_folder(out, folder if folder.exists() else folder.parent)
    return folder


def _paint_each(
    job: Painting, targets: list[tuple[str, Path]], outcome: Outcome, console: Console, *, anew: bool
) -> None:
    """Paint the contents that are not finished, in order, and note the outcome of each."""
    done = [target for _, target in targets if target.is_file() and not checkpoint_of(target).exists() and not anew]
    if done:
        console.note(f"{len(done)} of {len(targets)} are finished and left as they are; --overwrite paints them anew")
    outcome.skipped += map(str, done)
    finished = set(done)
    with interruptible(lambda: None) as interrupted:
        for number, (content, target) in enumerate(targets, 1):
            if target in finished:
                continue
            resume = checkpoint_of(target).exists() and not anew
            one = replace(job, content=content, out=target, resume=resume, quality=_quality(job, target))
            try:
                if target.is_dir():
                    raise InputError(f"{target}: is a folder; move it, or name another folder for the results")
                refuse_special(target)
                refuse_planted(checkpoint_of(target))
                result = paint(one, console, interrupted, f"{content} ({number} of {len(targets)}), ")
            except (SfumatoError, MemoryError, OSError) as error:
                outcome.failed.append({"content": content, "error": reason(content, error)})
                outcome.disk_is_full = _disk_is_full(error)
                if outcome.disk_is_full:
                    return
                continue
            outcome.pictures.append({**values_of(result), "out": str(target)})
            if not console.as_json:
                console.result(_line(result, target), {})
            if result.stopped == "interrupted":
                outcome.interrupted = True
                return


def _quality(job: Painting, target: Path) -> int | None:
    """The quality asked for, where the result's format has one."""
    return job.quality if WRITABLE[target.suffix.lower()][0] in LOSSY else None


def _disk_is_full(error: Exception) -> bool:
    """Whether the disk is full, so that no further picture could be written either."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT)


def reason(content: str, error: Exception) -> str:
    """Explain in one line, which names the content, why painting it failed."""
    text = in_options(" ".join(str(error).split())) or "not enough memory; choose a smaller --size or --memory"
    return text if text.startswith(f"{content}:") else f"{content}: {text}"


def _note_interrupted(console: Console, overwrite: bool) -> None:
    without = ", without --overwrite," if overwrite else ""
    console.note(f"interrupted; the same command{without} goes on")


def _line(result: StyleResult, target: Path) -> str:
    height, width, _ = result.picture.shape
    time = f"{result.steps} steps in {duration(result.seconds)}"
    return f"{target}: {width} x {height} pixels, {time}, loss {result.loss:.4g}"
