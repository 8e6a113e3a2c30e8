"""What a sound in the manner of another has to be: near the same tune on the other instrument, and its own tune.

Two tunes without a common note, on instruments made here: the ideal answer is known, and so is what is no answer.
Measured with NumPy alone, by other spectra than those that are optimised.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from sfumato.arrays import Array
from sfumato.sound.play import play
from sfumato.sound.starts import equalised

Play = Callable[..., Array]

RATE = 22_050


def magnitudes(x: Array, size: int) -> Array:
    frames = np.lib.stride_tricks.sliding_window_view(x, size)[:: size // 4]
    found: Array = np.abs(np.fft.rfft(frames * np.hanning(size)))
    return found


def distance(one: Array, other: Array) -> float:
    """Log-spectral distance in dB, in 64 bands of mel, at one level; what is 40 dB below that is silence."""
    mel = 1127.01 * np.log(1 + np.arange(513) * RATE / 1024 / 700)
    centres = np.linspace(0, mel[-1], 66)
    B = np.maximum(0, 1 - np.abs(mel - centres[1:-1, None]) / centres[1])
    levels = []
    for x in (one, other):
        power = magnitudes(0.1 * x / np.sqrt(np.mean(x**2)), 1024) ** 2 @ B.T
        levels.append(10 * np.log10(power + 1e-4))
    return float(np.sqrt(np.mean((levels[0] - levels[1]) ** 2, axis=1)).mean())


def likeness(one: Array, other: Array) -> float:
    """Cosine of the loudness of the twelve notes of any octave, moment by moment."""
    frequencies = np.arange(2049) * RATE / 4096
    within = (frequencies > 100) & (frequencies < 2000)
    notes = np.round(12 * np.log2(frequencies[within] / 440)).astype(int) % 12
    a, b = (magnitudes(x, 4096)[:, within] @ (notes[:, None] == np.arange(12)) for x in (one, other))
    return float(((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean())


class Heard(NamedTuple):
    """A result with all that it is compared with."""

    result: Array
    content: Array
    style: Array
    start: Array


def answered(heard: Heard, ideal: Array) -> bool:
    """Whether the result is nearer to an ideal answer than what it began with, and far nearer than the content."""
    found = distance(heard.result, ideal)
    return found < 0.98 * distance(heard.start, ideal) and found < 0.4 * distance(heard.content, ideal)


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("plucked", "reed"),
        pytest.param("bright", "reed", marks=pytest.mark.slow),
        pytest.param("plucked", "bright", marks=pytest.mark.slow),
    ],
)
def test_the_tune_stays_and_the_instrument_becomes_the_other(own: str, other: str, tune: Play) -> None:
    content, style = tune("rising", own), tune("falling", other)
    result = play((content, RATE), (style, RATE), style_weight=10, engine="numpy").samples[:, 0]
    heard = Heard(result, content, style, equalised(content, [(style, 1.0)]))
    assert answered(heard, tune("rising", other))
    for instrument in {"plucked", "reed", "bright"} - {other}:  # the negative control
        assert not answered(heard, tune("rising", instrument)), "no other instrument is the answer"
    assert not answered(heard, style), "nor is the style's own tune"
    assert likeness(result, content) > 0.7
    assert likeness(result, tune("rising", other)) > 0.7
    assert likeness(result, style) < 0.3 * likeness(result, content), "no note of the style's tune leaks in"
    assert likeness(heard.start, style) < 0.3
