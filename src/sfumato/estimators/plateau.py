"""The end of training where the loss no longer falls."""

import math
import sys
from typing import Any

from sfumato.training.history import EpochRecord


class Plateau:
    """Whether the loss has not fallen by more than `tol` below its lowest for so many epochs.

    Args:
        patience: Number of epochs.
        tol: The least that counts as a fall.
    """

    def __init__(self, patience: int, tol: float) -> None:
        self.patience, self.tol = patience, tol
        self.lowest, self.since = math.inf, 0

    def __call__(self, record: EpochRecord) -> bool:
        held_out = record.validation_loss
        loss = record.train_loss if math.isnan(held_out) else held_out
        self.since = 0 if loss < self.lowest - self.tol else self.since + 1
        self.lowest = min(self.lowest, loss)
        return self.since >= self.patience


def number_of_epochs(count: Any) -> Any:
    """A number of epochs; infinity, which scikit-learn's own networks take for never, is one that is never reached."""
    return sys.maxsize if count == math.inf else count
