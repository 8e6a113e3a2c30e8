"""Figures of a report: the confusion matrix, curves and calibration of a classifier, and the errors of a regression."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from sfumato.errors import InputError
from sfumato.evaluation.confusion import ConfusionMatrix
from sfumato.evaluation.curves import Curve
from sfumato.evaluation.formatting import shorten
from sfumato.evaluation.measurement import Measurement
from sfumato.plots.drawing import BLUE, CLASS_COLOURS, GREY, ORANGE, figure_of, literal

MOST_CURVES = 6
"""Curves in one figure at most; of more classes, those of the least average precision are drawn."""


def confusion_matrix(matrix: ConfusionMatrix, title: str = "Confusion matrix") -> Figure:
    """Draw a confusion matrix: true classes down, predicted classes across.

    Cells are coloured by their share of the true class. The counts are written in, for at most 26 classes.

    Args:
        matrix: The confusion matrix.
        title: Title of the figure; the accuracy is added.
    """
    k = len(matrix.classes)
    size = min(14.0, 3.2 + 0.35 * k)
    figure, axes = figure_of(size + 0.8, size, layout="compressed")
    counts = matrix.counts
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))  # the root lets rare mistakes show
    labels = [literal(shorten(name, 12)) for name in matrix.classes]
    crowded = k > 6 or max(map(len, labels)) > 6
    axes.set_xticks(range(k), labels, rotation=90 if crowded and max(map(len, labels)) > 2 else 0)
    axes.set_yticks(range(k), labels)
    for i in range(k if k <= 26 else 0):
        for j in range(k):
            if counts[i, j]:
                colour = "white" if shares[i, j] > 0.4 else "#333333"
                axes.text(j, i, str(counts[i, j]), ha="center", va="center", color=colour, fontsize=8 if k > 10 else 11)
    axes.set(xlabel="predicted", ylabel="true", title=f"{title}: accuracy {matrix.accuracy:.4f}")
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.04)
    bar.set_label("share of the true class")
    return figure


def roc(report: Measurement) -> Figure:
    """Draw the ROC curve of each class against the others; of two classes, that of the second."""
    figure, axes, shown = _curves(report, "ROC")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    for colour, k in zip(CLASS_COLOURS, shown, strict=False):
        curve = report.roc[k]
        axes.plot(curve.x, curve.y, color=colour, linewidth=1.4, label=f"{_name(report, k)}, area {curve.area:.3f}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    if shown:
        axes.legend(loc="lower right", frameon=True, framealpha=0.9, fontsize=9)
    return figure


def precision_recall(report: Measurement) -> Figure:
    """Draw precision against recall of each class against the others; of two classes, that of the second."""
    figure, axes, shown = _curves(report, "Precision and recall")
    for colour, k in zip(CLASS_COLOURS, shown, strict=False):
        curve = report.precision_recall[k]
        label = f"{_name(report, k)}, average {curve.area:.3f}"
        axes.step(curve.x, curve.y, where="pre", color=colour, linewidth=1.4, label=label)
    axes.set(xlabel="recall", ylabel="precision")
    if shown:
        axes.legend(loc="lower left", frameon=True, framealpha=0.9, fontsize=9)
    return figure


def _curves(report: Measurement, title: str) -> tuple[Figure, Axes, list[int]]:
    """Make a figure for curves, and choose the classes to draw: of two the second, as the first adds nothing."""
    figure, axes = figure_of(4.8, 4.7)
    _unit_square(axes)
    shown = _hardest(report.precision_recall)
    if len(report.model.classes) == 2:
        shown = shown[-1:]
    elif len(shown) < len(_defined(report.precision_recall)):
        title += f", the {len(shown)} hardest classes"
    axes.set_title(title)
    return figure, axes, shown


def _name(report: Measurement, k: int) -> str:
    return literal(shorten(report.model.classes[k], 20))


def _defined(curves: tuple[Curve, ...]) -> list[int]:
    return [k for k, curve in enumerate(curves) if not np.isnan(curve.area)]


def _hardest(curves: tuple[Curve, ...]) -> list[int]:
    """Return the classes of the least average precision, in their order."""
    defined = _defined(curves)
    return sorted(sorted(defined, key=lambda k: curves[k].area)[:MOST_CURVES])


def reliability(report: Measurement) -> Figure:
    """Draw accuracy against confidence, in bins, above the number of examples in each bin.

    Raises:
        InputError: if the model is a regression.
    """
    found = report.calibration
    if found is None:
        raise InputError("a calibration needs a classifier, and this model is a regression")
    figure = Figure(figsize=(5.6, 5.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    edges = np.linspace(0, 1, len(found.counts) + 1)
    above.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":", label="as sure as right")
    above.bar(edges[:-1], np.nan_to_num(found.accuracy), np.diff(edges), align="edge", color=BLUE, alpha=0.25)
    above.plot(found.confidence, found.accuracy, "o-", color=BLUE, markersize=4, label="the model")
    _unit_square(above)
    above.set(ylabel="share that is right", title=f"Calibration: error {found.error:.4f}")
    above.legend(loc="upper left", frameon=False, fontsize=9)
    below.bar(edges[:-1], found.counts, np.diff(edges), align="edge", color=GREY, edgecolor="white")
    below.set(xlabel="probability of the predicted class", ylabel="examples")
    return figure


def predicted_against_true(report: Measurement) -> Figure:
    """Draw predicted values against true values, (across: true; up: predicted)."""
    true, predicted, name = report.examples.y, report.predicted, literal(shorten(report.model.target, 24))
    figure, axes = figure_of(4.8, 4.7)
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=":")
    axes.scatter(true, predicted, s=12, color=BLUE, alpha=0.5, linewidth=0)
    axes.set(xlabel=f"true {name}", ylabel=f"predicted {name}", title="Predicted against true")
    axes.grid(alpha=0.25)
    return figure


def errors(report: Measurement) -> Figure:
    """Draw a histogram of the errors of a regression, predicted minus true."""
    figure, axes = figure_of(4.8, 4.7)
    off = report.predicted - report.examples.y
    axes.hist(off, bins=min(40, max(5, len(off) // 10)), color=BLUE, alpha=0.7)
    axes.axvline(0, color=ORANGE, linewidth=1)
    axes.set(xlabel="predicted minus true", ylabel="examples", title="Errors")
    axes.grid(alpha=0.25)
    return figure


def _unit_square(axes: Axes) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.grid(alpha=0.25)
