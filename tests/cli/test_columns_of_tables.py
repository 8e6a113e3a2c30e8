"""What is decided on the columns of a table, by the real program: said, kept in the model, and held to afterwards."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato import Model

Call = Callable[..., Any]

RUN = ["train", "table.csv", "--epochs", "2", "-o", "run"]


@pytest.fixture
def sales(tmp_path: Path) -> list[str]:
    """A table as people keep them: counted rows, dates, capitals, a word among numbers, percents, amounts."""
    days = [f"{k % 28 + 1:02}/{k % 9 + 1:02}/2026" for k in range(80)]
    rows = [
        f'{k + 1},{days[k]},{["Yes", "yes", "No"][k % 3]},{["unknown", k % 13][k % 7 > 0]},{k % 40}.5%,"${k + 1},100"'
        for k in range(80)
    ]
    lines = ["rownames,day,member,visits,share,paid", *rows, "81,01/02/2026,No,3,4%,NA"]
    (tmp_path / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    return lines


@pytest.mark.usefixtures("sales", "blank_figures")
def test_what_was_decided_is_said_kept_and_shown(here: Call) -> None:
    status, out, err = here(*RUN)
    assert status == 0, err
    for line in (
        "1 of 81 rows have no value in 'paid', and are left out",
        "left out: column 'rownames' only counts the rows",
        "column 'day': dates, as days since the first, month and day of the week; the day is first",
        "column 'member': 'yes' is 'Yes', in other capitals",
        "column 'visits': 12 of 81 are no numbers ('unknown'), taken for missing",
        "column 'share': percents",
        "column 'paid': amounts, thousands by commas, as no value proves otherwise",
    ):
        assert f"table.csv: {line}" in err
    assert "R squared" in out
    model = Model.load("run")
    told = here("info", "run")
    assert told.status == 0
    assert [line.split()[:2] for line in told.out.splitlines()[-6:]] == [
        ["rownames", "left"],
        *([column.name, column.kind] for column in model.columns[1:]),
    ]
    values = json.loads(here("info", "run", "--json").out)
    assert [column["name"] for column in values["columns"]] == [column.name for column in model.columns]
    assert "left out" in here(*RUN, "--overwrite", "--verbose").err


@pytest.mark.usefixtures("blank_figures")
def test_what_was_decided_holds_for_new_rows(here: Call, sales: list[str], tmp_path: Path) -> None:
    test = [sales[0], *sales[1:20], '99,02/03/2026,Perhaps,17,4%,"$5,000"']
    (tmp_path / "test.csv").write_text("\n".join(test), encoding="utf-8")
    status, _, err = here(*RUN, "--test", "test.csv")
    assert status == 0, err
    unknown = "test.csv, line 21, column 'member': 'Perhaps' is not one of the known categories (No, Yes): 1 in all"
    assert unknown in err
    assert "(--strict refuses)" in err
    assert unknown in here("evaluate", "run", "test.csv").err
    shown = here("predict", "run", "test.csv")
    assert shown.status == 0
    assert unknown in shown.err
    assert len([*csv.reader(shown.out.splitlines())]) == 1 + 20
    for command in ("evaluate", "predict"):
        refused = here(command, "run", "test.csv", "--strict")
        assert refused.status == 2
        assert "line 21, column 'member': 'Perhaps' is not one of the known" in refused.err


@pytest.mark.usefixtures("sales", "blank_figures")
def test_a_text_among_numbers_is_missing_or_refused(here: Call, tmp_path: Path) -> None:
    assert here(*RUN).status == 0
    (tmp_path / "new.csv").write_text("day,member,visits,share\n03/04/2026,Yes,many,7%\n", encoding="utf-8")
    unknown = "new.csv, line 2, column 'visits': 'many' is not a number"
    assert f"{unknown}: 1 in all, taken for missing" in here("predict", "run", "new.csv").err
    refused = here("predict", "run", "new.csv", "--strict")
    assert (refused.status, refused.out) == (2, "")
    assert unknown in refused.err


@pytest.mark.usefixtures("sales", "blank_figures")
def test_an_onnx_file_takes_columns_as_the_model_does(here: Call, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    assert here(*RUN).status == 0
    assert here("export", "run", "-o", "model.onnx").status == 0
    model = Model.load("run")
    rows = ["day,member,visits,share", "03/04/2026,YES,4,7%", "29/02/2024,perhaps,,3%", ",No,,"]
    (tmp_path / "new.csv").write_text("\n".join(rows), encoding="utf-8")
    with pytest.warns(UserWarning, match="'perhaps' is not one of"):
        expected = model.predict(str(tmp_path / "new.csv"))
    day = [(np.datetime64(date) - np.datetime64("1970-01-01")).astype(float) for date in ("2026-04-03", "2024-02-29")]
    x = np.array([[day[0], 4, 7], [day[1], np.nan, 3], [np.nan] * 3])
    text = np.array([["YES"], ["perhaps"], ["No"]], dtype=object)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(["value"], {"x": x, "text": text})[0], expected, rtol=1e-4)


@pytest.mark.usefixtures("sales")
def test_what_is_said_on_the_command_line_is_done(here: Call) -> None:
    options = ["--drop", "day,share", "--text", "rownames", "--number", "visits", "--missing", "No,no", "--json"]
    status, out, err = here("train", "table.csv", "--epochs", "1", *options)
    assert status == 0, err
    columns = {column["name"]: column["kind"] for column in json.loads(out)["columns"]}
    assert columns == {
        "rownames": "left out",
        "day": "left out",
        "member": "category",
        "visits": "number",
        "share": "left out",
        "paid": "values",
    }
    assert "no column 'days'; did you mean 'day'" in here("train", "table.csv", "--drop", "days").err
    assert here("train", "table.csv", "--epochs", "1", "--header", "yes", "--separator", ",").status == 0


def test_a_file_is_decoded_as_said(here: Call, tmp_path: Path) -> None:
    rows = ["größe,art", *(f"{k},{'äh'[k % 2]}" for k in range(40))]
    (tmp_path / "table.csv").write_text("\n".join(rows), encoding="cp850")
    done = here("train", "table.csv", "--epochs", "1", "--encoding", "cp850", "--json")
    assert [column["name"] for column in json.loads(done.out)["columns"]] == ["größe", "art"]
    assert "encoding" in here("train", "table.csv", "--encoding", "cp8500").err


def test_numbers_that_are_classes_say_so(here: Call, tmp_path: Path) -> None:
    rows = [f"{k % 7}.5,{[3, 4, 6, 8][k % 4]}" for k in range(80)]
    (tmp_path / "table.csv").write_text("\n".join(["weight,cylinders", *rows]), encoding="utf-8")
    done = here("train", "table.csv", "--epochs", "1")
    said = "classes: 3, 4, 6, 8 (--task regression if these are values)"
    assert f"table.csv: column 'cylinders': {said}" in done.err
    assert said in done.out.splitlines()
    assert "R squared" in here("train", "table.csv", "--epochs", "1", "--task", "regression").out
