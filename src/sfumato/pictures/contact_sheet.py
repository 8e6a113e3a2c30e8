"""Contact sheets: pictures in labelled rows and columns."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sfumato.arrays import Array

GROUND, INK, PALE = (255, 255, 255), (34, 34, 34), (120, 120, 120)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Labelled(NamedTuple):
    """A picture, uint8 (height, width, 3), and its label."""

    label: str
    picture: Array


def contact_sheet(content: Labelled, rows: Sequence[Labelled], columns: Sequence[str], cells: Iterable[Array]) -> Array:
    """Draw cells in rows and columns, with each row's own picture at the left, the content and column labels on top.

    Type and margins grow with the cells, so that a sheet looks the same at any size.

    Args:
        content: The picture that all cells are made from, for the upper left corner; its size is that of the cells.
        rows: What each row has in common, with a picture that is shown small.
        columns: What each column has in common.
        cells: Pictures of one size, row by row; taken one at a time.

    Returns:
        The sheet, uint8 (height, width, 3).
    """
    height, width = content.picture.shape[:2]
    unit = max(height, width)
    gap, margin, size = max(2, unit // 64), max(6, unit // 20), max(9, unit // 22)
    font, side = ImageFont.load_default(size), max(unit * 2 // 5, 7 * size)
    line = round(1.5 * size)
    small = _fitted(content.picture, side, side)
    left, top = margin + side + 2 * gap, margin + max(small.height + line, 2 * line) + 2 * gap
    sheet = Image.new(
        "RGB",
        (left + len(columns) * (width + gap) - gap + margin, top + len(rows) * (height + gap) - gap + margin),
        GROUND,
    )
    draw = ImageDraw.Draw(sheet)
    _captioned(sheet, draw, small, content.label, (margin, margin), side, font)
    for column, text in enumerate(columns):
        middle = left + column * (width + gap) + width / 2
        draw.text((middle, top - gap - size / 4), shortened(text, width, font), INK, font, anchor="ms")
    for row, labelled in enumerate(rows):
        y = top + row * (height + gap)
        thumbnail = _fitted(labelled.picture, side, max(1, height - line))
        _captioned(sheet, draw, thumbnail, labelled.label, (margin, y), side, font)
    for number, cell in enumerate(cells):
        row, column = divmod(number, len(columns))
        sheet.paste(Image.fromarray(cell), (left + column * (width + gap), top + row * (height + gap)))
    return np.asarray(sheet)


def shortened(text: str, width: float, font: Font) -> str:
    """Shorten a text to a width, with an ellipsis in its middle."""
    if font.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        cut = f"{text[: kept - kept // 2].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}"
        if font.getlength(cut) <= width:
            return cut
    return "…"


def _captioned(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    picture: Image.Image,
    label: str,
    at: tuple[int, int],
    side: int,
    font: Font,
) -> None:
    """Put a picture at the left of its column, with its label below."""
    x, y = at
    sheet.paste(picture, at)
    draw.text((x, y + picture.height + side // 50), shortened(label, side, font), PALE, font, anchor="la")


def _fitted(pixels: Array, width: int, height: int) -> Image.Image:
    """Resize a picture to the largest size that fits."""
    image = Image.fromarray(pixels)
    factor = min(width / image.width, height / image.height)
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
