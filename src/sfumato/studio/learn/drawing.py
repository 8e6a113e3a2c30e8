"""A digit drawn by hand, made like those of MNIST."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from sfumato.arrays import Array

SIDE = 28
"""Pixels on a side of a digit of MNIST."""

BOX = 20
"""Pixels on the longer side of what is drawn in one."""

PAPER = 280
"""Pixels on a side of what is drawn on: ten for one of the digit."""

PEN = 24
"""Width of the pen there: in the box it becomes about two and a half pixels, as those of MNIST are."""

Stroke = Sequence[Sequence[float]]
"""Places [across, down] that the pen goes through, each from 0 to 1 over the paper."""


def drawn(strokes: Sequence[Stroke]) -> Array:
    """Draw strokes, and make them a digit as MNIST's were made.

    Those were fitted into a box of 20 x 20 pixels, their proportions kept, and put into 28 x 28 with their centre of
    mass in the middle (LeCun, Cortes and Burges 1998).

    Returns:
        The digit, (28, 28), from 0 (paper) to 255 (ink), uint8.
    """
    paper = Image.new("L", (PAPER, PAPER))
    pen = ImageDraw.Draw(paper)
    for stroke in strokes:
        places = [(PAPER * x, PAPER * y) for x, y in stroke]
        pen.line(places, fill=255, width=PEN)
        for x, y in places:  # round ends and joints
            pen.ellipse((x - PEN / 2, y - PEN / 2, x + PEN / 2, y + PEN / 2), fill=255)
    inked = paper.getbbox()
    return np.zeros((SIDE, SIDE), np.uint8) if inked is None else _centred(paper.crop(inked))


def _centred(ink: Image.Image) -> Array:
    """Fit ink into the box, and lay its centre of mass in the middle, as far as it then fits."""
    scale = BOX / max(ink.size)
    width, height = (max(1, round(scale * length)) for length in ink.size)
    small = np.asarray(ink.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float64)
    across, down = small.sum(axis=0), small.sum(axis=1)
    left = round(SIDE / 2 - (across @ np.arange(width)) / small.sum())
    top = round(SIDE / 2 - (down @ np.arange(height)) / small.sum())
    left, top = min(max(0, left), SIDE - width), min(max(0, top), SIDE - height)
    digit = np.zeros((SIDE, SIDE), np.uint8)
    digit[top : top + height, left : left + width] = small
    return digit
