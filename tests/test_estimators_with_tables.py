"""Estimators given a DataFrame: its columns are read as those of a file."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score

from sfumato.errors import InputError, TableWarning
from sfumato.estimators import NetworkClassifier, NetworkRegressor

pytestmark = pytest.mark.filterwarnings("ignore:column '(day|paid)':sfumato.errors.TableWarning")


@pytest.fixture
def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    table = pd.DataFrame({"colour": random.choice(["red", "blue", "green"], 200), "size": random.normal(5, 2, 200)})
    table["paid"] = [f"${k},200.5" for k in random.integers(1, 99, 200)]
    table["day"] = pd.date_range("2026-01-01", periods=200)
    table.loc[::20, "size"] = np.nan
    return table


def test_columns_of_text_are_encoded_as_in_a_file(frame: pd.DataFrame) -> None:
    kind = np.where((frame["colour"] == "red") ^ (frame["size"] > 5), "ripe", "unripe")
    network = NetworkClassifier(hidden=(16,), l2=0, batch_size=16, epochs=60, random_state=0).fit(frame, kind)
    assert np.mean(network.predict(frame) == kind) > 0.8
    model = network.model_
    assert model.features == ("colour", "size", "paid", "day")
    assert [column.kind for column in model.columns] == ["category", "number", "number", "date"]
    np.testing.assert_array_equal(network.classes_[model.predict(frame)], network.predict(frame))
    shuffled = frame[["day", "size", "colour", "paid"]]
    np.testing.assert_array_equal(network.predict(shuffled), network.predict(frame))
    with pytest.warns(TableWarning, match="column 'colour': 'mauve' is not one of the known categories"):
        network.predict(frame.assign(colour="mauve"))
    assert cross_val_score(network, frame, kind, cv=3).mean() > 0.7


def test_decisions_on_columns_are_said_and_kept(frame: pd.DataFrame) -> None:
    with pytest.warns(TableWarning, match="column 'paid': amounts, thousands by commas"):
        network = NetworkRegressor(hidden=(), epochs=1).fit(frame, frame["size"].fillna(0))
    assert [(column.name, column.kind) for column in network.columns_] == [
        ("colour", "category"),
        ("size", "number"),
        ("paid", "number"),
        ("day", "date"),
    ]


def test_a_regression_of_columns_of_text(frame: pd.DataFrame) -> None:
    y = (frame["colour"] == "red") * 3.0 + frame["day"].dt.month
    network = NetworkRegressor(hidden=(16,), epochs=200, learning_rate=0.01, random_state=0).fit(frame, y)
    assert np.mean((network.predict(frame) - y) ** 2) < 0.1 * np.var(y)


def test_rows_come_in_parts_with_the_columns_of_the_first(frame: pd.DataFrame) -> None:
    y = (frame["colour"] == "red") * 3.0
    network = NetworkRegressor(hidden=(), learning_rate=0.05, random_state=0)
    for _ in range(30):
        for start in range(0, 200, 50):
            network.partial_fit(frame[start : start + 50], y[start : start + 50])
    assert np.mean((network.predict(frame) - y) ** 2) < 0.1 * np.var(y)
    scaling = network.model_.scaling
    np.testing.assert_array_equal(scaling.offset[:3], 0)  # the three colours stay zeros and ones
    assert scaling.offset[3] == pytest.approx(frame["size"].mean())


def test_few_first_rows_do_not_decide_on_columns_of_text(frame: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="decides on columns of text, and has 2 rows: begin with 20 or more"):
        NetworkRegressor().partial_fit(frame[:2], [1.0, 2.0])
    with pytest.raises(InputError, match="begin with 20 or more"):
        NetworkClassifier().partial_fit(frame[:2], [0, 1], classes=[0, 1])
