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

SHOWN = re.compile(r"[A-Z]\w*\(")
"""The beginning of an object as Python shows it."""


def in_options(message: str) -> str:
    """The message with options of the command line in place of Python's keyword arguments.

    >>> in_options("leave out dropout (dropout=0), or start anew with overwrite=True")
    'leave out dropout (--dropout 0), or start anew with --overwrite'
    >>> in_options('add decay (schedule="exponential"), or stop there (early_stopping=...)')
    'add decay (--schedule exponential), or stop there (--early-stopping)'

    An object as Python shows it stays as it is, and so does what is no option of any command.

    >>> in_options("began with Network([Dense(units=4, init=He())], (2,)); use overwrite=True")
    'began with Network([Dense(units=4, init=He())], (2,)); use --overwrite'
    """
    said, at = "", 0
    for begun in SHOWN.finditer(message):
        if begun.start() >= at:
            end = _closed(message, begun.end())
            said += KEYWORD.sub(_option, message[at : begun.start()]) + message[begun.start() : end]
            at = end
    return said + KEYWORD.sub(_option, message[at:])


def _closed(message: str, start: int) -> int:
    """The place behind the parenthesis that closes the one before `start`."""
    depth = 1
    for place, sign in enumerate(message[start:], start + 1):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if not depth:
            return place
    return len(message)


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
