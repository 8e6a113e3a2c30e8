"""`sfumato.train`: the whole recipe in one call, the same as the command's to the last byte."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import sfumato
from sfumato import FileError, InputError, Model
from sfumato.cli import run as command
from sfumato.data import Dataset, TableOptions, digits, load_table, spiral
from sfumato.errors import TableWarning
from sfumato.training.settings import TrainingSettings

FAST: dict[str, Any] = {"epochs": 20, "hidden": (8,)}


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three tables: of two classes with a column of categories and gaps, of numbers alone, and of house prices."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    colours = random.choice(["red", "green", "blue"], 150)
    size, weight = random.normal(size=(2, 150))
    kind = np.where(size + (colours == "red") > 0.3, "yes", "no")
    mixed = pd.DataFrame({"size": size, "colour": colours, "weight": weight, "kind": kind})
    mixed.loc[::17, "weight"] = np.nan
    mixed.to_csv("mixed.csv", index=False)
    mixed.drop(columns="colour").to_csv("numbers.csv", index=False)
    prices = pd.DataFrame({"area": size, "age": weight, "price": 200_000 + 30_000 * (2 * size - weight)})
    prices.to_csv("prices.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("table", "words", "settings"),
    [
        ("numbers.csv", ["--hidden", "8,4", "--l2", "0.5"], {"hidden": (8, 4), "l2": 0.5}),
        (
            "mixed.csv",
            ["--class-weight", "yes=2.5,no=1", "--early-stopping", "5", "--validation", "0.2"],
            {"class_weight": {"yes": 2.5, "no": 1}, "early_stopping": 5, "validation": 0.2},
        ),
        (
            "prices.csv",
            ["--task", "regression", "--batch-size", "16", "--schedule", "cosine", "--epochs", "30"],
            {"task": "regression", "batch_size": 16, "schedule": "cosine", "epochs": 30},
        ),
    ],
)
def test_the_command_and_the_call_write_the_same_bytes(
    table: str, words: list[str], settings: dict[str, Any], tables: Path
) -> None:
    assert command(["train", table, *words, "--quiet", "-o", "run"]) == 0
    run = sfumato.train(table, out="run2", **settings)
    assert {path.name for path in Path("run").iterdir()} == {path.name for path in Path("run2").iterdir()}
    for name in ("model.safetensors", "confusion.png", "boundary.png"):
        one, other = Path("run") / name, Path("run2") / name
        assert one.exists() == other.exists()
        if one.exists():
            assert one.read_bytes() == other.read_bytes(), name
    texts = [(Path(folder) / "config.json").read_text(encoding="utf-8").splitlines() for folder in ("run", "run2")]
    different = ("seconds", "lowest at epoch")  # advice names options, or settings
    ours, theirs = ([line for line in text if not any(word in line for word in different)] for text in texts)
    assert ours == theirs
    np.testing.assert_array_equal(Model.load("run2").theta, run.model.theta)


def test_every_way_to_hand_over_a_table_trains_the_same(tables: Path) -> None:
    frame = pd.read_csv("mixed.csv")
    dataset = load_table("mixed.csv")
    forms: list[tuple[Any, dict[str, Any]]] = [
        ("mixed.csv", {}),
        (tables / "mixed.csv", {"target": "kind"}),
        (frame, {}),
        (frame[["kind", "size", "colour", "weight"]], {"target": "kind"}),
        ((frame.drop(columns="kind"), frame["kind"]), {}),
        (frame.to_dict("records"), {"target": "kind"}),
        (dataset, {}),
    ]
    runs = [sfumato.train(data, **own, **FAST) for data, own in forms]
    for run in runs:
        assert run.model.classes == ("no", "yes")
        assert run.model.categories == {"colour": ("blue", "green", "red")}
        np.testing.assert_array_equal(run.model.theta, runs[0].model.theta)


def test_arrays_images_and_names_train_too() -> None:
    data = spiral()
    x, y = data.examples.x, data.examples.y
    labels = np.array(["a", "b", "c"])[y]
    runs = [sfumato.train(form, **FAST) for form in ("spiral", data, (x, y), (x.tolist(), labels.tolist()))]
    assert runs[2].model.classes == ("0", "1", "2")
    assert runs[3].model.classes == ("a", "b", "c")
    for run in runs:
        np.testing.assert_array_equal(run.model.theta, runs[0].model.theta)
    images = digits()
    one = sfumato.train(images, limit=300, **FAST)
    pixels = images.examples.x[:300, :, :, 0]
    other = sfumato.train((pixels, images.examples.y[:300]), architecture="convnet", epochs=1)
    assert one.model.network.input_shape == other.model.network.input_shape == (8, 8, 1)


def test_a_column_of_labels_and_a_dict_of_columns_are_data_too(tables: Path) -> None:
    frame = pd.read_csv("numbers.csv")
    x, labels = frame[["size", "weight"]].fillna(0.0), frame["kind"]
    expected = sfumato.train((x.to_numpy(), labels), **FAST).model.theta
    np.testing.assert_array_equal(sfumato.train((x.to_numpy(), labels.to_frame()), **FAST).model.theta, expected)
    columns = {**x.to_dict("list"), "kind": labels.tolist()}
    np.testing.assert_array_equal(sfumato.train(columns, target="kind", **FAST).model.theta, expected)


def test_a_regression_on_large_values_is_as_good_by_every_way(tables: Path) -> None:
    from sfumato.estimators import NetworkRegressor

    run = sfumato.train("prices.csv", task="regression", l2=1.0)
    assert run.test_r2 > 0.95
    assert run.test_metrics.keys() == {"r2", "rmse"}
    test = run.report().examples
    assert run.test_metrics["rmse"] == pytest.approx(_rmse(run.model, test.x, test.y))
    frame = pd.read_csv("prices.csv")
    x, y = frame[["area", "age"]].to_numpy(), frame["price"].to_numpy()
    assert sfumato.train((x, y), l2=1.0).test_r2 == run.test_r2
    regressor: Any = NetworkRegressor(hidden=(15, 9), l2=1.0, epochs=100, batch_size=16, random_state=0)
    assert regressor.fit(x[:100], y[:100]).score(x[100:], y[100:]) > 0.95
    with pytest.raises(InputError, match="use test_r2"):
        _ = run.test_accuracy


def _rmse(model: Model, x: Any, y: Any) -> float:
    return float(np.sqrt(np.mean((model.predict(x) - y) ** 2)))


@pytest.mark.parametrize("stream", [False, True])
def test_a_constant_is_learned_by_every_way(stream: bool, tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.read_csv("prices.csv").assign(price=1e6 + 0.5)
    pd.concat([frame] * 100).to_csv("constant.csv", index=False)
    run = sfumato.train("constant.csv", epochs=2, stream=stream, task="regression")
    np.testing.assert_array_equal(run.model.predict(frame), np.full(150, 1e6 + 0.5))
    asked = ["train", "constant.csv", "--epochs", "2", "--task", "regression", "--out", "run", "--quiet"]
    assert command([*asked, *(["--stream"] if stream else [])]) == 0
    assert command(["predict", "run", "constant.csv"]) == 0
    assert {*capsys.readouterr().out.split()[-150:]} == {"1000000.5"}


def test_a_run_says_what_was_measured(tables: Path) -> None:
    run = sfumato.train("numbers.csv", **FAST)
    assert run.test_metrics == {"accuracy": run.test_accuracy, "log_loss": pytest.approx(run.report().loss)}
    assert run.report().accuracy == run.test_accuracy
    assert run.report().examples.size == 30
    assert len(run.history) == 20
    assert run.stopped == "finished"
    assert run.seconds == run.result.seconds > 0
    assert isinstance(run.settings, TrainingSettings)
    with pytest.raises(InputError, match="use test_accuracy"):
        _ = run.test_r2
    assert "numbers.csv, 108 training examples" in repr(run)
    assert repr(run).count("\n") < 8
    assert f"{run.test_accuracy:.4g}" in repr(run)
    assert "<td>2-8-1, 33 parameters</td>" in run._repr_html_()
    untested = sfumato.train("numbers.csv", test=0, **FAST)
    with pytest.raises(InputError, match=r"train with test=0\.2"):
        _ = untested.test_metrics
    assert "on the validation data" in untested.report().name


def test_class_weights_validation_data_and_early_stopping(tables: Path) -> None:
    frame = pd.read_csv("numbers.csv")
    given = sfumato.train(frame[:100], validation=frame[100:], test="numbers.csv", early_stopping=2, epochs=300)
    assert given.stopped == "early"
    assert given.splits.validation is not None
    assert (given.splits.train.size, given.splits.validation.size) == (100, 50)
    assert given.history[given.result.best_epoch - 1].validation_loss == pytest.approx(
        given.model.evaluate(given.splits.validation)[0]
    )
    plain, weighted = (sfumato.train(frame, class_weight=w, **FAST) for w in (None, {"yes": 50}))
    counts = [np.bincount(run.model.predict(frame.drop(columns="kind")))[1] for run in (plain, weighted)]
    assert counts[1] > counts[0]
    assert sfumato.train(frame, class_weight="balanced", **FAST).test_accuracy > 0.5


def test_a_run_is_refused_overwritten_and_gone_on_with(tables: Path) -> None:
    sfumato.train("numbers.csv", out="run", epochs=2, schedule="constant")
    before = Path("run/model.safetensors").read_bytes()
    with pytest.raises(InputError, match=r"add resume=True .* or overwrite=True"):
        sfumato.train("numbers.csv", out="run", epochs=4)
    with pytest.raises(InputError, match="contradict each other"):
        sfumato.train("numbers.csv", out="run", overwrite=True, resume=True)
    with pytest.raises(InputError, match=r"resume=True needs out=\.\.\."):
        sfumato.train("numbers.csv", resume=True)
    assert Path("run/model.safetensors").read_bytes() == before
    whole = sfumato.train("numbers.csv", epochs=4, schedule="constant")
    resumed = sfumato.train("numbers.csv", out="run", resume=True, epochs=4, schedule="constant")
    np.testing.assert_array_equal(resumed.model.theta, whole.model.theta)
    sfumato.train("numbers.csv", out="run", overwrite=True, epochs=2, schedule="constant")
    assert Path("run/model.safetensors").read_bytes() == before


def test_a_callback_ends_the_run_and_what_there_is_comes_back(tables: Path) -> None:
    seen: list[float] = []

    def callback(record: Any) -> bool:
        seen.append(record.train_loss)
        return len(seen) == 3

    run = sfumato.train("prices.csv", callback=callback, out="run", task="regression", epochs=50)
    assert len(run.history) == len(seen) == 3
    assert seen == [record.train_loss for record in run.history], "in the values' own units"
    assert seen[0] > 1e6
    assert Model.load("run").predict([[0.0, 0.0]]).shape == (1,)
    whole = sfumato.train("prices.csv", task="regression", epochs=50)
    resumed = sfumato.train("prices.csv", out="run", resume=True, task="regression", epochs=50)
    np.testing.assert_array_equal(resumed.model.theta, whole.model.theta)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: sfumato.train("spiral", hiden=3), TypeError, "no setting 'hiden'; did you mean 'hidden'"),
        (lambda: sfumato.train("spiral", activation="rleu"), InputError, "did you mean 'relu'"),
        (lambda: sfumato.train("spiral", architecture="convnet"), InputError, "leave architecture=... out"),
        (lambda: sfumato.train("spiral", hidden=(0,)), InputError, "hidden=... takes whole numbers of units"),
        (lambda: sfumato.train("spiral", validation=1.5), InputError, "validation=... takes a fraction"),
        (lambda: sfumato.train("spiral", class_weight={"9": 1}), InputError, "no class is called '9'"),
        (lambda: sfumato.train("spiral", class_weight="even"), InputError, "takes 'balanced' or a weight"),
        (lambda: sfumato.train("spiral", l2=-1), InputError, "l2=... takes a number of at least 0"),
        (lambda: sfumato.train("no.csv"), FileError, "no.csv"),
        (lambda: sfumato.train(3), InputError, "data of the type int"),
        (lambda: sfumato.train(([[1.0], [2.0]], [0, 1, 2])), InputError, "give each row one label"),
        (lambda: sfumato.train(([["a"], ["b"]], [0, 1])), InputError, "give categories in a DataFrame"),
        (lambda: sfumato.train(([[1.0], [2.0, 3.0]], [0, 1])), InputError, "the rows of x differ in length"),
        (lambda: sfumato.train(([[1j], [2.0]], [0, 1])), InputError, "x is of type complex128"),
        (lambda: sfumato.train(([[1.0], [2.0]], [0, 1j])), InputError, "y is of type complex128"),
        (lambda: sfumato.train({"a": [1, 2], "b": [1]}), InputError, "the columns make no table"),
        (lambda: sfumato.train("spiral", callback=cast(Any, 3)), InputError, "callback=... takes a function"),
        (lambda: sfumato.train("spiral", overwrite=True), InputError, "overwrite=True needs out="),
        (lambda: sfumato.train("spiral", resume=True), InputError, "resume=True needs out="),
        (lambda: sfumato.train("spiral", schedule=lambda epoch: "fast"), InputError, "rate of epoch 1 must be"),
        (lambda: sfumato.train(pd.DataFrame({"a": []})), InputError, "has no rows"),
        (lambda: sfumato.train(spiral(), target="y"), InputError, "target=... is for tables"),
    ],
)
def test_what_cannot_be_trained_is_one_line_in_words_of_python(
    call: Callable[[], Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as raised:
        call()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "--" not in str(raised.value)


def test_a_model_takes_rows_with_the_original_columns(tables: Path) -> None:
    frame = pd.read_csv("mixed.csv")
    run = sfumato.train(frame, **FAST)
    model, rows = run.model, frame.drop(columns="kind").head(10)
    expected = model.predict_proba(rows)
    rows.to_csv("new.csv", index=False)
    complete = rows.iloc[1:4]
    for form in ("new.csv", Path("new.csv"), rows.to_dict("records"), rows.to_dict("list"), frame.head(10)):
        np.testing.assert_array_equal(model.predict_proba(form), expected)
        np.testing.assert_array_equal(model.predict(form), expected.argmax(axis=1))
    np.testing.assert_array_equal(model.predict_proba(complete.values.tolist()), expected[1:4])
    np.testing.assert_array_equal(model.predict_proba(complete.to_numpy()), expected[1:4])
    for row in (complete.iloc[0], complete.iloc[0].to_dict()):
        np.testing.assert_array_equal(model.predict_proba(row), expected[1:2])
    np.testing.assert_array_equal(model.predict_proba(model.rows(rows)), expected)
    with pytest.raises(InputError, match="'purple' is not one of the known categories"):
        model.inputs([[0.1, "purple", 0.2]], TableOptions(strict=True))
    with pytest.warns(
        TableWarning, match="'purple' is not one of the known categories .*: 1 in all, taken for missing"
    ):
        model.predict([[0.1, "purple", 0.2]])


def test_a_model_is_measured_on_labels_as_the_user_has_them(tables: Path) -> None:
    frame = pd.read_csv("numbers.csv").head(40)
    model = sfumato.train("numbers.csv", **FAST).model
    x, labels = frame[["size", "weight"]], frame["kind"]
    loss, accuracy = model.evaluate(frame)
    assert accuracy == np.mean(np.array(model.classes)[model.predict(x)] == labels)
    for data in ((x, labels), (x.to_numpy(), labels.tolist())):
        assert model.evaluate(data) == (loss, accuracy)
    prices = sfumato.train("prices.csv", task="regression", **FAST).model
    assert prices.predict([[0, 1]]).shape == (1,)
    values = pd.read_csv("prices.csv")
    assert prices.evaluate((values[["area", "age"]].to_numpy(), values["price"])) == pytest.approx(
        prices.evaluate("prices.csv"), nan_ok=True
    )


def test_a_model_shows_itself_in_a_few_lines(tables: Path) -> None:
    model = sfumato.train("mixed.csv", **FAST).model
    assert "5 -> 1, 57 parameters: Dense, ReLU, Dense" in repr(model)
    assert "kind, one of no, yes" in repr(model)
    assert repr(model).count("\n") < 4
    assert "<td>size, colour, weight</td>" in model._repr_html_()


def test_a_dataset_keeps_the_test_set_that_it_brings() -> None:
    whole = spiral()
    rows = whole.examples
    test = sfumato.data.Examples(rows.x[::3], rows.y[::3])
    data = Dataset(whole.name, rows, test, whole.task, whole.classes, whole.features, whole.target)
    assert sfumato.train(data, **FAST).splits.test is test
