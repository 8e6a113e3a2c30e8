"""Parsing of the options of `sfumato style` that are text."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal

from sfumato.checks import memory_size
from sfumato.cli.parsing import WHOLE_NUMBER, asked_engine, parse_name, parse_weighted, split_weight
from sfumato.errors import InputError
from sfumato.pictures.builtin import PREFIX
from sfumato.settings_fields import preset_settings
from sfumato.style.presets import PRESETS
from sfumato.style.settings import STARTS, STYLE_PRECISIONS, StyleSettings
from sfumato.style.transfer import StyleTransfer


def parse_transfer(
    *groups: Any, preset: str | None, told: Mapping[str, Any], given_by_name: Collection[str]
) -> StyleTransfer:
    """Parse the groups of options into a transfer; its settings have the names of the options.

    Args:
        groups: The options.
        preset: Name of the preset, whose settings replace the options' defaults.
        told: Settings of a painted file, which replace them too.
        given_by_name: Names of the options that were given, and so go before those settings.

    Raises:
        InputError: for a value out of range, or a preset that there is not.
    """
    given = {name: value for group in groups for name, value in asdict(group).items()}
    for name, parse in PARSERS.items():
        given[name] = None if given[name] is None else parse(given[name])
    settings = told if preset is None else preset_settings(preset, PRESETS)
    given |= {name: value for name, value in settings.items() if name not in given_by_name}
    engine = asked_engine(given, STYLE_PRECISIONS)
    named = {setting.name: given[setting.name] for setting in fields(StyleTransfer) if setting.name in given}
    return StyleTransfer(**named, engine=engine)


def names_of(layers: Mapping[str, float]) -> str:
    """Format layers as their option takes them."""
    return ", ".join(layers)  # with a space, so that the help can break the line


def parse_pictures(pictures: list[str], styles: list[str] | None) -> tuple[list[str], list[tuple[str, float]]]:
    """Parse the arguments and --style into contents, and styles with their weights.

    Raises:
        InputError: if there is no style, more than one content without --style, or a name is empty.
    """
    if not pictures:
        raise InputError("no content is given: name the picture to paint, and the one whose style to paint it in")
    if styles:
        return [parse_name("CONTENT", name) for name in pictures], parse_weighted("--style", styles)
    content = parse_name("CONTENT", pictures[0])
    if len(pictures) == 1:
        raise InputError("no style is given: name a picture after CONTENT, or with --style")
    if len(pictures) > 2:
        raise InputError(
            f"one content and one style are expected, and {pictures[2]} comes after them; "
            "name the style with --style to paint several contents"
        )
    return [content], [(parse_name("STYLE", pictures[1]), 1.0)]


def parse_masks(masks: list[str] | None, styles: int) -> list[tuple[str, int]]:
    """Parse masks with the numbers of their styles, from 1; the number follows the last equals sign.

    Raises:
        InputError: if there is no such file or no such style.
    """
    pairs = []
    for text in masks or []:
        name, _, number = text.rpartition("=")
        if not name or not WHOLE_NUMBER.fullmatch(number):
            raise InputError(f"--mask takes a picture and the number of its style, such as sky.png=1; not {text!r}")
        if not 1 <= int(number) <= styles:
            raise InputError(f"--mask {text}: there is no style {number}; they are numbered from 1 to {styles}")
        if not name.startswith(PREFIX) and not Path(name).exists():
            raise InputError(f"--mask {text}: there is no file {name!r}; check the path")
        pairs.append((name, int(number)))
    return pairs


def parse_layers(option: str, text: str) -> dict[str, float]:
    """Parse layers with their weights.

    Raises:
        InputError: if one has no name, or is named twice.
    """
    pairs = [split_weight(part) for part in text.split(",")]
    layers = {name.strip(): weight for name, weight in pairs}
    if "" in layers or len(layers) < len(pairs):
        raise InputError(
            f"{option} takes different layers, such as {names_of(StyleSettings().style_layers)}; not {text!r}"
        )
    return layers


def parse_start(text: str) -> str:
    """Parse --start: one of `STARTS`, or an existing picture.

    Raises:
        InputError: if it is neither.
    """
    if parse_name("--start", text) not in STARTS and not text.startswith(PREFIX) and not Path(text).exists():
        raise InputError(f"--start takes {', '.join(STARTS)} or a picture; there is no file {text!r}")
    return text


def parse_size(text: str) -> int | Literal["full"]:
    """Parse a long edge in pixels, or "full".

    Raises:
        InputError: if it is neither.
    """
    if text == "full":
        return "full"
    if not WHOLE_NUMBER.fullmatch(text):
        raise InputError(f"--size takes a whole number of pixels, or full; not {text!r}")
    return int(text)


PARSERS: dict[str, Callable[[str], Any]] = {
    "size": parse_size,
    "start": parse_start,
    "content_mask": partial(parse_name, "--content-mask"),
    "vgg_weights": partial(parse_name, "--vgg-weights"),
    "content_layers": partial(parse_layers, "--content-layers"),
    "style_layers": partial(parse_layers, "--style-layers"),
    "memory": partial(memory_size, "--memory"),
}
"""Parsers of the settings whose options are text."""
