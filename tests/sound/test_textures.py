"""What a texture takes on without content: the rhythm of its style, from noise, with the preset as it is."""

import numpy as np
import pytest

from sfumato.arrays import Array
from sfumato.layers.base import NOTHING, NoParameters
from sfumato.losses.autocorrelation import autocorrelation
from sfumato.sound.builtin import sound_path
from sfumato.sound.files import read_sound
from sfumato.sound.play import play
from sfumato.sound.spectrum import Spectrum

RATE = 22_050


def off(found: Array, wanted: Array) -> float:
    """Distance of the autocorrelations of 20 mel bands, up to four seconds, at the same level, relative to the wanted
    sound's."""
    spectrum, rhythms = Spectrum(2048, 512, "mel", 20, RATE), []
    for x in (found, wanted):
        levelled = 0.1 * x / np.sqrt(np.mean(np.square(x)))
        L, _ = spectrum.forward(NoParameters(), levelled[None].astype(np.float32), NOTHING)
        rhythms.append(autocorrelation(L, round(4 * RATE / 512)))
    return float(np.linalg.norm(rhythms[0] - rhythms[1]) / np.linalg.norm(rhythms[1]))


def test_clicks_come_as_often_as_the_styles() -> None:
    t = np.arange(2 * RATE)
    clicks = np.random.default_rng(0).standard_normal(len(t)) * np.exp(-(t % (RATE // 4)) / 1000)
    result = play(None, (0.1 * clicks, RATE), preset="texture", seconds=2.0, steps=60, engine="numpy")
    assert off(result.samples[:, 0], clicks) < 0.15
    level = np.abs(result.samples[: len(t) // 512 * 512, 0]).reshape(-1, 512).mean(axis=1)
    again = np.fft.irfft(np.abs(np.fft.rfft(level - level.mean(), 2 * len(level))) ** 2)[:50]
    assert abs(int(again[5:17].argmax()) + 5 - RATE / 4 / 512) < 1


@pytest.mark.slow
def test_the_strokes_of_a_drum_do_too() -> None:
    """A recording, whose bands are far louder at times than their mean, and far quieter at others."""
    result = play(None, "sound:tabla", preset="texture", seconds=8.0, engine="numpy")
    assert off(result.samples[:, 0], read_sound(sound_path("sound:tabla")).samples[:, 0]) < 0.2
