"""Checks of arguments, with error messages of one line, the same for Python and the command line."""

import math
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

from sfumato.errors import InputError

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
"""Bytes in each unit of memory, by its name in capitals."""


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Find the choice most like `name`, ignoring case; None where no choice is similar."""
    by_lower = {choice.lower(): choice for choice in choices}
    matches = get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def suggestion(name: str, choices: Iterable[str]) -> str:
    """Return `"did you mean 'x'? "` for the choice most like `name`; else an empty text."""
    found = nearest(name, choices)
    return f"did you mean {found!r}? " if found else ""


def one_of(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return the value if it is one of the known names; else raise an `InputError`.

    >>> one_of("activation", "rleu", ("relu", "leaky-relu", "tanh"))
    Traceback (most recent call last):
    sfumato.errors.InputError: no activation is called 'rleu': use one of relu, leaky-relu, tanh; did you mean 'relu'?

    Args:
        name: What is chosen, in the singular.
        value: The choice.
        choices: The names that there are, such as the keys of a registry.

    Raises:
        InputError: if it is none of them.
    """
    names = tuple(choices)
    if isinstance(value, str) and value in names:
        return value
    listed = " or ".join(names) if len(names) <= 2 else f"one of {', '.join(names)}"
    said = suggestion(value, names).rstrip() if isinstance(value, str) else ""
    raise InputError(f"no {name} is called {value!r}: use {listed}{said and '; ' + said}")


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return the value as an int, if it is a whole number in its range: 3, a NumPy integer, but neither 3.0 nor True.

    Raises:
        InputError: if it is not.
    """
    # Comparing before the type is known could raise for a text; a bool is an int that nobody means as a number.
    fits = isinstance(value, Integral) and not isinstance(value, bool)
    if not (fits and value >= least and (most is None or value <= most)):
        upper = "" if most is None else f" to {most}"
        raise InputError(f"the {name} must be a whole number from {least}{upper}, not {_shown(value)}")
    return int(value)


def positive(name: str, value: Any) -> float:
    """Return the value as a float, if it is a finite number above 0.

    Raises:
        InputError: if it is not.
    """
    if not (_is_finite(value) and value > 0):
        raise InputError(f"the {name} must be a positive number, not {_shown(value)}")
    return float(value)


def nonnegative(name: str, value: Any) -> float:
    """Return the value as a float, if it is a finite number of 0 or more.

    Raises:
        InputError: if it is not.
    """
    if not (_is_finite(value) and value >= 0):
        raise InputError(f"the {name} must be 0 or more, not {_shown(value)}")
    return float(value)


def fraction(name: str, value: Any) -> float:
    """Return the value as a float, if it is a number of at least 0 and below 1.

    Raises:
        InputError: if it is not.
    """
    if not (_is_finite(value) and 0 <= value < 1):
        raise InputError(f"the {name} must be at least 0 and below 1, not {_shown(value)}")
    return float(value)


def function_or_none(name: str, value: Any) -> None:
    """Refuse what is neither a function nor None.

    Raises:
        InputError: if it cannot be called.
    """
    if value is not None and not callable(value):
        raise InputError(f"{name}=... takes a function, not {_shown(value)}")


def memory_size(name: str, text: str) -> int:
    """Parse a number of bytes with its unit.

    >>> memory_size("memory", "2GB"), memory_size("memory", "1.5GiB")
    (2000000000, 1610612736)

    Raises:
        InputError: if it is not such a number, or less than one byte.
    """
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})\s*([A-Za-z]*)", text.strip(), re.ASCII)
    unit = UNITS.get(found[2].upper()) if found else None
    if found is None or unit is None or float(found[1]) * unit < 1:
        raise InputError(f"{name} takes a number of bytes such as 2GB, 512MB or 1.5GiB; not {text!r}")
    return math.floor(float(found[1]) * unit)


def bytes_as_text(count: float) -> str:
    """Format a number of bytes for people, rounded up so that the amount suffices."""
    if count >= 1e9:
        tenths = math.ceil(count / 1e8)
        return f"{tenths / 10:,.{0 if tenths >= 1000 else 1}f} GB"
    return f"{math.ceil(count / 1e6)} MB"


def variable(name: str, otherwise: int, least: int = 0) -> int:
    """Return a whole number from an environment variable, such as those that torchrun sets.

    Args:
        name: Of the variable.
        otherwise: The number where it is not set.
        least: The smallest number that it may be.

    Raises:
        InputError: if it is set to something else.
    """
    text = os.environ.get(name, "")
    if not text:
        return otherwise
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) < least:
        raise InputError(f"the environment variable {name} is {text!r}, and not a whole number from {least}; unset it")
    return int(text)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond every float, 10^400
        return False
