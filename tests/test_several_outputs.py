"""Several labels or values an example: estimators, `sfumato.train`, and the models they leave."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import make_multilabel_classification, make_regression

import sfumato
from sfumato import InputError, Model
from sfumato.arrays import Array
from sfumato.cli import run as command
from sfumato.estimators import NetworkClassifier, NetworkRegressor

Rows = tuple[Array, Array]

Classifier: Any = NetworkClassifier  # for what its types refuse already


@pytest.fixture(scope="module")
def labelled() -> Rows:
    x, y = make_multilabel_classification(n_samples=300, n_classes=4, random_state=0)
    return x, y


@pytest.fixture(scope="module")
def valued() -> Rows:
    """Values of very different sizes, one of them constant."""
    x, y = make_regression(n_samples=200, n_targets=4, n_features=5, noise=1.0, random_state=11)
    y[:, 3] = 7.5
    return x, y * [1.0, 1e4, 1e-3, 1.0] + [0.0, 1e6, 0.0, 0.0]


def test_each_label_has_a_probability_of_its_own(labelled: Rows) -> None:
    x, y = labelled
    fitted = NetworkClassifier(random_state=0).fit(x, y)
    p = fitted.predict_proba(x)
    assert p.shape == y.shape
    assert not np.allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.predict(x), p > 0.5)
    np.testing.assert_allclose(fitted.predict_log_proba(x), np.log(p), rtol=1e-6, atol=1e-12)
    assert (fitted.predict(x) == y).mean() > 0.85


def test_labels_come_part_by_part(labelled: Rows) -> None:
    x, y = labelled
    parts: Any = NetworkClassifier(random_state=0)
    for _ in range(100):
        parts.partial_fit(x, y, classes=np.arange(4))
    assert (parts.predict(x) == y).mean() > 0.85
    assert parts.fit(x, y[:, 0]).predict(x).shape == (300,)  # a label each again


def test_each_value_is_learned_in_its_own_size(valued: Rows) -> None:
    x, y = valued
    fitted: Any = NetworkRegressor(l2=0.1, random_state=0).fit(x, y)
    assert fitted.predict(x).shape == y.shape
    assert fitted.score(x, y) > 0.95
    np.testing.assert_array_equal(fitted.predict(x)[:, 3], np.full(200, 7.5))
    for _ in range(2):
        fitted.partial_fit(x, y)
    assert fitted.score(x, y) > 0.95


@pytest.mark.parametrize("labels", [True, False])
def test_weights_and_early_stopping_hold_too(labels: bool, labelled: Rows) -> None:
    x, y = labelled
    kind: Any = NetworkClassifier if labels else NetworkRegressor
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    weighted = kind(batch_size="full", epochs=20, l2=0, random_state=0).fit(x, y, sample_weight=weight)
    repeated = kind(batch_size="full", epochs=20, l2=0, random_state=0).fit(x.repeat(weight, 0), y.repeat(weight, 0))
    np.testing.assert_allclose(weighted.predict(x), repeated.predict(x), atol=1e-9)
    assert kind(early_stopping=True, l2=0, epochs=2000, random_state=0).fit(x, y).n_iter_ < 2000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y: NetworkClassifier().fit(x, y + 1), "give labels as zeros and ones"),
        (lambda x, y: Classifier().fit(x, sparse.csr_matrix(y)), "y is sparse"),
        (lambda x, y: NetworkClassifier(class_weight="balanced").fit(x, y), "one label an example"),
        (lambda x, y: sfumato.train((x, y), class_weight="balanced"), "one class an example"),
        (lambda x, y: sfumato.train((x, y + 0.5), task="classification"), "zeros and ones"),
        (lambda x, y: sfumato.train((x, y), epochs=1).report(), "predicts several"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(call: Any, message: str, labelled: Rows) -> None:
    with pytest.raises(ValueError, match=message) as error:
        call(*labelled)
    assert "\n" not in str(error.value)


def test_train_takes_labels_and_says_how_good_each_is(labelled: Rows, tmp_path: Path) -> None:
    x, y = labelled
    run = sfumato.train((x, y), out=tmp_path / "run")
    assert run.test_metrics["accuracy"] > 0.4  # all four right
    assert set(run.summary.values["report"]["targets"]) == {"y1", "y2", "y3", "y4"}
    assert "some of y1, y2, y3, y4" in repr(run.model)
    again = Model.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict(x), run.model.predict(x))
    assert again.evaluate((x, y)) == run.model.evaluate((x, y))
    assert again.predict(x).shape == y.shape


def test_train_takes_values_with_the_columns_of_a_table(valued: Rows, tmp_path: Path) -> None:
    x, y = valued
    frame = pd.DataFrame(x).set_axis(list("abcde"), axis=1).assign(kind=np.where(x[:, 0] > 0, "up", "down"))
    run = sfumato.train((frame, y[:, :3]), l2=0.1, out=tmp_path / "run")
    assert run.test_r2 > 0.9
    assert run.model.categories == {"kind": ("down", "up")}
    assert Model.load(tmp_path / "run").predict(frame).shape == (200, 3)
    assert np.isfinite([record.validation_loss for record in run.history]).all()


def test_the_command_line_keeps_one_target(
    valued: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = valued
    model = sfumato.train((x, y), epochs=1, out="run").model
    pd.DataFrame(x).set_axis([f"x{k}" for k in range(1, 6)], axis=1).assign(y=y[:, 0]).to_csv("t.csv", index=False)
    for words in (["predict", "run", "t.csv"], ["evaluate", "run", "t.csv"], ["export", "run", "-o", "m.onnx"]):
        assert command(words) == 2
        assert "several" in capsys.readouterr().err
    with pytest.raises(InputError, match="names one target"):
        model.evaluate("t.csv")
