"""TensorFlow's part in job 5: a gradient tape in a compiled function, N x H x W x C as it prefers on a CPU."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contest import Program
from benchmarks.libraries import use_tensorflow
from benchmarks.style import CONTENT_LAYER, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHT
from benchmarks.workers import Array


def programs(folder: Path, threads: int) -> list[Program]:
    """With XLA and without."""
    return [
        Program("TensorFlow", "tf.function", TensorFlowStyle, (folder, threads, False)),
        Program("TensorFlow", "tf.function, XLA", TensorFlowStyle, (folder, threads, True), usual=False),
    ]


class TensorFlowStyle:
    """The objective in a `tf.function`; the weights are constants, and only the picture is watched.

    Args:
        folder: Where pictures and weights lie.
        threads: Number of threads.
        jit_compile: Whether XLA compiles it.
    """

    def __init__(self, folder: Path, threads: int, jit_compile: bool) -> None:
        self.about = use_tensorflow(threads)
        import tensorflow as tf

        self.tf = tf
        with np.load(folder / "vgg.npz") as weights:
            self.names = [key[:-2] for key in weights if key.endswith(".W")]
            filters = [weights[f"{name}.W"].transpose(1, 2, 3, 0) for name in self.names]
            biases = [weights[f"{name}.b"] for name in self.names]
        self.weights = [(tf.constant(W), tf.constant(b)) for W, b in zip(filters, biases, strict=True)]
        with np.load(folder / "pictures.npz") as pictures:
            content, style, x = (tf.constant(pictures[name][np.newaxis]) for name in ("content", "style", "x"))
        self.content = self._features(content)[CONTENT_LAYER]
        of_style = self._features(style)
        self.grams = {layer: self._gram(of_style[layer]) for layer in STYLE_LAYERS}
        self.x = x
        self.evaluate = tf.function(self._evaluate, jit_compile=jit_compile)

    def run(self) -> None:
        """Loss and gradient, once."""
        self.evaluate(self.x)[1].numpy()

    def answer(self) -> dict[str, Array]:
        """Loss and gradient."""
        loss, gradient = self.evaluate(self.x)
        return {"loss": loss.numpy(), "gradient": gradient.numpy().ravel()}

    def _evaluate(self, x: Any) -> Any:
        with self.tf.GradientTape() as tape:
            tape.watch(x)
            loss = self._objective(x)
        return loss, tape.gradient(loss, x)

    def _objective(self, x: Any) -> Any:
        total = self.tf.reduce_sum
        features = self._features(x)
        loss = CONTENT_WEIGHT * total((features[CONTENT_LAYER] - self.content) ** 2) / total(self.content**2)
        for layer in STYLE_LAYERS:
            target = self.grams[layer]
            distance = total((self._gram(features[layer]) - target) ** 2) / total(target**2)
            loss += STYLE_WEIGHT / len(STYLE_LAYERS) * distance
        return loss

    def _features(self, x: Any) -> dict[str, Any]:
        """Outputs of every layer, for RGB from 0 to 1."""
        nn = self.tf.nn
        z = 255.0 * x[..., ::-1] - [103.939, 116.779, 123.68]
        features: dict[str, Any] = {}
        for name, (W, b) in zip(self.names, self.weights, strict=True):
            if name.endswith("conv1") and features:
                z = nn.max_pool2d(z, 2, 2, "VALID")
            z = nn.relu(nn.bias_add(nn.conv2d(z, W, 1, "SAME"), b))
            features[name] = z
        return features

    def _gram(self, features: Any) -> Any:
        rows = self.tf.reshape(features, (-1, features.shape[-1]))
        return self.tf.matmul(rows, rows, transpose_a=True) / rows.shape[0]
