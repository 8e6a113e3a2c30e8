"""IDX files, the format in which MNIST and its relatives are published.

A file is two zero bytes, a code for the type of its numbers, the number of dimensions, each dimension as a 32-bit
integer, and the numbers; everything is big-endian (LeCun, Cortes, Burges: "The MNIST database of handwritten digits").
"""

import contextlib
import gzip
import io
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.data.dataset import Dataset, Examples
from sfumato.errors import FileError, InputError, SfumatoError
from sfumato.storage import check_readable

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"

MOST_DEFLATED = 1032
"""Bytes that a byte of gzip's can stand for, at most: a file that says that it holds more is damaged."""

MOST_DIMENSIONS = 32
"""Dimensions of an array at most, as NumPy 1 had it."""


class StoredArray(NamedTuple):
    """An array in an open file whose header has been read.

    Attributes:
        path: The file.
        file: Where its numbers begin.
        dtype: Their type, big-endian.
        shape: Of the array.
    """

    path: Path
    file: io.BufferedIOBase
    dtype: "np.dtype[Any]"
    shape: Shape

    @property
    def start(self) -> int:
        """Bytes before the numbers."""
        return 4 + 4 * len(self.shape)

    @property
    def size(self) -> int:
        """Bytes that the whole file should have, when it is not compressed."""
        return self.start + math.prod(self.shape) * self.dtype.itemsize

    def read(self) -> Array:
        """Read the array, which takes no more memory than its shape says, however long the file is.

        Raises:
            FileError: The file is compressed, and too short for that.
        InputError: It is shorter or longer.
        """
        compressed, stored = isinstance(self.file, gzip.GzipFile), self.path.stat().st_size
        if compressed and self.size > MOST_DEFLATED * stored:
            raise FileError(
                f"{self.path}: cannot be decompressed (to {self.size} bytes, from {stored}); fetch it again"
            )
        if not compressed and self.size != stored:
            raise self._other_size(str(stored))
        content = np.empty(self.size - self.start, np.uint8)
        rest, count = content.data, 1
        while rest and count:
            count = self.file.readinto(rest)
            rest = rest[count:]
        if rest or self.file.read(1):
            raise self._other_size(str(self.size - len(rest)) if rest else "more")
        return content.view(self.dtype).reshape(self.shape).astype(self.dtype.newbyteorder("="), copy=False)

    def _other_size(self, found: str) -> InputError:
        return InputError(
            f"{self.path}: expected {self.size} bytes for an array of shape {self.shape}, found {found}; fetch it again"
        )


def read_idx(path: str | Path) -> Array:
    """Read the array of an IDX file, plain or compressed with gzip, in the machine's byte order.

    Raises:
        FileError: The file cannot be read or decompressed.
        InputError: Its content is no IDX file, or shorter or longer than its dimensions say.
    """
    with _opened(Path(path)) as stored:
        return stored.read()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[StoredArray]:
    """Open an IDX file and read its header; raises the errors of `read_idx`, for what is read within, too."""
    try:
        check_readable(path, "an IDX file")
        with path.open("rb") as file:
            magic = file.read(len(GZIP_MAGIC))
            file.seek(0)
            plain = gzip.GzipFile(fileobj=file) if magic == GZIP_MAGIC else file
            yield _after_header(path, plain)
    except SfumatoError:
        raise
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileError(f"{path}: cannot be decompressed ({error}); fetch it again") from error
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def _after_header(path: Path, file: io.BufferedIOBase) -> StoredArray:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES or start[3] > MOST_DIMENSIONS:
        raise InputError(
            f"{path}: not an IDX file: starts with the bytes {start.hex(' ') or '(none)'}, expected 00 00, "
            "a type code 08 to 0e and the number of dimensions; give the original or its .gz"
        )
    lengths = file.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise InputError(
            f"{path}: ends within its header: expected {4 + 4 * start[3]} bytes, found {4 + len(lengths)}; "
            "fetch it again"
        )
    return StoredArray(path, file, np.dtype(DTYPES[start[2]]), tuple(np.frombuffer(lengths, ">u4").tolist()))


def load_idx_folder(folder: str | Path) -> Dataset:
    """Load images and labels from a folder of IDX files that are named as MNIST's are.

    The files are `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, and for a test set `t10k-images-idx3-ubyte`
    and `t10k-labels-idx1-ubyte`, each plain or with `.gz`, and possibly with a dot before `idx`. Classes are the labels
    that occur, in ascending order.

    Raises:
        FileError: A file is missing or cannot be read.
        InputError: A file's content is wrong, or images, labels and test set do not fit together.
    """
    folder = Path(folder)
    images, labels = _pair(folder, "train")
    classes, y = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"{folder}: the training labels have {len(classes)} class; at least 2 are needed")
    test = None
    if _find(folder, "t10k-images", "idx3") or _find(folder, "t10k-labels", "idx1"):
        test_images, test_labels = _pair(folder, "t10k")
        if test_images.shape[1:] != images.shape[1:]:
            raise InputError(
                f"{folder}: test images have shape {test_images.shape[1:]}, training images {images.shape[1:]}; "
                "both must be the same"
            )
        unknown = np.setdiff1d(test_labels, classes)
        if unknown.size:
            raise InputError(f"{folder}: label {unknown[0]} of the test set does not occur in training; remove it")
        test = Examples(test_images, np.searchsorted(classes, test_labels))
    names = tuple(str(label) for label in classes)
    examples = Examples(images, y.astype(np.int64))
    return Dataset(folder.resolve().name, examples, test, "classification", names, (), "label")


def _pair(folder: Path, part: str) -> tuple[Array, Array]:
    """Read images `(n, height, width, 1)` and labels `(n,)` of one part, "train" or "t10k"."""
    images_path = _find(folder, f"{part}-images", "idx3")
    labels_path = _find(folder, f"{part}-labels", "idx1")
    if images_path is None or labels_path is None:
        missing = f"{part}-images-idx3-ubyte" if images_path is None else f"{part}-labels-idx1-ubyte"
        raise FileError(f"{folder}: holds no file {missing} or {missing}.gz; put it there")
    with _opened(images_path) as images, _opened(labels_path) as labels:
        _check_pair(images, labels)
        return images.read()[..., np.newaxis], labels.read()


def _check_pair(images: StoredArray, labels: StoredArray) -> None:
    """Refuse images and labels that do not fit together, before their numbers are read."""
    if len(images.shape) != 3 or images.dtype != np.uint8 or 0 in images.shape:
        raise InputError(
            f"{images.path}: expected images as an array (n, height, width) of bytes, "
            f"found the shape {images.shape} of {images.dtype.name}"
        )
    if len(labels.shape) != 1 or labels.dtype != np.uint8:
        raise InputError(
            f"{labels.path}: expected labels as an array (n,) of bytes, "
            f"found the shape {labels.shape} of {labels.dtype.name}"
        )
    if images.shape[:1] != labels.shape:
        raise InputError(
            f"{labels.path}: expected {images.shape[0]} labels, one for each image, found {labels.shape[0]}; "
            "take both files from one source"
        )


def _find(folder: Path, name: str, kind: str) -> Path | None:
    candidates = [f"{name}{mark}{kind}-ubyte{ending}" for mark in "-." for ending in ("", ".gz")]
    return next((folder / candidate for candidate in candidates if (folder / candidate).is_file()), None)
