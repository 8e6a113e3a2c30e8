"""PyTorch's part in job 5: autograd through frozen weights, in float32 and in bfloat16."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest import Program
from benchmarks.libraries import need_bfloat16, torch_devices, use_torch
from benchmarks.style import CONTENT_LAYER, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHT
from benchmarks.workers import Array


@dataclass(frozen=True)
class TorchStyleSettings:
    """How PyTorch may do it.

    Attributes:
        compiled: Whether the objective, and with it its backward pass, goes through `torch.compile`.
        channels_last: Whether images are laid out as N x H x W x C in memory.
        precision: Of weights and features. Pixels, their gradient and the loss are float32.
        wide_grams: Whether features of 16 bits become float32 for their Gram matrices.
        device: Where tensors are.
    """

    compiled: bool
    channels_last: bool
    precision: str
    wide_grams: bool = True
    device: str = "cpu"

    def __str__(self) -> str:
        parts = ["compiled" if self.compiled else "eager"]
        parts += ["channels last"] if self.channels_last else []
        if self.precision != "float32":
            parts += [self.precision, f"Gram in {'float32' if self.wide_grams else self.precision}"]
        return ", ".join([*parts, *([self.device] if self.device != "cpu" else [])])


def programs(folder: Path, threads: int) -> list[Program]:
    """Two layouts, compiled or not; in 16 bits channels last alone, with Gram matrices of either precision."""
    return [
        Program(
            "PyTorch",
            str(settings),
            TorchStyle,
            (folder, threads, settings),
            usual=settings.channels_last or not settings.compiled,
            kind=f"{'compiled' if settings.compiled else 'eager'}{'' if settings.wide_grams else ', narrow Gram'}",
            precision=settings.precision,
            device=settings.device,
        )
        for settings in _settings()
    ]


def _settings() -> Iterator[TorchStyleSettings]:
    for device, compiled, choice in itertools.product(torch_devices(), (False, True), (False, True)):
        yield TorchStyleSettings(compiled, choice, "float32", device=device)
    for device, compiled, choice in itertools.product(torch_devices(), (False, True), (False, True)):
        yield TorchStyleSettings(compiled, True, "bfloat16", wide_grams=choice, device=device)


class TorchStyle:
    """The objective as PyTorch's documentation advises: weights frozen, ReLUs in place.

    Args:
        folder: Where pictures and weights lie.
        threads: Number of threads.
        settings: How.
    """

    def __init__(self, folder: Path, threads: int, settings: TorchStyleSettings) -> None:
        self.about = use_torch(threads)
        import torch

        if settings.precision == "bfloat16":
            need_bfloat16(settings.device)
        self.torch, self.settings = torch, settings
        self.layout = torch.channels_last if settings.channels_last else torch.contiguous_format
        self.precision: Any = getattr(torch, settings.precision)
        with np.load(folder / "vgg.npz") as weights:
            self.network = self._network(weights)
        with np.load(folder / "pictures.npz") as pictures:
            content, style, x = (self._image(pictures[name]) for name in ("content", "style", "x"))
        with torch.no_grad():
            self.content = self._features(content)[CONTENT_LAYER]
            of_style = self._features(style)
        self.grams = {layer: self._gram(of_style[layer]) for layer in STYLE_LAYERS}
        self.x = x.requires_grad_()
        self.objective = torch.compile(self._objective) if settings.compiled else self._objective

    def run(self) -> None:
        """Loss and gradient, once."""
        self._evaluate()[1][0, 0, 0, 0].item()  # a GPU is not done before

    def answer(self) -> dict[str, Array]:
        """Loss and gradient."""
        loss, gradient = self._evaluate()
        return {"loss": loss.detach().cpu().numpy(), "gradient": gradient[0].permute(1, 2, 0).cpu().numpy().ravel()}

    def _evaluate(self) -> Any:
        loss = self.objective(self.x)
        return loss, self.torch.autograd.grad(loss, self.x)[0]

    def _objective(self, x: Any) -> Any:
        features = self._features(x)
        content = self.content.float()
        difference = features[CONTENT_LAYER].float() - content
        loss = CONTENT_WEIGHT * (difference**2).sum() / (content**2).sum()
        for layer in STYLE_LAYERS:
            target = self.grams[layer]
            distance = ((self._gram(features[layer]) - target) ** 2).sum() / (target**2).sum()
            loss = loss + STYLE_WEIGHT / len(STYLE_LAYERS) * distance
        return loss

    def _features(self, x: Any) -> dict[str, Any]:
        """Outputs of every layer that is measured, for RGB from 0 to 1."""
        z = (255.0 * x.flip(1) - self.mean).to(self.precision)
        features = {}
        for name, layer in self.network.items():
            z = layer(z)
            if name == CONTENT_LAYER or name in STYLE_LAYERS:
                features[name] = z
        return features

    def _gram(self, features: Any) -> Any:
        """Products of channels, per position; by a view in either layout."""
        if self.settings.wide_grams:
            features = features.float()
        if self.settings.channels_last:
            rows = features.permute(0, 2, 3, 1).flatten(0, 2)
            return (rows.T @ rows).float() / len(rows)
        channels = features[0].flatten(1)
        return (channels @ channels.T).float() / channels.shape[1]

    def _network(self, weights: Any) -> dict[str, Any]:
        nn = self.torch.nn
        self.mean = self.torch.tensor([103.939, 116.779, 123.68], device=self.settings.device).reshape(1, 3, 1, 1)
        network: dict[str, Any] = {}
        for name in [key[:-2] for key in weights if key.endswith(".W")]:
            W, b = (self.torch.from_numpy(weights[f"{name}.{kind}"]) for kind in "Wb")
            convolution = nn.Conv2d(W.shape[3], W.shape[0], 3, padding=1)
            with self.torch.no_grad():
                convolution.weight.copy_(W.permute(0, 3, 1, 2))
                convolution.bias.copy_(b)
            if name.endswith("conv1") and network:
                network[f"pool before {name}"] = nn.MaxPool2d(2)
            layer = nn.Sequential(convolution, nn.ReLU(inplace=True)).to(self.settings.device, self.precision)
            layer = layer.to(memory_format=self.layout)
            network[name] = layer.requires_grad_(requires_grad=False)
        return network

    def _image(self, picture: Array) -> Any:
        image = self.torch.from_numpy(picture).permute(2, 0, 1)[np.newaxis]
        return image.to(self.settings.device).contiguous(memory_format=self.layout)
