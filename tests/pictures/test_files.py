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
from PIL import ExifTags, Image

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
