"""Gradient checks of a playground: of all parameters, and of one at every step width."""

from typing import Any, cast

import numpy as np

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.gradient_check import GradientReport, Method, check_gradient
from sfumato.network import NamedParameter
from sfumato.objective import Evaluation, NetworkObjective, Objective
from sfumato.studio.learn.setup import Setup
from sfumato.studio.learn.trace import double_objective

MOST_EXAMPLES = 500
"""Training examples over which a gradient is checked, the first."""

MOST_ENTRIES = 1000
"""Parameters that are each checked; of more, `DIRECTIONS` random directions for each array are."""

DIRECTIONS = 20

WIDTHS = tuple(10.0**-k for k in range(1, 13))
"""Step widths h of a scan."""


class OfEntries(Objective):
    """An objective some entries of whose theta are parameters of their own, so that a check has a row for each.

    Args:
        objective: The objective.
        places: The entries.
    """

    def __init__(self, objective: NetworkObjective, places: range) -> None:
        self.objective, self.analytic = objective, objective.analytic
        self.layout = [NamedParameter.unowned(str(place), place, (1,)) for place in places]

    def __call__(self, theta: Array) -> Evaluation:
        return self.objective(theta)

    def value(self, theta: Array) -> Any:
        return self.objective.value(theta)

    def kink_sides(self, theta: Array) -> Any:
        return self.objective.kink_sides(theta)


def checked_objective(setup: Setup, step: int) -> NetworkObjective:
    """Objective to check: over the first examples in float64, with the dropout of the next step."""
    key = (setup.training.seed, step) if setup.network.stochastic else None
    return double_objective(setup, "train", slice(0, MOST_EXAMPLES), key)


def check(objective: NetworkObjective, theta: Array, method: str, h: float | None) -> tuple[GradientReport, Any]:
    """Check the gradient at theta: the report by array, and that of each entry, which is None where there are many.

    Raises:
        InputError: as `check_gradient`.
    """
    theta, asked = theta.astype(np.float64), cast(Method, method)
    many = len(theta) > MOST_ENTRIES
    report = check_gradient(objective, theta, method=asked, step=h, directions=DIRECTIONS if many else None)
    if many:
        return report, None
    entries = check_gradient(OfEntries(objective, range(len(theta))), theta, method=asked, step=h).parameters
    return report, {
        "verdicts": [str(entry.verdict) for entry in entries],
        "differences": [entry.difference for entry in entries],
    }


def scan(objective: NetworkObjective, theta: Array, place: int) -> dict[str, Any]:
    """Compare difference quotients of one entry of theta with its derived gradient, at every step width.

    Returns:
        The derived gradient; the widths; and the errors by method, None where a kink lies within the step, and for a
        method that cannot be used.
    """
    theta, one = theta.astype(np.float64), OfEntries(objective, range(place, place + 1))

    def error(method: Method, h: float) -> float | None:
        try:
            (row,) = check_gradient(one, theta, method=method, step=h).parameters
        except InputError:  # a kink lies within every step
            return None
        return abs(row.analytic - row.numeric)

    methods: tuple[Method, ...] = ("two-sided", "one-sided", "complex-step")
    return {
        "analytic": float(objective(theta).gradient[place]),
        "h": list(WIDTHS),
        "errors": {
            method: [error(method, h) for h in WIDTHS] if objective.analytic or method != "complex-step" else None
            for method in methods
        },
    }
