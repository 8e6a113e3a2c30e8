"""Data by name or path."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from sfumato.data import NAMES, load
from sfumato.errors import FileError, InputError

FILES = Path(__file__).parents[2] / "examples" / "data"


def test_names() -> None:
    assert NAMES == ("mnist", "digits", "blobs", "spiral", "circles", "moons", "lemniscate", "breast-cancer")
    for name in NAMES:
        assert load(name).name == name
        assert load(name, task="classification").task == "classification"


def test_files_by_text_or_path(tmp_path: Path) -> None:
    expected = load("blobs").examples
    for data in (FILES / "data.csv", str(FILES / "data.csv")):
        np.testing.assert_array_equal(load(data).examples.x, expected.x)
    assert load(FILES / "data.csv", target="0").task == "regression"
    other = tmp_path / "values.txt"
    other.write_text("1,0\n2,1\n", encoding="utf-8")
    assert load(other).name == "values.txt"


def test_a_path_is_never_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no data 'digits'"):
        load(Path("digits"))
    Path("digits").mkdir()
    assert load("digits").name == "digits"
    for folder in ("./digits", Path("digits")):
        with pytest.raises(FileError, match="holds no file train-images"):
            load(folder)


def test_a_folder_of_idx_files(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7, 9]))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 1, 0]))
    data = load(tmp_path)
    assert data.examples.x.ravel().tolist() == [7, 9]
    assert data.examples.y.tolist() == [1, 0]
    with pytest.raises(InputError, match="its target is fixed; leave out the target"):
        load(tmp_path, target="0")


def test_unknown_data() -> None:
    with pytest.raises(
        InputError, match=r"no data 'Mnits'; did you mean 'mnist'\? give a CSV or Parquet file, .*breast-cancer"
    ):
        load("Mnits")
    with pytest.raises(FileError, match=r"nowhere\.csv: cannot be read"):
        load("nowhere.csv")


def test_options_that_do_not_apply() -> None:
    with pytest.raises(InputError, match="spiral: its target is fixed; leave out the target"):
        load("spiral", target="y")
    with pytest.raises(InputError, match="spiral: has classes, not values; leave out the task"):
        load("spiral", task="regression")
    with pytest.raises(InputError, match="no task 'ranking'"):
        load("spiral", task=cast(Any, "ranking"))


def test_loading_prints_nothing() -> None:
    code = "import sfumato.data as data; [data.load(name) for name in data.NAMES]"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=True)
    assert done.stdout == done.stderr == b""
