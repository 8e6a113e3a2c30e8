"""The studio's pictures: those that were handed in, by a digest of their bytes, and the built-in styles, by name."""

import importlib.util
import io
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from sfumato.arrays import Array
from sfumato.engine import allowed_memory
from sfumato.pictures.builtin import BUILTIN_STYLES, PREFIX, builtin_style
from sfumato.pictures.files import open_image, read_description, write_image
from sfumato.studio.store import Store
from sfumato.style.control.masks import white_of
from sfumato.style.inputs import read_photo
from sfumato.style.settings import Reading

LARGEST_SHOWN = 2048
"""Long edge, in pixels, of the largest version that is made for looking at."""

LARGEST_MASK = 1024
"""Long edge, in pixels, of the largest mask that the brush paints on."""

LOOKS = 85
"""Quality of versions for looking at, of 100."""


class Added(NamedTuple):
    """A picture that was handed in.

    Attributes:
        id: Its name in the store.
        width: In pixels, the right way up.
        height: In pixels.
        description: The text that painting has left in it, see `read_description`; None if there is none.
    """

    id: str
    width: int
    height: int
    description: str | None


class PictureStore(Store):
    """Pictures in a folder, each under its `id`: 32 digits of its bytes' SHA-256, or "sfumato:NAME" for a built-in one.

    Args:
        folder: Where they lie; it is made if need be.
    """

    missing = "one of the pictures is not in the studio's folder any more: give it again"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._one_at_a_time = threading.Lock()  # decoding takes memory

    def find(self, id: str) -> Path | None:
        """File of a picture, or of a built-in style; None if there is none of that id."""
        if id.startswith(PREFIX):
            name = id.removeprefix(PREFIX)
            return builtin_style(name) if name in BUILTIN_STYLES else None
        return super().find(id)

    def source(self, picture: str) -> str:
        """Name of a picture for the engine: its file, or "sfumato:NAME".

        Raises:
            InputError: if there is none of that id.
        """
        path = self.path(picture)
        return picture if picture.startswith(PREFIX) else str(path)

    def add(self, content: bytes, name: str) -> Added:
        """Keep a picture, if it is one.

        Args:
            content: The bytes of the file.
            name: Its name where it comes from, for its ending and for errors; nothing is written under it.

        Raises:
            SfumatoError: if it is no picture, or one that cannot be painted from; the message has `name` in it.
        """
        with self.keeping(content, name) as path, self._one_at_a_time:
            height, width, _ = read_photo(path, Reading(True, allowed_memory(None))).pixels.shape
            return Added(path.stem, width, height, read_description(path))

    def shown(self, path: Path, edge: int) -> bytes:
        """A version of a picture for looking at: WebP, whose long edge has at most that many pixels.

        Raises:
            FileError: if it cannot be read.
        """
        return encoded(self.reduced(path, min(edge, LARGEST_SHOWN)), edge, "WEBP")

    def reduced(self, path: Path, edge: int) -> Array:
        """Pixels of a picture, uint8 (height, width, 3), whose long edge has at most that many.

        Raises:
            FileError: if it cannot be read.
        """
        with self._one_at_a_time:
            image = Image.fromarray(open_image(path, first_frame=True, memory=allowed_memory(None)).pixels)
            image.thumbnail((edge, edge), Image.Resampling.LANCZOS)
            return np.asarray(image)

    def mask(self, path: Path) -> bytes:
        """A picture as painting takes it for a mask, to go on painting on: a grey PNG of at most `LARGEST_MASK`.

        Raises:
            FileError: if it cannot be read.
        """
        with self._one_at_a_time:
            white = white_of(path, Reading(True, allowed_memory(None)))[..., 0]
        image, buffer = Image.fromarray(np.rint(255 * white).astype(np.uint8)), io.BytesIO()
        image.thumbnail((LARGEST_MASK, LARGEST_MASK), Image.Resampling.BILINEAR)
        image.save(buffer, "PNG")
        return buffer.getvalue()


def formats() -> list[str]:
    """Endings of the formats that a picture can be saved in here."""
    heic = importlib.util.find_spec("pillow_heif") is not None
    return [suffix for suffix in (".png", ".jpg", ".webp", ".tiff", ".heic") if heic or suffix != ".heic"]


def converted(path: Path, suffix: str) -> bytes:
    """The bytes of a painted picture's file in another format, with its settings and the photograph's metadata.

    Raises:
        SfumatoError: if it cannot be read, or does not fit into the format.
    """
    photo, description = open_image(path), read_description(path)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"picture{suffix}"
        write_image(out, photo.pixels, description=description, like=photo)
        return out.read_bytes()


def encoded(pixels: Array, edge: int, kind: str) -> bytes:
    """Encode pixels, reduced to that long edge if they are larger.

    Args:
        pixels: uint8 (height, width, 3).
        edge: The longest that an edge may be, in pixels.
        kind: "WEBP" or "JPEG".
    """
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    image.thumbnail((edge, edge), Image.Resampling.BOX if kind == "JPEG" else Image.Resampling.LANCZOS)
    image.save(buffer, kind, quality=LOOKS)
    return buffer.getvalue()
