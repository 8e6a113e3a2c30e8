"""Fields of settings, each said once, from which docstrings, options and tables come; and presets of settings."""

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from sfumato.checks import nearest
from sfumato.errors import InputError


def described(
    help: str,
    *,
    python: str = "",
    choices: Iterable[str] = (),
    metavar: str | None = None,
    shown: str = "",
    remark: str = "",
) -> dict[str, Any]:
    """Metadata of a setting's field: its choices, help and remarks.

    Args:
        help: Its meaning, as the command line's help says it.
        python: The same in the docstring, where there is more to be said in Python.
        choices: The names that it can have: the keys of a registry.
        metavar: What its option takes, if that is neither a choice nor a plain number.
        shown: The default in the help, where that is not a value.
        remark: A few words in the README's table.
    """
    known = {"help": help, "python": python or help, "choices": tuple(choices), "metavar": metavar, "shown": shown}
    return {**known, "remark": remark}


def documented(settings: Any) -> str:
    """Docstring of a class of settings: its own summary, with its fields as arguments."""
    lines = [f"{setting.name}: {setting.metadata['python']}" for setting in fields(settings)]
    wrapped = [textwrap.fill(line, 108, subsequent_indent="    ") for line in lines]
    arguments = textwrap.indent("\n".join(wrapped), "    ")
    return f"{settings.__doc__}\n\nArgs:\n{arguments}\n\nRaises:\n    InputError: for a setting out of range.\n"


class Preset(NamedTuple):
    """Settings for a purpose.

    Attributes:
        purpose: What it is for, in a sentence.
        settings: Fields that differ from their defaults.
    """

    purpose: str
    settings: dict[str, Any]


def preset_settings(name: str, presets: Mapping[str, Preset]) -> dict[str, Any]:
    """Settings of a preset.

    Args:
        name: Its name.
        presets: Those that there are.

    Raises:
        InputError: if there is none of that name, with the nearest one.
    """
    if name not in presets:
        found = nearest(name, presets)
        hint = f"did you mean {found}?" if found else f"use one of {', '.join(presets)}"
        raise InputError(f"no preset is called {name!r}: {hint}")
    return presets[name].settings
