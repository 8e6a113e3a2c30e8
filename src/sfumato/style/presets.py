"""Settings by purpose, each chosen by looking at its pictures (docs/gallery.md).

    sfumato.stylize("photo.jpg", "painting.jpg", preset="painterly")

A preset leaves out size, steps and seed, which are matters of patience. What is given beside it overrides it.
"""

from sfumato.settings_fields import Preset

PRESETS = {
    "painterly": Preset(
        "Free brushwork: the photograph's plan stays, and the rest is the painter's.",
        {"style_loss": "gram", "content_layers": {"block5_conv2": 1.0}, "style_weight": 20.0},
    ),
    "bold": Preset(
        "Large strokes that take over: the photograph is more guessed than seen.",
        {"style_loss": "gram", "content_layers": {"block5_conv2": 1.0}, "style_weight": 150.0, "style_scale": 1.5},
    ),
    "faithful": Preset(
        "Colours and textures as near to the style's as they come, on calm ground.",
        {"style_loss": "wasserstein", "style_weight": 5.0, "pooling": "average"},
    ),
    "soft": Preset(
        "Smooth surfaces that flow into each other, without grain.",
        {"pooling": "average", "tv_weight": 25.0},
    ),
    "subtle": Preset(
        "The photograph first, with a touch of the style.",
        {"style_weight": 2.0},
    ),
    "portrait": Preset(
        "Faces stay whom they are, in their own colours.",
        {"colour": "luminance", "style_weight": 4.0},
    ),
    "texture": Preset(
        "The style's texture all over, wherever it fits: its Gram matrices, as of 2016.",
        {"style_loss": "gram"},
    ),
    "pattern": Preset(
        "The style alone, without the photograph.",
        {"style_loss": "gram", "content_weight": 0.0, "start": "colour"},
    ),
}
"""Presets by name."""
