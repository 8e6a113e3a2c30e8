"""Losses: what training minimises on a network's outputs, and painting on its features."""

from sfumato.losses.base import NO_SUMS, Loss, Pullback, Sums
from sfumato.losses.classification import BinaryCrossEntropy, CategoricalCrossEntropy, default_loss
from sfumato.losses.content import ContentLoss
from sfumato.losses.gram import GramLoss, GramReferenceLoss
from sfumato.losses.values import MeanSquaredError

__all__ = [
    "NO_SUMS",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "ContentLoss",
    "GramLoss",
    "GramReferenceLoss",
    "Loss",
    "MeanSquaredError",
    "Pullback",
    "Sums",
    "default_loss",
]
