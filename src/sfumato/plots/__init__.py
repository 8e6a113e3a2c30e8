"""Figures, returned and never shown: of training here; of reports and searches in `plots.report` and `plots.tuning`."""

from sfumato.plots.training import (
    BLUE,
    CLASS_COLOURS,
    GREY,
    ORANGE,
    compare_costs,
    confusion_matrix,
    cost_curves,
    decision_boundary,
    first_weights,
    to_png,
)

__all__ = [
    "BLUE",
    "CLASS_COLOURS",
    "GREY",
    "ORANGE",
    "compare_costs",
    "confusion_matrix",
    "cost_curves",
    "decision_boundary",
    "first_weights",
    "to_png",
]
