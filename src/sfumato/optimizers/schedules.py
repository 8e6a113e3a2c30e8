"""The learning rate over time: functions of the epoch, counted from 0.

    fit(..., learning_rate=cosine(0.1, epochs=20))
    fit(..., learning_rate=lambda epoch: 0.1 if epoch < 10 else 0.01)

The first three are the reference's (Part 7, section 2.1), exactly as its equations say. Its code does otherwise: it
multiplies the rate by decay^(number of epochs / 1000), a constant, once every epoch (see docs/errata.md).
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass

from sfumato.checks import one_of, positive
from sfumato.errors import InputError

Schedule = Callable[[int], float]
"""Learning rate as a function of the epoch, counted from 0."""


@dataclass(frozen=True)
class _Described:
    """A schedule with a repr that identifies it in a run's settings and its checkpoint."""

    description: str
    rate: Schedule

    def __call__(self, epoch: int) -> float:
        return self.rate(epoch)

    def __repr__(self) -> str:
        return self.description


def constant(learning_rate: float) -> Schedule:
    """The same rate throughout."""
    positive("learning rate", learning_rate)
    return _Described("constant", lambda epoch: learning_rate)


def exponential(learning_rate: float, decay: float = 0.99) -> Schedule:
    """alpha = decay^epoch * alpha_0; the default loses a factor of ten in 230 epochs."""
    _check(learning_rate, decay)
    return _Described(_with_decay("exponential", decay), lambda epoch: decay**epoch * learning_rate)


def inverse_time(learning_rate: float, decay: float = 0.01) -> Schedule:
    """alpha = alpha_0 / (1 + decay * epoch); the default halves the rate by epoch 100."""
    _check(learning_rate, decay)
    return _Described(_with_decay("inverse-time", decay), lambda epoch: learning_rate / (1.0 + decay * epoch))


def inverse_sqrt(learning_rate: float, decay: float = 1.0) -> Schedule:
    """alpha = decay / sqrt(epoch) * alpha_0, with epochs counted from 1, as the first would divide by zero."""
    _check(learning_rate, decay)
    return _Described(_with_decay("inverse-sqrt", decay), lambda epoch: decay / math.sqrt(epoch + 1) * learning_rate)


def cosine(learning_rate: float, epochs: int) -> Schedule:
    """alpha = alpha_0 (1 + cos(pi epoch / epochs)) / 2: from alpha_0 to nearly 0 (Loshchilov and Hutter 2017)."""
    positive("learning rate", learning_rate)
    return _Described(
        f"cosine over {epochs} epochs",
        lambda epoch: 0.5 * (1.0 + math.cos(math.pi * epoch / epochs)) * learning_rate,
    )


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "exponential": exponential,
    "inverse-time": inverse_time,
    "inverse-sqrt": inverse_sqrt,
    "cosine": cosine,
}

DECAYING = tuple(name for name, make in SCHEDULES.items() if "decay" in inspect.signature(make).parameters)
"""Names of the schedules that have a decay."""


def default_decay(name: str) -> float:
    """Default decay of the schedule called `name`."""
    value: float = inspect.signature(SCHEDULES[name]).parameters["decay"].default
    return value


def make_schedule(name: str, learning_rate: float, *, epochs: int, decay: float | None = None) -> Schedule:
    """Make the schedule called `name`.

    >>> rate = make_schedule("exponential", 0.1, epochs=10, decay=0.5)
    >>> [rate(epoch) for epoch in range(3)]
    [0.1, 0.05, 0.025]

    Args:
        name: One of `SCHEDULES`.
        learning_rate: alpha_0, positive.
        epochs: Length of the run, which "cosine" needs.
        decay: The decay rate of the three that have one, positive; None takes each one's default.

    Raises:
        InputError: for an unknown name, a rate or decay that is not positive, or a decay that the schedule has no use
            for.
    """
    one_of("schedule", name, SCHEDULES)
    positive("decay", 1.0 if decay is None else decay)
    if decay is not None and name not in DECAYING:
        raise InputError(f"the {name} schedule has no decay: leave it out, or choose one of {', '.join(DECAYING)}")
    takes = inspect.signature(SCHEDULES[name]).parameters
    given = {"epochs": epochs, "decay": default_decay(name) if decay is None and name in DECAYING else decay}
    return SCHEDULES[name](learning_rate, **{key: value for key, value in given.items() if key in takes})


def _check(learning_rate: float, decay: float) -> None:
    positive("learning rate", learning_rate)
    positive("decay", decay)


def _with_decay(name: str, decay: float) -> str:
    return name if decay == default_decay(name) else f"{name} {decay}"
