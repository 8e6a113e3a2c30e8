"""Parsing of the command line's options: names and weights of any command, and the settings of training."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sfumato.data.options import split_names
from sfumato.engine import PRECISIONS, Engine, choose_engine
from sfumato.errors import InputError
from sfumato.training.preparation import MOST_UNITS
from sfumato.training.settings import TrainingSettings

WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")
"""Whole numbers of at most 18 digits: Python itself refuses to convert thousands of digits."""


def parse_settings(values: Mapping[str, Any]) -> TrainingSettings:
    """Parse the options into settings.

    Args:
        values: The value of each option by name; of those that Typer has no type for, the text.

    Raises:
        InputError: for a text that means nothing.
    """
    parsers: dict[str, Callable[[str], Any]] = {
        "hidden": parse_hidden,
        "validation": partial(parse_part, "--validation"),
        "test": partial(parse_part, "--test"),
        "class_weight": parse_class_weight,
        "batch_size": parse_batch_size,
        **dict.fromkeys(("drop", "text", "number", "missing"), split_names),
    }
    read: dict[str, Any] = {
        name: parsers[name](value) if name in parsers and value is not None else value for name, value in values.items()
    }
    return TrainingSettings(**read)


def parse_hidden(text: str) -> tuple[int, ...]:
    """Parse the units of hidden layers: "15,9", or "none" for no hidden layer."""
    if text.strip().lower() == "none":
        return ()
    try:
        units = tuple(int(part) for part in text.split(","))
    except ValueError:
        units = (0,)
    if min(units) < 1 or max(units) > MOST_UNITS:
        raise InputError(
            f"--hidden takes whole numbers of units, 1 to {MOST_UNITS}, such as 15,9, or none; not {text!r}"
        )
    return units


def parse_number(text: str) -> float | str:
    """Parse a number; any other text is returned as it is, such as the name of a file to hold out."""
    try:
        return float(text)
    except ValueError:
        return text


def parse_part(option: str, text: str) -> float | str:
    """Parse what is held out: a fraction, or a name.

    Raises:
        InputError: if it is empty, as that of a variable without a value in a script.
    """
    if not text.strip():
        raise InputError(f"{option} is empty: give a fraction or a file, or leave it out")
    return parse_number(text)


def parse_class_weight(text: str) -> str | dict[str, float | str]:
    """Parse the weights of classes: "balanced" or "NAME=WEIGHT,..."; a weight that is no number is refused later."""
    if text == "balanced":
        return text
    pairs = [part.rpartition("=") for part in text.split(",")]
    return {name: parse_number(number) for name, _, number in pairs}


def parse_batch_size(text: str) -> int | str:
    """Parse a number of examples, or "full"."""
    if text == "full":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"--batch-size takes a whole number of at least 1, or full; not {text!r}")
    return int(text)


def asked_engine(compute: Mapping[str, Any], precisions: tuple[str, ...] = PRECISIONS) -> Engine | None:
    """Choose the engine of the three options; None where none is given, so that a run which is resumed keeps its own.

    Raises:
        InputError: if there is no such backend, device or precision here.
    """
    given = {name: compute[name] for name in ("backend", "device", "precision")}
    return choose_engine(**given, precisions=precisions) if any(given.values()) else None


def parse_name(what: str, text: str) -> str:
    """Parse a file's name.

    Raises:
        InputError: if it is empty, as that of a variable without a value in a script.
    """
    if not text:
        raise InputError(f"{what} is empty: name a file")
    return text


def split_weight(text: str) -> tuple[str, float]:
    """Split a text into a name and the weight after its last colon.

    Where no number follows, the colon is a part of the name, as in a path with a drive letter or in sfumato:NAME, and
    the weight is 1.
    """
    name, colon, weight = text.rpartition(":")
    try:
        return (name, float(weight)) if colon else (text, 1.0)
    except ValueError:
        return text, 1.0


def parse_weighted(option: str, texts: list[str]) -> list[tuple[str, float]]:
    """Parse names of files with their weights, see `split_weight`; a file that is there is named by its whole text.

    Raises:
        InputError: if a name is empty.
    """
    pairs = [(text, 1.0) if Path(text).exists() else split_weight(text) for text in texts]
    return [(parse_name(option, name), weight) for name, weight in pairs]
