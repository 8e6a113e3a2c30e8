"""Files that are there whole or not at all.

Tensors are stored as safetensors: names, shapes and numbers, with a header of text. Nothing is ever unpickled, so a
file from a stranger can be wrong, but cannot run anything.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from sfumato.arrays import Array
from sfumato.errors import FileError

HEADER = "sfumato"


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file beside its place and rename it into place: a crash or a full disk leaves the old file as it was.

    Nothing stays beside it either, be it that the disk is full or that someone presses Ctrl-C.

    Raises:
        FileError: if it cannot be written.
    """
    content = data.encode() if isinstance(data, str) else data
    beside = path.with_name(f".{path.name}.part")  # always the same, so that a killed write's remains are written over
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise FileError(f"{path}: cannot be written ({error.strerror or error}); nothing was changed") from error


def save_tensors(path: Path, tensors: Mapping[str, Array], header: Mapping[str, Any]) -> int:
    """Write named arrays as safetensors with `header` as JSON in the metadata; returns the number of bytes."""
    # The library stores a view's memory in the order it lies in, so views are straightened first
    straight = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    content = safetensors.numpy.save(straight, metadata={HEADER: json.dumps(header)})
    write_atomically(path, content)
    return len(content)


def load_tensors(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Named arrays and header from a file that `save_tensors` wrote.

    Raises:
        FileError: if the file is missing, damaged, or not one of Sfumato's.
    """
    if path.is_dir():
        raise FileError(f"{path}: is a folder, not a file")
    if not path.is_file():
        raise FileError(f"{path}: no such file")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (safetensors.SafetensorError, OSError, ValueError, TypeError) as error:
        raise FileError(f"{path}: not a whole safetensors file ({error})") from error
    try:
        header = json.loads(metadata[HEADER])
    except (KeyError, json.JSONDecodeError) as error:
        raise FileError(f"{path}: a safetensors file, but not one that Sfumato wrote") from error
    if not isinstance(header, dict):
        raise FileError(f"{path}: a safetensors file, but not one that Sfumato wrote")
    return tensors, header
