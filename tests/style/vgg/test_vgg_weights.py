"""Files of weights: every format gives the same parameters, and nothing else is taken for weights."""

import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from sfumato import FileError
from sfumato.arrays import Array
from sfumato.storage import save_tensors
from sfumato.style.vgg.architecture import vgg_layers
from sfumato.style.vgg.network import load_vgg
from sfumato.style.vgg.preprocessing import CAFFE, TORCHVISION
from sfumato.style.vgg.weights import ORIGINAL_BIASES

Parts = dict[str, tuple[Array, Array]]
Small = Callable[[str], Parts]


def flat(parts: Parts) -> Array:
    return np.concatenate([part.ravel() for pair in parts.values() for part in pair])


def state_dict(parts: Parts, architecture: str, dtype: Any = torch.float32) -> dict[str, Any]:
    """As torchvision's: numbered by module, filters x channels x height x width, with a classifier."""
    features = {layer.name: layer.feature for layer in vgg_layers(architecture)}
    state: dict[str, Any] = OrderedDict()
    for name, (W, b) in parts.items():
        state[f"features.{features[name]}.weight"] = torch.tensor(W.transpose(0, 3, 1, 2)).to(dtype).contiguous()
        state[f"features.{features[name]}.bias"] = torch.tensor(b).to(dtype)
    state["classifier.0.weight"] = torch.zeros(3, 2)
    return state


def save_zip(path: Path, parts: Parts, architecture: str, dtype: Any = torch.float32) -> None:
    torch.save(state_dict(parts, architecture, dtype), path)


def save_legacy(path: Path, parts: Parts, architecture: str, dtype: Any = torch.float32) -> None:
    torch.save(state_dict(parts, architecture, dtype), path, _use_new_zipfile_serialization=False)


def save_torchvision_safetensors(path: Path, parts: Parts, architecture: str, dtype: Any = torch.float32) -> None:
    safetensors.torch.save_file(state_dict(parts, architecture, dtype), path)


def save_keras_safetensors(path: Path, parts: Parts, architecture: str) -> None:
    tensors = {}
    for name, (W, b) in parts.items():
        tensors[f"{name}/kernel"], tensors[f"{name}/bias"] = W.transpose(1, 2, 3, 0).copy(), b
    safetensors.numpy.save_file(tensors, path)


def save_keras(path: Path, parts: Parts, architecture: str, dtype: Any = np.float32) -> None:
    """As Keras 2 saves whole models."""
    with h5py.File(path, "w") as file:
        for name, (W, b) in parts.items():
            file[f"model_weights/{name}/{name}/kernel:0"] = W.transpose(1, 2, 3, 0).astype(dtype)
            file[f"model_weights/{name}/{name}/bias:0"] = b.astype(dtype)
        file["model_weights/predictions/predictions/kernel:0"] = np.zeros((2, 3))


def save_keras_3(path: Path, parts: Parts, architecture: str) -> None:
    """As Keras 3 saves weights: layers by kind and number, and their names beside them."""
    with h5py.File(path, "w") as file:
        for i, (name, (W, b)) in enumerate(parts.items()):
            group = file.create_group(f"layers/conv2d_{i}/vars" if i else "layers/conv2d/vars")
            group["0"], group["1"] = W.transpose(1, 2, 3, 0), b
            group.attrs["name"] = name
        file["layers/dense/vars/0"] = np.zeros((2, 3))


def save_8_bit(path: Path, parts: Parts, architecture: str) -> None:
    tensors: dict[str, Array] = {}
    for name, (W, b) in parts.items():
        levels = np.linspace(-3, 3, 256, dtype=np.float32)
        indices = np.abs(W[..., None] - levels).argmin(axis=-1).astype(np.uint8)
        tensors |= {f"{name}.indices": indices, f"{name}.codebook": levels, f"{name}.b": b}
        parts[name] = levels[indices], b
    save_tensors(path, tensors, {"format": "test"})


FORMATS = [
    (save_zip, TORCHVISION),
    (save_legacy, TORCHVISION),
    (save_torchvision_safetensors, TORCHVISION),
    (save_keras_safetensors, CAFFE),
    (save_keras, CAFFE),
    (save_keras_3, CAFFE),
    (save_8_bit, CAFFE),
]


@pytest.mark.parametrize("architecture", ["vgg16", "vgg19"])
@pytest.mark.parametrize(("save", "preprocessing"), FORMATS)
def test_every_format_gives_the_same(
    save: Any, preprocessing: Any, architecture: str, small_vgg: Small, tmp_path: Path
) -> None:
    parts, path = small_vgg(architecture), tmp_path / "weights"
    save(path, parts, architecture)
    vgg = load_vgg(architecture, weights=str(path))
    np.testing.assert_array_equal(vgg.theta, flat(parts))
    assert vgg.preprocessing == preprocessing
    part = load_vgg(architecture, weights=str(path), last="relu2_1")
    np.testing.assert_array_equal(part.theta, vgg.theta[: part.theta.size])


def test_kerass_release_is_read(small_vgg: Small, write_keras: Any, tmp_path: Path) -> None:
    parts = small_vgg("vgg16")
    write_keras(tmp_path / "notop.h5", parts)
    np.testing.assert_array_equal(load_vgg("vgg16", weights=str(tmp_path / "notop.h5")).theta, flat(parts))


@pytest.mark.parametrize(
    ("save", "dtype", "tolerance"),
    [
        *((save, torch.float16, 1e-3) for save in (save_zip, save_legacy, save_torchvision_safetensors)),
        *((save, torch.bfloat16, 1e-2) for save in (save_zip, save_legacy, save_torchvision_safetensors)),
        *((save, torch.float64, 0) for save in (save_zip, save_legacy, save_torchvision_safetensors)),
        (save_keras, np.float16, 1e-3),
        (save_keras, np.float64, 0),
    ],
)
def test_other_floating_points_are_converted(
    save: Any, dtype: Any, tolerance: float, small_vgg: Small, tmp_path: Path
) -> None:
    parts = small_vgg("vgg19")
    save(tmp_path / "weights", parts, "vgg19", dtype)
    theta = load_vgg("vgg19", weights=str(tmp_path / "weights")).theta
    assert theta.dtype == np.float32
    np.testing.assert_allclose(theta, flat(parts), rtol=tolerance, atol=1e-6 * (tolerance > 0))


@pytest.mark.parametrize("save", [save_zip, save_legacy])
def test_tensors_of_any_memory_order_and_parameters_are_read(save: Any, small_vgg: Small, tmp_path: Path) -> None:
    parts, path = small_vgg("vgg19"), tmp_path / "weights"
    state = state_dict(parts, "vgg19")
    for name, tensor in state.items():
        laid_out = tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
        state[name] = torch.nn.Parameter(laid_out)
    together = torch.cat([state["features.2.bias"].data, state["features.0.bias"].data])
    state["features.2.bias"], state["features.0.bias"] = together[:4], together[4:]  # views of one storage
    torch.save(state, path, _use_new_zipfile_serialization=save is save_zip)
    np.testing.assert_array_equal(load_vgg("vgg19", weights=str(path)).theta, flat(parts))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("architecture", ["vgg16", "vgg19"])
def test_the_original_weights_are_known_under_torchvisions_names(
    dtype: Any, architecture: str, small_vgg: Small, tmp_path: Path
) -> None:
    parts = small_vgg(architecture)
    parts["block1_conv1"][1][:] = ORIGINAL_BIASES[architecture]
    save_zip(tmp_path / "caffe.pth", parts, architecture, dtype)
    assert load_vgg(architecture, weights=str(tmp_path / "caffe.pth")).preprocessing == CAFFE


def test_what_is_not_needed_is_not_read(small_vgg: Small, tmp_path: Path) -> None:
    parts, path = small_vgg("vgg19"), str(tmp_path / "weights")
    parts["block2_conv1"][0][0, 1, 1, 0] = np.nan
    save_zip(Path(path), parts, "vgg19")
    load_vgg("vgg19", weights=path, last="block1_pool")
    with pytest.raises(FileError, match="block2_conv1 has weights that are not finite numbers"):
        load_vgg("vgg19", weights=path, last="block2_conv1")


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[Path, Parts], None]:
    """Saves the weights with one tensor changed, or left out."""

    def save(path: Path, parts: Parts) -> None:
        state = state_dict(parts, "vgg19")
        state[name] = change(state[name])
        torch.save({name: tensor for name, tensor in state.items() if tensor is not None}, path)

    return save


def save_module(path: Path, parts: Parts) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 3)), path)


def save_nested_numbers(path: Path, parts: Parts) -> None:
    torch.save([1, 2, 3], path)


def save_big_pickle(path: Path, parts: Parts) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**8))


def save_plain_pickle(path: Path, parts: Parts) -> None:
    path.write_bytes(pickle.dumps({"a": 1}))


def save_other_zip(path: Path, parts: Parts) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "Dear")


def save_other_hdf5(path: Path, parts: Parts) -> None:
    with h5py.File(path, "w") as file:
        file["table"] = np.zeros(3)


def save_other_network(path: Path, parts: Parts) -> None:
    del parts["block3_conv4"], parts["block4_conv4"], parts["block5_conv4"]
    save_keras(path, parts, "vgg16")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path, parts: None, "no such file; weights are builtin, keras, or the path of a file"),
        (lambda path, parts: path.mkdir(), "is a folder; name"),
        (lambda path, parts: path.write_bytes(b""), "not a file of weights: give Keras's .h5"),
        (lambda path, parts: path.write_text("a,b\n1,2\n"), "not a file of weights: give Keras's .h5"),
        (save_other_zip, "a zip archive, but not one that torch.save wrote"),
        (save_plain_pickle, "a pickle, but not one that torch.save wrote"),
        (save_nested_numbers, r"not a file of weights \(a list instead of a dictionary of tensors\)"),
        (save_module, "would run torch.nn.modules.container.Sequential, .*nothing was run. Save a plain state_dict"),
        (save_big_pickle, "its description is far too long for weights"),
        (save_other_hdf5, "holds no weights of VGG; its layers are called block1_conv1 or features.0"),
        (save_other_network, "not the weights of vgg19: it lacks block3_conv4"),
        (changed("features.5.weight", lambda W: None), "vgg19: block2_conv1 has no W"),
        (changed("features.5.bias", lambda W: None), "vgg19: block2_conv1 has no b"),
        (
            changed("features.5.weight", lambda W: W[:2]),
            r"block2_conv1 has W of shape \(2, 4, 3, 3\) instead of \(5, 4",
        ),
        (
            changed("features.5.weight", lambda W: W.to(torch.uint8)),
            "block2_conv1 has W of type uint8 instead of float16 or bfloat16 or float32 or float64",
        ),
        (changed("features.5.bias", lambda b: b[:1].expand(5)), None),
        (changed("features.5.bias", lambda b: torch.zeros(10)[::2]), "a tensor with gaps between its numbers"),
    ],
)
def test_what_are_not_the_weights_is_said_in_one_line(
    make: Any, message: str | None, small_vgg: Small, tmp_path: Path
) -> None:
    path = tmp_path / "weights"
    make(path, small_vgg("vgg19"))
    if message is None:
        load_vgg("vgg19", weights=str(path))
        return
    with pytest.raises(FileError, match=message) as caught:
        load_vgg("vgg19", weights=str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("save", "preprocessing"), FORMATS)
def test_vgg19_is_not_taken_for_vgg16(save: Any, preprocessing: Any, small_vgg: Small, tmp_path: Path) -> None:
    save(tmp_path / "weights", small_vgg("vgg19"), "vgg19")
    with pytest.raises(FileError, match=r"not the weights of vgg16: it (has|lacks)"):
        load_vgg("vgg16", weights=str(tmp_path / "weights"), last="block1_conv2")


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9])
@pytest.mark.parametrize(("save", "preprocessing"), FORMATS)
def test_a_file_cut_off_is_refused(
    save: Any, preprocessing: Any, share: float, small_vgg: Small, tmp_path: Path
) -> None:
    path = tmp_path / "weights"
    save(path, small_vgg("vgg19"), "vgg19")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileError, match=r"weights: .*(damaged|not a file of weights)") as caught:
        load_vgg("vgg19", weights=str(path))
    assert "\n" not in str(caught.value)


def test_without_h5py_its_extra_is_named(
    small_vgg: Small, write_keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_keras(tmp_path / "weights.h5", small_vgg("vgg16"))
    monkeypatch.setitem(sys.modules, "h5py", None)
    for weights in (str(tmp_path / "weights.h5"), "keras"):  # the latter before anything is fetched
        with pytest.raises(FileError, match=r"need h5py: pip install '\.\[weights\]'"):
            load_vgg("vgg16", weights=weights)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_every_protocol_of_torch_save_is_read(protocol: int, zipped: bool, small_vgg: Small, tmp_path: Path) -> None:
    state = state_dict(small_vgg("vgg19"), "vgg19")
    state |= {"flags": [True, False, None], "epoch": 3, "samples": 2**40, "loss": 0.5, "betas": (0.9, 0.999), "long": 1}
    options = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": zipped}
    torch.save(state, tmp_path / "weights", **options)
    vgg = load_vgg("vgg19", weights=str(tmp_path / "weights"))
    np.testing.assert_array_equal(vgg.theta, flat(small_vgg("vgg19")))


def test_a_tensor_that_claims_to_be_huge_is_not_read(small_vgg: Small, tmp_path: Path) -> None:
    path, parts = tmp_path / "weights", small_vgg("vgg19")
    state = state_dict(parts, "vgg19")
    state["features.2.weight"] = torch.zeros(1).expand(2**14, 2**14, 3, 3)
    torch.save(state, path)
    with pytest.raises(
        FileError, match=r"block1_conv2 has W of shape \(16384, 16384, 3, 3\) instead of \(4, 4, 3, 3\)"
    ):
        load_vgg("vgg19", weights=str(path))


def test_a_tensor_that_reaches_beyond_its_storage_is_refused(small_vgg: Small, tmp_path: Path) -> None:
    path, parts = tmp_path / "weights", small_vgg("vgg19")
    save_zip(path, parts, "vgg19")
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content[:8] if name.endswith("data/0") else content)
    with pytest.raises(FileError, match="it ends too early"):
        load_vgg("vgg19", weights=str(path))
