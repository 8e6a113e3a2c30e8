"""The settings that the studio's forms have; those of painting are made from the fields of `StyleSettings`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, NamedTuple, get_type_hints

from sfumato.checks import suggestion
from sfumato.errors import InputError
from sfumato.studio.wording import FieldError, label_of
from sfumato.style.settings import LEARNING_RATES, STARTS, StyleSettings

LEFT_OUT = ("content_mask", "vgg_weights", "engine")
"""Settings that the form lacks: files, of which the studio takes none by name, and the engine, which it chooses."""

CHOICES: Mapping[str, tuple[str, ...]] = {"start": STARTS, "optimizer": tuple(LEARNING_RATES)}
"""Choices of settings that take something else, too, in Python."""

TYPES: Mapping[str, tuple[type, ...]] = {
    "choice": (str,),
    "flag": (bool,),
    "whole": (int,),
    "number": (int, float),
    "size": (int, str),
    "memory": (int, str),
    "weights": (dict,),
    "text": (str,),
    "names": (list,),
    "units": (list,),
    "class weights": (str, dict),
    "batch": (int, str),
}
"""Types that a value may have in JSON, by the kind of the setting."""


class Option(NamedTuple):
    """A setting as a form shows it.

    Attributes:
        name: Of the field, and of the command line's option.
        kind: One of `TYPES`.
        default: Its value where nothing is given.
        choices: Those of a choice.
        label: What the form calls it.
        help: Its meaning.
        shown: The default in words, where that is not a value.
        panel: The group that it stands in; empty for none.
    """

    name: str
    kind: str
    default: Any
    choices: tuple[str, ...]
    label: str
    help: str
    shown: str
    panel: str = ""


def _options() -> dict[str, Option]:
    defaults, hints, made = StyleSettings(), get_type_hints(StyleSettings), {}
    kinds: dict[Any, str] = {bool: "flag", int: "whole", float: "number", int | None: "whole", float | None: "number"}
    for own in fields(StyleSettings):
        name, said, default = own.name, own.metadata, getattr(defaults, own.name)
        if name in LEFT_OUT:
            continue
        choices = said["choices"] or CHOICES.get(name, ())
        kind = "choice" if choices else "weights" if isinstance(default, Mapping) else kinds.get(hints[name], str(name))
        made[name] = Option(name, kind, default, choices, label_of(name), said["help"], said["shown"])
    return made


OPTIONS = _options()
"""The form's settings by name."""


def read_values(
    values: Any, options: Mapping[str, Option], is_choice: Callable[[Option, Any], object] = lambda own, value: False
) -> dict[str, Any]:
    """Read the values of a form's settings from JSON; those that are the default, or null, are left out.

    Args:
        values: By name.
        options: The form's settings by name.
        is_choice: Tells whether a setting may be this, too, which is none of its choices.

    Raises:
        InputError: for a setting that there is not; for a value of another type it is a `FieldError`.
    """
    if not isinstance(values, dict):
        raise InputError("the settings must be an object of names and values")
    settings = {}
    for name, value in values.items():
        if name not in options:
            raise InputError(f"there is no setting {name!r:.50}; {suggestion(name, options)}".rstrip("; "))
        own = options[name]
        if value is None or value == own.default:
            continue
        if not isinstance(value, TYPES[own.kind]) or (isinstance(value, bool) and own.kind != "flag"):
            raise FieldError(f"{own.label} cannot be {json.dumps(value)[:50]}", name)
        if own.choices and value not in own.choices and not is_choice(own, value):
            raise FieldError(f"{own.label} is one of {', '.join(own.choices)}; not {value!r:.50}", name)
        settings[name] = value
    return settings


def read_settings(values: Any, is_picture: Callable[[str], object]) -> dict[str, Any]:
    """Read the settings of painting from JSON.

    Args:
        values: By name.
        is_picture: Tells whether a text is the id of a picture, which `start` may be.

    Raises:
        InputError: for a setting that there is not; for a value that cannot be used it is a `FieldError`.
    """
    settings = read_values(values, OPTIONS, lambda own, value: own.name == "start" and is_picture(str(value)))
    for name, value in settings.items():
        check_alone(StyleSettings, name, value)
    return settings


def check_alone(make: Callable[..., object], name: str, value: Any) -> None:
    """Refuse what a setting cannot be whatever the others are.

    Args:
        make: Makes the settings of this one.
        name: Of the setting.
        value: What it is given.

    Raises:
        FieldError: for such a value.
    """
    try:
        make(**{name: value})
    except OverflowError:
        raise FieldError(f"{label_of(name)} is too large", name) from None
    except InputError as error:
        raise FieldError(str(error), name) from None


def form_settings(told: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the form among those of a painted file."""
    settings: dict[str, Any] = {}
    for name in OPTIONS.keys() & told.keys():
        try:
            settings |= read_settings({name: told[name]}, lambda _: False)
        except InputError:  # as that of a later version may be
            continue
    return {name: value for name, value in settings.items() if not _follows(name, value)}


def _follows(name: str, value: Any) -> bool:
    """Whether a value is what the default means: files have weights of layers that add up to one."""
    default = OPTIONS[name].default
    if OPTIONS[name].kind != "weights":
        return False
    return bool(value == {layer: weight / sum(default.values()) for layer, weight in default.items()})
