"""Sounds as functions of theta: at zero the sound to start from, and backward passes by differences."""

from typing import Any

import numpy as np
import pytest

from sfumato import Evaluation, Objective, check_gradient
from sfumato.arrays import Array, to_numpy
from sfumato.engine import Engine
from sfumato.objective import OnDevice
from sfumato.sound import rendering, starts
from sfumato.sound.rendering import BOUND, TEXTURE_BOUND, Gains, frames_of
from sfumato.sound.starts import equalised, mosaic, noise, side_like_mid, sound_of, spectrum_of


def drawn(samples: int, seed: int = 0) -> Array:
    return 0.1 * np.random.default_rng(seed).standard_normal((1, samples))


LENGTHS = pytest.mark.parametrize("samples", [1025, 2048, 5000, 5120])


@LENGTHS
def test_without_gains_the_sound_is_the_one_to_start_from(samples: int, double: Engine) -> None:
    x = drawn(samples)
    made = Gains(double.put(x))
    theta = made.first()
    assert theta.shape == (made.size,) == (frames_of(samples) * 1025,)
    np.testing.assert_allclose(to_numpy(made.forward(theta)[0]), x, atol=1e-12 * np.abs(x).max())


@LENGTHS
def test_in_float32_it_is_so_to_rounding(samples: int, engine: Engine) -> None:
    single = engine._replace(precision="float32")
    made = Gains(single.put(drawn(samples)))
    found, _ = made.forward(made.first())
    assert to_numpy(found).dtype == np.float32
    np.testing.assert_allclose(to_numpy(found), drawn(samples), atol=1e-6)


def test_the_same_gain_everywhere_is_a_gain_of_the_sound(engine: Engine, rounding: float) -> None:
    made = Gains(engine.put(drawn(5000)))
    found, _ = made.forward(made.first() + BOUND * np.arctanh(np.log(2.0) / BOUND))
    np.testing.assert_allclose(to_numpy(found), 2 * drawn(5000), atol=rounding)


@pytest.mark.parametrize("bound", [BOUND, TEXTURE_BOUND])
def test_a_gain_is_of_its_own_bin_and_moment(bound: float) -> None:
    t = np.arange(22_050) / 22_050
    low, high = np.sin(2 * np.pi * 500 * t), np.sin(2 * np.pi * 3000 * t)
    made = Gains((low + high)[None], bound)
    theta = made.first().reshape(made.shape)
    theta[:, 200:] = -50.0  # from 2153 Hz on
    found, _ = made.forward(theta.reshape(-1))
    least = np.exp(-bound)
    np.testing.assert_allclose(found[0, 4096:-4096], (low + least * high)[4096:-4096], atol=1e-3)
    theta[:] = 0.0
    theta[:20] = -50.0
    found, _ = made.forward(theta.reshape(-1))
    np.testing.assert_allclose(found[0, : 512 * 16], least * (low + high)[: 512 * 16], atol=1e-9)
    np.testing.assert_allclose(found[0, 512 * 24 :], (low + high)[512 * 24 :], atol=1e-9)


class Projected(Objective):
    """A fixed random projection of the rendered sound."""

    def __init__(self, made: Any, samples: int) -> None:
        self.made, self.C = made, drawn(samples, 1)

    def __call__(self, theta: Array) -> Evaluation:
        x, backward = self.made.forward(theta)
        C = np.asarray(self.C) if isinstance(x, np.ndarray) else x.new_tensor(self.C)
        return Evaluation((C * x).sum().item(), backward(C))

    def value(self, theta: Array) -> float:
        return self(theta).loss


@pytest.mark.parametrize(("samples", "bound"), [(61, BOUND), (64, TEXTURE_BOUND)])
def test_the_gradient_with_respect_to_gains_equals_differences(
    samples: int, bound: float, double: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every gain alone, those of the first and the last bin too, which irfft counts once."""
    monkeypatch.setattr(rendering, "SIZE", 32)
    monkeypatch.setattr(rendering, "HOP", 8)
    made = Gains(double.put(drawn(samples)), bound)
    theta = 0.5 * np.random.default_rng(2).standard_normal(made.size)
    report = check_gradient(OnDevice(Projected(made, samples), double), theta)
    assert report.difference < 1e-7
    assert report.parameters[0].checked == made.size


def test_a_spectrum_and_back_is_the_sound() -> None:
    x = drawn(5000)[0]
    np.testing.assert_allclose(sound_of(spectrum_of(x), 5000), x, atol=1e-13)


def test_equalised_has_the_styles_mean_spectrum_and_the_contents_time(tune: Any) -> None:
    content, style = tune("rising", "plucked", 1.0), tune("falling", "reed", 1.0)
    found = equalised(content, [(style, 1.0)])
    assert found.dtype == np.float32
    assert found.shape == content.shape

    def colour(x: Array) -> Array:
        """How many decibels its mean spectrum has in each of 12 wide bands of equal width."""
        mean = np.abs(spectrum_of(x)).mean(axis=0)[:960].reshape(12, 80).mean(axis=1)
        return np.asarray(20 * np.log10(mean))

    before, after = (np.abs(colour(x) - colour(style)).mean() for x in (content, found))
    assert after < 0.35 * before
    again = equalised(content, [(content, 1.0)])
    np.testing.assert_allclose(again, content, atol=1e-5)


def test_a_mosaic_is_of_the_styles_frames_and_has_the_contents_notes(tune: Any) -> None:
    content, style = tune("rising", "plucked", 1.0), tune("falling", "reed", 1.0)
    found = mosaic(content, [(style, 1.0)])
    assert found.dtype == np.float32
    assert found.shape == content.shape
    assert np.isfinite(found).all()
    high = [float((np.abs(spectrum_of(x))[:, 200:] ** 2).sum() / (x**2).sum()) for x in (content, found, style)]
    assert high[0] < 0.2 * high[1], "above 2153 Hz, where the content has nothing"
    loudest = np.abs(spectrum_of(content)).argmax(axis=1)
    heard = np.abs(spectrum_of(found))
    assert np.mean([heard[t, k - 2 : k + 3].max() > 0.05 * heard[t].max() for t, k in enumerate(loudest)]) > 0.8


def test_noise_is_of_its_level_and_its_seed() -> None:
    found = noise(20_000, 0.1, 3)
    assert found.dtype == np.float32
    assert found.std() == pytest.approx(starts.QUIET * 0.1, rel=0.03)
    np.testing.assert_array_equal(found, noise(20_000, 0.1, 3))
    assert (found != noise(20_000, 0.1, 4)).any()


def test_the_side_gets_the_gain_of_the_mid_within_20_decibels() -> None:
    mid, side = drawn(5000)[0], drawn(5000, 1)[0]
    for factor, expected in ((1.0, 1.0), (3.0, 3.0), (1000.0, 10.0), (0.0, 0.1)):
        np.testing.assert_allclose(side_like_mid(side, mid, factor * mid), expected * side, atol=1e-4)
