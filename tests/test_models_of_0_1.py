"""Models that version 0.1.0 wrote load, and predict what they predicted then."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sfumato import Model

MODELS = Path(__file__).parent / "data" / "models_0_1"
NAMES = sorted(path.stem for path in MODELS.glob("*.safetensors"))


@pytest.fixture
def model(name: str) -> Model:
    return Model.load(MODELS / f"{name}.safetensors")


@pytest.fixture
def then(name: str) -> dict[str, Any]:
    """The inputs, and what version 0.1.0 said of them."""
    values: dict[str, Any] = json.loads((MODELS / f"{name}.json").read_text(encoding="utf-8"))
    return values


def test_every_kind_of_model_is_here() -> None:
    assert set(NAMES) == {
        "binary",
        "classifier",
        "convnet",
        "estimator",
        "every_layer",
        "every_loss_binary",
        "every_loss_categorical",
        "every_loss_squared",
        "regression",
        "table",
    }


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_names_are_the_same(model: Model, then: dict[str, Any]) -> None:
    assert str(model.theta.dtype) == then["theta_dtype"]
    assert hashlib.sha256(np.ascontiguousarray(model.theta).tobytes()).hexdigest() == then["theta_sha256"]
    assert (list(model.classes), list(model.features), model.target) == (
        then["classes"],
        then["features"],
        then["target"],
    )


@pytest.mark.parametrize("name", NAMES)
def test_predictions_of_arrays_are_the_same(model: Model, then: dict[str, Any]) -> None:
    check(model, np.array(then["x"], dtype=then["x_dtype"]), then)  # a gap is None there, and becomes NaN


@pytest.mark.parametrize("name", ["binary", "classifier", "regression", "table"])
def test_predictions_of_tables_are_the_same(model: Model, then: dict[str, Any]) -> None:
    check(model, model.rows(pd.read_csv(io.StringIO(then["csv"]))), then)


def check(model: Model, x: np.ndarray[Any, Any], then: dict[str, Any]) -> None:
    np.testing.assert_allclose(model.outputs(x), then["outputs"], rtol=1e-6, atol=1e-6)
    if not then["classes"]:
        np.testing.assert_allclose(model.predict(x), then["predict"], rtol=1e-6)
        return
    np.testing.assert_allclose(model.predict_proba(x), then["predict_proba"], rtol=1e-6, atol=1e-7)
    assert [model.classes[number] for number in model.predict(x)] == then["labels"]
