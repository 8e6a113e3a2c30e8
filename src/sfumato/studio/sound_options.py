"""The settings of sounds that the studio's form has, made from the fields of `SoundSettings`."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from sfumato.optimizers import OPTIMIZERS
from sfumato.sound.settings import STARTS, SoundSettings
from sfumato.studio.options import Option, check_alone, read_values
from sfumato.studio.wording import label_of

LEFT_OUT = ("engine",)
"""Settings that the form lacks: the engine, which the studio chooses."""

CHOICES: Mapping[str, tuple[str, ...]] = {"start": STARTS, "optimizer": tuple(OPTIMIZERS)}
"""Choices of settings that take something else, too, in Python."""

LABELS = {"style_scale": "Style scale", "steps": "Steps"}
"""Labels that differ from those of painting."""

PANELS: Mapping[str, tuple[str, ...]] = {
    "Sounds": ("begin", "seconds", "style_begin", "style_seconds", "sample_rate", "start", "channels"),
    "Objective": (*("content_weight", "style_weight", "keep", "rhythm_weight", "loudness_weight", "style_scale"),),
}
"""The groups that settings stand in; all others are of the run."""


def _options() -> dict[str, Option]:
    hints, made = get_type_hints(SoundSettings), {}
    kinds: dict[Any, str] = {int: "whole", float: "number", float | None: "number"}
    for own in fields(SoundSettings):
        name, said = own.name, own.metadata
        if name in LEFT_OUT:
            continue
        choices = said["choices"] or CHOICES.get(name, ())
        kind = "choice" if choices else "memory" if name == "memory" else kinds.get(hints[name], "size")
        panel = next((panel for panel, names in PANELS.items() if name in names), "Run")
        label = LABELS.get(name, label_of(name))
        made[name] = Option(name, kind, own.default, choices, label, said["help"], said["shown"], panel)
    return made


SOUND_OPTIONS = _options()
"""The form's settings by name."""


def read_sound_settings(values: Any) -> dict[str, Any]:
    """Read the settings of a sound from JSON.

    Raises:
        InputError: for a setting that there is not; for a value that cannot be used it is a `FieldError`.
    """
    settings = read_values(values, SOUND_OPTIONS)
    for name, value in settings.items():
        check_alone(SoundSettings, name, value)
    return settings


def field_of_memory(message: str) -> str:
    """Name of the setting that a message about too little memory advises on, as in `seconds=...`, or the memory's."""
    return next((name for name in ("style_seconds", "seconds") if f"{name}=" in message), "memory")
