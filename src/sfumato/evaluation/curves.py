"""How well probabilities rank and how far they can be trusted: ROC, precision against recall, and calibration."""

from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array
from sfumato.errors import InputError

BINS = 10
"""Bins of calibration, as in Guo et al. 2017 of ten to fifteen."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve through all thresholds, from the highest to the lowest.

    Attributes:
        x: The false positive rate, or the recall, (points,).
        y: The true positive rate, or the precision, (points,).
        area: What is under it: the area under the ROC curve, or the average precision. NaN if there is no example of
            the class, or (for ROC) of another.
    """

    x: Array
    y: Array
    area: float


def roc_curve(positive: Array, score: Array) -> Curve:
    """True positive rate against false positive rate, over all thresholds of a score.

    The area is the probability that a positive example scores higher than a negative one, where a tie counts half
    (Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982).

    Args:
        positive: Whether each example is of the class, (n,) of bool.
        score: How sure it is said to be of it, (n,).

    Raises:
        InputError: if the two differ in length or are empty.
    """
    hits, alarms = _counts(positive, score)
    with np.errstate(invalid="ignore"):
        x, y = alarms / alarms[-1], hits / hits[-1]
    return Curve(x, y, float(np.trapezoid(y, x)))


def precision_recall_curve(positive: Array, score: Array) -> Curve:
    """Precision against recall, over all thresholds of a score.

    The area is the average precision, sum_k (R_k - R_k-1) P_k: without the straight lines between points that would
    flatter it (Davis and Goadrich, "The relationship between precision-recall and ROC curves", 2006).

    Args:
        positive: Whether each example is of the class, (n,) of bool.
        score: How sure it is said to be of it, (n,).

    Raises:
        InputError: if the two differ in length or are empty.
    """
    hits, alarms = _counts(positive, score)
    with np.errstate(invalid="ignore"):
        recall = hits / hits[-1]
    precision = np.concatenate([[1.0], hits[1:] / (hits + alarms)[1:]])
    return Curve(recall, precision, float(np.sum(np.diff(recall) * precision[1:])))


def _counts(positive: Array, score: Array) -> tuple[Array, Array]:
    """Positive and negative examples at or above each distinct score, from none to all."""
    if positive.shape != score.shape or positive.ndim != 1 or not len(positive):
        raise InputError(f"there are {positive.shape} truths and {score.shape} scores; give one of each an example")
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # examples of one score are taken in together
    hits = np.cumsum(positive[order].astype(np.float64))[last]
    return np.concatenate([[0.0], hits]), np.concatenate([[0.0], last + 1 - hits])


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often predictions of some confidence are right, in bins of confidence from 0 to 1.

    Attributes:
        confidence: Mean probability of the predicted class, (bins,), NaN where there is no example.
        accuracy: Share of right predictions, (bins,), NaN where there is no example.
        counts: Number of examples, (bins,).
    """

    confidence: Array
    accuracy: Array
    counts: Array

    @property
    def error(self) -> float:
        """Expected calibration error: the mean over examples of |accuracy - confidence| of their bin."""
        gaps = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float(np.average(gaps, weights=self.counts))


def calibration(confidence: Array, correct: Array, bins: int = BINS) -> Calibration:
    """Compare confidence with accuracy (Guo et al., "On calibration of modern neural networks", 2017).

    Args:
        confidence: Probability given to the predicted class, (n,).
        correct: Whether the prediction is right, (n,) of bool.
        bins: Number of bins of equal width.

    Raises:
        InputError: if the two differ in length or are empty.
    """
    if confidence.shape != correct.shape or confidence.ndim != 1 or not len(confidence):
        raise InputError(f"there are {confidence.shape} probabilities for {correct.shape} predictions; give one each")
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    counts = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(which, confidence, minlength=bins) / counts
        shares = np.bincount(which, correct.astype(np.float64), minlength=bins) / counts
    return Calibration(means, shares, counts)
