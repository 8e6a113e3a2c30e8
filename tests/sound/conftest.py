"""Sounds made by additive synthesis: instruments with partials of their own, and tunes for them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from sfumato.arrays import Array

RATE = 22_050


class Instrument(NamedTuple):
    """How an instrument sounds.

    Attributes:
        falls: How much quieter each partial is than the one below it.
        formant: Hz around which partials are louder, by a factor of up to 8.
        attack: Seconds until a note is there.
        decay: Seconds in which it falls to a third.
        breath: Level of the noise in it.
    """

    falls: float
    formant: float
    attack: float
    decay: float
    breath: float


INSTRUMENTS = {
    "plucked": Instrument(0.6, 300.0, 0.005, 0.5, 0.001),
    "reed": Instrument(0.9, 1500.0, 0.03, 1.5, 0.01),
    "bright": Instrument(0.95, 4000.0, 0.01, 0.7, 0.003),
}

TUNES = {
    "rising": (57, 60, 64, 69, 67, 64),
    "falling": (70, 66, 63, 58, 61, 66),
}
"""Notes as MIDI numbers them: 69 is 440 Hz. No note of one tune is in the other, in any octave."""

Play = Callable[..., Array]


def synthesised(tune: str, instrument: str, seconds: float = 3.0, rate: int = RATE) -> Array:
    """A tune on an instrument, (samples,) in float32."""
    own, notes = INSTRUMENTS[instrument], TUNES[tune]
    length = round(seconds * rate) // len(notes)
    t = np.arange(length) / rate
    shape = np.minimum(t / own.attack, 1.0) * np.exp(-t / own.decay) * np.minimum((t[-1] - t) / 0.02, 1.0)
    rng = np.random.default_rng(len(instrument))
    parts = []
    for note in notes:
        frequency = 440.0 * 2.0 ** ((note - 69) / 12)
        heard = own.breath * rng.standard_normal(length)
        for k in range(1, int(rate / 2 / frequency)):
            share = own.falls**k * (1.0 + 7.0 * np.exp(-(np.log2(k * frequency / own.formant) ** 2)))
            heard += share * np.sin(2 * np.pi * k * frequency * t + k * k)
        parts.append(shape * heard)
    sound = np.concatenate(parts)
    sound = np.pad(sound, (0, round(seconds * rate) - len(sound)))
    return np.asarray(0.3 * sound / np.abs(sound).max(), np.float32)


@pytest.fixture
def tune() -> Play:
    """Makes a tune on an instrument: `tune("rising", "reed", seconds, rate)`."""
    return synthesised
