"""Figures of a search for hyperparameters, and of a learning-rate range test."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from sfumato.plots.drawing import BLUE, GREY, ORANGE, figure_of
from sfumato.tuning.learning_rate_range import RangeTest
from sfumato.tuning.search import Range, Setting, Trial, best_of

TITLES = {"beta": "1 - beta", "beta1": "1 - beta1", "beta2": "1 - beta2"}
"""Titles of the settings that are searched in the form of one minus their value."""

COLUMNS = 4
"""Settings in a row of panels."""


def search(trials: Sequence[Trial], space: Mapping[str, Setting]) -> Figure:
    """Draw the loss of each trial, with the best so far, and the losses against each setting.

    Diverged trials are left out, and losses above three times the median are drawn at that height.

    Args:
        trials: The trials, in order.
        space: The settings that were searched, by name.
    """
    rows = -(-len(space) // COLUMNS)
    figure = Figure(figsize=(11, 3.4 + 2.4 * rows), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(3.0, 2.3 * rows))
    finite = [trial for trial in trials if np.isfinite(trial.score)]
    highest = _highest(finite)
    _draw_trials(parts[0].subplots(), finite, highest)
    panels = parts[1].subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel in panels[len(space) :]:
        panel.set_axis_off()
    for panel, (name, setting) in zip(panels, space.items(), strict=False):
        _draw_setting(panel, name, setting, finite, highest)
    return figure


def _draw_trials(axes: Axes, trials: Sequence[Trial], highest: float) -> None:
    """Draw the loss of each trial, and the best so far."""
    for pruned, colour, label in ((True, GREY, "stopped early"), (False, BLUE, "finished")):
        chosen = [trial for trial in trials if trial.pruned == pruned]
        scores = np.minimum([trial.score for trial in chosen], highest)
        axes.scatter([t.number for t in chosen], scores, s=22, color=colour, label=label, alpha=0.8, linewidth=0)
    finished = [trial for trial in trials if not trial.pruned]
    best = list(itertools.accumulate([trial.score for trial in finished], min))
    axes.step([trial.number for trial in finished], best, where="post", color=ORANGE, label="the best so far")
    axes.set(xlabel="trial", ylabel="validation loss", title="The search")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9, loc="upper right")


def _draw_setting(panel: Axes, name: str, setting: Setting, trials: Sequence[Trial], highest: float) -> None:
    """Draw the losses against one setting: the best trial orange, those stopped early grey."""
    best = best_of(trials)
    ordered = sorted(trials, key=lambda trial: trial is best)  # the best lies on top
    scores = [min(trial.score, highest) for trial in ordered]
    colours = [ORANGE if trial is best else GREY if trial.pruned else BLUE for trial in ordered]
    if isinstance(setting, Range):
        panel.scatter(
            [float(trial.values[name]) for trial in ordered], scores, s=16, color=colours, linewidth=0, alpha=0.85
        )
        _scale(panel, setting)
    else:
        texts = [str(trial.values[name]) for trial in ordered]
        choices = sorted(set(texts), key=_size)
        panel.scatter([choices.index(text) for text in texts], scores, s=16, color=colours, linewidth=0, alpha=0.85)
        panel.set_xticks(range(len(choices)), choices, rotation=60, fontsize=7)
    panel.set_title(_title(name), fontsize=10)
    panel.tick_params(labelsize=8)
    panel.grid(alpha=0.25)


def _scale(panel: Axes, setting: Range) -> None:
    """Set a logarithmic axis where the setting is searched on one, with powers of two for whole numbers."""
    if not setting.log:
        return
    panel.set_xscale("log")
    panel.set_xlim(setting.low / 1.3, setting.high * 1.3)
    panel.xaxis.set_minor_formatter(NullFormatter())
    if setting.whole:
        powers = [2**k for k in range(1, 20) if setting.low <= 2**k <= setting.high]
        panel.set_xticks(powers, [str(power) for power in powers], fontsize=7)


def _size(choice: str) -> tuple[int, int, str]:
    """Return the key that sorts small networks first, as in "8", "64", "8,8"."""
    return choice.count(","), int(choice.split(",", maxsplit=1)[0]) if choice[0].isdigit() else 0, choice


def _title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " "))


def _highest(trials: Sequence[Trial]) -> float:
    """Return three times the median loss, so that a poor trial does not hide the differences between the others."""
    scores = sorted(trial.score for trial in trials)
    return 3 * scores[len(scores) // 2] if scores else 1.0


def importance(shares: Mapping[str, float]) -> Figure:
    """Draw the share of the losses' variation that each setting explains.

    Args:
        shares: Share of each setting, from 0 to 1, by name; the first is drawn at the top.
    """
    figure, axes = figure_of(6.4, 0.8 + 0.35 * len(shares))
    names, values = [*shares][::-1], [*shares.values()][::-1]
    axes.barh([_title(name) for name in names], values, color=BLUE)
    axes.set(xlabel="share of the losses' variation", title="Importance", xlim=(0, 1))
    axes.grid(alpha=0.25, axis="x")
    axes.set_axisbelow(True)
    return figure


def learning_rates(test: RangeTest) -> Figure:
    """Draw the smoothed loss against the learning rate, and the suggested rate.

    Args:
        test: Result of a learning-rate range test.
    """
    figure, axes = figure_of(6.4, 4.2)
    axes.plot(test.learning_rates, test.losses, color=BLUE)
    axes.axvline(test.suggestion, color=ORANGE, linestyle="--", label=f"suggested: {test.suggestion:g}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss", title="Learning-rate range test")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    return figure
