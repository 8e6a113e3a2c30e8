"""PyTorch's part in jobs 1 to 4."""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.contest import Program
from benchmarks.libraries import torch_devices, use_torch
from benchmarks.training import PIXEL, STEPS, Training
from benchmarks.workers import Array


@dataclass(frozen=True)
class TorchSettings:
    """What PyTorch's documentation offers for speed.

    Attributes:
        compiled: "" for eager; "network" for that and its loss; "network and optimizer"; or "step" for a function of
            weights, moments and batch (`torch.func`), which is compiled as a whole.
        optimizer: "fused", "foreach" or "single", the three implementations that there are.
        channels_last: Whether images are laid out N x H x W x C.
        as_bytes: Whether pixels stay bytes until their batch; else all are float32 before the clock starts.
        one_thread: Whether to use one, whatever the others use.
        device: Where tensors are.
    """

    compiled: Literal["", "network", "network and optimizer", "step"] = ""
    optimizer: Literal["fused", "foreach", "single"] = "fused"
    channels_last: bool = False
    as_bytes: bool = False
    one_thread: bool = False
    device: str = "cpu"

    def __str__(self) -> str:
        parts = [f"compiled {self.compiled}" if self.compiled else "eager"]
        parts += [f"{self.optimizer} optimizer"] if self.compiled != "step" else []
        parts += ["channels last"] if self.channels_last else []
        parts += ["data in bytes"] if self.as_bytes else []
        parts += ["one thread"] if self.one_thread else []
        return ", ".join([*parts, *([self.device] if self.device != "cpu" else [])])


def programs(training: Training, threads: int) -> list[Program]:
    """All settings, in both layouts where there are images."""
    layouts = (False, True) if training.filters else (False,)
    return [
        Program(
            "PyTorch",
            str(settings),
            TorchTraining,
            (training, threads, settings),
            usual,
            kind="compiled" if settings.compiled else "eager",
            device=device,
        )
        for device, channels_last in itertools.product(torch_devices(), layouts)
        for settings, usual in _settings(training.batch is None, channels_last, device)
    ]


def _settings(full_batch: bool, channels_last: bool, device: str) -> Iterator[tuple[TorchSettings, bool]]:
    """Settings, and whether each is worth its time."""
    of_layout = functools.partial(TorchSettings, channels_last=channels_last, device=device)
    yield of_layout(), True
    yield of_layout(optimizer="foreach"), False
    yield of_layout(optimizer="single"), full_batch
    yield of_layout(compiled="network"), not channels_last
    yield of_layout(compiled="network and optimizer", optimizer="foreach"), False
    yield of_layout(compiled="step"), not channels_last
    if full_batch:
        yield of_layout(compiled="step", one_thread=True), True
    else:
        yield of_layout(as_bytes=True), True
        yield of_layout(compiled="step", as_bytes=True), not channels_last


class TorchTraining:
    """The usual loop, on data that are in memory as tensors.

    Args:
        training: What to train.
        threads: Number of threads.
        settings: How.
    """

    def __init__(self, training: Training, threads: int, settings: TorchSettings) -> None:
        self.about = use_torch(1 if settings.one_thread else threads)
        import torch

        self.torch, self.training, self.settings = torch, training, settings
        self.x, self.y = self._tensors(*training.data())
        self.step = self._stepper()[1]

    def run(self) -> None:
        """All epochs."""
        batch, loss = self.training.batch, None
        for _ in range(self.training.epochs):
            if batch is None:
                loss = self.step(self.x, self.y)
                continue
            for rows in self.torch.randperm(len(self.y), device=self.y.device).split(batch):
                # which is faster than self.x[rows]
                loss = self.step(self.x.index_select(0, rows), self.y.index_select(0, rows))
        if loss is not None:
            loss.item()  # a GPU is not done before

    def answer(self) -> dict[str, Array]:
        """Losses and weights of a few steps."""
        x, y = self._tensors(*self.training.few())
        network, step = self._stepper()
        losses = [step(x, y).item() for _ in range(STEPS)]
        return self.training.answer(losses, self._weights(network))

    def _tensors(self, x: Array, y: Array) -> tuple[Any, Any]:
        images = self.torch.from_numpy(np.moveaxis(x, -1, 1) if self.training.filters else x)
        if x.dtype == np.uint8 and not self.settings.as_bytes:
            images = images.to(self.torch.float32).mul_(PIXEL)
        if self.training.filters:
            images = images.contiguous(memory_format=self._layout())
        return images.to(self.settings.device), self.torch.from_numpy(y).to(self.settings.device)

    def _stepper(self) -> tuple[Any, Any]:
        """A network with its first weights, and what takes a step of training it and returns the loss before."""
        network = self._network()
        return network, self._functional(network) if self.settings.compiled == "step" else self._usual(network)

    def _usual(self, network: Any) -> Any:
        """A step by autograd and an optimizer."""
        torch, implementation = self.torch, self.settings.optimizer
        chosen = {"foreach": implementation == "foreach", "fused": implementation == "fused"}
        kind = torch.optim.Adam if self.training.adam else torch.optim.SGD
        optimizer = kind(network.parameters(), lr=self.training.rate, **chosen)
        loss_of, update = functools.partial(self._loss, network), optimizer.step
        if self.settings.compiled:
            loss_of = torch.compile(loss_of, dynamic=False)
        if self.settings.compiled == "network and optimizer":
            update = torch.compile(update)

        def step(x: Any, y: Any) -> Any:
            loss = loss_of(x, y)
            loss.backward()
            update()
            optimizer.zero_grad()
            return loss.detach()

        return step

    def _functional(self, network: Any) -> Any:
        """A step that is one function of weights, moments and batch, compiled as a whole."""
        torch, rate = self.torch, self.training.rate
        weights = dict(network.named_parameters())
        v, s = ({name: torch.zeros_like(w) for name, w in weights.items()} for _ in range(2))

        def loss_of(weights: Any, x: Any, y: Any) -> Any:
            return self._loss(lambda images: torch.func.functional_call(network, weights, (images,)), x, y)

        def descend(x: Any, y: Any, rate: Any, correction: Any) -> Any:
            gradients, loss = torch.func.grad_and_value(loss_of)(weights, x, y)
            for name, gradient in gradients.items():
                weights[name].sub_(rate * gradient)
            return loss

        def adam(x: Any, y: Any, rate: Any, correction: Any) -> Any:
            gradients, loss = torch.func.grad_and_value(loss_of)(weights, x, y)
            for name, gradient in gradients.items():
                v[name].lerp_(gradient, 0.1)
                s[name].mul_(0.999).addcmul_(gradient, gradient, value=0.001)
                weights[name].sub_(rate * v[name] / (correction * s[name].sqrt() + 1e-8))
            return loss

        update = torch.compile(adam if self.training.adam else descend, dynamic=False)
        steps = itertools.count(1)

        def step(x: Any, y: Any) -> Any:
            t = next(steps)
            numbers = (rate / (1 - 0.9**t), (1 - 0.999**t) ** -0.5) if self.training.adam else (rate, 1.0)
            with torch.no_grad():
                # tensors, as numbers would be compiled in
                return update(x, y, *(torch.tensor(number, device=x.device) for number in numbers))

        return step

    def _loss(self, network: Any, x: Any, y: Any) -> Any:
        images = x.float() * PIXEL if self.settings.as_bytes else x
        return self.torch.nn.functional.cross_entropy(network(images), y)

    def _network(self) -> Any:
        nn, weights = self.torch.nn, self.training.weights()
        layers: list[Any] = []
        for number in range(len(self.training.filters)):
            W = weights[2 * number]
            layers += [nn.Conv2d(W.shape[3], W.shape[0], 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        layers += [nn.Flatten()] if layers else []
        for W in weights[2 * len(self.training.filters) :: 2]:
            layers += [nn.Linear(*W.shape), nn.ReLU(inplace=True)]
        network = nn.Sequential(*layers[:-1])
        with self.torch.no_grad():
            for parameter, value in zip(network.parameters(), self._ordered(weights), strict=True):
                parameter.copy_(self.torch.from_numpy(value))
        network = network.to(self.settings.device)
        return network.to(memory_format=self._layout()) if self.training.filters else network

    def _layout(self) -> Any:
        return self.torch.channels_last if self.settings.channels_last else self.torch.contiguous_format

    def _ordered(self, weights: list[Array]) -> list[Array]:
        """Our weights in PyTorch's order."""
        count = len(self.training.filters)
        ordered = [w.transpose(0, 3, 1, 2) if w.ndim == 4 else w.T for w in weights]
        if count:  # it flattens channels first
            W = weights[2 * count]
            channels = self.training.filters[-1]
            ordered[2 * count] = W.reshape(-1, channels, W.shape[1]).swapaxes(0, 1).reshape(W.shape).T
        return [np.ascontiguousarray(w) for w in ordered]

    def _weights(self, network: Any) -> list[Array]:
        """PyTorch's weights in our order."""
        count = len(self.training.filters)
        theirs = [p.detach().cpu().numpy() for p in network.parameters()]
        weights = [w.transpose(0, 2, 3, 1) if w.ndim == 4 else w.T for w in theirs]
        if count:
            W = weights[2 * count]
            weights[2 * count] = W.reshape(self.training.filters[-1], -1, W.shape[1]).swapaxes(0, 1).reshape(W.shape)
        return weights
