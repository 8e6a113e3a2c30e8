"""Formats of picture files: those that are read, those that are written, and others by their names."""

import re
from typing import Any, NamedTuple

READABLE: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heics", ".heif", ".heifs", ".hif"),
}
"""Formats that are read, which only hold pixels, and the endings of their files. EPS, for instance, would run a program
to draw itself. A file is known by its first bytes; by its ending where a folder is searched for pictures."""

SUFFIXES = tuple(suffix for suffixes in READABLE.values() for suffix in suffixes)

HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
"""First bytes of HEIC files, from the ninth on; the eight before them end in "ftyp"."""

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

WRITABLE: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"subsampling": 0}),  # 4:4:4: a style's colours have edges too
    ".jpeg": ("JPEG", {"subsampling": 0}),
    ".webp": ("WEBP", {}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
    ".heic": ("HEIF", {"chroma": 444}),
}
"""Formats by suffix, with their settings."""

LOSSY = ("JPEG", "WEBP", "HEIF")

HEAD = 1024
"""First bytes of a file by which its format is known."""


class Unread(NamedTuple):
    """A kind of file that is not read.

    Attributes:
        name: What it is, as "a PDF document".
        remedy: What to do with it.
        suffixes: Endings of such files.
        start: Matches the first bytes of such a file; None for a kind that is known by its ending alone.
    """

    name: str
    remedy: str
    suffixes: tuple[str, ...]
    start: bytes | None = None


_BYTES = re.DOTALL | re.IGNORECASE
_HTML = rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head)"
_DEVELOP, _EXPORT, _CONVERT = "develop it to JPEG or TIFF", "export it as PNG", "convert it to PNG or JPEG"

UNREAD = (
    Unread(
        "a camera's raw file",
        _DEVELOP,
        (
            *(".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".srw", ".dng"),
            *(".raf", ".orf", ".rw2", ".pef", ".raw", ".rwl", ".3fr", ".iiq", ".x3f", ".erf"),
        ),
        rb"....ftypcrx |(?:II\*\0|MM\0\*)....CR|FUJIFILMCCD-RAW|II[RU][\0OS]|MMOR|FOVb|II\x1a\0\0\0HEAP",
    ),
    Unread("a PDF document", _EXPORT, (".pdf", ".ai"), rb"\s*%PDF-"),
    Unread("a PostScript drawing", _EXPORT, (".eps", ".ps"), rb"%!PS|\xc5\xd0\xd3\xc6"),
    Unread(
        "an SVG drawing",
        _EXPORT,
        (".svg", ".svgz"),
        rb"(?:\xef\xbb\xbf)?\s*<(?:svg|(?:\?xml|!--|!doctype\s+svg).*<svg)",
    ),
    Unread("a Photoshop document", _EXPORT, (".psd", ".psb"), rb"8BPS"),
    Unread("a GIMP picture", _EXPORT, (".xcf",), rb"gimp xcf"),
    Unread("a JPEG XL picture", _CONVERT, (".jxl",), rb"\xff\x0a|\0\0\0\x0cJXL "),
    Unread("a JPEG XR picture", _CONVERT, (".jxr", ".wdp", ".hdp"), rb"II\xbc"),
    Unread("an OpenEXR picture", _CONVERT, (".exr",), rb"v/1\x01"),
    Unread("a Radiance picture", _CONVERT, (".hdr",), rb"#\?(?:RADIANCE|RGBE)"),
    Unread("an icon", _CONVERT, (".ico", ".cur", ".icns"), rb"\0\0[\x01\x02]\0[\x01-\xff]\0|icns"),
    Unread("a Targa picture", _CONVERT, (".tga",)),
    Unread("a PCX picture", _CONVERT, (".pcx",), rb"\x0a[\0-\5]\x01[\1\2\4\x08]"),
    Unread("a Silicon Graphics picture", _CONVERT, (".sgi", ".rgb", ".rgba", ".bw"), rb"\x01\xda[\0\1][\1\2]"),
    Unread("a FLIF picture", _CONVERT, (".flif",), rb"FLIF"),
    Unread("a Windows metafile", _EXPORT, (".wmf", ".emf"), rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF"),
    Unread(
        "a document of a drawing program",
        _EXPORT,
        (".kra", ".ora", ".pdn", ".cdr", ".clip", ".sai2", ".procreate", ".sketch", ".fig", ".afphoto", ".afdesign"),
    ),
    Unread("a QOI picture", _CONVERT, (".qoi",), rb"qoif"),
    Unread("a texture", _CONVERT, (".dds",), rb"DDS "),
    Unread("a DICOM file", _CONVERT, (".dcm",), rb".{128}DICM"),
    Unread("a FITS file", _CONVERT, (".fits", ".fit"), rb"SIMPLE  ="),
    Unread("a DjVu document", _EXPORT, (".djvu",), rb"AT&TFORM"),
    Unread(
        "a video",
        "save the frame that you want as PNG",
        (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".3gp"),
        rb"....ftyp(?:isom|iso2|mp4|qt|M4V|avc1|3gp|XAVC)|....(?:moov|mdat|wide)|\x1aE\xdf\xa3|RIFF....AVI ",
    ),
    Unread(
        "a sound",
        "`sfumato sound` plays in the manner of one",
        (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".caf", ".m4a", ".aac", ".wma"),
        rb"RIFF....WAVE|fLaC|OggS|ID3|\xff[\xfb\xf3\xf2]|FORM....AIF|caff|....ftypM4A ",
    ),
    Unread("a web page", "save the picture itself", (".html", ".htm"), _HTML),
    Unread("an archive", "unpack it", (".zip", ".gz", ".7z", ".rar"), rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!"),
)
"""Kinds of files that are not read, and are told apart to say what to do with them."""


CONTAINERS = (*TIFF_STARTS, b"\x1f\x8b", b"PK\x03\x04")
"""First bytes that several kinds share: of TIFF, which cameras' raw files are too, with a small preview as their first
picture; of gzip and of zip. The ending tells them apart."""


def unread_kind(head: bytes, suffix: str) -> Unread | None:
    """Recognise a file that is not read: by its first bytes, and by its ending where several kinds share these."""
    named = unread_by_name(suffix) if head.startswith(CONTAINERS) else None
    return named or next((kind for kind in UNREAD if kind.start and re.match(kind.start, head, _BYTES)), None)


def unread_by_name(suffix: str) -> Unread | None:
    """The kind of file that is not read which has this ending."""
    return next((kind for kind in UNREAD if suffix.lower() in kind.suffixes), None)


def why_left_out(name: str) -> str | None:
    """Say why a file of a folder is not read, by its name; None if it is read."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix in SUFFIXES:
        return None
    kind = unread_by_name(suffix)
    if kind is None:
        return f"{suffix or 'a name without ending'}: not a picture that is read"
    return f"{suffix}: {kind.name}, which is not read; {kind.remedy}"
