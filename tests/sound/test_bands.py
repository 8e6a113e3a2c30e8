"""Bands of frequency: where tones land, what triangles add up to, and what the lifter leaves."""

import numpy as np
import pytest

from sfumato import InputError
from sfumato.arrays import Array
from sfumato.sound.bands import AN_OCTAVE, LOWEST, OCTAVES, SCALES, band_matrix, lifter_matrix

RATE, SIZE = 22_050, 4096


def magnitudes(frequency: float, size: int = SIZE, rate: int = RATE) -> Array:
    """The spectrum of a pure tone under a Hann window."""
    t = np.arange(size) / rate
    spectrum: Array = np.abs(np.fft.rfft(np.hanning(size) * np.sin(2 * np.pi * frequency * t)))
    return spectrum


@pytest.mark.parametrize("scale", SCALES)
def test_bands_are_triangles_that_rise_to_one_and_fall(scale: str) -> None:
    B = band_matrix(scale, 20, SIZE, RATE)
    assert B.shape == ({"mel": 20, "notes": 168, "chroma": 24}[scale], SIZE // 2 + 1)
    assert (B >= 0).all() and (B.max(axis=1) > 0.5).all()
    if scale != "chroma":
        assert (B <= 1).all()
        for band in B:
            heard = np.flatnonzero(band)
            assert (np.diff(heard) == 1).all(), "one stretch of bins"
            assert (np.diff(np.sign(np.diff(band[heard]))) <= 0).all(), "up, and then down"


def test_neighbouring_bands_of_the_mel_scale_share_each_frequency_out() -> None:
    """Between the centres of the first and the last, what one triangle loses the next one gains."""
    B = band_matrix("mel", 10, SIZE, RATE)
    first, last = B[0].argmax(), B[-1].argmax()
    np.testing.assert_allclose(B[:, first + 1 : last].sum(axis=0), 1, atol=1e-12)


def test_centres_are_equally_far_apart_in_mel() -> None:
    B = band_matrix("mel", 6, 2**15, RATE)
    centres = B.argmax(axis=1) * RATE / 2**15
    mel = 1127.01 * np.log(1 + centres / 700)
    np.testing.assert_allclose(np.diff(mel), np.diff(mel).mean(), rtol=5e-3)
    assert 1127.01 * np.log(1 + RATE / 2 / 700) / 7 == pytest.approx(np.diff(mel).mean(), rel=5e-3)


@pytest.mark.parametrize(("note", "frequency"), [(60, 440.0), (67, 440.0 * 2 ** (7 / 24)), (100, 1396.9)])
def test_a_note_lands_in_its_own_quarter_tone(note: int, frequency: float) -> None:
    heard = band_matrix("notes", 0, 2 * SIZE, RATE) @ magnitudes(frequency, 2 * SIZE)
    expected = round(AN_OCTAVE * np.log2(frequency / LOWEST))
    assert heard.argmax() == expected
    assert abs(expected - note) <= 7, "as counted by hand, to a few quarter tones"


@pytest.mark.parametrize("frequency", [220.0, 466.16, 698.46])
def test_chroma_hears_notes_without_their_octave(frequency: float) -> None:
    B = band_matrix("chroma", 0, SIZE, RATE)
    bands = {int((B @ magnitudes(frequency * factor)).argmax()) for factor in (1.0, 2.0, 4.0)}
    assert bands == {round(AN_OCTAVE * np.log2(frequency / LOWEST)) % AN_OCTAVE}


def test_chroma_is_the_notes_of_all_octaves_added_up() -> None:
    notes, chroma = (band_matrix(scale, 0, SIZE, RATE) for scale in ("notes", "chroma"))
    for band in range(AN_OCTAVE):
        np.testing.assert_allclose(chroma[band], sum(notes[band + octave * AN_OCTAVE] for octave in range(OCTAVES)))


def test_bands_above_half_the_rate_are_left_out() -> None:
    B = band_matrix("notes", 0, SIZE, 8000)
    assert len(B) < OCTAVES * AN_OCTAVE
    assert LOWEST * 2 ** (len(B) / AN_OCTAVE) < 4000 < LOWEST * 2 ** ((len(B) + 1) / AN_OCTAVE)


def test_a_rate_too_low_for_any_note_is_refused() -> None:
    with pytest.raises(InputError, match=r"^100 samples a second are too few to hear notes in: use 8000 or more$"):
        band_matrix("notes", 0, 64, 100)


def test_the_lifter_takes_the_envelope_away_and_leaves_the_peaks() -> None:
    A = lifter_matrix(168, 12.0)
    slope = np.linspace(0, 3, 168)
    assert np.abs(A @ np.full(168, 5.0)).max() < 1e-12, "a level is no note"
    assert np.abs((A @ slope)[40:-40]).max() < 0.01, "nor is a timbre that rises slowly"
    peak = np.zeros(168)
    peak[80] = 1.0
    assert (A @ (slope + peak)).argmax() == 80
    assert (A @ peak)[80] == pytest.approx(1 - 1 / (12 * np.sqrt(2 * np.pi)), abs=1e-4), "less the density at its top"
