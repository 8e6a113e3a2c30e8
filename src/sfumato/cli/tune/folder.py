"""The folder of a search."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from sfumato.cli.options import OutputOptions
from sfumato.errors import InputError
from sfumato.outputs import (
    BEST,
    DATABASE,
    SEARCH,
    check_files,
    is_filled,
    locked_folder,
    remove_ours,
    remove_run,
    writing_into,
)


@contextlib.contextmanager
def open_folder(
    output: OutputOptions, resume: bool, inputs: list[str | None], best_files: Iterable[str]
) -> Iterator[Path | None]:
    """Make the folder of a search, or raise an error before any work if that cannot be done.

    Args:
        output: Where it is to be, and whether a search that is there may be replaced.
        resume: Whether to go on with the search that is there.
        inputs: What the search reads.
        best_files: The names of the files that the run of the best will leave.

    Raises:
        InputError, FileError: if it cannot be had.
    """
    if output.overwrite and resume:
        raise InputError("--overwrite and --resume contradict each other: choose one")
    if output.out is None:
        if resume:
            raise InputError("--resume needs --out: the folder of the search to go on with")
        yield None
        return
    folder = Path(output.out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; --out names the folder of a search")
    with locked_folder(folder):
        if is_filled(folder):
            _check_folder(folder, overwrite=output.overwrite, resume=resume)
        check_files(folder, SEARCH, inputs)
        check_files(folder / BEST, best_files, inputs)
        with writing_into(folder, SEARCH):
            if output.overwrite:
                remove_ours(folder)
                remove_run(folder / BEST)
            yield folder


def _check_folder(folder: Path, *, overwrite: bool, resume: bool) -> None:
    if resume and not (folder / DATABASE).exists():
        raise InputError(f"{folder}: holds files, but no {DATABASE} to go on from; name the folder of a search")
    if not resume and not overwrite:
        raise InputError(f"{folder}: is not empty; add --resume to go on, or --overwrite to begin anew")


def database_in(folder: Path | None, scratch: str | None) -> str | None:
    """URL of a database beside the results; of a temporary one, if several processes need it; else None."""
    place = folder or (scratch and Path(scratch))
    return f"sqlite:///{place.resolve() / DATABASE}" if place else None
