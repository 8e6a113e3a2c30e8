"""The words of a command line, before they are parsed."""

import re
from itertools import pairwise

from sfumato.paths import user_path

OPTION_WITH_VALUE = re.compile(r"--[a-z][a-z-]*=|-[a-z](?=~)")
"""An option that its value follows without a space; of the short ones, those whose value is a path."""


DATABASE = "--storage"
"""The option that takes an address: a search may keep its trials in a database."""


def with_user_paths(arguments: list[str]) -> list[str]:
    """Expand `~` in the arguments of a command.

    >>> with_user_paths(["content.png", "--steps=30", "--storage", "sqlite:///trials.db"])
    ['content.png', '--steps=30', '--storage', 'sqlite:///trials.db']

    Raises:
        InputError: for an address.
    """
    return [
        argument if DATABASE in (option, argument.partition("=")[0]) else with_user_path(argument)
        for option, argument in pairwise(["", *arguments])
    ]


def with_user_path(argument: str) -> str:
    """Expand `~` in an argument, where the shell has left it: in quotes, or behind an option and "=".

    >>> with_user_path("--steps=30"), with_user_path("content.png")
    ('--steps=30', 'content.png')

    Raises:
        InputError: for an address.
    """
    option = OPTION_WITH_VALUE.match(argument)
    at = option.end() if option else 0
    return argument[:at] + user_path(argument[at:])
