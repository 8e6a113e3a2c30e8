"""Tables that stay in their file: what is learned of them, and how they are read and shuffled."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sfumato import CategoricalCrossEntropy, DivergenceError, InputError, fit, multilayer_perceptron
from sfumato.arrays import Array
from sfumato.data import Examples, Scaling, StreamedTable, TableOptions, load_table, stream_table
from sfumato.data.scaling import TargetScaling
from sfumato.data.streaming import Moments
from sfumato.engine import NUMPY_DOUBLE
from sfumato.errors import TableWarning
from sfumato.minimize import RunOptions
from sfumato.training import batches as batches_module
from sfumato.training.batches import StreamedBatches

ROWS = 40_000


def visits() -> pd.DataFrame:
    """A table of some megabytes, sorted by class, with categories and gaps."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(3, 2, (ROWS, 4)).round(4), columns=["a", "b", "c", "d"])
    table["colour"] = random.choice(["red", "blue", 'a "quoted", one\nof two lines'], ROWS)
    table["kind"] = np.sort(random.choice(["x", "y", "z"], ROWS))
    table.loc[::7, "b"] = np.nan
    table.loc[::11, "colour"] = None
    return table


@pytest.fixture(scope="module", params=["table.csv", "table.parquet"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / str(request.param)
    table = visits()
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path, row_group_size=1000)
    return path


def gathered(*parts: Any) -> Examples:
    """All examples of the parts of a streamed table."""
    read = [block for part in parts for block in part.blocks()]
    return Examples(np.concatenate([b.x for b in read]), np.concatenate([b.y for b in read]))


def in_order(x: Array) -> Array:
    return x[np.lexsort(x.T)]


def test_the_parts_hold_every_row_once(path: Path) -> None:
    whole, streamed = load_table(path), stream_table(path, seed=3)
    assert streamed.validation is not None
    assert streamed.test is not None
    table = streamed.dataset
    assert (table.classes, table.features, table.categories, table.task, table.target) == (
        whole.classes,
        whole.features,
        whole.categories,
        whole.task,
        whole.target,
    )
    x, y, _ = gathered(streamed.train, streamed.validation, streamed.test)
    rows = np.nan_to_num(np.column_stack([x, y]), nan=-99.0)
    expected = np.nan_to_num(np.column_stack([whole.examples.x, whole.examples.y]), nan=-99.0)
    np.testing.assert_array_equal(in_order(rows), in_order(expected))
    assert streamed.train.size + streamed.validation.size + streamed.test.size == ROWS
    assert streamed.test.size / ROWS == pytest.approx(0.2, abs=0.04)
    assert streamed.validation.size / ROWS == pytest.approx(0.08, abs=0.04)


def test_scales_are_those_of_the_training_rows(path: Path) -> None:
    streamed = stream_table(path)
    x, _, _ = gathered(streamed.train)
    for kind in ("none", "unit", "standard"):
        found = streamed.train.scaling(kind)
        expected = Scaling.fit(x, kind, indicators=streamed.dataset.indicators)
        np.testing.assert_allclose(found(x, np.float64), expected(x, np.float64), atol=1e-9)


def test_values_of_a_regression_are_scaled_as_in_memory(path: Path) -> None:
    streamed = stream_table(path, target="a")
    assert streamed.dataset.task == "regression"
    whole = gathered(streamed.train)
    found, expected = TargetScaling.fit(streamed.train, "standard"), TargetScaling.fit(whole, "standard")
    assert (found.mean, found.deviation) == pytest.approx((expected.mean, expected.deviation))
    np.testing.assert_allclose(gathered(found(streamed.train)).y, (whole.y - found.mean) / found.deviation)


@given(
    x=hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.floats(-1e3, 1e3)),
    cut=st.integers(0, 12),
    gap=st.integers(0, 12),
)
def test_moments_of_parts_add_up(x: Array, cut: int, gap: int) -> None:
    x[gap:, 0] = np.nan
    merged, whole = Moments.of(x[: max(1, cut)]), Moments.of(x)
    if len(x) > max(1, cut):
        merged = merged.plus(Moments.of(x[max(1, cut) :]))
    for name in ("count", "mean", "least", "greatest"):
        np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(merged.squares, whole.squares, rtol=1e-7, atol=1e-5)


def batches_of(streamed: StreamedTable, monkeypatch: pytest.MonkeyPatch, numbers: int) -> StreamedBatches:
    monkeypatch.setattr(batches_module, "SHUFFLED_NUMBERS", numbers)
    return StreamedBatches(streamed.train, Scaling.none(), 64, 5, NUMPY_DOUBLE)


def test_an_epoch_shows_every_row_once_in_an_order_of_its_own(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streamed = stream_table(path)
    stream = batches_of(streamed, monkeypatch, numbers=40_000)
    expected = in_order(np.nan_to_num(gathered(streamed.train).x, nan=-99.0))
    orders = []
    for epoch in (0, 1):
        batches = [stream.batch(part).x.copy() for part in stream.epoch(epoch)]
        assert max(map(len, batches)) == 64
        seen = np.nan_to_num(np.concatenate(batches), nan=-99.0)
        np.testing.assert_array_equal(in_order(seen), expected)
        orders.append(seen)
    assert (orders[0] != orders[1]).any(axis=1).mean() > 0.99


def test_a_sorted_file_is_mixed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streamed = stream_table(path)
    stream = batches_of(streamed, monkeypatch, numbers=2**25)
    shares = [np.bincount(stream.batch(part).y, minlength=3) for part in stream.epoch(0)[:-1]]
    assert np.min(shares) > 5
    few = batches_of(streamed, monkeypatch, numbers=40_000)  # a tenth of the rows at a time
    mixed = [len(np.unique(few.batch(part).y)) for part in few.epoch(0)]
    assert np.mean(mixed) > 2


def test_training_goes_on_within_an_epoch(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_module, "SHUFFLED_NUMBERS", 40_000)
    streamed = stream_table(path)
    network = multilayer_perceptron(7, (4,), 3)
    options: dict[str, Any] = {
        "scaling": streamed.train.scaling(),
        "validation": streamed.validation,
        "batch_size": 500,
        "epochs": 2,
    }
    whole = fit(network, CategoricalCrossEntropy(), streamed.train, **options)
    steps = iter(range(10**6))
    stopping = RunOptions(checkpoint=tmp_path / "checkpoint", stop=lambda: next(steps) == 71)
    first = fit(network, CategoricalCrossEntropy(), streamed.train, run=stopping, **options)
    assert first.stopped == "interrupted"
    going_on = RunOptions(checkpoint=tmp_path / "checkpoint", resume=True)
    again = fit(network, CategoricalCrossEntropy(), streamed.train, run=going_on, **options)
    np.testing.assert_array_equal(again.theta, whole.theta)
    assert [r.validation_loss for r in again.history] == [r.validation_loss for r in whole.history]
    other = stream_table(path, test=0.5)
    with pytest.raises(InputError, match="data"):
        fit(network, CategoricalCrossEntropy(), other.train, run=going_on, **options)


def test_a_stream_learns_what_memory_learns(path: Path) -> None:
    streamed = stream_table(path, validation=0.0)
    x, y, _ = gathered(streamed.train)
    network = multilayer_perceptron(streamed.train.width, (), 3)
    options: dict[str, Any] = {"scaling": streamed.train.scaling(), "epochs": 3, "batch_size": 200}
    losses = [
        fit(network, CategoricalCrossEntropy(), data, **options).history[-1].train_loss
        for data in (streamed.train, Examples(x, y))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_what_cannot_be_streamed(tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    visits().head(100).to_csv(small, index=False)
    with pytest.raises(InputError, match="too few to stream; leave out stream=True"):
        stream_table(small)
    bad = tmp_path / "bad.csv"
    lines = visits()[["a", "b", "kind"]].to_csv(index=False).splitlines()
    lines[30_000] = "oops,1,x"
    bad.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match="line 30001, column 'a': 'oops' is not a number"):
        stream_table(bad, options=TableOptions(strict=True))
    lines[30_000] = '1,1,"x'
    bad.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match="line 30001"):
        stream_table(bad)
    groups = tmp_path / "groups.parquet"
    visits().to_parquet(groups)
    with pytest.raises(InputError, match="too few to stream"):
        stream_table(groups)


def test_a_full_batch_of_a_stream_is_refused(path: Path) -> None:
    streamed = stream_table(path)
    with pytest.raises(InputError, match="a stream has no full batch"):
        fit(multilayer_perceptron(7, (), 3), CategoricalCrossEntropy(), streamed.train, batch_size="full")


def test_divergence_is_named_as_in_memory(path: Path) -> None:
    streamed = stream_table(path)
    with pytest.raises(DivergenceError, match="epoch 1, step"):
        fit(
            multilayer_perceptron(7, (4,), 3),
            CategoricalCrossEntropy(),
            streamed.train,
            scaling=streamed.train.scaling(),
            learning_rate=1e30,
        )


def test_an_infinite_value_to_predict_is_refused_without_a_warning(tmp_path: Path) -> None:
    rows = [f"{number},{number}.5" for number in range(90_000)]
    rows[1000] = "1,inf"
    (tmp_path / "rows.csv").write_text("\n".join(["a,y", *rows]))
    with pytest.raises(InputError, match="line 1002, column 'y': 'inf' is not finite; correct it or remove the row"):
        stream_table(tmp_path / "rows.csv", test=0, validation=0)


def test_what_no_column_of_a_stream_knows_is_missing_and_counted(tmp_path: Path) -> None:
    lines = visits()[["a", "b", "kind"]].to_csv(index=False).splitlines()
    lines[30_000], lines[40_000] = "oops,1,x", "1,1,"
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.warns(
        TableWarning, match="line 30001, column 'a': 'oops' is not a number: 1 in all, taken for missing"
    ):
        streamed = stream_table(path, test=0, validation=0)
    assert streamed.dataset.notes == ("1 rows have no value in 'kind', and are left out",)
    assert streamed.train.size == len(lines) - 2
    assert sum(np.isnan(block.x[:, 0]).sum() for block in streamed.train.blocks()) == 1


def test_a_stream_is_read_as_in_memory(tmp_path: Path) -> None:
    days = pd.date_range("1990-01-01", periods=60_000, freq="h").strftime("%d/%m/%Y")
    amounts = [f"$1,{k % 900 + 100}.50" for k in range(60_000)]
    frame = pd.DataFrame({"day": days, "paid": amounts, "né": ["Oui", "oui", "non"] * 20_000, "y": amounts})
    frame.loc[::9, "paid"], frame.loc[::7, "né"], frame.loc[::6, "day"] = None, "-", None
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False, encoding="cp1252")
    streamed, whole = stream_table(path, test=0, validation=0), load_table(path)
    assert streamed.dataset.columns == whole.columns
    assert [column.missing for column in whole.columns] == [10_000, 6_667, 8_572, 0]
    assert streamed.dataset.said == whole.said
    blocks = [*streamed.train.blocks()]
    np.testing.assert_array_equal(np.concatenate([block.x for block in blocks]), whole.examples.x)
    np.testing.assert_array_equal(np.concatenate([block.y for block in blocks]), whole.examples.y)


def test_texts_in_a_target_of_many_values_are_left_out(tmp_path: Path) -> None:
    late = [k >= 63_000 and k % 100 == 0 for k in range(70_000)]
    rows = [f"{k % 5},{k * 7 % 1000}.25,{'bad' if late[k] else k * 1.5}" for k in range(70_000)]
    (tmp_path / "late.csv").write_text("\n".join(["d,a,y", *rows]), encoding="utf-8")
    streamed = stream_table(tmp_path / "late.csv", test=0, validation=0)
    assert streamed.train.size == sum(len(block.y) for block in streamed.train.blocks()) == 70_000 - sum(late)
    assert streamed.dataset.notes == ("70 rows have no value in 'y', and are left out",)
