"""Gradient checking: derived gradients against difference quotients of the function (the reference's Part 8).

An objective gives its loss J(theta) and a gradient that somebody derived. The loss alone tells what the gradient should
have been, to about ten digits:

    two-sided     (J(theta + h d) - J(theta - h d)) / 2h     error of order h^2
    one-sided     (J(theta + h d) - J(theta)) / h            error of order h, for comparison
    complex-step  Im J(theta + i h d) / h                    no difference is taken, so nothing cancels: h = 1e-20

along directions d: each entry of theta in turn or, where a parameter has too many entries, random directions. The
report names each parameter, so that it says where to look and not only that something is wrong.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from sfumato.arrays import Array
from sfumato.checks import one_of, positive
from sfumato.errors import InputError
from sfumato.network import NamedParameter
from sfumato.objective import Evaluation, Objective
from sfumato.random_keys import Stream, generator

Method = Literal["two-sided", "one-sided", "complex-step"]

STEPS: dict[Method, float] = {
    "two-sided": 1e-5,  # truncation of order h^2 and rounding of order eps / h meet near eps^(1/3)
    "one-sided": 1e-8,  # here near eps^(1/2)
    "complex-step": 1e-20,
}
RIGHT_BELOW = 1e-7
ACCEPTABLE_BELOW = 1e-5

MANY_PARAMETERS = 5000
"""Size of theta above which parameters of many entries are checked along random directions."""

DIRECTIONS = 50


class Verdict(StrEnum):
    """Interpretation of a relative difference; the thresholds are the reference's."""

    RIGHT = "right"
    ACCEPTABLE = "acceptable"
    WRONG = "wrong"
    ROUNDING = "too small to measure"
    KINK = "kink within the step"


@dataclass(frozen=True)
class ParameterCheck:
    """One parameter's gradient against the numeric one.

    Attributes:
        name: Such as "dense_2.b".
        difference: ||analytic - numeric|| / (||analytic|| + ||numeric||) over what was checked; NaN if nothing was.
        verdict: What that means.
        where: The worst entry's index, such as "[3, 1]", or "direction 7".
        analytic: The derived gradient there.
        numeric: The difference quotient there.
        checked: Number of entries or directions compared.
        kinks: Number of entries or directions left out because a kink (of a ReLU, say) lies within the step.
    """

    name: str
    difference: float
    verdict: Verdict
    where: str
    analytic: float
    numeric: float
    checked: int
    kinks: int


@dataclass(frozen=True)
class GradientReport:
    """The outcome of a gradient check.

    Attributes:
        difference: The relative difference over all parameters together.
        verdict: Wrong if that or any parameter is; otherwise what the overall difference means.
        parameters: One row a parameter, in the order of theta.
        advice: Where to look, if something is wrong; else empty.
        method: How the numeric gradient was taken.
    """

    difference: float
    verdict: Verdict
    parameters: tuple[ParameterCheck, ...]
    advice: str
    method: Method

    @property
    def wrong(self) -> bool:
        """Whether the gradient failed the check."""
        return self.verdict == Verdict.WRONG

    def to_text(self) -> str:
        """The report as a table for a terminal."""
        width = max(9, *(len(row.name) for row in self.parameters))
        lines = [f"{'parameter':<{width}}  difference  {'worst at':<14}{'analytic':>14}{'numeric':>14}  verdict"]
        for row in self.parameters:
            kinks = f" ({row.kinks} with a kink within the step left out)" if row.kinks and row.checked else ""
            numbers = f"{row.where:<14}{row.analytic:>14.6e}{row.numeric:>14.6e}" if row.checked else " " * 42
            lines.append(f"{row.name:<{width}}  {row.difference:>10.2e}  {numbers}  {row.verdict}{kinks}")
        meaning = f"below {RIGHT_BELOW:.0e} right, below {ACCEPTABLE_BELOW:.0e} acceptable"
        lines.append(f"\nrelative difference {self.difference:.3e} ({self.method}): {self.verdict} ({meaning})")
        return "\n".join([*lines, self.advice] if self.advice else lines)

    def to_dict(self) -> dict[str, Any]:
        """The report in plain types, for JSON; NaN becomes None."""
        rows = [{key: None if _is_nan(value) else value for key, value in vars(row).items()} for row in self.parameters]
        head = {
            "difference": None if _is_nan(self.difference) else self.difference,
            "verdict": str(self.verdict),
            "method": self.method,
        }
        return {**head, "advice": self.advice, "parameters": rows}


def check_gradient(
    objective: Objective,
    theta: Array,
    *,
    method: Method = "two-sided",
    step: float | None = None,
    directions: int | None = None,
    seed: int = 0,
) -> GradientReport:
    """Compare an objective's gradient with differences of its value, parameter by parameter, in float64.

    >>> from sfumato import LayerObjective, Tanh
    >>> objective = LayerObjective(Tanh())
    >>> report = check_gradient(objective, objective.theta)
    >>> report.wrong, report.difference < 1e-9
    (False, True)

    Args:
        objective: Any objective. One with a `layout` gets a row for each named parameter.
        theta: Where to check, (size,). Weights of order one are best: near zero everything is small and alike.
        method: "two-sided", "one-sided" (for comparison) or "complex-step" (where the objective is analytic).
        step: h above; each method's best by default. For single entries it is multiplied by max(1, |theta_i|).
        directions: Number of random directions for each parameter with more entries than that. By default every entry
            is checked in its turn up to 5000 parameters in all, beyond that 50 directions are.
        seed: What random directions are drawn from.

    Raises:
        InputError: for an unknown method, a step or number of directions that is not positive, a complex step through
            an objective that is not analytic, an objective whose gradient does not have theta's shape, or a point with
            a kink within every step, so that nothing can be compared.
    """
    one_of("method of checking", method, get_args(Method))
    if step is not None:
        positive("step of a gradient check", step)
    if directions is not None and directions < 1:
        raise InputError(f"the number of directions must be at least 1, not {directions}")
    if method == "complex-step" and not objective.analytic:
        raise InputError(
            "the complex step needs an analytic objective; ReLU, leaky ReLU and max are not: use two-sided"
        )
    theta = np.array(theta, dtype=np.float64)
    evaluation = objective(theta.copy())
    if np.shape(evaluation.gradient) != theta.shape:
        raise InputError(f"the gradient has shape {np.shape(evaluation.gradient)}, theta {theta.shape}")
    if directions is None and theta.size > MANY_PARAMETERS:
        directions = DIRECTIONS
    probe = _Probe(objective, theta, evaluation, method, step or STEPS[method])
    layout = list(objective.layout) or [NamedParameter.unowned("theta", 0, theta.shape)]
    rng = generator(seed, Stream.CHECKING)
    compared = [probe.compare(parameter, directions, rng) for parameter in layout]
    rows = tuple(_row(parameter.name, one, probe.rounding) for parameter, one in zip(layout, compared, strict=True))
    analytic = np.concatenate([one.analytic for one in compared])
    numeric = np.concatenate([one.numeric for one in compared])
    if not analytic.size:
        raise InputError("nothing could be checked: a kink lies within every step; check at another point")
    difference = relative_difference(analytic, numeric)
    verdict = _verdict(difference)
    if any(row.verdict == Verdict.WRONG for row in rows):
        verdict = Verdict.WRONG
    elif verdict == Verdict.WRONG and _lost_in_rounding(analytic, numeric, probe.rounding):
        verdict = Verdict.ROUNDING
    return GradientReport(difference, verdict, rows, _advice(rows, layout, objective.layer_names), method)


def relative_difference(analytic: Array, numeric: Array) -> float:
    """||a - b|| / (||a|| + ||b||), Euclidean norms: 0 for equal vectors, at most 1; NaN for empty ones.

    >>> relative_difference(np.array([3.0, 4.0]), np.array([3.0, 4.0]))
    0.0
    >>> relative_difference(np.array([1.0]), np.array([-1.0]))
    1.0
    """
    if not analytic.size:
        return math.nan
    with np.errstate(invalid="ignore", over="ignore"):  # an infinite gradient is told by the result, which is NaN
        size = np.linalg.norm(analytic) + np.linalg.norm(numeric)
        return float(np.linalg.norm(analytic - numeric) / size) if size else 0.0


class _Compared(NamedTuple):
    """Both gradients of one parameter, the entries compared, and the number of entries left out for a kink."""

    analytic: Array
    numeric: Array
    places: list[str]
    kinks: int


class _Probe:
    """Difference quotients of an objective around one point."""

    def __init__(self, objective: Objective, theta: Array, at: Evaluation, method: Method, step: float) -> None:
        self.objective, self.theta, self.method, self.step = objective, theta, method, step
        self.gradient, self.loss = np.asarray(at.gradient, dtype=np.float64), at.loss
        # What rounding of J alone does to a quotient; a complex step takes no difference, and loses a few last digits
        eps = np.finfo(np.float64).eps
        scale = float(np.linalg.norm(self.gradient)) if method == "complex-step" else abs(self.loss) / step
        self.rounding = 10 * eps * scale

    def compare(self, parameter: NamedParameter, directions: int | None, rng: np.random.Generator) -> _Compared:
        analytic, numeric, places, kinks = [], [], [], 0
        for direction, derived, step, place in self._directions(parameter, directions, rng):
            measured = self._quotient(direction, step)
            suspicious = abs(derived - measured) > RIGHT_BELOW * (abs(derived) + abs(measured))
            if suspicious and self._kink_within(direction, step):
                kinks += 1
                continue
            analytic.append(derived)
            numeric.append(measured)
            places.append(place)
        return _Compared(np.array(analytic), np.array(numeric), places, kinks)

    def _directions(
        self, parameter: NamedParameter, limit: int | None, rng: np.random.Generator
    ) -> Iterator[tuple[Array, float, float, str]]:
        """Direction, derived gradient and step along it, and its name for the report."""
        size = parameter.stop - parameter.start
        own = self.gradient[parameter.start : parameter.stop]
        direction = np.zeros_like(self.theta)
        if limit is not None and size > limit:
            for number in range(1, limit + 1):
                random = rng.standard_normal(size)
                random /= np.linalg.norm(random)
                direction[parameter.start : parameter.stop] = random
                yield direction, float(own @ random), self.step, f"direction {number}"
            return
        for entry in range(size):
            position = parameter.start + entry
            direction[position] = 1.0
            step = self.step * max(1.0, abs(self.theta[position]))
            index = ", ".join(str(i) for i in np.unravel_index(entry, parameter.spec.shape))
            yield direction, float(own[entry]), step, f"[{index}]"
            direction[position] = 0.0

    def _quotient(self, direction: Array, step: float) -> float:
        if self.method == "complex-step":
            return float(np.imag(self.objective.value(self.theta + 1j * step * direction)) / step)
        ahead = self.objective.value(self.theta + step * direction)
        if self.method == "one-sided":
            return float((ahead - self.loss) / step)
        return float((ahead - self.objective.value(self.theta - step * direction)) / (2 * step))

    def _kink_within(self, direction: Array, step: float) -> bool:
        if self.method == "complex-step":
            return False
        ahead = self.objective.kink_sides(self.theta + step * direction)
        behind = self.objective.kink_sides(self.theta - step * direction)
        return any((a != b).any() for a, b in zip(ahead, behind, strict=True))


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _verdict(difference: float) -> Verdict:
    if difference < RIGHT_BELOW:
        return Verdict.RIGHT
    return Verdict.ACCEPTABLE if difference < ACCEPTABLE_BELOW else Verdict.WRONG


def _lost_in_rounding(analytic: Array, numeric: Array, rounding: float) -> bool:
    """Whether rounding errors of the quotients explain the whole difference."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = float(np.linalg.norm(analytic - numeric))
    return math.isfinite(error) and error <= rounding * math.sqrt(analytic.size)


def _row(name: str, compared: _Compared, rounding: float) -> ParameterCheck:
    analytic, numeric, places, kinks = compared
    difference = relative_difference(analytic, numeric)
    if not analytic.size:
        return ParameterCheck(name, difference, Verdict.KINK, "", math.nan, math.nan, 0, kinks)
    worst = int(np.argmax(np.abs(analytic - numeric)))
    verdict = _verdict(difference)
    if verdict == Verdict.WRONG and _lost_in_rounding(analytic, numeric, rounding):
        verdict = Verdict.ROUNDING
    there = float(analytic[worst]), float(numeric[worst])
    return ParameterCheck(name, difference, verdict, places[worst], *there, len(places), kinks)


def _advice(rows: Sequence[ParameterCheck], layout: Sequence[NamedParameter], layer_names: Sequence[str]) -> str:
    """Advice where to look: an error in a backward pass shows in every parameter below its layer, and in none above."""
    wrong = [parameter for row, parameter in zip(rows, layout, strict=True) if row.verdict == Verdict.WRONG]
    if not wrong or not layer_names:
        return ""
    sound = [parameter for parameter in layout if parameter not in wrong]
    if len(wrong) > 1 and all(p.spec.decays for p in wrong) and not any(p.spec.decays for p in sound):
        return "only the weights that L2 applies to are wrong, all of them: look at the regularisation's gradient"
    if all(parameter.layer < 0 for parameter in wrong):
        names = ", ".join(p.name for p in wrong)
        return f"{names} wrong, and no parameter is: look at the backward pass of {layer_names[-1]}"
    highest = max(parameter.layer for parameter in wrong)
    above = [parameter.layer for parameter in sound if parameter.layer > highest]
    if any(parameter.layer <= highest for parameter in sound):
        names = ", ".join(parameter.name for parameter in wrong)
        verb = "is" if len(wrong) == 1 else "are"
        return (
            f"{names} {verb} wrong and other parameters of the same depth are right: look where {names} {verb} assigned"
        )
    if not above:
        place = f"at the backward pass above {layer_names[highest]}"
        return f"every parameter is wrong: look at the loss's gradient, or {place}"
    next_sound = min(above)
    between = " and ".join(layer_names[highest + 1 : next_sound]) or layer_names[next_sound]
    return (
        f"wrong up to {layer_names[highest]}, right from {layer_names[next_sound]} on: look at the backward pass of "
        f"{between} (or at the gradient of {layer_names[next_sound]} with respect to its inputs)"
    )
