"""Training: mini-batches, epochs, their history, and advice from the history."""

from sfumato._renamed import renamed_in
from sfumato.training.diagnosis import diagnose
from sfumato.training.fitting import FitResult, evaluate, fit
from sfumato.training.history import EpochRecord

__all__ = ["EpochRecord", "FitResult", "diagnose", "evaluate", "fit"]

__getattr__ = renamed_in(__name__)
