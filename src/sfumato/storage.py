"""Atomic files: written completely or not at all.

Tensors are stored as safetensors: names, shapes and numbers, with a header of text. Nothing is ever unpickled, so a
file from a stranger can be wrong, but cannot run anything.
"""

import contextlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from sfumato.arrays import Array
from sfumato.errors import FileError, InputError

HEADER = "sfumato"


def followed(path: Path) -> Path:
    """Resolve a path's links: the target of a link is written, and the link stays a link."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def refuse_special(path: Path) -> None:
    """Refuse to replace anything but a regular file, such as a device.

    Raises:
        FileError: if it is a device, a pipe, a socket or a link that leads to itself.
    """
    if followed(path).is_symlink():
        raise FileError(f"{path}: is a link that leads to itself; name another file")
    if path.exists() and not path.is_file() and not path.is_dir():
        raise FileError(f"{path}: is a device or a pipe, which no file can replace; name a file")


def check_place(path: Path, *, overwrite: bool) -> None:
    """Refuse, before any work is done, a file that exists already or cannot be written.

    Raises:
        InputError, FileError: if the file exists or cannot be written.
    """
    refuse_special(path)
    place = followed(path)
    if place.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if place.exists() and not overwrite:
        raise InputError(f"{path}: exists already; add overwrite=True to replace it, or name another")
    check_folder(path, place.parent)


def check_folder(path: Path | str, folder: Path) -> None:
    """Refuse an output whose folder does not exist or cannot be written to.

    Raises:
        InputError: if the folder is missing or cannot be written to.
    """
    if not folder.is_dir():
        raise InputError(f"{path}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path}: the folder {folder} cannot be written to; choose another")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file beside its place within, and then rename it: a crash or a full disk leaves the old file.

    Nothing stays beside it either, be it that the disk is full or that someone presses Ctrl-C. Links are followed, and
    only regular files are replaced.

    Yields:
        Where to write.

    Raises:
        FileError: if it cannot be written.
    """
    refuse_special(path)
    place = followed(path)
    beside = place.with_name(
        f".{place.name}.part"
    )  # always the same, so that a killed write's remains are written over
    try:
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(place)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        if not isinstance(error, OSError | safetensors.SafetensorError):
            raise
        cause = error if isinstance(error, OSError) else _as_os_error(error)
        raise FileError(f"{path}: cannot be written ({cause.strerror or cause}); nothing was changed") from cause


def _as_os_error(error: safetensors.SafetensorError) -> OSError:
    """Convert safetensors' error, which is a text, to the system's error, with its number if the text names it."""
    reason = re.sub(r".*I/O error: | \(os error \d+\)", "", str(error))
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), reason, None, int(number[1])) if number else OSError(reason)  # the last is Windows'


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file completely or not at all, see `replacing`.

    Raises:
        FileError: if it cannot be written.
    """
    with replacing(path) as beside:
        beside.write_bytes(data.encode() if isinstance(data, str) else data)


def save_tensors(path: Path, tensors: Mapping[str, Array], header: Mapping[str, Any]) -> int:
    """Write named arrays as safetensors with `header` as JSON in the metadata; returns the number of bytes."""
    # The library stores a view's memory in the order it lies in, so views are straightened first
    straight = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    with replacing(path) as beside:  # from where the arrays lie: a large picture's state is not held twice
        safetensors.numpy.save_file(straight, beside, metadata={HEADER: json.dumps(header)})
    return path.stat().st_size


def load_tensors(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Load named arrays and the header from a file that `save_tensors` wrote.

    Raises:
        FileError: if the file is missing, damaged, or not one of Sfumato's.
    """
    with _opened(path) as file:
        metadata, names = file.metadata() or {}, file.keys()
    tensors = {}
    for name in names:
        with _opened(path) as file:  # for each alone: what has been read of an open file counts as memory
            tensors[name] = file.get_tensor(name)
    return tensors, _header(path, metadata)


def load_header(path: Path) -> dict[str, Any]:
    """Load the header alone from a file that `save_tensors` wrote.

    Raises:
        FileError: if the file is missing, damaged, or not one of Sfumato's.
    """
    with _opened(path) as file:
        metadata = file.metadata() or {}
    return _header(path, metadata)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if path.is_dir():
        raise FileError(f"{path}: is a folder, not a file")
    if not path.is_file():
        raise FileError(f"{path}: no such file")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            yield file
    except (safetensors.SafetensorError, OSError, ValueError, TypeError) as error:
        raise FileError(f"{path}: not a whole safetensors file ({error})") from error


def _header(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        header = json.loads(metadata[HEADER])
    except (KeyError, json.JSONDecodeError) as error:
        raise FileError(f"{path}: a safetensors file, but not one that Sfumato wrote") from error
    if not isinstance(header, dict):
        raise FileError(f"{path}: a safetensors file, but not one that Sfumato wrote")
    return header


def dump(values: dict[str, Any]) -> str:
    """JSON with not-a-number as null, since JSON has no such number."""
    return json.dumps(_plain(values), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
