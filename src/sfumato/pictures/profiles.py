"""Colour profiles (ICC): conversion from a picture's own colours to sRGB, in which Sfumato works, and back.

The intent is the perceptual one, which is made for photographs: where a profile has a table for it, as printers' have,
black stays black and colours that sRGB lacks are not all cut off alike. For those of cameras and screens it makes no
difference.
"""

import contextlib
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

BROKEN = (OSError, TypeError, ValueError)  # what a broken or unfitting profile leads to

_LEVELS = np.linspace(0, 255, 17).round().astype(np.uint8)
COLOURS = np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS), axis=-1).reshape(17, -1, 3)
"""Samples from all over RGB, as a picture."""

ROUNDING = 2
"""Difference, of 255, by which profiles of sRGB itself may round its curve."""


def to_srgb(mode: str, profile: bytes | None) -> tuple[Callable[[Image.Image], Image.Image], bytes | None]:
    """Make the conversion of pixels of mode L, RGB or CMYK from the colours of `profile` to RGB in sRGB.

    A profile that is broken or meant for other pixels is no reason to refuse a picture that every other program shows:
    the pixels are taken as sRGB.

    Returns:
        A function of pictures, which may change what it is given, and the profile if RGB can be converted back to it.
    """
    if profile is not None:
        with contextlib.suppress(*BROKEN):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            kept = profile if source.profile.xcolor_space.strip() == "RGB" else None
            return _conversion(source, _srgb(), mode), kept
    return _as_rgb, None


def from_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """Convert RGB pixels from sRGB to the colours of `profile`; unchanged, without profile, if that is impossible."""
    if profile is not None:
        with contextlib.suppress(*BROKEN):
            return _conversion(_srgb(), ImageCms.ImageCmsProfile(io.BytesIO(profile)), "RGB")(image), profile
    return image, None


def _conversion(
    source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile, mode: str
) -> Callable[[Image.Image], Image.Image]:
    transform = ImageCms.ImageCmsTransform(source, target, mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    if mode != "RGB":
        return transform.apply
    differences = np.asarray(transform.apply(Image.fromarray(COLOURS))).astype(int) - COLOURS
    if np.abs(differences).max() <= ROUNDING:  # sRGB, whatever it is called: pixels stay exactly as they are
        return _as_rgb
    return lambda image: transform.apply(image, image)  # in place


def _as_rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
