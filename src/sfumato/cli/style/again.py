"""`sfumato style --settings-of`: what a command does not say, taken from a painted file."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sfumato.errors import InputError
from sfumato.paths import user_path
from sfumato.style.painted import CONTENT, CONTENT_MASK, MASK, START, STYLE, Painted, found, read_painted


class Asked(NamedTuple):
    """Pictures and settings as the command line takes them.

    Attributes:
        pictures: The arguments.
        styles: Values of --style; None where none is given.
        masks: Values of --mask.
        settings: Values of settings by name.
    """

    pictures: list[str]
    styles: list[str] | None
    masks: list[str]
    settings: Mapping[str, Any]


def filled(asked: Asked, path: str, given: Collection[str]) -> Asked:
    """Fill in from a painted file what is not asked for.

    Its pictures are looked for where the command runs and beside the painted file, by name and content.

    Args:
        asked: What the command line names.
        path: The painted file.
        given: Names of the options that are given.

    Raises:
        FileError, InputError: if it cannot be read, has no settings, or one of its pictures is not named and not there.
    """
    painted = read_painted(path)
    folders = [Path(), Path(user_path(path)).parent]
    contents = asked.pictures or found(painted.of_role(CONTENT)[:1], folders)
    if not contents:
        raise InputError(f"{path}: does not tell what it was painted from: name the content and the style")
    short = asked.styles is None and len(contents) > 1
    styles, masks = asked.styles, asked.masks
    if styles is None and not short:
        styles = _styles(painted, folders, path)
        masks = masks or _masks(painted, folders)
    settings = dict(painted.settings)
    for role in (START, CONTENT_MASK):
        if role not in given and painted.of_role(role):
            (settings[role],) = found(painted.of_role(role), folders)
    return Asked(contents, styles, masks, settings)


def _styles(painted: Painted, folders: list[Path], path: str) -> list[str]:
    """The styles as values of --style.

    Raises:
        InputError: if one is not there.
    """
    names = found(painted.of_role(STYLE), folders)
    if not names or len(names) != len(painted.shares):
        raise InputError(f"{path}: does not tell all of its styles: name them with --style")
    return [f"{name}:{share!r}" for name, share in zip(names, painted.shares, strict=True)]


def _masks(painted: Painted, folders: list[Path]) -> list[str]:
    """The masks as values of --mask; a style is numbered among those that are told."""
    numbers = [own.number for own in painted.of_role(STYLE)]
    masks = painted.of_role(MASK)
    names = found(masks, folders)
    return [f"{name}={numbers.index(own.number) + 1}" for name, own in zip(names, masks, strict=True)]
