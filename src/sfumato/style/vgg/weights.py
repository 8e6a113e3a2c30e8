"""The weights of VGG: the built-in ones, Keras's original, or a file of the user's."""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.errors import FileError, InputError
from sfumato.interchange import FLOATS, StoredTensor, Tensors, import_h5py, open_tensors
from sfumato.interchange.weights import CONVENTIONS
from sfumato.layers import Affine
from sfumato.style.vgg.architecture import vgg_layers
from sfumato.style.vgg.download import Progress, fetch_keras
from sfumato.style.vgg.preprocessing import CAFFE, TORCHVISION, Preprocessing

BUILTIN = files("sfumato.style.vgg").joinpath("files", "vgg19.safetensors")
"""VGG19 in 8 bits. Each convolution has `indices` (filters, 3, 3, channels), uint8, into its `codebook` (256,) and
biases `b` (filters,), both float32. `scripts/make_vgg19.py` made it."""

ORIGINAL_BIASES = {
    "vgg16": (0.73429835, 0.09340367, 0.06775674, 0.8862966),
    "vgg19": (0.73017758, 0.06493629, 0.03428847, 0.82603860),
}
"""The first four biases of the weights that Simonyan and Zisserman published."""

KERAS_NAME = re.compile(
    r"(?:^|[/.])(block\d_conv\d)[/.](?:.*[/.])?(?:block\d_conv\d_)?(W|kernel|b|bias|indices|codebook)(?:_1)?(?::0)?$"
)
TORCHVISION_NAME = re.compile(r"(?:^|\.)features\.(\d+)\.(weight|bias)$")
PARTS = {"kernel": "W", "weight": "W", "bias": "b"}


class Layout(NamedTuple):
    """Names and axes of the tensors in one release of weights.

    Attributes:
        axes: Where ours, filters x height x width x channels, are among the axes of its filters.
        preprocessing: What it was trained on.
    """

    axes: tuple[int, ...]
    preprocessing: Preprocessing


KERAS = Layout(CONVENTIONS["kernel"].filters, CAFFE)
TORCH = Layout(CONVENTIONS["weight"].filters, TORCHVISION)


def read_weights(
    source: str, architecture: str, into: Mapping[str, Affine[Array]], progress: Progress | None = None
) -> Preprocessing:
    """Fill the parameters of convolutions with trained weights.

    A file is one of these, of any floating-point type, and is recognised by its contents:

    - Keras's .h5 or .keras, or safetensors with Keras's names: filters height x width x channels x filters;
    - torchvision's .pth, or safetensors with its names: filters x channels x height x width;
    - safetensors in the 8-bit format of the built-in weights.

    Preprocessing goes with the names, but for the weights that Simonyan and Zisserman published: some converted those
    to PyTorch, under torchvision's names. They are recognised by their first biases.

    Args:
        source: "builtin" (VGG19 only), "keras", or the path of a file.
        architecture: "vgg16" or "vgg19".
        into: Name of each convolution, in order, and its parameters. Only these are read.
        progress: Called during a download.

    Returns:
        The preprocessing that belongs to the weights.

    Raises:
        InputError: for built-in weights of VGG16.
        FileError: if the file cannot be fetched or read, or holds the weights of another network.
    """
    if source == "builtin":
        if architecture != "vgg19":
            raise InputError(f"the built-in weights are VGG19's: for {architecture} take keras (a download) or a file")
        with as_file(BUILTIN) as path:
            return _read_file(path, architecture, into)
    if source == "keras":
        import_h5py()  # before a download that would be in vain
        return _read_file(fetch_keras(architecture, progress), architecture, into)
    path = Path(source)
    if not path.exists():
        raise FileError(f"{path}: no such file; weights are builtin, keras, or the path of a file")
    return _read_file(path, architecture, into)


def _read_file(path: Path, architecture: str, into: Mapping[str, Affine[Array]]) -> Preprocessing:
    with open_tensors(path) as tensors:
        layout, found = _sort(tensors, architecture)
        expected = [layer.name for layer in vgg_layers(architecture) if layer.filters]
        if not found:
            raise FileError(f"{path}: holds no weights of VGG; its layers are called block1_conv1 or features.0")
        strange = [*(name for name in expected if name not in found), *(name for name in found if name not in expected)]
        if strange:
            has = "has" if strange[0] in found else "lacks"
            raise FileError(f"{path}: not the weights of {architecture}: it {has} {strange[0]}")
        for name, (W, b) in into.items():
            where = f"{path}: not the weights of {architecture}: {name}"
            _fill(W, found[name], layout.axes, where)
            b[...] = _read(found[name], "b", b.shape, where)
            if not (np.isfinite(W).all() and np.isfinite(b).all()):
                raise FileError(f"{path}: {name} has weights that are not finite numbers; fetch the file again")
        first = into["block1_conv1"].b[:4]
        original = np.allclose(first, ORIGINAL_BIASES[architecture], rtol=0.01)  # even in bfloat16
        return CAFFE if original else layout.preprocessing


def _sort(tensors: Tensors, architecture: str) -> tuple[Layout, dict[str, dict[str, StoredTensor]]]:
    """Find the layout that fits the tensors' names, and sort the tensors by convolution."""
    numbered = {str(layer.feature): layer.name for layer in vgg_layers(architecture) if layer.filters}
    keras: dict[str, dict[str, StoredTensor]] = {}
    torch: dict[str, dict[str, StoredTensor]] = {}
    for name, tensor in tensors.items():
        if match := KERAS_NAME.search(name):
            keras.setdefault(match[1], {})[PARTS.get(match[2], match[2])] = tensor
        elif match := TORCHVISION_NAME.search(name):
            convolution = numbered.get(match[1], f"features.{match[1]}")
            torch.setdefault(convolution, {})[PARTS[match[2]]] = tensor
    return (KERAS, keras) if keras else (TORCH, torch)


def _fill(W: Array, parts: dict[str, StoredTensor], axes: tuple[int, ...], where: str) -> None:
    if "indices" in parts:
        codebook = _read(parts, "codebook", (256,), where).astype(W.dtype)
        np.take(codebook, _read(parts, "indices", W.shape, where, ("uint8",)), out=W)
        return
    stored = [0] * len(axes)
    for ours, axis in enumerate(axes):
        stored[axis] = W.shape[ours]
    W[...] = _read(parts, "W", tuple(stored), where).transpose(axes)


def _read(parts: dict[str, StoredTensor], part: str, shape: Shape, where: str, types: Sequence[str] = FLOATS) -> Array:
    """Read a tensor of a convolution; its shape and type are checked before any number is read."""
    if part not in parts:
        raise FileError(f"{where} has no {part}")
    tensor = parts[part]
    if tensor.shape != shape:
        raise FileError(f"{where} has {part} of shape {tensor.shape} instead of {shape}")
    if tensor.dtype not in types:
        raise FileError(f"{where} has {part} of type {tensor.dtype} instead of {' or '.join(types)}")
    return tensor.read()
