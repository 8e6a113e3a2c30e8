"""The studio's folder: where it is by default, and the key in it."""

import contextlib
import os
import secrets
import sys
from pathlib import Path

from sfumato.errors import InputError
from sfumato.outputs import LOCK
from sfumato.storage import refuse_planted

TOKEN = "token"
"""File of the key, readable for its owner alone."""

PAGE = "page"
"""File of the address at which the studio is served, while it is."""


def default_folder() -> Path:
    """Folder for what programs keep for a user, as each system has it."""
    home = Path.home()
    if sys.platform == "win32":
        place = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        place = home / "Library" / "Application Support"
    else:
        place = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return place / "sfumato" / "studio"


def refuse_another(folder: Path) -> None:
    """Refuse a folder that holds other things and no studio.

    Raises:
        InputError: for such a folder.
    """
    if folder.is_dir() and {path.name for path in folder.iterdir()} - {LOCK} and not (folder / TOKEN).is_file():
        raise InputError(f"{folder}: holds other things, and no studio; name an empty or a new folder (folder=...)")


def token_of(folder: Path) -> str:
    """Key of a studio's folder, made at the first call; the same from then on, so that the browser can keep it.

    Raises:
        FileError: if something else than a file is in its place.
        OSError: if it cannot be read or written.
    """
    path = folder / TOKEN
    refuse_planted(path)
    if path.exists() and (token := path.read_text(encoding="ascii", errors="replace").strip()):
        path.chmod(0o600)
        return token
    path.unlink(missing_ok=True)
    token = secrets.token_urlsafe(32)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(token)
    return token


def running_page(folder: Path, part: str = "") -> str | None:
    """The address of the studio that is served from a folder, at a part, with its key; None where none says so."""
    with contextlib.suppress(OSError):
        page = (folder / PAGE).read_text(encoding="ascii", errors="replace").strip()
        return f"{page}#{part}key={token_of(folder)}"
    return None


def bytes_in(folder: Path) -> int:
    """Bytes of all files in a folder and those below it, without what goes meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).lstat().st_size
    return total
