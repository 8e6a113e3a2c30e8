"""Marks for a reader's derivative: each parameter right or wrong, by difference quotients of the reader's own loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.gradient_check import ACCEPTABLE_BELOW, STEPS, relative_difference

Parameters = Mapping[str, Array]


@dataclass(frozen=True)
class ExerciseResult:
    """Marks for each parameter of an exercise; shown as one line a parameter.

    Attributes:
        marks: For each parameter an empty text if its gradient is right, or else what is wrong.
    """

    marks: Mapping[str, str]

    @property
    def right(self) -> bool:
        """Whether every parameter's gradient is right."""
        return not any(self.marks.values())

    def __repr__(self) -> str:
        width = max(map(len, self.marks))
        return "\n".join(
            f"{name:<{width}}  {f'wrong: {wrong}' if wrong else 'right'}" for name, wrong in self.marks.items()
        )


def check_exercise(
    loss: Callable[[dict[str, Array]], float | Array],
    gradient: Callable[[dict[str, Array]], Mapping[str, Array | float]],
    at: Mapping[str, Array | float],
) -> ExerciseResult:
    """Compare a derived gradient with two-sided difference quotients of its loss, entry by entry, in float64.

    >>> def loss(at):
    ...     return (at["W"] ** 2).sum()
    >>> check_exercise(loss, lambda at: {"W": 2 * at["W"]}, {"W": np.array([1.0, 3.0])})
    W  right
    >>> check_exercise(loss, lambda at: {"W": at["W"]}, {"W": np.array([1.0, 3.0])})
    W  wrong: each entry is 0.5 times what it should be; the first, [0] is 1, and by differences 2

    Args:
        loss: The function of all parameters, given as a dictionary of arrays; one number.
        gradient: Its derivative by each parameter, as a dictionary with the same names and shapes.
        at: Where to check: each parameter's value, by name. Choose numbers of order one that differ from one another,
            and none at a kink (0 for a ReLU): there a wrong gradient cannot pass for a right one.

    Raises:
        InputError: if there is no parameter, the loss is not one finite number, or the gradient is not a dictionary.
    """
    point = {name: np.array(value, dtype=np.float64) for name, value in at.items()}
    if not point:
        raise InputError("there is no parameter to check: give each one's value by its name")
    answers = gradient(_copied(point))
    if not isinstance(answers, Mapping):
        raise InputError(f"the gradient must be a dictionary, a gradient for each name, not {type(answers).__name__}")
    marks = {name: _mark(answers, name, _differences(loss, point, name)) for name in point}
    return ExerciseResult(marks | {name: "not among the parameters" for name in answers if name not in point})


def _copied(point: Parameters) -> dict[str, Array]:
    """Parameters of their own for each call, which may change them in place."""
    return {name: value.copy() for name, value in point.items()}


def _differences(loss: Callable[[dict[str, Array]], float | Array], point: Parameters, name: str) -> Array:
    """Two-sided difference quotient of the loss by each entry of one parameter."""
    quotients = np.empty(point[name].shape)
    for index in np.ndindex(quotients.shape):
        step = STEPS["two-sided"] * max(1.0, abs(float(point[name][index])))
        sides = []
        for sign in (1, -1):
            moved = _copied(point)
            moved[name][index] += sign * step
            value = np.asarray(loss(moved))
            if value.size != 1 or not np.isfinite(value).all():
                raise InputError(
                    "the loss must be one finite number; near this point it is "
                    f"{value.item() if value.size == 1 else f'an array of shape {value.shape}'}"
                )
            sides.append(float(value.item()))
        quotients[index] = (sides[0] - sides[1]) / (2 * step)
    return quotients


def _mark(answers: Mapping[str, Array | float], name: str, right: Array) -> str:
    """A line on what is wrong with one parameter's gradient; empty if nothing is."""
    if name not in answers:
        return "missing from the gradient"
    answer = np.asarray(answers[name], dtype=np.float64)
    if answer.shape != right.shape:
        return f"its shape is {answer.shape}, the parameter's {right.shape}"
    wrong = ~(
        abs(answer - right) <= ACCEPTABLE_BELOW * float(np.max(abs(right), initial=1e-3))
    )  # NaN is not below it either
    if not wrong.any():
        return ""
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    there = f"{list(first) if first else 'it'} is {answer[first]:.6g}, and by differences {right[first]:.6g}"
    if not np.isfinite(answer).all():
        return f"not finite; the first, {there}"
    return f"{_slip(answer, right) or f'{wrong.sum()} of {wrong.size} entries differ'}; the first, {there}"


def _slip(answer: Array, right: Array) -> str:
    """A guess at what went wrong: a transpose, a sign, or a factor that all entries share; empty if it is none."""
    if answer.ndim == 2 and _alike(answer.T, right):
        return "it is the transpose of what it should be"
    if _alike(answer, -right):
        return "its sign is the opposite"
    size = float((right * right).sum())
    factor = float((answer * right).sum()) / size if size else 0.0
    each = "each entry" if right.size > 1 else "it"
    return f"{each} is {factor:.6g} times what it should be" if factor and _alike(answer, factor * right) else ""


def _alike(a: Array, b: Array) -> bool:
    return a.shape == b.shape and relative_difference(a, b) < ACCEPTABLE_BELOW
