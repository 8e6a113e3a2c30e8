"""Lengths of sound files by their own containers, so that one that was cut off is known for it."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

STREAMED = 2**25
"""Bytes below 2^31 and 2^32 within which a length of 32 bits is that of a stream, whose end was not known."""

OGG_PAGE = 27 + 255 + 255 * 255
"""Bytes of an Ogg page, at most."""

CAF_PARTS = 100
"""Parts of a CAF file among which its samples are looked for."""

WAV_HEAD = 4096
"""Bytes at the beginning of a WAV file among which its format is looked for."""

PLAIN, EXTENSIBLE = (1, 3), 0xFFFE
"""Formats of WAV files whose samples are plain whole numbers and floats; that which says its format further on."""

ENCODINGS = {2: "ADPCM", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM", 0x55: "MP3"}
"""Other formats of WAV files."""

END_OF_STREAM = 4
"""Flag of the last page of an Ogg stream (RFC 3533)."""


def is_cut_off(path: Path) -> bool:
    """Whether a file of sound ends before it should by its container's own word.

    RIFF, RF64, Wave64, AIFF, AU and CAF say how long they are, and the last page of Ogg that it is the last. Of other
    files (MP3, FLAC) the decoder finds it out.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(40)
        if head[:4] == b"OggS":
            return not _ends_with_its_last_page(file, size)
        measure = CONTAINERS.get(head[:4])
        declared = 0 if measure is None else measure(head, file)
    return declared - 1 > size  # a last byte to make the length even may be missing


def _ends_with_its_last_page(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - 2 * OGG_PAGE))
    tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS\0")) :]
    if len(page) < 27 or not page[5] & END_OF_STREAM:
        return False
    lengths = page[27 : 27 + page[26]]
    return len(lengths) == page[26] and len(page) >= 27 + len(lengths) + sum(lengths)


def _riff(head: bytes, file: BinaryIO) -> int:
    return _unless_streamed(int.from_bytes(head[4:8], "little"))


def _form(head: bytes, file: BinaryIO) -> int:
    return _unless_streamed(int.from_bytes(head[4:8], "big"))


def _rf64(head: bytes, file: BinaryIO) -> int:
    return int.from_bytes(head[20:28], "little") + 8 if head[12:16] == b"ds64" else 0


def _wave64(head: bytes, file: BinaryIO) -> int:
    return int.from_bytes(head[16:24], "little")


def _au(head: bytes, file: BinaryIO) -> int:
    start, length = (int.from_bytes(head[at : at + 4], "big") for at in (4, 8))
    return start + length if _unless_streamed(length) else 0


def _caf(head: bytes, file: BinaryIO) -> int:
    """End of the data: each part has a name of four bytes, and its length in eight; -1 for one up to the end."""
    end = 8
    for _ in range(CAF_PARTS):
        file.seek(end)
        part = file.read(12)
        length = int.from_bytes(part[4:], "big", signed=True)
        if len(part) < 12 or length < 0:
            break
        end += 12 + length
        if part[:4] == b"data":
            return end
    return 0


def _unless_streamed(length: int) -> int:
    """Length of a file by that of what follows its first eight bytes; 0 where it stands for "not known"."""
    streamed = any(limit - STREAMED <= length <= limit for limit in (2**31, 2**32))
    return 0 if streamed else length + 8


def unusual_wav(path: Path) -> str | None:
    """Name of a WAV file that SciPy does not read, as one of 64 bits or of mu-law; None for others."""
    with path.open("rb") as file:
        head = file.read(WAV_HEAD)
    if head[:4] == b"RF64":
        return "RF64, a WAV file of 64 bits"
    at = head.find(b"fmt ")
    if head[8:12] != b"WAVE" or at < 0:
        return None
    kind, extended = (int.from_bytes(head[at + start :][:2], "little") for start in (8, 32))
    kind = extended if kind == EXTENSIBLE else kind
    return None if kind in PLAIN or len(head) < at + 10 else f"a WAV file of {ENCODINGS.get(kind, 'another encoding')}"


CONTAINERS: dict[bytes, Callable[[bytes, BinaryIO], int]] = {
    b"RIFF": _riff,
    b"RF64": _rf64,
    b"riff": _wave64,
    b"FORM": _form,
    b".snd": _au,
    b"caff": _caf,
}
"""Functions from a header, by its first four bytes, to the bytes of the whole file; 0 where it says nothing."""
