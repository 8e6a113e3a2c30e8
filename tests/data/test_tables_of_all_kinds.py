"""Tables with categories, gaps and columns that are no use, from CSV and Parquet files and from pandas."""

import builtins
import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sfumato import Model, multilayer_perceptron
from sfumato.data import Dataset, Known, Scaling, TableOptions, load_features, load_table
from sfumato.errors import FileError, InputError, TableWarning
from sfumato.losses.classification import default_loss


def people(rows: int = 60) -> pd.DataFrame:
    """A table with a column of each kind, and gaps in those of features."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "colour": random.choice(["red", "blue", "green"], rows),
            "age": random.normal(40, 10, rows).round(2),
            "member": random.choice([True, False], rows),
            "visits": random.integers(0, 50, rows),
            "bought": random.choice(["yes", "no"], rows),
        }
    )
    table.loc[[3, 7], "age"] = np.nan
    table.loc[[3, 9], "colour"] = None
    return table


def written(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
    return path


@pytest.fixture(params=["a.csv", "a.parquet"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def test_a_table_is_encoded_as_scikit_learn_does(path: Path) -> None:
    table = people()
    data = load_table(written(table, path))
    assert data.features == ("colour", "age", "member", "visits")
    assert data.categories == {"colour": ("blue", "green", "red"), "member": ("False", "True")}
    assert data.classes == ("no", "yes")
    pipeline = ColumnTransformer(
        [
            ("colour", OneHotEncoder(categories=[["blue", "green", "red"]], handle_unknown="ignore"), ["colour"]),
            ("age", make_pipeline(SimpleImputer(), StandardScaler()), ["age"]),
            ("member", OneHotEncoder(), ["member"]),
            ("visits", StandardScaler(), ["visits"]),
        ],
        sparse_threshold=0,
    )
    x, indicators = data.examples.x, data.indicators
    expected = pipeline.fit_transform(table)
    # The deviation is that of the values that are there, while scikit-learn's is taken after the gaps are filled.
    age, gaps = table["age"].to_numpy(), table["age"].isna().to_numpy()
    expected[:, 3] = np.where(gaps, 0, (age - np.nanmean(age)) / np.nanstd(age))
    np.testing.assert_allclose(Scaling.fit(x, indicators=indicators)(x, np.float64), expected, atol=1e-12)


def test_csv_and_parquet_are_the_same_table(tmp_path: Path) -> None:
    one, other = (load_table(written(people(), tmp_path / name)) for name in ("a.csv", "a.parquet"))
    np.testing.assert_array_equal(one.examples.x, other.examples.x)
    np.testing.assert_array_equal(one.examples.y, other.examples.y)
    assert (one.classes, one.features, one.categories) == (other.classes, other.features, other.categories)


@pytest.mark.parametrize("target", ["age", "visits"])
def test_targets_of_a_typed_table(target: str, tmp_path: Path) -> None:
    table = people().dropna()
    one, other = (load_table(written(table, tmp_path / name), target=target) for name in ("a.csv", "a.parquet"))
    for data in (one, other):
        assert data.task == "regression"
        np.testing.assert_array_equal(data.examples.y, table[target])


def test_columns_that_are_no_use_are_left_out(path: Path) -> None:
    table = people(300).assign(bought=["yes", "no"] * 150)
    table.insert(0, "name", [f"person {k}" for k in range(300)])
    table.insert(1, "street", [f"street {k % 120}" for k in range(300)])
    data = load_table(written(table, path))
    assert data.features == ("colour", "age", "member", "visits")
    assert data.left_out == (
        "column 'name' has more than 100 different texts",
        "column 'street' has more than 100 different texts",
    )
    written(table.head(20)[["name", "bought"]], path)
    with pytest.raises(InputError, match="no column is a feature: column 'name' has no text that occurs twice"):
        load_table(path)


def test_numbers_of_rows_are_no_feature(tmp_path: Path) -> None:
    people().to_csv(tmp_path / "a.csv")
    data = load_table(tmp_path / "a.csv")
    assert data.features == ("colour", "age", "member", "visits")
    assert data.left_out == ("column 1 has no name, as numbers of rows have none",)


def test_one_wrong_cell_does_not_make_a_column_of_categories(tmp_path: Path) -> None:
    rows = [f"{k}.5,{['red', 'blue'][k % 2]},{'xy'[k % 2]}" for k in range(20)]
    (tmp_path / "a.csv").write_text("\n".join(["a,b,y", *rows, "3o,red,x"]), encoding="utf-8")
    data = load_table(tmp_path / "a.csv")
    assert data.categories == {"b": ("blue", "red")}
    assert data.said[0] == "column 'a': 1 of 21 are no numbers ('3o'), taken for missing"
    with pytest.raises(InputError, match="line 22, column 'a': '3o' is not a number"):
        load_table(tmp_path / "a.csv", options=TableOptions(strict=True))


def test_commas_in_numbers_between_semicolons(tmp_path: Path) -> None:
    table = people().dropna().assign(visits=lambda table: table["visits"] / 4)
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_csv(tmp_path / "b.csv", index=False, sep=";", decimal=",")
    table.to_csv(tmp_path / "c.csv", index=False, sep=";", decimal=",", quoting=csv.QUOTE_ALL)
    for target in ("bought", "visits"):
        expected = load_table(tmp_path / "a.csv", target=target)
        for name in ("b.csv", "c.csv"):
            data = load_table(tmp_path / name, target=target)
            np.testing.assert_array_equal(data.examples.x, expected.examples.x)
            np.testing.assert_array_equal(data.examples.y, expected.examples.y)
    (tmp_path / "text.csv").write_text('a;b;y\n1;"Rome, Italy";x\n2;Oslo;y\n3;"Rome, Italy";x\n', encoding="utf-8")
    assert load_table(tmp_path / "text.csv").categories == {"b": ("Oslo", "Rome, Italy")}


def test_names_of_rows_without_a_header_of_their_own_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"a","y"\n"1",5,"x"\n"2",6,"y"\n', encoding="utf-8")
    data = load_table(tmp_path / "a.csv")
    assert (data.features, data.target) == (("a",), "y")
    assert data.said == (
        "the rows have a value more than the header: the first is taken for the name of the row",
        "left out: column 1 has no name, as numbers of rows have none",
    )


def test_missing_values_in_all_their_spellings(tmp_path: Path) -> None:
    cells = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "  "]
    rows = [f"{cell},{cell},{k % 2}" for k, cell in enumerate(cells)] + ["1,red,0", "2,red,1", "2,blue,1"]
    (tmp_path / "a.csv").write_text("\n".join(["a,b,y", *rows]), encoding="utf-8")
    x = load_table(tmp_path / "a.csv").examples.x
    assert np.isnan(x[:8, 0]).all()
    assert not x[:8, 1:].any()
    assert x[8:].tolist() == [[1, 0, 1], [2, 0, 1], [2, 1, 0]]


def test_a_short_row_is_not_a_row_with_gaps(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,y\n1,2,x\n3\n4,5,y\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 3: the number of values is 1, not 3"):
        load_table(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 3: the number of values is 1, not 2"):
        load_features(tmp_path / "a.csv", Known(("a", "b"), {}), 2)


def known(data: Dataset) -> Known:
    return Known(data.features, data.categories, data.columns)


def test_new_rows_are_encoded_as_the_first(path: Path) -> None:
    table = people()
    data = load_table(written(table, path))
    new = table.head(5)[["visits", "colour", "age", "member"]]
    np.testing.assert_array_equal(load_features(written(new, path), known(data), 0), data.examples.x[:5])


def test_a_new_category_is_named(path: Path) -> None:
    data = load_table(written(people(), path))
    written(people().head(3).assign(colour=["red", "purple", "red"]), path)
    place = "line 3" if path.suffix == ".csv" else "row 2"
    with pytest.raises(InputError, match=rf"{place}, column 'colour': 'purple' is not one of .*\(blue, green, red\)"):
        load_features(path, known(data), 0, TableOptions(strict=True))
    with pytest.warns(TableWarning, match=rf"{place}, column 'colour': 'purple' is not one of .*: 1 in all, taken for"):
        assert not load_features(path, known(data), 0)[1, :3].any()


def test_text_where_numbers_were(path: Path) -> None:
    data = load_table(written(people(), path))
    written(people().head(3).assign(age=["40", "old", "50"]), path)
    place = "line 3" if path.suffix == ".csv" else "row 2"
    with pytest.raises(InputError, match=f"{place}, column 'age': 'old' is not a number"):
        load_features(path, known(data), 0, TableOptions(strict=True))
    with pytest.warns(TableWarning, match=f"{place}, column 'age': 'old' is not a number: 1 in all"):
        assert np.isnan(load_features(path, known(data), 0)[1, 3])


def test_infinity_is_no_missing_value(path: Path) -> None:
    table = people()
    table.loc[4, "age"] = np.inf
    place = "line 6" if path.suffix == ".csv" else "row 5"
    with pytest.raises(InputError, match=f"{place}, column 'age': 'inf' is not finite"):
        load_table(written(table, path))


def test_a_model_takes_a_pandas_table(tmp_path: Path) -> None:
    table = people()
    data = load_table(written(table, tmp_path / "a.csv"))
    loss, outputs = default_loss(2)
    network = multilayer_perceptron(data.feature_shape, (4,), outputs)
    scaling = Scaling.fit(data.examples.x, indicators=data.indicators)
    theta = network.initialize(0)
    model = Model(network, theta, loss, scaling, data.classes, data.features, data.target, data.categories)
    model.save(tmp_path / "model.safetensors")
    again = Model.load(tmp_path / "model.safetensors")
    assert again.categories == data.categories
    answers = model.predict_proba(data.examples.x)
    assert np.isfinite(answers).all()
    np.testing.assert_array_equal(again.predict_proba(again.rows(table[[*reversed(table.columns)]])), answers)
    with pytest.raises(InputError, match="the table, row 1, column 'colour': 'mauve' is not one of the known"):
        model.rows(table.assign(colour="mauve"), TableOptions(strict=True))
    with pytest.raises(InputError, match="the table: has no column 'age'"):
        model.rows(table.drop(columns="age"))


def test_bad_parquet_files(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with pytest.raises(FileError, match="cannot be read"):
        load_table(path)
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(FileError, match="not a whole Parquet file"):
        load_table(path)
    whole = written(people(), path).read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(FileError, match="not a whole Parquet file"):
        load_table(path)
    written(people().head(0), path)
    with pytest.raises(InputError, match="has no rows"):
        load_table(path)
    written(people().assign(bought=None), path)
    with pytest.raises(InputError, match="column 'bought': the target is missing in every row"):
        load_table(path)


def test_without_pyarrow_parquet_files_say_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def fail(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError
        return real(name, *rest)

    written(people(), tmp_path / "a.parquet")
    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(FileError, match=r"need the library pyarrow: pip install '\.\[parquet\]'"):
        load_table(tmp_path / "a.parquet")


def test_scaling_learns_nothing_from_gaps_and_constants() -> None:
    x = np.array([[1.0, np.nan, 5.0], [3.0, np.nan, 5.0], [np.nan, np.nan, 5.0]])
    for kind in ("none", "unit", "standard"):
        scaled = Scaling.fit(x, kind)(x, np.float64)
        assert np.isfinite(scaled).all()
        assert scaled[2, 0] == pytest.approx(scaled[:2, 0].mean())
    later = Scaling.fit(x, "standard")(np.array([[2.0, 9.0, 9.0]]), np.float64)
    np.testing.assert_array_equal(later, [[0.0, 0.0, 0.0]])
    assert np.isnan(Scaling.none()(x)[0, 1])


def test_weights_count_in_what_gaps_are_filled_with() -> None:
    x = np.array([[1.0], [3.0], [np.nan], [3.0]])
    weight = np.array([2.0, 1.0, 5.0, 0.0])
    scaled = Scaling.fit(x, "none", weight)(x, np.float64)
    assert scaled[2, 0] == pytest.approx(5 / 3)
