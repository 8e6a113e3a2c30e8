"""PyTorch's part in job 5: autograd in float32 through frozen weights."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest import Program
from benchmarks.libraries import use_torch
from benchmarks.style import CONTENT_LAYER, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHT
from benchmarks.workers import Array


def programs(folder: Path, threads: int) -> list[Program]:
    """Two layouts, compiled or not."""
    chosen = []
    for compiled, channels_last in itertools.product((False, True), (False, True)):
        name = f"{'compiled' if compiled else 'eager'}{', channels last' if channels_last else ''}"
        task = (folder, threads, channels_last, compiled)
        chosen.append(Program("PyTorch", name, TorchStyle, task, usual=channels_last or not compiled))
    return chosen


class TorchStyle:
    """The objective as PyTorch's documentation advises: weights frozen, ReLUs in place.

    Args:
        folder: Where pictures and weights lie.
        threads: Number of threads.
        channels_last: Whether images are laid out as N x H x W x C in memory.
        compiled: Whether the objective, and with it its way back, goes through `torch.compile`.
    """

    def __init__(self, folder: Path, threads: int, channels_last: bool, compiled: bool) -> None:
        self.about = use_torch(threads)
        import torch

        self.torch = torch
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.channels_last = channels_last
        with np.load(folder / "vgg.npz") as weights:
            self.network = self._network(weights)
        with np.load(folder / "pictures.npz") as pictures:
            content, style, x = (self._image(pictures[name]) for name in ("content", "style", "x"))
        with torch.no_grad():
            self.content = self._features(content)[CONTENT_LAYER]
            of_style = self._features(style)
        self.grams = {layer: self._gram(of_style[layer]) for layer in STYLE_LAYERS}
        self.x = x.requires_grad_()
        self.objective = torch.compile(self._objective) if compiled else self._objective

    def run(self) -> None:
        """Loss and gradient, once."""
        self._evaluate()

    def answer(self) -> dict[str, Array]:
        """Loss and gradient."""
        loss, gradient = self._evaluate()
        return {"loss": loss.detach().numpy(), "gradient": gradient[0].permute(1, 2, 0).numpy().ravel()}

    def _evaluate(self) -> Any:
        loss = self.objective(self.x)
        return loss, self.torch.autograd.grad(loss, self.x)[0]

    def _objective(self, x: Any) -> Any:
        features = self._features(x)
        difference = features[CONTENT_LAYER] - self.content
        loss = CONTENT_WEIGHT * (difference**2).sum() / (self.content**2).sum()
        for layer in STYLE_LAYERS:
            target = self.grams[layer]
            distance = ((self._gram(features[layer]) - target) ** 2).sum() / (target**2).sum()
            loss = loss + STYLE_WEIGHT / len(STYLE_LAYERS) * distance
        return loss

    def _features(self, x: Any) -> dict[str, Any]:
        """Outputs of every layer that is measured, for RGB from 0 to 1."""
        z = 255.0 * x.flip(1) - self.mean
        features = {}
        for name, layer in self.network.items():
            z = layer(z)
            if name == CONTENT_LAYER or name in STYLE_LAYERS:
                features[name] = z
        return features

    def _gram(self, features: Any) -> Any:
        """Products of channels, per position; by a view in either layout."""
        if self.channels_last:
            rows = features.permute(0, 2, 3, 1).flatten(0, 2)
            return rows.T @ rows / len(rows)
        channels = features[0].flatten(1)
        return channels @ channels.T / channels.shape[1]

    def _network(self, weights: Any) -> dict[str, Any]:
        nn = self.torch.nn
        self.mean = self.torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)
        network: dict[str, Any] = {}
        for name in [key[:-2] for key in weights if key.endswith(".W")]:
            W, b = (self.torch.from_numpy(weights[f"{name}.{kind}"]) for kind in "Wb")
            convolution = nn.Conv2d(W.shape[3], W.shape[0], 3, padding=1)
            with self.torch.no_grad():
                convolution.weight.copy_(W.permute(0, 3, 1, 2))
                convolution.bias.copy_(b)
            if name.endswith("conv1") and network:
                network[f"pool before {name}"] = nn.MaxPool2d(2)
            layer = nn.Sequential(convolution, nn.ReLU(inplace=True)).to(memory_format=self.layout)
            network[name] = layer.requires_grad_(requires_grad=False)
        return network

    def _image(self, picture: Array) -> Any:
        image = self.torch.from_numpy(picture).permute(2, 0, 1)[np.newaxis]
        return image.contiguous(memory_format=self.layout)
