"""Sizes from coarse to fine, and what moves between them."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato import Adam, InputError, Momentum
from sfumato.style.pyramid import COARSEST, LEAST, detail, resample_averages, resize, scale_sizes


@given(
    height=st.integers(16, 4000),
    width=st.integers(16, 4000),
    long_edge=st.integers(32, 4000),
)
def test_sizes_grow_by_the_square_root_of_two_to_the_one_asked_for(height: int, width: int, long_edge: int) -> None:
    sizes = scale_sizes(height, width, long_edge)
    assert max(sizes[-1]) == long_edge
    for (h, w), (larger_h, larger_w) in itertools.pairwise(sizes):
        assert max(larger_h, larger_w) / max(h, w) == pytest.approx(math.sqrt(2), rel=0.01)
    for below, (h, w) in enumerate(reversed(sizes)):
        factor = long_edge / max(height, width) / math.sqrt(2) ** below
        for edge, original in ((h, height), (w, width)):
            assert edge == 1 or abs(edge - factor * original) < 0.51, "the aspect ratio is kept to a pixel"
    if len(sizes) > 1:
        assert max(sizes[0]) >= COARSEST - 1
        assert min(sizes[0]) >= LEAST - 1


def test_512_pixels_are_worked_in_five_scales_and_one_if_asked() -> None:
    assert [max(size) for size in scale_sizes(768, 1024, 512)] == [128, 181, 256, 362, 512]
    assert scale_sizes(768, 1024, 512, 1) == [(384, 512)]
    assert [w for _, w in scale_sizes(768, 1024, 512, 3)] == [256, 362, 512]


def test_more_scales_than_there_are_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="30 scales are too many for a long edge of 512"):
        scale_sizes(768, 1024, 512, 30)


@settings(deadline=None)
@given(h=st.integers(1, 40), w=st.integers(1, 40), new=st.tuples(st.integers(1, 60), st.integers(1, 60)))
def test_a_plain_colour_stays_what_it_is_at_every_size(h: int, w: int, new: tuple[int, int]) -> None:
    picture = np.broadcast_to(np.array([0.1, 0.5, 0.9], np.float32), (h, w, 3))
    resized = resize(picture, *new)
    assert resized.shape == (*new, 3)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, np.broadcast_to(picture[0, 0], resized.shape), atol=1e-6)


def test_shrinking_averages_all_pixels_and_not_single_ones() -> None:
    stripes = np.tile(np.array([0.0, 1.0], np.float32)[None, :, None], (32, 16, 3))
    np.testing.assert_allclose(resize(stripes, 4, 4), 0.5, atol=0.05)


def test_a_picture_is_its_smaller_version_and_its_detail() -> None:
    picture = np.random.default_rng(0).random((24, 32, 3), np.float32)
    smooth = resize(resize(picture, 12, 16), 24, 32)
    np.testing.assert_allclose(smooth + detail(picture, 12, 16), picture, atol=1e-6)
    assert abs(detail(smooth, 12, 16)).max() < 0.25 * abs(detail(picture, 12, 16)).max()


def test_moments_are_resampled_by_what_a_mean_over_more_pixels_makes_of_gradients() -> None:
    v, s = np.full(8 * 10 * 3, -0.3, np.float32), np.full(8 * 10 * 3, 0.2, np.float32)
    resampled = resample_averages({"v": v, "s": s}, {"v": 1, "s": 2}, (8, 10), (16, 20))
    np.testing.assert_allclose(resampled["v"], np.full(16 * 20 * 3, -0.3 / 4), rtol=1e-5)
    np.testing.assert_allclose(resampled["s"], np.full(16 * 20 * 3, 0.2 / 16), rtol=1e-5)


def test_no_second_moment_becomes_negative() -> None:
    memory = Adam().init(np.zeros(8 * 8 * 3, np.float32))
    memory.s[::17] = 1.0
    assert resize(memory.s.reshape(8, 8, 3), 16, 16).min() < 0, "the filter overshoots here"
    resampled = resample_averages(memory._asdict(), Adam.gradient_powers, (8, 8), (16, 16))["s"]
    assert resampled.min() >= 0
    assert resampled.sum() == pytest.approx(memory.s.sum() / 4, rel=0.01), "four times the pixels, sixteenths"


def test_states_without_second_moments_are_resampled_too() -> None:
    memory = Momentum().init(np.ones(4 * 4 * 3, np.float32))
    resampled = resample_averages(memory._asdict(), Momentum.gradient_powers, (4, 4), (8, 8))
    assert {name: vector.shape for name, vector in resampled.items()} == {"v": (8 * 8 * 3,)}
