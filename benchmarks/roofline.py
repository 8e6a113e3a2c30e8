"""Each distinct convolution of VGG19, out and back, beside the machine's own product of large matrices."""

import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.libraries import use_blas, use_torch
from benchmarks.table import markdown
from benchmarks.workers import Worker

EDGE = 512
"""Pixels of the picture, each way."""

SHAPES = {
    "block1_conv1": (EDGE, 3, 64),
    "block1_conv2": (EDGE, 64, 64),
    "block2_conv1": (EDGE // 2, 64, 128),
    "block2_conv2": (EDGE // 2, 128, 128),
    "block3_conv1": (EDGE // 4, 128, 256),
    "block3_conv2": (EDGE // 4, 256, 256),
    "block4_conv1": (EDGE // 8, 256, 512),
    "block4_conv2": (EDGE // 8, 512, 512),
    "block5_conv1": (EDGE // 16, 512, 512),
}
"""Edge of the image, channels in and channels out; the layers that are left out have the shape of the one before."""

MATRIX = 2048
"""Rows and columns of the matrices whose product is the machine's peak."""


def operations(edge: int, channels: int, filters: int) -> float:
    """Floating-point operations of the direct convolution: a product and a sum for each weight at each position."""
    return 2.0 * 9 * channels * filters * edge**2


def table(threads: int, rounds: int, about: set[str]) -> str:
    """GFLOP/s of ours and of PyTorch's, by the operations of a direct convolution whatever is really done."""
    with (
        Worker(SfumatoConvolutions, threads) as ours,
        Worker(SfumatoConvolutions, threads, "numba") as compiled,
        Worker(TorchConvolutions, threads) as theirs,
    ):
        workers = (ours, compiled, theirs)
        about.update(worker.call("__getattribute__", "about") for worker in workers)
        peaks = [statistics.median(worker.call_rested("product") for _ in range(rounds)) for worker in workers]
        peak, same, their_peak = (f"{2 * MATRIX**3 / peak / 1e9:.0f}" for peak in peaks)
        rows = [["product of matrices", "", peak, same, their_peak, *[""] * 5]]
        for name, shape in SHAPES.items():
            im2col, *out = _speeds([(ours, "im2col"), *((worker, "forward") for worker in workers)], shape, rounds)
            home = _speeds([(worker, "input_gradient") for worker in workers], shape, rounds)
            numbers = [f"{im2col:.0f}"]
            for numpy, numba, torch in (out, home):
                numbers += [f"{numpy:.0f}", f"{numba:.0f}", f"{torch:.0f}", f"{numba / torch:.2f}"]
            rows.append([f"{name}: {shape[1]} to {shape[2]} channels, {shape[0]} x {shape[0]}", *numbers])
    both = ["numpy", "numba", "PyTorch", "numba / PyTorch"]
    return markdown(["GFLOP/s", "forward: im2col", *both, f"input gradient: {both[0]}", *both[1:]], rows)


def _speeds(ways: list[tuple[Worker, str]], shape: tuple[int, int, int], rounds: int) -> list[float]:
    """GFLOP/s of each way, which take turns."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for (worker, method), taken in zip(ways, seconds, strict=True):
            taken.append(worker.call_rested(method, *shape))
    return [operations(*shape) / statistics.median(taken) / 1e9 for taken in seconds]


def _timed(function: Callable[[], Any]) -> float:
    """Seconds of a call, once it is warm."""
    function()
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def _draw(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


class SfumatoConvolutions:
    """Our layer alone, with frozen weights and without ReLU."""

    def __init__(self, threads: int, backend: str = "numpy") -> None:
        self.about = use_blas(threads)
        from sfumato.engine import Engine

        self.engine = Engine(backend)

    def product(self) -> float:
        """Seconds of a product of large matrices in BLAS's own threads."""
        a = _draw(MATRIX, MATRIX)
        return _timed(lambda: a @ a)

    def forward(self, edge: int, channels: int, filters: int) -> float:
        """Seconds of the layer in the forward pass."""
        with self.engine.computing():
            return _timed(self._layer(edge, channels, filters))

    def im2col(self, edge: int, channels: int, filters: int) -> float:
        """Seconds of the layer in the forward pass if it went window by window, as any other convolution does."""
        from sfumato.kernels.convolution import convolve
        from sfumato.kernels.geometry import Geometry

        x, W, b = _draw(1, edge, edge, channels), _draw(filters, 3, 3, channels), np.zeros(filters, np.float32)
        with self.engine.computing():
            return _timed(lambda: convolve(x, W, b, Geometry((3, 3), padding=1), direct=True))

    def input_gradient(self, edge: int, channels: int, filters: int) -> float:
        """Seconds of the layer in the backward pass."""
        dz = _draw(1, edge, edge, filters)
        with self.engine.computing():
            _, backward = self._layer(edge, channels, filters)()
            again = self._layer(edge, channels, filters)()[1]
            backward(dz.copy(), None)  # warm
            begin = time.perf_counter()
            again(dz, None)
            return time.perf_counter() - begin

    def _layer(self, edge: int, channels: int, filters: int) -> Callable[[], Any]:
        from sfumato import Convolution, Network
        from sfumato.layers.base import Needs

        network = Network([Convolution(filters)], (edge, edge, channels))
        (own,) = network.parameters(network.initialize(0, np.float32))
        x, needs = _draw(1, edge, edge, channels), Needs(weights=False, inputs=True)
        return lambda: network.layers[0].forward(own, x, needs)


class TorchConvolutions:
    """PyTorch's layer alone, with frozen weights, in the faster of its two layouts."""

    def __init__(self, threads: int) -> None:
        self.about = use_torch(threads)
        import torch

        self.torch = torch

    def product(self) -> float:
        """Seconds of a product of large matrices."""
        a = self.torch.from_numpy(_draw(MATRIX, MATRIX))
        return _timed(lambda: a @ a)

    def forward(self, edge: int, channels: int, filters: int) -> float:
        """Seconds of the layer in the forward pass."""
        with self.torch.no_grad():
            return min(_timed(functools.partial(layer, x)) for layer, x in self._layers(edge, channels, filters))

    def input_gradient(self, edge: int, channels: int, filters: int) -> float:
        """Seconds of the layer in the backward pass."""
        seconds = []
        for layer, x in self._layers(edge, channels, filters):
            z = layer(x.requires_grad_())
            dz = self.torch.randn_like(z)
            seconds.append(_timed(functools.partial(self.torch.autograd.grad, z, x, dz, retain_graph=True)))
        return min(seconds)

    def _layers(self, edge: int, channels: int, filters: int) -> Any:
        for layout in (self.torch.contiguous_format, self.torch.channels_last):
            layer = self.torch.nn.Conv2d(channels, filters, 3, padding=1).requires_grad_(requires_grad=False)
            x = self.torch.from_numpy(_draw(1, channels, edge, edge)).contiguous(memory_format=layout)
            yield layer.to(memory_format=layout), x
