"""What is not read is called by its name, in one line of ours; and what is read is decided by one list."""

import io
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import AvifImagePlugin, ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from sfumato.arrays import Array
from sfumato.errors import FileError, InputError
from sfumato.pictures.as_examples import is_picture
from sfumato.pictures.files import open_image, photo_of, read_image, write_image
from sfumato.pictures.formats import READABLE, SUFFIXES, WRITABLE, why_left_out


def encoded(image: Image.Image, name: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **settings)
    return buffer.getvalue()


def refusal(path: Path, **how: Any) -> str:
    with pytest.raises(FileError) as raised:
        open_image(path, **how)
    assert "\n" not in str(raised.value)
    return str(raised.value).removeprefix(f"{path}: ")


def test_every_ending_that_pillow_has_for_a_format_that_is_read_is_one_that_is_read() -> None:
    Image.init()
    formats = {*READABLE, "MPO"}
    assert {suffix for suffix, name in Image.registered_extensions().items() if name in formats} <= {*SUFFIXES}
    assert {*WRITABLE} <= {*SUFFIXES}
    assert all(is_picture(f"a{suffix}") and is_picture(f"a{suffix.upper()}") for suffix in SUFFIXES)


@pytest.mark.parametrize("name", ["IMG_1.HIF", "a.mpo", "a.gif", "a.avif", "a.JPG", "a.b.heic"])
def test_cameras_endings_are_those_of_pictures(name: str) -> None:
    assert why_left_out(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.CR2", ".cr2: a camera's raw file, which is not read; develop it to JPEG or TIFF"),
        ("a.txt", ".txt: not a picture that is read"),
        ("README", "a name without ending: not a picture that is read"),
    ],
)
def test_why_a_file_of_a_folder_is_left_out(name: str, why: str) -> None:
    assert why_left_out(name) == why


TIFF = encoded(Image.new("RGB", (20, 20)), "TIFF")
RAW = "is a camera's raw file, which is not read; develop it to JPEG or TIFF"

UNREAD = {
    "a.pdf": (b"%PDF-1.7\n", "is a PDF document, which is not read; export it as PNG"),
    "a.psd": (b"8BPS\0\1", "is a Photoshop document, which is not read; export it as PNG"),
    "a.svg": (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- by hand -->\n<svg xmlns='x'/>", "is an SVG drawing, which is"),
    "b.svg": (b'<svg width="10">', "is an SVG drawing, which is not read; export it as PNG"),
    "a.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a PostScript drawing, which is not read"),
    "a.jxl": (b"\xff\x0a\xfa\x7f", "is a JPEG XL picture, which is not read; convert it to PNG or JPEG"),
    "b.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n", "is a JPEG XL picture"),
    "a.cr2": (b"II*\0\x10\0\0\0CR\2\0", RAW),
    "named as another.tif": (b"II*\0\x10\0\0\0CR\2\0", RAW),
    "a.cr3": (b"\0\0\0\x18ftypcrx \0", RAW),
    "a.NEF": (TIFF, RAW),
    "a.dng": (TIFF, RAW),
    "a.raf": (b"FUJIFILMCCD-RAW 0201", RAW),
    "a.mp4": (b"\0\0\0\x20ftypisom", "is a video, which is not read; save the frame that you want as PNG"),
    "a.mov": (b"\0\0\0\x14ftypqt  ", "is a video"),
    "a.html": (b"\n<!DOCTYPE html><html>", "is a web page, which is not read; save the picture itself"),
    "saved.jpg": (b"<html><body>404", "is a web page"),
    "a.zip": (b"PK\3\4", "is an archive, which is not read; unpack it"),
    "with a byte order mark.jpg": (b"\xef\xbb\xbf <!-- saved --> <!doctype html>", "is a web page"),
    "a.svgz": (b"\x1f\x8b\x08\0", "is an SVG drawing, which is not read; export it as PNG"),
    "a.kra": (b"PK\3\4", "is a document of a drawing program, which is not read; export it as PNG"),
    "long comment.svg": (
        b"<?xml version='1.0'?><!--" + 2000 * b" ",
        "is an SVG drawing, by its name, which is not read",
    ),
    "a.tga": (b"\0\0\2" + bytes(15), "is a Targa picture, by its name, which is not read; convert it to PNG or JPEG"),
    "a.pcx": (b"\x0a\5\1\x08", "is a PCX picture"),
    "a.sgi": (b"\x01\xda\1\1", "is a Silicon Graphics picture"),
    "cut off.avif": (b"\0\0\0\x20ftypavif", "is damaged or cut off, or a kind of HEIC or AVIF that is not read"),
    "a.xcf": (b"gimp xcf v011", "is a GIMP picture"),
    "a.exr": (b"v/1\1", "is an OpenEXR picture"),
    "a.ico": (encoded(Image.new("RGB", (16, 16)), "ICO"), "is an icon"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_format_that_is_not_read_is_called_by_its_name(name: str, tmp_path: Path) -> None:
    content, said = UNREAD[name]
    (tmp_path / name).write_bytes(content)
    assert said in refusal(tmp_path / name)


def compressed_by(scheme: int) -> bytes:
    """A TIFF that says that it is compressed by this scheme."""
    content = encoded(Image.new("RGB", (20, 20)), "TIFF", compression="tiff_lzw")
    entry = struct.pack("<HHIHH", 259, 3, 1, 5, 0)
    assert content.count(entry) == 1
    return content.replace(entry, struct.pack("<HHIHH", 259, 3, 1, scheme, 0))


def test_a_missing_decoder_of_tiff_is_named_and_the_library_says_nothing_itself(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tif").write_bytes(compressed_by(50_001))
    said = refusal(tmp_path / "a.tif")
    if "is damaged" in said:
        pytest.skip("the TIFF library here has the decoder")
    assert said == "is a TIFF compressed by WEBP, which the TIFF library here lacks; save it with LZW, or as PNG"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("scheme", [2, 6, 34_712, 34_887, 34_925, 65_000])
def test_a_tiff_of_any_compression_ends_in_one_line(
    scheme: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tif").write_bytes(compressed_by(scheme))
    assert refusal(tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")


def test_what_libtiff_says_of_a_tiff_that_it_reads_is_caught(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    unit = struct.pack("<HHIHH", 296, 3, 1, 2, 0)
    content = encoded(Image.new("RGB", (20, 20), (1, 2, 3)), "TIFF", compression="tiff_lzw", dpi=(72, 72))
    assert content.count(unit) == 1
    (tmp_path / "a.tif").write_bytes(content.replace(unit, struct.pack("<HHIHH", 296, 3, 1, 65_535, 0)))
    assert read_image(tmp_path / "a.tif")[0, 0].tolist() == [1, 2, 3]
    assert capfd.readouterr() == ("", "")


def test_a_format_for_which_this_pillow_was_built_without_a_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.avif").write_bytes(encoded(Image.new("RGB", (20, 20)), "AVIF"))
    monkeypatch.setattr(AvifImagePlugin, "SUPPORTED", False)
    assert "AVIF support not installed" in refusal(tmp_path / "a.avif")


@pytest.mark.parametrize("address", ["https://example.com/a.jpg", "HTTP://example.com/a.jpg", "file:///home/a.jpg"])
@pytest.mark.parametrize("kind", [str, Path])
def test_an_address_is_no_path(address: str, kind: type) -> None:
    with pytest.raises(InputError, match=r"is an address, and files are taken; download it, and name the file"):
        read_image(kind(address))


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("exif", [None, 1, 3])
def test_the_way_up_is_that_in_exif_whatever_xmp_says(exif: int | None, name: str, tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:20, 0:30]
    pixels = np.stack([8 * columns, 12 * rows, 0 * rows], axis=-1).astype(np.uint8)
    settings: dict[str, Any] = {"xmp": XMP}
    if name == "TIFF":
        settings = {"tiffinfo": {700: XMP} | ({} if exif is None else {ExifTags.Base.Orientation: exif})}
    elif exif is not None:
        noted = Image.Exif()
        noted[ExifTags.Base.Orientation] = exif
        settings["exif"] = noted
    if name == "PNG":
        settings["pnginfo"] = PngInfo()
        settings["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    (tmp_path / "photo").write_bytes(encoded(Image.fromarray(pixels), name, **settings))
    expected = pixels[::-1, ::-1] if exif == 3 else pixels
    read = read_image(tmp_path / "photo")
    assert read.shape == expected.shape
    assert np.abs(read.astype(int) - expected).mean() < 12
    with Image.open(tmp_path / "photo") as image:
        np.testing.assert_array_equal(photo_of(image).pixels, read)


def test_a_jpeg_whose_exif_pillow_stumbles_over_is_read_with_what_is_whole_in_it(tmp_path: Path) -> None:
    def entry(tag: int, kind: int, content: bytes) -> bytes:
        return struct.pack("<HHI4s", tag, kind, 1, content)

    entries = [entry(0x112, 3, b"\6\0"), entry(0x11A, 1, b"A"), entry(0x128, 3, b"\2\0")]
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 3) + b"".join(entries) + bytes(4)
    (tmp_path / "photo.jpg").write_bytes(encoded(Image.new("RGB", (20, 30)), "JPEG", exif=exif))
    assert read_image(tmp_path / "photo.jpg").shape == (20, 30, 3), "turned as the camera noted"


def test_no_more_memory_is_reserved_than_a_file_holds_whatever_it_says(tmp_path: Path) -> None:
    content = bytearray(encoded(Image.new("L", (32, 32)), "PNG"))
    place = content.index(b"IDAT")
    content[place - 4 : place] = struct.pack(">I", 2**31 - 1)
    (tmp_path / "a.png").write_bytes(content)
    tracemalloc.start()
    try:
        read_image(tmp_path / "a.png")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_picture_too_large_for_the_memory_is_refused_by_its_header(tmp_path: Path) -> None:
    Image.new("1", (3000, 2000)).save(tmp_path / "large.png")
    content = (tmp_path / "large.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[:60])  # whatever comes after the header is not looked at
    for name in ("large.png", "cut.png"):
        said = refusal(tmp_path / name, memory=100_000_000)
        assert said == (
            "reading its 3000 x 2000 pixels may take 174 MB of memory, and 100 MB are allowed; "
            "allow as much (memory='174MB') or reduce it"
        )
    assert open_image(tmp_path / "large.png", memory=174_000_000).pixels.shape == (2000, 3000, 3)


def test_what_a_library_prints_while_a_tiff_is_written_is_caught(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pixels: Array = np.zeros((20, 20, 3), np.uint8)
    write_image(tmp_path / "a.tif", pixels)
    assert capfd.readouterr() == ("", "")
