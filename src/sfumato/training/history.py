"""The records of training, epoch by epoch."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training.

    Attributes:
        epoch: Counted from 1.
        learning_rate: Of this epoch.
        train_loss: Mean loss over all training examples of the epoch, each measured before the step that used it, with
            dropout as in training and without the L2 penalty, so that it compares with the validation loss.
        train_accuracy: Share of them classified rightly; NaN for regression.
        validation_loss: Mean loss over the validation examples after the epoch; NaN without any.
        validation_accuracy: Share of them classified rightly; NaN for regression or without any.
        seconds: Training time up to the end of the epoch.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


def to_csv(history: Sequence[EpochRecord]) -> str:
    """Format as CSV, one line an epoch under a line of names; NaN as an empty cell. Numbers keep every digit."""
    lines = [",".join(field.name for field in fields(EpochRecord))]
    for record in history:
        values = asdict(record).values()
        lines.append(",".join("" if math.isnan(value) else repr(value) for value in values))
    return "\n".join(lines) + "\n"
