"""Two short sounds for the command `sound`."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from sfumato.arrays import Array

RATE = 22_050


def tones(notes: tuple[float, ...], fall: float, seconds: float = 0.7) -> Array:
    """Notes one after the other, with partials that fall off more or less."""
    t = np.arange(round(seconds * RATE / len(notes))) / RATE
    parts = [sum(fall**k * np.sin(2 * np.pi * k * note * t) for k in range(1, 12)) * np.exp(-t) for note in notes]
    sound = np.concatenate(parts)
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


@pytest.fixture
def sounds(tmp_path: Path) -> list[str]:
    """The names of a content and a style of 0.7 s, put into the test's folder."""
    wavfile.write(tmp_path / "content.wav", RATE, tones((220.0, 330.0), 0.5))
    wavfile.write(tmp_path / "style.wav", RATE, tones((247.0, 311.0, 370.0), 0.9))
    return ["content.wav", "style.wav"]
