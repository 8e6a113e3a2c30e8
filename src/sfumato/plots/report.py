"""Figures of a report: how a model ranks, how far its probabilities can be trusted, and how far off its values are."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sfumato.evaluation.curves import Curve
from sfumato.evaluation.report import Report
from sfumato.evaluation.text import shorten
from sfumato.plots.training import BLUE, CLASS_COLOURS, GREY, ORANGE, plain

MOST_CURVES = 6
"""Curves in one figure at most: of more classes, those that are told apart worst."""


def roc(report: Report) -> Figure:
    """ROC curves, each class against the others."""
    figure, axes, shown = _curves(report, "ROC")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    for colour, k in zip(CLASS_COLOURS, shown, strict=False):
        curve = report.roc[k]
        axes.plot(curve.x, curve.y, color=colour, linewidth=1.4, label=f"{_name(report, k)}, area {curve.area:.3f}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    if shown:
        axes.legend(loc="lower right", frameon=True, framealpha=0.9, fontsize=9)
    return figure


def precision_recall(report: Report) -> Figure:
    """Precision against recall, each class against the others."""
    figure, axes, shown = _curves(report, "Precision and recall")
    for colour, k in zip(CLASS_COLOURS, shown, strict=False):
        curve = report.precision_recall[k]
        label = f"{_name(report, k)}, average {curve.area:.3f}"
        axes.step(curve.x, curve.y, where="pre", color=colour, linewidth=1.4, label=label)
    axes.set(xlabel="recall", ylabel="precision")
    if shown:
        axes.legend(loc="lower left", frameon=True, framealpha=0.9, fontsize=9)
    return figure


def _curves(report: Report, title: str) -> tuple[Figure, Axes, list[int]]:
    """A figure for curves, and the classes to draw there: of two the last, as its curve is the other's, turned."""
    figure = Figure(figsize=(4.8, 4.7), layout="constrained")
    axes = figure.add_subplot()
    _unit_square(axes)
    shown = _hardest(report.precision_recall)
    if len(report.model.classes) == 2:
        shown = shown[-1:]
    elif len(shown) < len(_defined(report.precision_recall)):
        title += f", the {len(shown)} hardest classes"
    axes.set_title(title)
    return figure, axes, shown


def _name(report: Report, k: int) -> str:
    return plain(shorten(report.model.classes[k], 20))


def _defined(curves: tuple[Curve, ...]) -> list[int]:
    return [k for k, curve in enumerate(curves) if not np.isnan(curve.area)]


def _hardest(curves: tuple[Curve, ...]) -> list[int]:
    """The classes whose average precision is least, in their order."""
    defined = _defined(curves)
    return sorted(sorted(defined, key=lambda k: curves[k].area)[:MOST_CURVES])


def reliability(report: Report) -> Figure:
    """Accuracy against confidence, in bins, over the number of examples in each."""
    found = report.calibration
    assert found is not None
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


def predicted_against_true(report: Report) -> Figure:
    """Predicted against true values of a regression."""
    true, predicted, name = report.examples.y, report.predicted, plain(shorten(report.model.target, 24))
    figure = Figure(figsize=(4.8, 4.7), layout="constrained")
    axes = figure.add_subplot()
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=":")
    axes.scatter(true, predicted, s=12, color=BLUE, alpha=0.5, linewidth=0)
    axes.set(xlabel=f"true {name}", ylabel=f"predicted {name}", title="Predicted against true")
    axes.grid(alpha=0.25)
    return figure


def errors(report: Report) -> Figure:
    """How the errors of a regression are spread."""
    figure = Figure(figsize=(4.8, 4.7), layout="constrained")
    axes = figure.add_subplot()
    off = report.predicted - report.examples.y
    axes.hist(off, bins=min(40, max(5, len(off) // 10)), color=BLUE, alpha=0.7)
    axes.axvline(0, color=ORANGE, linewidth=1)
    axes.set(xlabel="predicted minus true", ylabel="examples", title="Errors")
    axes.grid(alpha=0.25)
    return figure


def _unit_square(axes: Axes) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.grid(alpha=0.25)
