"""EXIF: a camera's notes in a photograph, copied into the picture painted from it.

EXIF is a small TIFF: directories of entries, each a tag, a type, a count, and the values or where they lie. Pillow
would turn "José" into "Jos?" on the way and loses part of it in a TIFF, so entries are carried here as the bytes that
they are. Those that tell of the file that they come from (its way up, its thumbnail, where things lie in it) stay
behind, and so does what is damaged.

Source: Exif 2.32 (CIPA DC-008-2019), TIFF 6.0.
"""

import contextlib
import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO

import numpy as np

UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}
"""Bytes of a number, by its type."""

BYTE, TEXT, SHORT, LONG, FRACTION, UNDEFINED = 1, 2, 3, 4, 5, 7
FRACTIONS = (FRACTION, 10)  # of two numbers each

LONGEST = 65_500
"""Bytes that EXIF may take: a segment of a JPEG takes 65,533, its own name included."""

CAMERA, PLACE = 0x8769, 0x8825
"""Tags that say where the directories of the camera's settings and of the GPS begin."""

WIDTH, HEIGHT, COMMENT = 0xA002, 0xA003, 0x9286
ORIENTATION = 0x0112
RESOLUTION = (0x011A, 0x011B, 0x0128)
"""Tags of the resolution across and down, and of its unit."""

INCH, CENTIMETRE = 2, 3

PICTURE_TAGS = {
    0x010E: TEXT,  # ImageDescription
    0x010F: TEXT,  # Make
    0x0110: TEXT,  # Model
    0x0131: TEXT,  # Software
    0x0132: TEXT,  # DateTime
    0x013B: TEXT,  # Artist
    0x013C: TEXT,  # HostComputer
    0x4746: SHORT,  # Rating
    0x4749: SHORT,  # RatingPercent
    0x8298: TEXT,  # Copyright
    **dict.fromkeys(range(0x9C9B, 0x9CA0), BYTE),  # title, comment, author, keywords and subject, as Windows notes them
}
"""Types of the tags kept of the first directory, beside the resolution. The others of a TIFF describe how its pixels
are stored."""

CAMERA_TAGS_LEFT_OUT = {
    WIDTH,
    HEIGHT,
    0x9102,  # CompressedBitsPerPixel
    0x9214,  # SubjectArea, in pixels
    0x927C,  # MakerNote: may count from the beginning of its own file
    0xA005,  # where another directory begins
    0xA214,  # SubjectLocation, in pixels
}


@dataclass(frozen=True)
class Entry:
    """`count` values of a type, as bytes: the lower byte of each number first."""

    kind: int
    count: int
    content: bytes


Directory = dict[int, Entry]


@dataclass(frozen=True)
class Exif:
    """Entries by their tags: of the picture, of the camera's settings, and of the place; pixels an inch; the way up.

    Resolution and way up are apart from their tags: the one may be of any type or unit in a damaged file, and the
    other belongs to the pixels that were stored.
    """

    picture: Directory = field(default_factory=dict)
    camera: Directory = field(default_factory=dict)
    place: Directory = field(default_factory=dict)
    dpi: tuple[float, float] | None = None
    orientation: int = 1

    def to_bytes(self) -> bytes:
        """Pack the entries as a TIFF without pixels, as files hold them; empty where there are no entries."""
        if not (self.picture or self.camera or self.place):
            return b""
        return b"II*\0\x08\0\0\0" + self.pack(8)

    def pack(self, start: int, others: Mapping[int, Entry] | None = None) -> bytes:
        """Pack the directories for a file from byte `start` on, with `others` in the first of them."""
        first = {**(others or {}), **self.picture}
        below = {tag: entries for tag, entries in ((CAMERA, self.camera), (PLACE, self.place)) if entries}
        first |= dict.fromkeys(below, _whole(0))  # until it is known where they begin
        end, behind = start + len(_pack(first, start)), b""
        for tag, entries in below.items():
            first[tag] = _whole(end + len(behind))
            behind += _pack(entries, end + len(behind))
        return _pack(first, start) + behind


def read_exif(content: bytes) -> Exif:
    """Read EXIF from the bytes that most files hold it in."""
    return read_tiff_exif(io.BytesIO(content.removeprefix(b"Exif\0\0")))


def read_tiff_exif(file: BinaryIO) -> Exif:
    """Read EXIF from a TIFF, whose own directory is EXIF's first.

    Files of more than four gigabytes (BigTIFF) have other directories, of which nothing is read.
    """
    file.seek(0)
    head = file.read(8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None or len(head) < 8:
        return Exif()
    start = struct.unpack(f"{order}I", head[4:])[0]
    first = _read(file, order, start, {*PICTURE_TAGS, *RESOLUTION, ORIENTATION, CAMERA, PLACE}.__contains__)
    camera, place = (_read(file, order, _number(first.pop(tag, None)), _is_kept) for tag in (CAMERA, PLACE))
    dpi = _pixels_an_inch(*(first.pop(tag, None) for tag in RESOLUTION))
    turned = first.pop(ORIENTATION, None)
    orientation = _number(turned) if turned is not None and turned.kind in (SHORT, LONG) else 1
    typed = {tag: _of_type(PICTURE_TAGS[tag], entry) for tag, entry in first.items()}
    return Exif({tag: entry for tag, entry in typed.items() if entry is not None}, camera, place, dpi, orientation)


def add_to_tiff(content: bytes, exif: Exif, others: Mapping[int, Entry]) -> bytes:
    """Add EXIF and `others` to the directory of a TIFF, lower bytes first.

    The directory is written anew behind all else; what its entries point at stays where it is.
    """
    content += bytes(len(content) % 2)  # directories begin at even bytes
    own = _read(io.BytesIO(content), "<", struct.unpack("<I", content[4:8])[0], lambda tag: True, longest=len(content))
    return content[:4] + struct.pack("<I", len(content)) + content[8:] + exif.pack(len(content), {**own, **others})


def for_result(
    exif: Exif, width: int, height: int, description: str | None, dpi: tuple[float, float] | None = None
) -> Exif:
    """Adapt EXIF to a picture of another size, with `description`, of ASCII, in place of the user's comment.

    `dpi` is its resolution, pixels an inch across and down: whatever readers look at, they find the same.
    """
    picture, camera = dict(exif.picture), dict(exif.camera)
    if dpi is not None:
        across, down = (Fraction(number).limit_denominator(100).as_integer_ratio() for number in dpi)
        resolution = (FRACTION, "<2I", across), (FRACTION, "<2I", down), (SHORT, "<H", (INCH,))
        for tag, (kind, layout, numbers) in zip(RESOLUTION, resolution, strict=True):
            picture[tag] = Entry(kind, 1, struct.pack(layout, *numbers))
    if description is not None:
        content = b"ASCII\0\0\0" + description.encode()
        camera[COMMENT] = Entry(UNDEFINED, len(content), content)
    if camera or picture or exif.place:
        camera |= {WIDTH: _whole(width), HEIGHT: _whole(height)}
    return Exif(picture, camera, exif.place)


def comment_of(exif: Exif) -> str | None:
    """The user's comment, if there is one in ASCII."""
    entry = exif.camera.get(COMMENT)
    if entry is None or not (entry.content.startswith(b"ASCII\0\0\0") and entry.content.isascii()):
        return None
    return entry.content[8:].decode()


def _is_kept(tag: int) -> bool:
    return tag not in CAMERA_TAGS_LEFT_OUT


def _of_type(kind: int, entry: Entry) -> Entry | None:
    """Change an entry to the type of its tag; None if it is of another one.

    A TIFF with an entry of another type, or a text without its end, is refused by some readers.
    """
    if kind == SHORT:
        return entry if (entry.kind, entry.count) == (kind, 1) else None
    if entry.kind not in (BYTE, TEXT, UNDEFINED):
        return None
    content = entry.content + b"\0" * (kind == TEXT and not entry.content.endswith(b"\0"))
    return Entry(kind, len(content), content)


def _pixels_an_inch(across: Entry | None, down: Entry | None, unit: Entry | None) -> tuple[float, float] | None:
    """Resolution from its entries, of which one may stand for both ways; None where it is missing or damaged."""
    lengths = {INCH: 1.0, CENTIMETRE: 2.54}
    length = 1.0 if unit is None else lengths.get(_number(unit)) if unit.kind == SHORT else None
    across, down = across or down, down or across
    if length is None or across is None or down is None or {across.kind, down.kind} != {FRACTION}:
        return None
    x, y = (struct.unpack("<2I", entry.content[:8]) for entry in (across, down))
    return (length * x[0] / x[1], length * y[0] / y[1]) if x[1] and y[1] else None


def _read(
    file: BinaryIO, order: str, start: int, wanted: Callable[[int], bool], *, longest: int = LONGEST
) -> Directory:
    """Read the entries of the directory at `start`, of `longest` bytes altogether; damaged ones are left out."""
    entries: Directory = {}
    if start < 8:  # within the header, as where no entry points to the directory
        return entries
    with contextlib.suppress(struct.error):  # a directory that ends too soon
        file.seek(start)
        table = file.read(12 * struct.unpack(f"{order}H", file.read(2))[0])
        for tag, kind, count, value in struct.iter_unpack(f"{order}HHI4s", table[: len(table) // 12 * 12]):
            size = UNITS.get(kind, 0) * count * (2 if kind in FRACTIONS else 1)
            if not wanted(tag) or not 0 < size <= longest:
                continue
            longest -= size
            content = value
            if size > 4:
                file.seek(struct.unpack(f"{order}I", value)[0])
                content = file.read(size)
            if len(content) >= size:
                entries[tag] = Entry(kind, count, _lower_first(content[:size], UNITS[kind], order))
    return entries


def _lower_first(content: bytes, unit: int, order: str) -> bytes:
    return np.frombuffer(content, f"{order}u{unit}").astype(f"<u{unit}").tobytes()


def _pack(entries: Directory, start: int) -> bytes:
    """Pack a directory for a file from byte `start` on, followed by the values that need more than four bytes."""
    table, behind = struct.pack("<H", len(entries)), b""
    end = start + len(table) + 12 * len(entries) + 4
    for tag, entry in sorted(entries.items()):
        value = entry.content
        if len(value) > 4:
            value = struct.pack("<I", end + len(behind))
            behind += entry.content + bytes(len(entry.content) % 2)
        table += struct.pack("<HHI4s", tag, entry.kind, entry.count, value)
    return table + bytes(4) + behind  # four zeros: no directory follows, and so no thumbnail


def _whole(number: int) -> Entry:
    return Entry(LONG, 1, struct.pack("<I", number))


def _number(entry: Entry | None) -> int:
    """First number of an entry, such as where a directory begins; 0 without an entry."""
    return int.from_bytes(entry.content[:4], "little") if entry else 0
