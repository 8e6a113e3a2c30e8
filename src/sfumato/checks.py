"""Checks of settings, with errors of one line."""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral
from typing import Any

from sfumato.errors import InputError


def suggestion(name: str, choices: Iterable[str]) -> str:
    """`"did you mean 'x'? "` for the choice most like `name`, upper and lower case aside; else an empty text."""
    by_lower = {choice.lower(): choice for choice in choices}
    matches = get_close_matches(name.lower(), by_lower, n=1)
    return f"did you mean {by_lower[matches[0]]!r}? " if matches else ""


def check_whole(name: str, value: Any, least: int) -> None:
    """Check a setting that counts something.

    Raises:
        InputError: if it is no whole number of at least `least`.
    """
    if not isinstance(value, Integral) or value < least:
        raise InputError(f"the {name} must be a whole number from {least}, not {value!r}")
