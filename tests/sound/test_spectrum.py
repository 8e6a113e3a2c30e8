"""The layers that hear: their equations step by step, their backward pass by differences, and what they refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato import InputError, Layer
from sfumato.arrays import Array, copied, to_numpy
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.gradient_check import check_gradient
from sfumato.layers import EVERYTHING, NOTHING
from sfumato.layers.base import NoParameters
from sfumato.objective import LayerObjective, OnDevice
from sfumato.sound.bands import band_matrix, lifter_matrix
from sfumato.sound.spectrum import LOUDNESS, SILENCE, Lifter, Spectrum, mirrored, mirrored_gradient

SMALL = Spectrum(16, 4, "mel", 3, 800)
LAYERS: list[tuple[Layer[Any], tuple[int, ...]]] = [
    (SMALL, (30,)),
    (SMALL, (9,)),  # the shortest that there is: both ends are mirrored into one another
    (SMALL, (32,)),  # a whole number of hops
    (Spectrum(32, 16, "mel", 4, 800), (61,)),
    (Spectrum(16, 1, "mel", 3, 800), (20,)),
    (Spectrum(64, 16, "notes", rate=1000), (100,)),
    (Spectrum(64, 16, "chroma", rate=1000), (100,)),
    (Lifter(), (7, 1, 30)),
    (Lifter(2.0), (2, 3, 5)),
]
every_layer = pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=repr)


def drawn(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def heard(layer: Layer[Any], x: Array, engine: Engine) -> Array:
    return to_numpy(layer.forward(NoParameters(), engine.put(x), NOTHING)[0])


@every_layer
def test_the_way_back_equals_differences_of_the_equation(
    layer: Layer[Any], shape: tuple[int, ...], double: Engine
) -> None:
    objective = LayerObjective(layer, shape, examples=2)
    report = check_gradient(OnDevice(objective, double), objective.theta)
    assert report.difference < 1e-7
    assert report.parameters[0].checked == len(objective.theta)


@every_layer
def test_it_is_the_same_wherever_and_in_whatever_precision(
    layer: Layer[Any], shape: tuple[int, ...], engine: Engine
) -> None:
    x = drawn(0, 2, *shape)
    with NUMPY_DOUBLE.in_force():
        right, back = layer.forward(NoParameters(), x, EVERYTHING)
        dz = drawn(1, *right.shape)
        dx = back(dz.copy(), NoParameters())
    assert dx is not None
    for own in {engine, engine._replace(precision="float32")}:
        close = {"float64": 1e-11, "float32": 1e-4}[own.precision]
        z, backward = layer.forward(NoParameters(), own.put(x), EVERYTHING)
        found = to_numpy(backward(copied(own.put(dz)), NoParameters()))
        assert to_numpy(z).dtype == found.dtype == own.numpy_dtype
        assert z.shape == (2, *layer.build(shape).output_shape)
        assert found.shape == x.shape
        np.testing.assert_allclose(to_numpy(z), right, atol=close * np.abs(right).max())
        np.testing.assert_allclose(found, dx, atol=close * np.abs(dx).max())


def test_loudness_is_its_equation_step_by_step(engine: Engine, rounding: float) -> None:
    x, N, h = drawn(3, 2, 30), SMALL.size, SMALL.hop
    padded = np.pad(x, ((0, 0), (N // 2, N // 2)), mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N) / N)
    B = band_matrix("mel", 3, N, 800)
    expected = np.zeros((2, 30 // h + 1, 1, 3))
    for n, t in np.ndindex(2, 30 // h + 1):
        X = np.fft.rfft(window * padded[n, t * h : t * h + N])
        expected[n, t, 0] = np.log(1 + LOUDNESS * 2 / N * B @ np.sqrt(np.abs(X) ** 2 + SILENCE))
    np.testing.assert_allclose(heard(SMALL, x, engine), expected, rtol=max(1e-9, rounding))


def test_twice_as_loud_is_as_much_more_wherever_there_is_sound() -> None:
    x = drawn(0, 1, 30)
    difference = heard(SMALL, 2 * x, NUMPY_DOUBLE) - heard(SMALL, x, NUMPY_DOUBLE)
    np.testing.assert_allclose(difference, np.log(2), atol=2e-2)


def test_silence_is_nearly_nothing_and_its_slope_is_finite() -> None:
    z, backward = SMALL.forward(NoParameters(), np.zeros((1, 30)), EVERYTHING)
    assert 0 <= z.min() <= z.max() < LOUDNESS * 20 * SILENCE**0.5
    dx = backward(np.ones_like(z), NoParameters())
    assert dx is not None
    np.testing.assert_array_equal(dx, 0)


@settings(deadline=None, max_examples=40)
@given(samples=st.integers(2, 20), margin=st.integers(1, 19), seed=st.integers(0, 2**32 - 1))
def test_mirrored_ends_and_their_backward_pass(samples: int, margin: int, seed: int, engine: Engine) -> None:
    margin = min(margin, samples - 1)
    x, dx = drawn(seed, 2, samples), drawn(seed + 1, 2, samples + 2 * margin)
    found = to_numpy(mirrored(engine.put(x), margin))
    np.testing.assert_array_equal(found, np.pad(engine.put(x), ((0, 0), (margin, margin)), mode="reflect"))
    given_back = to_numpy(mirrored_gradient(engine.put(dx), margin))
    assert (found * dx).sum() == pytest.approx((x * given_back).sum(), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("frequency", "below", "above"), [(110.0, 0, 1), (1000.0, 5, 8), (5000.0, 14, 17)])
def test_a_tone_is_loudest_in_the_mel_band_around_it(frequency: float, below: int, above: int) -> None:
    """A twenty-first of 3174 mel, the mel of 11,025 Hz, is a band's width: 110 Hz are 150 mel, 1000 Hz are 1000."""
    layer = Spectrum()
    x = np.sin(2 * np.pi * frequency * np.arange(8000) / layer.rate)[None]
    loudest = heard(layer, x, NUMPY_DOUBLE)[0, 4, 0].argmax()
    assert below <= loudest <= above
    assert loudest == layer.matrix[:, round(frequency * layer.size / layer.rate)].argmax()


def test_a_click_is_heard_when_it_sounds() -> None:
    x = np.zeros((1, 22_050))
    x[0, 10_240] = 1.0
    loudness = heard(Spectrum(), x, NUMPY_DOUBLE)[0, :, 0].sum(axis=1)
    assert loudness.argmax() == 20, "10,240 / 512"
    assert (loudness > 1).sum() <= 4, "in the frames that see it"


def test_a_lifter_is_its_matrix(engine: Engine, rounding: float) -> None:
    x = drawn(0, 2, 3, 1, 30)
    right = x @ lifter_matrix(30, 12.0).T
    np.testing.assert_allclose(heard(Lifter(), x, engine), right, atol=rounding * np.abs(right).max())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spectrum(size=3), "^the size of a spectrum must be a whole number from 4, not 3$"),
        (lambda: Spectrum(hop=0), "^the hop of a spectrum must be a whole number from 1, not 0$"),
        (lambda: Spectrum(bands=0), "^the bands of a spectrum must be a whole number from 1, not 0$"),
        (lambda: Spectrum(size=2048, hop=600), "must be a multiple of twice the hop, not 2048$"),
        (lambda: Spectrum(16, 16), "must be a multiple of twice the hop, not 16$"),
        (lambda: Spectrum(scale="bark"), "bark"),
        (lambda: Spectrum(rate=True), "rate"),
        (lambda: SMALL.build((3, 4)), r"^a spectrum takes sounds, \(samples,\), not examples of shape \(3, 4\)$"),
        (lambda: SMALL.build((8,)), "^a sound of 8 samples is too short for frames of 16$"),
        (lambda: Lifter().build((30,)), "a lifter"),
        (lambda: Lifter(0.0), "^the sigma of a lifter must be a positive number, not 0"),
    ],
)
def test_bad_arguments_are_refused_in_words(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
