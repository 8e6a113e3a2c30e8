"""The studio's stores: files that were handed in, each named by a digest of its bytes."""

import contextlib
import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from sfumato.errors import FileError, InputError, SfumatoError
from sfumato.storage import write_atomically

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

    @contextlib.contextmanager
    def keeping(self, content: bytes, name: str) -> Iterator[Path]:
        """Keep a file while it is read for the first time: it stays if that succeeds, or if it was here before.

        Args:
            content: The bytes of the file.
            name: Its name where it comes from, for its ending and for errors; nothing is written under it.

        Yields:
            Where it lies.

        Raises:
            FileError: where reading it fails; the message has `name` in it.
        """
        id = self.id_of(content, name)
        known = self.find(id)
        path = known or self.folder / f"{id}{name_ending(name)}"
        if known is None:
            write_atomically(path, content)
        try:
            yield path
        except (SfumatoError, MemoryError) as error:
            if known is None:
                path.unlink()
            raise FileError(named(str(error), path, name) or f"{name}: is too large to read") from error

    def id_of(self, content: bytes, name: str) -> str:
        """Id of a file."""
        return hashlib.sha256(content).hexdigest()[:ID_DIGITS]

    def keep_only(self, ids: Collection[str]) -> None:
        """Remove all files but these; what else lies in the folder is somebody's own, and stays."""
        for path in self.folder.iterdir():
            kept = OWN.fullmatch(path.name)
            if kept and kept[1] not in ids and path.is_file():
                path.unlink()


def named(message: str, path: Path, name: str) -> str:
    """A message with a file's own name in place of the store's, also where it advises a name for another file."""
    message = message.replace(str(path), name).replace(path.name, name)
    return message.replace(str(path.with_suffix("")), Path(name).stem)


def name_ending(name: str) -> str:
    """Ending of a file's name, in small letters; empty for an unusual one."""
    suffix = Path(name).suffix.lower()
    return suffix if SUFFIX.fullmatch(suffix) else ""
