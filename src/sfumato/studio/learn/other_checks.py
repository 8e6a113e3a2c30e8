"""Checks of what no gradient check can see: dropout's averages, the lengths of steps, and the learning rate."""

import math
from typing import Any, NamedTuple

import numpy as np

from sfumato.layers import NOTHING, Dropout
from sfumato.layers.base import NoParameters
from sfumato.optimizers import Adam, Momentum
from sfumato.optimizers.schedules import Schedule
from sfumato.random_keys import Stream, generator
from sfumato.studio.learn.faults import Parts, ShownBy


class Measured(NamedTuple):
    """One thing that an equation says and that was measured.

    Attributes:
        by: The check.
        what: What was measured, in words.
        expected: What the equation says.
        found: What was found.
        tolerance: How far both may be apart, as a share of what is expected.
    """

    by: ShownBy
    what: str
    expected: float
    found: float
    tolerance: float

    @property
    def right(self) -> bool:
        """Whether both agree."""
        return math.isclose(self.expected, self.found, rel_tol=self.tolerance)


def other_checks(parts: Parts, equation: Schedule) -> list[Measured]:
    """Measure what no gradient check can see: dropout's averages, the optimizer's steps, the learning rate.

    Args:
        parts: What is checked; of optimizers, Adam and momentum are.
        equation: The learning rate as its equation says.
    """
    averages = [
        Measured(
            "dropout's averages",
            f"{name}: mean output in training for inputs of one",
            1.0,
            float(layer.forward(NoParameters(), np.ones((400, 400)), NOTHING, generator(0, Stream.DROPOUT))[0].mean()),
            0.05 * math.sqrt(layer.p),
        )
        for name, layer in zip(parts.network.names, parts.network.layers, strict=True)
        if isinstance(layer, Dropout)
    ]
    rates = [
        Measured("the learning rate", f"learning rate of epoch {epoch}", equation(epoch), parts.schedule(epoch), 1e-9)
        for epoch in (0, 1, 10, 50)
    ]
    return [*averages, *_steps(parts.optimizer), *rates]


def _steps(optimizer: Any) -> list[Measured]:
    """Lengths of steps at a rate of one, while the gradient stays one.

    Adam's averages are then those of equal numbers, one each, and every step is one long. Momentum's v after t steps
    is 1 - beta^t of the gradient in its averaged form, which has the sum of that geometric series.
    """
    measured, theta = list[Measured](), np.zeros(1)
    if not isinstance(optimizer, Adam | Momentum):
        return measured
    state: Any = optimizer.init(theta)
    for step in range(1, 21):
        before = theta.item()
        theta, state = optimizer.update(theta, np.ones(1), state, 1.0)
        if isinstance(optimizer, Adam):
            expected = 1.0
        else:
            expected = (1 - optimizer.beta**step) / (1 if optimizer.form == "averaged" else 1 - optimizer.beta)
        if step in (1, 2, 5, 20):
            what = f"length of step {step} while the gradient stays one"
            measured.append(Measured("steps under a constant gradient", what, expected, before - theta.item(), 1e-6))
    return measured
