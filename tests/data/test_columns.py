"""What each column of a table is: decided once, with a note, and the same for every table afterwards."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.data.tables import PLAIN, known, table

from sfumato.data import TableOptions, load_features, load_table
from sfumato.data.columns import columns_table
from sfumato.data.dates import DAY_FIRST, MONTH_FIRST, NAMED, YEAR_FIRST, day_of, order_of, parts_of_days
from sfumato.data.notations import COMMA, POINT, amount, written
from sfumato.data.streaming import stream_table
from sfumato.errors import InputError, TableWarning


@pytest.mark.parametrize(
    ("texts", "notation", "values", "note"),
    [
        (["$450,000", "$1,250,000"], POINT, [450000, 1250000], "amounts, thousands by commas"),
        (["1.234,5 EUR", "3 EUR"], COMMA, [1234.5, 3], "amounts, decimal commas, thousands by points"),
        (["38.92%", "40 %"], POINT, [38.92, 40], "percents"),
        (["450,000", "12"], POINT, [450000, 12], "thousands by commas, as no value proves otherwise"),
        (["€ 1.234", "€ 999"], POINT, [1.234, 999], "amounts, decimal points, as no value proves otherwise"),
        (["1.234", "1.234.567"], COMMA, [1234, 1234567], "thousands by points"),
        (["1.234", "12,5"], COMMA, [1234, 12.5], "decimal commas, thousands by points"),
        (["1,5", "2"], COMMA, [1.5, 2], "decimal commas"),
        (["1 234,50", "7"], COMMA, [1234.5, 7], "decimal commas"),
        (["($1,200.50)", "-$5", "$-5"], POINT, [-1200.5, -5, -5], "amounts, thousands by commas"),
        (["CHF 1'200.50", "chf 7"], POINT, [1200.5, 7], "amounts"),
        (["$7", "€1.5"], POINT, [7, 1.5], "amounts in several units ($, €), as they are"),
        (["5.5%", "0.11"], POINT, [5.5, 0.11], "percents in several units (none, %), as they are"),
        (["$1.5M", "$750k", "$2 bn"], POINT, [1.5e6, 7.5e5, 2e9], "amounts"),
        (["1.000,50-", "12,5"], COMMA, [-1000.5, 12.5], "decimal commas, thousands by points"),
    ],
)
def test_how_numbers_are_written_is_told_by_all_of_them(
    texts: list[str], notation: str, values: list[float], note: str
) -> None:
    found = written(texts)
    assert (found.notation, found.note) == (notation, note)
    assert [amount(text, found.notation) for text in texts] == values


@pytest.mark.parametrize(
    "text", ["A/5 386", "12 kg", "12 m", "3k", "1,23,4", "1.2.3", "$", "%", "12:30", "3+", "(5", "--5", "2026-01-03"]
)
def test_what_is_no_number(text: str) -> None:
    assert amount(text, POINT) is None


@pytest.mark.parametrize(
    ("text", "value"), [("$615,000", 615000.0), ("80.9%", 80.9), ("450,000", 450000.0), ("1.234,5 EUR", 1234.5)]
)
def test_amounts_are_values_in_targets_and_features(text: str, value: float, tmp_path: Path) -> None:
    cells = [text, *(text.replace("1", str(k)).replace("5", str(k)) for k in (2, 3, 4, 6, 7))]
    rows = [f'{k % 3}.5,"{cell}"' for k, cell in enumerate(cells)]
    data = load_table(table(tmp_path, ["a,price", *rows]))
    assert data.task == "regression"
    assert data.examples.y[0] == value
    assert any("price" in line for line in data.said)
    data = load_table(table(tmp_path, ["price,kind", *(f'"{c}",{"xy"[k % 2]}' for k, c in enumerate(cells))]))
    assert data.examples.x[0].tolist() == [value]
    new = table(tmp_path, ["price", f'"{text}"', '"oh"'], "new.csv")
    with pytest.warns(TableWarning, match="'oh' is not a number: 1 in all, taken for missing"):
        x = load_features(new, known(data), 0)
    assert x[0].tolist() == [value]
    assert np.isnan(x[1]).all()


def test_points_that_nothing_decides_are_decimal_and_said_to_be(tmp_path: Path) -> None:
    rows = [f"{k}.{k}34,{'xy'[k % 2]}" for k in range(1, 9)]
    data = load_table(table(tmp_path, ["a,kind", *rows]))
    assert data.examples.x[0].tolist() == [1.134]
    assert data.said == ("column 'a': its points are taken for decimal points, as no value proves otherwise",)
    assert load_table(table(tmp_path, ["a,kind", *rows, "0.5,x"])).said == ()


def test_a_target_of_nearly_as_many_texts_as_rows_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, ["a,name", *(f"{k % 4}.5,name {k}" for k in range(30))])
    with pytest.raises(
        InputError, match=r"column 'name': the target has 30 different texts in 30 rows, .*target=\.\.\."
    ):
        load_table(path)
    assert len(load_table(path, task="classification").classes) == 30


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (range(1947, 1963), "regression"),
        ([3, 4, 4, 6, 6, 8, 8, 8, 3, 4, 6, 8], "classification"),
        ([1, 2, 3] * 2, "classification"),
        ([0, 1], "classification"),
        ([10, 20, 35, 41], "regression"),
        ([0.5] * 20, "regression"),
    ],
)
def test_whole_numbers_are_classes_where_they_repeat(values: list[int], task: str, tmp_path: Path) -> None:
    data = load_table(table(tmp_path, ["a,y", *(f"{k % 3}.5,{v}" for k, v in enumerate(values))]))
    assert data.task == task
    note = f'classes: {", ".join(data.classes)} (task="regression" if these are values)'
    assert [line for line in data.said if "classes" in line] == ([f"column 'y': {note}"] if data.classes else [])


@pytest.mark.parametrize("cell", ["", "NA", "#N/A", "None", "n/a", "<NA>", "-", "?", "null", "nan"])
def test_rows_without_a_target_are_left_out_and_counted(cell: str, tmp_path: Path) -> None:
    rows = [f"{k}.5,{'xy'[k % 2]}" for k in range(8)]
    data = load_table(table(tmp_path, ["a,kind", *rows, f"9.5,{cell}", f"8.5,{cell}"]))
    assert data.classes == ("x", "y")
    assert data.examples.size == 8
    assert data.notes == ("2 of 10 rows have no value in 'kind', and are left out",)


def test_a_minus_beside_a_plus_is_no_missing_value(tmp_path: Path) -> None:
    data = load_table(table(tmp_path, ["a,sign", *(f"{k}.5,{'+-'[k % 2]}" for k in range(8))]))
    assert data.classes == ("+", "-")


def test_a_few_texts_among_numbers_are_missing_and_counted(tmp_path: Path) -> None:
    rows = [f"{k}.5,{'xy'[k % 2]}" for k in range(30)]
    path = table(tmp_path, ["a,kind", *rows, "oops,x"])
    data = load_table(path)
    assert np.isnan(data.examples.x[-1]).all()
    assert data.said[0] == "column 'a': 1 of 31 are no numbers ('oops'), taken for missing"
    with pytest.raises(InputError, match="line 32, column 'a': 'oops' is not a number; correct it"):
        load_table(path, options=TableOptions(strict=True))


def test_values_that_are_missing_are_counted_and_said(tmp_path: Path) -> None:
    sizes = ["" if k % 5 == 0 else k * 1.5 for k in range(1, 31)]
    days = ["NA", *(f"2024-01-{k:02}" for k in range(2, 31))]
    rows = [f"{sizes[k]},{['red', 'blue', '-'][k % 3]},{days[k]},{k**2},{'xy'[k % 2]}" for k in range(30)]
    path = table(tmp_path, ["size,colour,day,whole,kind", *rows])
    data = load_table(path)
    assert {column.name: column.missing for column in data.columns} == {
        "size": 6,
        "colour": 10,
        "day": 1,
        "whole": 0,
        "kind": 0,
    }
    assert [text for text in data.said if "values are missing" in text] == [
        "values are missing in 3 of 4 columns, most in 'colour' (10): numbers and dates are taken for the mean of the "
        "training rows, categories for none"
    ]
    assert "colour  category  blue, red; 10 without a value" in columns_table(data.columns, data.categories)


def test_a_mixed_column_is_text(tmp_path: Path) -> None:
    rows = [f"{['A/5 3', '17'][k % 2]},{k % 5}.5,{'xy'[k % 2]}" for k in range(30)]
    data = load_table(table(tmp_path, ["ticket,b,kind", *rows]))
    assert data.categories == {"ticket": ("17", "A/5 3")}
    assert "column 'ticket': 15 numbers among 30 texts: taken for text" in data.said
    options = TableOptions(number=("ticket",))
    assert np.isnan(load_table(tmp_path / "a.csv", options=options).examples.x[:, 0]).sum() == 15


def test_what_the_user_says_of_columns(tmp_path: Path) -> None:
    rows = [f"{k % 3},{k % 4},{'none of it' if k == 5 else k % 5},{'xy'[k % 2]}" for k in range(30)]
    path = table(tmp_path, ["a,b,c,kind", *rows])
    data = load_table(path, options=TableOptions(drop=("b",), text=("a",), missing=("none of it",)))
    assert data.features == ("a", "c")
    assert data.categories == {"a": ("0", "1", "2")}
    assert data.said == (
        "left out: column 'b' as asked",
        "values are missing in column 'c' (1): numbers and dates are taken for the mean of the training rows, "
        "categories for none",
    )
    assert data.missing == ("none of it",)
    with pytest.raises(InputError, match="there is no column 'bb'; did you mean 'b'"):
        load_table(path, options=TableOptions(drop=("bb",)))


@pytest.mark.parametrize(
    "words", [("True", "TRUE", "false"), ("Yes", "yes", "No"), ("t", "T", "f"), ("Male", "male", "Female")]
)
def test_other_capitals_are_no_other_class_or_category(words: tuple[str, str, str], tmp_path: Path) -> None:
    cells = [words[0], words[0], words[1], words[2], words[2]] * 4
    data = load_table(table(tmp_path, ["a,b", *(f"{cell},{cell}" for cell in cells)]))
    assert data.classes == tuple(sorted((words[0], words[2])))
    assert data.categories == {"a": data.classes}
    assert f"column 'a': {words[1]!r} is {words[0]!r}, in other capitals" in data.said
    new = table(tmp_path, ["a", words[0].upper(), words[0].lower()], "new.csv")
    np.testing.assert_array_equal(load_features(new, known(data), 0), data.examples.x[[0, 0]])


def test_signs_that_differ_in_capitals_stay_two(tmp_path: Path) -> None:
    cells = ["AA", "Aa", "aa"] * 5
    data = load_table(table(tmp_path, ["gene,kind", *(f"{c},{'xy'[k % 2]}" for k, c in enumerate(cells))]))
    assert data.categories == {"gene": ("AA", "Aa", "aa")}


@pytest.mark.parametrize("name", ["rownames", "Unnamed: 0", "id", "first of all"])
def test_columns_that_count_are_left_out(name: str, tmp_path: Path) -> None:
    rows = [f"{k},{k % 5}.5,{'xy'[k % 2]}" for k in range(1, 21)]
    data = load_table(table(tmp_path, [f"{name},b,kind", *rows]))
    assert data.features == ("b",)
    assert data.said == (f"left out: column {name!r} only counts the rows",)
    data = load_table(table(tmp_path, [f"{name},b,kind", *rows, *rows]))
    assert data.features == (name, "b")


@pytest.mark.parametrize(
    ("texts", "form", "note"),
    [
        (["2026-01-03", "2026-12-31"], YEAR_FIRST, ""),
        (["03/04/2026", "13/04/2026"], DAY_FIRST, "the day is first"),
        (["03/04/2026", "04/13/2026"], MONTH_FIRST, "the month is first"),
        (["03/04/2026", "05/06/2026"], MONTH_FIRST, "the month is taken to be first, as no value proves it"),
        (["03.04.2026", "05.06.2026"], DAY_FIRST, "the day is taken to be first, as no value proves it"),
        (["Jan 1 2000", "Feb 1 2000"], NAMED, ""),
        (["1-Jan-00", "12 February 2001"], NAMED, "years of two digits are taken for 1969 to 2068"),
        (["Jan-24", "Feb-24"], NAMED, "years of two digits are taken for 1969 to 2068"),
        (["1. Januar 2024", "3. März 2024"], NAMED, ""),
        (["2024-W05", "2024-W06"], YEAR_FIRST, ""),
        (["2024-01-03 12:00 EST", "2024-01-04T12:00Z"], YEAR_FIRST, "times are taken as written, without their zones"),
        (["1960 Jan", "1960 Feb"], NAMED, ""),
        (["Q1 1990", "Q2 1990"], NAMED, ""),
        (["1990 Q1", "1990 Q4"], YEAR_FIRST, ""),
        (["1991 W06", "1991 W07"], YEAR_FIRST, ""),
    ],
)
def test_the_order_of_dates_is_told_by_all_of_them(texts: list[str], form: str, note: str) -> None:
    assert order_of(texts) == (form, note)


@pytest.mark.parametrize("texts", [["12", "13"], ["a", "b"], ["12:30", "13:45"], ["2026-13-45", "2026-99-99"]])
def test_what_are_no_dates(texts: list[str]) -> None:
    assert order_of(texts) is None


def test_quarters_and_weeks_are_their_first_days() -> None:
    assert day_of("1970Q2", YEAR_FIRST) == day_of("1970-04-01", YEAR_FIRST) == 90
    monday = pd.Timestamp("1991-02-04")  # of the sixth week by ISO 8601
    assert monday.isocalendar()[:2] == (1991, 6)
    assert day_of("1991 W06", YEAR_FIRST) == (monday - pd.Timestamp("1970-01-01")).days
    assert day_of("1991 W54", YEAR_FIRST) is None


def test_parts_of_days_are_those_of_the_calendar() -> None:
    days = np.arange(-40000, 60000, 17.0)
    stamps = pd.to_datetime(days, unit="D")
    found = parts_of_days(days, -40000)
    np.testing.assert_array_equal(found, np.stack([days + 40000, stamps.month, stamps.day_of_week], axis=1))


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_dates_become_days_months_and_weekdays(name: str, tmp_path: Path) -> None:
    dates = pd.date_range("2026-01-30", periods=40, freq="D")
    frame = pd.DataFrame({"day": dates, "sold": np.arange(40) / 8})
    path = tmp_path / name
    frame.to_csv(path, index=False) if name == "a.csv" else frame.to_parquet(path)
    data = load_table(path)
    expected = np.stack([np.arange(40), dates.month, dates.day_of_week], axis=1)
    np.testing.assert_array_equal(data.examples.x, expected)
    assert data.said == ("column 'day': dates, as days since the first, month and day of the week",)
    new = table(tmp_path, ["day", "2026-02-01", "", "someday"], "new.csv")
    with pytest.warns(TableWarning, match="'someday' is not a date"):
        x = load_features(new, known(data), 0)
    assert x[0].tolist() == [2, 2, 6]
    assert np.isnan(x[1:]).all()


def test_the_order_of_dates_in_training_holds_afterwards(tmp_path: Path) -> None:
    data = load_table(table(tmp_path, ["day,y", *(f"{k:02}/03/2026,{k}.5" for k in range(1, 29))]))
    assert load_features(table(tmp_path, ["day", "02/03/2026"], "n.csv"), known(data), 0).tolist() == [[1, 3, 0]]


def test_an_unknown_category_is_missing_and_counted(tmp_path: Path) -> None:
    data = load_table(table(tmp_path, ["colour,y", *(f"{['red', 'blue'][k % 2]},{k}.5" for k in range(20))]))
    path = table(tmp_path, ["colour", "red", "mauve", "teal", "NA"], "new.csv")
    with pytest.warns(TableWarning, match="line 3, column 'colour': 'mauve' is not one .*, and 1 more like it: 2"):
        x = load_features(path, known(data), 0)
    assert x.tolist() == [[0, 1], [0, 0], [0, 0], [0, 0]]
    with pytest.raises(InputError, match="line 3, column 'colour': 'mauve' is not one of the known"):
        load_features(path, known(data), 0, TableOptions(strict=True))


def test_a_table_without_surprises_says_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load_table(table(tmp_path, PLAIN))
        load_features(tmp_path / "a.csv", known(data), 0)
    assert data.said == ()


@pytest.mark.parametrize("stream", [False, True])
def test_a_dash_is_a_sign_beside_plus_and_else_missing(stream: bool, tmp_path: Path) -> None:
    signs = ["+"] * 60_000 + ["-"] * 60_000
    path = table(tmp_path, ["a,rh,y", *(f"{k % 97}.25,{sign},{k % 89}.5" for k, sign in enumerate(signs))])
    data = stream_table(path).dataset if stream else load_table(path)
    assert data.categories == {"rh": ("+", "-")}
    new = table(tmp_path, ["a,rh", "1,-", "2,"], "new.csv")
    assert load_features(new, known(data), 0).tolist() == [[1, 0, 1], [2, 0, 0]]
    lines = ["a,kind,y", *(f"{['1.5', '-'][k % 5 == 0]},{['x', 'y', '–'][k % 3]},{k % 7}.5" for k in range(30))]
    data = load_table(table(tmp_path, lines, "dashes.csv"))
    assert data.categories == {"kind": ("x", "y")}
    assert np.isnan(data.examples.x[::5, 0]).all()
    lines = ["a,kind", *(f"{k}.5,{['x', 'y', '-'][k % 3]}" for k in range(30))]
    data = load_table(table(tmp_path, lines, "target.csv"))
    assert (data.classes, data.examples.size) == (("x", "y"), 20)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_target_that_nothing_decides_says_what_was_taken(name: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [k / 2 for k in range(6)], "price": [f"{k}.{k}34" for k in range(1, 7)]})
    path = tmp_path / name
    frame.to_csv(path, index=False) if name == "a.csv" else frame.to_parquet(path)
    data = load_table(path)
    assert data.examples.y[0] == 1.134
    assert any("decimal points, as no value proves otherwise" in line for line in data.said)


def test_texts_among_dates_are_counted(tmp_path: Path) -> None:
    lines = ["day,a,y", *(f"{['unknown', f'2024-01-{k:02}'][k % 10 > 0]},{k % 5}.5,{k}.5" for k in range(1, 29))]
    data = load_table(table(tmp_path, lines))
    assert any("2 of 28 are no dates ('unknown'), taken for missing" in line for line in data.said)


def test_numbers_that_begin_with_zero_are_names(tmp_path: Path) -> None:
    lines = ["zip,rooms,price", *(f"{['02134', '00501', '10001'][k % 3]},{k % 5}.5,{k}.5" for k in range(30))]
    data = load_table(table(tmp_path, lines))
    assert data.categories == {"zip": ("00501", "02134", "10001")}
    assert any("taken for text, as some numbers begin with 0 (number='zip' if they are" in line for line in data.said)
    data = load_table(tmp_path / "a.csv", options=TableOptions(number=("zip",)))
    assert data.examples.x[0, 0] == 2134


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (TableOptions(drop=("a", "b", "y")), "no column is left to predict"),
        (TableOptions(text=("a",), number=("a",)), "column 'a' cannot be of text and of numbers"),
        (TableOptions(number=("word",)), "column 'word': none of its texts is a number"),
        (TableOptions(strict=True), "line 3, column 'y': 'x' is not a number"),
    ],
)
def test_options_that_contradict_are_refused(options: TableOptions, said: str, tmp_path: Path) -> None:
    lines = ["a,b,word,y", *(f"{k}.5,{k % 3},{'uvw'[k % 3]},{'x' if k == 1 else k * 1.5}" for k in range(20))]
    path = table(tmp_path, lines)
    drop = (*options.drop, "word") if options.drop else ()
    with pytest.raises(InputError, match=said):
        load_table(path, options=options._replace(drop=drop))


def test_the_target_is_the_last_column_that_is_not_left_out(tmp_path: Path) -> None:
    path = table(tmp_path, ["a,b,y", *(f"{k}.5,{k * 1.5},{'xy'[k % 2]}" for k in range(20))])
    assert load_table(path, options=TableOptions(drop=("y",))).target == "b"
    with pytest.raises(InputError, match="column 'y' is the target and cannot be left out too"):
        load_table(path, target="y", options=TableOptions(drop=("y",)))
    mixed = table(tmp_path, ["a,y", *(f"{k}.5,{['low', k * 1.5][k % 2]}" for k in range(20))], "mixed.csv")
    data = load_table(mixed, options=TableOptions(number=("y",)))
    assert (data.task, data.examples.size) == ("regression", 10)


def test_dates_are_no_target(tmp_path: Path) -> None:
    path = table(tmp_path, ["a,day", *(f"{k}.5,2024-01-{k % 9 + 1:02}" for k in range(40))])
    with pytest.raises(InputError, match="column 'day': the target is dates; choose another column"):
        load_table(path)
    assert len(load_table(path, task="classification").classes) == 9
