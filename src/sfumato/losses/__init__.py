"""Losses: on a network's outputs for training, and on its features for style transfer."""

from collections.abc import Callable

from sfumato.checks import one_of
from sfumato.errors import InputError
from sfumato.losses.base import NO_SUMS, Loss, Pullback, Sums
from sfumato.losses.classification import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    MultilabelCrossEntropy,
    default_loss,
)
from sfumato.losses.content import ContentLoss
from sfumato.losses.gram import GramLoss, GramReferenceLoss
from sfumato.losses.values import MeanSquaredError

__all__ = [
    "LOSSES",
    "NO_SUMS",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "ContentLoss",
    "GramLoss",
    "GramReferenceLoss",
    "Loss",
    "MeanSquaredError",
    "MultilabelCrossEntropy",
    "Pullback",
    "Sums",
    "as_loss",
    "default_loss",
]

LOSSES: dict[str, Callable[[int], Loss]] = {
    "cross-entropy": lambda outputs: BinaryCrossEntropy() if outputs == 1 else CategoricalCrossEntropy(),
    "squared-error": lambda outputs: MeanSquaredError(),
}
"""Losses for training, by name: functions from the network's number of outputs to the loss."""


def as_loss(loss: str | Loss | type[Loss], outputs: int) -> Loss:
    """Make the loss for a name, a class or an instance.

    >>> as_loss("cross-entropy", 3), as_loss("cross-entropy", 1), as_loss("squared-error", 1)
    (CategoricalCrossEntropy(), BinaryCrossEntropy(), MeanSquaredError())

    Args:
        loss: One of `LOSSES`, or an object, of one's own too.
        outputs: Number of the network's outputs: cross-entropy on one logit is the binary one.

    Raises:
        InputError: for an unknown name, or something that is no loss.
    """
    if isinstance(loss, str):
        return LOSSES[one_of("loss", loss, LOSSES)](outputs)
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, type) and issubclass(loss, Loss):
        return loss()
    raise InputError(f"a loss is a name ({', '.join(LOSSES)}) or an object as MeanSquaredError(), not {loss!r}")
