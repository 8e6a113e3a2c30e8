"""Jobs 1 to 4: training of small networks, from the same weights on the same data.

What the programs share lies in a folder: examples as bytes (pixels) or float32, labels, and first weights in our order.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workers import Array

STEPS = 10
"""Steps on one batch, always the same, after which losses and weights are compared."""

TOLERANCES = {"float32": {"losses": 2e-3, "movement": 3e-2}}
"""Relative, of those steps. Adam divides by the gradient's size, so that a weight whose gradient is next to nothing
moves as far as the others, or not, by where each library adds its epsilon."""

PIXEL = 1.0 / 255.0
"""From bytes to what a network takes."""


@dataclass(frozen=True)
class Training:
    """What to train, and how.

    Attributes:
        folder: Where data and first weights are.
        filters: Filters of each 3 x 3 convolution, followed by ReLU and pooling of two by two; none for tables.
        hidden: Units of each hidden dense layer, followed by ReLU.
        outputs: Classes.
        adam: Whether by Adam; else by gradient descent.
        rate: Learning rate.
        batch: Examples a step, drawn in a new order every epoch; None for all of them, as they are.
        epochs: In one run.
    """

    folder: Path
    filters: tuple[int, ...]
    hidden: tuple[int, ...]
    outputs: int
    adam: bool
    rate: float
    batch: int | None
    epochs: int = 1

    def data(self) -> tuple[Array, Array]:
        """Examples, (n, d) or (n, height, width, 1), and their classes."""
        return np.load(self.folder / "x.npy"), np.load(self.folder / "y.npy")

    def few(self) -> tuple[Array, Array]:
        """The one batch on which results are compared."""
        x, y = (np.load(self.folder / f"{name}.npy", mmap_mode="r") for name in "xy")  # not counted as memory twice
        return np.array(x[: self.batch]), np.array(y[: self.batch])

    def weights(self) -> list[Array]:
        """W and b of each layer, as ours: dense (in, out), filters (out, height, width, in)."""
        with np.load(self.folder / "weights.npz") as weights:
            return list(weights.values())

    def answer(self, losses: Any, weights: list[Array]) -> dict[str, Array]:
        """The loss before each of the few steps, and how far they moved the weights."""
        moved = [(after - before).ravel() for after, before in zip(weights, self.weights(), strict=True)]
        return {"losses": np.array(losses, np.float64), "movement": np.concatenate(moved)}


def mnist(folder: Path, filters: tuple[int, ...], hidden: tuple[int, ...], batch: int) -> Training:
    """One epoch of MNIST by Adam."""
    from sfumato.data import mnist

    x, y, _ = mnist().examples
    training = Training(folder, filters, hidden, 10, adam=True, rate=0.001, batch=batch)
    return _prepare(training, x if filters else x.reshape(len(x), -1), y)


def spiral(folder: Path) -> Training:
    """2000 steps of gradient descent on 300 points, all at once: the course's own network, rate and number of steps."""
    from sfumato.data import spiral as make

    x, y, _ = make().examples
    training = Training(folder, (), (100,), 3, adam=False, rate=0.6, batch=None, epochs=2000)
    return _prepare(training, x.astype(np.float32), y)


def _prepare(training: Training, x: Array, y: Array) -> Training:
    network = make_network(training, x.shape[1:])
    parameters = [value for own in network.parameters(network.initialize(0, np.float32)) for value in own]
    np.save(training.folder / "x.npy", x)
    np.save(training.folder / "y.npy", y)
    np.savez(training.folder / "weights.npz", *parameters)
    return training


def make_network(training: Training, shape: tuple[int, ...]) -> Any:
    """Our network."""
    from sfumato import convolutional_network, multilayer_perceptron

    if training.filters:
        return convolutional_network(
            shape, training.outputs, filters=training.filters, hidden=training.hidden, dropout=0.0
        )
    return multilayer_perceptron(shape, training.hidden, training.outputs)
