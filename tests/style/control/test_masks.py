"""Masks: which part of a picture takes which style, and that it keeps it to itself."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sfumato import InputError
from sfumato.arrays import Array
from sfumato.losses.gram import FeatureMoments, GramLoss, moments
from sfumato.minimize import RunOptions
from sfumato.pictures.builtin import builtin_style
from sfumato.pictures.files import read_image, write_image
from sfumato.style.control.masks import covered_by, flat_ground, laid_over, make_regions, pooled_masks, without_ground
from sfumato.style.inputs import Style
from sfumato.style.problem import StyleProblem
from sfumato.style.pyramid import resize
from sfumato.style.result import to_uint8
from sfumato.style.settings import Reading
from sfumato.style.tiles.memory import Plan
from sfumato.style.tiles.tiling import TiledNetwork
from sfumato.style.transfer import StyleTransfer
from sfumato.style.vgg.network import load_vgg

SHAPE = (48, 64)
LEFT = np.repeat(np.tile(np.arange(64) < 32, (48, 1))[..., np.newaxis], 3, axis=2).astype(np.float32)


def styles(*shares: float) -> list[Style]:
    picture = np.zeros((16, 16, 3), np.uint8)
    return [Style(f"style{number}.png", number, picture, share) for number, share in enumerate(shares, 1)]


def test_without_masks_all_styles_are_everywhere() -> None:
    (region,) = make_regions(styles(0.5, 0.5), [], SHAPE)
    assert (region.mask, len(region.styles), region.share) == (None, 2, 1.0)


def test_a_style_without_a_mask_takes_what_the_others_leave() -> None:
    masked, rest = make_regions(styles(0.5, 0.5), [(LEFT, 2)], SHAPE)
    assert ([style.number for style in masked.styles], [style.number for style in rest.styles]) == ([2], [1])
    assert masked.mask is not None
    assert rest.mask is not None
    np.testing.assert_allclose(masked.mask, LEFT[..., :1], atol=1e-6)
    np.testing.assert_allclose(masked.mask + rest.mask, 1.0, atol=1e-6)


def test_where_every_style_has_a_mask_the_rest_keeps_to_the_content() -> None:
    regions = make_regions(styles(0.5, 0.5), [(0.5 * LEFT, 1), (0.25 * LEFT, 2)], SHAPE)
    assert len(regions) == 2
    assert sum(region.mask.max() for region in regions if region.mask is not None) == pytest.approx(0.75)


def test_masks_of_one_style_add_up_and_those_that_overlap_share() -> None:
    right = 1.0 - LEFT
    (whole,) = make_regions(styles(1.0), [(LEFT, 1), (right, 1)], SHAPE)
    assert whole.mask is not None
    np.testing.assert_allclose(whole.mask, 1.0, atol=1e-6)
    one, other = make_regions(styles(0.5, 0.5), [(LEFT, 1), (LEFT, 2)], SHAPE)
    assert one.mask is not None
    assert other.mask is not None
    np.testing.assert_allclose(one.mask, 0.5 * LEFT[..., :1], atol=1e-6)
    np.testing.assert_allclose(other.mask, one.mask)


def test_a_region_counts_by_its_part_of_the_picture_times_its_weight() -> None:
    quarter = LEFT.copy()
    quarter[:24] = 0.0
    regions = make_regions(styles(0.75, 0.25), [(quarter, 1)], SHAPE)
    assert [region.share for region in regions] == pytest.approx([0.5, 0.5])  # 1/4 times 3/4, and 3/4 times 1/4


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([(LEFT[:, :40], 1)], "a mask: is 40 x 48 pixels, and the content 64 x 48; a mask has the content's shape"),
        ([(0 * LEFT, 1)], "a mask: is black everywhere, so its style has no region; paint that white"),
        ([(LEFT, 3)], "a mask: is for style 3, and there is no such style with a weight; there is 1, 2"),
        ([(LEFT, 0)], "a mask: is for style 0"),
        ([(LEFT, 1), (1.0 - LEFT, 1)], r"style2.png: the masks leave nothing to it; give it one, or leave it out"),
    ],
)
def test_masks_that_cannot_be_are_refused_in_words(masks: Sequence[tuple[Any, int]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_regions(styles(0.5, 0.5), masks, SHAPE)


def test_a_mask_is_read_from_a_file(tmp_path: Path) -> None:
    write_image(tmp_path / "mask.png", (255 * LEFT).astype(np.uint8))
    masked, _ = make_regions(styles(0.5, 0.5), [(tmp_path / "mask.png", 1)], SHAPE)
    assert masked.mask is not None
    np.testing.assert_allclose(masked.mask, LEFT[..., :1], atol=1e-6)


def test_a_mask_may_be_a_layer_on_nothing_or_the_first_frame_of_several(tmp_path: Path) -> None:
    alpha = Image.fromarray((255 * LEFT[..., 0]).astype(np.uint8))
    layer = Image.new("RGBA", (64, 48), "white")
    layer.putalpha(alpha)
    layer.save(tmp_path / "layer.png")
    alpha.save(tmp_path / "frames.gif", save_all=True, append_images=[alpha.transpose(Image.Transpose.ROTATE_180)])
    for name in ("layer.png", "frames.gif"):
        masked, _ = make_regions(styles(0.5, 0.5), [(tmp_path / name, 1)], SHAPE, Reading(first_frame=True))
        assert masked.mask is not None
        np.testing.assert_allclose(masked.mask, LEFT[..., :1], atol=1e-6)


def test_each_region_weighs_as_it_should_in_the_objective() -> None:
    quarter = LEFT.copy()
    quarter[:24] = 0.0
    rng = np.random.default_rng(0)
    content, one, other = (rng.integers(0, 256, (48, 64, 3)).astype(np.uint8) for _ in range(3))
    one_layer = {"block1_conv1": 1.0}
    asked = StyleTransfer(style_loss="gram", style_weight=8.0, style_layers=one_layer, content_layers=one_layer)
    objective = StyleProblem(asked, content, [(one, 3.0), (other, 1.0)], [(quarter, 1)]).objective(48, 64)
    assert [term.weight for term in objective.terms if term.kind == "style"] == pytest.approx([4.0, 4.0])


def test_a_region_of_which_nothing_is_left_is_refused_before_any_work() -> None:
    rng = np.random.default_rng(0)
    content, style = (rng.integers(0, 256, (64, 100, 3)).astype(np.uint8) for _ in range(2))
    edge = np.zeros_like(content)
    edge[:, 97:] = 255  # beyond the last whole window of the fourth pooling
    transfer = StyleTransfer(size=100, steps=2, style_layers={"block5_conv1": 1.0})
    with pytest.raises(InputError, match="a style: nothing is left of its region at 100 x 64 pixels; paint more white"):
        transfer.run(content, style, masks=[(edge, 1)])
    coarse = StyleTransfer(size=400, scales=5, steps=2, content_weight=0, style_layers={"block5_conv1": 1.0})
    with pytest.raises(InputError, match="nothing is left of its region at 100 x 64 pixels"):
        coarse.run(content, style, masks=[(edge, 1)])


@given(st.integers(16, 70), st.integers(16, 70))
def test_each_layer_sees_the_mean_of_the_mask_over_the_pixels_that_were_pooled_into_it(height: int, width: int) -> None:
    shapes = {f"layer{n}": (height // 2**n, width // 2**n, 3) for n in range(5)}
    mask = np.random.default_rng(0).random((height, width, 1))
    pooled = dict(pooled_masks(mask, shapes))
    for n, (name, (rows, columns, _)) in enumerate(shapes.items()):
        size = 2**n
        blocks = mask[: rows * size, : columns * size].reshape(rows, size, columns, size)
        np.testing.assert_allclose(pooled[name][0, ..., 0], blocks.mean(axis=(1, 3)), rtol=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_masked_moments_are_sums_weighted_by_the_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features, mask = rng.standard_normal((1, 5, 6, 3)), rng.random((1, 5, 6, 1))
    found = moments(features, mask)
    pairs = list(zip(features.reshape(-1, 3), mask.ravel(), strict=True))
    assert found.positions == pytest.approx(sum(weight for _, weight in pairs))
    np.testing.assert_allclose(found.total, sum(weight * f for f, weight in pairs), rtol=1e-10, atol=1e-12)
    products = sum(weight * np.outer(f, f) for f, weight in pairs)
    np.testing.assert_allclose(found.products, products, rtol=1e-10, atol=1e-12)


LAYERS = [f"block{n}_conv1" for n in range(1, 6)]


def statistics(picture: Array) -> list[FeatureMoments]:
    """Moments of VGG's features of a picture, uint8 or floating point from 0 to 1."""
    vgg = load_vgg(last="block5_conv1")
    pixels = picture.astype(np.float32) / (255 if picture.dtype == np.uint8 else 1)
    network = TiledNetwork(vgg.network, vgg.theta, pixels.shape[0], pixels.shape[1])
    (measured,) = network.measure(pixels, [(layer, lambda z, where: (moments(z), None)) for layer in LAYERS])
    return measured


def distances(picture: Array, style: str, long_edge: int) -> list[float]:
    """At each layer, how far a picture is from a style of this size: the relative distance of their Gram matrices."""
    pixels = read_image(builtin_style(style))
    height, width = (round(size * long_edge / max(pixels.shape)) for size in pixels.shape[:2])
    targets, found = statistics(resize(pixels, height, width)), statistics(picture)
    return [GramLoss([(target, 1.0)]).score(own)[0] for target, own in zip(targets, found, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(("left", "right"), [("starry-night", "mosaic"), ("ink", "scream")])
def test_a_region_keeps_the_statistics_of_its_style_and_does_not_bleed(left: str, right: str) -> None:
    content = read_image(Path(__file__).parents[3] / "examples" / "images" / "chelsea.jpg")
    mask = np.zeros_like(content)
    mask[:, : content.shape[1] // 2] = 255
    paint = StyleTransfer(size=192, steps=25)
    both = paint.run(content, [f"sfumato:{left}", f"sfumato:{right}"], masks=[(mask, 1)]).picture
    margin = 8  # pixels beside the border between the regions that are left out
    halves = {left: slice(0, 96 - margin), right: slice(96 + margin, 192)}
    for own, other in ((left, right), (right, left)):
        alone = paint.run(content, f"sfumato:{own}").picture
        mine = both[:, halves[own]]
        to_own, to_other = distances(mine, own, 192), distances(mine, other, 192)
        without_the_other = distances(alone[:, halves[own]], own, 192)
        assert sum(to_own) < 1.3 * sum(without_the_other), "about as near to its style as if there were no other"
        assert sum(to_own) < 0.5 * sum(to_other), "and far from the other"


def test_colours_stay_on_their_side_of_the_border() -> None:
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 100, (64, 64, 1))
    red, blue = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    red[..., :1], blue[..., 2:] = grain + 150, grain + 150
    content = np.repeat(rng.integers(90, 160, (64, 96, 1)), 3, axis=2).astype(np.uint8)
    mask = np.zeros_like(content)
    mask[:, :48] = 255
    paint = StyleTransfer(
        size=96,
        steps=30,
        scales=1,
        style_loss="gram",
        style_weight=100,
        content_layers={"block2_conv2": 1.0},
        style_layers={"block1_conv1": 1.0, "block2_conv1": 1.0, "block3_conv1": 1.0},
    )
    picture = paint.run(content, [red, blue], masks=[(mask, 1)]).picture.astype(int)
    redness = (picture[..., 0] - picture[..., 2]).mean(axis=0)
    assert redness[:44].min() > 60
    assert redness[52:].max() < -60


def disc(height: int, width: int) -> Array:
    """White within a circle, uint8 (height, width)."""
    rows, columns = np.mgrid[0:height, 0:width]
    inside = np.hypot(rows - height / 2, columns - width / 2) < min(height, width) / 4
    return np.where(inside, 255, 0).astype(np.uint8)


PAINTED_WITH: dict[str, dict[str, Any]] = {
    "L-BFGS": {},
    "Adam": {"optimizer": "adam"},
    "gradient descent": {"optimizer": "gd", "style_loss": "gram", "tv_weight": 0.0},
    "several scales": {"scales": 3},
    "noise": {"start": "noise"},
    "gram": {"style_loss": "gram"},
    "luminance": {"colour": "luminance"},
    "histogram": {"colour": "histogram"},
    "a smaller size": {"size": 64},
    "tiles": {"memory": "tiles"},
}


@pytest.mark.parametrize("way", PAINTED_WITH)
def test_pixels_outside_every_mask_are_the_photographs(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    content, style = (rng.integers(0, 256, (72, 96, 3)).astype(np.uint8) for _ in range(2))
    mask = disc(72, 96)
    settings: dict[str, Any] = {"size": 96, "steps": 4, "scales": 1} | PAINTED_WITH[way]
    if settings.pop("memory", None):
        monkeypatch.setattr("sfumato.style.transfer.make_plan", lambda *_: Plan(64, 3))
    layers: dict[str, Any] = {"content_layers": {"block2_conv2": 1.0}, "style_layers": {"block2_conv1": 1.0}}
    picture = StyleTransfer(**settings, **layers).run(content, style, masks=[(mask, 1)]).picture
    height, width, _ = picture.shape
    photograph = to_uint8(resize(content, height, width))
    outside = resize(mask[..., np.newaxis], height, width, Image.Resampling.BILINEAR)[..., 0] == 0
    assert outside.mean() > 0.5
    np.testing.assert_array_equal(picture[outside], photograph[outside])
    middle = picture[3 * height // 7 : 4 * height // 7, 3 * width // 7 : 4 * width // 7]
    same = photograph[3 * height // 7 : 4 * height // 7, 3 * width // 7 : 4 * width // 7]
    assert np.abs(middle.astype(int) - same).mean() > 1, "and within it is painted"


@pytest.mark.parametrize("edge", [64, 512])
def test_the_painting_fades_towards_what_stays_and_nowhere_else(edge: int) -> None:
    left = np.zeros((edge, edge, 1), np.float32)
    left[:, : edge // 2] = 1.0
    black, white = np.zeros((edge, edge, 3), np.float32), np.ones((edge, edge, 3), np.float32)
    laid = laid_over(white, black, left)
    row = laid[edge // 3, :, 0]
    assert (row[edge // 2 :] == 0).all()
    assert (np.diff(row) <= 0).all()
    fading = np.count_nonzero((row > 0) & (row < 1))
    assert fading == {64: 1, 512: 4}[edge], "softly, over a few pixels"
    assert (row[: edge // 2 - fading] == 1).all(), "as far as the picture's own border"


def test_grey_shows_the_painting_in_part_and_a_thin_line_shows_it_still() -> None:
    black, white = np.zeros((64, 64, 3), np.float32), np.ones((64, 64, 3), np.float32)
    half = laid_over(white, black, np.full((64, 64, 1), 0.5, np.float32))
    np.testing.assert_allclose(half, 0.5)
    line = np.zeros((64, 64, 1), np.float32)
    line[:, 30] = 1.0
    assert laid_over(white, black, line)[:, 30].min() > 0.3


def test_masks_that_cover_everything_leave_the_painting_as_it_is() -> None:
    right = 1.0 - LEFT
    assert covered_by(make_regions(styles(1.0), [], SHAPE)) is None
    assert covered_by(make_regions(styles(0.5, 0.5), [(LEFT, 1)], SHAPE)) is None, "the other takes the rest"
    assert covered_by(make_regions(styles(0.5, 0.5), [(LEFT, 1), (right, 2)], SHAPE)) is None
    covered = covered_by(make_regions(styles(1.0), [(LEFT, 1)], SHAPE))
    assert covered is not None
    np.testing.assert_allclose(covered, LEFT[..., :1])


def test_a_resumed_run_leaves_the_same_pixels(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    content, style = (rng.integers(0, 256, (48, 64, 3)).astype(np.uint8) for _ in range(2))
    layers: dict[str, Any] = {"content_layers": {"block2_conv2": 1.0}, "style_layers": {"block2_conv1": 1.0}}
    paint, calls = StyleTransfer(size=64, steps=4, scales=2, **layers), itertools.count()
    masks = [(disc(48, 64), 1)]
    whole = paint.run(content, style, masks=masks)
    kept = tmp_path / "kept"
    begun = paint.run(content, style, masks=masks, run=RunOptions(checkpoint=kept, stop=lambda: next(calls) == 3))
    assert begun.stopped == "interrupted"
    resumed = paint.run(content, style, masks=masks, run=RunOptions(checkpoint=kept, resume=True))
    np.testing.assert_array_equal(resumed.picture, whole.picture)


@pytest.mark.parametrize("size", [(24, 32), (96, 128), (36, 48), (100, 133)], ids=str)
def test_a_mask_of_the_photographs_shape_at_another_size_is_resized(size: tuple[int, int]) -> None:
    mask = np.zeros(size, np.uint8)
    mask[:, : size[1] // 2] = 255
    (region,) = make_regions(styles(1.0), [(mask, 1)], SHAPE)
    assert region.mask is not None
    assert region.mask.shape == (48, 64, 1)
    np.testing.assert_allclose(region.mask[:, :30], 1.0, atol=1e-6)
    np.testing.assert_allclose(region.mask[:, 34:], 0.0, atol=1e-6)


@pytest.mark.parametrize("size", [(48, 62), (47, 64), (64, 48), (24, 48), (96, 126)], ids=str)
def test_a_mask_of_another_shape_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"and the content 64 x 48; a mask has the content's shape"):
        make_regions(styles(1.0), [(np.full(size, 255, np.uint8), 1)], SHAPE)


def drawing() -> Array:
    """A red disc and a blue ring on white, (120, 160, 3)."""
    y, x = np.mgrid[0:120, 0:160]
    picture = np.ones((120, 160, 3), np.float32)
    picture[np.hypot(y - 60, x - 45) < 30] = 0.8, 0.1, 0.1
    distance = np.hypot(y - 60, x - 115)
    picture[(distance < 30) & (distance > 22)] = 0.1, 0.1, 0.6
    return picture


def test_paper_is_ground_within_a_ring_too_and_a_flat_disc_is_not() -> None:
    ground = flat_ground(drawing())[..., 0]
    assert ground.shape == (120, 160)
    assert ground[5, 5] == ground[110, 80] == ground[60, 115] == 1.0, "paper, and paper within the ring"
    assert ground[60, 45] == 0.0, "the middle of the disc, which is as flat"
    assert ground[60, 115 + 26] == 0.0, "the ring"


def test_each_of_two_grounds_is_one_and_what_lies_between_their_colours_is_not() -> None:
    picture = np.ones((120, 160, 3), np.float32)
    picture[:, 80:] = 0.0
    y, x = np.mgrid[0:120, 0:160]
    picture[np.hypot(y - 60, x - 40) < 20] = 0.5
    ground = flat_ground(picture)[..., 0]
    assert ground[5, 5] == ground[5, 150] == 1.0
    assert ground[60, 40] == 0.0, "a grey disc on white"


def test_noise_is_no_ground_and_a_sky_with_a_photographs_noise_is() -> None:
    noise = np.random.default_rng(0).random((120, 160, 3), np.float32)
    assert flat_ground(noise).max() == 0.0
    sky = np.linspace(0.5, 0.8, 120, dtype=np.float32)[:, np.newaxis, np.newaxis] + 0.01 * (noise - 0.5)
    assert flat_ground(sky).min() > 0.9


def test_ground_is_left_out_of_all_regions_by_so_much() -> None:
    content, pair = drawing(), styles(0.5, 0.5)
    half = np.zeros((120, 160), bool)
    half[:, :80] = True
    whole = without_ground(make_regions(pair, [], (120, 160)), content, 0.5)
    parts = without_ground(make_regions(pair, [(half, 1)], (120, 160)), content, 1.0)
    assert whole[0].mask is not None
    np.testing.assert_allclose(whole[0].mask, 1.0 - 0.5 * flat_ground(content))
    covered = covered_by(parts)
    assert covered is not None
    np.testing.assert_allclose(covered, 1.0 - flat_ground(content), atol=1e-6)
    assert sum(region.share for region in parts) == pytest.approx(1.0)


def test_where_all_is_flat_and_quiet_there_is_nothing_to_paint() -> None:
    with pytest.raises(InputError, match="flat wherever a style would go: choose less than quiet_ground=1"):
        without_ground(make_regions(styles(1.0), [], (40, 50)), np.ones((40, 50, 3), np.float32), 1.0)


@pytest.mark.parametrize("style_loss", ["gram", "neighbours"])
def test_a_drawing_on_white_stays_on_white(style_loss: str) -> None:
    content = to_uint8(drawing())
    settings: dict[str, Any] = {"size": 160, "steps": 3, "scales": 1, "style_loss": style_loss}
    painted = StyleTransfer(**settings, quiet_ground=1.0).run(content, builtin_style("starry-night")).picture
    paper = flat_ground(drawing())[..., 0] == 1.0
    assert (painted[paper] == 255).all()
    assert (painted[60, 30:60] != content[60, 30:60]).any(), "the disc is painted"
    loud = StyleTransfer(**settings).run(content, builtin_style("starry-night")).picture
    assert (loud[paper] != 255).any()
