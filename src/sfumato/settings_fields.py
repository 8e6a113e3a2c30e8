"""Fields of settings, each said once: docstrings, options of the command line and tables come from there."""

import textwrap
from collections.abc import Iterable
from dataclasses import fields
from typing import Any


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
