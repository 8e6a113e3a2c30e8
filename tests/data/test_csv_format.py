"""How a CSV file is written: its names, encoding, signs and what stands above, told by the file or by options."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from tests.data.tables import PLAIN, known, table

from sfumato.data import TableOptions, load_features, load_table
from sfumato.errors import FileError, TableWarning


def test_headers_with_numbers_in_them(tmp_path: Path) -> None:
    rows = [f"land {k % 3},{k}.5,{k}.25,{k}.75" for k in range(12)]
    data = load_table(table(tmp_path, ["country,1960,1970,1980", *rows]))
    assert data.features == ("country", "1960", "1970")
    assert data.target == "1980"
    assert "the first row is taken for names, though some are numbers (header='no' if it is a row)" in data.notes
    assert load_table(tmp_path / "a.csv", options=TableOptions(header=False)).target == "y"
    data = load_table(table(tmp_path, [f"{k % 7},{k % 5}.5,{k % 2}" for k in range(12)]))
    assert data.notes == ("no row of names is on top (header='yes' if there is one)",)
    forced = load_table(tmp_path / "a.csv", options=TableOptions(header=True))
    assert forced.features == ("0", "0.5")


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1252", "Windows-1252"), ("mac-roman", "Mac Roman"), ("utf-16", "UTF-16"), ("utf-32", "UTF-32")],
)
def test_encodings_of_before(encoding: str, name: str, tmp_path: Path) -> None:
    rows = [f"{k}.5,{['Müller', 'José'][k % 2]}" for k in range(8)]
    path = table(tmp_path, ["größe,wer", *rows], encoding=encoding)
    data = load_table(path)
    assert (data.features, data.classes) == (("größe",), ("José", "Müller"))
    assert data.notes == (f"not UTF-8: read as {name} (encoding=... for another)",)
    assert load_table(path, options=TableOptions(encoding=encoding)).notes == ()


def test_columns_of_one_name_are_numbered(tmp_path: Path) -> None:
    data = load_table(
        table(tmp_path, ["X,X,X.1,X,y", *(f"{k}.5,{k % 3},{k % 4},{k % 5},{'ab'[k % 2]}" for k in range(9))])
    )
    assert data.features == ("X", "X.2", "X.1", "X.3")
    assert len(data.notes) == 1


WAYS = {
    "sep=": ["sep=;", *(line.replace(",", ";") for line in PLAIN)],
    "bars": [line.replace(",", "|") for line in PLAIN],
    "names of rows, as R writes them": [
        PLAIN[0].replace(",", " "),
        *(f'"row {k}" {line.replace(",", " ")}' for k, line in enumerate(PLAIN[1:])),
    ],
    "spaces": [line.replace(",", "   ") for line in PLAIN],
    "remarks": ["# made by hand", "# in 2026, at home", *PLAIN],
    "a name that is #": ["#" + line if line == PLAIN[0] else line for line in PLAIN],
    "trailing commas": [line + "," for line in PLAIN],
    "trailing commas below": [PLAIN[0], *(line + "," for line in PLAIN[1:])],
    "R's names of rows": [PLAIN[0], *(f"r{k},{line}" for k, line in enumerate(PLAIN[1:]))],
    "quoted": [",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN],
}


@pytest.mark.parametrize("way", WAYS)
def test_however_a_table_is_written(way: str, tmp_path: Path) -> None:
    expected = load_table(table(tmp_path, PLAIN, "plain.csv"))
    data = load_table(table(tmp_path, WAYS[way]))
    assert (data.features, data.target, data.classes) == (("a", "b"), "kind", ("x", "y"))
    np.testing.assert_array_equal(data.examples.x, expected.examples.x)


def test_other_files_than_csv(tmp_path: Path) -> None:
    expected = load_table(table(tmp_path, PLAIN)).examples.x
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    tabs = table(tmp_path, [line.replace(",", "\t") for line in PLAIN], "a.tsv")
    for path in (tmp_path / "a.csv.gz", tabs):
        np.testing.assert_array_equal(load_table(path).examples.x, expected)
    (tmp_path / "cut.csv.gz").write_bytes((tmp_path / "a.csv.gz").read_bytes()[:-9])
    with pytest.raises(FileError, match="not a whole gzip file"):
        load_table(tmp_path / "cut.csv.gz")
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04...")
    with pytest.raises(FileError, match="a spreadsheet's own file is not read; save the sheet as CSV"):
        load_table(tmp_path / "a.xlsx")


def test_a_table_without_names_keeps_its_first_row(tmp_path: Path) -> None:
    rows = [f"{['high', 'low'][k % 2]},{['small', 'big', 'big'][k % 3]},{['acc', 'bad'][k % 2]}" for k in range(30)]
    data = load_table(table(tmp_path, rows))
    assert (data.features, data.examples.size) == (("x1", "x2"), 30)
    assert data.notes == ("no row of names is on top (header='yes' if there is one)",)
    assert len(load_features(table(tmp_path, ["low,small", "high,big"], "new.csv"), known(data), 0)) == 2
    test = table(tmp_path, ["low,small,bad", "high,big,acc"], "test.csv")
    assert load_table(test, known=known(data)).examples.size == 2


@pytest.mark.parametrize(
    ("lines", "first", "said"),
    [
        (["city;share;price", "8.037;3,5;9,50", "1.234;1,5;7,25"], 8037, "thousands by points, as no value proves"),
        (["a;share;price", "1.100;3,5;1,5", "13,5;1,5;7,25"], 1100, "decimal commas, thousands by points"),
        (["units;share;price", "1,100;0.0;1.5", "2,137;1.1;2.5"], 1100, "thousands by commas, as no value proves"),
        (["units;kind;price", "1,100;p;1", "2,137;q;2", "4,211;p;3"], 1.1, "its commas are taken for decimal commas"),
    ],
)
def test_decimal_signs_are_told_by_all_that_a_table_proves(
    lines: list[str], first: float, said: str, tmp_path: Path
) -> None:
    data = load_table(table(tmp_path, lines), task="regression")
    assert data.examples.x[0, 0] == first
    assert any(said in line for line in data.said)


def test_plain_numbers_do_not_mix_decimal_commas_and_points(tmp_path: Path) -> None:
    data = load_table(table(tmp_path, ["a;y", *(f"{k},5;{k},25" for k in range(20))]))
    with pytest.warns(TableWarning, match="'1.200' is not a number"):
        x = load_features(table(tmp_path, ["a;b", "1.200;1,5", "3,5;2,5"], "new.csv"), known(data), 0)
    assert np.isnan(x[0, 0])
    assert x[1, 0] == 3.5


def test_columns_without_a_name_are_found_again(tmp_path: Path) -> None:
    rows = [f"{k}.5,{k % 3},{k % 4},{'pq'[k % 2]}" for k in range(20)]
    path = table(tmp_path, ["a,column 2,,y", *rows])
    data = load_table(path)
    assert data.features == ("a", "column 2", "column 3")
    np.testing.assert_array_equal(load_table(path, known=known(data)).examples.x, data.examples.x)
    data = load_table(table(tmp_path, ["column 2,,y", *(row.partition(",")[2] for row in rows)], "twice.csv"))
    assert data.features == ("column 2", "column 2.1")


@pytest.mark.parametrize(
    "top", [["# exported 2024, by Ann, v2"], ["# a", "# b, c, d"], ["Sales report 2024,,"], ["Sales,,", ",,"]]
)
def test_remarks_and_titles_stand_above_a_table(top: list[str], tmp_path: Path) -> None:
    expected = load_table(table(tmp_path, PLAIN, "plain.csv"))
    data = load_table(table(tmp_path, [*top, *PLAIN]))
    assert (data.features, data.target, data.classes) == (("a", "b"), "kind", ("x", "y"))
    np.testing.assert_array_equal(data.examples.x, expected.examples.x)
    assert data.notes == (f"what stands above line {len(top) + 1} is left out",)
