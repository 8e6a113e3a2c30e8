"""The scikit-learn face: its own checks, and what its users rely on."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from sfumato import Adam, AdamW, Model
from sfumato.arrays import Array
from sfumato.estimators import NetworkClassifier, NetworkRegressor
from sfumato.training.history import EpochRecord


@pytest.mark.parametrize(
    ("estimator", "check"),
    [case for kind in (NetworkClassifier, NetworkRegressor) for case in estimator_checks_generator(kind())],
)
def test_every_check_of_scikit_learn_passes(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def iris() -> tuple[Array, Array]:
    x, y = load_iris(return_X_y=True)
    return x, y


def test_it_works_in_pipelines_and_cross_validation(iris: tuple[Array, Array]) -> None:
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(random_state=0))
    assert cross_val_score(pipeline, *iris, cv=3).mean() > 0.93


def test_a_grid_search_sets_every_parameter(iris: tuple[Array, Array]) -> None:
    grid = {"hidden": [(8,), (8, 8)], "l2": [0.0, 1.0], "optimizer": ["adam", "lbfgs"]}
    search = GridSearchCV(NetworkClassifier(epochs=30, random_state=0), grid, cv=2, error_score="raise").fit(*iris)
    assert search.best_score_ > 0.9
    assert len(search.cv_results_["params"]) == 8


def test_cloning_keeps_parameters_and_nothing_learned(iris: tuple[Array, Array]) -> None:
    fitted = NetworkClassifier((7,), optimizer=Adam(beta1=0.8), class_weight="balanced", epochs=3).fit(*iris)
    twin = clone(fitted)
    assert repr(twin) == repr(fitted)
    assert not hasattr(twin, "classes_")


def test_a_pickle_predicts_the_same(iris: tuple[Array, Array]) -> None:
    fitted = NetworkClassifier(epochs=20, random_state=0).fit(*iris)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(iris[0]), fitted.predict_proba(iris[0]))
    again.partial_fit(*iris)  # and goes on
    assert again.n_iter_ == 21


@pytest.mark.parametrize("labels", [["setosa", "versicolor", "virginica"], [-1, 5, 7], [0.0, 1.0, 2.0]])
def test_labels_of_any_type_come_back(iris: tuple[Array, Array], labels: list[Any]) -> None:
    x, y = iris
    named = np.array(labels)[y]
    fitted = NetworkClassifier(random_state=0).fit(x, named)
    assert fitted.predict(x).dtype == named.dtype
    assert (fitted.predict(x) == named).mean() > 0.95
    assert fitted.predict_proba(x).shape == (150, 3)


def test_two_classes_of_booleans() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    fitted = NetworkClassifier(epochs=20, random_state=0).fit(x, y == 1)
    assert fitted.predict(x).dtype == bool
    np.testing.assert_array_equal(fitted.predict_proba(x).argmax(axis=1).astype(bool), fitted.predict(x))


def test_names_of_columns_are_kept_and_checked(iris: tuple[Array, Array]) -> None:
    table = pd.DataFrame(iris[0], columns=["a", "b", "c", "d"])
    fitted = NetworkClassifier(epochs=5).fit(table, iris[1])
    assert list(vars(fitted)["feature_names_in_"]) == ["a", "b", "c", "d"]
    assert fitted.model_.features == ("a", "b", "c", "d")
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(table[["b", "a", "c", "d"]])


def test_curves_are_of_the_same_loss(iris: tuple[Array, Array]) -> None:
    fitted = NetworkClassifier(epochs=40, validation_fraction=0.3, random_state=0).fit(*iris)
    assert len(fitted.loss_curve_) == len(fitted.validation_curve_) == fitted.n_iter_ == 40
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]
    assert fitted.validation_curve_[-1] == pytest.approx(fitted.loss_curve_[-1], abs=0.2)
    assert NetworkClassifier(epochs=2).fit(*iris).validation_curve_ == []


def test_a_regressor_s_curves_are_in_the_units_of_its_values() -> None:
    x, y = load_diabetes(return_X_y=True)
    fitted = NetworkRegressor(random_state=0, batch_size="full").fit(x, y)
    squares = (fitted.predict(x) - y) ** 2
    assert fitted.loss_curve_[-1] == pytest.approx(squares.mean(), rel=0.02)  # the last was measured a step before


def test_early_stopping_keeps_the_best(iris: tuple[Array, Array]) -> None:
    fitted = NetworkClassifier((50,), epochs=500, early_stopping=5, learning_rate=0.05, random_state=0).fit(*iris)
    assert fitted.n_iter_ < 500
    assert int(np.argmin(fitted.validation_curve_)) == fitted.n_iter_ - 6


def test_a_callback_sees_every_epoch_and_can_end_training(iris: tuple[Array, Array]) -> None:
    seen: list[EpochRecord] = []

    def enough(record: EpochRecord) -> bool:
        seen.append(record)
        return record.epoch == 7

    fitted = NetworkClassifier(callbacks=[enough], random_state=0).fit(*iris)
    assert [record.epoch for record in seen] == [*range(1, 8)]
    assert fitted.loss_curve_ == [record.train_loss for record in seen]


def test_dropout_trains_another_network(iris: tuple[Array, Array]) -> None:
    plain, dropped = (NetworkClassifier(dropout=p, epochs=30, random_state=0).fit(*iris) for p in (0.0, 0.5))
    assert not np.allclose(plain.predict_proba(iris[0]), dropped.predict_proba(iris[0]))


def test_adamw_decays_by_l2_instead_of_the_penalty(iris: tuple[Array, Array]) -> None:
    named = NetworkClassifier(optimizer="adamw", l2=15.0, epochs=5, random_state=0).fit(*iris)
    same = AdamW(weight_decay=15.0 / 150, decays=named.model_.network.decaying())
    given = NetworkClassifier(optimizer=same, epochs=5, random_state=0).fit(*iris)
    np.testing.assert_array_equal(named.model_.theta, given.model_.theta)


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
def test_weights_are_repetitions(kind: type[Any], iris: tuple[Array, Array]) -> None:
    x, y = iris[0][::3], iris[1][::3]
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    weighted = kind(l2=0.0, random_state=0, batch_size="full").fit(x, y, sample_weight=weight)
    repeated = kind(l2=0.0, random_state=0, batch_size="full").fit(x.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(weighted.model_.outputs(x), repeated.model_.outputs(x), rtol=1e-7, atol=1e-9)


def test_class_weights_are_weights_of_the_class_s_examples(iris: tuple[Array, Array]) -> None:
    x, y = iris
    heavy = {0: 1.0, 1: 5.0, 2: 2.0}
    by_class = NetworkClassifier(class_weight=heavy, epochs=10, random_state=0).fit(x, y)
    by_example = NetworkClassifier(epochs=10, random_state=0).fit(x, y, sample_weight=[heavy[label] for label in y])
    np.testing.assert_array_equal(by_class.predict_proba(x), by_example.predict_proba(x))


def test_balanced_weights_find_the_rare_class() -> None:
    rng = np.random.default_rng(0)
    x = np.vstack([rng.normal(0.0, 1.0, (950, 2)), rng.normal(1.0, 1.0, (50, 2))])
    y = np.repeat([0, 1], [950, 50])
    found = [
        NetworkClassifier((8,), epochs=30, class_weight=weight, random_state=0).fit(x, y).predict(x)[y == 1].mean()
        for weight in (None, "balanced")
    ]
    assert found[0] < 0.3 < 0.6 < found[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y: NetworkClassifier().partial_fit(x, y), "needs all classes"),
        (lambda x, y: NetworkClassifier().partial_fit(x, y, classes=[0, 1]), "label .*2.* not one of the classes"),
        (lambda x, y: NetworkClassifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1, 2]), "balanced"),
        (lambda x, y: NetworkClassifier().fit(x, y, sample_weight=np.zeros(150)), "non-zero"),
        (lambda x, y: NetworkClassifier(optimizer="sgd").fit(x, y), "no optimizer is called 'sgd'"),
        (lambda x, y: NetworkClassifier(activation="swish").fit(x, y), "no activation is called 'swish'"),
        (lambda x, y: NetworkClassifier(epochs=0).fit(x, y), "epochs"),
        (lambda x, y: NetworkClassifier().fit(x, np.zeros(150, int)), "one class"),
        (lambda x, y: NetworkRegressor(dropout=1.5).fit(x, y), "drop"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(call: Any, message: str, iris: tuple[Array, Array]) -> None:
    with pytest.raises(ValueError, match=message) as error:
        call(*iris)
    assert "\n" not in str(error.value)


def test_the_model_inside_can_be_saved_and_takes_raw_rows(iris: tuple[Array, Array], tmp_path: Path) -> None:
    x, y = iris
    fitted = NetworkClassifier(epochs=30, random_state=0).fit(x, np.array(["a", "b", "c"])[y])
    fitted.model_.save(tmp_path / "iris.safetensors")
    model = Model.load(tmp_path / "iris.safetensors")
    assert model.classes == ("a", "b", "c")
    np.testing.assert_array_equal(model.predict_proba(x), fitted.predict_proba(x))


def test_a_regressor_learns_values_far_from_zero() -> None:
    x, y = load_diabetes(return_X_y=True)
    near, far = (NetworkRegressor((20,), random_state=0).fit(x, y + shift).predict(x) for shift in (0.0, 1e6))
    np.testing.assert_allclose(far - 1e6, near, atol=1e-3)
    assert np.corrcoef(near, y)[0, 1] > 0.7


def test_float32_stays_float32(iris: tuple[Array, Array]) -> None:
    fitted = NetworkClassifier(epochs=2).fit(iris[0].astype(np.float32), iris[1])
    assert fitted.model_.theta.dtype == np.float32
