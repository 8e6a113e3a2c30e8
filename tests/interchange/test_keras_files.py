"""HDF5 files are read by another process, which neither a damaged file nor a large one can keep."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from sfumato import FileError
from sfumato.interchange import InOrder, open_tensors

READER = "sfumato.interchange.keras_files.READER"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of two tensors, one of them stored big-endian and one in half precision."""
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["a/kernel"] = np.arange(6, dtype=">f4").reshape(2, 3)
        file["a/bias"] = np.ones(3, np.float16)
    return tmp_path / "weights.h5"


def test_tensors_come_back_as_they_are_in_any_order_and_more_than_once(weights: Path) -> None:
    with open_tensors(weights) as tensors:
        assert not isinstance(tensors, InOrder)
        assert {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()} == {
            "a/bias": ((3,), "float16"),
            "a/kernel": ((2, 3), "float32"),
        }
        for _ in range(2):
            np.testing.assert_array_equal(tensors["a/kernel"].read(), [[0, 1, 2], [3, 4, 5]])
            np.testing.assert_array_equal(tensors["a/bias"].read(), np.ones(3))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import time; time.sleep(600)", "damaged, it seems, as reading it takes more than 2 s; fetch it again"),
        ("while True: pass", "damaged, it seems, as reading it takes more than 2 s; fetch it again"),
        ("", "damaged, or not a file of weights"),
        ("import os; os.abort()", "damaged, or not a file of weights"),
        ("print('{')", "damaged, or not a file of weights"),
    ],
)
def test_a_file_that_keeps_or_kills_its_reader_is_refused(
    program: str, message: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reader.py").write_text(program)
    monkeypatch.setattr(READER, tmp_path / "reader.py")
    monkeypatch.setattr("sfumato.interchange.keras_files.PATIENCE", 2.0)
    with pytest.raises(FileError, match=f"weights.h5: {message}") as refused, open_tensors(weights):
        pass
    assert "\n" not in str(refused.value)


def test_a_file_that_keeps_its_reader_later_is_refused_too(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = '{"tensors": [["a", [2], "float32"]], "in_order": false}'
    (tmp_path / "reader.py").write_text(f"import time\nprint('{listed}', flush=True)\ntime.sleep(600)")
    monkeypatch.setattr(READER, tmp_path / "reader.py")
    monkeypatch.setattr("sfumato.interchange.keras_files.PATIENCE", 2.0)
    with pytest.raises(FileError, match="reading it takes more than 2 s"), open_tensors(weights) as tensors:
        tensors["a"].read()


@pytest.mark.skipif(sys.platform != "linux", reason="where memory can be limited")
def test_a_tensor_larger_than_all_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("kernel", (100_000, 100_000), np.float32, chunks=(100, 100))
    assert path.stat().st_size < 10_000
    with pytest.raises(FileError, match="damaged, or not a file of weights"), open_tensors(path) as tensors:
        tensors["kernel"].read()


def test_any_damage_ends_in_tensors_or_in_one_line(weights: Path) -> None:
    whole, random = weights.read_bytes(), np.random.default_rng(0)
    for _ in range(12):
        damaged = bytearray(whole)
        for place in random.integers(len(whole), size=6):
            damaged[place] = random.integers(256)
        weights.write_bytes(damaged)
        try:
            with open_tensors(weights) as tensors:
                list(tensors)
        except FileError as error:
            assert "\n" not in str(error)
