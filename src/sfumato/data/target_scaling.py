"""The scale of the values that a regression learns, taken out for training and put back into the trained network."""

import math
from dataclasses import dataclass, replace

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.data.streaming import StreamedExamples
from sfumato.errors import InputError
from sfumato.network import Network
from sfumato.training.history import EpochRecord


@dataclass(frozen=True)
class TargetScaling:
    """Standardises the values of a regression for training, and gives the trained network their own units again.

    Without it, values far from 0 or 1 would ask for learning rates of their own. Classes stay as they are.
    """

    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def fit(cls, train: Examples | StreamedExamples, kind: str, name: str = "the values to predict") -> "TargetScaling":
        """Mean and standard deviation of the training values; none for constants, and for "none".

        Args:
            train: The training examples.
            kind: "none", or any other scaling.
            name: What the values are called where they cannot be used.

        Raises:
            InputError: if the values are so large that their squares are beyond float32.
        """
        if isinstance(train, StreamedExamples):
            found = train.survey.target_moments
            assert found is not None
            largest = max(abs(found.least[0]), abs(found.greatest[0]))
            mean, deviation = float(found.mean[0]), float(found.deviation[0])
        else:
            y, weight = train.y, train.sample_weight
            largest = np.abs(y).max()
            mean = float(np.average(y, weights=weight))
            with np.errstate(over="ignore"):
                deviation = math.sqrt(np.average((y - mean) ** 2, weights=weight))
        if largest > 1e18:
            raise InputError(f"{name} are beyond 1e18; give them in larger units")
        return cls(mean, deviation) if deviation > 0 and kind != "none" else cls()

    def __call__(self, examples: Examples | StreamedExamples) -> Examples | StreamedExamples:
        """The examples with standardised values."""
        if self == TargetScaling():
            return examples
        return examples.map(lambda part: part._replace(y=(part.y - self.mean) / self.deviation))

    def undo(self, network: Network, theta: Array) -> Array:
        """Parameters of the network that gives the values' own units: the last layer takes the scale in."""
        if self == TargetScaling():
            return theta
        theta = theta.copy()
        last = network.parameters(theta)[-1]
        last.W[...] *= self.deviation
        last.b[...] = last.b * self.deviation + self.mean
        return theta

    def in_own_units(self, record: EpochRecord) -> EpochRecord:
        """The record with the squared errors of the values themselves."""
        variance = self.deviation**2
        return replace(
            record, train_loss=record.train_loss * variance, validation_loss=record.validation_loss * variance
        )
