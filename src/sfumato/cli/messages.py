"""Messages of the library in the words of the command line: `overwrite=True` in Python is --overwrite here."""

import functools
import re

import typer

KEYWORD = re.compile(
    r"""(?<![\w.'"/\\-])                                   # begins a word that is neither quoted nor part of a path
        ([a-z][a-z0-9_]*)=
        (?:True\b | \.\.\. | '([^']*)' | "([^"]*)" | (-?\d+(?:\.\d+)?(?:e-?\d+)?)(?!\.?\w) | (?=[\s,;:)]|$))""",
    re.VERBOSE,
)
"""A keyword argument with its value, if that is given: `dropout=0`, `schedule="cosine"`, `overwrite=True`, `l2=...`."""

SHOWN = re.compile(r"([A-Z]\w*\([^()]*\))")
"""An object as Python shows it."""


def in_options(message: str) -> str:
    """The message with options of the command line in place of Python's keyword arguments.

    >>> in_options("leave out dropout (dropout=0), or start anew with overwrite=True")
    'leave out dropout (--dropout 0), or start anew with --overwrite'
    >>> in_options('add decay (schedule="exponential"), or stop there (early_stopping=...)')
    'add decay (--schedule exponential), or stop there (--early-stopping)'

    What is no option of any command stays as it is.
    """
    parts = SHOWN.split(message)  # what is shown as Python, such as Adam(beta1=0.9), stays as it is
    return "".join(part if number % 2 else KEYWORD.sub(_option, part) for number, part in enumerate(parts))


def _option(found: re.Match[str]) -> str:
    option = f"--{found[1].replace('_', '-')}"
    if option not in _options():
        return found[0]
    value = found[2] or found[3] or found[4]
    return f"{option} {value}" if value else option


@functools.cache
def _options() -> frozenset[str]:
    """The long options of all commands."""
    from sfumato.cli import app  # which imports this module

    commands = typer.main.get_group(app).commands.values()
    return frozenset(option for command in commands for parameter in command.params for option in parameter.opts)
