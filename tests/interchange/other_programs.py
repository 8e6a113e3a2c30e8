"""Networks of PyTorch's, models of the same layers, and files as Keras 3 writes them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from torch import nn

from sfumato import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Loss,
    MeanSquaredError,
    Model,
    Network,
    convolutional_network,
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
