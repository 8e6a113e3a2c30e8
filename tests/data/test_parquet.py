"""Parquet files that are damaged, or that say more than memory holds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfumato.data import load_table
from sfumato.errors import FileError, InputError, SfumatoError

FRAME = pd.DataFrame({"a": 2 * np.arange(6.0), "b": ["x", "y", "x"] * 2, "kind": ["u", "v"] * 3})


@pytest.mark.parametrize("noted", [b"\xff\xfe", b"{", b"9" * 5000])
def test_what_pandas_has_noted_in_a_file_may_be_damaged(noted: bytes, tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pyarrow.Table.from_pandas(FRAME)
    parquet.write_table(table.replace_schema_metadata({b"pandas": noted}), tmp_path / "a.parquet")
    assert load_table(tmp_path / "a.parquet").features == ("a", "b")


def test_any_damage_ends_in_a_table_or_in_one_line(tmp_path: Path) -> None:
    path, random = tmp_path / "a.parquet", np.random.default_rng(0)
    FRAME.to_parquet(path)
    whole, refused = path.read_bytes(), 0
    for _ in range(200):
        damaged = bytearray(whole)
        for place in random.integers(len(whole), size=random.choice([1, 3, 9])):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            load_table(path)
        except SfumatoError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 50


def test_a_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    FRAME.assign(b="needle").to_parquet(path, compression=None)
    path.write_bytes(path.read_bytes().replace(b"needle", b"n\xff\xfedle"))
    with pytest.raises(FileError, match=r"a.parquet: not a whole Parquet file \(.*\); write it again"):
        load_table(path)


def test_rows_are_counted_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    FRAME.to_parquet(path)
    monkeypatch.setattr("sfumato.data.parquet.virtual_memory", lambda: type("", (), {"total": 100}))
    with pytest.raises(InputError, match="6 rows and 3 columns do not fit into the memory of this machine; use stream"):
        load_table(path)
