"""Pictures as they come from cameras, phones and paint programs, and pictures that are none."""

import io
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageCms

from sfumato.arrays import Array
from sfumato.errors import FileError, InputError
from sfumato.pictures.files import (
    check_image_path,
    open_image,
    read_description,
    read_image,
    write_image,
)
from sfumato.pictures.formats import WRITABLE

SUFFIXES = tuple(WRITABLE)

pillow_heif.register_heif_opener()


@pytest.fixture
def pixels() -> Array:
    """A picture that is not its own mirror image whichever way it is turned, smooth enough for JPEG."""
    rows, columns = np.mgrid[0:48, 0:64]
    red, green, blue = 5 * rows, 3 * columns, 2 * (rows + columns)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def header_of_png(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and holds hardly anything."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def encoded(image: Image.Image, name: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
def test_what_is_written_without_loss_is_read_as_it_was(suffix: str, pixels: Array, tmp_path: Path) -> None:
    write_image(tmp_path / f"picture{suffix}", pixels)
    np.testing.assert_array_equal(read_image(tmp_path / f"picture{suffix}"), pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".heic"])
def test_what_jpeg_webp_and_heic_lose_cannot_be_seen(suffix: str, pixels: Array, tmp_path: Path) -> None:
    write_image(tmp_path / f"picture{suffix}", pixels)
    read = read_image(str(tmp_path / f"picture{suffix}"))
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - pixels).mean() < 2


def test_jpeg_keeps_the_colours_of_single_pixels(tmp_path: Path) -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 255
    write_image(tmp_path / "stripes.jpg", stripes)
    assert np.abs(read_image(tmp_path / "stripes.jpg").astype(int) - stripes).max() < 40


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_pixels_give_the_same_bytes(suffix: str, pixels: Array, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_image(tmp_path / f"{name}{suffix}", pixels, description='{"steps": 3}')
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one{suffix}", f"two{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_description_goes_into_the_metadata(suffix: str, pixels: Array, tmp_path: Path) -> None:
    path = tmp_path / f"picture{suffix}"
    write_image(path, pixels, description='{"steps": 3}')
    assert read_description(path) == '{"steps": 3}'
    with Image.open(path) as image:
        if suffix == ".png":
            assert image.info["Description"] == '{"steps": 3}'
        else:
            camera = image.getexif().get_ifd(ExifTags.IFD.Exif)
            assert camera[ExifTags.Base.UserComment] == b'ASCII\0\0\0{"steps": 3}'
            assert ExifTags.Base.ImageDescription not in image.getexif(), "which is the photographer's"
    assert read_image(path).shape == pixels.shape


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_way_up_that_the_camera_noted(orientation: int, name: str, pixels: Array, tmp_path: Path) -> None:
    as_stored: dict[int, Callable[[Array], Array]] = {  # how a camera held that way stores what it sees
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
        8: lambda x: np.rot90(x, -1),
    }
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = Image.fromarray(np.ascontiguousarray(as_stored[orientation](pixels)))
    (tmp_path / "photo").write_bytes(encoded(stored, name, exif=exif.tobytes()))
    read = read_image(tmp_path / "photo")
    assert read.shape == pixels.shape
    assert np.abs(read.astype(int) - pixels).mean() < 8


KINDS = {
    "grey": (Image.new("L", (5, 4), 77), "PNG", (77, 77, 77)),
    "grey JPEG": (Image.new("L", (5, 4), 77), "JPEG", (77, 77, 77)),
    "black and white": (Image.new("1", (5, 4), 1), "PNG", (255, 255, 255)),
    "16 bits": (Image.fromarray(np.full((4, 5), 77 * 257, np.uint16)), "PNG", (77, 77, 77)),
    "16 bits TIFF": (Image.fromarray(np.full((4, 5), 77 * 257, np.uint16)), "TIFF", (77, 77, 77)),
    "palette": (Image.new("RGB", (5, 4), (10, 20, 30)).quantize(4), "PNG", (10, 20, 30)),
    "still GIF": (Image.new("RGB", (5, 4), (10, 20, 30)).quantize(4), "GIF", (10, 20, 30)),
    "CMYK": (Image.new("CMYK", (5, 4), (0, 0, 255, 0)), "TIFF", (255, 255, 0)),
    "CMYK JPEG": (Image.new("CMYK", (5, 4), (0, 0, 0, 0)), "JPEG", (255, 255, 255)),
    "opaque": (Image.new("RGBA", (5, 4), (10, 20, 30, 255)), "PNG", (10, 20, 30)),
    "half transparent": (Image.new("RGBA", (5, 4), (0, 0, 0, 128)), "PNG", (127, 127, 127)),
    "transparent": (Image.new("RGBA", (5, 4), (10, 20, 30, 0)), "WEBP", (255, 255, 255)),
    "transparent grey": (Image.new("LA", (5, 4), (10, 0)), "PNG", (255, 255, 255)),
    "BMP": (Image.new("RGB", (5, 4), (10, 20, 30)), "BMP", (10, 20, 30)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_pixel_becomes_rgb(kind: str, tmp_path: Path) -> None:
    image, name, colour = KINDS[kind]
    settings = {"lossless": True} if name == "WEBP" else {}
    (tmp_path / "picture").write_bytes(encoded(image, name, **settings))
    read = read_image(tmp_path / "picture")
    assert read.dtype == np.uint8
    assert read.shape == (4, 5, 3)
    np.testing.assert_array_equal(read, np.broadcast_to(np.array(colour, np.uint8), (4, 5, 3)))


def test_16_bits_of_any_range(tmp_path: Path) -> None:
    (tmp_path / "picture.pgm").write_bytes(b"P5 2 1 1000\n" + struct.pack(">2H", 302, 1000))
    assert read_image(tmp_path / "picture.pgm").tolist() == [[[77] * 3, [255] * 3]]


def test_a_tiff_of_16_bits_whose_zero_is_white(tmp_path: Path) -> None:
    white_is_zero, black_is_zero = (struct.pack("<HHIHH", 262, 3, 1, number, 0) for number in (0, 1))
    content = encoded(Image.fromarray(np.array([[0, 77 * 257, 65_535]], np.uint16)), "TIFF")
    assert content.count(black_is_zero) == 1
    (tmp_path / "picture.tif").write_bytes(content.replace(black_is_zero, white_is_zero))
    assert read_image(tmp_path / "picture.tif").tolist() == [[[255] * 3, [178] * 3, [0] * 3]]


def test_the_transparent_grey_of_a_png_of_16_bits(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[300, 301, 77 * 257]], np.uint16))
    (tmp_path / "picture.png").write_bytes(encoded(image, "PNG", transparency=300))
    photo = open_image(tmp_path / "picture.png")
    assert photo.pixels.tolist() == [[[255] * 3, [1] * 3, [77] * 3]]
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [[0, 255, 255]], "of the two that become the same, only one is transparent"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "CMYK", "I;16"])
def test_a_picture_of_several_strips_is_converted_in_all_of_them(
    mode: str, pixels: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image.fromarray(pixels)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(pixels[::-1, ::-1, 1].copy()))
    image = image.convert("I").convert(mode) if mode == "I;16" else image.convert(mode)
    (tmp_path / "picture").write_bytes(encoded(image, "TIFF"))
    whole = open_image(tmp_path / "picture")
    monkeypatch.setattr("sfumato.pictures.strips.STRIP", 64 * 7)
    strips = open_image(tmp_path / "picture")
    np.testing.assert_array_equal(strips.pixels, whole.pixels)
    assert (strips.alpha is None) == (not mode.endswith("A"))
    if strips.alpha is not None and whole.alpha is not None:
        np.testing.assert_array_equal(strips.alpha, whole.alpha)


def test_a_palette_with_a_transparent_colour_lies_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((1, 0), 1)
    (tmp_path / "picture.gif").write_bytes(encoded(image, "GIF", transparency=0))
    assert read_image(tmp_path / "picture.gif").tolist() == [[[255, 255, 255], [10, 20, 30]]]


def test_a_telephones_jpeg_with_a_preview_behind_it_is_a_photograph(pixels: Array, tmp_path: Path) -> None:
    image, preview = Image.fromarray(pixels), Image.new("RGB", (8, 8))
    (tmp_path / "photo.jpg").write_bytes(encoded(image, "MPO", save_all=True, append_images=[preview]))
    assert read_image(tmp_path / "photo.jpg").shape == pixels.shape


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_frames_are_refused(name: str, pixels: Array, tmp_path: Path) -> None:
    frames = [Image.fromarray(pixels), Image.fromarray(pixels[::-1])]
    (tmp_path / "clip").write_bytes(encoded(frames[0], name, save_all=True, append_images=frames[1:]))
    said = "has 2 frames; add first_frame=True to take the first, or save the one that you want as PNG"
    assert refusal(tmp_path / "clip") == said


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_the_first_frame_by_request(name: str, pixels: Array, tmp_path: Path) -> None:
    first, second = Image.new("RGB", (20, 20), (200, 40, 60)), Image.new("RGB", (20, 20), (0, 0, 0))
    settings = {"quality": 100} if name == "AVIF" else {}
    (tmp_path / "clip").write_bytes(encoded(first, name, save_all=True, append_images=[second], **settings))
    read = read_image(tmp_path / "clip", first_frame=True)
    np.testing.assert_allclose(read, np.broadcast_to([200, 40, 60], (20, 20, 3)), atol=3)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_picture_that_was_cut_off(name: str, part: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    whole = encoded(Image.fromarray(noise), name)
    (tmp_path / "cut").write_bytes(whole[: int(part * len(whole))])
    said = refusal(tmp_path / "cut")
    assert "is damaged or cut off" in said or "is not a picture that can be read" in said


def profile(space: bytes, tags: dict[bytes, bytes], *, connection: bytes = b"XYZ ") -> bytes:
    """A colour profile by the ICC's specification."""
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I5s", 5, b"Test\0") + bytes(78), b"wtpt": numbers(*D50), **tags}
    offset, table, data = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, offset + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    kind = (b"mntr", space, connection)
    header = struct.pack(">I4xI4s4s4s12x4s28x", offset + len(data), 0x02400000, *kind, b"acsp")
    return header + numbers(*D50)[8:] + bytes(48) + table + data


def numbers(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def gamma(power: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(power * 256))


D50 = (0.9642, 1.0, 0.8249)
P3_TO_XYZ = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
SRGB_TO_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
P3 = profile(
    b"RGB ",
    {name + b"XYZ": numbers(*column) for name, column in zip((b"r", b"g", b"b"), P3_TO_XYZ.T, strict=True)}
    | {name + b"TRC": gamma(2.2) for name in (b"r", b"g", b"b")},
)
LINEAR_GREY = profile(b"GRAY", {b"kTRC": gamma(1)})
RAMP = bytes(range(256))
INKS = [[round(255 * (1 - amount.bit_count() / 4)), 128, 128] for amount in range(16)]
GREY_INKS = profile(
    b"CMYK",
    {
        b"A2B0": b"mft1\0\0\0\0\4\3\2\0"
        + struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel().tolist())
        + 4 * RAMP
        + bytes(np.ravel(INKS).tolist())
        + 3 * RAMP
    },
    connection=b"Lab ",
)
"""Of a printer all of whose inks are the same grey, each a quarter of black."""


def srgb(linear: Array) -> Array:
    """Amounts of light from 0 to 1 as sRGB has them, 0 to 255."""
    light = np.clip(linear, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def from_p3(pixels: Array) -> Array:
    return srgb((pixels / 255) ** 2.2 @ P3_TO_XYZ.T @ np.linalg.inv(SRGB_TO_XYZ).T)


@pytest.mark.parametrize(
    ("name", "settings", "measure"),
    [
        ("PNG", {}, np.max),
        ("TIFF", {}, np.max),
        ("WEBP", {"lossless": True}, np.max),
        ("JPEG", {"quality": 95}, np.mean),
        ("AVIF", {"quality": 95}, np.mean),
    ],
)
def test_the_colours_of_a_telephones_photograph_become_srgb(
    name: str, settings: Any, measure: Any, pixels: Array, tmp_path: Path
) -> None:
    (tmp_path / "photo").write_bytes(encoded(Image.fromarray(pixels), name, icc_profile=P3, **settings))
    read = read_image(tmp_path / "photo")
    assert measure(np.abs(read - from_p3(pixels))) < 1.5
    assert np.abs(read.astype(int) - pixels).max() > 20, "a difference that one sees"


def test_pixels_that_are_srgb_already_stay_as_they_are(pixels: Array, tmp_path: Path) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (tmp_path / "picture").write_bytes(encoded(Image.fromarray(pixels), "PNG", icc_profile=own))
    np.testing.assert_array_equal(read_image(tmp_path / "picture"), pixels)


def of_srgbs_primaries(name: bytes, curve: bytes) -> bytes:
    description = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + bytes(79)
    columns = zip((b"r", b"g", b"b"), SRGB_TO_XYZ.T, strict=True)
    tags = {letter + b"XYZ": numbers(*column) for letter, column in columns}
    return profile(b"RGB ", {b"desc": description, **tags, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)})


def test_a_profile_is_srgb_by_what_it_does_not_by_its_name(pixels: Array, tmp_path: Path) -> None:
    linear = of_srgbs_primaries(b"sRGB-elle-V2-g10.icc", gamma(1))
    (tmp_path / "linear").write_bytes(encoded(Image.fromarray(pixels), "PNG", icc_profile=linear))
    photo = open_image(tmp_path / "linear")
    np.testing.assert_allclose(photo.pixels, srgb(pixels / 255), atol=1)
    write_image(tmp_path / "out.png", photo.pixels, like=photo)
    with Image.open(tmp_path / "out.png") as image:
        np.testing.assert_allclose(np.asarray(image).astype(int), pixels, atol=2)

    levels = np.linspace(0, 1, 1024)
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    curve = b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *(round(65_535 * amount) for amount in light))
    other_name = of_srgbs_primaries(b"c2", curve)
    (tmp_path / "srgb").write_bytes(encoded(Image.fromarray(pixels), "PNG", icc_profile=other_name))
    np.testing.assert_array_equal(read_image(tmp_path / "srgb"), pixels)


RED = from_p3(np.array([200, 40, 60]))
GREY = srgb(np.full(3, 77 / 255))
WITH_PROFILE = {
    "palette": (Image.new("RGB", (5, 4), (200, 40, 60)).quantize(4), "PNG", P3, RED),
    "opaque": (Image.new("RGBA", (5, 4), (200, 40, 60, 255)), "PNG", P3, RED),
    "half transparent": (Image.new("RGBA", (5, 4), (200, 40, 60, 51)), "PNG", P3, 0.2 * RED + 0.8 * 255),
    "transparent": (Image.new("RGBA", (5, 4), (200, 40, 60, 0)), "PNG", P3, np.full(3, 255)),
    "grey": (Image.new("L", (5, 4), 77), "JPEG", LINEAR_GREY, GREY),
    "transparent grey": (Image.new("LA", (5, 4), (77, 51)), "PNG", LINEAR_GREY, 0.2 * GREY + 0.8 * 255),
    "16 bits": (Image.fromarray(np.full((4, 5), 77 * 257, np.uint16)), "PNG", LINEAR_GREY, GREY),
    "CMYK": (Image.new("CMYK", (5, 4), (255, 0, 0, 0)), "TIFF", GREY_INKS, srgb(np.full(3, (91 / 116) ** 3))),
    "CMYK JPEG": (Image.new("CMYK", (5, 4), (255, 255, 255, 255)), "JPEG", GREY_INKS, np.zeros(3)),
}


@pytest.mark.parametrize("kind", WITH_PROFILE)
def test_every_kind_of_pixel_is_converted_by_its_profile(kind: str, tmp_path: Path) -> None:
    image, name, icc_profile, colour = WITH_PROFILE[kind]
    (tmp_path / "picture").write_bytes(encoded(image, name, icc_profile=icc_profile))
    np.testing.assert_allclose(read_image(tmp_path / "picture"), np.broadcast_to(colour, (4, 5, 3)), atol=2)


def test_the_transparent_colour_is_one_of_the_file_not_of_what_its_profile_makes_of_it(tmp_path: Path) -> None:
    image = Image.new("RGB", (2, 1), (200, 40, 60))
    image.putpixel((1, 0), (10, 20, 30))
    (tmp_path / "picture").write_bytes(encoded(image, "PNG", icc_profile=P3, transparency=(10, 20, 30)))
    photo = open_image(tmp_path / "picture")
    np.testing.assert_allclose(photo.pixels, np.array([[RED, np.full(3, 255)]]), atol=2)
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [[255, 0]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "CMYK"])
@pytest.mark.parametrize(
    "icc_profile",
    [
        b"no profile",
        P3[:300],
        P3[:128] + bytes(len(P3) - 128),
        profile(b"RGB ", {}),
        profile(b"GRAY", {}),
        profile(b"CMYK", {}),
        profile(b"HLS ", {b"A2B0": b"mft1"}),
    ],
    ids=range(7),
)
def test_a_broken_profile_is_left_out_of_account(mode: str, icc_profile: bytes, tmp_path: Path) -> None:
    image = Image.new(mode, (5, 4), tuple(range(77, 77 + len(mode))) if len(mode) > 1 else 77)
    (tmp_path / "without").write_bytes(encoded(image, "TIFF"))
    (tmp_path / "with").write_bytes(encoded(image, "TIFF", icc_profile=icc_profile))
    np.testing.assert_array_equal(read_image(tmp_path / "with"), read_image(tmp_path / "without"))


@pytest.mark.parametrize(
    ("mode", "icc_profile"), [("RGB", LINEAR_GREY), ("RGB", GREY_INKS), ("L", P3), ("L", GREY_INKS), ("CMYK", P3)]
)
def test_a_profile_for_other_pixels_is_left_out_of_account(mode: str, icc_profile: bytes, tmp_path: Path) -> None:
    test_a_broken_profile_is_left_out_of_account(mode, icc_profile, tmp_path)


WRONG = {
    "empty": (b"", "is empty; give a picture"),
    "text": (b"a,b,c\n1,2,3\n", "is not a picture that can be read; save it as PNG or JPEG"),
    "drawing": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "is a PostScript drawing, which is not read; export it as PNG",
    ),
    "half a header": (header_of_png(9, 9)[:20], "is damaged or cut off"),
    "bomb": (header_of_png(50_000, 50_000), "has more than the 178,956,970 pixels that are read; reduce it first"),
    "floating point": (encoded(Image.new("F", (5, 4)), "TIFF"), "has floating-point pixels; save it with 8 or 16 bits"),
    "32 bits": (encoded(Image.new("I", (5, 4), 200), "TIFF"), "has signed or 32-bit pixels; save it with 8 or 16 bits"),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_are_no_pictures(name: str, tmp_path: Path) -> None:
    content, said = WRONG[name]
    (tmp_path / "picture").write_bytes(content)
    assert said in refusal(tmp_path / "picture")


def test_a_large_picture_below_the_limit_is_let_in_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(header_of_png(10_000, 10_000))
    assert "is damaged or cut off" in refusal(tmp_path / "large.png"), "its size is not what is wrong"


def test_places_where_there_is_no_picture(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "is a folder; name a picture"
    assert refusal(tmp_path / "none.jpg") == "cannot be read (No such file or directory); check the path"
    assert "File name too long" in refusal(tmp_path / ("x" * 300))


def refusal(path: Path) -> str:
    """What is said of a picture, after its name."""
    with pytest.raises(FileError) as raised:
        read_image(path)
    said = str(raised.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", ["a.bmp", "a", "a.pngg", "", ".png"])
def test_unknown_formats_are_told_those_there_are(name: str) -> None:
    with pytest.raises(
        InputError, match=r"pictures are written as \.png, \.jpg, \.jpeg, \.webp, \.tif, \.tiff, \.heic; give"
    ):
        check_image_path(name)


def test_what_cannot_be_written_leaves_what_was_there(pixels: Array, tmp_path: Path) -> None:
    path = tmp_path / "old.webp"
    write_image(path, pixels)
    before = path.read_bytes()
    with pytest.raises(FileError, match=r"20000 x 1 pixels do not fit into WEBP .*; choose \.png"):
        write_image(path, np.zeros((1, 20_000, 3), np.uint8))
    with pytest.raises(InputError, match=r"a picture is uint8 \(height, width, 3\), not float64 \(48, 64, 3\)"):
        write_image(path, pixels / 255)
    with pytest.raises(FileError, match="cannot be written"):
        write_image(tmp_path / "nowhere" / "new.png", pixels)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("suffix", "most"), [(".png", 1.5), (".tif", 1.5), (".jpg", 3), (".webp", 4), (".heic", 3)], ids=str
)
def test_the_result_has_the_colours_and_the_profile_of_the_photograph(
    suffix: str, most: float, pixels: Array, tmp_path: Path
) -> None:
    (tmp_path / "photo").write_bytes(encoded(Image.fromarray(pixels), "PNG", icc_profile=P3))
    photo = open_image(tmp_path / "photo")
    write_image(tmp_path / f"out{suffix}", photo.pixels, like=photo)
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.info["icc_profile"] == P3
        in_p3 = np.asarray(image).astype(float)
    np.testing.assert_allclose(from_p3(in_p3).mean(), photo.pixels.mean(), atol=1)
    assert np.abs(from_p3(in_p3) - photo.pixels).mean() < most


@pytest.mark.parametrize(
    ("mode", "icc_profile"),
    [("L", LINEAR_GREY), ("CMYK", GREY_INKS), ("L", P3), ("RGB", P3[:300]), ("RGB", profile(b"RGB ", {}))],
)
def test_profiles_that_are_not_for_rgb_or_broken_are_not_handed_on(
    mode: str, icc_profile: bytes, tmp_path: Path
) -> None:
    (tmp_path / "photo").write_bytes(encoded(Image.new(mode, (20, 20)), "TIFF", icc_profile=icc_profile))
    photo = open_image(tmp_path / "photo")
    write_image(tmp_path / "out.png", photo.pixels, like=photo)
    with Image.open(tmp_path / "out.png") as image:
        assert "icc_profile" not in image.info
        np.testing.assert_array_equal(np.asarray(image), photo.pixels)


def one_way(device_class: bytes) -> bytes:
    """A profile of RGB with a table to XYZ alone, in which red and blue change places, and none for the way back."""
    swapped = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    colours = [round(255 * amount) for grid in np.ndindex(2, 2, 2) for amount in swapped @ grid]
    table = b"mft1\0\0\0\0\3\3\2\0" + struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel().tolist())
    made = profile(b"RGB ", {b"A2B0": table + 3 * RAMP + bytes(colours) + 3 * RAMP}, connection=b"Lab ")
    return made[:12] + device_class + made[16:]


NARROW = 0.5 * SRGB_TO_XYZ + 0.5 * np.array(D50)[:, np.newaxis] / 3


@pytest.mark.parametrize(
    "icc_profile",
    [
        one_way(b"scnr"),
        one_way(b"mntr"),
        profile(
            b"RGB ",
            {name + b"XYZ": numbers(*column) for name, column in zip((b"r", b"g", b"b"), NARROW.T, strict=True)}
            | {name + b"TRC": gamma(2.2) for name in (b"r", b"g", b"b")},
        ),
    ],
    ids=["of a scanner", "of a screen", "too narrow"],
)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_profile_from_which_colours_do_not_come_back_leaves_the_result_in_srgb(
    suffix: str, icc_profile: bytes, pixels: Array, tmp_path: Path
) -> None:
    (tmp_path / "photo").write_bytes(encoded(Image.fromarray(pixels), "PNG", icc_profile=icc_profile))
    photo = open_image(tmp_path / "photo")
    assert np.abs(photo.pixels.astype(int) - pixels).max() > 20, "it is read by its profile"
    write_image(tmp_path / f"out{suffix}", photo.pixels, like=photo)
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert "icc_profile" not in image.info
        assert np.abs(np.asarray(image).astype(int) - photo.pixels).mean() < 2


def test_srgbs_own_profile_stays_and_changes_nothing(pixels: Array, tmp_path: Path) -> None:
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (tmp_path / "photo").write_bytes(encoded(Image.fromarray(pixels), "PNG", icc_profile=own))
    write_image(tmp_path / "out.png", pixels, like=open_image(tmp_path / "photo"))
    with Image.open(tmp_path / "out.png") as image:
        assert image.info["icc_profile"] == own
        np.testing.assert_array_equal(np.asarray(image), pixels)


def cut_out() -> Image.Image:
    """A red disc with a soft edge on nothing."""
    rows, columns = np.mgrid[0:60, 0:80]
    alpha = np.clip(20 - np.hypot(rows - 30, columns - 40), 0, 8) / 8
    red = np.broadcast_to(np.array([200, 40, 60], np.uint8), (60, 80, 3))
    return Image.fromarray(np.dstack([red, np.round(255 * alpha).astype(np.uint8)]))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".heic"])
def test_alpha_is_kept_and_half_transparent_edges_do_not_turn_white(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(encoded(cut_out(), "PNG"))
    photo = open_image(tmp_path / "cut.png")
    write_image(tmp_path / f"out{suffix}", photo.pixels, like=photo)
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.mode == "RGBA"
        read = np.asarray(image).astype(int)
    before = np.asarray(cut_out()).astype(int)
    np.testing.assert_allclose(read[..., 3], before[..., 3], atol=3)
    on_black = read[..., :3] * read[..., 3:] / 255
    assert np.abs(on_black - before[..., :3] * before[..., 3:] / 255).mean() < 1.5
    on_white = read_image(tmp_path / f"out{suffix}").astype(int)
    assert np.abs(on_white - photo.pixels).mean() < 1.5


def test_alpha_is_brought_to_the_size_of_the_result(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(encoded(cut_out(), "PNG"))
    write_image(tmp_path / "out.png", np.zeros((30, 40, 3), np.uint8), like=open_image(tmp_path / "cut.png"))
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (40, 30)
        alpha = np.asarray(image.getchannel("A"))
    assert alpha[15, 20] == 255
    assert alpha[0, 0] == 0


def test_a_jpeg_of_what_was_transparent_lies_on_white(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(encoded(cut_out(), "PNG"))
    photo = open_image(tmp_path / "cut.png")
    write_image(tmp_path / "out.jpg", photo.pixels, like=photo)
    assert np.abs(read_image(tmp_path / "out.jpg").astype(int) - photo.pixels).mean() < 2
    assert (read_image(tmp_path / "out.jpg")[0, 0] > 250).all()


def test_what_is_opaque_throughout_gets_no_alpha(pixels: Array, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(encoded(Image.fromarray(pixels).convert("RGBA"), "PNG"))
    write_image(tmp_path / "out.png", pixels, like=open_image(tmp_path / "photo"))
    with Image.open(tmp_path / "out.png") as image:
        assert image.mode == "RGB"


def test_alpha_is_turned_with_the_picture(tmp_path: Path) -> None:
    left_is_clear = np.full((4, 6, 4), 255, np.uint8)
    left_is_clear[:, :3, 3] = 0
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # hold it a quarter turn clockwise: left comes up
    (tmp_path / "photo").write_bytes(encoded(Image.fromarray(left_is_clear), "PNG", exif=exif))
    alpha = open_image(tmp_path / "photo").alpha
    assert alpha is not None
    np.testing.assert_array_equal(alpha, np.repeat([[0], [255]], 3, axis=0) * np.ones((1, 4), int))


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".heic"])
def test_less_quality_is_a_smaller_file(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = []
    for quality in (10, 50, None):
        write_image(tmp_path / f"out{suffix}", noise, quality=quality)
        sizes.append((tmp_path / f"out{suffix}").stat().st_size)
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3


@pytest.mark.parametrize(
    ("path", "quality", "said"),
    [
        ("a.png", 90, r"a\.png: PNG loses nothing and has no quality; leave the quality out, or write \.jpg or \.webp"),
        ("a.tif", 90, "TIFF loses nothing"),
        ("a.jpg", 0, "the quality must be a whole number from 1 to 100, not 0"),
        ("a.webp", 101, "not 101"),
        ("a.jpg", 90.5, r"not 90\.5"),
    ],
)
def test_a_quality_that_cannot_be(path: str, quality: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_image_path(path, quality=quality)


def test_heic_without_its_extra(pixels: Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "photo.heic", pixels)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    needs = 'HEIC needs an extra: pip install ".[heic]", or save the picture as PNG or JPEG'
    assert refusal(tmp_path / "photo.heic") == needs
    with pytest.raises(FileError, match="pip install"):
        check_image_path(tmp_path / "out.heic")


def test_a_built_in_style_is_a_picture_by_its_name() -> None:
    assert read_image("sfumato:scream").shape[2] == 3
    with pytest.raises(InputError, match="did you mean sfumato:scream"):
        read_image("sfumato:screem")
