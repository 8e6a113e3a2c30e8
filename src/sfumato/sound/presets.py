"""Settings of sound by purpose.

    sfumato.play("song.wav", "guitar.wav", preset="subtle")

What is given beside a preset overrides it.
"""

from sfumato.settings_fields import Preset

PRESETS = {
    "timbre": Preset("The content's notes with the style's timbre: the defaults.", {}),
    "subtle": Preset("The content first, with a touch of the style; for speech.", {"style_weight": 1.0, "steps": 20}),
    "texture": Preset(
        "More of the same sound, from noise and without content.",
        {"content_weight": 0.0, "start": "noise", "loudness_weight": 0.0, "rhythm_weight": 2.0, "steps": 300},
    ),
}
