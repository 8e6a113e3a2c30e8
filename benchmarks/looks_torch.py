"""A plain pyramid of style transfer in PyTorch, for comparison by eye: Adam on pixels, coarse to fine.

With the published settings of Katherine Crowson's style-transfer-pytorch, written anew: content at relu4_2 with weight
0.015, style at relu1_1 to relu5_1 with weights 256, 64, 16, 4 and 1, total variation 2, Adam with a step of 0.02, an
average of the iterates that decays by 0.99, and sizes from 128 up by the square root of two. Its losses are sums of
squared differences, divided by the sum of the absolute ones.
"""

import time
from typing import Any

import numpy as np

from benchmarks.libraries import use_torch
from benchmarks.style import GRAM
from benchmarks.workers import Array

CONTENT, CONTENT_WEIGHT = "block4_conv2", 0.015
STYLE = {f"block{block}_conv1": weight / 341 for block, weight in zip(range(1, 6), (256, 64, 16, 4, 1), strict=True)}
TOTAL_VARIATION, STEP, DECAY = 2.0, 0.02, 0.99


class TorchPyramid:
    """Paints a picture in a given time, shared out among the scales by their pixels.

    Args:
        content: The photograph.
        style: The painting.
        size: Long edge of the picture.
        threads: Number of threads.
    """

    def __init__(self, content: str, style: str, size: int, threads: int) -> None:
        use_torch(threads)
        import torch

        from sfumato.style import StyleProblem, StyleTransfer
        from sfumato.style.pyramid import scale_sizes

        self.torch: Any = torch
        self.problem = StyleProblem(StyleTransfer(size=size, **GRAM), content, style)  # for pictures and weights
        height, width = self.problem.content.shape[:2]
        self.sizes = scale_sizes(height, width, size)
        network = self.problem.vgg.network(*self.sizes[-1])
        parts = zip(network.names, network.parameters(self.problem.vgg.theta), strict=True)
        self.weights = {
            name: (torch.tensor(own.W.transpose(0, 3, 1, 2)), torch.tensor(own.b))
            for name, own in parts
            if "conv" in name
        }

    def paint(self, seconds: float | None) -> tuple[Array, float]:
        """The picture when the time is over, and the time."""
        from sfumato.style.pyramid import resize

        begin, areas = time.perf_counter(), [height * width for height, width in self.sizes]
        picture = resize(self.problem.content, *self.sizes[0])
        for number, size in enumerate(self.sizes):
            until = begin + (seconds or 0.0) * sum(areas[: number + 1]) / sum(areas)
            picture = self._paint_scale(resize(picture, *size).clip(0, 1), size, until)
        return (255 * picture.clip(0, 1) + 0.5).astype(np.uint8), time.perf_counter() - begin

    def _paint_scale(self, start: Array, size: tuple[int, int], until: float) -> Array:
        from sfumato.style.pyramid import resize

        torch, (style,) = self.torch, self.problem.styles
        with torch.no_grad():
            content = self._features(self._image(resize(self.problem.content, *size)))[CONTENT]
            of_style = self._features(self._image(resize(style.picture, *self.problem.style_size(style, *size))))
            grams = {layer: self._gram(of_style[layer]) for layer in STYLE}
        x = self._image(start).requires_grad_()
        optimizer = torch.optim.Adam([x], lr=STEP, betas=(0.9, 0.99))
        average, count = torch.zeros_like(x), 0
        while time.perf_counter() < until or not count:
            optimizer.zero_grad()
            self._loss(x, content, grams).backward()
            optimizer.step()
            with torch.no_grad():
                x.clamp_(0, 1)
                average.mul_(DECAY).add_(x, alpha=1 - DECAY)
            count += 1
        picture = average / (1 - DECAY**count)
        return np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())

    def _loss(self, x: Any, content: Any, grams: dict[str, Any]) -> Any:
        features = self._features(x)
        loss = CONTENT_WEIGHT * _distance(features[CONTENT], content)
        for layer, weight in STYLE.items():
            loss = loss + weight * _distance(self._gram(features[layer]), grams[layer])
        variation = (x.diff(dim=2) ** 2).mean() + (x.diff(dim=3) ** 2).mean()
        return loss + TOTAL_VARIATION * variation

    def _features(self, x: Any) -> dict[str, Any]:
        torch = self.torch
        features: dict[str, Any] = {}
        mean = torch.tensor([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)
        z = 255.0 * x.flip(1) - mean
        for name, (W, b) in self.weights.items():
            if name.endswith("conv1") and features:
                z = torch.nn.functional.max_pool2d(z, 2)
            features[name] = z = torch.relu(torch.nn.functional.conv2d(z, W, b, padding=1))
            if name == "block5_conv1":
                break
        return features

    def _gram(self, features: Any) -> Any:
        rows = features[0].flatten(1)
        return rows @ rows.T / rows.shape[1]

    def _image(self, picture: Array) -> Any:
        return self.torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[np.newaxis].contiguous()


def _distance(one: Any, other: Any) -> Any:
    difference = one - other
    return (difference**2).sum() / (difference.abs().sum() + 1e-8)
