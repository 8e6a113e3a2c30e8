"""Checks of settings: what passes comes back as Python's own number, what does not is refused in one line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sfumato.checks import fraction, nonnegative, one_of, positive, suggestion, whole
from sfumato.errors import InputError


def test_what_is_right_comes_back_as_a_plain_number() -> None:
    assert (whole("size", np.int8(3), 1), type(whole("size", np.int8(3), 1))) == (3, int)
    assert (positive("rate", np.float32(0.5)), type(positive("rate", 1))) == (0.5, float)
    assert nonnegative("penalty", 0) == fraction("part", 0) == 0.0
    assert one_of("colour", "red", ("red", "blue")) == "red"


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: whole("size", 0, 1), "^the size must be a whole number from 1, not 0$"),
        (lambda: whole("size", 101, 1, 100), "^the size must be a whole number from 1 to 100, not 101$"),
        (lambda: whole("size", 2.0, 1), "^the size must be a whole number from 1, not 2.0$"),
        (lambda: whole("size", True, 1), "not True$"),
        (lambda: whole("size", "3", 1), "not '3'$"),
        (lambda: positive("rate", 0), "^the rate must be a positive number, not 0$"),
        (lambda: positive("rate", float("nan")), "not nan$"),
        (lambda: positive("rate", 10**400), "^the rate must be a positive number, not 1000"),
        (lambda: nonnegative("penalty", -1e-9), "^the penalty must be 0 or more, not -1e-09$"),
        (lambda: nonnegative("penalty", float("inf")), "^the penalty must be 0 or more, not inf$"),
        (lambda: fraction("part", 1), "^the part must be at least 0 and below 1, not 1$"),
        (lambda: fraction("part", None), "not None$"),
        (lambda: one_of("colour", "x", ("red", "blue")), "^no colour is called 'x': use red or blue$"),
        (lambda: one_of("colour", 3, ("red",)), "^no colour is called 3: use red$"),
        (
            lambda: one_of("colour", "Gren", ("red", "green", "blue")),
            r"^no colour is called 'Gren': use one of red, green, blue; did you mean 'green'\?$",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_a_line(check: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check()


def test_a_name_like_none_of_the_choices_gets_no_suggestion() -> None:
    assert suggestion("zzz", ("relu", "tanh")) == ""
