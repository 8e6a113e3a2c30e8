"""What every optimizer promises.

An optimizer holds its settings and nothing else; all that changes is in its state, a named tuple of vectors and numbers
that a checkpoint can store.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from sfumato.arrays import Array
from sfumato.objective import Evaluation, Objective

S = TypeVar("S", bound=tuple[Any, ...])


class Optimizer(ABC, Generic[S]):
    """Steps a flat vector theta towards lower loss."""

    State: type[S]
    """The named tuple that `init` makes."""

    learning_rate: ClassVar[float]
    """A rate to start with, where none is given."""

    @abstractmethod
    def init(self, theta: Array) -> S:
        """The state before the first step."""

    @abstractmethod
    def step(self, objective: Objective, theta: Array, state: S, learning_rate: float) -> tuple[Array, S, Evaluation]:
        """Evaluate the objective at theta and step: the new theta and state, and the evaluation at the old theta."""
