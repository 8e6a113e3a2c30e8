"""A network that learns MNIST's handwritten digits, and what there is to see of it at a step."""

import functools
from typing import Any, NamedTuple

import numpy as np

from sfumato import data
from sfumato.architectures import convolutional_network, multilayer_perceptron
from sfumato.arrays import Array
from sfumato.data.dataset import Dataset
from sfumato.data.scaling import Scaling
from sfumato.engine import NUMPY
from sfumato.layers import NOTHING, Flatten
from sfumato.layers.base import Activation
from sfumato.losses import CategoricalCrossEntropy
from sfumato.losses.base import NO_SUMS
from sfumato.network import Network
from sfumato.objective import BatchEvaluation
from sfumato.optimizers import Adam
from sfumato.optimizers.schedules import constant
from sfumato.studio.learn.measuring import by_class
from sfumato.studio.learn.setup import ENDLESS
from sfumato.training.batches import MemoryBatches
from sfumato.training.job import TrainingJob, means
from sfumato.workers import ALONE

MEASURED = {"dense": 2000, "convolutional": 500}
"""Test digits that are measured at every look, evenly spread over the 10,000; a convolution takes longer for each."""

BATCH = 64

MOST_WRONG = 20
"""Wrong digits that are shown."""


class Settings(NamedTuple):
    """Choices of a training on digits.

    Attributes:
        network: "dense", with hidden layers of 15 and 9 units, or "convolutional": 3 x 3 by 8 filters, pooled, by 16
            filters, pooled, and one dense layer.
        activation: "relu" or "tanh".
        learning_rate: Adam's.
        seed: Seed of the first weights and of the order of the digits.
    """

    network: str = "dense"
    activation: str = "relu"
    learning_rate: float = 0.003
    seed: int = 0


class Wrong(NamedTuple):
    """A test digit that the network takes for another.

    Attributes:
        number: Its number among the test digits, from 0.
        digit: The digit that it is.
        said: The digit that the network says.
        share: The probability that it gives to that.
    """

    number: int
    digit: int
    said: int
    share: float


class Answer(NamedTuple):
    """Everything that a network says to one digit.

    Attributes:
        shares: Probability of each digit, (10,).
        layers: Outputs of each layer that is shown, by its name: (units,), or maps, (height, width, filters).
    """

    shares: Array
    layers: dict[str, Array]


@functools.cache
def mnist() -> tuple[Dataset, Scaling]:
    """MNIST and its scaling, read once for all sessions."""
    dataset = data.mnist()
    return dataset, Scaling.unit(dataset.examples.x)


def held_out() -> tuple[Array, Array]:
    """The 10,000 test digits, (10000, 28, 28, 1) uint8, and what they are, (10000,)."""
    test = mnist()[0].test
    assert test is not None  # as MNIST has them
    return test.x, test.y


class DigitTraining:
    """A network in training on digits.

    Args:
        settings: What is trained, and how.

    Attributes:
        settings: The same, with the learning rate of now.
        now: Where training stands.
    """

    def __init__(self, settings: Settings) -> None:
        dataset, self.scaling = mnist()
        self.settings, self.network = settings, _network(settings)
        self.loss, self.classes = CategoricalCrossEntropy(), dataset.classes
        self.batches = MemoryBatches(dataset.examples, self.scaling, BATCH, settings.seed, NUMPY)
        self.set_rate(settings.learning_rate)
        self.now = self.job.first()
        self.sums = NO_SUMS  # over the batches since the last measurement
        self.train: dict[str, float] | None = None
        x, y = held_out()
        self.measured = np.arange(0, len(y), len(y) // MEASURED[settings.network])
        self.x, self.y = self.scaling(x[self.measured]), y[self.measured]

    def set_rate(self, learning_rate: float) -> None:
        """Take this learning rate from the next step on; Adam's averages stay."""
        self.settings = self.settings._replace(learning_rate=learning_rate)
        rate = constant(learning_rate)
        self.job = TrainingJob(self.network, self.loss, self.batches, None, Adam(), rate, 0.0, ENDLESS, None, ALONE)

    def step(self) -> None:
        """Take a step."""
        job, now = self.job, self.now
        if job.stage_over(now):
            job.end_stage(now)
            now.history.clear()  # nobody reads it, and it would grow for ever
        objective, rate = job.next_step(now)
        now.theta, now.optimizer_state, evaluation = job.optimizer.step(objective, now.theta, now.optimizer_state, rate)
        now.step, now.steps = now.step + 1, now.steps + 1
        job.after_step(now, evaluation)
        assert isinstance(evaluation, BatchEvaluation)  # of a NetworkObjective, as the job gives them
        self.sums = self.sums.plus(evaluation.sums)

    def measure(self) -> dict[str, Any]:
        """Measure the network.

        Returns:
            "step" and "epoch"; "train", loss and accuracy over the batches since the last measurement, or over those
            before it if no step has been taken since, None before the first; "test", the same over the test digits
            that are measured, with the confusion matrix; "wrong", those that are taken for another, the surest first.
        """
        if self.sums.examples:
            self.train = dict(zip(("loss", "accuracy"), means(self.sums, self.loss), strict=True))
            self.sums = NO_SUMS
        z = self.network.apply(self.now.theta, self.x)
        sums, _ = self.loss.forward(z, self.y)
        shares = self.loss.predict(z)
        said = shares.argmax(axis=1)
        rows = np.flatnonzero(said != self.y)
        rows = rows[np.argsort(-shares[rows, said[rows]], kind="stable")][:MOST_WRONG]
        return {
            "step": self.now.steps,
            "epoch": self.now.stage + self.now.step / len(self.batches.epoch(self.now.stage)),
            "train": self.train,
            "test": {"loss": sums.loss / sums.examples, **by_class(self.y, said, self.classes)},
            "wrong": [
                Wrong(int(self.measured[row]), int(self.y[row]), int(said[row]), float(shares[row, said[row]]))
                for row in rows
            ],
        }

    @property
    def weights(self) -> Array:
        """Weights of the first layer as pictures: (15, 28, 28), those of each unit; or (8, 3, 3), the filters."""
        W = next(own for own in self.network.parameters(self.now.theta) if own).W
        pictures: Array = W[..., 0] if W.ndim == 4 else W.T.reshape(-1, 28, 28)
        return pictures

    @property
    def shown(self) -> list[str]:
        """Names of the layers that are shown: an activation stands for the layer before it."""
        layers = [*self.network.layers, None]
        return [
            name
            for name, layer, above in zip(self.network.names, layers, layers[1:], strict=False)
            if not isinstance(layer, Flatten) and not isinstance(above, Activation)
        ]

    def answer(self, digit: Array) -> Answer:
        """Send a digit through the network.

        Args:
            digit: (28, 28), from 0 (paper) to 255 (ink), uint8.
        """
        x = self.scaling(digit[np.newaxis, ..., np.newaxis])
        heads: Any = [(name, lambda z: (z, None)) for name in self.shown]
        measured, _ = self.network.measure(self.network.parameters(self.now.theta), x, heads, NOTHING)
        shares: Array = self.loss.predict(measured[-1])[0]
        return Answer(shares, {name: z[0] for name, z in zip(self.shown, measured, strict=True)})


def _network(settings: Settings) -> Network:
    shape, activation = (28, 28, 1), settings.activation
    if settings.network == "dense":
        return multilayer_perceptron(shape, (15, 9), 10, activation=activation)
    return convolutional_network(shape, 10, filters=(8, 16), hidden=(), activation=activation, dropout=0.0)
