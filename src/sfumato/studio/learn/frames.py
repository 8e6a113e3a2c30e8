"""Frames: the looks of a playground at a step, as bytes; and of digits, pictures with what is said of them.

Those of a playground, all little endian: the header, then float32 (scales of the maps, parameters, and if asked their
gradient), then the maps, a byte a cell.
"""

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array
from sfumato.storage import dump

HEADER = struct.Struct("<BBHI8dHHI")
"""kind, version, flags, step; epoch, losses and accuracies, length of the gradient, penalty, rate; g, m, p."""

KIND, VERSION = 1, 1
PICTURES = struct.Struct("<BBHI")
"""kind, version, nothing, and the length of the JSON, of a frame of pictures."""
KIND_OF_PICTURES = 2

FINITE, HAS_TEST, HAS_GRADIENT, FINISHED = 1, 2, 4, 8

ZERO, LARGEST = 128, 127
"""The byte of the value zero in a signed map, and the bytes from there to the map's scale."""


class Measures(NamedTuple):
    """Numbers of a frame.

    Attributes:
        epoch: Epochs so far, with the part of the one begun.
        train_loss: Mean over the training examples, without penalty and without dropout.
        train_accuracy: NaN for a regression.
        test_loss: NaN where nothing is held out.
        test_accuracy: The same.
        gradient_length: Of the objective over all training examples.
        penalty: What is added to the training loss in the objective.
        learning_rate: Of the next step.
    """

    epoch: float
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    gradient_length: float
    penalty: float
    learning_rate: float


class Frame(NamedTuple):
    """Looks of a playground at a step.

    Attributes:
        step: Steps taken.
        flags: `FINITE`, `HAS_TEST`, `HAS_GRADIENT` and `FINISHED`, added up.
        measures: Its numbers.
        scales: Of the maps, (m,) float32; 1 for shares.
        theta: The parameters, (p,) float32.
        gradient: Their gradient, (p,) float32, or empty.
        maps: (m, g, g) bytes.
    """

    step: int
    flags: int
    measures: Measures
    scales: Array
    theta: Array
    gradient: Array
    maps: Array

    def pack(self) -> bytes:
        """The frame as bytes."""
        m, g, _ = self.maps.shape
        head = HEADER.pack(KIND, VERSION, self.flags, self.step, *self.measures, g, m, len(self.theta))
        with np.errstate(over="ignore"):
            numbers = [part.astype("<f4").tobytes() for part in (self.scales, self.theta, self.gradient)]
        return b"".join([head, *numbers, self.maps.tobytes()])


def unpack(data: bytes) -> Frame:
    """Read a frame from its bytes."""
    _, _, flags, step, *numbers, g, m, p = HEADER.unpack_from(data)
    counts = (m, p, p if flags & HAS_GRADIENT else 0)
    scales, theta, gradient = np.split(np.frombuffer(data, "<f4", sum(counts), HEADER.size), np.cumsum(counts)[:2])
    maps = np.frombuffer(data, np.uint8, m * g * g, HEADER.size + 4 * sum(counts)).reshape(m, g, g)
    return Frame(step, flags, Measures(*numbers), scales, theta, gradient, maps)


def as_bytes(values: Array, *, signed: bool) -> tuple[Array, float]:
    """Values of a map as bytes, with its scale: shares from 0 to 255, signed ones from -scale to scale about 128."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    if not signed:
        return np.round(255 * np.clip(values, 0, 1)).astype(np.uint8), 1.0
    scale = float(np.abs(values).max(initial=0.0)) or 1.0
    return (ZERO + np.round(LARGEST * (values / scale))).astype(np.uint8), scale


class Pictures(NamedTuple):
    """Pictures of one size, with a scale in common.

    Attributes:
        name: The name by which the page knows them.
        values: (count, height, width): numbers on both sides of zero, or with `ink` bytes, 0 for paper and 255 for ink.
        ink: Whether they are bytes.
    """

    name: str
    values: Array
    ink: bool = False


def pack_pictures(told: Mapping[str, Any], pictures: list[Pictures]) -> bytes:
    """Pack what is said, and pictures, into a frame.

    That is `PICTURES`, the JSON, and the pictures, a byte a pixel, one after the other. In the JSON is what is told,
    and under "pictures" the name, count, height, width, kind of values and scale of each set of them.
    """
    sets, parts = [], []
    for own in pictures:
        cells, scale = (own.values, 1.0) if own.ink else as_bytes(own.values, signed=True)
        count, height, width = cells.shape
        size = {"count": count, "height": height, "width": width}
        sets.append({"name": own.name, **size, "values": "ink" if own.ink else "signed", "scale": scale})
        parts.append(cells.tobytes())
    text = dump({**told, "pictures": sets}, indent=None).encode()
    return b"".join([PICTURES.pack(KIND_OF_PICTURES, VERSION, 0, len(text)), text, *parts])
