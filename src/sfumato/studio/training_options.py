"""The settings of training that the studio's form has, made from the fields of `TrainingSettings`."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from sfumato.studio.options import Option, read_values
from sfumato.studio.wording import FieldError, label_of
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

SEED = Option("seed", "whole", 0, (), "Seed", "Of weights, order, dropout and splits.", "", "Run")


def _options() -> dict[str, Option]:
    hints, made = get_type_hints(TrainingSettings), {}
    for own in fields(TrainingSettings):
        if own.name in LEFT_OUT:
            continue
        said = own.metadata
        kind = "choice" if said["choices"] else KINDS.get(own.name) or _plain_kind(hints[own.name])
        words = (label_of(own.name), said["help"], said["shown"], said["panel"])
        made[own.name] = Option(own.name, kind, own.default, said["choices"], *words)
    return {**made, SEED.name: SEED}


def _plain_kind(hint: Any) -> str:
    return {bool: "flag", int | None: "whole"}.get(hint, "number")


TRAINING_OPTIONS = _options()
"""The form's settings by name."""


def read_training_settings(values: Any) -> dict[str, Any]:
    """Read the settings of training from JSON.

    Raises:
        InputError: for a setting that there is not; for a value of another type it is a `FieldError`.
            `TrainingSettings` checks the rest.
    """
    settings = read_values(values, TRAINING_OPTIONS)
    for name, value in settings.items():
        own = TRAINING_OPTIONS[name]
        if own.kind == "batch" and isinstance(value, str) and value != "full":
            raise FieldError(f"{own.label} takes a whole number of at least 1, or full; not {value!r:.50}", name)
        if own.kind == "names":
            settings[name] = [str(one) for one in value]
    if settings.get("seed", 0) not in range(2**64):
        raise FieldError("Seed takes a whole number of 0 or more, below 2^64", "seed")
    return settings


WORDS: Mapping[str, str] = {
    "there is no column": "target",
    "in the encoding ": "encoding",
    "there is no encoding ": "encoding",
    "check its quotation marks": "separator",
}
"""Words of messages that are about a setting without its name."""

CALLED: Mapping[str, str] = {
    **{name.replace("_", " "): name for name in TRAINING_OPTIONS},
    "number of epochs": "epochs",
    "patience of early stopping": "early_stopping",
    "probability of dropping": "dropout",
    "scale of normal weights": "init_scale",
    "scale of its own": "init_scale",
    "form": "momentum_form",
}
"""Settings by what messages call them that say what one must be, or that there is none of it."""

SAID = re.compile(r"the ([\w ]+) must be |(early stopping) needs | has no ([\w ]+?)[:;]", re.ASCII)
"""The part of such a message that has the setting in it."""


def field_of(message: str) -> str | None:
    """Name of the setting that a message is about: the first that it names as in `batch_size=...`, or in words."""
    places = {message.find(f"{name}="): name for name in TRAINING_OPTIONS if f"{name}=" in message}
    if places:
        return places[min(places)]
    called = (CALLED.get(found[found.lastindex or 0]) for found in SAID.finditer(message))
    worded = (name for words, name in WORDS.items() if words in message)
    return next((name for name in (*called, *worded) if name), None)
