"""Painted pictures told by their own files: the settings in their metadata, and the pictures that they came from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from sfumato.errors import InputError
from sfumato.pictures.builtin import PREFIX, picture_path
from sfumato.pictures.files import read_description
from sfumato.style.settings import LEARNING_RATES, Picture, StyleSettings

CONTENT, STYLE, MASK, START, CONTENT_MASK = ROLES = ("content", "style", "mask", "start", "content_mask")

NOT_TOLD = ("engine", "vgg_weights")
"""Settings that a file does not bring: the engine is the machine's, and of the network's weights only the name is told.
The built-in weights and those of Keras are brought."""


class Input(NamedTuple):
    """A picture that a painting came from.

    Attributes:
        role: One of `ROLES`.
        number: Of the style, or of the style that a mask is for, from 1; 1 for all others.
        name: The file's name without its folder, or "sfumato:NAME" of a built-in one.
        sha256: Digest of the file, 64 digits.
    """

    role: str
    number: int
    name: str
    sha256: str


class Painted(NamedTuple):
    """A painted picture's settings and pictures.

    Attributes:
        settings: By the names of `StyleSettings`, without those that are pictures.
        shares: Of each style.
        inputs: The pictures; empty in files of earlier versions.
    """

    settings: dict[str, Any]
    shares: list[float]
    inputs: list[Input]

    def of_role(self, role: str) -> list[Input]:
        """The pictures of a role, in order."""
        return sorted((own for own in self.inputs if own.role == role), key=lambda own: own.number)


def input_of(role: str, number: int, picture: Picture) -> list[Input]:
    """A picture as an input: nothing for one that is no file."""
    if not isinstance(picture, str | Path):
        return []
    name = str(picture) if str(picture).startswith(PREFIX) else Path(picture).name
    return [Input(role, number, name, digest_of(picture))]


def digest_of(picture: str | Path) -> str:
    """SHA-256 of a picture's file, 64 digits."""
    with picture_path(picture).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_painted(path: str | Path) -> Painted:
    """Read what a painted file tells.

    Raises:
        FileError: if it cannot be read, or is no picture.
        InputError: if it tells nothing of the kind.
    """
    painted = painted_from(read_description(path))
    if painted is None:
        raise InputError(f"{path}: has no settings of a painting in it; name a file that `sfumato style` has written")
    return painted


def painted_from(description: str | None) -> Painted | None:
    """Read the description of a painted file; None for any other file."""
    try:
        told = json.loads(description or "null")
        if not isinstance(told, dict) or not {"style_weight", "content_weight", "pictures"} <= told.keys():
            return None
        inputs = [_input(own) for own in told.get("inputs", [])]
        shares = [float(share) for share in told.get("style_shares", [])]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    settings = {own.name: told[own.name] for own in fields(StyleSettings) if own.name in told}
    if settings.get("learning_rate") == LEARNING_RATES.get(str(settings.get("optimizer"))):
        settings.pop("learning_rate", None)  # as it follows from the optimizer, which may be another next time
    pictured = {name for name in (START, CONTENT_MASK) if settings.get(name) == "a picture"}
    left_out = {*NOT_TOLD, *pictured} - ({"vgg_weights"} if told.get("vgg_weights") in ("builtin", "keras") else set())
    return Painted({name: value for name, value in settings.items() if name not in left_out}, shares, inputs)


def _input(told: Any) -> Input:
    own = Input(str(told["role"]), int(told["number"]), str(told["name"]), str(told["sha256"]))
    if own.role not in ROLES:
        raise ValueError(f"there is no role {own.role}")
    return own


def found(wanted: Sequence[Input], folders: Sequence[Path]) -> list[str]:
    """Files of inputs, by name and digest: each built in, or in one of the folders.

    Raises:
        InputError: for one that is in none, with the name that it had.
    """
    return [_found(own, folders) for own in wanted]


def _found(own: Input, folders: Sequence[Path]) -> str:
    if own.name.startswith(PREFIX):
        return own.name
    for folder in folders:
        path = folder / Path(own.name).name
        if path.is_file() and digest_of(path) == own.sha256:
            return str(path)
    raise InputError(
        f"the {own.role.replace('_', ' ')} was {own.name}, which lies neither here nor beside the painted file: name it"
    )
