"""What scikit-learn's own tests ask of its networks (`test_mlp.py`), asked of ours: a table of docs/estimators.md."""

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris, make_classification, make_regression
from sklearn.preprocessing import LabelBinarizer

from sfumato import DivergenceError
from sfumato.arrays import Array
from sfumato.estimators import NetworkClassifier, NetworkRegressor

KINDS: tuple[Any, Any] = (NetworkClassifier, NetworkRegressor)
both = pytest.mark.parametrize("kind", KINDS)

DIGITS, NUMBERS = load_digits(return_X_y=True)
IRIS, KIND = load_iris(return_X_y=True)
TWO, WHICH = DIGITS[NUMBERS < 2][:200], NUMBERS[NUMBERS < 2][:200]


def test_a_larger_penalty_makes_smaller_weights() -> None:
    norms = []
    for l2 in (1.0, 100.0, 1000.0):
        W = NetworkClassifier(10, l2=l2, random_state=1).fit(TWO, WHICH).model_.theta
        norms.append(np.abs(W).sum())
    assert norms == sorted(norms, reverse=True)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_lbfgs_learns_classes_and_values(activation: str) -> None:
    settings: dict[str, Any] = {"activation": activation, "optimizer": "lbfgs", "epochs": 150, "random_state": 1}
    for x, y in ((TWO, WHICH), (DIGITS[:500], NUMBERS[:500])):
        classifier: Any = NetworkClassifier(50, l2=0.1, **settings).fit(x, y)
        assert classifier.score(x, y) > 0.95
    x, y = make_regression(n_samples=200, n_features=10, bias=100, noise=7, random_state=42)
    fitted: Any = NetworkRegressor(16, l2=0.1, **settings).fit(x, y)
    assert fitted.score(x, y) > 0.95


@pytest.mark.parametrize("optimizer", ["gd", "momentum"])
def test_fitting_in_parts_is_fitting_in_the_full_batch(optimizer: str) -> None:
    settings: dict[str, Any] = {"optimizer": optimizer, "batch_size": "full", "l2": 0.1, "schedule": "constant"}
    whole: Any = NetworkClassifier(epochs=100, random_state=1, **settings).fit(TWO, WHICH)
    parts: Any = NetworkClassifier(random_state=1, **settings)
    for _ in range(100):
        parts.partial_fit(TWO, WHICH, classes=[0, 1])
    np.testing.assert_allclose(parts.predict_proba(TWO), whole.predict_proba(TWO), rtol=1e-6)
    assert parts.score(TWO, WHICH) > 0.95


def test_classes_are_settled_by_the_first_part() -> None:
    fitted: Any = NetworkClassifier(random_state=0)
    fitted.partial_fit([[1], [2], [3]], ["a", "b", "c"], classes=["a", "b", "c", "d"])
    fitted.partial_fit([[4]], ["d"])
    assert fitted.score([[1], [2], [3], [4]], ["a", "b", "c", "d"]) > 0
    for wrong in ({"classes": [0, 1]}, {"classes": [2]}):
        with pytest.raises(ValueError, match="classes"):
            NetworkClassifier().partial_fit([[3, 2], [1, 6]], ["a", "b"], classes=["a", "b"]).partial_fit(
                [[3, 2]], ["a"], **wrong
            )
    with pytest.raises(ValueError, match="not one of the classes"):
        NetworkClassifier().partial_fit([[3, 2], [1, 6]], [1, 0], classes=[2])


def test_values_of_which_nothing_can_be_computed_are_refused() -> None:
    random = np.random.default_rng(0)
    x, y = np.finfo(np.float64).max * random.uniform(size=(10, 2)), random.standard_normal(10)
    assert np.isfinite(NetworkRegressor(epochs=5).fit(x, y).predict(x)).all()  # as they are scaled
    with pytest.raises(ValueError, match="beyond 1e18"):
        NetworkRegressor().fit(x, 1e19 * y)


@pytest.mark.parametrize("classes", [2, 10])
def test_probabilities_add_up_and_say_what_is_predicted(classes: int) -> None:
    x, y = DIGITS[classes > NUMBERS], NUMBERS[classes > NUMBERS]
    fitted = NetworkClassifier(5, activation="sigmoid", epochs=20, random_state=1).fit(x, y)
    p = fitted.predict_proba(x)
    assert p.shape == (len(x), classes)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(p.argmax(axis=1), fitted.predict(x))
    np.testing.assert_allclose(fitted.predict_log_proba(x), np.log(p), rtol=1e-6)


def test_labels_in_columns_of_zeros_and_ones_are_several_labels() -> None:
    y = LabelBinarizer().fit_transform(KIND)
    fitted: Any = NetworkClassifier(random_state=0).fit(IRIS, y)
    assert fitted.predict(IRIS).shape == (150, 3)
    assert fitted.score(IRIS, y) > 0.9


@both
@pytest.mark.parametrize("patience", [2, 10, 50])
def test_tol_ends_after_so_many_epochs_without_a_fall(kind: Any, patience: int) -> None:
    fitted = kind(tol=0.01, epochs=3000, n_iter_no_change=patience, random_state=0).fit(TWO[:100], WHICH[:100])
    assert fitted.n_iter_ < 3000
    assert np.diff(fitted.loss_curve_[-patience - 1 :]).min() >= -0.01


@both
def test_a_warm_start_has_its_full_number_of_epochs(kind: Any) -> None:
    for optimizer in ("gd", "adam", "lbfgs"):
        fitted = kind(2, optimizer=optimizer, warm_start=True, epochs=3, n_iter_no_change=np.inf, random_state=0)
        assert fitted.fit(IRIS, KIND).n_iter_ == 3
        assert fitted.set_params(epochs=6).fit(IRIS, KIND).n_iter_ == 6


def test_a_warm_start_keeps_the_classes() -> None:
    fitted = NetworkClassifier(2, optimizer="lbfgs", epochs=5, warm_start=True, random_state=42).fit(IRIS, KIND)
    fitted.fit(IRIS, np.repeat([0, 1, 2], [40, 40, 70]))
    for others in ([0] * 75 + [1] * 75, [0] * 50 + [1] * 50 + [3] * 50):
        with pytest.raises(ValueError, match=re.escape("warm_start=True goes on with the classes [0 1 2]")):
            fitted.fit(IRIS, others)


def test_labels_may_be_texts_with_early_stopping() -> None:
    x, y = make_classification(n_samples=200, n_features=10, n_classes=3, n_informative=5, random_state=42)
    named = np.array(["class_a", "class_b", "class_c"], dtype=object)[y]
    fitted = NetworkClassifier(early_stopping=True, epochs=50, random_state=42).fit(x, named)
    assert len(fitted.validation_curve_) == fitted.n_iter_
    assert np.isfinite(fitted.validation_curve_).all()


def test_a_class_of_one_member_does_not_hinder_early_stopping() -> None:
    rare = np.array([0] * 29 + [1])
    fitted = NetworkClassifier(early_stopping=True, epochs=5, random_state=0).fit(np.arange(60.0).reshape(30, 2), rare)
    assert len(fitted.validation_curve_) == 5


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_and_values_have_the_precision_of_the_features(kind: Any, dtype: Any) -> None:
    fitted = kind((5, 3), epochs=5, random_state=1).fit(DIGITS[:300].astype(dtype), NUMBERS[:300])
    assert fitted.model_.theta.dtype == dtype
    if kind is NetworkRegressor:
        assert fitted.predict(DIGITS[300:].astype(dtype)).dtype == dtype


def test_both_precisions_predict_the_same() -> None:
    def answers(kind: Any, dtype: Any) -> Array:
        fitted = kind((5, 3), epochs=20, random_state=1).fit(DIGITS[:300].astype(dtype), NUMBERS[:300])
        found: Array = getattr(fitted, "predict_proba", fitted.predict)(DIGITS[300:].astype(dtype))
        return found

    for kind in KINDS:
        np.testing.assert_allclose(answers(kind, np.float32), answers(kind, np.float64), rtol=0.01, atol=0.01)


def test_what_joblib_has_kept_learns_on(tmp_path: Path) -> None:
    joblib: Any = importlib.import_module("joblib")
    joblib.dump(NetworkRegressor(42, random_state=42).fit([[2.0]], [4.0]), tmp_path / "network")
    again = joblib.load(tmp_path / "network")
    for _ in range(400):
        again.partial_fit([[2.0]], [1.0])
    np.testing.assert_allclose(again.predict([[2.0]]), [1.0], atol=0.05)


@both
def test_names_of_columns_are_kept_with_early_stopping(kind: Any) -> None:
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(10, 2)), columns=["a", "b"])
    y = pd.Series([0, 1] * 5, name="y")
    fitted = kind(early_stopping=True, validation_fraction=0.2, epochs=3).fit(x, y)
    assert [*fitted.feature_names_in_] == ["a", "b"]


@both
def test_fitting_in_parts_goes_on_after_early_stopping(kind: Any) -> None:
    fitted = kind(early_stopping=True, random_state=0).fit(IRIS, KIND)
    before = fitted.n_iter_
    assert fitted.partial_fit(IRIS, KIND).n_iter_ == before + 1


def test_a_loss_that_diverges_is_an_error_in_one_line() -> None:
    network = NetworkRegressor(optimizer="gd", learning_rate=10.0, early_stopping=True, random_state=0)
    with pytest.raises(DivergenceError, match="try a learning rate ten times smaller") as error:
        network.fit(IRIS, KIND)
    assert "\n" not in str(error.value)


def test_weights_count_in_what_is_held_out() -> None:
    x, y = make_regression(n_samples=100, n_features=2, noise=3, random_state=42)
    weight = np.where(np.arange(100) % 2, 1.0, 0.0)
    kept = x[weight > 0], y[weight > 0]
    weighted: Any = NetworkRegressor(early_stopping=True, epochs=5, random_state=0).fit(x, y, sample_weight=weight)
    alone: Any = NetworkRegressor(early_stopping=True, epochs=5, random_state=0).fit(*kept)
    np.testing.assert_allclose(weighted.validation_curve_, alone.validation_curve_)


@both
@pytest.mark.parametrize("optimizer", ["gd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_no_optimizer_diverges_at_its_own_rate(kind: Any, optimizer: str) -> None:
    for x, y in ((IRIS, KIND), (DIGITS[:600], NUMBERS[:600])):
        for hidden in (100, (100, 100)):
            fitted = kind(hidden, optimizer=optimizer, epochs=30, random_state=0).fit(x, y)
            assert fitted.loss_ < fitted.loss_curve_[0]
