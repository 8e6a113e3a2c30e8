"""The base class of optimizers.

An optimizer holds its settings and nothing else; all that changes is in its state, a named tuple of vectors and numbers
that a checkpoint can store.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sfumato.arrays import Array, fingerprint, to_numpy
from sfumato.objective import Evaluation, Objective

S = TypeVar("S", bound=tuple[Any, ...])


class Optimizer(ABC, Generic[S]):
    """Base class of optimizers of a flat vector theta.

    Write `State`, `learning_rate`, `init` and `step`; the rest says what training and painting have to know of an
    optimizer, and has defaults that serve most.
    """

    State: type[S]
    """Type of the state: the named tuple that `init` makes."""

    learning_rate: float
    """Default learning rate."""

    picture_learning_rate: float = 0.01
    """Default learning rate for painting, where theta is pixels from 0 to 1; see `painting_rate`."""

    picture_settings: Mapping[str, Any] = MappingProxyType({})
    """Settings for painting, a run of a few dozen steps, in place of the defaults."""

    vectors: int = 0
    """Number of vectors of theta's size in the state."""

    full_batch: bool = False
    """Whether it needs the same objective at every step, as a line search and estimates of curvature do. No step of
    such an optimizer raises the loss, so its last theta is its best, and an average of its thetas is no better."""

    proportional: bool = False
    """Whether a step is the gradient times the rate, or an average of gradients, so that nothing bounds its length."""

    gradient_powers: Mapping[str, int] = MappingProxyType({})
    """The averages in the state, by name, and of which power of the gradient each is: 1, or 2 for squares. They serve a
    similar objective too (the same picture at another size), once they are scaled to its gradients."""

    def __str__(self) -> str:
        """Name in messages."""
        return type(self).__name__

    @abstractmethod
    def init(self, theta: Array) -> S:
        """The state before the first step."""

    @abstractmethod
    def step(self, objective: Objective, theta: Array, state: S, learning_rate: float) -> tuple[Array, S, Evaluation]:
        """Evaluate the objective at theta and step: the new theta and state, and the evaluation at the old theta."""

    def converged(self, state: S) -> bool:
        """Whether no lower point can be found from this state."""
        return False

    def painting_rate(self, state: S, learning_rate: float, size: int) -> float:
        """Learning rate of the next step for pixels that shall first move by about `learning_rate` each.

        Args:
            state: The optimizer's state.
            learning_rate: The length asked for, in pixel values.
            size: Number of pixel values, the length of theta.
        """
        return learning_rate

    def remembering(self, steps: int) -> "Optimizer[S]":
        """Copy the optimizer, with vectors of so many past steps at most; the optimizer itself if it keeps none."""
        return self

    def digest(self) -> str:
        """Digest of the arrays among the settings, which the repr leaves out."""
        return fingerprint(*vars(self).values())

    def pack(self, state: S) -> tuple[dict[str, Array], dict[str, Any]]:
        """Split the state into vectors (NumPy's) and numbers, by name, for a checkpoint.

        What is neither (an evaluation that can be had again) is left out.
        """
        fields: Any = state  # a named tuple, which no type variable can be bound to
        values = fields._asdict()
        vectors = {name: to_numpy(value) for name, value in values.items() if hasattr(value, "shape")}
        return vectors, {name: value for name, value in values.items() if isinstance(value, bool | int | float)}

    def unpack(self, vectors: Mapping[str, Array], numbers: Mapping[str, Any]) -> S:
        """Rebuild the state from vectors and numbers of `pack`."""
        return self.State(**vectors, **numbers)
