"""The studio's sounds: those that were handed in, by a digest of their bytes, and the built-in ones, by name."""

import importlib.util
import io
import threading
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from sfumato.arrays import Array
from sfumato.engine import allowed_memory
from sfumato.sound.builtin import BUILTIN_SOUNDS, PREFIX, sound_path
from sfumato.sound.files import CutOffWarning, Sound, as_wav, length_by_header, read_sound
from sfumato.sound.page import loudness
from sfumato.studio.store import Store, named

LISTENED = 180.0
"""Seconds of a sound, at most, that the page lets hear and see: what it holds is not compressed."""

PIECE, COLUMNS = 2**19, 1200
"""Samples whose spectrum is in memory at once, and columns of a spectrogram's picture, at most."""


class Added(NamedTuple):
    """A sound that was handed in.

    Attributes:
        id: Its name in the store.
        seconds: Its length.
        rate: Samples a second.
        channels: One or two.
        note: What was found amiss that does not stand in the way; empty for nothing.
    """

    id: str
    seconds: float
    rate: int
    channels: int
    note: str


class SoundStore(Store):
    """Sounds in a folder, each under its id: 32 digits of its bytes' SHA-256, or "sound:NAME" for a built-in one.

    Args:
        folder: Where they lie; it is made if need be.
    """

    missing = "one of the sounds is not in the studio's folder any more: give it again"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._one_at_a_time = threading.Lock()  # decoding takes memory

    def find(self, id: str) -> Path | None:
        """File of a sound, given or built in; None if there is none of that id."""
        if id.startswith(PREFIX):
            return sound_path(id) if id.removeprefix(PREFIX) in builtin_sounds() else None
        return super().find(id)

    def source(self, sound: str) -> str:
        """Name of a sound for the engine: its file, or "sound:NAME".

        Raises:
            InputError: if there is none of that id.
        """
        path = self.path(sound)
        return sound if sound.startswith(PREFIX) else str(path)

    def add(self, content: bytes, name: str) -> Added:
        """Keep a sound, if it is one.

        Args:
            content: The bytes of the file.
            name: Its name where it comes from, for its ending and for errors; nothing is written under it.

        Raises:
            SfumatoError: if it is no sound, or one of which nothing can be made; the message has `name` in it.
        """
        with self.keeping(content, name) as path:
            sound, notes = self.read(path)
        length = length_by_header(path)
        whole = length[0] / length[1] if length and len(sound.samples) < length[0] and not notes else sound.seconds
        note = " ".join(named(text, path, name) for text in notes)
        return Added(path.stem, whole, sound.rate, sound.samples.shape[1], note)

    def part(self, sound: str, begin: float = 0.0, seconds: float | None = None) -> Sound:
        """A part of a sound, of at most `LISTENED` seconds.

        Raises:
            SfumatoError: if it cannot be read.
        """
        return self.read(self.path(sound), begin, LISTENED if seconds is None else min(seconds, LISTENED))[0]

    def read(self, path: Path, begin: float = 0.0, seconds: float = LISTENED) -> tuple[Sound, list[str]]:
        """Read a part of a file of sound; returns also what was found amiss that does not stand in the way.

        Raises:
            SfumatoError: if it cannot be read.
        """
        with self._one_at_a_time, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CutOffWarning)
            sound = read_sound(path, begin=begin, seconds=seconds, memory=allowed_memory(None))
        return sound, [str(one.message) for one in caught if issubclass(one.category, CutOffWarning)]


def builtin_sounds() -> dict[str, str]:
    """The built-in sounds that can be read here, each in a few words: they are Ogg, which an extra reads."""
    return BUILTIN_SOUNDS if importlib.util.find_spec("soundfile") else {}


def heard(sound: Sound) -> bytes:
    """A sound as every browser plays it: WAV of 16 bits."""
    return as_wav(sound)


def spectrogram(sound: Sound) -> bytes:
    """PNG of a sound's loudness: time to the right, 128 mel bands from 0 to half its rate upwards."""
    from matplotlib import colormaps

    pieces = np.array_split(sound.samples, -(-len(sound.samples) // PIECE))
    L = np.concatenate([_reduced(loudness(piece, sound.rate), len(pieces)) for piece in pieces], axis=1)
    pixels = colormaps["magma"](L[::-1] / max(float(L.max()), 1e-6), bytes=True)[..., :3]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


def _reduced(L: Array, pieces: int) -> Array:
    """Loudness, (bands, frames), with as many columns as are a piece's share, each a mean of frames."""
    columns = min(L.shape[1], COLUMNS // pieces)
    reduced: Array = np.stack([part.mean(axis=1) for part in np.array_split(L, columns, axis=1)], axis=1)
    return reduced
