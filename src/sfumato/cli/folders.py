"""Several contents, or folders of them, made one by one into a folder: what painting and playing share."""

import errno
import os
import sys
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sfumato.cli.console import Console, say
from sfumato.cli.interruption import interruptible
from sfumato.cli.messages import in_options
from sfumato.cli.options import OutputOptions
from sfumato.errors import InputError, SfumatoError
from sfumato.outputs import files_read, identity, locked_folder
from sfumato.storage import check_folder, followed, refuse_planted, refuse_special


class Kind(NamedTuple):
    """Words and rules of a command that makes results of contents.

    Attributes:
        thing: What is read and written, such as "picture".
        made: What is done with it, such as "painted".
        endings: Those of the names of results; another is followed by the first of them.
        examples: Endings to name where there is nothing to read.
        prefix: What the names of built-in contents begin with.
        smaller: What to choose where the memory does not suffice.
        why_left_out: Says why a file of a folder is not read, by its name; None if it is read.
        check_ending: Refuses a file, by its name, that no result can be written to.
        checkpoint_of: Path of what lies beside a result until it is finished.
    """

    thing: str
    made: str
    endings: Collection[str]
    examples: str
    prefix: str
    smaller: str
    why_left_out: Callable[[str], str | None]
    check_ending: Callable[[Path], None]
    checkpoint_of: Callable[[Path], Path]


class Task(NamedTuple):
    """One of the contents, to be made.

    Attributes:
        content: Its name.
        target: The file of its result.
        resume: Whether to go on with what was begun.
        stop: Asked before each step whether to stop.
        place: What to say before each step: which content it is, of how many.
    """

    content: str
    target: Path
    resume: bool
    stop: Callable[[], bool]
    place: str


Make = Callable[[Task], tuple[dict[str, Any], str]]
"""Makes one content; returns the values of its result, and what to say of it in a line."""


@dataclass
class Outcome:
    """The results of the contents so far.

    Attributes:
        results: Their values.
        skipped: Results that were there already.
        failed: Contents that could not be made, and why.
        interrupted: Whether Ctrl-C ended it.
        disk_is_full: Whether that ended it.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    interrupted: bool = False
    disk_is_full: bool = False


def wants_folder(contents: list[str], out: str | None) -> bool:
    """Whether results go into a folder: there are several contents, or a folder of them, or --out is a folder."""
    return is_folder(out) or len(contents) > 1 or Path(contents[0]).is_dir()


def is_folder(out: str | None) -> bool:
    """Whether --out is a folder, or by its name shall be one."""
    return bool(out) and (Path(str(out)).is_dir() or str(out).endswith(("/", os.sep)))


def make_all(
    kind: Kind,
    contents: list[str],
    references: Collection[str],
    output: OutputOptions,
    console: Console,
    check: Callable[[], None],
    make: Make,
) -> int:
    """Make every content into the folder `output.out`, skipping what is finished there; returns the exit status.

    A content that cannot be made does not keep the others from it: it is reported at the end, with status 2.

    Args:
        kind: What is made.
        contents: Files, and folders of files.
        references: The other files that are read.
        output: Where to, and whether to make anew what is finished.
        console: Where to say what happens.
        check: Checks all that the contents have in common, before anything is made.
        make: Makes one.

    Raises:
        InputError, FileError: if there is nothing to make or no place for it, or by `check`.
    """
    targets = result_files(kind, contents, output.out, references)
    left_out = left_out_of(kind, contents)
    check()
    note_left_out(left_out, console)
    outcome = Outcome()
    try:
        with locked_folder(Path(output.out or "")):
            _make_each(kind, targets, outcome, console, make, anew=output.overwrite)
    except KeyboardInterrupt:  # a second Ctrl-C, or one while the first content was read
        _note_interrupted(console, output.overwrite)
        raise
    made = len(outcome.results) - outcome.interrupted
    text = f"{made} {kind.made}, {len(outcome.skipped)} skipped, {len(outcome.failed)} failed"
    text += f", {len(left_out)} left out" if left_out else ""
    if outcome.disk_is_full:
        console.note("the disk is full, so no other was tried; the same command goes on once there is room")
    values = {f"{kind.thing}s": outcome.results, "skipped": outcome.skipped, "failed": outcome.failed}
    console.result(f"{text}; written to {Path(output.out or '')}", {**values, "left_out": left_out, "out": output.out})
    for failure in outcome.failed:
        say(f"sfumato: {failure['error']}", sys.stderr)
    if outcome.interrupted:
        _note_interrupted(console, output.overwrite)
        return 130
    return 2 if outcome.failed else 0


def result_files(
    kind: Kind, contents: list[str], out: str | None, references: Collection[str]
) -> list[tuple[str, Path]]:
    """Pairs of each content and its result's file.

    Args:
        kind: What is made.
        contents: Files, and folders of files.
        out: The folder for the results.
        references: The other files that are read.

    Raises:
        InputError, FileError: if there is no such folder or nothing to read, a result would replace another or a file
            to read, or a link leads to what cannot be written.
    """
    folder = _check_folder(kind, out, contents)
    files = [file for content in contents for file in expand(kind, content)]
    targets: dict[Path, str] = {}
    read = files_read([*files, *references])
    for file in files:
        target = folder / _result_name(kind, file)
        if target.is_symlink():  # what it leads to may have another ending
            target = followed(target)
            kind.check_ending(target)
        if target in targets:
            raise InputError(
                f"{targets[target]} and {file}: both would become {target}; choose two folders, in two commands"
            )
        if target.exists() and identity(target) in read:
            raise InputError(f"{target}: is one of the {kind.thing}s to read; name another folder for the results")
        targets[target] = file
    return [(file, target) for target, file in targets.items()]


def expand(kind: Kind, content: str) -> list[str]:
    """Files of a folder that are read, by name, without subfolders and hidden files; or the file itself.

    Raises:
        InputError: if it is a folder without any.
    """
    folder = Path(content)
    if not folder.is_dir():
        return [content]
    left_out = left_out_of(kind, [content])
    files = sorted({str(path) for path in folder.iterdir()} - {left["file"] for left in left_out})
    if not files:
        others = f" ({_counted(left_out)})" if left_out else ""
        raise InputError(
            f"{content}: there is no {kind.thing} in this folder{others}; name one with files such as {kind.examples}"
        )
    return files


def left_out_of(kind: Kind, contents: list[str]) -> list[dict[str, str]]:
    """Files in the folders among the contents that are not read, each with the reason."""
    folders = [Path(content) for content in contents if Path(content).is_dir()]
    reasons = {path: _why_left_out(kind, path) for folder in folders for path in sorted(folder.iterdir())}
    return [{"file": str(path), "reason": reason} for path, reason in reasons.items() if reason is not None]


def note_left_out(left_out: list[dict[str, str]], console: Console) -> None:
    """Note how many files are left out, and why."""
    if left_out:
        console.note(f"left out: {_counted(left_out)}")


def reason(kind: Kind, content: str, error: Exception) -> str:
    """Explain in one line, which names the content, why it could not be made."""
    text = in_options(" ".join(str(error).split())) or f"not enough memory; choose {kind.smaller}"
    return text if text.startswith(f"{content}:") else f"{content}: {text}"


def _counted(left_out: list[dict[str, str]]) -> str:
    counts = Counter(left["reason"] for left in left_out)
    return "; ".join(f"{count} ({reason})" for reason, count in counts.items())


def _why_left_out(kind: Kind, path: Path) -> str | None:
    if path.is_file() or path.name.startswith("."):
        return "hidden" if path.name.startswith(".") else kind.why_left_out(path.name)
    return "a folder within" if path.is_dir() else "neither a file nor a folder"


def _result_name(kind: Kind, content: str) -> str:
    """Name of a content's result: the content's own, followed by an ending where its own cannot be written.

    Its own stays, as IMG_1.bmp and IMG_1.png may well lie in one folder.
    """
    name = Path(content.removeprefix(kind.prefix)).name
    return name if Path(name).suffix.lower() in kind.endings else name + next(iter(kind.endings))


def _check_folder(kind: Kind, out: str | None, contents: list[str]) -> Path:
    if out == "":
        raise InputError("--out names no folder: give it one")
    if out is None:
        raise InputError("several contents, or a folder of them, need --out: the folder of the results")
    folder = Path(out)
    if folder.is_file():
        raise InputError(f"{out}: is a file; the results of several contents need a folder")
    if not folder.exists() and folder.suffix.lower() in kind.endings:
        raise InputError(f"{out}: is the name of a {kind.thing}; the results of several contents need a folder")
    if any(Path(content).is_dir() and folder.exists() and folder.samefile(content) for content in contents):
        raise InputError(f"{out}: is the folder of the contents; name another for the results")
    check_folder(out, folder if folder.exists() else folder.parent)
    return folder


def _make_each(
    kind: Kind, targets: list[tuple[str, Path]], outcome: Outcome, console: Console, make: Make, *, anew: bool
) -> None:
    """Make the contents that are not finished, in order, and note the outcome of each."""
    begun = {target: kind.checkpoint_of(target) for _, target in targets}
    done = [target for target in begun if target.is_file() and not begun[target].exists() and not anew]
    if done:
        console.note(f"{len(done)} of {len(targets)} are finished and left as they are; --overwrite makes them anew")
    outcome.skipped += map(str, done)
    finished = set(done)
    with interruptible(lambda: None) as interrupted:
        for number, (content, target) in enumerate(targets, 1):
            if target in finished:
                continue
            resume = begun[target].exists() and not anew
            task = Task(content, target, resume, interrupted, f"{content} ({number} of {len(targets)}), ")
            try:
                if target.is_dir():
                    raise InputError(f"{target}: is a folder; move it, or name another folder for the results")
                refuse_special(target)
                refuse_planted(begun[target])
                kind.check_ending(target)
                values, line = make(task)
            except (SfumatoError, MemoryError, OSError) as error:
                outcome.failed.append({"content": content, "error": reason(kind, content, error)})
                outcome.disk_is_full = _disk_is_full(error)
                if outcome.disk_is_full:
                    return
                continue
            outcome.results.append({**values, "out": str(target)})
            if not console.as_json:
                console.result(f"{target}: {line}", {})
            if values["stopped"] == "interrupted":
                outcome.interrupted = True
                return


def _disk_is_full(error: Exception) -> bool:
    """Whether the disk is full, so that no further result could be written either."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT)


def _note_interrupted(console: Console, overwrite: bool) -> None:
    without = ", without --overwrite," if overwrite else ""
    console.note(f"interrupted; the same command{without} goes on")
