"""Paths as people write them: `~` for their own folder; and addresses, which are no paths."""

import contextlib
import re
from pathlib import Path
from typing import TypeVar

from sfumato.errors import InputError

Text = TypeVar("Text")

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|data:image/|blob:", re.IGNORECASE)
"""Beginning of an address."""

COLLAPSED = re.compile(r"([a-z][a-z0-9+.-]+:)/(?!/)", re.IGNORECASE)
"""Beginning of an address in a `Path`, which makes one slash of two; a drive of Windows has one letter."""

OWN_FOLDER = re.compile(r"~[^/]*/")
"""Beginning of a path in the user's folder, or another user's; a name such as ~column is left as it is."""


def user_path(path: Text) -> Text:
    """Expand a path that begins with `~`; what is no text or path is returned as it is.

    Raises:
        InputError: for an address.
    """
    if not isinstance(path, str | Path):
        return path
    text = str(path) if isinstance(path, str) else COLLAPSED.sub(r"\1//", str(path), count=1)
    if ADDRESS.match(text):
        raise InputError(f"{text}: is an address, and files are taken; download it, and name the file")
    if text == "~" or OWN_FOLDER.match(text):
        own, slash, rest = str(path).partition("/")  # apart, since a last slash says that a folder is meant
        with contextlib.suppress(RuntimeError):  # nobody of that name
            return type(path)(f"{Path(own).expanduser()}{slash}{rest}")
    return path
