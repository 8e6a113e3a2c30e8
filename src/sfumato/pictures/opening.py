"""Opening of picture files: whatever is wrong with one becomes an error of one line."""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from PIL import Image, ImageFile, UnidentifiedImageError

from sfumato.checks import bytes_as_text
from sfumato.errors import FileError
from sfumato.native_output import caught_output
from sfumato.pictures.formats import HEAD, HEIF_BRANDS, READABLE, TIFF_STARTS, unread_by_name, unread_kind
from sfumato.storage import check_readable

PROGRAM = 66_000_000
"""Bytes of Python and its libraries."""

READING = 5
"""Memory of reading a picture beside its pixels, at most, as a multiple of their bytes; half of that as a rule (WebP's
decoder makes copies)."""

EXIF, HIDDEN_EXIF = b"Exif\0\0", b"Exif\0\1"
"""First bytes of a JPEG's segment of EXIF, and some that Pillow passes over."""

NO_CODEC = " compression support is not configured"
"""Message of libtiff about a compression that it was built without."""

Result = TypeVar("Result")

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else what it says of broken files lands beside our line


class _NoMore(io.BufferedReader):
    """A file that, asked for more than it holds, gives what it holds.

    Python reserves memory for all that is asked for before it reads, and Pillow asks for as much as a damaged picture
    says: a PNG of 70 bytes could have 4 GB reserved.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return super().read()
        return super().read(min(size, max(0, os.fstat(self.fileno()).st_size - self.tell())))


def open_file(
    path: Path, use: Callable[[ImageFile.ImageFile, BinaryIO], Result], *, memory: int | None = None
) -> Result:
    """Open a picture and apply `use` to it and its file.

    Args:
        path: The picture.
        use: What to do with it, before the file is closed.
        memory: Bytes that the process may take to read its pixels; None where that does not matter.

    Raises:
        FileError: for whatever goes wrong.
    """
    try:
        check_readable(path, "a picture")
        with _NoMore(io.FileIO(path)) as file:
            return _decode(path, file, use, memory)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error


def _decode(
    path: Path,
    file: io.BufferedReader,
    use: Callable[[ImageFile.ImageFile, BinaryIO], Result],
    memory: int | None,
) -> Result:
    head = file.peek(HEAD)[:HEAD]
    if not head:
        raise FileError(f"{path}: is empty; give a picture")
    kind = unread_kind(head, path.suffix)
    if kind is not None:
        raise FileError(f"{path}: is {kind.name}, which is not read; {kind.remedy}")
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
        register_heif(path)
    output = caught_output() if head.startswith(TIFF_STARTS) else contextlib.nullcontext(lambda: "")
    with output as printed, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")  # of pixels below the limit, and of metadata that nobody asks for
        try:
            with _opened(file, head) as image:
                _check_memory(path, image, memory)
                return use(image, file)
        except (FileError, MemoryError):
            raise
        except Image.DecompressionBombError as error:
            limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
            raise FileError(f"{path}: has more than the {limit:,} pixels that are read; reduce it first") from error
        except Exception as error:  # whatever a decoder stumbles over
            said = [str(warning.message) for warning in warned]
            raise FileError(f"{path}: {_explain(error, path.suffix, head, printed(), said)}") from error


def _opened(file: io.BufferedReader, head: bytes) -> ImageFile.ImageFile:
    """Open a picture with Pillow.

    Pillow looks into a JPEG's EXIF for the resolution, and gives the picture up where that is damaged: such a JPEG is
    opened with its EXIF out of sight.
    """
    formats = [name for name in READABLE if name != "HEIF" or name in Image.OPEN]
    try:
        return Image.open(file, formats=formats)
    except UnidentifiedImageError:
        if not head.startswith(b"\xff\xd8"):
            raise
    file.seek(0)
    image = Image.open(io.BytesIO(file.read().replace(EXIF, HIDDEN_EXIF)), formats=formats)
    for segment in (content for _, content in getattr(image, "applist", []) if content.startswith(HIDDEN_EXIF)):
        image.info["exif"] = EXIF + segment[len(EXIF) :]
    return image


def _check_memory(path: Path, image: Image.Image, memory: int | None) -> None:
    """Refuse a picture whose pixels would not fit, by the size in its header.

    Raises:
        FileError: if they would not.
    """
    needed = PROGRAM + (1 + READING) * 3 * image.width * image.height
    if memory is not None and needed > memory:
        raise FileError(
            f"{path}: reading its {image.width} x {image.height} pixels may take {bytes_as_text(needed)} of memory, "
            f"and {bytes_as_text(memory)} are allowed; allow as much (memory='{-(-needed // 10**6)}MB') or reduce it"
        )


def _explain(error: Exception, suffix: str, head: bytes, printed: str, warned: list[str]) -> str:
    """Say what is wrong with a picture that cannot be decoded, and what to do.

    Args:
        error: What the decoder raised.
        suffix: The ending of the file.
        head: The first bytes of the file.
        printed: What the decoder's library printed.
        warned: What Pillow warned of.
    """
    if NO_CODEC in printed:
        name = printed.partition(NO_CODEC)[0].split()[-1]
        return f"is a TIFF compressed by {name}, which the TIFF library here lacks; save it with LZW, or as PNG"
    because = [text.partition("because ")[2] for text in warned if "could not be identified because " in text]
    if because:
        return f"cannot be read here ({because[0]}); save it as PNG or JPEG, or install another Pillow"
    if isinstance(error, UnidentifiedImageError):
        return _unidentified(suffix, head)
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"is damaged or cut off ({reason}); fetch or save it again"


def _unidentified(suffix: str, head: bytes) -> str:
    """Say of a file that is no picture by its first bytes what it may be, and what to do."""
    if head.startswith(TIFF_STARTS):
        return "is a TIFF of a kind that is not read, or a damaged one; save it with LZW, or as PNG"
    if head[4:8] == b"ftyp":
        return "is damaged or cut off, or a kind of HEIC or AVIF that is not read; save it as PNG or JPEG"
    if kind := unread_by_name(suffix):
        return f"is {kind.name}, by its name, which is not read; {kind.remedy}"
    return "is not a picture that can be read; save it as PNG or JPEG"


def register_heif(path: Path) -> None:
    """Register HEIC with Pillow.

    Raises:
        FileError: if what reads and writes it is not installed.
    """
    try:
        import pillow_heif
    except ImportError as error:
        what = 'HEIC needs an extra: pip install ".[heic]", or save the picture as PNG or JPEG'
        raise FileError(f"{path}: {what}") from error
    pillow_heif.register_heif_opener()
