"""The settings of training that the studio's form has, made from the fields of `TrainingSettings`."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from sfumato.checks import suggestion
from sfumato.errors import InputError
from sfumato.studio.options import Option
from sfumato.training.settings import TrainingSettings

LEFT_OUT = ("stream", "architecture")
"""Settings that the form lacks: those of tables larger than what is taken here, and of images."""

KINDS: Mapping[str, str] = {
    "target": "text",
    "separator": "text",
    "encoding": "text",
    "drop": "names",
    "text": "names",
    "number": "names",
    "missing": "names",
    "validation": "number",
    "test": "number",
    "hidden": "units",
    "class_weight": "class weights",
    "batch_size": "batch",
}
"""Kinds of settings whose type in Python takes more than the form does, such as files and functions."""

TYPES: Mapping[str, tuple[type, ...]] = {
    "choice": (str,),
    "flag": (bool,),
    "whole": (int,),
    "number": (int, float),
    "text": (str,),
    "names": (list,),
    "units": (list,),
    "class weights": (str, dict),
    "batch": (int, str),
}
"""Types that a value may have in JSON, by the kind of the setting."""

SEED = Option("seed", "whole", 0, (), "Of weights, order, dropout and splits.", "", "Run")


def _options() -> dict[str, Option]:
    hints, made = get_type_hints(TrainingSettings), {}
    for own in fields(TrainingSettings):
        if own.name in LEFT_OUT:
            continue
        said = own.metadata
        kind = "choice" if said["choices"] else KINDS.get(own.name) or _plain_kind(hints[own.name])
        made[own.name] = Option(
            own.name, kind, own.default, said["choices"], said["help"], said["shown"], said["panel"]
        )
    return {**made, SEED.name: SEED}


def _plain_kind(hint: Any) -> str:
    return {bool: "flag", int | None: "whole"}.get(hint, "number")


TRAINING_OPTIONS = _options()
"""The form's settings by name."""


def read_training_settings(values: Any) -> dict[str, Any]:
    """Read settings from JSON; those that have their default, or null, are left out.

    Raises:
        InputError: for a setting that there is not, or a value of another type. `TrainingSettings` checks the rest.
    """
    if not isinstance(values, dict):
        raise InputError("the settings must be an object of names and values")
    settings = {}
    for name, value in values.items():
        if name not in TRAINING_OPTIONS:
            raise InputError(f"there is no setting {name!r:.50}; {suggestion(name, TRAINING_OPTIONS)}".rstrip("; "))
        own = TRAINING_OPTIONS[name]
        if value is None or value == own.default:
            continue
        if not isinstance(value, TYPES[own.kind]) or (isinstance(value, bool) and own.kind != "flag"):
            raise InputError(f"{name}=... cannot be {json.dumps(value)[:50]}")
        if own.choices and value not in own.choices:
            raise InputError(f"{name}=... is one of {', '.join(own.choices)}; not {value!r:.50}")
        if own.kind == "batch" and isinstance(value, str) and value != "full":
            raise InputError(f"{name}=... takes a whole number of at least 1, or full; not {value!r:.50}")
        settings[name] = [str(one) for one in value] if isinstance(value, list) and own.kind == "names" else value
    if settings.get("seed", 0) not in range(2**64):
        raise InputError("seed=... takes a whole number of 0 or more, below 2^64")
    return settings


def field_of(message: str) -> str | None:
    """Name of the setting that a message is about: the first that it names as in `batch_size=...`; None for none."""
    places = {message.find(f"{name}="): name for name in TRAINING_OPTIONS if f"{name}=" in message}
    return places[min(places)] if places else "target" if "there is no column" in message else None
