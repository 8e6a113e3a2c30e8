"""A reader's derivative is marked parameter by parameter, in words that say what to look for."""

import re
from typing import Any

import numpy as np
import pytest

from sfumato.errors import InputError
from sfumato.exercise import check_exercise

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.integers(0, 2, (7, 3))
AT = {"W": RNG.normal(size=(3, 3)), "b": RNG.normal(size=3)}


def loss(at: dict[str, Any]) -> float:
    """Mean cross-entropy of three sigmoid units."""
    z = X @ at["W"] + at["b"]
    return float((np.log1p(np.exp(z)) - Y * z).sum() / len(X))


def gradient(at: dict[str, Any]) -> dict[str, Any]:
    dz = (1 / (1 + np.exp(-(X @ at["W"] + at["b"]))) - Y) / len(X)
    return {"W": X.T @ dz, "b": dz.sum(axis=0)}


def marks_with(**changed: Any) -> dict[str, str]:
    """Marks of the right gradient with some of its entries changed."""
    return dict(
        check_exercise(loss, lambda at: gradient(at) | {k: f(gradient(at)) for k, f in changed.items()}, AT).marks
    )


def test_a_right_derivative_is_right_parameter_by_parameter() -> None:
    result = check_exercise(loss, gradient, AT)
    assert result.right
    assert repr(result) == "W  right\nb  right"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("W", lambda g: g["W"].T, "transpose"),
        ("W", lambda g: -g["W"], "sign is the opposite"),
        ("W", lambda g: 7 * g["W"], "each entry is 7 times what it should be"),
        ("b", lambda g: 7 * g["b"], "each entry is 7 times what it should be"),
        ("b", lambda g: np.full(3, g["b"].sum()), "3 of 3 entries differ"),
        ("b", lambda g: g["b"] + [0, 0, 0.1], r"1 of 3 entries differ; the first, \[2\]"),
        ("b", lambda g: g["b"] * np.nan, "not finite"),
        ("b", lambda g: g["b"][:, np.newaxis], r"its shape is \(3, 1\), the parameter's \(3,\)"),
        ("W", lambda g: 0 * g["W"], "9 of 9 entries differ"),
        ("W", lambda g: g["W"] * (1 + 1e-4), "each entry is 1.0001 times"),
    ],
)
def test_a_wrong_one_is_named_with_what_went_wrong_and_the_others_stay_right(name: str, change: Any, said: str) -> None:
    marks = marks_with(**{name: change})
    assert re.search(said, marks.pop(name))
    assert not any(marks.values())


def test_what_is_missing_or_too_much_is_said() -> None:
    result = check_exercise(loss, lambda at: {"W": gradient(at)["W"], "B": gradient(at)["b"]}, AT)
    assert not result.right
    assert repr(result).splitlines() == [
        "W  right",
        "b  wrong: missing from the gradient",
        "B  wrong: not among the parameters",
    ]


def test_functions_that_change_what_they_are_given_do_no_harm() -> None:
    def changing(at: dict[str, Any]) -> dict[str, Any]:
        answer = gradient(at)
        at["W"] += 1
        return answer

    before = AT["W"].copy()
    assert check_exercise(loss, changing, AT).right
    assert (AT["W"] == before).all()


def test_a_number_alone_is_a_parameter_too() -> None:
    assert check_exercise(lambda at: np.sin(at["z"]), lambda at: {"z": np.cos(at["z"])}, {"z": 0.5}).right


@pytest.mark.parametrize(
    ("bad_loss", "answer", "at", "said"),
    [
        (lambda at: at["W"], gradient, AT, "one finite number"),
        (lambda at: np.nan, gradient, AT, "one finite number"),
        (loss, lambda at: gradient(at)["W"], AT, "must be a dictionary"),
        (loss, gradient, {}, "no parameter"),
    ],
)
def test_what_cannot_be_marked_is_refused_in_one_line(bad_loss: Any, answer: Any, at: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        check_exercise(bad_loss, answer, at)
    assert "\n" not in str(error.value)
