"""A model in one file: what comes back is what was saved, and what is not a model is refused."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from sfumato import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Dense,
    Dropout,
    FileError,
    Flatten,
    Glorot,
    InputError,
    Layer,
    LeakyReLU,
    Loss,
    MeanSquaredError,
    Model,
    Network,
    Normal,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    Xavier,
    Zeros,
    multilayer_perceptron,
)
from sfumato.arrays import Array, Shape
from sfumato.data import Examples, Scaling
from sfumato.layers.base import Activation
from sfumato.storage import load_tensors, save_tensors

TASKS: dict[str, tuple[Loss, int, tuple[str, ...]]] = {
    "two classes": (BinaryCrossEntropy(), 1, ("no", "yes")),
    "four classes": (CategoricalCrossEntropy(), 4, ("a", "b", "c", "é")),
    "regression": (MeanSquaredError(), 1, ()),
}


def inputs(shape: Shape, n: int = 7) -> Array:
    rng = np.random.default_rng(0)
    return rng.integers(256, size=(n, *shape), dtype=np.uint8) if len(shape) > 1 else rng.standard_normal((n, *shape))


def make_model(task: str = "four classes", shape: Shape = (3,), dtype: Any = np.float32) -> Model:
    loss, outputs, classes = TASKS[task]
    network = multilayer_perceptron(shape, [5], outputs, activation="tanh", dropout=0.2)
    theta = network.initialize(2, dtype)
    features = () if len(shape) > 1 else ("x1", "x2", "x3")
    return Model(network, theta, loss, Scaling.fit(inputs(shape)), classes, features, "what")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (4, 4, 2)])
@pytest.mark.parametrize("task", TASKS)
def test_a_model_comes_back_bit_for_bit(task: str, shape: Shape, dtype: Any, tmp_path: Path) -> None:
    saved = make_model(task, shape, dtype)
    saved.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model")
    assert loaded.theta.dtype == dtype
    for ours, theirs in [
        (loaded.theta, saved.theta),
        (loaded.scaling.offset, saved.scaling.offset),
        (loaded.scaling.factor, saved.scaling.factor),
        (loaded.outputs(inputs(shape)), saved.outputs(inputs(shape))),
        (loaded.predict(inputs(shape)), saved.predict(inputs(shape))),
    ]:
        np.testing.assert_array_equal(ours, theirs)
    assert (loaded.network.layers, loaded.network.input_shape) == (saved.network.layers, saved.network.input_shape)
    assert (loaded.loss, loaded.classes, loaded.features) == (saved.loss, saved.classes, saved.features)
    assert loaded.target == "what"
    assert loaded.evaluate(truth(saved, shape)) == pytest.approx(
        saved.evaluate(truth(saved, shape)), nan_ok=True, rel=0
    )


def truth(saved: Model, shape: Shape) -> Examples:
    return Examples(inputs(shape), np.arange(7) % max(2, len(saved.classes)))


def test_every_layer_and_initialiser_comes_back_with_its_settings(tmp_path: Path) -> None:
    initialisers = [Xavier(), Glorot(), Normal(0.25), Zeros()]
    activations = [ReLU(), LeakyReLU(0.3), Tanh(), Sigmoid(), Dropout(0.4), Softmax()]
    layers: list[Layer[Any]] = [Flatten(), *activations, *(Dense(2, init) for init in initialisers)]
    network = Network(layers, (2, 2, 1))
    classes = ("no", "yes")
    Model(network, network.initialize(), CategoricalCrossEntropy(), Scaling.none(), classes).save(tmp_path / "model")
    assert Model.load(tmp_path / "model").network.layers == tuple(layers)


def test_parameters_that_are_a_part_of_a_larger_array_are_saved_as_they_are(tmp_path: Path) -> None:
    saved = make_model()
    both = np.stack([saved.theta, np.zeros_like(saved.theta)], axis=1)
    dataclasses.replace(saved, theta=both[:, 0]).save(tmp_path / "model")
    np.testing.assert_array_equal(Model.load(tmp_path / "model").theta, saved.theta)


def test_other_tools_find_each_parameter_under_its_name(tmp_path: Path) -> None:
    saved = make_model()
    saved.save(tmp_path / "model")
    tensors = safetensors.numpy.load_file(tmp_path / "model")
    params = saved.network.parameters(saved.theta)
    np.testing.assert_array_equal(tensors["dense_1.W"], params.dense_1.W)
    np.testing.assert_array_equal(tensors["dense_2.b"], params.dense_2.b)


def test_predictions_follow_from_raw_inputs_scaling_network_and_loss() -> None:
    ours, x = make_model(dtype=np.float64), inputs((3,))
    z = ours.network.apply(ours.theta, (x - x.mean(axis=0)) / x.std(axis=0))
    probabilities = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ours.predict_proba(x), probabilities, rtol=1e-12)
    assert ours.predict(x).tolist() == probabilities.argmax(axis=1).tolist()
    regression = make_model("regression", dtype=np.float64)
    np.testing.assert_array_equal(regression.predict(x), regression.outputs(x)[:, 0])


@pytest.mark.parametrize("task", ["two classes", "four classes"])
def test_probabilities_have_a_column_for_each_class_and_add_up_to_one(task: str) -> None:
    probabilities = make_model(task).predict_proba(inputs((3,)))
    assert probabilities.shape == (7, len(TASKS[task][2]))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 3, 7])
def test_predicting_in_chunks_changes_no_result(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, x = make_model(dtype=np.float64), inputs((3,))[:n]
    whole = ours.outputs(x)
    monkeypatch.setattr("sfumato.training.batches.EVALUATION_CHUNK", 3)
    np.testing.assert_allclose(ours.outputs(x), whole, rtol=1e-13)
    assert ours.predict(x).shape == (n,)


def test_inputs_that_do_not_fit_and_probabilities_of_a_regression_are_refused() -> None:
    with pytest.raises(InputError, match=r"the model takes examples of shape \(3,\), not \(2,\)"):
        make_model().predict(np.zeros((4, 2)))
    with pytest.raises(InputError, match="a regression model has no probabilities: use predict"):
        make_model("regression").predict_proba(np.zeros((4, 3)))


@dataclass(frozen=True)
class Swish(Activation):
    """A layer of one's own."""

    forward = Sigmoid.forward


def test_a_layer_of_ones_own_cannot_be_saved_and_leaves_no_file(tmp_path: Path) -> None:
    network = Network([Dense(2), Swish(), Dense(1)], 3)
    own = Model(network, network.initialize(), MeanSquaredError(), Scaling.none())
    with pytest.raises(InputError, match="Swish is not one of Sfumato's own kinds, and a model file can describe no"):
        own.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_only_shares_a_name_with_ours_is_refused(tmp_path: Path) -> None:
    class Sigmoid(Tanh):
        pass

    network = Network([Sigmoid(), Dense(1)], 3)
    with pytest.raises(InputError, match="Sigmoid is not one of Sfumato's own kinds"):
        Model(network, network.initialize(), MeanSquaredError(), Scaling.none()).save(tmp_path / "model")


Damage = Callable[[dict[str, Array], dict[str, Any]], object]


def nested(depth: int) -> dict[str, Any]:
    """Dicts in dicts."""
    return {"kind": "Normal", "scale": nested(depth - 1)} if depth else {}


DAMAGES: dict[str, Damage] = {
    "a parameter is missing": lambda tensors, header: tensors.pop("dense_1.W"),
    "a parameter has another shape": lambda tensors, header: tensors.update({"dense_1.b": np.zeros(4, np.float32)}),
    "the scaling is missing": lambda tensors, header: tensors.pop("scaling.offset"),
    "the layers are missing": lambda tensors, header: header.pop("layers"),
    "there are no layers": lambda tensors, header: header.update(layers=[]),
    "a layer is unknown": lambda tensors, header: header["layers"][0].update(kind="Transformer"),
    "a layer has no kind": lambda tensors, header: header["layers"][0].pop("kind"),
    "a layer has an unknown setting": lambda tensors, header: header["layers"][0].update(colour="red"),
    "a layer has an impossible setting": lambda tensors, header: header["layers"][0].update(units=-1),
    "a layer is a word": lambda tensors, header: header.update(layers=["Dense"]),
    "a layer is a loss": lambda tensors, header: header["layers"].insert(1, {"kind": "MeanSquaredError"}),
    "the loss is a layer": lambda tensors, header: header.update(loss={"kind": "Tanh"}),
    "the loss is a word": lambda tensors, header: header.update(loss="MeanSquaredError"),
    "the classes are a number": lambda tensors, header: header.update(classes=3),
    "the classes are lists": lambda tensors, header: header.update(classes=[["a"], ["b"], ["c"], ["d"]]),
    "the classes are numbers": lambda tensors, header: header.update(classes=[1, 2, 3, 4]),
    "two classes are the same": lambda tensors, header: header.update(classes=["a", "b", "c", "a"]),
    "a class is half a character": lambda tensors, header: header.update(classes=["a", "b", "c", "\ud800"]),
    "the target is a list": lambda tensors, header: header.update(target=["y"]),
    "the features are a text": lambda tensors, header: header.update(features="abc"),
    "a feature is a number": lambda tensors, header: header.update(features=["x1", "x2", 3]),
    "the categories are a list": lambda tensors, header: header.update(categories=["x1"]),
    "categories are numbers": lambda tensors, header: header.update(categories={"x1": [1]}),
    "two categories are the same": lambda tensors, header: header.update(categories={"x1": ["a", "a"]}),
    "categories of no feature": lambda tensors, header: header.update(categories={"x9": ["a"]}),
    "examples of no shape": lambda tensors, header: header.update(input_shape=3),
    "examples of half an input": lambda tensors, header: header.update(input_shape=[3.5]),
    "examples beyond all memory": lambda tensors, header: header.update(
        input_shape=[10**15], layers=[{"kind": "Tanh"}]
    ),
    "initialisers in initialisers": lambda tensors, header: header["layers"][0].update(init=nested(500)),
    "the scaling has another length": lambda tensors, header: tensors.update({"scaling.factor": np.ones(2)}),
    "the scaling is whole numbers": lambda tensors, header: tensors.update({"scaling.factor": np.ones(3, int)}),
    "the scaling is not finite": lambda tensors, header: tensors.update({"scaling.offset": np.full(3, np.nan)}),
    "the scaling has another part": lambda tensors, header: tensors.update({"scaling.colour": np.ones(3)}),
    "a weight is not finite": lambda tensors, header: tensors["dense_1.W"].fill(np.inf),
    "weights of 16 bits": lambda tensors, header: tensors.update(
        {name: values.astype(np.float16) for name, values in tensors.items() if "dense" in name}
    ),
    "biases of another type": lambda tensors, header: tensors.update({"dense_1.b": np.zeros(5)}),
    "weights of no layer": lambda tensors, header: tensors.update({"dense_9.W": np.zeros(5)}),
    "the classes are too few": lambda tensors, header: header.update(classes=["a", "b"]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_model_is_refused_in_one_line(damage: Damage, tmp_path: Path) -> None:
    path = tmp_path / "model"
    make_model().save(path)
    tensors, header = load_tensors(path)
    damage(tensors, header)
    save_tensors(path, tensors, header)
    with pytest.raises(FileError, match=f"{path}: the model in it is damaged"):
        Model.load(path)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    save_tensors(path, {}, {"format": "training checkpoint 1"})
    with pytest.raises(FileError, match=r"not a model of this version of Sfumato \(training checkpoint 1\)"):
        Model.load(path)
    safetensors.numpy.save_file({"dense_1.W": np.zeros((3, 5))}, path)
    with pytest.raises(FileError, match="not one that Sfumato wrote"):
        Model.load(path)
    path.write_text("PK: a pickle, perhaps")
    with pytest.raises(FileError, match="not a whole safetensors file"):
        Model.load(path)


def test_a_model_file_describes_itself_in_json(tmp_path: Path) -> None:
    make_model().save(tmp_path / "model")
    with safetensors.safe_open(tmp_path / "model", framework="numpy") as file:
        header = json.loads(file.metadata()["sfumato"])
    assert header["layers"][0] == {"kind": "Dense", "units": 5, "init": {"kind": "He"}}
    assert header["classes"] == ["a", "b", "c", "é"]


@pytest.mark.parametrize("header", ["[" * 100_000, '{"format": ' + "9" * 5000 + "}"], ids=["deep", "a long number"])
def test_a_header_that_no_parser_takes_is_refused(header: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    safetensors.numpy.save_file({"dense_1.W": np.zeros((3, 5))}, path, metadata={"sfumato": header})
    with pytest.raises(FileError, match="a safetensors file, but not one that Sfumato wrote"):
        Model.load(path)


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "BF16", "BOOL", "I32"])
def test_numbers_of_other_types_are_refused(dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    make_model("regression").save(path)
    content = path.read_bytes()
    size = {"F8_E4M3": 1, "F8_E5M2": 1, "BF16": 2, "BOOL": 1, "I32": 4}[dtype]
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    stored = bytes(size * 3)
    header = {
        "__metadata__": header["__metadata__"],
        "dense_1.b": {"dtype": dtype, "shape": [3], "data_offsets": [0, len(stored)]},
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + stored)
    with pytest.raises(FileError, match=r"is damaged|not a whole safetensors file|numbers of a kind that is not read"):
        Model.load(path)
