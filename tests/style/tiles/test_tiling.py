"""Pictures in tiles: the same features, losses and gradients as in one, however they are cut."""

import itertools
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from sfumato import InputError, check_gradient
from sfumato.arrays import Array, Where
from sfumato.engine import NUMPY, NUMPY_DOUBLE, Engine
from sfumato.layers import AveragePooling, Convolution, Layer, MaxPooling, Needs
from sfumato.layers.base import ReceptiveField
from sfumato.network import Network
from sfumato.objective import OnDevice
from sfumato.style.objective import StyleObjective
from sfumato.style.problem import StyleProblem
from sfumato.style.settings import STYLE_LOSS_NAMES, StyleSettings
from sfumato.style.tiles import tiling
from sfumato.style.tiles.tiling import TiledNetwork, cut_into_tiles
from sfumato.style.vgg.network import Vgg, load_vgg
from sfumato.style.vgg.preprocessing import CAFFE

SIZES = st.tuples(st.integers(1, 90), st.integers(1, 90))
FIELDS = st.builds(
    lambda before, stride, after: ReceptiveField(before + stride + after, stride, before),
    st.integers(0, 30),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(0, 30),
)


@given(SIZES, st.integers(1, 100), FIELDS)
def test_every_pixel_is_owned_once_and_what_it_depends_on_is_seen(
    size: tuple[int, int], edge: int, field: ReceptiveField
) -> None:
    owners = np.zeros(size, int)
    for owned, seen in cut_into_tiles(*size, edge, field):
        owners[owned] += 1
        for mine, there, length in zip(owned, seen, size, strict=True):
            assert mine.start % field.stride == there.start % field.stride == 0
            first = mine.start - field.padding
            last = (mine.stop - 1) // field.stride * field.stride - field.padding + field.size
            assert there.start <= max(0, first)
            assert there.stop >= min(length, last)
            assert mine.stop - mine.start <= max(edge + field.stride - 1, field.stride)
    assert (owners == 1).all()


def test_the_receptive_fields_of_vgg_are_those_of_the_literature() -> None:
    fields = load_vgg(last="block5_conv2").network(16, 16).receptive_fields
    assert [fields[name].size for name in ("block1_conv1", "block5_conv1", "block5_conv2")] == [3, 156, 188]
    vgg16 = Vgg("vgg16", "block5_pool", "max", CAFFE, np.empty(0)).network(32, 32).receptive_fields
    assert [vgg16[name].size for name in ("block5_conv3", "block5_pool")] == [196, 212]


@st.composite
def networks(draw: st.DrawFn) -> list[Layer[Any]]:
    """Convolutions and poolings of all kinds that strides of one and two allow."""
    layers: list[Layer[Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        kernel = draw(st.integers(1, 4))
        convolution = Convolution(
            2, kernel, draw(st.sampled_from([1, 1, 2])), draw(st.integers(0, kernel - 1)), draw(st.booleans())
        )
        pooling = draw(st.sampled_from([MaxPooling, AveragePooling]))
        layers.append(draw(st.sampled_from([convolution, convolution, pooling(2), pooling(3, 2)])))
    return layers


@settings(max_examples=30, deadline=None)
@given(layers=networks(), height=st.integers(24, 60), width=st.integers(24, 60), edge=st.integers(1, 40))
def test_features_and_gradients_are_those_of_the_whole(
    layers: list[Layer[Any]], height: int, width: int, edge: int
) -> None:
    def make(rows: int, columns: int) -> Network:
        return Network(layers, (rows, columns, 3))

    rng = np.random.default_rng(0)
    picture = rng.standard_normal((height, width, 3))
    try:
        whole = make(height, width)
        theta = whole.initialize(0, np.float64)
        tiled = TiledNetwork(make, theta, height, width, edge)
    except InputError:  # without padding, a picture or its last tile can be too small to leave anything
        reject()
    weights = {name: rng.standard_normal(shape) for name, shape in whole.shapes.items()}
    features = {name: np.full(shape, np.nan) for name, shape in whole.shapes.items()}

    def head(name: str) -> Callable[[Array, Where], tuple[None, Callable[[float, Array], None]]]:
        def measure(z: Array, where: Where) -> tuple[None, Callable[[float, Array], None]]:
            features[name][where] = z[0]

            def pullback(gradient: float, dz: Array) -> None:
                dz += gradient * weights[name][None, *where]

            return None, pullback

        return measure

    heads = [(name, head(name)) for name in whole.names]
    gradient = tiled.gradient(picture, heads, lambda measured: [1.0] * len(next(iter(measured))))
    in_one = [
        (name, lambda z, w=weights[name]: (z[0], lambda _, dz: w[None] + (0 if dz is None else dz)))
        for name in whole.names
    ]
    expected, backward = whole.measure(
        whole.parameters(theta), picture[None], in_one, Needs(weights=False, inputs=True)
    )
    for name, z in zip(whole.names, expected, strict=True):
        np.testing.assert_allclose(features[name], z, rtol=1e-10, atol=1e-12)
    dx = backward([1.0] * len(heads), [None] * len(heads))
    assert dx is not None
    np.testing.assert_allclose(gradient, dx[0], rtol=1e-9, atol=1e-10)


HEIGHT, WIDTH = 60, 203
"""Several tiles either way; 203 is more than a tile of 64 sees with its halo of 86."""


@pytest.fixture
def problem(narrow_vgg: str) -> Callable[..., StyleProblem]:
    """Makes a problem with every kind of term for VGG19 with few filters: two styles, on request in two regions."""

    def make(*, masked: bool = False, **changes: Any) -> StyleProblem:
        asked = StyleSettings(
            content_layers={"conv4_2": 2.0, "conv5_2": 1.0},
            tv_weight=0.5,
            vgg_weights=narrow_vgg,
            **changes,
        )
        mask = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        mask[:, :90], mask[:, 90:110] = 1.0, 0.4
        styles = [(blotches(2, 120, 160), 2.0), (blotches(3, 96, 90), 1.0)]
        return StyleProblem(asked, blotches(1), styles, [(mask, 1)] if masked else ())

    return make


def blotches(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Array:
    coarse = np.random.default_rng(seed).random((height // 4 + 1, width // 4 + 1, 3))
    return np.kron(coarse, np.ones((4, 4, 1))).astype(np.float32)[:height, :width]


def between() -> Array:
    return (0.8 * blotches(4) + 0.1).ravel()


def check_equal(whole: StyleObjective, tiled: StyleObjective, x: Array, tolerance: float) -> None:
    """The same at x, of NumPy's, wherever each of the two is."""
    expected, found = (OnDevice(objective, objective.network.engine)(x) for objective in (whole, tiled))
    assert found.loss == pytest.approx(expected.loss, rel=tolerance)
    assert tiled.value(tiled.network.engine.put(x)) == found.loss
    assert np.linalg.norm(found.gradient - expected.gradient) < tolerance * np.linalg.norm(expected.gradient)


def test_tiles_may_be_as_small_as_the_pooling_grid(problem: Callable[..., StyleProblem]) -> None:
    posed = problem()
    height, width = 118, 44  # more than the lowest tile sees
    tiled = posed.objective(height, width, NUMPY_DOUBLE, tile=16)
    assert len(tiled.network.tiles) == 8 * 3
    point = 0.8 * blotches(4, height, width).ravel() + 0.1
    check_equal(posed.objective(height, width, NUMPY_DOUBLE), tiled, point, 1e-10)


@pytest.mark.parametrize("masked", [False, True], ids=["one region", "two regions"])
@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("style_loss", STYLE_LOSS_NAMES)
def test_loss_and_gradient_are_those_of_the_whole_picture(
    problem: Callable[..., StyleProblem],
    style_loss: str,
    pooling: Literal["max", "average"],
    masked: bool,
) -> None:
    posed = problem(masked=masked, style_loss=style_loss, pooling=pooling)
    rounding = 1e-3 if style_loss == "neighbours" else 1e-5  # whose targets are float16 in tiles
    for engine, tolerance, tile in ((NUMPY_DOUBLE, 1e-10, 48), (NUMPY, rounding, 100)):
        whole, tiled = (posed.objective(HEIGHT, WIDTH, engine, tile=edge) for edge in (None, tile))
        check_equal(whole, tiled, between(), tolerance)


@pytest.mark.parametrize("style_loss", STYLE_LOSS_NAMES)
def test_in_tiles_and_regions_loss_and_gradient_are_those_of_numpys_whole_picture(
    problem: Callable[..., StyleProblem], style_loss: str, double: Engine
) -> None:
    posed = problem(masked=True, style_loss=style_loss)
    tiled = posed.objective(32, 160, double, tile=80)
    assert len(tiled.network.tiles) == 2
    point = 0.8 * blotches(4, 32, 160).ravel() + 0.1
    with NUMPY_DOUBLE.in_force():
        whole = posed.objective(32, 160, NUMPY_DOUBLE)
    check_equal(whole, tiled, point, 1e-10)


@pytest.mark.parametrize("style_loss", STYLE_LOSS_NAMES)
def test_in_tiles_and_regions_the_gradient_equals_finite_differences(
    problem: Callable[..., StyleProblem], style_loss: str, double: Engine
) -> None:
    posed = problem(masked=True, style_loss=style_loss, pooling="average")
    objective = OnDevice(posed.objective(48, 64, double, tile=32), double)
    point = 0.8 * blotches(4, 48, 64).ravel() + 0.1
    report = check_gradient(objective, point, step=1e-6, directions=5)
    assert report.parameters[0].checked >= 2
    assert report.difference < 1e-6


def test_normalised_weights_are_those_of_the_whole_picture(problem: Callable[..., StyleProblem]) -> None:
    posed, x = problem(), between().astype(np.float64)

    def weights(objective: StyleObjective) -> list[float]:
        return [term.weight for term in objective.with_normalized_gradients(x).terms]

    whole = weights(posed.objective(HEIGHT, WIDTH, NUMPY_DOUBLE))
    assert weights(posed.objective(HEIGHT, WIDTH, NUMPY_DOUBLE, tile=64)) == pytest.approx(whole, rel=1e-10)


@pytest.mark.parametrize("before, after", [(64, 86), (86, 64)])
def test_a_halo_that_is_too_narrow_is_noticed(
    problem: Callable[..., StyleProblem], before: int, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    posed, x = problem(), between().astype(np.float64)
    expected = posed.objective(HEIGHT, WIDTH, NUMPY_DOUBLE)(x)
    assert tiling.halo_field(posed.vgg.network(HEIGHT, WIDTH)) == ReceptiveField(188, 16, 86)
    monkeypatch.setattr(tiling, "halo_field", lambda network: ReceptiveField(before + 16 + after, 16, before))
    found = posed.objective(HEIGHT, WIDTH, NUMPY_DOUBLE, tile=64)(x)
    assert np.linalg.norm(found.gradient - expected.gradient) > 1e-8 * np.linalg.norm(expected.gradient)


def test_tiles_of_one_picture_differ_little_in_size() -> None:
    field = load_vgg(last="block5_conv1").network(16, 16).receptive_fields["block5_conv1"]
    for height, width in itertools.product((500, 1000), (640, 2047)):
        areas = [
            (rows.stop - rows.start) * (columns.stop - columns.start)
            for (rows, columns), _ in cut_into_tiles(height, width, 512, field)
        ]
        assert max(areas) < 1.5 * min(areas)
