"""ONNX files: onnxruntime gives the same answers as the model, from the same raw rows."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from sfumato import (
    AveragePooling,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Convolution,
    Dense,
    Dropout,
    FileError,
    Flatten,
    Glorot,
    InputError,
    LeakyReLU,
    Loss,
    MaxPooling,
    MeanSquaredError,
    Model,
    Network,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    convolutional_network,
)
from sfumato.arrays import Array
from sfumato.data import Known, Scaling
from sfumato.data.tables import features_of
from sfumato.interchange.onnx import save_onnx
from sfumato.layers.base import Activation, Layer
from sfumato.model_file import KINDS


def run(path: Path, x: Array) -> dict[str, Array]:
    """What onnxruntime makes of a file's model."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"x": x}), strict=True))


def made(layers: list[Layer[Any]], shape: Any, loss: Loss, classes: int, scaling: Scaling) -> Model:
    """A model with random weights and biases."""
    network = Network(layers, shape)
    theta = network.initialize(0) + 0.1 * np.random.default_rng(1).standard_normal(network.size).astype(np.float32)
    return Model(network, theta, loss, scaling, tuple(f"class {i}" for i in range(classes)))


TABLE = 1e6 + np.random.default_rng(2).standard_normal((50, 6)) * [1.0, 5.0, 1e-2, 30.0, 1.0, 0.3]
"""Small variations of large values."""


@pytest.mark.parametrize("activation", [ReLU, LeakyReLU, Sigmoid, Tanh, Softmax])
@pytest.mark.parametrize("classes", [2, 4])
def test_tables_give_the_same_probabilities(activation: Callable[[], Any], classes: int, tmp_path: Path) -> None:
    loss, units = (BinaryCrossEntropy(), 1) if classes == 2 else (CategoricalCrossEntropy(), classes)
    layers = [Dense(7), activation(), Dropout(0.3), Dense(5, Glorot()), Tanh(), Dense(units)]
    model = made(layers, 6, loss, classes, Scaling.standard(TABLE))
    save_onnx(model, tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", TABLE)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(TABLE), atol=1e-5)
    np.testing.assert_array_equal(found["label"], model.predict(TABLE))


def test_categories_and_gaps_are_encoded_inside(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    colours, sizes = ("blue", "green", "red"), ("large", "small")
    table = pd.DataFrame(
        {
            "colour": random.choice(np.array([*colours, None], dtype=object), 50),
            "age": np.where(random.random(50) < 0.2, np.nan, random.normal(40, 10, 50)),
            "size": random.choice(sizes, 50),
            "height": random.normal(1.7, 0.1, 50),
        }
    )
    categories = {"colour": colours, "size": sizes}
    x = features_of(table, Known(tuple(table.columns), categories))
    scaling = Scaling.fit(x, indicators=np.array([True] * 3 + [False] + [True] * 2 + [False]))
    plain = made([Dense(5), ReLU(), Dense(3)], 7, CategoricalCrossEntropy(), 3, scaling)
    model = replace(plain, features=tuple(table.columns), categories=categories)
    save_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    text = table[["colour", "size"]].fillna("").to_numpy(dtype=str)
    inputs = {"x": table[["age", "height"]].to_numpy(), "text": text}
    probabilities, label = session.run(["probabilities", "label"], inputs)
    np.testing.assert_allclose(probabilities, model.predict_proba(model.rows(table)), atol=1e-5)
    np.testing.assert_array_equal(label, model.predict(model.rows(table)))
    assert json.loads(session.get_modelmeta().custom_metadata_map["categories"])["size"] == ["large", "small"]
    only = replace(
        made([Dense(3)], 5, CategoricalCrossEntropy(), 3, Scaling.none()),
        features=("colour", "size"),
        categories=categories,
    )
    save_onnx(only, tmp_path / "only.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "only.onnx", providers=["CPUExecutionProvider"])
    found = session.run(["probabilities"], {"text": text})[0]
    np.testing.assert_allclose(found, only.predict_proba(only.rows(table)), atol=1e-5)


def test_values_of_a_regression(tmp_path: Path) -> None:
    model = made([Dense(9), Tanh(), Dense(1)], 6, MeanSquaredError(), 0, Scaling.standard(TABLE))
    save_onnx(model, tmp_path / "model.onnx")
    np.testing.assert_allclose(run(tmp_path / "model.onnx", TABLE)["value"], model.predict(TABLE), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layers",
    [
        [Convolution(4, relu=True), MaxPooling(), Convolution(3, kernel=2, stride=2, padding=0), LeakyReLU()],
        [Convolution(5, kernel=(1, 3), padding=1), Tanh(), AveragePooling(3, 2), MaxPooling(2, 1)],
        [],
    ],
    ids=["pooled", "uneven", "flat"],
)
def test_images_give_the_same_probabilities(layers: list[Layer[Any]], tmp_path: Path) -> None:
    x = np.random.default_rng(3).integers(0, 256, (8, 11, 9, 2), np.uint8)
    loss = CategoricalCrossEntropy()
    model = made([*layers, Flatten(), Dense(6), ReLU(), Dense(3)], (11, 9, 2), loss, 3, Scaling.unit(x))
    save_onnx(model, tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", x)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(x), atol=1e-5)
    np.testing.assert_array_equal(found["label"], model.predict(x))


def test_the_convolutional_network_and_its_names(tmp_path: Path) -> None:
    network, x = convolutional_network((28, 28, 1), 10), np.zeros((2, 28, 28, 1), np.uint8)
    names = ("zéro", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    model = Model(network, network.initialize(0), CategoricalCrossEntropy(), Scaling.none(), names, (), "digit")
    save_onnx(model, tmp_path / "model.onnx")
    np.testing.assert_allclose(run(tmp_path / "model.onnx", x)["probabilities"], model.predict_proba(x), atol=1e-5)
    said = onnxruntime.InferenceSession(tmp_path / "model.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(said["classes"]) == list(names)
    assert json.loads(said["target"]) == "digit"


@dataclass(frozen=True)
class Doubled(Dense):
    """A layer of one's own that is a dense layer to look at."""

    def forward(self, *arguments: Any) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Halved(Activation):
    """A layer that the package has, and the export does not know yet."""

    def forward(self, params: Any, x: Array, needs: Any, rng: Any = None) -> tuple[Array, Any]:
        return x / 2, lambda dz, grads: dz / 2


def test_a_layer_without_a_translation_is_refused_and_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "Halved", Halved)
    model = made([Dense(3), Halved()], 6, CategoricalCrossEntropy(), 3, Scaling.none())
    with pytest.raises(InputError, match="Halved cannot be exported yet"):
        save_onnx(model, tmp_path / "model.onnx")


def test_a_layer_of_one_s_own_is_refused(tmp_path: Path) -> None:
    model = made([Doubled(3)], 6, CategoricalCrossEntropy(), 3, Scaling.none())
    with pytest.raises(InputError, match="Doubled is not one of Sfumato's own layers"):
        save_onnx(model, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    model = made([Dense(3)], 6, CategoricalCrossEntropy(), 3, Scaling.none())
    with pytest.raises(FileError, match=r"pip install '\.\[onnx\]'"):
        save_onnx(model, tmp_path / "model.onnx")
