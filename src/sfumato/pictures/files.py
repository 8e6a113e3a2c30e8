"""Pictures in files: read as eight bits of red, green and blue, written whole or not at all."""

import contextlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, TiffImagePlugin

from sfumato.arrays import Array
from sfumato.checks import whole
from sfumato.errors import FileError, InputError
from sfumato.paths import user_path
from sfumato.pictures.builtin import picture_path
from sfumato.pictures.formats import LOSSY, WRITABLE
from sfumato.pictures.metadata import Metadata, description_of, encode, orientation_of, read_metadata
from sfumato.pictures.opening import open_file, register_heif
from sfumato.pictures.profiles import from_srgb, to_srgb
from sfumato.pictures.strips import row_strips
from sfumato.storage import check_place, followed, write_atomically

QUALITY = 95
"""Default quality, of 100: losses cannot be seen."""

SEVERAL_PICTURES = ("MPO", "HEIF")
"""Formats of telephones, in which one picture is the photograph, beside its previews."""

WHITE_IS_ZERO = 262
"""Tag of a TIFF, 0 where zeros are white."""


@dataclass(frozen=True)
class Photo:
    """A picture from a file: its pixels in sRGB, and its metadata, profile and transparency.

    Args:
        pixels: uint8 (height, width, 3): red, green, blue; what is transparent lies on white.
        alpha: uint8 (height, width), from 0, transparent, to 255; None where nothing is transparent.
        icc_profile: The profile that explained its colours in the file, if it is one of RGB.
        metadata: EXIF, XMP, IPTC and resolution.
    """

    pixels: Array
    alpha: Array | None
    icc_profile: bytes | None
    metadata: Metadata


def read_image(path: str | Path, *, first_frame: bool = False) -> Array:
    """Read the pixels of a picture alone, uint8 (height, width, 3); see `open_image`."""
    return open_image(path, first_frame=first_frame).pixels


def open_image(path: str | Path, *, first_frame: bool = False, memory: int | None = None) -> Photo:
    """Read a picture with its metadata, profile and transparency.

    The way up that the camera noted in EXIF is applied, and no other, as browsers do. Greys, palettes, CMYK and 16
    bits become sRGB of 8 bits, by the colour profile that the picture brings; what is transparent lies on white.
    Metadata or profiles that are damaged are left out.

    Args:
        path: A file of JPEG, PNG, WebP, TIFF, GIF, BMP, PNM, JPEG 2000 or AVIF; of HEIC with the extra `heic`. Or
            "sfumato:NAME", a built-in style.
        first_frame: Take the first frame of an animation, or the first page of several; default: refuse them, as it is
            seldom the first that is wanted.
        memory: Bytes that the process may take; default: any number.

    Raises:
        FileError: if the file cannot be read, is not a picture or a damaged one, has several frames, has more pixels
            than Pillow takes for an honest picture (about 179 million), or more than the memory allows.
        InputError: if no built-in style is called that, or it is an address.
    """
    path = picture_path(path)

    def photo(image: ImageFile.ImageFile, file: BinaryIO) -> Photo:
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format not in SEVERAL_PICTURES and not first_frame:
            raise FileError(
                f"{path}: has {frames} frames; add first_frame=True to take the first, "
                "or save the one that you want as PNG"
            )
        return _photo(path, image, file)

    return open_file(path, photo, memory=memory)


def photo_of(image: Image.Image) -> Photo:
    """Convert a picture of Pillow's, treated as one from a file: see `open_image`.

    Raises:
        FileError: if its pixels are of 32 bits.
    """
    _load(image)
    copied, file = image.copy(), io.BytesIO()
    metadata = read_metadata(copied, file)
    _turn_upright(copied, file)
    return Photo(*_to_rgb(Path("the picture"), copied), metadata)


def check_picture_place(
    path: str | Path, *, inputs: Iterable[str | Path] = (), overwrite: bool = False, quality: int | None = None
) -> Path:
    """Refuse, before any work, a place that no picture can be written to; returns the file that links lead to.

    Args:
        path: Where the picture is to go.
        inputs: Files that are read and may not be replaced.
        overwrite: Whether a file that is there may be replaced.
        quality: As of `write_image`.

    Raises:
        InputError, FileError: if not.
    """
    path = user_path(path)
    place = followed(Path(path))
    if place.exists() and any(Path(name).exists() and place.samefile(name) for name in inputs):
        raise InputError(f"{path}: is one of the pictures to read; name another file for the result")
    check_place(Path(path), overwrite=overwrite)
    check_image_path(place, quality=quality)
    return place


def read_description(path: str | Path) -> str | None:
    """Read the description that `write_image` has put into a picture; None if there is none.

    Raises:
        FileError: if the file cannot be read or is not a picture.
    """
    return open_file(Path(user_path(path)), description_of)


def _photo(path: Path, image: ImageFile.ImageFile, file: BinaryIO) -> Photo:
    _load(image)
    metadata = read_metadata(image, file)
    _turn_upright(image, file)
    image.fp = None  # of WebP and AVIF it holds the pixels once more
    return Photo(*_to_rgb(path, image), metadata)


def _load(image: Image.Image) -> None:
    """Load the pixels of a picture; by XMP, which Pillow would look into, no TIFF is turned on the way."""
    xmp = image.info.pop("xmp", None)
    image.load()
    if xmp is not None:
        image.info["xmp"] = xmp


def _turn_upright(image: Image.Image, file: BinaryIO) -> None:
    """Turn a picture as the camera noted in EXIF.

    Pillow would look into XMP as well, which a program that has turned the pixels may have left as it was.
    """
    with contextlib.suppress(Exception):  # whatever damaged EXIF leads to
        image.getexif()[ExifTags.Base.Orientation] = orientation_of(image, file)
        ImageOps.exif_transpose(image, in_place=True)  # a copy of 24 megapixels would be 100 MB


def _to_rgb(path: Path, image: Image.Image) -> tuple[Array, Array | None, bytes | None]:
    """Convert to pixels, alpha and profile of a `Photo`."""
    if image.mode == "F":
        raise FileError(f"{path}: has floating-point pixels; save it with 8 or 16 bits a channel")
    if image.mode == "I" and image.format != "PPM":  # there Pillow makes 16 bits of whatever range the file has
        raise FileError(f"{path}: has signed or 32-bit pixels; save it with 8 or 16 bits a channel")
    colours = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK"}.get(image.mode, "L" if image.mode[0] == "I" else "RGB")
    convert, profile = to_srgb(colours, image.info.get("icc_profile"))
    negative = isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(WHITE_IS_ZERO) == 0
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if image.has_transparency_data else None
    for rows in row_strips(height, width):
        strip = image.crop((0, rows.start, width, rows.stop))
        if strip.mode.startswith("I"):
            strip = _of_8_bits(strip, negative=negative)
        cover = None if alpha is None else strip.convert("RGBA").getchannel("A")
        colour = convert(strip if strip.mode == colours else strip.convert(colours))
        if alpha is not None:
            on_white = Image.new("RGB", strip.size, "white")
            on_white.paste(colour, mask=cover)
            colour, alpha[rows] = on_white, np.asarray(cover)
        pixels[rows] = np.asarray(colour)
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return pixels, alpha, profile


def _of_8_bits(image: Image.Image, *, negative: bool) -> Image.Image:
    """Convert greys of 16 bits to 8, with alpha if one of the greys is transparent."""
    values = np.asarray(image).astype(np.uint32)
    if negative:  # Pillow sees to it in greys of 8 bits only
        values = 65_535 - values
    grey = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    transparent = image.info.get("transparency")
    if transparent is not None:
        grey.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return grey


def write_image(
    path: str | Path,
    pixels: Array,
    *,
    description: str | None = None,
    like: Photo | None = None,
    quality: int | None = None,
) -> None:
    """Write a picture in the format that its suffix names: png, jpg, jpeg, webp, tif, tiff or heic.

    The same arguments give the same bytes.

    Args:
        path: Where to.
        pixels: uint8 (height, width, 3), sRGB; what will be transparent lies on white.
        description: ASCII text to keep in the picture, as the settings that it was made with: as the text "Description"
            of a PNG, elsewhere as EXIF's UserComment, in place of the photograph's. `read_description` reads it.
            Default: none.
        like: The photograph that it was made from: its metadata, its colour profile, to which the pixels are converted,
            and its transparency are the result's, too. A JPEG cannot be transparent and lies on white. Default: none.
        quality: From 1 to 100, of JPEG, WebP and HEIC; default: 95, where what is lost cannot be seen.

    Raises:
        InputError: if the suffix is unknown, its format has no quality, or the pixels are not of that type and shape.
        FileError: if it cannot be written; what was there stays as it was.
    """
    path = Path(user_path(path))
    check_image_path(path, quality=quality)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(f"a picture is uint8 (height, width, 3), not {pixels.dtype} {pixels.shape}")
    name, settings = WRITABLE[path.suffix.lower()]
    if name in LOSSY:
        settings = settings | {"quality": QUALITY if quality is None else int(quality)}
    height, width, _ = pixels.shape
    alpha = None if like is None or like.alpha is None or name == "JPEG" else _resized(like.alpha, width, height)
    image, profile = from_srgb(Image.fromarray(_off_white(pixels, alpha)), like.icc_profile if like else None)
    if profile is not None:
        settings = settings | {"icc_profile": profile}
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    try:
        content = encode(image, name, settings, like.metadata if like else Metadata(), description)
    except InputError:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # JPEG ends at 65,535 pixels a side, WebP at 16,383
        raise FileError(f"{path}: {width} x {height} pixels do not fit into {name} ({error}); choose .png") from error
    write_atomically(path, content)


def _resized(alpha: Array, width: int, height: int) -> Array:
    return np.array(Image.fromarray(alpha).resize((width, height), Image.Resampling.BILINEAR))


def _off_white(pixels: Array, alpha: Array | None) -> Array:
    """Colours that give `pixels` when laid on white with that alpha, as far as possible.

    Without this, half transparent edges would be whitened twice, and show as a light seam on dark ground. What is
    wholly transparent stays as it is.
    """
    if alpha is None:
        return pixels
    colours = pixels.copy()
    for channel in range(3):  # one by one, for the memory's sake
        darkness = (255 - pixels[..., channel]).astype(np.uint16) * np.uint16(255)
        strongest = np.minimum(darkness // np.maximum(alpha, 1), 255).astype(np.uint8)
        colours[..., channel] = np.where(alpha > 0, 255 - strongest, pixels[..., channel])
    return colours


def check_image_path(path: str | Path, *, quality: int | None = None) -> None:
    """Refuse, before any work, a name that no picture can be written under, or a quality that it cannot have.

    Raises:
        InputError: if the suffix is missing or unknown, or the quality out of range or the format without one.
        FileError: if the format needs an extra that is not installed.
    """
    name, _ = WRITABLE.get(Path(path).suffix.lower(), (None, None))
    if name is None:
        raise InputError(f"{path}: pictures are written as {', '.join(WRITABLE)}; give its name one of these endings")
    if quality is not None and name not in LOSSY:
        raise InputError(
            f"{path}: {name} loses nothing and has no quality; leave the quality out, or write .jpg or .webp"
        )
    if quality is not None:
        whole("quality", quality, 1, 100)
    if name == "HEIF":
        register_heif(Path(path))
