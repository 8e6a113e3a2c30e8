"""Checks of the fields of a state, whose errors name the field."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from sfumato.checks import suggestion
from sfumato.errors import InputError


class FieldError(InputError):
    """A field of a state, or of a command, cannot be used as it is.

    Args:
        text: What is wrong, in a line.
        field: The field, such as "network.hidden"; None where it is none.
    """

    def __init__(self, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.field = field


@contextlib.contextmanager
def naming(field: str) -> Iterator[None]:
    """Name the field in errors that come from within."""
    try:
        yield
    except FieldError:
        raise
    except InputError as error:
        raise FieldError(str(error), field) from error


def filled_in(values: Any, name: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Fill an object in with its defaults, which null stands for too.

    Raises:
        FieldError: if it is no object, or has a field that there is not.
    """
    where = name or "state"
    if values is None:
        return dict(defaults)
    if not isinstance(values, dict):
        raise FieldError(f"{where} must be an object of names and values", name or None)
    for key in values:
        if key not in defaults:
            path = f"{name}.{key}" if name else str(key)
            said = suggestion(str(key), defaults)
            raise FieldError(f"{where} has no {str(key)[:50]!r}; {said}it has {', '.join(defaults)}", path[:80])
    return {key: default if values.get(key) is None else values[key] for key, default in defaults.items()}


def number_in(name: str, value: Any, least: float, most: float) -> float:
    """Return a number in its range as a float.

    Raises:
        InputError: if it is none.
    """
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not (fits and least <= value <= most):
        raise InputError(f"the {name} must be a number from {least:g} to {most:g}, not {str(value)[:50]}")
    return float(value)
