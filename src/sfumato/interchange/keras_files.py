"""Keras's HDF5 files, with their tensors in the order of the layers.

HDF5 sorts by name, so the order has to be found. Keras's .h5 lists the names of its layers in an attribute. Keras 3's
.weights.h5 calls each layer by its kind and its number among those of its kind, as in layers/dense_1/vars/0; there the
name that it has in Keras is an attribute. A .keras file is a zip archive with a .weights.h5 in it.

The files are read by another process, `hdf5_reader.py`, with limits of time and memory.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sfumato.arrays import Array
from sfumato.errors import FileError
from sfumato.interchange.tensors import InOrder, StoredTensor, Tensors, decode

KERAS_MEMBER = "model.weights.h5"
"""Name of the member of a .keras file, a zip archive, that holds the weights."""

READER = Path(__file__).with_name("hdf5_reader.py")

PATIENCE, SLOWEST = 30.0, 2e6
"""Seconds that an answer may take, whatever the file, and bytes a second that are read at least, beyond that."""

MOST_MEMORY = 2**32
"""Bytes of memory that the reader may take, beside several times the file's: most of it is the library's, reserved and
never used."""


def import_h5py() -> Any:
    """Import h5py, which is optional.

    Raises:
        FileError: if it is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise FileError("Keras's weights are HDF5 files, which need h5py: pip install '.[weights]'") from error
    return h5py


@contextlib.contextmanager
def open_hdf5(path: Path, file: BinaryIO, member: str = "") -> Iterator[Tensors]:
    """Open an HDF5 file and list its tensors.

    Those of Keras 3's dense layers and convolutions are named as in its older files: layers/dense_1/hidden/kernel, for
    a layer that is called hidden.

    Args:
        path: The file.
        file: The same, open; another process reads it.
        member: That of a zip archive that is the HDF5 file.

    Raises:
        FileError: if anything in it lies elsewhere (external storage, virtual data sets, links): a stranger's file
            could have any file of this machine copied into a model. Also if it keeps its reader too long.
    """
    import_h5py()
    with _Reader.of(path, os.fstat(file.fileno()).st_size, member) as reader:
        listed = reader.answer()
        tensors = {
            name: StoredTensor(tuple(shape), dtype, reader.reading(number, shape, dtype))
            for number, (name, shape, dtype) in enumerate(listed["tensors"])
        }
        yield InOrder(tensors) if listed["in_order"] else tensors


class _Reader:
    """The process that reads a file, and how long it may take for an answer."""

    def __init__(self, path: Path, process: "subprocess.Popen[bytes]", patience: float) -> None:
        self.path, self.process, self.patience = path, process, patience

    @classmethod
    @contextlib.contextmanager
    def of(cls, path: Path, size: int, member: str) -> "Iterator[_Reader]":
        """Start the process; it ends with the context."""
        command = [sys.executable, "-P", str(READER), str(path.absolute()), member, str(MOST_MEMORY + 8 * size)]
        found = os.pathsep.join(filter(None, sys.path))  # where this process finds h5py, that one does
        process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": found, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield cls(path, process, PATIENCE + size / SLOWEST)
        finally:
            process.kill()
            with process, contextlib.suppress(BrokenPipeError):
                process.communicate()

    def reading(self, number: int, shape: list[int], dtype: str) -> Any:
        """Function that reads a tensor."""

        def read() -> Array:
            assert self.process.stdin is not None
            self.process.stdin.write(b"%d\n" % number)
            self.process.stdin.flush()
            return decode(self.answer()["content"], dtype).reshape(shape)

        return read

    def answer(self) -> dict[str, Any]:
        """Wait for the next answer, with its content.

        Raises:
            FileError: if the file is refused, or takes too long.
            ValueError: if it is damaged.
        """
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self.process.kill()

        timer = threading.Timer(self.patience, give_up)
        timer.start()
        try:
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
            said: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
            said["content"] = self.process.stdout.read(said.get("bytes", 0))
        finally:
            timer.cancel()
        if late.is_set():
            raise FileError(
                f"{self.path}: damaged, it seems, as reading it takes more than {self.patience:.0f} s; fetch it again"
            )
        if "refused" in said:
            raise FileError(f"{self.path}: {said['refused']}")
        if "damaged" in said or ("tensors" not in said and len(said["content"]) != said.get("bytes")):
            raise ValueError(said.get("damaged", "its reader has ended"))
        return said
