"""Palettes: what each choice of colours would make of a photograph and its styles, by small versions of them."""

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from sfumato.arrays import Array
from sfumato.studio.pictures import PictureStore, encoded
from sfumato.style.control.colour import COLOURS, LUMA, move_colours, with_luminance
from sfumato.style.inputs import shares_of_one
from sfumato.style.result import to_uint8

EDGE = 192
"""Long edge, in pixels, of the versions by which colours are compared: their means and covariances hardly change."""

WIDTH, HEIGHT = 192, 144
"""Size of the preview of a choice, in pixels."""

SWATCHES = 6
"""Colours of a palette."""

KEPT = 64
"""Small versions, and answers, that are kept."""

Palette = list[tuple[str, float]]
"""Colours, such as "#a0452a", from dark to light, each with its share of the picture."""


class Palettes:
    """The previews of all choices of colours.

    Args:
        store: The pictures.
    """

    def __init__(self, store: PictureStore) -> None:
        self.store = store
        self._small = lru_cache(KEPT)(self._read)
        self.of = lru_cache(KEPT)(self._made)
        """Palettes of a photograph and its styles, by ids and weights, and a picture of each choice, in base64."""

    def _read(self, picture: str) -> Array:
        return self.store.reduced(self.store.path(picture), EDGE)

    def _made(self, content: str, styles: tuple[tuple[str, float], ...]) -> dict[str, Any]:
        shares = shares_of_one([weight for _, weight in styles], "style")
        photo = self._small(content)
        pairs = [(self._small(style), share) for (style, _), share in zip(styles, shares, strict=True)]
        choices = {}
        for name in COLOURS:
            look = preview(name, photo, pairs)
            picture = base64.b64encode(encoded(look, EDGE, "WEBP")).decode()
            choices[name] = {"palette": palette_of(look), "picture": picture}
        beside = palette_of(side_by_side(pairs))
        return {"photograph": palette_of(photo), "style": beside, "choices": choices}


def preview(name: str, content: Array, styles: Sequence[tuple[Array, float]]) -> Array:
    """Show the colours that a choice paints with: uint8 (HEIGHT, WIDTH, 3).

    These are the styles as the choice gives them to the painting, side by side, where only luminance is painted under
    the content's colours; or the content, where nothing is painted.

    Args:
        name: One of `COLOURS`.
        content: uint8 (height, width, 3).
        styles: Likewise, with shares that add up to one.
    """
    colours = COLOURS[name]
    if colours.alone:
        moved = sum(share * move_colours(content, style) for style, share in styles)
        return cut(to_uint8(np.asarray(moved)), WIDTH, HEIGHT)
    if colours.recolour is None:
        return side_by_side(styles)
    painted = side_by_side([(to_uint8(colours.recolour(style, content)), share) for style, share in styles])
    return to_uint8(with_luminance(painted, cut(content, WIDTH, HEIGHT))) if colours.luminance else painted


def side_by_side(pictures: Sequence[tuple[Array, float]]) -> Array:
    """Lay pictures beside each other, each as wide as its share: uint8 (HEIGHT, WIDTH, 3)."""
    ends = np.rint(WIDTH * np.cumsum([0.0, *(share for _, share in pictures)])).astype(int)
    columns = zip(pictures, ends, ends[1:], strict=False)
    return np.hstack([cut(picture, end - begin, HEIGHT) for (picture, _), begin, end in columns if end > begin])


def cut(picture: Array, width: int, height: int) -> Array:
    """Cut the middle of a picture out, resized to fill a shape."""
    return np.asarray(ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.BILINEAR))


def palette_of(picture: Array) -> Palette:
    """Choose the colours that stand for most of a picture, uint8 (height, width, 3)."""
    some = np.ascontiguousarray(picture[::2, ::2])  # a quarter of the pixels, in a quarter of the time
    few = Image.fromarray(some).quantize(SWATCHES, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    counted: Any = few.convert("RGB").getcolors()
    found = sorted(counted, key=lambda pair: float(LUMA @ np.array(pair[1], np.float32)))
    total = sum(count for count, _ in found)
    return [("#{:02x}{:02x}{:02x}".format(*colour), count / total) for count, colour in found]
