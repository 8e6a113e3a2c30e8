"""Colours kept: statistics that are the content's afterwards, and pictures without any colour."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato.arrays import Array
from sfumato.errors import InputError
from sfumato.pictures import strips
from sfumato.style.control.colour import colour_map, grey, match_colours, match_luminance, with_luminance

METHODS = ("match", "match-cholesky", "histogram")


def photo(seed: int, height: int = 24, width: int = 30, spread: float = 0.1) -> Array:
    """Colours about a middle one, correlated as those of pictures are, far enough from 0 and 1 that nothing is cut."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    colours = np.clip(rng.standard_normal((height, width, 3)), -2, 2) * [1.0, 0.5, 0.3]
    picture: Array = rng.uniform(0.4, 0.6, 3) + spread * colours @ directions
    return picture


def moments(picture: Array) -> tuple[Array, Array]:
    rows = picture.reshape(-1, 3).astype(np.float64)
    return rows.mean(axis=0), np.cov(rows.T, bias=True)


@settings(deadline=None, max_examples=25)
@given(style=st.integers(0, 999), content=st.integers(0, 999), method=st.sampled_from(METHODS[:2]))
def test_the_mapped_colours_have_the_contents_mean_and_covariance(style: int, content: int, method: str) -> None:
    painting, photograph = photo(style, spread=0.3), photo(content, 17, 40, spread=0.3)
    A, b = colour_map(painting, photograph, method)
    mean, covariance = moments(painting @ A.T + b)
    expected_mean, expected_covariance = moments(photograph)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-10)
    np.testing.assert_allclose(covariance, expected_covariance, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_the_picture_has_the_contents_mean_and_spread_where_nothing_is_clipped(method: str) -> None:
    painting, photograph = photo(1), photo(2, 40, 20)
    matched = match_colours(painting, photograph, method)
    assert matched.shape == painting.shape
    assert matched.dtype == np.float32
    mean, covariance = moments(matched)
    expected_mean, expected_covariance = moments(photograph)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-6)
    np.testing.assert_allclose(np.diag(covariance), np.diag(expected_covariance), rtol=0.02)


def test_the_roots_are_those_that_scipy_finds() -> None:
    painting, photograph = photo(3), photo(4)
    S_s, S_c = moments(painting)[1], moments(photograph)[1]
    root_s, root_c = scipy.linalg.sqrtm(S_s), scipy.linalg.sqrtm(S_c)
    symmetric = colour_map(painting, photograph, "match")[0]
    np.testing.assert_allclose(symmetric, root_c @ scipy.linalg.inv(root_s), rtol=1e-8, atol=1e-10)
    lower_s, lower_c = scipy.linalg.cholesky(S_s, lower=True), scipy.linalg.cholesky(S_c, lower=True)
    triangular = colour_map(painting, photograph, "match-cholesky")[0]
    np.testing.assert_allclose(triangular, lower_c @ scipy.linalg.inv(lower_s), rtol=1e-8, atol=1e-10)


def test_values_that_differ_are_matched_in_order() -> None:
    rng = np.random.default_rng(0)
    painting, photograph = rng.random((12, 10, 3)), rng.random((8, 15, 3))
    matched = match_colours(painting, photograph, "histogram")
    for channel in range(3):
        order = np.argsort(painting[..., channel], axis=None)
        expected = np.sort(photograph[..., channel], axis=None)
        np.testing.assert_allclose(matched[..., channel].ravel()[order], expected, atol=1e-6)


def test_equal_pixels_stay_equal_in_a_matched_histogram() -> None:
    painting = np.array([0, 0, 0, 255], np.uint8).reshape(2, 2, 1).repeat(3, axis=2)
    photograph = np.array([10, 20, 60, 200], np.uint8).reshape(1, 4, 1).repeat(3, axis=2)
    matched = match_colours(painting, photograph, "histogram")
    np.testing.assert_allclose(matched[..., 0] * 255, [[30, 30], [30, 200]], rtol=1e-6)


def test_a_histogram_of_more_pixels_is_matched_by_its_quantiles() -> None:
    photograph = np.linspace(0.2, 0.8, 3000).reshape(60, 50, 1).repeat(3, axis=2)
    painting = np.random.default_rng(0).random((20, 20, 3)) ** 3
    matched = match_colours(painting, photograph, "histogram")
    np.testing.assert_allclose(
        np.quantile(matched, [0.1, 0.5, 0.9], axis=(0, 1)),
        np.quantile(photograph, [0.1, 0.5, 0.9], axis=(0, 1)),
        atol=0.01,
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_matched_to_itself_stays_as_it_is(method: str) -> None:
    picture = (255 * photo(5)).astype(np.uint8)
    np.testing.assert_allclose(match_colours(picture, picture, method), picture / 255, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_bytes_and_numbers_are_the_same_picture(method: str) -> None:
    painting, photograph = (255 * photo(6)).astype(np.uint8), (255 * photo(7)).astype(np.uint8)
    as_numbers = match_colours(painting / np.float32(255), photograph / np.float32(255), method)
    np.testing.assert_allclose(match_colours(painting, photograph, method), as_numbers, atol=1e-4)


PLAIN = np.full((9, 7, 3), (200, 30, 90), np.uint8)
GREY = np.random.default_rng(8).integers(0, 256, (9, 7, 1), np.uint8).repeat(3, axis=2)
BLACK = np.zeros((1, 1, 3), np.uint8)
COLOURFUL = (255 * photo(9)).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("painting", [PLAIN, GREY, BLACK, COLOURFUL], ids=["plain", "grey", "black", "colourful"])
@pytest.mark.parametrize("photograph", [PLAIN, GREY, BLACK, COLOURFUL], ids=["plain", "grey", "black", "colourful"])
def test_pictures_without_colour_or_contrast_are_matched_in_their_mean(
    painting: Array, photograph: Array, method: str
) -> None:
    matched = match_colours(painting, photograph, method)
    assert matched.shape == painting.shape
    assert ((matched >= 0) & (matched <= 1)).all()
    if photograph is not GREY:  # whose contrast is such that much is clipped
        np.testing.assert_allclose(matched.mean(axis=(0, 1)), photograph.mean(axis=(0, 1)) / 255, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_grey_photograph_makes_the_style_grey(method: str) -> None:
    matched = match_colours(COLOURFUL, GREY, method)
    if method == "histogram":  # each channel on its own: alike in distribution, not in every pixel
        matched = np.sort(matched.reshape(-1, 3), axis=0)
    assert np.ptp(matched, axis=-1).max() < (0.1 if method == "histogram" else 1e-3)


def test_rounding_is_not_stretched_to_colours() -> None:
    rng = np.random.default_rng(10)
    nearly_grey = np.clip(rng.integers(0, 256, (30, 30, 1)) + rng.integers(0, 2, (30, 30, 3)), 0, 255).astype(np.uint8)
    matched = match_colours(nearly_grey, COLOURFUL, "match")
    assert moments(matched - grey(matched))[1].trace() <= 1.01 * moments(COLOURFUL / 255 - grey(COLOURFUL))[1].trace()


def test_a_way_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="no way to match colours is called 'mach': use match, match-cholesky or hist"):
        match_colours(PLAIN, GREY, "mach")


def test_grey_is_the_luminance_of_rec_601() -> None:
    primaries = np.eye(3)[np.newaxis]
    np.testing.assert_allclose(grey(primaries)[0, :, 0], [0.299, 0.587, 0.114], rtol=1e-6)
    np.testing.assert_array_equal(np.ptp(grey(COLOURFUL), axis=-1), 0)
    np.testing.assert_allclose(grey(GREY), GREY / 255, atol=1e-6)


def test_the_styles_luminance_is_given_the_contents_mean_and_deviation() -> None:
    painting, photograph = photo(11, spread=0.05), photo(12)
    matched = match_luminance(painting, photograph)
    assert matched.shape == painting.shape
    np.testing.assert_array_equal(np.ptp(matched, axis=-1), 0)
    assert matched.mean() == pytest.approx(grey(photograph).mean(), abs=1e-5)
    assert matched.std() == pytest.approx(grey(photograph).std(), rel=1e-3)


def test_a_style_without_luminance_takes_the_contents_mean() -> None:
    np.testing.assert_allclose(match_luminance(PLAIN, GREY), grey(GREY).mean(), atol=1e-5)


def test_the_painted_luminance_lies_under_the_contents_colour() -> None:
    painted, content = photo(13), photo(14)
    result = with_luminance(painted, content)
    np.testing.assert_allclose(result @ [0.299, 0.587, 0.114], painted @ [0.299, 0.587, 0.114], atol=1e-6)
    np.testing.assert_allclose(result - grey(result), content - grey(content), atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999))
def test_where_a_colour_does_not_fit_it_gets_paler_and_no_stroke_is_lost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    painted, content = rng.random((6, 5, 3)), rng.random((6, 5, 3))
    result = with_luminance(painted, content)
    assert ((result >= 0) & (result <= 1)).all()
    np.testing.assert_allclose(grey(result), grey(painted), atol=1e-5)
    before, after = content - grey(content), result - grey(result)
    assert (np.abs(after) <= np.abs(before) + 1e-6).all()
    assert np.abs(np.cross(before, after)).max() < 1e-5, "the hue stays"


def test_the_own_luminance_gives_the_picture_back() -> None:
    np.testing.assert_allclose(with_luminance(COLOURFUL, COLOURFUL), COLOURFUL / 255, atol=1e-6)


def test_luminance_and_colour_of_different_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="make them the same size"):
        with_luminance(PLAIN, GREY[:5])


def test_strips_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    painting, photograph = photo(15, 31, 23), photo(16, 23, 31)
    whole = [match_colours(painting, photograph, method) for method in METHODS]
    whole += [match_luminance(painting, photograph), with_luminance(painting, photograph.transpose(1, 0, 2))]
    monkeypatch.setattr(strips, "STRIP", 100)
    cut = [match_colours(painting, photograph, method) for method in METHODS]
    cut += [match_luminance(painting, photograph), with_luminance(painting, photograph.transpose(1, 0, 2))]
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
