"""Settings of sound by purpose.

    sfumato.play("song.wav", "guitar.wav", preset="subtle")

What is given beside a preset overrides it.
"""

from typing import Any, NamedTuple

from sfumato.checks import nearest
from sfumato.errors import InputError


class SoundPreset(NamedTuple):
    """Settings for a purpose.

    Attributes:
        purpose: What it is for, in a sentence.
        settings: Fields of `SoundSettings` that differ from their defaults.
    """

    purpose: str
    settings: dict[str, Any]


PRESETS = {
    "timbre": SoundPreset("The content's notes with the style's timbre: the defaults.", {}),
    "subtle": SoundPreset(
        "The content first, with a touch of the style; for speech.", {"style_weight": 1.0, "steps": 20}
    ),
    "texture": SoundPreset(
        "More of the same sound, from noise and without content.",
        {"content_weight": 0.0, "start": "noise", "loudness_weight": 0.0, "rhythm_weight": 3.0, "steps": 300},
    ),
}


def preset_settings(name: str) -> dict[str, Any]:
    """Settings of a preset.

    Raises:
        InputError: if there is none of that name, with the nearest one.
    """
    if name not in PRESETS:
        found = nearest(name, PRESETS)
        hint = f"did you mean {found}?" if found else f"use one of {', '.join(PRESETS)}"
        raise InputError(f"no preset of sounds is called {name!r}: {hint}")
    return PRESETS[name].settings
