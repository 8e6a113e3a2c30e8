"""Atomic files: written completely or not at all.

Tensors are stored as safetensors: names, shapes and numbers, with a header of text. Nothing is ever unpickled, so a
file from a stranger can be wrong, but cannot run anything.
"""

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from sfumato.arrays import Array
from sfumato.errors import FileError, InputError

HEADER = "sfumato"

DTYPES = {"int64": "I64", "float64": "F64", "float32": "F32", "float16": "F16", "uint8": "U8", "bool": "BOOL"}
"""Names of the kinds of numbers in safetensors files, by NumPy's, in the order in which they lie there."""


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


def refuse_planted(path: Path) -> None:
    """Refuse a link, a pipe or a device under a hidden name by which a run keeps something of its own.

    Raises:
        FileError: if it is one; a file or a folder may be what an earlier run has left.
    """
    if path.is_symlink() or (path.exists() and not path.is_file() and not path.is_dir()):
        raise FileError(f"{path}: is a link, a pipe or a device where a run keeps a file of its own; remove it")


def check_readable(path: Path, wanted: str) -> None:
    """Refuse to read a folder, or anything else that is no regular file: a pipe may keep its reader waiting for ever.

    Args:
        path: What is to be read; where nothing is there, opening it says so.
        wanted: What to name instead, such as "a picture".

    Raises:
        FileError: if it is a folder, a device, a pipe or a socket.
    """
    if path.is_dir():
        raise FileError(f"{path}: is a folder; name {wanted}")
    if path.exists() and not path.is_file():
        raise FileError(f"{path}: is a device or a pipe, which is not read; name {wanted}")


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
    beside = place.with_name(f".{place.name}.part")  # always the same, so that a killed write's remains are replaced
    try:
        make_anew(beside)
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(place)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise FileError(f"{path}: cannot be written ({error.strerror or error}); nothing was changed") from error


def make_anew(path: Path) -> None:
    """Make an empty file in place of what has this name: a link that somebody put there is not followed."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file completely or not at all, see `replacing`.

    Bytes in a file's name that are no UTF-8 become escapes in a text, by which JSON gives the same name again.

    Raises:
        FileError: if it cannot be written.
    """
    with replacing(path) as beside:
        beside.write_bytes(data.encode(errors="backslashreplace") if isinstance(data, str) else data)


def save_tensors(path: Path, tensors: Mapping[str, Array], header: Mapping[str, Any]) -> int:
    """Write named arrays as safetensors with `header` as JSON in the metadata; returns the number of bytes.

    Written here, and not by the library, which leaves a file of its own behind when it is killed, and makes it readable
    to its owner alone. Laid out as by the library: by the kind of their numbers, and then by name.
    """
    described: dict[str, Any] = {"__metadata__": {HEADER: json.dumps(header)}}
    order = sorted(tensors, key=lambda name: ([*DTYPES].index(tensors[name].dtype.name), name))
    end = 0
    for name in order:
        begin, end = end, end + tensors[name].nbytes
        kind, shape = DTYPES[tensors[name].dtype.name], list(tensors[name].shape)
        described[name] = {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(described, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as beside, beside.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:  # from where the arrays lie: a large picture's state is not held twice
            little = np.asarray(tensors[name], tensors[name].dtype.newbyteorder("<"), order="C")
            file.write(little.reshape(-1).view(np.uint8).data)
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
    check_readable(path, "a model or a checkpoint")
    try:
        path.open("rb").close()
    except OSError as error:  # for the library, what it may not read is not there
        said = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise FileError(f"{path}: {said}") from error
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            yield file
    except AttributeError as error:  # to the library, they are missing names of NumPy's
        raise FileError(f"{path}: holds numbers of a kind that is not read, such as 8 bits; save it again") from error
    except (safetensors.SafetensorError, OSError, ValueError, TypeError) as error:
        raise FileError(f"{path}: not a whole safetensors file ({error})") from error


def _header(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        header = json.loads(metadata[HEADER])
    except (
        KeyError,
        ValueError,
        RecursionError,
    ) as error:  # of numbers with thousands of digits, and of lists in lists
        raise FileError(f"{path}: a safetensors file, but not one that Sfumato wrote") from error
    if not isinstance(header, dict):
        raise FileError(f"{path}: a safetensors file, but not one that Sfumato wrote")
    return header


@contextlib.contextmanager
def refusing_damage(path: Path, what: str, remedy: str = "take another copy of the file") -> Iterator[None]:
    """Turn, within, a part of a file's content that is missing or does not fit into an error of one line.

    Raises:
        FileError: if a part is missing or does not fit.
    """
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise FileError(f"{path}: {what} is damaged ({reason}); {remedy}") from error


def dump(values: dict[str, Any], *, indent: int | None = 2) -> str:
    """JSON with not-a-number as null, since JSON has no such number; without an `indent`, on one line."""
    return json.dumps(_plain(values), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
