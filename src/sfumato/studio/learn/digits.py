"""Handwritten digits: a network that learns them while one looks at its weights, its errors, and one's own digit."""

import math
import struct
import time
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from sfumato import data
from sfumato.architectures import convolutional_network, multilayer_perceptron
from sfumato.arrays import Array, Shape
from sfumato.checks import one_of
from sfumato.data.scaling import Scaling
from sfumato.engine import NUMPY
from sfumato.errors import InputError
from sfumato.layers import NOTHING, Flatten
from sfumato.layers.dropout import Dropout
from sfumato.losses import CategoricalCrossEntropy
from sfumato.network import Network
from sfumato.optimizers import Adam
from sfumato.optimizers.schedules import constant
from sfumato.training.batches import MemoryBatches
from sfumato.training.job import TrainingJob
from sfumato.workers import ALONE

DATA = ("digits", "mnist")

NETWORKS = ("dense", "convolutional")

SECONDS = 0.2
"""Seconds of training in a frame: five frames a second."""

SHOWN_ERRORS = 20

MEASURED = 2000
"""Test examples that a frame measures, at most."""

BATCH = 64

Picture = Array
"""A picture of one channel, (height, width)."""


class Error(NamedTuple):
    """A test example that the network takes for another digit.

    Attributes:
        picture: The example, uint8.
        digit: What it is.
        taken_for: What the network takes it for.
        share: The probability that it gives to that.
    """

    picture: Picture
    digit: int
    taken_for: int
    share: float


class Frame(NamedTuple):
    """State of the training, for looking at.

    Attributes:
        step: Steps taken.
        epoch: Passes over the training examples.
        loss: Mean loss over the test examples that are measured.
        accuracy: Share of them that is right.
        weights: The first layer's weights as pictures, (count, height, width): a dense unit's, one a pixel; a filter.
        errors: Test examples that are taken for another digit, the surest first.
    """

    step: int
    epoch: float
    loss: float
    accuracy: float
    weights: Array
    errors: list[Error]

    def pack(self) -> bytes:
        """Write the frame, little endian.

        u8 kind = 2, u8 version = 1, u16 errors e; u32 step; f64 epoch, loss, accuracy; u16 number of weights' pictures
        w, their height and width, height and width of an example, u16 of no meaning; f32 largest absolute weight s;
        then w pictures of i8, s times which / 127 is the weight; e times u8 digit, u8 taken for, u16 65535 times the
        share; e pictures of u8, 255 for the darkest ink.
        """
        count, height, width = self.weights.shape
        size = self.errors[0].picture.shape if self.errors else (0, 0)
        largest = float(np.abs(self.weights).max()) or 1.0
        head = struct.pack("<BBHI3d", 2, 1, len(self.errors), self.step, self.epoch, self.loss, self.accuracy)
        sizes = struct.pack("<6Hf", count, height, width, *size, 0, largest)
        told = b"".join(
            struct.pack("<BBH", error.digit, error.taken_for, round(65535 * error.share)) for error in self.errors
        )
        pictures = b"".join(error.picture.astype(np.uint8).tobytes() for error in self.errors)
        return head + sizes + np.round(self.weights * 127 / largest).astype(np.int8).tobytes() + told + pictures


class LayerAnswer(NamedTuple):
    """Outputs of one layer for one picture: a value a unit, (units,), or a map a filter, (height, width, filters)."""

    name: str
    outputs: Array


class Digits:
    """A network in training on handwritten digits.

    Args:
        kind: "digits" (1797 of 8 x 8 pixels, a fifth held out) or "mnist" (60,000 of 28 x 28, and 10,000 to test).
        network: "dense" (15 and 9 hidden units, as the reference's 784-15-9-10) or "convolutional" (8 filters, and 16
            after the first pooling).
        learning_rate: Adam's; its default by default.
        seed: Of first weights, order, and of what is held out.

    Raises:
        InputError: for another kind or network.
        FileError: if the data are not there.
    """

    def __init__(self, kind: str = "digits", network: str = "dense", learning_rate: float | None = None, seed: int = 0):
        dataset = data.load(one_of("digits", kind, DATA))
        train, test = dataset.examples, dataset.test
        if test is None:
            train, test = data.split(train, 0.2, seed, stratify=True)
        assert test is not None  # as a fifth is held out
        self.test = data.limit(test, MEASURED, seed)
        self.shape: Shape = train.x.shape[1:]
        self.network = _network(one_of("network", network, NETWORKS), self.shape)
        self.scaling = Scaling.unit(train.x)
        self.darkest = 1.0 / float(self.scaling.factor)
        self.loss, batches = CategoricalCrossEntropy(), MemoryBatches(train, self.scaling, BATCH, seed, NUMPY)
        rate, adam = constant(learning_rate or Adam.learning_rate), Adam()
        self.job = TrainingJob(self.network, self.loss, batches, None, adam, rate, 0.0, 2**53, None, ALONE)
        self.now = self.job.first()
        self.x = self.scaling(self.test.x)

    def train(self, seconds: float = SECONDS) -> None:
        """Take steps for so long, and one at least.

        Raises:
            DivergenceError: if the loss is no finite number; the weights are then those before.
        """
        end = time.monotonic() + seconds
        while True:
            self._step()
            if time.monotonic() >= end:
                return

    def _step(self) -> None:
        job, now = self.job, self.now
        if job.stage_over(now):
            job.end_stage(now)
            now.history.clear()  # nobody reads it, and it would grow for ever
        objective, rate = job.next_step(now)
        before = now.theta.copy()
        now.theta, now.optimizer_state, evaluation = job.optimizer.step(objective, now.theta, now.optimizer_state, rate)
        if not math.isfinite(evaluation.loss):
            now.theta = before
            raise job.diverged(now, evaluation.loss)
        now.step, now.steps = now.step + 1, now.steps + 1
        job.after_step(now, evaluation)

    def frame(self) -> Frame:
        """Measure the network on test examples, and draw it."""
        z = self.network.apply(self.now.theta, self.x)
        sums, _ = self.loss.forward(z, self.test.y)
        shares, count = self.loss.predict(z), len(self.test.y)
        taken_for = shares.argmax(axis=1)
        wrong = np.flatnonzero(taken_for != self.test.y)
        surest = wrong[np.argsort(-shares[wrong, taken_for[wrong]], kind="stable")][:SHOWN_ERRORS]
        errors = [
            Error(
                np.round(self.test.x[row, :, :, 0] * (255 / self.darkest)),
                int(self.test.y[row]),
                int(taken_for[row]),
                float(shares[row, taken_for[row]]),
            )
            for row in surest
        ]
        epoch = self.now.stage + self.now.step / len(self.job.batches.epoch(self.now.stage))
        return Frame(self.now.steps, epoch, sums.loss / count, sums.correct / count, self.weights(), errors)

    def weights(self) -> Array:
        """The first layer's weights as pictures, (count, height, width)."""
        first = next(own for own in self.network.parameters(self.now.theta) if len(own))
        height, width, _ = self.shape
        pictures: Array = first.W[..., 0] if first.W.ndim == 4 else first.W.T.reshape(-1, height, width)
        return pictures

    def answers(self, picture: Picture) -> tuple[Array, list[LayerAnswer]]:
        """Send a picture through the network.

        Args:
            picture: Of the size of the examples, from 0 (paper) to 1 (ink).

        Returns:
            The probability of each digit, (10,), and the outputs of every layer.

        Raises:
            InputError: for a picture of another size, or with other values.
        """
        height, width, _ = self.shape
        if picture.shape != (height, width) or not ((picture >= 0) & (picture <= 1)).all():
            raise InputError(f"a digit is {height} x {width} values from 0 to 1, not {picture.shape}")
        layers = zip(self.network.names, self.network.layers, strict=True)
        names = [name for name, layer in layers if not isinstance(layer, Flatten | Dropout)]
        x = picture[np.newaxis, ..., np.newaxis].astype(np.float32)
        heads: Any = [(name, _kept) for name in names]
        measured, _ = self.network.measure(self.network.parameters(self.now.theta), x, heads, NOTHING)
        shares: Array = self.loss.predict(measured[-1])[0]
        return shares, [LayerAnswer(name, outputs[0]) for name, outputs in zip(names, measured, strict=True)]


def _kept(z: Array) -> tuple[Array, Any]:
    """A head that measures the outputs themselves; nothing is asked of its backward pass."""
    return z.copy(), None


def _network(name: str, shape: Shape) -> Network:
    if name == "dense":
        return multilayer_perceptron(shape, (15, 9), 10)
    return convolutional_network(shape, 10, filters=(8, 16), hidden=(32,), dropout=0.0)


def centred(drawing: Picture, shape: Shape) -> Picture:
    """Turn a drawing into a digit as the data's are.

    MNIST's digits were fitted into 20 x 20 pixels, their proportions kept, and put into 28 x 28 so that their centre
    of mass is in the middle (LeCun and others 1998). Those of 8 x 8 fill their picture: they were fitted into
    32 x 32 pixels of black and white, of which blocks of 4 x 4 were counted (Alpaydin and Kaynak 1998).

    Args:
        drawing: Any size, from 0 (paper) to 1 (ink).
        shape: Height and width of the digit: (28, 28) or (8, 8).

    Returns:
        The digit, (height, width), from 0 to 1; all paper for an empty drawing.

    Raises:
        InputError: if the drawing is no picture, or of another range.
    """
    height, width = shape[:2]
    if drawing.ndim != 2 or not drawing.size or not ((drawing >= 0) & (drawing <= 1)).all():
        raise InputError(f"a drawing is rows of values from 0 to 1, not of shape {drawing.shape}")
    inked = np.argwhere(drawing > 0.1)
    if not inked.size:
        return np.zeros((height, width))
    (top, left), (bottom, right) = inked.min(axis=0), inked.max(axis=0) + 1
    box = drawing[top:bottom, left:right]
    if height == 8:
        ink = _resized(box, (32, 32)) > 0.5
        blocks: Picture = ink.reshape(8, 4, 8, 4).mean(axis=(1, 3))
        return blocks
    scale = 20 / max(box.shape)
    small = _resized(box, (max(1, round(box.shape[0] * scale)), max(1, round(box.shape[1] * scale))))
    return _about_its_centre(small, height, width)


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    image = Image.fromarray(picture.astype(np.float32))
    resized = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, np.float64), 0, 1)


def _about_its_centre(small: Picture, height: int, width: int) -> Picture:
    """Put a picture into a larger one, so that its centre of mass is in the middle, as far as it fits."""
    rows, columns = np.indices(small.shape)
    mass = small.sum()
    centre = (rows * small).sum() / mass, (columns * small).sum() / mass  # pixel 14 of 28 is MNIST's middle
    top = min(max(0, round(height / 2 - centre[0])), height - small.shape[0])
    left = min(max(0, round(width / 2 - centre[1])), width - small.shape[1])
    digit = np.zeros((height, width))
    digit[top : top + small.shape[0], left : left + small.shape[1]] = small
    return digit
