"""Pictures from files as examples for image models."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from sfumato.arrays import Array, Shape
from sfumato.errors import InputError
from sfumato.pictures.files import read_image
from sfumato.pictures.formats import SUFFIXES


def is_picture(path: str) -> bool:
    """Whether a file's name says that it is a picture."""
    return Path(path).suffix.lower() in SUFFIXES


def load_picture(path: str, shape: Shape) -> tuple[Array, str]:
    """Convert a picture to a model's image, uint8 (1, *shape), and describe the conversion in words.

    It becomes grey for a model of one channel. Of the model's own size it is taken as it is. Any other is fitted in,
    its proportions kept and what is left filled with the tone of its border; and in grey, a light border makes it a
    negative, as MNIST's digits are light on dark and everyone's own dark on paper.

    Raises:
        FileError: if the file cannot be read or is no picture.
        InputError: if the model takes no pictures.
    """
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise InputError(f"{path}: the model takes rows of a table, not pictures; give a CSV or Parquet file")
    height, width, channels = shape
    image = Image.fromarray(read_image(path, first_frame=True))
    if channels == 1:
        image = image.convert("L")
    done = "" if image.size == (width, height) else f"{image.width} x {image.height} to {width} x {height}"
    if done:
        border = _border(np.asarray(image))
        tone = np.median(border.reshape(len(border), -1), axis=0)
        if channels == 1 and tone[0] > 127:
            image, tone = ImageOps.invert(image), 255 - tone
            done += ", as a negative, because its border is light"
        colour = tuple(int(value) for value in tone)
        image = ImageOps.pad(
            image, (width, height), Image.Resampling.LANCZOS, color=colour if channels == 3 else colour[0]
        )
    return np.asarray(image).reshape(1, *shape), done


def _border(pixels: Array) -> Array:
    """The outermost pixels, (n,) or (n, channels)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
