"""Figures of training, of reports and of searches. Each function returns a matplotlib figure; nothing is shown."""

from sfumato.plots import backend as backend  # before anything of matplotlib
from sfumato.plots.drawing import BLUE, CLASS_COLOURS, GREY, ORANGE, to_png
from sfumato.plots.report import (
    confusion_matrix,
    errors,
    precision_recall,
    predicted_against_true,
    reliability,
    roc,
)
from sfumato.plots.training import compare_costs, cost_curves, decision_boundary, first_weights
from sfumato.plots.tuning import importance, learning_rates, search

__all__ = [
    "BLUE",
    "CLASS_COLOURS",
    "GREY",
    "ORANGE",
    "compare_costs",
    "confusion_matrix",
    "cost_curves",
    "decision_boundary",
    "errors",
    "first_weights",
    "importance",
    "learning_rates",
    "precision_recall",
    "predicted_against_true",
    "reliability",
    "roc",
    "search",
    "to_png",
]
