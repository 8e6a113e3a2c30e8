"""Weights of other programs: the model answers as the network that they were trained in.

PyTorch's files are PyTorch's own. Keras is no peer in these tests: its files are written in the layouts that Keras 2,
3.0 and 3.15 write (looked at in real ones), and what a network of theirs answers is said by PyTorch.
"""

import io
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.torch
import torch
from tests.interchange.other_programs import (
    Weights,
    as_keras,
    convnet,
    layer_names,
    made,
    perceptron,
    save_keras_3,
    torch_convnet,
    torch_perceptron,
    write_keras_3,
)
from torch import nn

from sfumato import (
    Convolution,
    Dense,
    Dropout,
    Flatten,
    MaxPooling,
    Network,
    ReLU,
    Tanh,
    import_weights,
    multilayer_perceptron,
)
from sfumato.arrays import Array
from sfumato.data import Scaling


@pytest.fixture
def rows() -> Array:
    return np.random.default_rng(0).standard_normal((20, 6)).astype(np.float32)


@pytest.fixture
def images() -> Array:
    return np.random.default_rng(0).standard_normal((5, 13, 10, 3)).astype(np.float32)


def said_by_torch(network: Any, x: Array) -> Array:
    """The outputs of PyTorch's network, whose images have their channels first."""
    given = x.transpose(0, 3, 1, 2).copy() if x.ndim == 4 else x
    with torch.no_grad():
        answers: Array = network(torch.from_numpy(given)).numpy()
    return answers


def save_legacy(state: Any, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


SAVES = [torch.save, save_legacy, safetensors.torch.save_file]


@pytest.mark.parametrize("save", SAVES)
def test_dense_networks_of_pytorch_answer_alike(save: Any, rows: Array, tmp_path: Path) -> None:
    hidden = (6,) * 11  # square, so that only the way of storing tells a matrix from its transpose; 10 comes after 9
    network = torch_perceptron(*hidden, 3)
    save(network.state_dict(), tmp_path / "weights")
    model = import_weights(tmp_path / "weights", like=perceptron(*hidden))
    np.testing.assert_allclose(model.outputs(rows), said_by_torch(network, rows), atol=1e-5)


@pytest.mark.parametrize("save", SAVES)
def test_convolutional_networks_of_pytorch_answer_alike(save: Any, images: Array, tmp_path: Path) -> None:
    network = torch_convnet()
    save(network.state_dict(), tmp_path / "weights")
    model = import_weights(str(tmp_path / "weights"), like=convnet())
    np.testing.assert_allclose(model.outputs(images), said_by_torch(network, images), atol=1e-5)


def test_the_pixels_of_colour_images_are_put_in_order(images: Array, tmp_path: Path) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(390, 9), nn.Tanh(), nn.Linear(9, 3))
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    like = made(multilayer_perceptron((13, 10, 3), (9,), 3, activation="tanh"), 3)
    model = import_weights(tmp_path / "weights.pt", like=like)
    np.testing.assert_allclose(model.outputs(images), said_by_torch(network, images), atol=1e-5)


@pytest.mark.parametrize("save", SAVES)
def test_modules_with_names_and_without_biases(save: Any, rows: Array, tmp_path: Path) -> None:
    modules = {"hidden": nn.Linear(6, 5), "r1": nn.ReLU(), "body": nn.Linear(5, 7, bias=False), "r2": nn.ReLU()}
    network = nn.Sequential(OrderedDict(modules | {"answer": nn.Linear(7, 1)}))  # not in the order of the alphabet
    save(network.state_dict(), tmp_path / "weights")
    taken: dict[str, str] = {}
    like = perceptron(5, 7, classes=0)
    model = import_weights(tmp_path / "weights", like=like, on_layer=taken.__setitem__)
    np.testing.assert_allclose(model.predict(rows), said_by_torch(network, rows)[:, 0], atol=1e-5)
    assert taken == {"dense_1": "hidden", "dense_2": "body", "dense_3": "answer"}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float16, 2e-2), (torch.bfloat16, 2e-1)])
def test_other_floating_points_become_the_models(dtype: Any, tolerance: float, rows: Array, tmp_path: Path) -> None:
    network = torch_perceptron(9, 3)
    torch.save({name: tensor.to(dtype) for name, tensor in network.state_dict().items()}, tmp_path / "weights.pt")
    model = import_weights(tmp_path / "weights.pt", like=perceptron(9))
    assert model.theta.dtype == np.float32
    np.testing.assert_allclose(model.outputs(rows), said_by_torch(network, rows), atol=tolerance)


def test_everything_but_the_numbers_is_the_models(rows: Array, tmp_path: Path) -> None:
    network = torch_perceptron(9, 1)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    scaling = Scaling.standard(1e3 + 5 * rows)
    like = made(Network([Dense(9), ReLU(), Dropout(0.5), Dense(1)], 6), 2, scaling)
    before = like.theta.copy()
    model = import_weights(tmp_path / "weights.pt", like=like)
    assert (model.network, model.loss, model.scaling) == (like.network, like.loss, scaling)
    assert (model.classes, model.features, model.target) == (like.classes, like.features, like.target)
    np.testing.assert_array_equal(like.theta, before)
    x = 1e3 + 5 * rows
    scaled = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    probability = 1 / (1 + np.exp(-said_by_torch(network, scaled)[:, 0]))
    np.testing.assert_allclose(model.predict_proba(x)[:, 1], probability, atol=1e-4)


@pytest.mark.parametrize("hidden", [(), (9,), (2, 2)])
def test_two_logits_become_one(hidden: tuple[int, ...], rows: Array, tmp_path: Path) -> None:
    network = torch_perceptron(*hidden, 2)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    model = import_weights(tmp_path / "weights.pt", like=perceptron(*hidden, classes=2))
    probabilities = torch.softmax(torch.from_numpy(said_by_torch(network, rows)), dim=1).numpy()
    np.testing.assert_allclose(model.predict_proba(rows), probabilities, atol=1e-6)


def test_a_model_of_sfumatos_own(rows: Array, tmp_path: Path) -> None:
    hidden = (6,) * 11
    trained, like = perceptron(*hidden), perceptron(*hidden)
    like.theta[:] = 0
    trained.save(tmp_path / "model.safetensors")
    model = import_weights(tmp_path / "model.safetensors", like=like)
    np.testing.assert_array_equal(model.theta, trained.theta)


def test_a_safetensors_file_is_not_taken_for_a_pickle_which_its_length_resembles(tmp_path: Path) -> None:
    path, weight = tmp_path / "weights", torch.ones(3, 6)
    lengths = set()
    for letters in range(0, 256, 8):  # the header takes a multiple of 8, and a pickle begins with 128
        safetensors.torch.save_file({"0.weight": weight, "0.bias": weight[:, 0].clone()}, path, {"a": "b" * letters})
        lengths.add(path.read_bytes()[0])
        np.testing.assert_array_equal(import_weights(path, like=perceptron()).theta, np.ones(21))
    assert 128 in lengths


# Keras


def save_keras_3_0(path: Path, weights: Weights) -> None:
    write_keras_3(path, weights)


def save_keras_archive(path: Path, weights: Weights) -> None:
    """A .keras file."""
    inside = io.BytesIO()
    write_keras_3(inside, weights, layer_names(weights))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", inside.getvalue())


def write_keras_2(opened: Any, weights: Weights, suffix: str) -> None:
    names = layer_names(weights)
    opened.attrs["layer_names"] = [name.encode() for name in names]
    for name, (kernel, bias) in zip(names, weights, strict=True):
        parts = {f"{name}/kernel{suffix}": kernel, f"{name}/bias{suffix}": bias}
        group = opened.create_group(name)
        group.attrs["weight_names"] = [part.encode() for part in parts]
        for part, value in parts.items():
            group[part] = value


def save_keras_2(path: Path, weights: Weights) -> None:
    """A whole model as .h5."""
    with h5py.File(path, "w") as file:
        write_keras_2(file.create_group("model_weights"), weights, ":0")
        file["optimizer_weights/Adam/m/dense/kernel:0"] = weights[0][0]


def save_keras_2_weights(path: Path, weights: Weights) -> None:
    with h5py.File(path, "w") as file:
        write_keras_2(file, weights, "")


KERAS = [save_keras_3, save_keras_3_0, save_keras_archive, save_keras_2, save_keras_2_weights]


@pytest.mark.parametrize("save", KERAS)
def test_dense_networks_of_keras_answer_alike(save: Any, rows: Array, tmp_path: Path) -> None:
    hidden = (6,) * 11
    network = torch_perceptron(*hidden, 3)
    save(tmp_path / "weights", as_keras(network))
    model = import_weights(tmp_path / "weights", like=perceptron(*hidden))
    np.testing.assert_allclose(model.outputs(rows), said_by_torch(network, rows), atol=1e-5)


@pytest.mark.parametrize("save", KERAS)
def test_convolutional_networks_of_keras_answer_alike(save: Any, images: Array, tmp_path: Path) -> None:
    network = torch_convnet()
    save(tmp_path / "weights", as_keras(network))
    model = import_weights(tmp_path / "weights", like=convnet())
    np.testing.assert_allclose(model.outputs(images), said_by_torch(network, images), atol=1e-5)


def test_layers_go_by_the_names_they_have_in_keras(tmp_path: Path) -> None:
    write_keras_3(tmp_path / "w.weights.h5", as_keras(torch_perceptron(6, 3)), ["zebra", "ape"])
    taken: dict[str, str] = {}
    import_weights(tmp_path / "w.weights.h5", like=perceptron(6), on_layer=taken.__setitem__)
    assert taken == {"dense_1": "zebra", "dense_2": "ape"}


def test_layers_with_names_are_told_apart_by_their_shapes(rows: Array, tmp_path: Path) -> None:
    """A safetensors file keeps no order: two layers that alternate in shape, and one that comes last."""
    names, units = ["up1", "down1", "up2", "down2", "answer"], (9, 6, 9, 6, 3)
    plain = torch_perceptron(*units)
    network = nn.Sequential(OrderedDict((names[i // 2] if i % 2 == 0 else f"r{i}", m) for i, m in enumerate(plain)))
    safetensors.torch.save_file(network.state_dict(), tmp_path / "weights")
    model = import_weights(tmp_path / "weights", like=perceptron(9, 6, 9, 6))
    np.testing.assert_allclose(model.outputs(rows), said_by_torch(network, rows), atol=1e-5)


def test_a_convolution_before_a_flatten_of_one_s_own(images: Array, tmp_path: Path) -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, (2, 3), stride=2), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24, 3)
    )
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    layers: list[Any] = [Convolution(4, (2, 3), stride=2, padding=0), Tanh(), MaxPooling(), Flatten(), Dense(3)]
    model = import_weights(tmp_path / "weights.pt", like=made(Network(layers, (13, 10, 3)), 3))
    np.testing.assert_allclose(model.outputs(images), said_by_torch(network, images), atol=1e-5)
