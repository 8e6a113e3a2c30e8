"""ROC curves, precision against recall, and calibration, of the probabilities that a classifier gives."""

import warnings
from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array
from sfumato.errors import InputError

BINS = 10
"""Number of calibration bins; Guo et al. 2017 take ten to fifteen."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a curve at all thresholds, from the highest to the lowest.

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
    """Compute the true positive rate against the false positive rate, over all thresholds of a score.

    The area is the probability that a positive example scores higher than a negative one, where a tie counts half
    (Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982). A rate without any example to count
    is NaN at every threshold. The curve is that of `sklearn.metrics.roc_curve`, with every point kept.

    Args:
        positive: Whether each example is of the class, (n,) of bool.
        score: How sure it is said to be of it, (n,).

    Raises:
        InputError: if the two differ in length, are empty, or a score is not a finite number.
    """
    from sklearn import metrics  # scikit-learn takes half a second to import

    _check(positive, score)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NaN says that a class is missing
        x, y, _ = metrics.roc_curve(positive, score, pos_label=True, drop_intermediate=False)
    return Curve(x, y, float(metrics.auc(x, y)))


def precision_recall_curve(positive: Array, score: Array) -> Curve:
    """Compute precision against recall, over all thresholds of a score.

    The area is the average precision, sum_k (R_k - R_k-1) P_k: without the straight lines between points that would
    flatter it (Davis and Goadrich, "The relationship between precision-recall and ROC curves", 2006). Without any
    positive example recall is NaN. The curve is that of `sklearn.metrics.precision_recall_curve`, from the highest
    threshold.

    Args:
        positive: Whether each example is of the class, (n,) of bool.
        score: How sure it is said to be of it, (n,).

    Raises:
        InputError: if the two differ in length, are empty, or a score is not a finite number.
    """
    from sklearn import metrics

    _check(positive, score)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        falling, recall, _ = metrics.precision_recall_curve(positive, score, pos_label=True)
    precision, recall = falling[::-1], recall[::-1]
    if not positive.any():
        recall = np.full_like(recall, np.nan)  # scikit-learn says 1
    # `metrics.average_precision_score` is the same sum, and would compute the curve once more.
    return Curve(recall, precision, float(np.sum(np.diff(recall) * precision[1:])))


def _check(positive: Array, score: Array) -> None:
    if positive.shape != score.shape or positive.ndim != 1 or not len(positive):
        raise InputError(f"there are {positive.shape} truths and {score.shape} scores; give one of each an example")
    if not np.isfinite(score).all():
        raise InputError("a score is not a finite number; leave out the examples without one")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Accuracy against confidence, in bins of confidence from 0 to 1.

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

    `sklearn.calibration.calibration_curve` leaves out the empty bins and does not give the number of examples in a bin,
    without which there is no calibration error. Here a confidence on the edge of two bins is in the upper one.

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
