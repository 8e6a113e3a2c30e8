"""Pictures in files: read as eight bits of red, green and blue, written whole or not at all."""

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from sfumato.arrays import Array
from sfumato.errors import FileError, InputError
from sfumato.storage import write_atomically

READABLE = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
"""What a picture may be: formats that only hold pixels. EPS, for instance, would run a program to draw itself."""

WRITABLE: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),  # 4:4:4: a style's colours have edges too
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
}
"""Format and its settings, by suffix."""


def read_image(path: str | Path) -> Array:
    """A picture's pixels, uint8 (height, width, 3): red, green, blue.

    The way up that the camera noted (EXIF) is applied. Greys, palettes, CMYK and 16 bits become sRGB of 8 bits, by the
    colour profile that the picture brings; what is transparent lies on white.

    Raises:
        FileError: if the file cannot be read, is not a picture or a damaged one, has several frames, or has more
            pixels than Pillow takes for an honest picture (about 179 million).
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise FileError(f"{path}: is a folder; name a picture")
        with path.open("rb") as file:
            return _decode(path, file)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error


def _decode(path: Path, file: io.BufferedReader) -> Array:
    if not file.peek(1):
        raise FileError(f"{path}: is empty; give a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pixels below the limit, and of metadata that nobody asks for
            with Image.open(file, formats=READABLE) as image:
                frames = getattr(image, "n_frames", 1)
                if frames > 1 and image.format != "MPO":  # MPO: a telephone's JPEG with previews behind the picture
                    raise FileError(f"{path}: has {frames} frames; save the one that you want as PNG")
                ImageOps.exif_transpose(image, in_place=True)  # a copy of 24 megapixels would be 100 MB
                return _to_rgb(path, image)
    except (FileError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise FileError(f"{path}: is not a picture that can be read; save it as PNG or JPEG") from error
    except Image.DecompressionBombError as error:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise FileError(f"{path}: has more than the {limit:,} pixels that are read; reduce it first") from error
    except Exception as error:  # whatever a decoder stumbles over
        raise FileError(f"{path}: is damaged or cut off ({error}); fetch or save it again") from error


def _to_rgb(path: Path, image: Image.Image) -> Array:
    if image.mode == "F":
        raise FileError(f"{path}: has floating-point pixels; save it with 8 or 16 bits a channel")
    if image.mode == "I" and image.format != "PPM":  # there Pillow makes 16 bits of whatever range the file has
        raise FileError(f"{path}: has signed or 32-bit pixels; save it with 8 or 16 bits a channel")
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        image = Image.fromarray(((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8))
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    colours = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK"}.get(image.mode, "RGB")
    image = _to_srgb(image if image.mode == colours else image.convert(colours), profile)
    if alpha is not None:
        image.putalpha(alpha)
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return np.array(image)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Grey, RGB or CMYK pixels whose colours `profile` explains, as RGB whose colours sRGB explains.

    The intent is the perceptual one, which is made for photographs: where a profile has a table for it, as printers'
    have, black stays black and colours that sRGB lacks are not all cut off alike. For those of cameras and screens it
    makes no difference. A profile that is broken or meant for other pixels is no reason to refuse a picture that every
    other program shows: the pixels are taken as sRGB.
    """
    if profile is not None:
        with contextlib.suppress(OSError, TypeError, ValueError):  # what a broken or unfitting one leads to
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if not (source.profile.profile_description or "").startswith("sRGB"):
                target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
                intent = ImageCms.Intent.PERCEPTUAL
                transform = ImageCms.ImageCmsTransform(source, target, image.mode, "RGB", intent)
                return transform.apply(image, image if image.mode == "RGB" else None)  # in place where that can be
    return image if image.mode == "RGB" else image.convert("RGB")


def write_image(path: str | Path, pixels: Array, *, description: str | None = None) -> None:
    """Write a picture in the format that its suffix names: png, jpg, jpeg, webp, tif or tiff.

    The same pixels give the same bytes. JPEG and WebP at quality 95: what they lose cannot be seen.

    Args:
        path: Where to.
        pixels: uint8 (height, width, 3).
        description: ASCII text to keep in the picture's metadata, as the settings that it was made with; default:
            none.

    Raises:
        InputError: if the suffix is unknown, or the pixels are not of that type and shape.
        FileError: if it cannot be written; what was there stays as it was.
    """
    path = Path(path)
    check_image_path(path)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(f"a picture is uint8 (height, width, 3), not {pixels.dtype} {pixels.shape}")
    name, settings = WRITABLE[path.suffix.lower()]
    if description is not None:
        settings = settings | _metadata(name, description)
    buffer = io.BytesIO()
    try:
        Image.fromarray(pixels).save(buffer, name, **settings)
    except (OSError, ValueError) as error:  # JPEG ends at 65,535 pixels a side, WebP at 16,383
        height, width, _ = pixels.shape
        raise FileError(f"{path}: {width} x {height} pixels do not fit into {name} ({error}); choose .png") from error
    write_atomically(path, buffer.getvalue())


def _metadata(name: str, description: str) -> dict[str, Any]:
    if name == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Description", description)
        return {"pnginfo": text}
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = description
    return {"exif": exif}


def check_image_path(path: str | Path) -> None:
    """Find out, before any work, whether a picture can be written under this name.

    Raises:
        InputError: if the suffix is missing or unknown; the message lists those there are.
    """
    if Path(path).suffix.lower() not in WRITABLE:
        raise InputError(f"{path}: pictures are written as {', '.join(WRITABLE)}; give its name one of these endings")
