"""The learning-rate range test: one short run in which the rate grows until the loss diverges.

Smith, "Cyclical learning rates for training neural networks", 2017 (arXiv 1506.01186), section 3.3; with a rate that
grows exponentially and a smoothed loss, as is usual since.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sfumato.arrays import Array, all_finite
from sfumato.data.dataset import Examples
from sfumato.data.scaling import Scaling
from sfumato.data.streaming import StreamedExamples
from sfumato.engine import Engine, as_engine
from sfumato.errors import InputError
from sfumato.losses.base import Loss
from sfumato.network import Network
from sfumato.objective import NetworkObjective
from sfumato.optimizers import Optimizer, as_optimizer
from sfumato.training.batches import Batches, make_batches

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 200
SMOOTHING = 0.9
"""Decay of the running mean of the losses: it averages some twenty steps."""

TOO_FAR = 4.0
"""Multiple of the lowest loss at which the test ends."""


@dataclass(frozen=True, eq=False)
class RangeTest:
    """Result of a range test.

    Attributes:
        learning_rates: The rate of each step, (steps,).
        losses: The smoothed loss at each step, (steps,).
        suggestion: A tenth of the rate at which the smoothed loss was lowest: there it is about to rise, and a tenth is
            still well within where it falls.
    """

    learning_rates: Array
    losses: Array
    suggestion: float


def learning_rate_range(
    network: Network,
    loss: Loss,
    train: Examples | StreamedExamples,
    optimizer: Optimizer[Any] | str = "adam",
    *,
    scaling: Scaling | None = None,
    batch_size: int = 100,
    l2: float = 0.0,
    seed: int = 0,
    engine: Engine | str | None = None,
) -> RangeTest:
    """Train for up to 200 steps, from a rate of 1e-6 to one of 10, until the loss is four times its lowest.

    Args:
        network: The network; its first weights are drawn from `seed`.
        loss: The loss on its outputs.
        train: The training examples.
        optimizer: What takes the steps, or its name.
        scaling: Applied to all inputs; none by default.
        batch_size: Examples a step.
        l2: Lambda of the penalty.
        seed: Of weights, order and dropout.
        engine: Where to compute, and in what precision: as for `RunOptions`.

    Raises:
        InputError: for an optimizer that finds the length of its steps itself, as L-BFGS does.
    """
    optimizer = as_optimizer(optimizer)
    if optimizer.full_batch:
        raise InputError(f"{optimizer} finds the length of its steps itself: a range test is for the other optimizers")
    engine = as_engine(engine)
    batches = make_batches(train, scaling or Scaling.none(), batch_size=batch_size, seed=seed, engine=engine)
    theta = engine.master.put(network.initialize(seed, engine.numpy_dtype))
    state, rates, losses, mean = optimizer.init(theta), [], [], 0.0
    with engine.computing(network):
        for step, which in zip(range(STEPS), _endless(batches), strict=False):
            rate = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
            x, y, weight = batches.batch(which)
            key = (seed, step) if network.stochastic else None
            objective = NetworkObjective(
                network, loss, x, y, sample_weight=weight, l2=l2, data_size=batches.size, dropout_key=key
            )
            theta, state, evaluation = optimizer.step(objective, theta, state, rate)
            if not math.isfinite(evaluation.loss) or not all_finite(theta):
                break
            mean = SMOOTHING * mean + (1 - SMOOTHING) * evaluation.loss
            rates.append(rate)
            losses.append(mean / (1 - SMOOTHING ** (step + 1)))
            if losses[-1] > TOO_FAR * min(losses):
                break
    lowest = int(np.argmin(losses))
    return RangeTest(np.array(rates), np.array(losses), float(f"{rates[lowest] / 10:.2g}"))


def _endless(batches: Batches) -> Iterator[Any]:
    """Yield the batches of one epoch after another."""
    return (which for epoch in itertools.count() for which in batches.epoch(epoch))
