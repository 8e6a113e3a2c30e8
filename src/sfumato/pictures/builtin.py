"""Style pictures that come with the package: `sfumato:NAME` names one wherever a picture is named."""

from pathlib import Path

from sfumato.checks import nearest
from sfumato.errors import InputError
from sfumato.paths import user_path

PREFIX = "sfumato:"

FOLDER = Path(__file__).parent / "styles"

BUILTIN_STYLES = {
    "starry-night": "Vincent van Gogh, The Starry Night, 1889",
    "scream": "Edvard Munch, The Scream, 1893",
    "shipwreck": "J. M. W. Turner, a shipwreck, about 1805",
    "mosaic": "stone tiles in grout",
    "stained-glass": "panes of colour in black lead",
    "ink": "crossed pen strokes on cream paper",
    "marbling": "folded bands of floating paint",
    "brushwork": "short strokes of thick paint",
    "watercolour": "thin washes with dark rims",
}
"""Titles of the built-in styles: paintings in the public domain, and pictures drawn by scripts/make_styles.py."""


def builtin_style(name: str) -> Path:
    """Path of a built-in style picture, named without the prefix.

    Raises:
        InputError: if there is none of that name, with the nearest one.
    """
    if name not in BUILTIN_STYLES:
        found = nearest(name, BUILTIN_STYLES)
        hint = f"did you mean {PREFIX}{found}?" if found else f"use one of {', '.join(BUILTIN_STYLES)}"
        raise InputError(f"no built-in style is called {name!r}: {hint}")
    return FOLDER / f"{name}.jpg"


def picture_path(name: str | Path) -> Path:
    """Path of a picture: that of a built-in one for `sfumato:NAME`, or the name itself.

    Raises:
        InputError: if no built-in style is called that, or it is an address.
    """
    text = str(name)
    return builtin_style(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else Path(user_path(name))
