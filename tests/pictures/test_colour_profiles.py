"""Colour profiles of pictures: colours become sRGB where a file is read, and the result has those of the photograph."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from sfumato.arrays import Array
from sfumato.pictures.files import (
    open_image,
    read_image,
    write_image,
)

pillow_heif.register_heif_opener()


def encoded(image: Image.Image, name: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **settings)
    return buffer.getvalue()


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
