"""The studio's stores: files that were handed in, each named by a digest of its bytes."""

import re
from collections.abc import Collection
from pathlib import Path

from sfumato.errors import InputError

ID_DIGITS = 32
"""Digits of its SHA-256 that a file is named by."""

DIGEST = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}")

SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
"""Endings that a file keeps: by some of them, kinds of files are told apart."""

OWN = re.compile(rf"({DIGEST.pattern})(?:{SUFFIX.pattern})?")
"""Names of a store's own files."""


class Store:
    """Files in a folder, each under its id, digits of a digest, and its ending.

    Args:
        folder: Where they lie; it is made if need be.
    """

    missing = "it is not in the studio's folder any more: give it again"
    """Message where a file is gone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder

    def find(self, id: str) -> Path | None:
        """File of an id; None if there is none."""
        return next(self.folder.glob(f"{id}*"), None) if DIGEST.fullmatch(id) else None

    def path(self, id: str) -> Path:
        """File of an id.

        Raises:
            InputError: if there is none.
        """
        path = self.find(id)
        if path is None:
            raise InputError(self.missing)
        return path

    def keep_only(self, ids: Collection[str]) -> None:
        """Remove all files but these; what else lies in the folder is somebody's own, and stays."""
        for path in self.folder.iterdir():
            kept = OWN.fullmatch(path.name)
            if kept and kept[1] not in ids and path.is_file():
                path.unlink()


def name_ending(name: str) -> str:
    """Ending of a file's name, in small letters; empty for an unusual one."""
    suffix = Path(name).suffix.lower()
    return suffix if SUFFIX.fullmatch(suffix) else ""
