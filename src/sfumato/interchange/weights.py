"""Weights that PyTorch, Keras or another Sfumato trained, in a model of the same architecture.

A file of weights has names and numbers, but no network: that is a model's (`like`). Its convolutions take the file's in
their order, and its dense layers the file's. What each kind of file calls its weights says how their axes lie:

    PyTorch   weight    outputs x inputs           filters x channels x height x width
    Keras     kernel    inputs x outputs           height x width x channels x filters
    Sfumato   W         inputs x outputs           filters x height x width x channels

PyTorch's images have their channels first, and so has the vector that they are flattened to: the rows of the dense
layer that takes it are put into our order.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.errors import FileError, InputError
from sfumato.interchange import FLOATS, InOrder, StoredTensor, Tensors, open_tensors
from sfumato.layers import Convolution, Dense, Flatten
from sfumato.losses.classification import BinaryCrossEntropy
from sfumato.model import Model
from sfumato.network import Network
from sfumato.paths import user_path


class Convention(NamedTuple):
    """Conventions by which a program stores weights.

    Attributes:
        dense: Positions of our axes, inputs x outputs, among those of its dense layers.
        filters: Positions of our axes, filters x height x width x channels, among those of its convolutions.
        channels_first: Whether its images have their channels first.
    """

    dense: tuple[int, ...]
    filters: tuple[int, ...]
    channels_first: bool


CONVENTIONS = {
    "weight": Convention((1, 0), (0, 2, 3, 1), channels_first=True),
    "kernel": Convention((0, 1), (3, 0, 1, 2), channels_first=False),
    "W": Convention((0, 1), (0, 1, 2, 3), channels_first=False),
}
BIASES = ("bias", "b")

NAME = re.compile(r"(?:(.*)[/.])?([^/.]+?)(?::0)?")
"""A layer and a part of it: hidden.weight, model_weights/dense_1/dense_1/kernel:0."""

NOT_A_LAYER = re.compile(r"optimizer(_weights)?/.*|scaling\..*")
"""Groups in files that are no layers: the averages of Keras's optimizers, the scaling of Sfumato's models."""

NORMALISATIONS = ("running_mean", "moving_mean", "gamma")


class FileLayer(NamedTuple):
    """A layer of a file.

    Attributes:
        name: Its name there.
        W: Its weights, not read yet.
        b: Its biases; None if it has none, which are zeros.
        convention: How they are stored.
    """

    name: str
    W: StoredTensor
    b: StoredTensor | None
    convention: Convention

    @property
    def axes(self) -> tuple[int, ...]:
        """Order of the file's axes in our weights."""
        return self.convention.dense if len(self.W.shape) == 2 else self.convention.filters

    @property
    def shape(self) -> Shape:
        """Shape of the weights in our order of axes."""
        return tuple(self.W.shape[axis] for axis in self.axes)


class Slot(NamedTuple):
    """A layer of the model, to be filled from a file.

    Attributes:
        name: Its name.
        W, b: Its parameters, views into theta.
        image: The shape of the images whose pixels it takes as vectors, (height, width, channels); None if it takes
            none.
        folds: Whether it has the one logit of two classes, and so takes a layer with two as well.
    """

    name: str
    W: Array
    b: Array
    image: Shape | None
    folds: bool


def import_weights(path: str | Path, *, like: Model, on_layer: Callable[[str, str], None] | None = None) -> Model:
    """Make a model with another program's weights.

    The file is one of these, of any floating-point type, and is recognised by its contents:

    - PyTorch's, a plain state_dict as `torch.save(network.state_dict(), path)` writes it; nothing in it is run;
    - Keras's .weights.h5, .keras or .h5 (needs the extra `weights`);
    - safetensors with the names of either, or a model of Sfumato.

    It gives the numbers of dense layers and convolutions. Everything else is the model's: activations, pooling,
    padding, scaling, names of classes and features. So the weights should have been trained on inputs scaled alike.

    A layer without biases gets zeros. Two softmax outputs go into the one logit of a model of two classes: softmax of
    (z_0, z_1) is a sigmoid of z_1 - z_0, so the difference of the weights gives the same probabilities.

    Args:
        path: The file.
        like: The model whose architecture this is.
        on_layer: Called with the name of each of the model's layers and of the file's layer that it took.

    Raises:
        FileError: if the file cannot be read, has other layers than the model, or numbers that are not finite.
        InputError: if the model has layers with parameters that no file has.
    """
    theta = np.empty_like(like.theta)
    slots = list(_slots(like.network, theta, folds=isinstance(like.loss, BinaryCrossEntropy)))
    with open_tensors(Path(user_path(path))) as tensors:
        layers = _layers(tensors, path)
        for slot, layer in _pairs(slots, layers, path, in_order=isinstance(tensors, InOrder)):
            where = f"{path}, layer {slot.name} ({layer.name} in the file)"
            slot.W[...], slot.b[...] = _parameters(slot, layer, where)
            if not (np.isfinite(slot.W).all() and np.isfinite(slot.b).all()):
                raise FileError(
                    f"{where}: has weights that are not finite numbers; save the weights of a sound training"
                )
            if on_layer:
                on_layer(slot.name, layer.name)
    return replace(like, theta=theta)


def _slots(network: Network, theta: Array, *, folds: bool) -> Iterator[Slot]:
    """Slots for the dense layers and convolutions of a network, over its parameters theta."""
    shape, image = network.input_shape, None
    parameters, outputs = network.parameters(theta), network.shapes
    for name, layer, own in zip(network.names, network.layers, parameters, strict=True):
        if isinstance(layer, Flatten) and len(shape) == 3:
            image = shape
        if isinstance(layer, Dense | Convolution):
            yield Slot(name, own.W, own.b, image, folds and name == network.names[-1])
            image = None
        elif own:
            raise InputError(f"{name} has parameters, but is no dense layer or convolution: no file has weights for it")
        shape = outputs[name]


def _layers(tensors: Tensors, path: str | Path) -> list[FileLayer]:
    """Collect the layers of a file, in its order."""
    parts: dict[str, dict[str, StoredTensor]] = {}
    for whole, tensor in tensors.items():
        match = NAME.fullmatch(whole)
        if match and not NOT_A_LAYER.fullmatch(whole):
            parts.setdefault(match[1] or "", {})[match[2]] = tensor
    if not parts:
        raise FileError(
            f"{path}: holds no weights; save a plain state_dict from PyTorch, or the weights of a model from Keras"
        )
    return [_layer(name, own, path) for name, own in parts.items()]


def _layer(prefix: str, parts: dict[str, StoredTensor], path: str | Path) -> FileLayer:
    name = prefix.removesuffix("/vars").split("/")[-1] or "without a name"
    where = f"{path}, layer {name}"
    weights = [part for part in CONVENTIONS if part in parts]
    biases = [part for part in BIASES if part in parts]
    known = len(weights) == 1 and len(biases) < 2 and len(parts) == len(weights + biases)
    if not known or len(parts[weights[0]].shape) not in (2, 4):
        raise FileError(f"{where}: {_strange(prefix, parts)}")
    for tensor in parts.values():
        if tensor.dtype not in FLOATS:
            raise FileError(f"{where}: has weights of type {tensor.dtype}; save them as {' or '.join(FLOATS)}")
    return FileLayer(name, parts[weights[0]], parts[biases[0]] if biases else None, CONVENTIONS[weights[0]])


def _strange(prefix: str, parts: dict[str, StoredTensor]) -> str:
    """Explain why the parts belong to no layer that can be imported."""
    if "/layers/" in prefix:
        return "is in a model within the model, whose place this file does not tell; save the model as .h5"
    vectors = all(len(tensor.shape) < 2 for tensor in parts.values()) and "weight" in parts
    if vectors or "normalization" in prefix or not parts.keys().isdisjoint(NORMALISATIONS):
        return "is a normalisation, it seems, which is not supported; train the network without it"
    held = ", ".join(f"{' '.join(part.split())} ({_text(tensor.shape)})" for part, tensor in parts.items())
    return f"holds {held}, which is no dense layer's or convolution's; others are not supported"


def _pairs(
    slots: Sequence[Slot], layers: Sequence[FileLayer], path: str | Path, *, in_order: bool
) -> Iterator[tuple[Slot, FileLayer]]:
    """Pair each layer of the model with the file's layer for it, and check all shapes."""
    for axes, kind in ((4, "convolutions"), (2, "dense layers")):
        ours = [slot for slot in slots if slot.W.ndim == axes]
        theirs = [layer for layer in layers if len(layer.W.shape) == axes]
        if len(ours) != len(theirs):
            names = f" ({', '.join(layer.name for layer in theirs)})" if theirs else ""
            count = f"the number of {kind} in it is {len(theirs)}{names}, the model's is {len(ours)}"
            raise FileError(f"{path}: {count}; {_advice(layers)}")
        for slot, layer in zip(ours, theirs if in_order else _sorted(theirs, ours, path), strict=True):
            if layer.shape != _wanted(slot, layer):
                raise FileError(
                    f"{path}, layer {slot.name}: the file has {_text(layer.shape)} ({layer.name}), the model "
                    f"{_text(slot.W.shape)}; {_advice(layers)}"
                )
            yield slot, layer


def _wanted(slot: Slot, layer: FileLayer) -> Shape:
    """Shape that a file's layer needs for a slot."""
    return (len(slot.W), 2) if slot.folds and layer.shape[-1] == 2 else slot.W.shape


def _sorted(layers: Sequence[FileLayer], slots: Sequence[Slot], path: str | Path) -> list[FileLayer]:
    """Layers of one kind from a file that keeps no order: by the numbers in their names, or else by their shapes."""
    rest = sorted(layers, key=lambda layer: [int(number) for number in re.findall(r"\d+", layer.name)])
    if len({_numberless(layer) for layer in layers}) < 2:
        return rest
    kinds = Counter((layer.shape, _numberless(layer)) for layer in layers)
    twice = [shape for shape, count in Counter(shape for shape, _ in kinds).items() if count > 1]
    if twice:
        names = " and ".join(layer.name for layer in layers if layer.shape == twice[0])
        raise FileError(
            f"{path}: does not tell which of {names} comes first, and their shapes are the same; "
            "number their names, or save the state_dict by torch.save, which keeps the order"
        )
    ordered = []
    for slot in slots:
        fitting = next((layer for layer in rest if layer.shape == _wanted(slot, layer)), None)
        if fitting:
            ordered.append(fitting)
            rest.remove(fitting)
    return [*ordered, *rest]


def _numberless(layer: FileLayer) -> str:
    return re.sub(r"_?\d+", "", layer.name)


def _parameters(slot: Slot, layer: FileLayer, where: str) -> tuple[Array, Array]:
    """Convert a layer's weights and biases to the slot's axes and types."""
    outputs = layer.shape[1] if slot.W.ndim == 2 else layer.shape[0]
    if layer.b is not None and layer.b.shape != (outputs,):
        raise FileError(f"{where}: has biases of shape {layer.b.shape} for {outputs} outputs; save the weights again")
    with np.errstate(over="ignore"):  # infinities are refused with what else is no number
        W = layer.W.read().transpose(layer.axes).astype(slot.W.dtype)
        b = np.zeros(outputs, slot.b.dtype) if layer.b is None else layer.b.read().astype(slot.b.dtype)
    if slot.image and layer.convention.channels_first:
        height, width, channels = slot.image
        W = W.reshape(channels, height, width, outputs).transpose(1, 2, 0, 3).reshape(W.shape)
    if W.shape != slot.W.shape:  # two logits for one
        W, b = W[:, 1:] - W[:, :1], b[1:] - b[:1]
    return W, b


def _advice(layers: Sequence[FileLayer]) -> str:
    """Advice on making a model of the file's architecture."""
    dense = [layer.shape[1] for layer in layers if len(layer.shape) == 2]
    filters = [layer.shape[0] for layer in layers if len(layer.shape) == 4]
    if filters:
        return (
            f"make a model of the same architecture: convolutional_network(filters={filters}, hidden={dense[:-1]}, ...)"
        )
    hidden = ",".join(map(str, dense[:-1])) or "none"
    return f"train a model of the same architecture: sfumato train DATA --hidden {hidden} -o RUN"


def _text(shape: Shape) -> str:
    return " x ".join(map(str, shape))
