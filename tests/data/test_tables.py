"""CSV files, good and bad."""

import codecs
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from sfumato.data import Known, TaskChoice, blobs, breast_cancer, load_features, load_table
from sfumato.errors import FileError, InputError

FILES = Path(__file__).parents[2] / "examples" / "data"


def known(*features: str, **categories: tuple[str, ...]) -> Known:
    return Known(features, categories)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


@pytest.mark.parametrize("name", ["data", "spiral", "circles", "lemniscate", "cancer"])
def test_the_files_of_the_reference(name: str) -> None:
    data = load_table(FILES / f"{name}.csv")
    rows = np.loadtxt(FILES / f"{name}.csv", delimiter=",")
    np.testing.assert_array_equal(data.examples.x, rows[:, :-1])
    np.testing.assert_array_equal(data.examples.y, rows[:, -1])
    assert data.name == f"{name}.csv"
    assert data.task == "classification"
    assert data.examples.y.dtype == np.int64
    assert data.examples.x.flags.c_contiguous
    assert data.classes == (("0", "1", "2") if name == "spiral" else ("0", "1"))
    assert data.target == "y"
    assert data.features == tuple(f"x{k}" for k in range(1, rows.shape[1]))
    np.testing.assert_array_equal(load_features(FILES / f"{name}.csv", known(), rows.shape[1]), rows)


def test_a_file_and_its_generator_are_interchangeable() -> None:
    file, made = load_table(FILES / "data.csv"), blobs()
    assert (file.features, file.target, file.classes) == (made.features, made.target, made.classes)
    assert load_table(FILES / "cancer.csv").feature_shape == breast_cancer().feature_shape


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", [b"", codecs.BOM_UTF8, b"\n  \n", b"\r"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_header_delimiters_and_line_ends(path: Path, delimiter: str, start: bytes, newline: str) -> None:
    rows = [["größe", "b c", "kind"], [" 1.5", "-2e3", "cat"], ["3", "4 ", " dog"], ["5", "+.5", "cat "]]
    lines = newline.join(delimiter.join(row) for row in rows) + newline + newline
    path.write_bytes(start + lines.encode())
    data = load_table(path)
    assert data.features == ("größe", "b c")
    assert data.target == "kind"
    assert data.classes == ("cat", "dog")
    assert data.examples.y.tolist() == [0, 1, 0]
    assert data.examples.x.tolist() == [[1.5, -2000], [3, 4], [5, 0.5]]


def test_quotation_marks(path: Path) -> None:
    path.write_text('"a,\nb",kind\n"1","x ""y"""\n2,"z, z"\n', encoding="utf-8")
    data = load_table(path)
    assert data.features == ("a,\nb",)
    assert data.classes == ('x "y"', "z, z")


@pytest.mark.parametrize(
    ("content", "features"),
    [
        ("a,b\n1,0\n2,1\n", ("a",)),
        ("label,1,2\n0,5,0\n1,6,1\n", ("label", "1")),
        (",b,c\n0,5,0\n1,6,1\n", ("b",)),
        ("a,,c\n0,5,0\n1,6,1\n", ("a", "column 2")),
        ("1.5,setosa\n2.5,other\n", ("x1",)),
        ("a,b\n1,x\n2,y\n", ("a",)),
        ("1,0\n2,1\n", ("x1",)),
    ],
)
def test_header_or_not(path: Path, content: str, features: tuple[str, ...]) -> None:
    path.write_text(content, encoding="utf-8")
    assert load_table(path).features == features


@pytest.mark.parametrize(
    ("target", "name", "features"),
    [("a", "a", ("b", "2")), ("1", "b", ("a", "2")), ("-3", "a", ("b", "2")), ("2", "2", ("a", "b"))],
)
def test_target(path: Path, target: str, name: str, features: tuple[str, ...]) -> None:
    path.write_text("a,b,2\n0,10,1\n1,20,0\n1,10,1\n1,20,0\n", encoding="utf-8")
    data = load_table(path, target=target)
    assert data.target == name
    assert data.features == features
    column = {"a": [0, 1, 1, 1], "b": [10, 20, 10, 20], "2": [1, 0, 1, 0]}
    assert [data.classes[index] for index in data.examples.y] == [str(value) for value in column[name]]
    assert data.examples.x.T.tolist() == [column[feature] for feature in features]


def test_a_target_that_is_first_without_header(path: Path) -> None:
    path.write_text("0,10,20\n1,30,40\n", encoding="utf-8")
    data = load_table(path, target="0")
    assert data.features == ("x1", "x2")
    assert data.examples.x.tolist() == [[10, 20], [30, 40]]


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["0", "1.0", "1", "01"], "classification", ("0", "1")),
        (["10", "9", "-1", "1e3"] * 3, "classification", ("-1", "9", "10", "1000")),
        (["b", "B", "a", "10"], "classification", ("10", "B", "a", "b")),
        (["None.", "none", "none", "x"], "classification", ("None.", "none", "x")),
        (["0.5", "1", "2", "3"], "regression", ()),
        ([str(k) for k in range(20)] * 2, "classification", tuple(str(k) for k in range(20))),
        ([str(k) for k in range(21)] * 2, "regression", ()),
        ([str(k) for k in range(10)], "regression", ()),
    ],
)
def test_task_and_classes(path: Path, values: list[str], task: str, classes: tuple[str, ...]) -> None:
    path.write_text("".join(f"{k},{value}\n" for k, value in enumerate(values)), encoding="utf-8")
    data = load_table(path)
    assert data.task == task
    assert data.classes == classes
    if task == "regression":
        assert data.examples.y.dtype == np.float64
        assert data.examples.y.tolist() == [float(value) for value in values]
    elif set(classes) >= set(values):
        assert [classes[index] for index in data.examples.y] == values


def test_the_task_can_be_chosen(path: Path) -> None:
    path.write_text("1,0\n2,1\n3,0.5\n", encoding="utf-8")
    assert load_table(path, task="classification").classes == ("0", "0.5", "1")
    path.write_text("1,0\n2,1\n3,0\n", encoding="utf-8")
    assert load_table(path, task="regression").examples.y.tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="no task 'ranking'; choose one of: auto, classification, regression"):
        load_table(path, task=cast(Any, "ranking"))


def test_numbers_are_read_to_the_last_bit(path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2**63, (2000, 3)).view(np.float64)
    x = np.where(np.isfinite(bits), bits, 0.1)
    path.write_text("".join(f"{a!r},{b!r},{c!r}\n" for a, b, c in x.tolist()), encoding="utf-8")
    data = load_table(path)
    np.testing.assert_array_equal(np.column_stack([data.examples.x, data.examples.y]), x)


BAD = [
    ("", "a.csv: the file is empty"),
    (" \n\n", "a.csv: the file is empty"),
    ("a,b\n", "a.csv: has a header but no rows"),
    ("1\n2\n", "has only one column (the first line has no comma, semicolon or tab)"),
    ("1,2\n", "has only one row of values; give at least 2"),
    ("a,b\n1,0\nx,1\n", "no column is a feature: column 'a' has no text that occurs twice"),
    ("1,0\n1_000,1\n", "no column is a feature: column 1 has no text that occurs twice"),
    ("1,0\nTrue,1\n", "no column is a feature: column 1 has no text that occurs twice"),
    ("1,0\n٣,1\n", "no column is a feature: column 1 has no text that occurs twice"),
    ("1,x\n,x\n", "column 2: the target is 'x' in every row"),
    ("1,\n2,\n", "column 2: the target is missing in every row; choose another column: target=..."),
    (",0\n,1\n,1\n", "no column is a feature: column 1 has no values"),
    ("1,0\ninf,1\n", "line 2, column 1: 'inf' is not finite"),
    ("1,0\n-Infinity,1\n", "line 2, column 1: '-inf' is not finite"),
    ("1,0\n1e999,1\n", "line 2, column 1: 'inf' is not finite"),
    ("1,0\n2,inf\n", "line 2, column 2: 'inf' is not finite"),
    ("1,0\n2,1\n3\n", "line 3: the number of values is 1, not 2 as in the first row"),
    ("1,0\n2,1\n3,1,4\n", "line 3: the number of values is 3, not 2 as in the first row"),
    ("a,b\n1,0,1\n2,1\n", "line 2: the number of values is 3, not 2 as in the header"),
    ("a,b,c\n1,0\n2,1\n", "line 2: the number of values is 2, not 3 as in the header"),
    ("a,b,c\n1,0\n2,1,5\n", "line 2: the number of values is 2, not 3 as in the header"),
    ('"a\nb",c\n1,2\ninf,3\n', "line 4, column 'a\\nb': 'inf' is not finite"),
    ('1,0\n2,"1\n3,1\n', "line 2: unexpected end of data; check its quotation marks, and the comma"),
    ("1,7\n2,7\n", "column 2: the target is '7' in every row; give examples of at least 2 classes"),
    ("1,7\n2,7.0\n", "column 2: the target is '7' in every row"),
    ("a,b\n1,x\n2,x\n", "column 'b': the target is 'x' in every row"),
    ("1,0.5\n2,1.5\n3,oops\n4,no\n", "line 3, column 2: 'oops' is not a number; correct it or remove the row, or ch"),
    ("1,x1\n2,x2\n3,x3\n4,x4\n5,x5\n6,x6\n", "the target has 6 different texts in 6 rows"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_bad_content(path: Path, content: str, message: str) -> None:
    path.write_text(content, encoding="utf-8", newline="")
    with pytest.raises(InputError) as caught:
        load_table(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,caf\xe9\x01\n", "line 2: the byte e9 is not part of UTF-8 text; save the file as UTF-8, or name its"),
        ("1,2\n3,4\n".encode("utf-16-le"), "line 1: the byte 00 is not part of UTF-8"),
        (b"\x89a,b\r\n\x1a\n", "line 1: the byte 89 is not"),
    ],
)
def test_content_that_is_no_text(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_table(path)


def test_errors_far_down_a_file(path: Path) -> None:
    rows = [f"{k},{k % 2}" for k in range(200_000)]
    for bad, message in (
        ("inf,1", "'inf' is not finite"),
        ("1,2,3", "number of values is 3"),
        ("1", "number of values is 1"),
    ):
        path.write_text("\n".join([*rows, bad, "1,1"]), encoding="utf-8")
        with pytest.raises(InputError, match=f"line 200001.*{message}"):
            load_table(path)


def test_a_text_target_is_no_regression(path: Path) -> None:
    path.write_text("1,1\n2,b\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 2, column 2: 'b' is not a number"):
        load_table(path, task="regression")


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        ("age,size,kind\n1,2,3\n4,5,6\n", "Siez", "no column 'Siez'; did you mean 'size'?"),
        (
            "age,size,kind\n1,2,3\n4,5,6\n",
            "q",
            "no column 'q'; choose an index, 0 to 2 (-1 for the last one), or a name",
        ),
        ("age,size,kind\n1,2,3\n4,5,6\n", "q", "(age, size, kind)"),
        ("age,size,kind\n1,2,3\n4,5,6\n", "3", "no column '3'; choose an index, 0 to 2"),
        ("1,2,3\n4,5,6\n", "-4", "no column '-4'; choose an index, 0 to 2 (-1 for the last one), or no name"),
        ("1,2,3\n4,5,6\n", "kind", "no column 'kind'"),
        (",".join(f"c{k}" for k in range(30)) + "\n" + ",".join("1" * 30) + "\n", "q", "c19, ...)"),
    ],
)
def test_unknown_target(path: Path, content: str, target: str, message: str) -> None:
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_table(path, target=target)
    assert message in str(caught.value)


@pytest.mark.parametrize("task", ["auto", "regression"])
def test_files_that_cannot_be_read(tmp_path: Path, task: TaskChoice) -> None:
    with pytest.raises(FileError, match=r"no\.csv: cannot be read \(No such file or directory\); check the path"):
        load_table(tmp_path / "no.csv", task=task)
    with pytest.raises(FileError, match="is a folder; name a CSV file"):
        load_table(tmp_path, task=task)


def test_features_by_name(path: Path) -> None:
    path.write_text("kind,b,note,a\nx,1,,2\ny,3,hm,4\n", encoding="utf-8")
    assert load_features(path, known("a", "b"), 2).tolist() == [[2, 1], [4, 3]]


def test_features_by_position(path: Path) -> None:
    path.write_text("p,q\n1,2\n", encoding="utf-8")
    assert load_features(path, known("x1", "x2"), 2).tolist() == [[1, 2]]
    with pytest.raises(InputError, match="its header lacks 'a'"):
        load_features(path, known("a", "b"), 2)
    path.write_text("1,2\n", encoding="utf-8")
    assert load_features(path, known("a", "b"), 2).tolist() == [[1, 2]]
    assert load_features(path, known(), 2).tolist() == [[1, 2]]
    path.write_text("1\n\n2\n", encoding="utf-8")
    assert load_features(path, known("a"), 1).tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2,3\n", "the number of columns is 3, but the model takes 2 features"),
        ("a,c,d\n1,2,3\n", "the number of columns is 3 (its header lacks 'b'), but the model takes 2 features"),
        ("a,b\n", "has a header but no rows"),
        ("a,b,c\n1,2,3\n1,inf,3\n", "line 3, column 'b': 'inf' is not finite"),
        ("c,a,b\n,1,2\n,-inf,3\n", "line 3, column 'a': '-inf' is not finite"),
        ("a,b,c\n1,2,3\n1,2,3,4\n", "line 3: the number of values is 4, not 3 as in the header"),
        ("1,2\n3\n", "line 2: the number of values is 1, not 2"),
        ("1,2\n3,inf\n", "line 2, column 2: 'inf' is not finite"),
        ("", "the file is empty"),
    ],
)
def test_bad_features(path: Path, content: str, message: str) -> None:
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_features(path, known("a", "b"), 2)
    assert message in str(caught.value)


@pytest.mark.parametrize("target", [None, "kind", "0"])
@pytest.mark.parametrize("rows", ["x,1,2\ny,3,4\n", "x,1\ny,3\n", "x\ny\n"])
def test_rows_that_are_all_shorter_than_the_header(rows: str, target: str | None, tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text(f"kind,a,b,note\n{rows}")
    with pytest.raises(InputError, match=r"line 2: the number of values is ., not 4 as in the header; correct it"):
        load_table(path, target=target)


def test_names_among_thousands_of_columns(tmp_path: Path) -> None:
    path, names = tmp_path / "wide.csv", [f"c{number}" for number in range(5000)]
    rows = "\n".join(",".join(str(row * number) for number in range(5000)) for row in range(3))
    path.write_text(f"{','.join(names)}\n{rows}\n")
    assert load_table(path, target="c7").features == tuple(name for name in names if name != "c7")
    path.write_text(f"{','.join([*names[:-1], 'c7'])}\n{rows}\n")
    assert load_table(path, target="c7").features == (*names[:7], *names[8:-1], "c7.1")
