"""Weights of other programs: the model answers as the network that they were trained in.

PyTorch's files are PyTorch's own. Keras is no peer in these tests: its files are written in the layouts that Keras 2,
3.0 and 3.15 write (looked at in real ones), and what a network of theirs answers is said by PyTorch.
"""

import io
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from sfumato import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Convolution,
    Dense,
    Dropout,
    FileError,
    Flatten,
    InputError,
    Loss,
    MaxPooling,
    MeanSquaredError,
    Model,
    Network,
    ReLU,
    Tanh,
    convolutional_network,
    import_weights,
    multilayer_perceptron,
)
from sfumato.arrays import Array
from sfumato.data import Scaling

Weights = list[tuple[Array, Array]]
"""Kernel and bias of each layer, as Keras has them."""


def made(network: Network, classes: int = 0, scaling: Scaling | None = None) -> Model:
    """A model of no training, for so many classes."""
    loss: Loss = MeanSquaredError() if classes == 0 else CategoricalCrossEntropy()
    loss = BinaryCrossEntropy() if network.output_shape == (1,) and classes else loss
    names = tuple("abcdefghij"[:classes])
    return Model(network, network.initialize(0), loss, scaling or Scaling.none(), names)


def perceptron(*hidden: int, classes: int = 3) -> Model:
    return made(multilayer_perceptron(6, hidden, 1 if classes in (0, 2) else classes), classes)


def convnet() -> Model:
    """Images of 13 x 10 pixels, so that height, width and channels cannot be mistaken for each other."""
    return made(convolutional_network((13, 10, 3), 4, filters=(5, 7), hidden=(8,)), 4)


def torch_convnet() -> nn.Sequential:
    layers = [
        nn.Conv2d(3, 5, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(5, 7, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(7 * 3 * 2, 8),
        nn.ReLU(),
        nn.Linear(8, 4),
    ]
    return nn.Sequential(*layers).eval()


def torch_perceptron(*units: int) -> nn.Sequential:
    layers: list[Any] = []
    for n_in, n_out in zip((6, *units), units, strict=False):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


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


def as_keras(network: Any) -> Weights:
    """The weights of PyTorch's network as Keras would have them: its images have their channels last."""
    weights, channels = [], 0
    for module in network:
        if isinstance(module, nn.Conv2d):
            weights.append((module.weight.detach().numpy().transpose(2, 3, 1, 0), module.bias.detach().numpy()))
            channels = module.out_channels
        elif isinstance(module, nn.Linear):
            kernel = module.weight.detach().numpy().T
            if channels:  # 3 x 2 pixels are left
                pixels = [kernel.reshape(channels, 3, 2, -1)[:, y, x] for y in range(3) for x in range(2)]
                kernel, channels = np.concatenate(pixels), 0
            weights.append((kernel, module.bias.detach().numpy()))
    return weights


def layer_names(weights: Weights) -> list[str]:
    """As Keras names layers whose user does not, when the program has made ten of each kind before."""
    kinds = ["conv2d" if kernel.ndim == 4 else "dense" for kernel, _ in weights]
    return [f"{kind}_{10 + kinds[:i].count(kind)}" for i, kind in enumerate(kinds)]


def write_keras_3(file: Any, weights: Weights, names: list[str] | None = None) -> None:
    """.weights.h5, of 3.15 with the names of the layers, of 3.0 without; and the averages of Adam."""
    seen: dict[str, int] = {}
    with h5py.File(file, "w") as opened:
        for i, (kernel, bias) in enumerate(weights):
            kind = "conv2d" if kernel.ndim == 4 else "dense"
            number = seen[kind] = seen.get(kind, -1) + 1
            group = opened.create_group(f"layers/{kind}_{number}/vars" if number else f"layers/{kind}/vars")
            group["0"], group["1"] = kernel, bias
            if names:
                group.attrs["name"] = names[i]
        opened.create_group("layers/flatten/vars")
        opened["layers/dropout/seed_generator/vars/0"] = np.zeros(2, np.uint32)
        opened["optimizer/vars/2"] = weights[0][0]


def save_keras_3(path: Path, weights: Weights) -> None:
    write_keras_3(path, weights, layer_names(weights))


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


# What does not fit


def state(*units: int, **more: Any) -> Callable[[Path], None]:
    """Saves a dense network with some of its tensors replaced or added."""
    return lambda path: torch.save(torch_perceptron(*units).state_dict() | more, path)


def modules(*layers: nn.Module) -> Callable[[Path], None]:
    return lambda path: torch.save(nn.Sequential(*layers).state_dict(), path)


def without_order(**layers: nn.Linear) -> Callable[[Path], None]:
    return lambda path: safetensors.torch.save_file(nn.ModuleDict(layers).state_dict(), path)


def keras_group(**tensors: Array) -> Callable[[Path], None]:
    """A file of Keras 3 with layers beside the dense ones."""

    def save(path: Path) -> None:
        save_keras_3(path, as_keras(torch_perceptron(9, 3)))
        with h5py.File(path, "a") as file:
            for name, tensor in tensors.items():
                file[name] = tensor

    return save


def change_layer(change: Callable[[Any, Path], None]) -> Callable[[Path], None]:
    """A file of Keras 3 whose first kernel, which has 6 x 9 numbers, is replaced by what leads to another file."""

    def save(path: Path) -> None:
        save_keras_3(path, as_keras(torch_perceptron(9, 3)))
        secret = path.with_name("secret")
        with h5py.File(secret, "w") as file:
            file["kernel"] = np.ones((6, 9), np.float32)
            file.create_group("layers")["dense"] = np.ones((6, 9), np.float32)
        with h5py.File(path, "a") as file:
            change(file, secret)

    return save


KERNEL = "layers/dense/vars/0"


def external(file: Any, secret: Path) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (6, 9), np.float32, external=[(str(secret), 0, 6 * 9 * 4)])


def virtual(file: Any, secret: Path) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout((6, 9), np.float32)
    layout[:] = h5py.VirtualSource(str(secret), "kernel", (6, 9))
    file.create_virtual_dataset(KERNEL, layout)


def external_link(file: Any, secret: Path) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink(str(secret), "kernel")


def external_group(file: Any, secret: Path) -> None:
    file["model_weights"] = h5py.ExternalLink(str(secret), "/")


def soft_link(file: Any, secret: Path) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/layers/dense_1/vars/0")


def external_elsewhere(file: Any, secret: Path) -> None:
    file.create_dataset("other", (9,), np.uint8, external=[(str(secret), 0, 9)])


ELSEWHERE = "lies in another file, which is not read; save the weights in one file"
LINK = "is a link, which is not followed"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external, f"{KERNEL} {ELSEWHERE}"),
        (virtual, f"{KERNEL} {ELSEWHERE}"),
        (external_elsewhere, f"other {ELSEWHERE}"),
        (external_link, f"{KERNEL} {LINK}"),
        (external_group, f"model_weights {LINK}"),
        (soft_link, f"{KERNEL} {LINK}"),
    ],
)
@pytest.mark.parametrize("archived", [False, True])
def test_a_file_of_hdf5_reads_no_other_file(change: Any, message: str, archived: bool, tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    change_layer(change)(path)
    if archived:
        with zipfile.ZipFile(tmp_path / "weights.keras", "w") as archive:
            archive.write(path, "model.weights.h5")
        path = tmp_path / "weights.keras"
    with pytest.raises(FileError, match=message) as caught:
        import_weights(path, like=perceptron(9))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def checkpoint(path: Path) -> None:
    torch.save({"epoch": 3, "model_state_dict": torch_perceptron(9, 3).state_dict()}, path)


ADVICE = r"train a model of the same architecture: sfumato train DATA --hidden"


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (state(8, 3), rf"layer dense_1: the file has 6 x 8 \(0\), the model 6 x 9; {ADVICE} 8 -o RUN"),
        (state(9, 4), rf"layer dense_2: the file has 9 x 4 \(2\), the model 9 x 3; {ADVICE} 9 -o RUN"),
        (state(9, 2), r"layer dense_2: the file has 9 x 2 \(2\), the model 9 x 3; "),
        (state(9, 5, 3), rf"number of dense layers in it is 3 \(0, 2, 4\), the model's is 2; {ADVICE} 9,5 -o RUN"),
        (state(3), rf"number of dense layers in it is 1 \(0\), the model's is 2; {ADVICE} none -o RUN"),
        (
            lambda path: torch.save(torch_convnet().state_dict(), path),
            r"number of convolutions in it is 2 \(0, 3\), the model's is 0; .*5, 7",
        ),
        (modules(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.Linear(9, 3)), "layer 1: is a normalisation"),
        (modules(nn.Linear(6, 9), nn.LayerNorm(9), nn.Linear(9, 3)), "layer 1: is a normalisation"),
        (modules(nn.GRU(6, 9)), r"layer 0: holds weight_ih_l0 \(27 x 6\), .*others are not supp"),
        (modules(nn.Conv1d(6, 9, 3)), r"layer 0: holds weight \(9 x 6 x 3\), bias \(9\), which is no"),
        (keras_group(**{"layers/batch_normalization/vars/0": np.ones(9)}), "batch_normalization: is a normalisation"),
        (
            keras_group(**{"layers/lstm/cell/vars/0": np.ones((6, 9))}),
            r"layer cell: holds 0 \(6 x 9\), which is no dense",
        ),
        (
            keras_group(**{"layers/sequential/layers/dense/vars/0": np.ones((6, 9))}),
            "dense: is in a model within the model",
        ),
        (
            state(9, 3, **{"2.weight": torch.full((3, 9), torch.nan)}),
            r"dense_2 \(2 in the file\): has weights that are not",
        ),
        (
            state(9, 3, **{"0.bias": torch.full((9,), 1e300, dtype=torch.float64)}),
            r"dense_1 \(0 in the file\): has wei",
        ),
        (state(9, 3, **{"0.bias": torch.zeros(8)}), r"has biases of shape \(8,\) for 9 outputs"),
        (state(9, 3, **{"0.weight": torch.zeros((9, 6), dtype=torch.uint8)}), "layer 0: has weights of type uint8"),
        (
            without_order(encoder=nn.Linear(6, 6), decoder=nn.Linear(6, 6)),
            "does not tell which of decoder and encoder comes first, .*torch.save",
        ),
        (checkpoint, "holds no weights; save a plain state_dict"),
        (lambda path: torch.save(torch_perceptron(9, 3), path), "would run .*nothing was run. Save a plain state_dict"),
        (lambda path: path.write_text("a,b\n1,2\n"), "not a file of weights: give Keras's .h5 or .keras, PyTorch's"),
        (lambda path: None, "no such file; name a file of weights"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(save: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    save(path)
    with pytest.raises(FileError, match=message) as caught:
        import_weights(path, like=perceptron(6 if "decoder" in message else 9))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x80\x02cos\x0bpath\nsystem\n.", "would run os path.system, which is"),
        (safetensors.torch.save({"x.we\night": torch.zeros(3, 4)}), "holds we ight (3 x 4), which is"),
    ],
)
def test_names_of_several_lines_are_said_in_one(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(content)
    with pytest.raises(FileError) as caught:
        import_weights(tmp_path / "weights", like=perceptron())
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_other_filters_are_said(tmp_path: Path) -> None:
    torch.save(torch_convnet().state_dict(), tmp_path / "weights.pt")
    like = made(convolutional_network((13, 10, 3), 4, filters=(5, 6), hidden=(8,)), 4)
    message = (
        r"convolution_2: the file has 7 x 3 x 3 x 5 \(3\), the model 6 x 3 x 3 x 5; .*filters=\[5, 7\], hidden=\[8\]"
    )
    with pytest.raises(FileError, match=message):
        import_weights(tmp_path / "weights.pt", like=like)


def test_layers_with_names_are_told_apart_by_their_shapes(rows: Array, tmp_path: Path) -> None:
    """A safetensors file keeps no order: two layers that alternate in shape, and one that comes last."""
    names, units = ["up1", "down1", "up2", "down2", "answer"], (9, 6, 9, 6, 3)
    plain = torch_perceptron(*units)
    network = nn.Sequential(OrderedDict((names[i // 2] if i % 2 == 0 else f"r{i}", m) for i, m in enumerate(plain)))
    safetensors.torch.save_file(network.state_dict(), tmp_path / "weights")
    model = import_weights(tmp_path / "weights", like=perceptron(9, 6, 9, 6))
    np.testing.assert_allclose(model.outputs(rows), said_by_torch(network, rows), atol=1e-5)


def test_a_model_whose_parameters_no_file_has_is_refused(tmp_path: Path) -> None:
    nested = made(Network([Network([Dense(9), Tanh()], 6), Dense(3)], 6), 3)
    torch.save(torch_perceptron(9, 3).state_dict(), tmp_path / "weights.pt")
    with pytest.raises(InputError, match="network_1 has parameters, but is no dense layer or convolution"):
        import_weights(tmp_path / "weights.pt", like=nested)


def test_a_convolution_before_a_flatten_of_one_s_own(images: Array, tmp_path: Path) -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, (2, 3), stride=2), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24, 3)
    )
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    layers: list[Any] = [Convolution(4, (2, 3), stride=2, padding=0), Tanh(), MaxPooling(), Flatten(), Dense(3)]
    model = import_weights(tmp_path / "weights.pt", like=made(Network(layers, (13, 10, 3)), 3))
    np.testing.assert_allclose(model.outputs(images), said_by_torch(network, images), atol=1e-5)
