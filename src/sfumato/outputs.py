"""Files and folders of results: which files may be replaced, and which are left as they are.

With `overwrite=True`, a single file is replaced, whoever made it, unless it is an input of the same run. In a folder,
the files of the run before are replaced, which a list in that folder names, and everything else is left.
"""

import contextlib
import os
import platform
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from sfumato.errors import FileError, InputError
from sfumato.storage import (
    check_place,
    followed,
    load_header,
    make_anew,
    refuse_planted,
    refuse_special,
    write_atomically,
)

LIST = ".sfumato-files"
"""The file in a run's folder that names the files that the run writes there, a line each."""

LOCK = ".sfumato-lock"
"""The file in a folder that a run holds while it writes there."""

NO_FOLDER = "this folder cannot be written to"

MODEL, CHECKPOINT = "model.safetensors", "checkpoint.safetensors"
FIGURES = ("cost.png", "confusion.png", "boundary.png", "weights.png")
RUN = (MODEL, CHECKPOINT, "history.csv", "report.txt", "config.json", *FIGURES)
"""Files that `train` may write into a folder."""

DATABASE = "study.db"
SEARCH = (DATABASE, "trials.csv", "report.txt", "search.png", "importance.png")
"""Files that `tune` may write into a folder, beside that of its best run."""

BEST = "best"
"""The folder, in that of a search, of its best run."""


def write_output(path: str | None, text: str, *, overwrite: bool, inputs: Iterable[str | None] = ()) -> None:
    """Write a command's answer to a file, if one was asked for."""
    if path is None:
        return
    check_output(path, overwrite=overwrite, inputs=inputs)
    write_atomically(Path(path), text if text.endswith("\n") else text + "\n")


def check_output(path: str | None, *, overwrite: bool, inputs: Iterable[str | None] = ()) -> None:
    """Refuse, before any work is done, an output that exists already, is read by the command or cannot be written.

    Raises:
        InputError, FileError: if so.
    """
    if path is None:
        return
    if not path:
        raise InputError("out=... names no file: give it one, or leave it out")
    if is_input(followed(Path(path)), inputs):
        raise InputError(f"{path}: is an input of this command; name another file for the result")
    refuse_claimed(Path(path))
    check_place(Path(path), overwrite=overwrite)


def refuse_both(*, resume: bool, overwrite: bool) -> None:
    """Refuse to go on with a run and to begin it anew at once.

    Raises:
        InputError: if both are asked for.
    """
    if resume and overwrite:
        raise InputError("overwrite=True and resume=True contradict each other: choose one")


def check_unfinished(kind: str, path: Path, begun: Path, *, resume: bool, overwrite: bool) -> None:
    """Check, before any work, that an output's checkpoint can be written, and is there if the run shall resume.

    Args:
        kind: What the output is, such as "picture".
        path: The output.
        begun: What lies beside it until it is finished.
        resume: Whether to go on with it.
        overwrite: Whether to begin it anew.

    Raises:
        InputError, FileError: if not.
    """
    beside = path.with_name(f".{begun.name}.part")  # the longest name that will be written
    try:
        make_anew(beside)
        beside.unlink()
    except OSError as error:
        raise FileError(f"{path}: cannot be written there ({error.strerror}); choose another place") from error
    refuse_planted(begun)
    if resume and not begun.exists():
        finished = "is finished; to make it anew, use overwrite=True"
        state = finished if path.exists() else "was not begun; leave out resume=True"
        raise InputError(f"{path}: there is nothing to go on with: the {kind} {state}")
    if begun.exists() and not (resume or overwrite):
        raise InputError(
            f"{path}: was begun and not finished; add resume=True to go on, or overwrite=True to begin anew"
        )


def is_input(path: Path, inputs: Iterable[str | None]) -> bool:
    """Whether a file is one of a command's inputs, by whatever name."""
    return path.exists() and identity(path) in files_read(inputs)


def refuse_claimed(path: Path) -> None:
    """Refuse an output that another run will write: a file on its list, or the folder of a search's best run.

    Raises:
        InputError: if so.
    """
    from filelock import FileLock, Timeout

    place = followed(path)
    lock = place.parent / LOCK
    if not lock.is_file() or place.name not in {*(_listed(place.parent) or ()), BEST}:
        return
    try:
        with FileLock(lock, mode=0o644).acquire(blocking=False):
            return
    except Timeout:
        if _process(lock) != (str(os.getpid()), platform.node()):  # a search writes its best run itself
            raise _busy(path, lock) from None
    except OSError:  # of a folder that cannot be written to, which `check_place` refuses
        return


def files_read(inputs: Iterable[str | None]) -> set[tuple[int, int]]:
    """The identities of the files that a command reads: of a run's folder the model, of a folder of IDX its files."""
    files: list[Path] = []
    for path in (Path(name) for name in inputs if name):
        with contextlib.suppress(
            OSError, ValueError
        ):  # what can be no name of a file is the name of a data set, or wrong
            files += [*path.glob(MODEL), *path.glob("*ubyte*")] if path.is_dir() else [path] * path.exists()
    return {identity(path) for path in files}


def identity(path: Path) -> tuple[int, int]:
    """Identity of a file (device and inode), the same under any of its names."""
    status = path.stat()
    return status.st_dev, status.st_ino


def our_files(folder: Path) -> set[str]:
    """Names of the files in a folder that a run has written: those on its list.

    Version 0.1.0 kept no list; in a folder with its model, checkpoint or search, the names that it wrote are taken.
    """
    names = _listed(folder)
    if names is None:
        run = RUN if any(_is_tensors(folder / name) for name in (MODEL, CHECKPOINT)) else ()
        names = {*run, *(SEARCH if _is_search(folder / DATABASE) else ())}
    return {name for name in names if Path(name).name == name and os.path.lexists(folder / name)}


def _listed(folder: Path) -> set[str] | None:
    """The names on a folder's list; None if it has none."""
    try:
        return set((folder / LIST).read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError:
        return None


def _is_tensors(path: Path) -> bool:
    try:
        load_header(path)
    except FileError:
        return False
    return True


def _is_search(path: Path) -> bool:
    """Whether a file is a database of `sfumato tune`."""
    if not path.is_file():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            names = [name for (name,) in connection.execute("select study_name from studies")]
    except sqlite3.Error:
        return False
    return all(name.startswith("sfumato ") for name in names)


def check_files(folder: Path, names: Iterable[str], inputs: Iterable[str | None]) -> None:
    """Refuse to write into a folder if that would overwrite files of no run, or the command's own inputs.

    Args:
        folder: The folder, which need not be there.
        names: The files to write; those of the run before are replaced, or removed.
        inputs: What the command reads.

    Raises:
        InputError, FileError: if so.
    """
    ours, read = our_files(folder), files_read(inputs)
    for path in (folder / name for name in sorted({*ours, *names}) if os.path.lexists(folder / name)):
        if path.exists() and identity(path) in read:
            raise InputError(f"{path}: is an input of this command; name another folder for the results")
        if path.name not in ours or path.is_dir():
            raise InputError(
                f"{path}: was made by no run and stands in the way of one; move it, or name another folder"
            )
        refuse_special(path)


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder, which is made if need be, and removed again if it stays empty.

    Raises:
        InputError: if another run is at work there.
        FileError: if the folder cannot be made or written to.
    """
    refuse_claimed(folder)
    made = not folder.exists()
    try:
        with _explained(folder, NO_FOLDER):
            folder.mkdir(parents=True, exist_ok=True)
        refuse_planted(folder / LIST)
        with _locked(folder, folder / LOCK, NO_FOLDER):
            yield
    finally:
        if made:
            with contextlib.suppress(OSError):  # of a folder that is not empty
                folder.rmdir()


@contextlib.contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Keep other runs from a file that is to be written, and what lies beside it until then.

    Raises:
        InputError: if another run is at work on it.
        FileError: if nothing can be written there.
    """
    refuse_claimed(path)
    place = followed(path)
    if not place.parent.is_dir() or place.is_dir():  # `check_place` refuses these, with what to do
        yield
        return
    with _locked(path, place.with_name(f".{place.name}.lock"), "cannot be written there"):
        yield


@contextlib.contextmanager
def _locked(out: Path, place: Path, unwritable: str) -> Iterator[None]:
    """Hold the lock of an output, which ends with this process, however that ends."""
    from filelock import FileLock, Timeout

    refuse_planted(place)
    lock = FileLock(place, mode=0o644)
    try:
        with _explained(out, unwritable):  # what cannot be made would be taken for held
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o644))
        lock.acquire(blocking=False)
    except Timeout:
        raise _busy(out, place) from None
    try:
        with contextlib.suppress(OSError):  # of a full disk: another run is then not told which process holds it
            place.write_text(f"{os.getpid()} {platform.node()}", encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):  # of Windows, where an open file cannot be removed
            place.unlink()
        lock.release()


def _busy(out: Path, lock: Path) -> InputError:
    """Make the error of an output at which another run is at work, which holds a lock."""
    process, machine = _process(lock)
    known = f" (process {process}{f' on {machine}' if machine != platform.node() else ''})" if process else ""
    return InputError(f"{out}: another run{known} is writing there; wait until it has ended, or name another")


def _process(lock: Path) -> tuple[str, str]:
    """The number and the machine of the process that wrote itself into a lock; "" if it cannot be read."""
    try:
        process, _, machine = lock.read_text(encoding="utf-8").partition(" ")
    except (OSError, ValueError):
        return "", ""
    return (process, machine) if process.isdecimal() else ("", "")


@contextlib.contextmanager
def _explained(out: Path, unwritable: str) -> Iterator[None]:
    """Say of an output that it cannot be written, and why."""
    try:
        yield
    except OSError as error:
        reason = (error.__cause__ or error) if isinstance(error, FileError) else error
        said = getattr(reason, "strerror", None) or reason
        raise FileError(f"{out}: {unwritable} ({said}); choose another place") from error


@contextlib.contextmanager
def writing_into(folder: Path, names: Iterable[str]) -> Iterator[None]:
    """Keep the list of a folder's files; an error before the first file leaves the list as it was.

    Raises:
        FileError: if the folder cannot be written to.
    """
    before, ours = _names(folder), our_files(folder)
    listed = (folder / LIST).read_bytes() if (folder / LIST).is_file() else None
    try:
        with _explained(folder, NO_FOLDER):
            keep_list(folder, {*ours, *names})
        yield
    except BaseException:
        if _names(folder) == before:
            if listed is not None:
                write_atomically(folder / LIST, listed)
            else:
                (folder / LIST).unlink(missing_ok=True)
        raise


def _names(folder: Path) -> set[str]:
    """Names of the folder's entries, except the list and the lock."""
    return {path.name for path in folder.iterdir()} - {LIST, LOCK}


def is_filled(folder: Path) -> bool:
    """Whether a folder holds more than what a run keeps hidden there."""
    return any(not path.name.startswith(".") for path in folder.iterdir())


def keep_list(folder: Path, names: Iterable[str]) -> None:
    """Write the list of a run's files into its folder."""
    write_atomically(folder / LIST, "".join(f"{name}\n" for name in sorted(names)))


def remove_ours(folder: Path, but: Iterable[str] = ()) -> None:
    """Remove a run's files from a folder, except those of some names."""
    for name in our_files(folder) - {*but}:
        (folder / name).unlink(missing_ok=True)


def remove_run(folder: Path) -> None:
    """Remove a run from a folder, with its list, and the folder itself if nothing else is in it."""
    remove_ours(folder)
    (folder / LIST).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # of a folder that is not empty, or not there
        folder.rmdir()
