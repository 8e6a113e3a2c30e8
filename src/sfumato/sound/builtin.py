"""Sounds that come with the package: `sound:NAME` names one wherever a sound is named."""

from pathlib import Path

from sfumato.checks import nearest
from sfumato.errors import InputError
from sfumato.paths import user_path

PREFIX = "sound:"

FOLDER = Path(__file__).parent / "clips"

BUILTIN_SOUNDS = {
    "tabla": "a tabla loop of Sonic Pi's samples (CC0)",
    "guitar": "an overdriven guitar playing the Ode to Joy",
    "piano": "a piano playing Greensleeves",
}
"""The built-in sounds, each in a few words."""


def sound_path(name: str | Path) -> Path:
    """Path of a sound: that of a built-in one for `sound:NAME`, or the name itself.

    Raises:
        InputError: if no built-in sound is called that, with the nearest one; or it is an address.
    """
    text = str(name)
    if not text.startswith(PREFIX):
        return Path(user_path(name))
    own = text.removeprefix(PREFIX)
    if own not in BUILTIN_SOUNDS:
        found = nearest(own, BUILTIN_SOUNDS)
        hint = f"did you mean {PREFIX}{found}?" if found else f"use one of {', '.join(BUILTIN_SOUNDS)}"
        raise InputError(f"no built-in sound is called {own!r}: {hint}")
    return FOLDER / f"{own}.ogg"
