"""Messages in the forms' words: `style_weight=3` in Python is "Style weight 3" here; and the field that one is for."""

import re
from typing import Any

from sfumato.errors import InputError
from sfumato.sound.settings import SoundSettings
from sfumato.style.settings import StyleSettings
from sfumato.training.settings import TrainingSettings

LABELS = {
    "style_weight": "Style weight",
    "style_scale": "Stroke size",
    "tv_weight": "Smoothness weight",
    "steps": "Steps at each size",
    "scales": "Number of sizes",
    "turned": "Turned styles",
    "normalize_gradients": "Normalise gradients",
    "l2": "L2 penalty",
    "text": "Columns of text",
    "number": "Columns of numbers",
    "missing": "Texts for missing values",
    "limit": "Rows, at most",
    "init": "First weights",
    "test": "Share for the test",
    "validation": "Share for validation",
}
"""Labels of settings that say more than their names."""

SETTINGS = (
    StyleSettings.__dataclass_fields__ | TrainingSettings.__dataclass_fields__ | SoundSettings.__dataclass_fields__
)
"""Settings of painting, of training and of sounds, by name."""

KEYWORD = re.compile(r"""\b([a-z][a-z0-9_]*)=(?:(True)\b|\.\.\.|'([^']*)'|"([^"]*)"|(-?\d[\w.+-]*\w|-?\d))""")
"""A keyword argument of Python's with its value."""


SAID = {"number of scales": "number of sizes", "scales are too many": "sizes are too many"}
"""Words of messages for what the form calls otherwise."""


class FieldError(InputError):
    """An error that belongs to a field of the form.

    Args:
        text: The message.
        field: Name of the setting.
    """

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


def label_of(name: str) -> str:
    """The label of a setting in the form."""
    return LABELS.get(name, name.capitalize().replace("_", " "))


def in_labels(message: str) -> str:
    """The message with the form's labels in place of Python's keyword arguments, on one line.

    >>> in_labels("choose a smaller size, or optimizer='adam', or first_frame=True")
    'choose a smaller size, or Optimizer: adam, or First frame'
    >>> in_labels("stop there (early_stopping=...), or regularise (l2=..., dropout=...)")
    'stop there (Early stopping), or regularise (L2 penalty, Dropout)'
    """
    text = KEYWORD.sub(_labelled, " ".join(message.split()))
    for words, own in SAID.items():
        text = text.replace(words, own)
    return text


def _labelled(found: re.Match[str]) -> str:
    name = found[1]
    if name not in SETTINGS:
        return found[0]
    value = found[3] or found[4] or found[5]
    return f"{label_of(name)}: {value}" if value else label_of(name)


def told_error(error: Exception) -> dict[str, Any]:
    """An error as the page takes it: the line, and the field that it is for, if any."""
    text = in_labels(str(error))
    return {"error": text, "field": error.field} if isinstance(error, FieldError) else {"error": text}
