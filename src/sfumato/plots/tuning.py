"""Figures of a search for hyper-parameters."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from sfumato.plots.training import BLUE, GREY, ORANGE
from sfumato.tuning.learning_rate_range import RangeTest
from sfumato.tuning.search import Range, Setting, Trial, best_of

TITLES = {"beta": "1 - beta", "beta1": "1 - beta1", "beta2": "1 - beta2"}
"""What the averages are searched as."""


def search(trials: Sequence[Trial], space: Mapping[str, Setting]) -> Figure:
    """The loss of each trial, with the best so far, and against each of the settings."""
    names = list(space)
    columns = 4
    rows = -(-(len(names)) // columns)
    figure = Figure(figsize=(11, 3.4 + 2.4 * rows), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(3.0, 2.3 * rows))
    axes = parts[0].subplots()
    sound = [trial for trial in trials if np.isfinite(trial.score)]
    top = _highest(sound)
    for pruned, colour, label in ((True, GREY, "stopped early"), (False, BLUE, "finished")):
        chosen = [trial for trial in sound if trial.pruned == pruned]
        scores = np.minimum([trial.score for trial in chosen], top)
        axes.scatter([t.number for t in chosen], scores, s=22, color=colour, label=label, alpha=0.8, linewidth=0)
    whole = [trial for trial in sound if not trial.pruned]
    best = list(itertools.accumulate([trial.score for trial in whole], min))
    axes.step([trial.number for trial in whole], best, where="post", color=ORANGE, label="the best so far")
    axes.set(xlabel="trial", ylabel="validation loss", title="The search")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    panels = parts[1].subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    winner = best_of(whole)
    for panel, name in zip(panels, names, strict=False):
        setting = space[name]
        points = [(trial.values[name], min(trial.score, top), trial is winner, trial.pruned) for trial in sound]
        points.sort(key=lambda point: point[2])  # the best lies on top
        order = {} if isinstance(setting, Range) else {text: k for k, text in enumerate(_texts(points))}
        x = [value if isinstance(setting, Range) else order[str(value)] for value, *_ in points]
        colours = [ORANGE if is_best else GREY if pruned else BLUE for *_, is_best, pruned in points]
        panel.scatter(x, [score for _, score, *_ in points], s=16, color=colours, linewidth=0, alpha=0.85)
        if not isinstance(setting, Range):
            panel.set_xticks(range(len(order)), list(order), rotation=60, fontsize=7)
        elif setting.log:
            panel.set_xscale("log")
            panel.set_xlim(setting.low / 1.3, setting.high * 1.3)
            panel.xaxis.set_minor_formatter(NullFormatter())
            if setting.whole:
                powers = [2**k for k in range(1, 20) if setting.low <= 2**k <= setting.high]
                panel.set_xticks(powers, [str(power) for power in powers], fontsize=7)
        panel.set_title(TITLES.get(name, name.replace("_", " ")), fontsize=10)
        panel.tick_params(labelsize=8)
        panel.grid(alpha=0.25)
    return figure


def _texts(points: Sequence[tuple[object, ...]]) -> list[str]:
    """The choices that were tried, small networks first."""
    tried = {str(point[0]) for point in points}
    return sorted(tried, key=lambda text: (text.count(","), int(text.split(",")[0]) if text[0].isdigit() else 0, text))


def _highest(trials: Sequence[Trial]) -> float:
    """Losses above are drawn there: a trial that diverges would hide what lies between the others."""
    scores = sorted(trial.score for trial in trials)
    return 3 * scores[len(scores) // 2] if scores else 1.0


def importance(shares: Mapping[str, float]) -> Figure:
    """How much of the losses' variation each setting explains."""
    figure = Figure(figsize=(6.4, 0.8 + 0.35 * len(shares)), layout="constrained")
    axes = figure.add_subplot()
    names, values = [*shares][::-1], [*shares.values()][::-1]
    axes.barh([TITLES.get(name, name.replace("_", " ")) for name in names], values, color=BLUE)
    axes.set(xlabel="share of the losses' variation", title="Importance", xlim=(0, 1))
    axes.grid(alpha=0.25, axis="x")
    axes.set_axisbelow(True)
    return figure


def learning_rates(test: RangeTest) -> Figure:
    """The loss against the learning rate, and the one suggested."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(test.learning_rates, test.losses, color=BLUE)
    axes.axvline(test.suggestion, color=ORANGE, linestyle="--", label=f"suggested: {test.suggestion:g}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss", title="Learning-rate range test")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    return figure
