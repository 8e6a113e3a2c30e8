"""IDX files."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from sfumato.arrays import Array
from sfumato.data import load_idx_folder, read_idx
from sfumato.errors import FileError, InputError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: Array) -> bytes:
    """The array as an IDX file, written from the format's description."""
    kind = f"{array.dtype.kind}{array.dtype.itemsize}"
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, CODES[kind], array.ndim, *array.shape)
    return header + array.astype(f">{kind}").tobytes()


def write_pair(folder: Path, part: str, labels: list[int], ending: str = "-idx{}-ubyte") -> None:
    images = np.arange(len(labels) * 6, dtype=np.uint8).reshape(-1, 2, 3)
    contents = {"images": (3, images), "labels": (1, np.array(labels, dtype=np.uint8))}
    for name, (dimensions, array) in contents.items():
        content = idx(array)
        path = folder / f"{part}-{name}{ending.format(dimensions)}"
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 3, 4), (1, 2, 1, 3)])
@pytest.mark.parametrize("compressed", [False, True])
def test_round_trip(tmp_path: Path, dtype: type, shape: tuple[int, ...], compressed: bool) -> None:
    array = np.random.default_rng(0).integers(-100, 100, shape)
    array = np.asarray(array).astype(dtype)
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(idx(array)) if compressed else idx(array))
    read = read_idx(path)
    np.testing.assert_array_equal(read, array, strict=True)
    assert read.dtype.isnative
    assert read.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a: not an IDX file: starts with the bytes \(none\)"),
        (b"\x89PNG....", "not an IDX file: starts with the bytes 89 50 4e 47, expected 00 00"),
        (b"\0\0\x0a\x01", "not an IDX file: starts with the bytes 00 00 0a 01"),
        (b"\0\0\x08\x03\0\0\0\x01", "ends within its header: expected 16 bytes, found 8"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], r"expected 18 bytes for an array of shape \(2, 3\), found 17"),
        (idx(np.zeros((2, 3), np.float64)) + b"12", r"expected 60 bytes for an array of shape \(2, 3\), found 62"),
        (b"\0\0\x0e\x03" + b"\xff" * 12, "expected 633825"),
    ],
)
def test_wrong_content(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_idx(path)


def test_damaged_compression(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    content = gzip.compress(idx(np.arange(100, dtype=np.uint8)))
    for damaged in (content[:-10], content[:15] + b"\xff" * 10 + content[25:]):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match=r"a\.gz: cannot be decompressed .*; fetch it again"):
            read_idx(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nowhere: cannot be read"):
        read_idx(tmp_path / "nowhere")


@pytest.mark.parametrize("ending", ["-idx{}-ubyte", ".idx{}-ubyte", "-idx{}-ubyte.gz", ".idx{}-ubyte.gz"])
def test_folder(tmp_path: Path, ending: str) -> None:
    write_pair(tmp_path, "train", [7, 3, 7, 12], ending)
    write_pair(tmp_path, "t10k", [12, 7], ending)
    data = load_idx_folder(tmp_path)
    assert data.name == tmp_path.name
    assert data.image_shape == (2, 3, 1)
    assert data.examples.x[1].ravel().tolist() == [6, 7, 8, 9, 10, 11]
    assert data.classes == ("3", "7", "12")
    assert data.examples.y.tolist() == [1, 0, 1, 2]
    assert data.examples.y.dtype == np.int64
    assert data.test is not None
    assert data.test.x.shape == (2, 2, 3, 1)
    assert data.test.y.tolist() == [2, 1]


def test_folder_without_test_set(tmp_path: Path) -> None:
    write_pair(tmp_path, "train", [0, 1])
    assert load_idx_folder(tmp_path).test is None


def test_folder_with_missing_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"holds no file train-images-idx3-ubyte or train-images-idx3-ubyte\.gz"):
        load_idx_folder(tmp_path)
    write_pair(tmp_path, "train", [0, 1])
    write_pair(tmp_path, "t10k", [0, 1])
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileError, match="holds no file t10k-labels-idx1-ubyte"):
        load_idx_folder(tmp_path)


@pytest.mark.parametrize(
    ("file", "array", "message"),
    [
        ("train-labels-idx1-ubyte", np.zeros(3, np.uint8), "expected 2 labels, one for each image, found 3"),
        ("train-labels-idx1-ubyte", np.zeros((2, 1), np.uint8), r"expected labels .*, found the shape \(2, 1\)"),
        ("train-labels-idx1-ubyte", np.zeros(2, np.float64), "expected labels .* of float64"),
        ("train-labels-idx1-ubyte", np.ones(2, np.uint8), "training labels have 1 class; at least 2"),
        ("train-images-idx3-ubyte", np.zeros((2, 6), np.uint8), r"expected images .*, found the shape \(2, 6\)"),
        ("train-images-idx3-ubyte", np.zeros((0, 2, 3), np.uint8), "expected images"),
        ("t10k-images-idx3-ubyte", np.zeros((2, 3, 3), np.uint8), r"test images have shape \(3, 3, 1\)"),
        ("t10k-labels-idx1-ubyte", np.array([0, 9], np.uint8), "label 9 of the test set does not occur in training"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, file: str, array: Array, message: str) -> None:
    write_pair(tmp_path, "train", [0, 1])
    write_pair(tmp_path, "t10k", [1, 0])
    (tmp_path / file).write_bytes(idx(array))
    with pytest.raises(InputError, match=message):
        load_idx_folder(tmp_path)


def test_no_more_is_decompressed_than_the_header_says(tmp_path: Path) -> None:
    path, header = tmp_path / "a.gz", struct.pack(">BBBBI", 0, 0, 8, 1, 3)
    path.write_bytes(gzip.compress(header + bytes(20_000_000)))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"expected 11 bytes for an array of shape .*, found more"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_images_and_labels_that_do_not_fit_are_refused_by_their_headers(tmp_path: Path) -> None:
    images = struct.pack(">BBBB3I", 0, 0, 8, 3, 50_000, 20, 20) + bytes(20_000_000)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(7, np.uint8)))
    tracemalloc.start()
    with pytest.raises(InputError, match="expected 50000 labels, one for each image, found 7"):
        load_idx_folder(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("dimensions", [3, 32, 33, 255])
def test_dimensions_that_no_file_can_hold_are_refused(dimensions: int, tmp_path: Path) -> None:
    for compress in (bytes, gzip.compress):
        (tmp_path / "a").write_bytes(compress(bytes([0, 0, 8, dimensions]) + b"\xff" * 4 * dimensions))
        with pytest.raises((FileError, InputError), match=r"a: (expected|cannot be decompressed|not an IDX file)"):
            read_idx(tmp_path / "a")
