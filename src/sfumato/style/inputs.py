"""The pictures of a style transfer: content, styles and start, from files or arrays."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.paths import user_path
from sfumato.pictures.files import Photo, open_image, photo_of
from sfumato.pictures.metadata import Metadata
from sfumato.style.painted import CONTENT, CONTENT_MASK, MASK, START, STYLE, Input, input_of
from sfumato.style.settings import AS_THEY_COME, LEAST_EDGE, Picture, Reading, check_weight

Styles = Picture | Sequence[Picture | tuple[Picture, float]] | Mapping[Any, float]
"""A style; or several, as pairs with weights, or as files alone if they all weigh alike."""


class Style(NamedTuple):
    """A style picture with its weight.

    Attributes:
        name: What to call it in an error.
        number: Its number among those given, from 1.
        picture: (height, width, 3), bytes, or floating point from 0 to 1.
        share: Its part of the style, of one in all.
    """

    name: str
    number: int
    picture: Array
    share: float


def picture_name(picture: Any, otherwise: str) -> str:
    """Name of a picture in errors: its file, or `otherwise`."""
    return str(picture) if isinstance(picture, str | Path) else otherwise


def files_of(*pictures: Any) -> tuple[str, ...]:
    """Files among some pictures."""
    return tuple(str(user_path(picture)) for picture in pictures if isinstance(picture, str | Path))


def read_picture(picture: Picture, how: Reading = AS_THEY_COME) -> Array:
    """Read the pixels of a picture alone, see `read_photo`."""
    return read_photo(picture, how).pixels


def read_photo(picture: Picture, how: Reading = AS_THEY_COME) -> Photo:
    """Read a picture with pixels (height, width, 3): bytes as they are, all else float32 from 0 to 1.

    Args:
        picture: A file, a picture of Pillow's, or an array, which has no metadata.
        how: What to take of an animation, and the memory allowed.

    Raises:
        InputError: if it is no picture, or too small for one.
        FileError: if the file cannot be read, or not in the memory allowed.
    """
    if isinstance(picture, str | Path):
        photo = open_image(picture, first_frame=how.first_frame, memory=how.memory)
    elif isinstance(picture, Image.Image):
        photo = photo_of(picture)
    else:
        photo = _photo_of_array(np.asarray(picture))
    pixels = photo.pixels
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_EDGE:
        name = picture_name(picture, "a picture")
        raise InputError(f"{name}: is {width} x {height} pixels; a picture needs at least {LEAST_EDGE} each way")
    return photo


def _photo_of_array(pixels: Array) -> Photo:
    """Convert an array of grey, RGB, or RGB and opacity; what is transparent lies on white, as in a file."""
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.dtype.kind not in "buf":
        raise InputError(f"a picture is an array (height, width, 3) of RGB, not {pixels.dtype} of {pixels.shape}")
    if pixels.dtype == bool:
        pixels = pixels.astype(np.float32)
    elif pixels.dtype != np.uint8:
        if pixels.dtype.kind != "f" or not np.all((pixels >= 0) & (pixels <= 1)):
            raise InputError("the numbers of a picture are uint8, or floating point from 0 to 1")
        pixels = pixels.astype(np.float32)
    alpha = None
    if pixels.shape[2] == 4:
        if pixels.dtype == np.uint8 and pixels.size:
            return photo_of(Image.fromarray(pixels))
        opacity = pixels[..., 3:]
        pixels, alpha = 1 - opacity * (1 - pixels[..., :3]), np.rint(255 * opacity[..., 0]).astype(np.uint8)
    return Photo(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), alpha, None, Metadata())


def read_styles(styles: Styles, how: Reading = AS_THEY_COME) -> list[Style]:
    """Read styles with their shares, which add up to one; those without weight are left out.

    Raises:
        InputError: if they are no pictures with weights of which at least one is positive.
        FileError: if a file cannot be read.
    """
    pairs = style_pairs(styles)
    weights = [check_weight(picture_name(picture, "a style"), weight) for picture, weight in pairs]
    return [
        Style(picture_name(picture, "a style"), number, read_picture(picture, how), share)
        for number, ((picture, _), share) in enumerate(zip(pairs, shares_of_one(weights, "style"), strict=True), 1)
        if share
    ]


def style_pairs(styles: Styles) -> list[tuple[Picture, float]]:
    """Pairs of styles and weights; 1 where none is given.

    Raises:
        InputError: if they are no pictures with weights.
    """
    if isinstance(styles, Mapping):
        styles = list(styles.items())
    several: list[Any] = list(styles) if isinstance(styles, list | tuple) else [styles]
    pairs = [style if isinstance(style, tuple) else (style, 1.0) for style in several]
    if not all(len(pair) == 2 and isinstance(pair[0], str | Path | np.ndarray | Image.Image) for pair in pairs):
        raise InputError("a style is a picture, or a picture and its weight: give one, or a list of them")
    return pairs


def shares_of_one(weights: Sequence[float], kind: str) -> list[float]:
    """Divide weights by their sum; such shares stay as they are, so that a painted file's settings give them again.

    Raises:
        InputError: if that is zero, or too large.
    """
    total = sum(weights)
    if not 0 < total < math.inf:
        raise InputError(f"the weights of the {kind}s add up to {total}: give at least one some, and none too much")
    if math.isclose(total, 1.0, rel_tol=1e-12):
        return list(weights)
    return [weight / total for weight in weights]


def inputs_of(
    content: Picture,
    styles: Styles,
    used: Sequence[Style],
    masks: Sequence[tuple[Picture, int]],
    start: Picture | None,
    content_mask: Picture | None,
) -> list[Input]:
    """The pictures that come from files; of the styles those that have a weight."""
    pictures = [picture for picture, _ in style_pairs(styles)]
    found = input_of(CONTENT, 1, content)
    for style in used:
        found += input_of(STYLE, style.number, pictures[style.number - 1])
    for mask, number in masks:
        found += input_of(MASK, number, mask)
    found += [] if start is None else input_of(START, 1, start)
    return found + ([] if content_mask is None else input_of(CONTENT_MASK, 1, content_mask))
