"""Measures of a playground beyond loss and accuracy: the confusion matrix and its measures by class, or errors."""

from typing import Any

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.evaluation import ConfusionMatrix, RegressionReport
from sfumato.studio.learn.setup import Setup
from sfumato.training.batches import MemoryBatches
from sfumato.training.job import means

BY_CLASS = ("precision", "recall", "f1")


def measures(setup: Setup, theta: Array, examples: Examples, batches: MemoryBatches) -> dict[str, Any]:
    """Measure predictions against the truth.

    Args:
        setup: What is trained.
        theta: The parameters.
        examples: The examples, with the truth in its own units.
        batches: The same, as the network gets them.
    """
    training = setup.training
    loss, _ = means(batches.measure(setup.network, training.loss, theta), training.loss)
    predicted = training.loss.predict(setup.network.apply(theta, batches.x))
    if not setup.dataset.classes:
        own = training.target_scaling
        report = RegressionReport.from_predictions(examples.y, predicted * own.deviation + own.mean)
        return {**report.to_dict(), "loss": loss}
    return {**by_class(examples.y, predicted.argmax(axis=1), setup.dataset.classes), "loss": loss}


def by_class(truth: Array, predicted: Array, classes: tuple[str, ...]) -> dict[str, Any]:
    """Measure predicted classes, (n,), against the truth, (n,): the confusion matrix, and what is measured by class."""
    matrix = ConfusionMatrix.from_labels(truth, predicted, classes)
    return {
        "counts": matrix.counts.tolist(),
        "accuracy": float(matrix.accuracy),
        "by_class": {name: getattr(matrix, name).tolist() for name in BY_CLASS},
    }
