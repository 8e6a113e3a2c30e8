"""Figures of a search: each trial is drawn at its number, its setting and its loss."""

import math
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from sfumato import plots
from sfumato.plots import tuning
from sfumato.tuning.learning_rate_range import RangeTest
from sfumato.tuning.search import Choice, Range, Setting, Trial

SPACE: dict[str, Setting] = {
    "learning_rate": Range(1e-4, 1.0),
    "beta1": Range(0.01, 0.5),
    "hidden": Choice(("8", "64", "8,8")),
}
TRIALS = [
    Trial(0, {"learning_rate": 0.01, "beta1": 0.1, "hidden": "8,8"}, 2.0, 3, 5, pruned=False),
    Trial(1, {"learning_rate": 0.10, "beta1": 0.2, "hidden": "64"}, 3.0, 3, 5, pruned=True),
    Trial(2, {"learning_rate": 0.02, "beta1": 0.3, "hidden": "8"}, 1.0, 3, 5, pruned=False),
    Trial(3, {"learning_rate": 1.00, "beta1": 0.4, "hidden": "8"}, math.inf, 1, 5, pruned=False),
    Trial(4, {"learning_rate": 0.03, "beta1": 0.1, "hidden": "64"}, 1.5, 3, 5, pruned=False),
]


def points(axes: Axes, which: int = 0) -> list[list[float]]:
    found: list[list[float]] = np.asarray(axes.collections[which].get_offsets()).tolist()
    return found


def test_trials_are_drawn_at_their_number_and_loss() -> None:
    axes = tuning.search(TRIALS, SPACE).subfigs[0].axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("trial", "validation loss")
    drawn = {str(dots.get_label()): points(axes, k) for k, dots in enumerate(axes.collections)}
    assert drawn == {"stopped early": [[1, 3.0]], "finished": [[0, 2.0], [2, 1.0], [4, 1.5]]}
    best = axes.lines[0]
    assert best.get_label() == "the best so far"
    assert np.array_equal(best.get_xdata(), [0, 2, 4])
    assert np.array_equal(best.get_ydata(), [2.0, 1.0, 1.0])


def test_losses_are_drawn_against_each_setting() -> None:
    panels = {axes.get_title(): axes for axes in tuning.search(TRIALS, SPACE).subfigs[1].axes if axes.get_title()}
    assert [*panels] == ["learning rate", "1 - beta1", "hidden"]
    assert points(panels["learning rate"]) == [[0.01, 2.0], [0.1, 3.0], [0.03, 1.5], [0.02, 1.0]]
    assert panels["learning rate"].get_xscale() == "log"
    assert points(panels["1 - beta1"]) == [[0.1, 2.0], [0.2, 3.0], [0.1, 1.5], [0.3, 1.0]]
    hidden = panels["hidden"]
    assert [label.get_text() for label in hidden.get_xticklabels()] == ["8", "64", "8,8"]
    assert points(hidden) == [[2, 2.0], [1, 3.0], [1, 1.5], [0, 1.0]]
    colours = [plots.BLUE, plots.GREY, plots.BLUE, plots.ORANGE]  # the best trial last, on top
    drawn: Any = hidden.collections[0].get_facecolor()
    np.testing.assert_allclose(drawn, np.array([to_rgba(c, 0.85) for c in colours]))


def test_the_most_important_setting_is_at_the_top() -> None:
    axes = tuning.importance({"learning_rate": 0.75, "beta1": 0.25}).axes[0]
    bars = [(bar.get_y() + bar.get_height() / 2, bar.get_width()) for bar in axes.containers[0]]
    assert bars == [(0.0, 0.25), (1.0, 0.75)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1 - beta1", "learning rate"]


def test_the_range_test_has_learning_rates_across_and_losses_up() -> None:
    rates, losses = np.array([0.001, 0.01, 0.1]), np.array([3.0, 1.0, 2.0])
    axes = tuning.learning_rates(RangeTest(rates, losses, 0.002)).axes[0]
    curve, suggestion = axes.lines
    assert np.array_equal(curve.get_xdata(), rates)
    assert np.array_equal(curve.get_ydata(), losses)
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale()) == ("learning rate", "smoothed loss", "log")
    assert np.asarray(suggestion.get_xdata()).tolist() == pytest.approx([0.002, 0.002])
    assert suggestion.get_label() == "suggested: 0.002"
