"""Metadata of pictures: author, time and place, and a description of how the picture was made.

EXIF (`exif.py`), XMP, IPTC and resolution of a photograph go into what is painted from it. The description of the
result itself, such as the settings that it was made with, has one place by format: the text "Description" of a PNG, and
EXIF's UserComment everywhere else. So it never takes the place of the photographer's own description, but except in a
PNG that of a comment that the camera or the photographer left in UserComment.
"""

import contextlib
import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from xml.etree import ElementTree

from PIL import Image, PngImagePlugin, TiffImagePlugin

from sfumato.errors import InputError
from sfumato.native_output import caught_output
from sfumato.pictures.exif import (
    BYTE,
    LONGEST,
    UNDEFINED,
    Entry,
    Exif,
    add_to_tiff,
    comment_of,
    for_result,
    read_exif,
    read_tiff_exif,
)

XMP_TAG, IPTC_TAG = 0x02BC, 0x83BB  # of a TIFF
IPTC_RESOURCE = 0x0404  # of a JPEG's "Photoshop" segment
LONGEST_XMP = 65_504
"""Bytes of XMP that fit into a segment of a JPEG."""

XMPMETA = "{adobe:ns:meta/}xmpmeta"
RDF, DESCRIPTION, ABOUT = (
    f"{{http://www.w3.org/1999/02/22-rdf-syntax-ns#}}{name}" for name in ("RDF", "Description", "about")
)

XMP_KEPT = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "cc": "http://creativecommons.org/ns#",
}
"""Vocabularies of XMP that tell of the photograph. The others repeat EXIF, or tell of the file: its way up and size,
its history, how it was developed, the depth or the gain map behind it."""

XMP_LEFT_OUT = (
    "{http://ns.adobe.com/xap/1.0/}Thumbnails",
    "{http://ns.adobe.com/photoshop/1.0/}ColorMode",
    "{http://ns.adobe.com/photoshop/1.0/}ICCProfile",
)

for _prefix, _uri in (("x", XMPMETA[1:-8]), ("rdf", RDF[1:-4]), *XMP_KEPT.items()):
    ElementTree.register_namespace(_prefix, _uri)


@dataclass(frozen=True)
class Metadata:
    """Metadata of a photograph that also hold for a picture painted from it.

    Args:
        exif: A TIFF without pixels, as files hold it.
        xmp: A packet of XML.
        iptc: IPTC's records (IIM).
        dpi: Pixels an inch, across and down.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None


def read_metadata(image: Image.Image, file: BinaryIO) -> Metadata:
    """Read the metadata of a picture opened from `file`, without damaged ones."""
    exif = _exif(image, file)
    return Metadata(exif.to_bytes() or None, _xmp(image), _iptc(image), _dpi(image, exif))


def orientation_of(image: Image.Image, file: BinaryIO) -> int:
    """The way up, as EXIF numbers it, of the pixels of a picture opened from `file`; a TIFF's Pillow has seen to."""
    return 1 if image.format == "TIFF" else _exif(image, file).orientation


def description_of(image: Image.Image, file: BinaryIO) -> str | None:
    """Read the description written by `encode` from a picture opened from `file`; None if there is none."""
    if image.format == "PNG":
        text = image.info.get("Description")
        return text if isinstance(text, str) else None
    return comment_of(_exif(image, file))


def encode(image: Image.Image, name: str, settings: Mapping[str, Any], known: Metadata, says: str | None) -> bytes:
    """Encode a picture in format `name`, with its metadata and a description.

    Metadata beyond a format are left out: IPTC is for JPEG and TIFF, and a JPEG takes 64 kB each of EXIF and XMP.
    The resolution stands in EXIF, too, which alone has a place for it in a WebP or a HEIC.

    Raises:
        InputError: if the description is not ASCII.
        OSError, ValueError: if the format does not take the picture.
    """
    if says is not None and not says.isascii():
        raise InputError("the description of a picture is ASCII text: write other characters as JSON's \\u00e9")
    comment = None if name == "PNG" else says
    exif = for_result(read_exif(known.exif or b""), *image.size, comment, known.dpi)
    if len(exif.to_bytes()) > LONGEST:
        exif = for_result(Exif(), *image.size, comment, known.dpi)
    settings = dict(settings) | ({"dpi": known.dpi} if known.dpi else {})
    if name != "TIFF":
        settings |= _settings(name, exif.to_bytes(), known, says)
    buffer = io.BytesIO()
    with caught_output() if name == "TIFF" else contextlib.nullcontext():
        image.save(buffer, name, **settings)
    if name != "TIFF":
        return buffer.getvalue()
    tags = {XMP_TAG: (BYTE, known.xmp), IPTC_TAG: (UNDEFINED, known.iptc)}
    others = {tag: Entry(kind, len(content), content) for tag, (kind, content) in tags.items() if content}
    return add_to_tiff(buffer.getvalue(), exif, others)


def _settings(name: str, exif: bytes, known: Metadata, says: str | None) -> dict[str, Any]:
    """The keyword arguments for metadata in Pillow's `save`."""
    settings: dict[str, Any] = {"exif": b"Exif\0\0" + exif} if exif else {}
    if name == "PNG":
        text = PngImagePlugin.PngInfo()
        if says is not None:
            text.add_text("Description", says)
        if known.xmp:
            text.add_itxt("XML:com.adobe.xmp", known.xmp.decode())
        return settings | {"pnginfo": text}
    if known.xmp and (name != "JPEG" or len(known.xmp) <= LONGEST_XMP):
        settings["xmp"] = known.xmp
    if known.iptc and name == "JPEG":
        resource = b"8BIM" + struct.pack(">HHI", IPTC_RESOURCE, 0, len(known.iptc)) + known.iptc
        segment = b"Photoshop 3.0\0" + resource + bytes(len(known.iptc) % 2)
        settings["extra"] = b"\xff\xed" + struct.pack(">H", 2 + len(segment)) + segment
    return settings


def _exif(image: Image.Image, file: BinaryIO) -> Exif:
    if image.format == "TIFF":
        return read_tiff_exif(file)
    content = image.info.get("exif")
    as_text = image.info.get("Raw profile type exif")  # of a PNG by ImageMagick: name, length, and the bytes in hex
    if content is None and isinstance(as_text, str):
        with contextlib.suppress(ValueError):
            content = bytes.fromhex("".join(as_text.split()[2:]))
    return read_exif(content) if isinstance(content, bytes) else Exif()


class _NoDocumentType(ElementTree.TreeBuilder):
    """A receiver of XML that refuses document types, which XMP does not have: their entities may grow without end."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ValueError("XMP has no document type")


def _xmp(image: Image.Image) -> bytes | None:
    packet = image.info.get("xmp")
    if not isinstance(packet, bytes):
        return None
    kept = ElementTree.Element(DESCRIPTION, {ABOUT: ""})
    try:
        root = ElementTree.fromstring(packet.strip(b"\0 \r\n\t"), ElementTree.XMLParser(target=_NoDocumentType()))
        for description in (entry for entries in root.iter(RDF) for entry in entries):
            kept.attrib |= {name: value for name, value in description.items() if _is_kept(name)}
            kept.extend(entry for entry in description if _is_kept(entry.tag))
        if len(kept) == 0 and list(kept.attrib) == [ABOUT]:
            return None
        whole = ElementTree.Element(XMPMETA)
        ElementTree.SubElement(whole, RDF).append(kept)
        content: bytes = ElementTree.tostring(whole, encoding="utf-8", xml_declaration=False)
    except Exception:  # whatever the XML of a stranger leads to
        return None
    return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>' + content + b'<?xpacket end="w"?>'


def _is_kept(name: str) -> bool:
    return name[1:].partition("}")[0] in XMP_KEPT.values() and name not in XMP_LEFT_OUT


def _iptc(image: Image.Image) -> bytes | None:
    """Read IPTC's records from a JPEG or a TIFF."""
    records: Any = None
    with contextlib.suppress(Exception):  # tags of a TIFF are read only now
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            records = image.tag_v2.get(IPTC_TAG)
        else:
            records = image.info.get("photoshop", {}).get(IPTC_RESOURCE)
    return records if isinstance(records, bytes) and len(records) < LONGEST_XMP else None


def _dpi(image: Image.Image, exif: Exif) -> tuple[float, float] | None:
    """Resolution of the file itself, or else that in EXIF."""
    own = None
    with contextlib.suppress(Exception):  # in a TIFF it may be one of zero parts
        own = tuple(float(number) for number in image.info["dpi"])
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") not in (1, 2):  # Pillow has it from EXIF, too
        own = None
    for found in (own, exif.dpi):
        if found is not None and all(1 < number <= 65_535 for number in found):  # 1: none; more does not fit a JPEG
            return found[0], found[1]
    return None
