"""Masks: the part of the content for each style.

A mask is a picture of the content's shape, of any size; white belongs to its style, black and what is transparent do
not, and grey does in part: edges may be soft. (Neighbours know no parts: a place is that of the region with most of
it.) Styles without a mask take what the masks leave; where all have one, what is left stays the photograph, pixel for
pixel. Where masks overlap and add up to more than one, they share.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sfumato.arrays import Array, Shape
from sfumato.errors import InputError
from sfumato.kernels.pooling import average_pool
from sfumato.pictures.strips import row_strips
from sfumato.style.control.colour import grey
from sfumato.style.inputs import Style, picture_name, read_photo
from sfumato.style.pyramid import resize
from sfumato.style.settings import AS_THEY_COME, Picture, Reading

SEAM = 128
"""Part of the long edge, one by so much, over which the painting fades towards pixels that stay."""

WIDEST_SEAM = 4
"""Pixels over which it fades at most: a region may be narrow."""

GROUND_EDGE, GROUND_WINDOW = 256, 5
"""Long edge, in pixels, of the version in which flat parts are looked for, which has little of a photograph's noise;
and pixels of the window, each way, within which they are flat."""

FLAT, BUSY = 0.015, 0.05
"""Standard deviations of the colours in a window, of 0 to 1, up to which it is flat, and from which it is not at all;
and the distance up to which two colours are alike. A clear sky deviates by about 0.01, and grass by 0.1."""


class Region(NamedTuple):
    """A part of the content, and the styles to paint it in.

    Attributes:
        mask: (height, width, 1), how much of each pixel of the content belongs to it, from 0 to 1; None for the whole.
        styles: Its styles, with shares that add up to `share`.
        share: Its part of the style loss. As large as its part of the picture, times its styles' weight: a pixel is
            then pulled as hard in a small region as in a large one.
    """

    mask: Array | None
    styles: Sequence[Style]
    share: float


def make_regions(
    styles: Sequence[Style], masks: Sequence[tuple[Picture, int]], shape: Shape, how: Reading = AS_THEY_COME
) -> list[Region]:
    """Divide a content into the regions of its masks.

    Args:
        styles: The styles that have a weight.
        masks: Pictures with the number of the style that each is for, from 1; several for one style add up.
        shape: Height and width of the content.
        how: How masks are read.

    Raises:
        InputError: for a mask of another shape, an empty one, one for a style that there is not, or a style that the
            masks leave nothing to.
    """
    if not masks:
        return [Region(None, styles, 1.0)]
    if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in masks):
        raise InputError("masks are pairs of a picture and the number of its style, such as ('sky.png', 1)")
    sums: dict[int, Array] = {}
    numbers = [style.number for style in styles]
    for mask, number in masks:
        if number not in numbers:
            there = ", ".join(map(str, numbers))
            name = picture_name(mask, "a mask")
            raise InputError(
                f"{name}: is for style {number}, and there is no such style with a weight; there is {there}"
            )
        sums[number] = sums.get(number, 0) + _mask_of_style(mask, shape, how)
    together = sum(sums.values())
    divisor = np.maximum(together, 1.0)
    parts = [(sums[style.number] / divisor, [style]) for style in styles if style.number in sums]
    unmasked = [style for style in styles if style.number not in sums]
    if unmasked:
        rest = np.clip(1.0 - together, 0.0, 1.0)
        if not rest.any():
            raise InputError(f"{unmasked[0].name}: the masks leave nothing to it; give it one, or leave it out")
        parts.append((rest, unmasked))
    return _weighed(parts)


def _weighed(parts: Sequence[tuple[Array, Sequence[Style]]]) -> list[Region]:
    """Regions by their masks and styles, each weighed by its part of the picture."""
    shares = [float(mask.mean()) * sum(style.share for style in some) for mask, some in parts]
    return [Region(mask, some, share / sum(shares)) for (mask, some), share in zip(parts, shares, strict=True)]


def without_ground(regions: Sequence[Region], content: Array, quiet_ground: float) -> list[Region]:
    """Leave the flat ground of a content out of its regions.

    Args:
        regions: The regions.
        content: (height, width, 3).
        quiet_ground: How far it is left out, from 0 to 1: altogether.

    Raises:
        InputError: if nothing is left of a region.
    """
    kept = 1.0 - np.float32(quiet_ground) * flat_ground(content)
    parts = [(kept if region.mask is None else kept * region.mask, region.styles) for region in regions]
    if not all(mask.any() for mask, _ in parts):
        remedy = f"choose less than quiet_ground={quiet_ground:g}"
        raise InputError(f"the content is flat wherever a style would go: {remedy}")
    return _weighed(parts)


def flat_ground(picture: Array) -> Array:
    """Find a flat ground, such as white paper or a clear sky: (height, width, 1), 1 where a pixel is all ground.

    A part is flat by the standard deviation of the colours in a small window of a small version of the picture. It is
    ground where it reaches the picture's border, or has the colour of what does, as within a letter O. So a flat red
    disc on white is no ground.
    """
    height, width, _ = picture.shape
    factor = min(1.0, GROUND_EDGE / max(height, width))
    small = resize(picture, max(1, round(factor * height)), max(1, round(factor * width)))
    margin = GROUND_WINDOW // 2
    x = np.pad(small, ((margin, margin), (margin, margin), (0, 0)), "edge")[np.newaxis].astype(np.float64)
    mean, square = (average_pool(power, GROUND_WINDOW, 1)[0] for power in (x, x**2))
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0).mean(axis=-1))
    flat = np.clip((BUSY - deviation) / (BUSY - FLAT), 0.0, 1.0)
    reaches = _reaches_border(flat > 0.5)
    for colour in np.unique(np.round(mean[reaches] / BUSY), axis=0) * BUSY:  # such as white paper, and a black half
        distance = np.sqrt(((mean - colour) ** 2).mean(axis=-1))
        reaches = reaches | ((flat > 0.5) & (distance < BUSY))
    near = Image.fromarray(reaches).convert("L").filter(ImageFilter.MaxFilter(GROUND_WINDOW))  # with its soft edge
    ground = (flat * (np.asarray(near) > 0))[..., np.newaxis].astype(np.float32)
    return resize(ground, height, width, Image.Resampling.BILINEAR)


def _reaches_border(flat: Array) -> Array:
    """Find the flat pixels, (height, width), that are connected to the border by others."""
    outside = Image.fromarray(np.pad(flat, 1, constant_values=True)).convert("L")
    ImageDraw.floodfill(outside, (0, 0), 1)
    reached: Array = np.asarray(outside)[1:-1, 1:-1] == 1
    return reached


def _mask_of_style(mask: Picture, shape: Shape, how: Reading) -> Array:
    pixels = read_mask(mask, shape, how)
    if not pixels.any():
        name = picture_name(mask, "a mask")
        raise InputError(f"{name}: is black everywhere, so its style has no region; paint that white")
    return pixels


def read_mask(mask: Picture, shape: Shape, how: Reading = AS_THEY_COME) -> Array:
    """Read a mask, (height, width, 1) from 0 to 1, at the size of the content.

    Args:
        mask: A picture, white where it counts.
        shape: Height and width of the content.
        how: How it is read.

    Raises:
        InputError: if it has another shape than the content.
    """
    pixels = white_of(mask, how)
    name = picture_name(mask, "a mask")
    if not _is_of_shape(pixels.shape[:2], shape):
        sizes = [f"{width} x {height}" for height, width in (pixels.shape[:2], shape)]
        raise InputError(f"{name}: is {sizes[0]} pixels, and the content {sizes[1]}; a mask has the content's shape")
    return resize(pixels, shape[0], shape[1], Image.Resampling.BILINEAR)


def white_of(mask: Picture, how: Reading = AS_THEY_COME) -> Array:
    """Read how white a mask is, (height, width, 1) from 0 to 1, at its own size."""
    photo = read_photo(mask, how)
    pixels: Array = grey(photo.pixels)[..., :1].copy()
    if photo.alpha is not None:  # a layer of a picture: what is not painted on does not count
        pixels *= photo.alpha[..., np.newaxis] / np.float32(255)
    return pixels


def _is_of_shape(size: Shape, shape: Shape) -> bool:
    """Whether one of two sizes is the other enlarged, but for a pixel that rounding takes or gives."""
    (height, width), (h, w) = size, shape
    return abs(height - width * h / w) < 1 or abs(width - height * w / h) < 1


def covered_by(regions: Sequence[Region]) -> Array | None:
    """Add the masks of all regions, (height, width, 1) from 0 to 1; None where together they cover everything."""
    masks = [region.mask for region in regions if region.mask is not None]
    if not masks:
        return None
    covered: Array = np.minimum(sum(masks), 1.0)
    return None if covered.min() > 1.0 - 0.5 / 255 else covered


def laid_over(painted: Array, content: Array, covered: Array) -> Array:
    """Lay a painting over the content where masks cover it, (height, width, 3), float32.

    Pixels that no mask covers are the content's exactly. Within a region, the painting fades towards them over a few
    pixels: the mask is made smaller by a pixel several times, and the mean of all of these is how much of it shows.
    A mask that fades over many pixels by itself hardly changes.

    Args:
        painted: (height, width, 3).
        content: The photograph at this size.
        covered: Mask of what is painted, of the content's own size.
    """
    height, width, _ = painted.shape
    mask = Image.fromarray(resize(covered, height, width, Image.Resampling.BILINEAR)[..., 0])
    seam = min(max(max(height, width) // SEAM, 1), WIDEST_SEAM)
    shown = np.array(mask)
    for _ in range(seam):
        mask = mask.filter(ImageFilter.MinFilter(3))
        shown += np.asarray(mask)
    shown = shown[..., np.newaxis] / np.float32(seam + 1)
    laid = content.astype(np.float32)
    for rows in row_strips(height, width):
        laid[rows] += shown[rows] * (painted[rows] - laid[rows])
    return laid


def pooled_masks(mask: Array, shapes: Mapping[str, Shape]) -> Iterator[tuple[str, Array]]:
    """Pool a mask to the size of each layer, (1, rows, columns, 1), by the layer's name.

    Wherever the network pools, so does the mask, over the same windows: a position counts as far as the pixels below it
    do. Means keep soft edges soft and regions adding up to one, as maxima would not.

    Args:
        mask: (height, width, 1).
        shapes: Shape of each layer's outputs, in order.
    """
    pooled = mask[np.newaxis]
    for layer, shape in shapes.items():
        if pooled.shape[1:3] != shape[:2]:
            pooled = average_pool(pooled, 2, 2)
        yield layer, pooled
