"""IDX files, the format in which MNIST and its relatives are published.

A file is two zero bytes, a code for the type of its numbers, the number of dimensions, each dimension as a 32-bit
integer, and the numbers; everything is big-endian (LeCun, Cortes, Burges: "The MNIST database of handwritten digits").
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Dataset, Examples
from sfumato.errors import FileError, InputError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | Path) -> Array:
    """Read the array of an IDX file, plain or compressed with gzip, in the machine's byte order.

    Raises:
        FileError: The file cannot be read or decompressed.
        InputError: Its content is no IDX file, or shorter or longer than its dimensions say.
    """
    content = _read(Path(path))
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in DTYPES:
        raise InputError(
            f"{path}: not an IDX file: starts with the bytes {content[:4].hex(' ') or '(none)'}, expected 00 00, "
            "a type code 08 to 0e and the number of dimensions; give the original or its .gz"
        )
    dtype = np.dtype(DTYPES[content[2]])
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise InputError(
            f"{path}: ends within its header: expected {start} bytes, found {len(content)}; fetch it again"
        )
    shape = tuple(np.frombuffer(content[4:start], dtype=">u4").tolist())
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise InputError(
            f"{path}: expected {expected} bytes for an array of shape {shape}, found {len(content)}; fetch it again"
        )
    return np.frombuffer(content, dtype=dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(GZIP_MAGIC) else content
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FileError(f"{path}: cannot be decompressed ({error}); fetch it again") from error
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}); check the path") from error


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
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.dtype != np.uint8 or images.size == 0:
        raise InputError(
            f"{images_path}: expected images as an array (n, height, width) of bytes, "
            f"found the shape {images.shape} of {images.dtype}"
        )
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise InputError(
            f"{labels_path}: expected labels as an array (n,) of bytes, "
            f"found the shape {labels.shape} of {labels.dtype}"
        )
    if len(images) != len(labels):
        raise InputError(
            f"{labels_path}: expected {len(images)} labels, one for each image, found {len(labels)}; "
            "take both files from one source"
        )
    return images[..., np.newaxis], labels


def _find(folder: Path, name: str, kind: str) -> Path | None:
    candidates = [f"{name}{mark}{kind}-ubyte{ending}" for mark in "-." for ending in ("", ".gz")]
    return next((folder / candidate for candidate in candidates if (folder / candidate).is_file()), None)
