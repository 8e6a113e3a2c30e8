"""Files of weights: a list of their tensors, each read when asked for.

A file is recognised by how it begins, not by its name. Nothing is read before its shape is known, so that a caller can
refuse a tensor that is not what it should be, however large it claims to be.
"""

import contextlib
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import safetensors

from sfumato.arrays import Array
from sfumato.errors import FileError, SfumatoError
from sfumato.interchange.keras_files import KERAS_MEMBER, open_hdf5
from sfumato.interchange.tensors import StoredTensor, Tensors, decode
from sfumato.interchange.torch_files import open_legacy
from sfumato.interchange.torch_files import open_zip as open_torch_zip
from sfumato.storage import check_readable

SAFETENSORS_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "U8": "uint8"}


@contextlib.contextmanager
def open_tensors(path: Path) -> Iterator[Tensors]:
    """Open a file of HDF5 (Keras), PyTorch or safetensors; its floating-point and byte tensors by name.

    Raises:
        FileError: if the file is missing, damaged, none of these, or holds anything that would have to be run. Also for
            what goes wrong when a tensor is read within.
    """
    check_readable(path, "a file of weights")
    if not path.exists():
        raise FileError(f"{path}: no such file; name a file of weights")
    try:
        with path.open("rb") as file:
            start = file.read(9)
            file.seek(0)
            with _opener(path, start)(path, file) as tensors:
                yield tensors
    except (SfumatoError, MemoryError):
        raise
    except Exception as error:  # readers of foreign formats raise whatever a damaged file leads them to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{path}: damaged, or not a file of weights ({reason})") from error


Opener = Callable[[Path, BinaryIO], contextlib.AbstractContextManager[Tensors]]


def _opener(path: Path, start: bytes) -> Opener:
    if start[5:] == b"\0\0\0{":  # a length and JSON; the length's first byte may be a pickle's
        return _open_safetensors
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return open_hdf5
    if start.startswith(b"PK\x03\x04"):
        return _open_zip
    if start.startswith(b"\x80"):
        return open_legacy
    raise FileError(f"{path}: not a file of weights: give Keras's .h5 or .keras, PyTorch's .pth or a .safetensors")


@contextlib.contextmanager
def _open_zip(path: Path, file: BinaryIO) -> Iterator[Tensors]:
    with zipfile.ZipFile(file) as archive:
        is_keras = KERAS_MEMBER in archive.namelist()
    with open_hdf5(path, file, KERAS_MEMBER) if is_keras else open_torch_zip(path, file) as tensors:
        yield tensors


@contextlib.contextmanager
def _open_safetensors(path: Path, file: BinaryIO) -> Iterator[Tensors]:
    with safetensors.safe_open(path, framework="numpy"):
        pass  # the library checks the header and the file's length, but cannot give bfloat16 to NumPy
    length = int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(length))

    def stored(dtype: str, shape: list[int], data_offsets: list[int]) -> StoredTensor:
        start, stop = data_offsets

        def read() -> Array:
            file.seek(8 + length + start)
            return decode(file.read(stop - start), SAFETENSORS_TYPES[dtype]).reshape(shape)

        return StoredTensor(tuple(shape), SAFETENSORS_TYPES[dtype], read)

    header.pop("__metadata__", None)
    yield {name: stored(**entry) for name, entry in header.items() if entry["dtype"] in SAFETENSORS_TYPES}
