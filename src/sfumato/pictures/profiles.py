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

RETURNED = 32
"""Difference, of 255, within which every colour of sRGB comes back from a profile that can hold it. Those of scanners
have no table for the way back and lose all of it; wide ones such as ProPhoto RGB round a dark corner by 18."""


def to_srgb(mode: str, profile: bytes | None) -> tuple[Callable[[Image.Image], Image.Image], bytes | None]:
    """Make the conversion of pixels of mode L, RGB or CMYK from the colours of `profile` to RGB in sRGB.

    A profile that is broken or meant for other pixels is no reason to refuse a picture that every other program shows:
    the pixels are taken as sRGB.

    Returns:
        A function of pictures, which may change what it is given, and the profile if colours of sRGB can be converted
        to it and come back as they were.
    """
    if profile is not None:
        with contextlib.suppress(*BROKEN):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return _conversion(source, _srgb(), mode), profile if _holds_srgb(source) else None
    return _as_rgb, None


def from_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """Convert RGB pixels from sRGB to the colours of `profile`; unchanged, without profile, if that is impossible."""
    if profile is not None:
        with contextlib.suppress(*BROKEN):
            return _conversion(_srgb(), ImageCms.ImageCmsProfile(io.BytesIO(profile)), "RGB")(image), profile
    return image, None


def _holds_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether the colours of sRGB come back from a conversion to a profile of RGB and from there."""
    if profile.profile.xcolor_space.strip() != "RGB":
        return False
    with contextlib.suppress(*BROKEN):
        there = _conversion(_srgb(), profile, "RGB")(Image.fromarray(COLOURS))
        return _difference(_conversion(profile, _srgb(), "RGB")(there)) <= RETURNED
    return False


def _difference(image: Image.Image) -> int:
    """Largest difference of a picture from `COLOURS`."""
    return int(np.abs(np.asarray(image).astype(int) - COLOURS).max())


def _conversion(
    source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile, mode: str
) -> Callable[[Image.Image], Image.Image]:
    transform = ImageCms.ImageCmsTransform(source, target, mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    if mode != "RGB":
        return transform.apply
    if (
        _difference(transform.apply(Image.fromarray(COLOURS))) <= ROUNDING
    ):  # sRGB, whatever it is called: pixels stay exactly as they are
        return _as_rgb
    return lambda image: transform.apply(image, image)  # in place


def _as_rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
