"""What users of scikit-learn's own networks expect of ours."""

import re
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.estimators import NetworkClassifier, NetworkRegressor

Rows = tuple[Array, Array]

X = np.random.default_rng(0).normal(size=(120, 3))
VALUES = 200 + X @ [30.0, -20.0, 10.0] + np.random.default_rng(1).normal(size=120)
LABELS = (X[:, 0] + 0.5 * np.random.default_rng(2).normal(size=120) > 0).astype(int)

Classifier: Any = NetworkClassifier  # for what their types refuse already
Regressor: Any = NetworkRegressor


@pytest.fixture(scope="module")
def iris() -> Rows:
    x, y = load_iris(return_X_y=True)
    return x, y


@pytest.fixture(scope="module")
def noisy() -> Rows:
    """Labels of which a quarter are wrong."""
    random = np.random.default_rng(1)
    x = random.normal(size=(600, 4))
    return x, (x[:, 0] > 0) ^ (random.random(600) < 0.25)


def test_early_stopping_is_true_or_a_number_of_epochs(noisy: Rows) -> None:
    named = NetworkClassifier(early_stopping=True, random_state=0).fit(*noisy)
    counted = NetworkClassifier(early_stopping=10, random_state=0).fit(*noisy)
    assert named.n_iter_ == counted.n_iter_ < 200
    assert int(np.argmin(named.validation_curve_)) == named.n_iter_ - 11
    assert NetworkClassifier(early_stopping=False, epochs=20, random_state=0).fit(*noisy).validation_curve_ == []
    patient = NetworkClassifier(early_stopping=True, n_iter_no_change=30, random_state=0).fit(*noisy)
    assert patient.n_iter_ > named.n_iter_


def test_the_best_weights_are_kept(noisy: Rows) -> None:
    stopped = NetworkClassifier(early_stopping=True, random_state=0).fit(*noisy)
    best = NetworkClassifier(early_stopping=True, random_state=0, callbacks=[lambda r: r.epoch == stopped.n_iter_ - 10])
    np.testing.assert_array_equal(best.fit(*noisy).predict_proba(noisy[0]), stopped.predict_proba(noisy[0]))


@pytest.mark.parametrize("hidden", [10, np.int64(10), [10], (10,)])
def test_a_number_of_hidden_units_is_one_layer(hidden: Any, iris: Rows) -> None:
    expected = NetworkClassifier((10,), epochs=3, random_state=0).fit(*iris)
    found = NetworkClassifier(hidden=hidden, epochs=3, random_state=0).fit(*iris)
    np.testing.assert_array_equal(found.predict_proba(iris[0]), expected.predict_proba(iris[0]))


def test_searches_take_numbers_of_units(iris: Rows) -> None:
    network = NetworkClassifier(epochs=20, random_state=0)
    grid = GridSearchCV(network, {"hidden": [5, (5, 5)], "tol": [None, 1e-3]}, cv=2, error_score="raise").fit(*iris)
    assert grid.best_params_["hidden"] in (5, (5, 5))
    ranges = {"hidden": np.arange(4, 30)}
    found = RandomizedSearchCV(network, ranges, n_iter=3, cv=2, random_state=0, error_score="raise").fit(*iris)
    assert 4 <= found.best_params_["hidden"] < 30


def test_tol_ends_training_once_the_loss_stays(iris: Rows) -> None:
    strict, loose = (NetworkClassifier(tol=tol, random_state=0).fit(*iris) for tol in (1e-6, 0.05))
    assert loose.n_iter_ < strict.n_iter_
    falls = -np.diff(loose.loss_curve_)
    assert falls[-10:].max() <= 0.05 < falls[-11]
    for never in ({"tol": None}, {"tol": 1.0, "n_iter_no_change": np.inf}):
        assert Classifier(epochs=30, random_state=0, **never).fit(*iris).n_iter_ == 30


def test_tol_is_of_the_held_out_loss_with_early_stopping() -> None:
    x, y = load_diabetes(return_X_y=True)
    any_fall = NetworkRegressor(early_stopping=True, random_state=0).fit(x, y)
    large_fall = NetworkRegressor(early_stopping=True, tol=0.1, random_state=0).fit(x, y)
    assert large_fall.n_iter_ < any_fall.n_iter_
    falls = -np.diff(large_fall.validation_curve_) / y.var()
    assert falls[-10:].max() < 0.12


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
def test_the_losses_of_the_last_epoch_and_of_the_best(kind: type[Any], iris: Rows) -> None:
    fitted = kind(epochs=30, learning_rate=0.05, random_state=0).fit(*iris)
    assert fitted.loss_ == fitted.loss_curve_[-1]
    assert fitted.best_loss_ == min(fitted.loss_curve_)


def test_logarithms_of_probabilities_are_finite(iris: Rows) -> None:
    x, y = iris
    for labels in (y, y == 1):
        fitted = NetworkClassifier(epochs=30, random_state=0).fit(x, labels)
        np.testing.assert_allclose(np.exp(fitted.predict_log_proba(x)), fitted.predict_proba(x), rtol=1e-9)
        far = fitted.predict_log_proba(x * 1e4)
        assert np.isfinite(far).all()
        assert far.min() < -745  # whose exponential is 0


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
def test_a_warm_start_goes_on(kind: type[Any], iris: Rows) -> None:
    warm = kind(epochs=20, warm_start=True, random_state=0).fit(*iris)
    first = warm.loss_
    assert warm.fit(*iris).loss_ < first
    assert warm.n_iter_ == len(warm.loss_curve_) == 20
    cold = kind(epochs=20, random_state=0).fit(*iris)
    assert cold.fit(*iris).loss_ == first


def test_a_warm_start_keeps_what_the_weights_belong_to(iris: Rows) -> None:
    x, y = iris
    warm: Any = NetworkRegressor(epochs=40, warm_start=True, random_state=0).fit(x, y)
    before = warm.predict(x)
    warm.set_params(learning_rate=1e-9, epochs=1).fit(100 * x[:30], 100 * y[:30])
    np.testing.assert_allclose(warm.predict(x), before, atol=1e-6)
    with pytest.raises(ValueError, match="hidden or another parameter"):
        warm.set_params(hidden=7).fit(x, y)
    classes: Any = NetworkClassifier(epochs=2, warm_start=True).fit(x, y)
    with pytest.raises(ValueError, match=re.escape("goes on with the classes [0 1 2]; y has [0 1]")):
        classes.fit(x[:100], y[:100])


def test_early_stopping_goes_on_too(iris: Rows) -> None:
    warm: Any = NetworkClassifier(epochs=10, warm_start=True, early_stopping=True, random_state=0).fit(*iris)
    warm.set_params(epochs=20).fit(*iris)
    assert len(warm.validation_curve_) > 10


def test_without_shuffling_the_order_is_that_of_the_rows() -> None:
    x, y = load_diabetes(return_X_y=True)
    settings: dict[str, Any] = {"epochs": 3, "batch_size": 20, "scaling": "none", "learning_rate": 1e-3}

    def fitted(seed: int, shuffle: bool, start: int) -> Array:
        network = NetworkRegressor((), init="zeros", random_state=seed, shuffle=shuffle, **settings)
        return network.fit(np.roll(x, start, axis=0), np.roll(y, start)).model_.theta

    np.testing.assert_array_equal(fitted(0, False, 0), fitted(1, False, 0))
    assert not np.array_equal(fitted(0, False, 0), fitted(0, False, 7))
    assert not np.array_equal(fitted(0, True, 0), fitted(1, True, 0))


def test_verbose_prints_a_line_an_epoch(iris: Rows, capsys: pytest.CaptureFixture[str]) -> None:
    NetworkClassifier(epochs=2, verbose=True, early_stopping=True, random_state=0).fit(*iris)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1", "epoch 2"]
    assert all("loss" in line and "held-out" in line for line in lines)
    NetworkClassifier(epochs=2, random_state=0).fit(*iris)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y: NetworkClassifier(early_stopping=3, validation_fraction=0.0).fit(x, y), "fraction=0 holds out"),
        (lambda x, y: NetworkClassifier(early_stopping=True, validation_fraction=0).fit(x, y), "fraction=0 holds out"),
        (lambda x, y: NetworkClassifier(early_stopping=0).fit(x, y), "patience of early stopping"),
        (lambda x, y: NetworkClassifier(early_stopping=True, n_iter_no_change=0).fit(x, y), "n_iter_no_change"),
        (lambda x, y: NetworkClassifier(tol=-1.0).fit(x, y), "tol must be"),
        (lambda x, y: NetworkClassifier(hidden=0).fit(x, y), "whole numbers of units"),
        (lambda x, y: Classifier(hidden=2.5).fit(x, y), "whole numbers of units"),
        (lambda x, y: Regressor(loss="poisson").fit(x, y), "loss='poisson' is not learned here"),
        (lambda x, y: Regressor().fit(sparse.csr_matrix(x), y), "[Ss]parse"),
        (lambda x, y: NetworkRegressor(early_stopping=True).fit(x[:2], y[:2]), "one part would be empty"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(call: Any, message: str, iris: Rows) -> None:
    with pytest.raises((ValueError, TypeError), match=message) as error:
        call(*iris)
    assert "\n" not in str(error.value)


def test_a_refused_warm_start_changes_nothing() -> None:
    network = Classifier(warm_start=True, epochs=5, random_state=0).fit(X, LABELS)
    before = network.predict_proba(X)
    with pytest.raises(InputError, match="goes on with the network of the last fit"):
        network.set_params(hidden=10).fit(X, LABELS)
    with pytest.raises(ValueError, match="features"):
        network.set_params(hidden=(100,)).fit(X[:, :2], LABELS)
    np.testing.assert_array_equal(network.predict_proba(X), before)
    assert network.fit(X, LABELS).n_iter_ == 5


@pytest.mark.parametrize("first", ["constant", "one row"])
def test_warm_start_does_not_go_on_from_constants(first: str) -> None:
    network = NetworkRegressor(warm_start=True, epochs=5, random_state=0)
    network.fit(X, np.full(len(X), 3.0)) if first == "constant" else network.fit(X[:1], VALUES[:1])
    with pytest.raises(InputError, match="the same in all rows, and it is not now: use warm_start=False"):
        network.fit(X, VALUES)


def test_without_hidden_layers_it_is_the_linear_model() -> None:
    linear = NetworkRegressor(hidden=(), random_state=0).fit(X, VALUES)
    ridge = make_pipeline(StandardScaler(), TransformedTargetRegressor(Ridge(), transformer=StandardScaler()))
    np.testing.assert_allclose(linear.predict(X), ridge.fit(X, VALUES).predict(X), atol=0.02 * VALUES.std())
    logistic = NetworkClassifier(hidden=(), random_state=0).fit(X, LABELS)
    theirs = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, LABELS)
    np.testing.assert_allclose(logistic.predict_proba(X), theirs.predict_proba(X), atol=0.03)


@pytest.mark.parametrize("optimizer", ["gd", "momentum", "nesterov"])
def test_default_rates_hold_for_wide_layers_and_columns_that_say_the_same(optimizer: str) -> None:
    random = np.random.default_rng(0)
    common = random.normal(size=(200, 1))
    x = common + 0.05 * random.normal(size=(200, 300))
    network = Regressor(hidden=(300,), optimizer=optimizer, epochs=30, random_state=0).fit(x, common[:, 0])
    assert network.score(x, common[:, 0]) > 0.9


def test_a_weight_of_two_is_two_examples_where_weights_decay() -> None:
    options: dict[str, Any] = {"optimizer": "adamw", "l2": 5, "batch_size": "full", "epochs": 20, "random_state": 0}
    weights = np.random.default_rng(0).integers(1, 4, len(X))
    weighted = NetworkRegressor(**options).fit(X, VALUES, weights)
    repeated = NetworkRegressor(**options).fit(np.repeat(X, weights, axis=0), np.repeat(VALUES, weights))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6 * VALUES.std())
    with pytest.raises(InputError, match="partial_fit does not know N"):
        NetworkRegressor(**options).partial_fit(X, VALUES)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": "half"}, "batch_size"),
        ({"epochs": "a"}, "epochs"),
        ({"validation_fraction": "a"}, "validation_fraction=... takes a number"),
    ],
)
def test_parameters_are_refused_in_words(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Classifier(**parameters).fit(X, LABELS)


def test_values_in_half_precision_are_learned() -> None:
    values = (VALUES / VALUES.std() * 50).astype(np.float16)
    assert Regressor(random_state=0).fit(X, values).score(X, values) > 0.8
