"""Weights that do not fit the model, and files that hold none: what is said, in one line."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.torch
import torch
from tests.interchange.other_programs import (
    as_keras,
    made,
    perceptron,
    save_keras_3,
    torch_convnet,
    torch_perceptron,
)
from torch import nn

from sfumato import (
    Dense,
    FileError,
    InputError,
    Network,
    Tanh,
    convolutional_network,
    import_weights,
)
from sfumato.arrays import Array


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


def test_a_model_whose_parameters_no_file_has_is_refused(tmp_path: Path) -> None:
    nested = made(Network([Network([Dense(9), Tanh()], 6), Dense(3)], 6), 3)
    torch.save(torch_perceptron(9, 3).state_dict(), tmp_path / "weights.pt")
    with pytest.raises(InputError, match="network_1 has parameters, but is no dense layer or convolution"):
        import_weights(tmp_path / "weights.pt", like=nested)
