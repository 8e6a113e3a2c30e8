"""Colour profiles (ICC): from a picture's own colours to sRGB, in which Sfumato works, and back.

The intent is the perceptual one, which is made for photographs: where a profile has a table for it, as printers' have,
black stays black and colours that sRGB lacks are not all cut off alike. For those of cameras and screens it makes no
difference.
"""

import contextlib
import io

from PIL import Image, ImageCms

BROKEN = (OSError, TypeError, ValueError)  # what a broken or unfitting profile leads to


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """Grey, RGB or CMYK pixels whose colours `profile` explains, as RGB whose colours sRGB explains.

    A profile that is broken or meant for other pixels is no reason to refuse a picture that every other program shows:
    the pixels are taken as sRGB.

    Returns:
        The picture, and the profile if RGB can be converted back to it.
    """
    if profile is not None:
        with contextlib.suppress(*BROKEN):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            way_back = profile if source.profile.xcolor_space.strip() == "RGB" else None
            if not _is_srgb(source):
                image = _converted(image, source, _srgb())
            return image if image.mode == "RGB" else image.convert("RGB"), way_back
    return image if image.mode == "RGB" else image.convert("RGB"), None


def from_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """RGB pixels of sRGB as those that `profile` explains; as they are and without one if it does not go that way."""
    if profile is not None:
        with contextlib.suppress(*BROKEN):
            target = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return image if _is_srgb(target) else _converted(image, _srgb(), target), profile
    return image, None


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile) -> Image.Image:
    transform = ImageCms.ImageCmsTransform(source, target, image.mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    return transform.apply(image, image if image.mode == "RGB" else None)  # in place where that can be


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    return (profile.profile.profile_description or "").startswith("sRGB")
