"""The learning rate over time: epochs are counted from 0, and each starts with the rate that its schedule gives.

The first three are the reference's (Part 7, section 2.1), exactly as its equations say. Its code does otherwise: it
multiplies the rate by decay^(number of epochs / 1000), a constant, once every epoch (see docs/errata.md).
"""

import inspect
import math
from collections.abc import Callable

from sfumato.checks import one_of, positive
from sfumato.errors import InputError

Schedule = Callable[[int], float]


def constant(learning_rate: float) -> Schedule:
    """The same rate throughout."""
    return lambda epoch: learning_rate


def exponential(learning_rate: float, decay: float = 0.99) -> Schedule:
    """alpha = decay^epoch * alpha_0; the default loses a factor of ten in 230 epochs."""
    return lambda epoch: decay**epoch * learning_rate


def inverse_time(learning_rate: float, decay: float = 0.01) -> Schedule:
    """alpha = alpha_0 / (1 + decay * epoch); the default halves the rate by epoch 100."""
    return lambda epoch: learning_rate / (1.0 + decay * epoch)


def inverse_sqrt(learning_rate: float, decay: float = 1.0) -> Schedule:
    """alpha = decay / sqrt(epoch) * alpha_0, with epochs counted from 1, as the first would divide by zero."""
    return lambda epoch: decay / math.sqrt(epoch + 1) * learning_rate


def cosine(learning_rate: float, epochs: int) -> Schedule:
    """alpha = alpha_0 (1 + cos(pi epoch / epochs)) / 2: from alpha_0 to nearly 0 (Loshchilov and Hutter 2017)."""
    return lambda epoch: 0.5 * (1.0 + math.cos(math.pi * epoch / epochs)) * learning_rate


DECAYING: dict[str, Callable[..., Schedule]] = {
    "exponential": exponential,
    "inverse-time": inverse_time,
    "inverse-sqrt": inverse_sqrt,
}
NAMES = ("constant", *DECAYING, "cosine")


def default_decay(name: str) -> float:
    """The decay that the schedule called `name` takes where none is given."""
    value: float = inspect.signature(DECAYING[name]).parameters["decay"].default
    return value


def make_schedule(name: str, learning_rate: float, *, epochs: int, decay: float | None = None) -> Schedule:
    """The schedule called `name`.

    >>> rate = make_schedule("exponential", 0.1, epochs=10, decay=0.5)
    >>> [rate(epoch) for epoch in range(3)]
    [0.1, 0.05, 0.025]

    Args:
        name: One of `NAMES`.
        learning_rate: alpha_0, positive.
        epochs: Length of the run, which "cosine" needs.
        decay: The decay rate of the three that have one, positive; None takes each one's default.

    Raises:
        InputError: for an unknown name, a rate or decay that is not positive, or a decay that the schedule has no use
            for.
    """
    one_of("schedule", name, NAMES)
    positive("learning rate", learning_rate)
    if decay is not None:
        positive("decay", decay)
    if name in DECAYING:
        return DECAYING[name](learning_rate) if decay is None else DECAYING[name](learning_rate, decay)
    if decay is not None:
        raise InputError(f"the {name} schedule has no decay: leave it out, or choose one of {', '.join(DECAYING)}")
    return cosine(learning_rate, epochs) if name == "cosine" else constant(learning_rate)
