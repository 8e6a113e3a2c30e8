"""Distributions of initial weights.

A layer that adds up `n_in` inputs of variance one gets outputs of variance `n_in * Var(w)`. Keeping the signal's size
from layer to layer therefore asks for a variance of about `1 / n_in`; the initialisers differ in what they put above
it. Biases start at zero: the random weights already make the units differ.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array, Shape
from sfumato.checks import one_of, positive
from sfumato.errors import InputError


class Initializer(ABC):
    """A normal distribution of mean zero for the first values of a parameter."""

    @abstractmethod
    def standard_deviation(self, n_in: int, n_out: int) -> float:
        """Standard deviation for units with `n_in` inputs each, and inputs with `n_out` units each."""

    def draw(self, rng: np.random.Generator, shape: Shape, n_in: int, n_out: int) -> Array:
        """Draw an array of `shape`, in float64 whatever precision it is used in: so every precision starts alike."""
        return self.standard_deviation(n_in, n_out) * rng.standard_normal(shape)


@dataclass(frozen=True)
class He(Initializer):
    """Variance 2 / n_in, for ReLU, which lets half of the variance through (He et al. 2015, equation 10)."""

    def standard_deviation(self, n_in: int, n_out: int) -> float:
        return math.sqrt(2.0 / n_in)


@dataclass(frozen=True)
class Xavier(Initializer):
    """Variance 1 / n_in, for tanh and sigmoid: the form that keeps the forward signal's size."""

    def standard_deviation(self, n_in: int, n_out: int) -> float:
        return math.sqrt(1.0 / n_in)


@dataclass(frozen=True)
class Glorot(Initializer):
    """Variance 2 / (n_in + n_out), between the forward and the backward form (Glorot and Bengio 2010, equation 12)."""

    def standard_deviation(self, n_in: int, n_out: int) -> float:
        return math.sqrt(2.0 / (n_in + n_out))


@dataclass(frozen=True)
class Normal(Initializer):
    """A normal distribution of the same `scale` for every layer; 0.01 fits the costs printed in Parts 5 and 8."""

    scale: float = 0.01

    def __post_init__(self) -> None:
        positive("scale of normal weights", self.scale)

    def standard_deviation(self, n_in: int, n_out: int) -> float:
        return self.scale


@dataclass(frozen=True)
class Zeros(Initializer):
    """All zeros: for biases, and for weights the experiment in which all units of a layer stay the same."""

    def standard_deviation(self, n_in: int, n_out: int) -> float:
        return 0.0

    def draw(self, rng: np.random.Generator, shape: Shape, n_in: int, n_out: int) -> Array:
        return np.zeros(shape)


INITIALIZERS: dict[str, type[Initializer]] = {
    "he": He,
    "xavier": Xavier,
    "glorot": Glorot,
    "normal": Normal,
    "zeros": Zeros,
}


def make_initializer(name: str, scale: float | None = None) -> Initializer:
    """Make the initialiser called `name`, one of `INITIALIZERS`; `scale` is for "normal" alone.

    Raises:
        InputError: for an unknown name, or a scale that would be ignored.
    """
    one_of("initialiser", name, INITIALIZERS)
    if scale is None:
        return INITIALIZERS[name]()
    if name != "normal":
        raise InputError(f"the {name} initialiser has no scale of its own: only normal has one")
    return Normal(scale)


def as_initializer(init: str | Initializer | type[Initializer]) -> Initializer:
    """Make the initialiser for a name, a class or an instance.

    >>> as_initializer("he"), as_initializer(Normal(0.1)), as_initializer(Zeros)
    (He(), Normal(scale=0.1), Zeros())

    Raises:
        InputError: for an unknown name, or something that is no initialiser.
    """
    if isinstance(init, str):
        return make_initializer(init)
    if isinstance(init, Initializer):
        return init
    if isinstance(init, type) and issubclass(init, Initializer):
        return init()
    raise InputError(f"an initialiser is a name ({', '.join(INITIALIZERS)}) or an object as He(), not {init!r}")
