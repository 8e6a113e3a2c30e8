"""MNIST as it ships with the package, and the script that makes its file."""

import hashlib
import runpy
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato.data import Dataset, Scaling, mnist
from sfumato.data.mnist_file import FILE
from sfumato.errors import FileError, InputError

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_mnist.py"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return mnist()


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_shapes(data: Dataset) -> None:
    assert data.test is not None
    assert data.examples.x.shape == (60000, 28, 28, 1)
    assert data.test.x.shape == (10000, 28, 28, 1)
    assert data.examples.x.dtype == data.test.x.dtype == np.uint8
    assert data.examples.y.dtype == data.test.y.dtype == np.int64
    assert data.image_shape == (28, 28, 1)
    assert data.classes == tuple("0123456789")
    assert Scaling.fit(data.examples.x).factor == 1 / 255


def test_class_counts(data: Dataset) -> None:
    assert data.test is not None
    # As published with the data.
    assert np.bincount(data.examples.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_equal_to_the_originals_byte_for_byte(data: Dataset, script: dict[str, Any]) -> None:
    assert data.test is not None
    arrays = {
        "train_images": data.examples.x,
        "train_labels": data.examples.y,
        "test_images": data.test.x,
        "test_labels": data.test.y,
    }
    assert arrays.keys() == script["ORIGINALS"].keys()
    for name, (_, shape, sha256) in script["ORIGINALS"].items():
        header = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
        assert hashlib.sha256(header + arrays[name].astype(np.uint8).tobytes()).hexdigest() == sha256


def test_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = Path(str(FILE)).read_bytes()
    path = tmp_path / "mnist.npz"
    monkeypatch.setattr("sfumato.data.mnist_file.FILE", path)
    with pytest.raises(FileError, match=r"mnist\.npz: missing or damaged .*; reinstall sfumato"):
        mnist()
    middle = len(content) // 2
    for damaged in (b"", content[:middle], content[:middle] + bytes(100) + content[middle + 100 :]):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match="reinstall sfumato"):
            mnist()
    np.savez(path, train_images=np.zeros(3))
    with pytest.raises(FileError, match="reinstall sfumato"):
        mnist()
    np.savez(path, train_images=np.array([{}], dtype=object))
    with pytest.raises(FileError, match="reinstall sfumato"):
        mnist()


def test_the_script_writes_the_same_bytes_every_time(tmp_path: Path, script: dict[str, Any]) -> None:
    arrays = {"a": np.arange(6, dtype=np.uint8).reshape(2, 3), "b": np.arange(3, dtype=np.uint8)}
    for name in ("1.npz", "2.npz"):
        script["write_npz"](tmp_path / name, arrays)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    with np.load(tmp_path / "1.npz", allow_pickle=False) as read:
        np.testing.assert_array_equal(read["a"], arrays["a"], strict=True)
        np.testing.assert_array_equal(read["b"], arrays["b"], strict=True)
    with FILE.open("rb") as stream, zipfile.ZipFile(stream) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_script_takes_only_the_originals(tmp_path: Path, script: dict[str, Any]) -> None:
    path = tmp_path / "labels"
    path.write_bytes(b"\0\0\x08\x01\0\0\0\x02\x05\x06")
    assert script["read_original"](path, (2,), hashlib.sha256(path.read_bytes()).hexdigest()).tolist() == [5, 6]
    with pytest.raises(InputError, match=r"labels: expected the shape \(3,\), found \(2,\)"):
        script["read_original"](path, (3,), "")
    with pytest.raises(InputError, match="labels: expected the SHA-256 0123, found"):
        script["read_original"](path, (2,), "0123")
