"""Who took a photograph, when and where goes into what is painted from it; what is broken stops nothing."""

import io
import struct
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image
from PIL.ExifTags import GPS, IFD, Base

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.pictures.files import Photo, open_image, read_description, read_image, write_image

pillow_heif.register_heif_opener()

SUFFIXES = (".png", ".jpg", ".webp", ".tif", ".heic")
SUBJECT_AREA = 0x9214
READ = ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF")


def camera_exif() -> Image.Exif:
    """What a telephone notes of a photograph of 4032 x 3024 pixels that it took upright."""
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model], exif[Base.Artist] = "Fruit", "Phone 7", "Ada"
    exif[Base.ImageDescription], exif[Base.Orientation] = "My cat on the roof", 6
    exif[Base.XResolution] = exif[Base.YResolution] = 240.0
    exif[Base.ResolutionUnit] = 2
    exif.get_ifd(IFD.Exif).update(
        {
            Base.DateTimeOriginal: "2024:05:01 12:30:00",
            Base.FNumber: 1.8,
            Base.ISOSpeedRatings: 64,
            Base.ExifVersion: b"0232",
            Base.ExifImageWidth: 4032,
            Base.ExifImageHeight: 3024,
            Base.MakerNote: b"Fruit\0" + bytes(range(100)),
            SUBJECT_AREA: (2015, 1511, 2217, 1330),
        }
    )
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (48.0, 51.0, 29.5)})
    return exif


def save(path: Path, image: Image.Image, name: str, **settings: Any) -> Photo:
    image.save(path, name, **settings)
    return open_image(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", READ)
def test_what_the_camera_noted_is_in_the_result(name: str, suffix: str, pixels: Array, tmp_path: Path) -> None:
    photo = save(tmp_path / "photo", Image.fromarray(pixels), name, exif=camera_exif().tobytes())
    write_image(tmp_path / f"out{suffix}", pixels, like=photo, description='{"steps": 3}')
    with Image.open(tmp_path / f"out{suffix}") as image:
        exif = image.getexif()
        camera, place = exif.get_ifd(IFD.Exif), exif.get_ifd(IFD.GPSInfo)
    assert (exif[Base.Make], exif[Base.Model], exif[Base.Artist]) == ("Fruit", "Phone 7", "Ada")
    assert exif[Base.ImageDescription] == "My cat on the roof"
    assert exif[Base.XResolution] == 240
    assert camera[Base.DateTimeOriginal] == "2024:05:01 12:30:00"
    assert (float(camera[Base.FNumber]), camera[Base.ISOSpeedRatings]) == (1.8, 64)
    assert camera[Base.ExifVersion] == b"0232"
    assert place[GPS.GPSLatitudeRef] == "N"
    assert [float(number) for number in place[GPS.GPSLatitude]] == [48, 51, 29.5]
    assert exif.get(Base.Orientation, 1) == 1, "the picture is turned already"
    assert (camera[Base.ExifImageWidth], camera[Base.ExifImageHeight]) == (64, 48), "the size of the result"
    assert not {Base.MakerNote, SUBJECT_AREA} & set(camera)
    assert read_description(tmp_path / f"out{suffix}") == '{"steps": 3}'
    assert read_image(tmp_path / f"out{suffix}").shape == (48, 64, 3)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_keep_their_accents_in_either_order_of_bytes(
    suffix: str, order: str, pixels: Array, tmp_path: Path
) -> None:
    artist, number = "José Müller\0".encode(), struct.pack(f"{order}2I", 72, 1)
    entries = struct.pack(f"{order}HHHIIHHII", 2, 0x11A, 5, 1, 38, 0x13B, 2, len(artist), 46)
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8)
    exif = head + entries + bytes(4) + number + artist
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "JPEG", exif=b"Exif\0\0" + exif)
    write_image(tmp_path / f"out{suffix}", pixels, like=photo)
    assert "José Müller".encode() in (tmp_path / f"out{suffix}").read_bytes()
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.getexif()[Base.Artist].encode("latin-1").decode() == "José Müller"
        assert image.getexif()[Base.XResolution] == 72


def test_the_preview_in_exif_is_left_behind(pixels: Array, tmp_path: Path) -> None:
    preview = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 40, 60)).save(preview, "JPEG")
    content, make = preview.getvalue(), b"Fruit\0"
    first = struct.pack("<HHHIII", 1, 0x10F, 2, len(make), 26, 32) + make
    second = struct.pack("<HHHIIHHIII", 2, 0x201, 4, 1, 62, 0x202, 4, 1, len(content), 0)
    exif = b"II*\0" + struct.pack("<I", 8) + first + second + content
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "JPEG", exif=b"Exif\0\0" + exif)
    with Image.open(tmp_path / "photo") as image:
        assert image.getexif().get_ifd(IFD.IFD1), "there is one"
    write_image(tmp_path / "out.jpg", pixels, like=photo)
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.getexif()[Base.Make] == "Fruit"
        assert not image.getexif().get_ifd(IFD.IFD1)
    assert content not in (tmp_path / "out.jpg").read_bytes()


XMP = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
  xmp:Rating="5" tiff:Orientation="6" hdrgm:Version="1.0">
 <dc:creator><rdf:Seq><rdf:li>Jos\xc3\xa9</rdf:li></rdf:Seq></dc:creator>
 <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Cat &amp; roof</rdf:li></rdf:Alt></dc:title>
 <xmp:Thumbnails><rdf:Alt><rdf:li>AAAA</rdf:li></rdf:Alt></xmp:Thumbnails>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["JPEG", "WEBP", "HEIF", "TIFF"])
def test_xmp_is_handed_on_without_what_it_says_of_the_file(
    name: str, suffix: str, pixels: Array, tmp_path: Path
) -> None:
    settings = {"tiffinfo": {700: XMP}} if name == "TIFF" else {"xmp": XMP}
    photo = save(tmp_path / "photo", Image.fromarray(pixels), name, **settings)
    write_image(tmp_path / f"out{suffix}", pixels, like=photo)
    with Image.open(tmp_path / f"out{suffix}") as image:
        packet = image.info["xmp"]
    tags = {entry.tag.partition("}")[2] for entry in ElementTree.fromstring(packet).iter()}
    assert {"creator", "title"} <= tags
    assert b'Rating="5"' in packet
    assert "José".encode() in packet
    assert b"Cat &amp; roof" in packet
    for left in (b"Orientation", b"Thumbnails", b"hdrgm"):
        assert left not in packet


def test_comments_in_xmp_do_no_harm(pixels: Array, tmp_path: Path) -> None:
    commented = XMP.replace(b"<dc:creator>", b"<!-- by hand: no <!DOCTYPE --><dc:creator>")
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "JPEG", xmp=commented)
    assert "José".encode() in (photo.metadata.xmp or b"")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xmp_with_a_document_type_is_left_behind(encoding: str, pixels: Array, tmp_path: Path) -> None:
    packet = XMP.decode().replace("<x:xmpmeta", '<!DOCTYPE a [<!ENTITY b "bbbb">]><x:xmpmeta', 1)
    packet = packet.replace("Cat", "&b;").partition("?>")[2]
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "WEBP", xmp=packet.encode(encoding))
    assert photo.metadata.xmp is None


IPTC = b"\x1c\x02\x50\x00\x03Ada" + b"\x1c\x02\x78\x00\x03Cat"


def test_iptc_goes_from_jpeg_to_jpeg_and_tiff(pixels: Array, tmp_path: Path) -> None:
    segment = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC
    photo = save(
        tmp_path / "photo",
        Image.fromarray(pixels),
        "JPEG",
        extra=b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment,
    )
    write_image(tmp_path / "out.jpg", pixels, like=photo)
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.info["photoshop"][0x0404] == IPTC
    write_image(tmp_path / "out.tif", pixels, like=photo)
    assert open_image(tmp_path / "out.tif").metadata.iptc == IPTC


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_the_resolution_is_handed_on(suffix: str, pixels: Array, tmp_path: Path) -> None:
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "PNG", dpi=(300, 150))
    write_image(tmp_path / f"out{suffix}", pixels, like=photo)
    with Image.open(tmp_path / f"out{suffix}") as image:
        np.testing.assert_allclose([float(number) for number in image.info["dpi"]], (300, 150), rtol=1e-3)


@pytest.mark.parametrize("suffix", [".webp", ".heic"])
def test_where_a_format_has_no_place_for_the_resolution_exif_tells_it(
    suffix: str, pixels: Array, tmp_path: Path
) -> None:
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "PNG", dpi=(300, 150))
    write_image(tmp_path / f"out{suffix}", pixels, like=photo)
    with Image.open(tmp_path / f"out{suffix}") as image:
        exif = image.getexif()
    resolution = [float(exif[tag]) for tag in (Base.XResolution, Base.YResolution)]
    np.testing.assert_allclose(resolution, (300, 150), rtol=1e-3)
    assert exif[Base.ResolutionUnit] == 2, "an inch"


Row = tuple[int, int, int, bytes]


def entries(*rows: Row, order: str = "<", camera: bool = False) -> bytes:
    """EXIF of entries (tag, type, count, content), as they stand; with `camera`, within the camera's directory."""
    start, head = 8, b""
    if camera:
        head = struct.pack(f"{order}HHHIII", 1, 0x8769, 4, 1, 26, 0)
        start = 26
    end, table, behind = start + 2 + 12 * len(rows) + 4, b"", b""
    for tag, kind, count, content in sorted(rows):
        value = content.ljust(4, b"\0")
        if len(content) > 4:
            value = struct.pack(f"{order}I", end + len(behind))
            behind += content
        table += struct.pack(f"{order}HHI4s", tag, kind, count, value)
    tiff = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8)
    return b"Exif\0\0" + tiff + head + struct.pack(f"{order}H", len(rows)) + table + bytes(4) + behind


SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of a value of each type that EXIF has."""

TYPICAL = (0x010E, 0x010F, 0x011A, 0x011B, 0x0128, 0x0132, 0x013B, 0x4746, 0x8298, 0x9C9B)

ODD = {
    **{
        f"{count} of type {kind}": entries(
            *((tag, kind, count, bytes(range(65, 65 + count * size))) for tag in TYPICAL)
        )
        for kind, size in SIZES.items()
        for count in (1, 3)
    },
    **{
        f"settings of type {kind}": entries(
            *((tag, kind, 2, bytes(2 * SIZES[kind])) for tag in (0x829A, 0x9003, 0x9286, 0xA002)), camera=True
        )
        for kind in SIZES
    },
    **{
        f"unit {unit}": entries(
            (0x11A, 5, 1, struct.pack("<2I", 72, 1)),
            (0x11B, 5, 1, struct.pack("<2I", 72, 1)),
            (0x128, 3, 1, struct.pack("<H", unit)),
        )
        for unit in (0, 1, 4, 65_535)
    },
    "a resolution of no parts": entries((0x11A, 5, 1, bytes(8)), (0x11B, 5, 1, struct.pack("<2I", 72, 0))),
    "a resolution across alone": entries((0x11A, 5, 1, struct.pack("<2I", 72, 1))),
    "a unit without a resolution": entries((0x128, 3, 1, struct.pack("<H", 2))),
    "a resolution as text": entries((0x11A, 2, 6, b"72 cm\0"), (0x11B, 2, 6, b"72 cm\0"), (0x128, 2, 3, b"cm\0")),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("oddity", ODD)
def test_what_is_written_after_odd_exif_is_read_by_every_program_without_complaint(
    oddity: str, suffix: str, pixels: Array, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "JPEG", exif=ODD[oddity])
    out = tmp_path / f"out{suffix}"
    write_image(out, pixels, like=photo, description="{}")
    capfd.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Image.open(out) as image:
            image.load()
            exif = image.getexif()
            assert exif.get_ifd(IFD.Exif).get(Base.ExifImageWidth, 64) == 64
            assert exif.get(Base.ResolutionUnit, 2) == 2
    assert capfd.readouterr() == ("", ""), "libtiff writes there itself"
    assert read_image(out).shape == pixels.shape


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("density", "expected"), [((200, 100), (200, 100)), (None, (762, 381))])
def test_the_files_own_resolution_goes_before_that_in_exif(
    density: tuple[int, int] | None,
    expected: tuple[int, int],
    suffix: str,
    order: str,
    pixels: Array,
    tmp_path: Path,
) -> None:
    exif = entries(
        (0x11A, 5, 1, struct.pack(f"{order}2I", 600, 2)),
        (0x11B, 5, 1, struct.pack(f"{order}2I", 150, 1)),
        (0x128, 3, 1, struct.pack(f"{order}H", 3)),  # a centimetre
        order=order,
    )
    own = {} if density is None else {"dpi": density}
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "JPEG", exif=exif, **own)
    write_image(tmp_path / f"out{suffix}", pixels, like=photo, description="{}")
    with Image.open(tmp_path / f"out{suffix}") as image:
        in_exif = [float(image.getexif()[tag]) for tag in (Base.XResolution, Base.YResolution)]
        if suffix in (".png", ".jpg", ".tif"):
            np.testing.assert_allclose([float(number) for number in image.info["dpi"]], expected, rtol=1e-3)
    np.testing.assert_allclose(in_exif, expected, rtol=1e-3)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_picture_and_metadata_give_the_same_bytes(suffix: str, pixels: Array, tmp_path: Path) -> None:
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "JPEG", exif=camera_exif().tobytes(), xmp=XMP)
    for name in ("one", "two"):
        write_image(tmp_path / f"{name}{suffix}", pixels, like=photo, description="{}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_painting_of_a_painting_has_the_later_description_once(suffix: str, pixels: Array, tmp_path: Path) -> None:
    path = tmp_path / f"picture{suffix}"
    write_image(path, pixels, description='{"steps": 1}')
    write_image(path, pixels, description='{"steps": 2}', like=open_image(path))
    assert read_description(path) == '{"steps": 2}'
    assert b'"steps": 1' not in path.read_bytes()


def test_a_tiff_with_metadata_is_a_whole_tiff(pixels: Array, tmp_path: Path) -> None:
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "JPEG", exif=camera_exif().tobytes(), xmp=XMP)
    large = np.tile(pixels, (12, 12, 1))  # of many strips
    write_image(tmp_path / "out.tif", large, like=photo, description="{}")
    np.testing.assert_array_equal(read_image(tmp_path / "out.tif"), large)


DAMAGED = {
    "nothing": b"",
    "no EXIF": b"not EXIF at all",
    "cut off": camera_exif().tobytes()[6:60],
    "points beyond its end": b"II*\0" + struct.pack("<I", 2**31),
    "points at itself": b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x8769, 4, 1, 8, 0),
    "of vast size": b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x10F, 2, 2**32 - 1, 8, 0),
    "of unknown type": b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x112, 99, 1, 6, 0),
    "text for a number": b"II*\0" + struct.pack("<IHHHI4sI", 8, 1, 0x112, 2, 4, b"abc\0", 0),
    "the same entry 65,535 times": b"II*\0"
    + struct.pack("<IH", 8, 65_535)
    + 5000 * struct.pack("<HHII", 0x10F, 2, 60_000, 8),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_exif_stops_nothing(damage: str, name: str, suffix: str, pixels: Array, tmp_path: Path) -> None:
    photo = save(tmp_path / "photo", Image.fromarray(pixels), name, exif=b"Exif\0\0" + DAMAGED[damage])
    assert photo.pixels.shape == pixels.shape
    write_image(tmp_path / f"out{suffix}", pixels, like=photo, description="{}")
    assert read_description(tmp_path / f"out{suffix}") == "{}"


@pytest.mark.parametrize(
    "xmp",
    [
        b"not XML",
        XMP[:400],
        b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>',
        b"<a>" * 5000 + b"</a>" * 5000,
        XMP.decode().encode("utf-16"),
    ],
    ids=range(5),
)
def test_damaged_xmp_stops_nothing(xmp: bytes, pixels: Array, tmp_path: Path) -> None:
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "WEBP", xmp=xmp)
    write_image(tmp_path / "out.jpg", pixels, like=photo)
    assert read_image(tmp_path / "out.jpg").shape == pixels.shape


def test_what_a_jpeg_has_no_room_for_is_left_out(pixels: Array, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.ImageDescription] = "Fruit", "x" * 40_000
    exif[Base.Artist] = "y" * 25_000
    xmp = XMP.replace(b"Jos", 70_000 * b"J")
    photo = save(tmp_path / "photo", Image.fromarray(pixels), "WEBP", exif=exif.tobytes(), xmp=xmp)
    write_image(tmp_path / "out.jpg", pixels, like=photo, description="{" + 2000 * " " + "}")
    assert read_description(tmp_path / "out.jpg") == "{" + 2000 * " " + "}"
    with Image.open(tmp_path / "out.jpg") as image:
        assert "xmp" not in image.info
    write_image(tmp_path / "out.png", pixels, like=photo)
    with Image.open(tmp_path / "out.png") as image:
        assert len(image.info["xmp"]) > 70_000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pictures_without_a_description(suffix: str, pixels: Array, tmp_path: Path) -> None:
    write_image(tmp_path / f"out{suffix}", pixels)
    assert read_description(tmp_path / f"out{suffix}") is None
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert not image.info.get("exif")
        assert Base.UserComment not in image.getexif().get_ifd(ExifTags.IFD.Exif)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_description_is_ascii(suffix: str, pixels: Array, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the description of a picture is ASCII text"):
        write_image(tmp_path / f"out{suffix}", pixels, description="é")
    assert list(tmp_path.iterdir()) == []
