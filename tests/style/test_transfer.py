"""Style transfer from Python: what comes out, and on what terms."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.style.small_transfers import CONTENT, STATISTICS, STYLE, picture, transfer

from sfumato import DivergenceError, InputError
from sfumato.arrays import Array
from sfumato.minimize import RunOptions
from sfumato.optimizers import OPTIMIZERS
from sfumato.style.problem import StyleProblem
from sfumato.style.pyramid import resize
from sfumato.style.result import StepRecord
from sfumato.style.settings import STYLE_LOSS_NAMES
from sfumato.style.transfer import StyleTransfer


def test_the_loss_falls_and_the_result_says_what_was_done() -> None:
    records: list[StepRecord] = []
    result = transfer().run(CONTENT, STYLE, run=RunOptions(callback=records.append))
    assert result.picture.shape == (36, 48, 3)
    assert result.picture.dtype == np.uint8
    assert result.stopped == "finished"
    assert result.steps == len(records) == len(result.history) == 8
    assert result.loss == pytest.approx(result.content_loss + result.style_loss + result.tv_loss)
    for scale in (1, 2):
        losses = [record.loss for record in records if record.scale == scale]
        assert losses[-1] < 0.9 * losses[0]
    assert result.settings["style_loss"] == "neighbours"
    assert result.settings["sizes"] == [[25, 34], [36, 48]]


def test_records_tell_place_size_and_share_of_the_work() -> None:
    records: list[tuple[int, ...]] = []
    shares: list[float] = []

    def note(record: StepRecord) -> None:
        records.append((record.scale, record.scales, record.step, record.steps, record.width, record.height))
        shares.append(record.done)
        assert record.picture.shape == (record.height, record.width, 3)
        assert record.loss == pytest.approx(record.content_loss + record.style_loss + record.tv_loss)

    transfer().run(CONTENT, STYLE, run=RunOptions(callback=note))
    assert records == [(1, 2, step, 4, 34, 25) for step in range(1, 5)] + [
        (2, 2, step, 4, 48, 36) for step in range(1, 5)
    ]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss_at_its_default_rate(optimizer: str) -> None:
    history = transfer(optimizer=optimizer, steps=12, scales=1, **STATISTICS).run(CONTENT, STYLE).history
    assert history[-1] < 0.8 * history[0]


@pytest.mark.parametrize("style_loss", STYLE_LOSS_NAMES)
@pytest.mark.parametrize("start", ["content", "noise", "colour", picture(3)], ids=["content", "noise", "colour", "own"])
def test_every_loss_works_from_every_start(style_loss: Any, start: Any) -> None:
    first: list[StepRecord] = []
    changes = {"style_weight": 1e-4} if style_loss == "gram-reference" else {}
    result = transfer(style_loss=style_loss, start=start, **changes).run(
        CONTENT, STYLE, run=RunOptions(callback=first.append)
    )
    assert result.history[3] < result.history[0]
    assert (first[0].content_loss == 0) == (isinstance(start, str) and start == "content")


def test_colour_starts_from_the_colours_of_the_style() -> None:
    seen: list[Array] = []
    reddish = picture(2, 200, 200)
    reddish[..., 1:] //= 4
    quiet = transfer(start="colour", size=200, scales=1, steps=1, optimizer="adam", learning_rate=1e-9)
    quiet.run(CONTENT, reddish, run=RunOptions(callback=lambda record: seen.append(record.picture)))
    np.testing.assert_allclose(seen[0].mean(axis=(0, 1)), reddish.mean(axis=(0, 1)), atol=12)
    assert seen[0][..., 0].std() > 2 * seen[0][..., 1].std()


def test_colour_mixes_the_styles_by_their_weights() -> None:
    seen: list[Array] = []
    red, blue = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)
    red[..., 0], blue[..., 2] = 200, 200
    quiet = transfer(start="colour", size=200, scales=1, steps=1, optimizer="adam", learning_rate=1e-9)
    quiet.run(CONTENT, [(red, 3), (blue, 1)], run=RunOptions(callback=lambda record: seen.append(record.picture)))
    mean = seen[0].mean(axis=(0, 1))
    assert mean[0] > 1.8 * mean[2]


def test_a_style_without_weight_is_not_looked_at() -> None:
    narrow = picture(4, 16, 300)
    np.testing.assert_array_equal(
        transfer().run(CONTENT, [(STYLE, 1), (narrow, 0)]).picture, transfer().run(CONTENT, STYLE).picture
    )


def test_luminance_is_painted_from_grey_and_keeps_the_colours_of_the_content() -> None:
    problem = StyleProblem(transfer(colour="luminance", start=picture(3)), CONTENT, STYLE)
    for start in (problem.first(36, 48), problem.enlarge(problem.first(18, 24), 36, 48)):
        assert np.ptp(start, axis=2).max() < 1e-5
    result = transfer(colour="luminance").run(CONTENT, STYLE)
    painted, given = (np.argsort(pixels.astype(int), axis=2, kind="stable") for pixels in (result.picture, CONTENT))
    assert (painted == given).all(axis=2).mean() > 0.9, (
        "the order of red, green and blue is the content's, but for ties"
    )


def test_colour_alone_gives_the_content_the_mean_and_covariance_of_the_style() -> None:
    random = np.random.default_rng(0)
    content = (90 + 60 * random.random((60, 80, 3))).astype(np.uint8)
    style = (100 + 40 * random.random((50, 50, 1)) + [0, 20, 40] * random.random((50, 50, 3))).astype(np.uint8)
    result = StyleTransfer(size="full", colour="only").run(content, style)
    assert (result.steps, result.stopped, result.history) == (0, "finished", ())
    painted, given = result.picture.reshape(-1, 3).astype(float), style.reshape(-1, 3).astype(float)
    np.testing.assert_allclose(painted.mean(axis=0), given.mean(axis=0), atol=0.5)
    np.testing.assert_allclose(np.cov(painted.T), np.cov(given.T), rtol=0.02, atol=2.0)


def test_colours_alone_mix_by_weight_and_keep_to_masks() -> None:
    red, blue = np.full((20, 20, 3), [200, 0, 0], np.uint8), np.full((20, 20, 3), [0, 0, 200], np.uint8)
    content = np.full((40, 60, 3), 128, np.uint8)
    left = np.repeat(np.arange(60)[np.newaxis] < 30, 40, axis=0)
    alone = StyleTransfer(size="full", colour="only")
    np.testing.assert_allclose(alone.run(content, [(red, 3), (blue, 1)]).picture[5, 5], [150, 0, 50], atol=1)
    masked = alone.run(content, [red, blue], masks=[(left, 1)]).picture
    assert (masked[20, 5].tolist(), masked[20, 55].tolist()) == ([200, 0, 0], [0, 0, 200])
    kept = alone.run(content, red, masks=[(left, 1)]).picture
    assert (kept[20, 5].tolist(), kept[20, 55].tolist()) == ([200, 0, 0], [128, 128, 128])


def test_colours_alone_leave_no_run_to_go_on_with_or_to_estimate(tmp_path: Path) -> None:
    alone = StyleTransfer(size=4096, memory=10**9, colour="only")
    assert max(alone.run(CONTENT, STYLE).picture.shape) == 4096, "with no more memory than that of pictures"
    checkpoint = tmp_path / "kept"
    checkpoint.write_bytes(b"of another run")
    with pytest.raises(InputError, match="colour='only' paints nothing: there is nothing to go on with"):
        alone.run(CONTENT, STYLE, run=RunOptions(checkpoint=checkpoint, resume=True))
    assert checkpoint.read_bytes() == b"of another run"
    with pytest.raises(InputError, match="colour='only' paints nothing, and takes a moment"):
        alone.estimate(CONTENT, STYLE)


def test_a_long_thin_picture_finds_its_neighbours() -> None:
    settings = StyleTransfer(size=1024, scales=1, steps=1)
    assert settings.run(picture(1, 24, 1024), picture(2, 256, 256)).picture.shape == (24, 1024, 3)


def test_the_content_counts_where_its_mask_is_white() -> None:
    half = np.repeat(np.arange(48)[np.newaxis] < 24, 36, axis=0)
    start, settings = picture(3), {"style_weight": 0.0, "tv_weight": 0.0, "scales": 1, "size": "full", "steps": 30}
    masked = transfer(start=start, content_mask=half, **settings).run(CONTENT, STYLE).picture.astype(int)
    np.testing.assert_array_equal(masked[:, 36:], start[:, 36:], "black: nothing pulls")
    left = CONTENT[:, :12].astype(int)
    assert np.abs(masked[:, :12] - left).mean() < 0.5 * np.abs(start[:, :12] - left).mean()
    white = transfer(start=start, content_mask=np.ones_like(half), **settings).run(CONTENT, STYLE)
    without = transfer(start=start, **settings).run(CONTENT, STYLE)
    np.testing.assert_array_equal(white.picture, without.picture)
    assert (white.settings["content_mask"], without.settings["content_mask"]) == ("a picture", None)


def test_the_seed_matters_for_noise_and_the_same_seed_gives_the_same_bytes() -> None:
    pictures = [transfer(start="noise", seed=seed).run(CONTENT, STYLE).picture for seed in (0, 0, 1)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).any()


def test_files_and_arrays_are_the_same_pictures(tmp_path: Path) -> None:
    Image.fromarray(CONTENT).save(tmp_path / "content.png")
    Image.fromarray(STYLE).save(tmp_path / "style.png")
    from_files = transfer().run(str(tmp_path / "content.png"), tmp_path / "style.png").picture
    np.testing.assert_array_equal(from_files, transfer().run(CONTENT, STYLE).picture)
    # Bytes are resized before they are divided by 255: the last digit of a pixel may fall on the other side of a half
    in_floats = transfer().run(CONTENT / np.float32(255), [STYLE]).picture
    assert np.abs(in_floats.astype(int) - from_files).max() <= 1


def test_styles_count_by_their_weights() -> None:
    other = picture(7, 40, 40)
    alone = transfer().run(CONTENT, STYLE).picture
    np.testing.assert_array_equal(transfer().run(CONTENT, [(STYLE, 2.5), (other, 0.0)]).picture, alone)
    np.testing.assert_array_equal(
        transfer().run(CONTENT, [(STYLE, 1), (other, 3)]).picture,
        transfer().run(CONTENT, [(STYLE, 10), (other, 30)]).picture,
    )
    assert (transfer().run(CONTENT, [(STYLE, 1), (other, 3)]).picture != alone).any()


def test_weights_of_layers_are_relative() -> None:
    layers = {"block1_conv1": 1.0, "block2_conv1": 3.0}
    tenfold = {name: 10 * weight for name, weight in layers.items()}
    np.testing.assert_array_equal(
        transfer(style_layers=layers).run(CONTENT, STYLE).picture,
        transfer(style_layers=tenfold).run(CONTENT, STYLE).picture,
    )


def test_without_style_the_content_comes_back() -> None:
    result = transfer(style_weight=0, tv_weight=0).run(CONTENT, STYLE)
    np.testing.assert_allclose(result.picture, CONTENT, atol=1)
    assert result.loss < 1e-10


def test_a_scale_ends_when_the_loss_no_longer_falls() -> None:
    result = transfer(style_weight=0, steps=500).run(CONTENT, STYLE)
    assert result.steps < 100


def test_full_keeps_the_size_of_the_content() -> None:
    assert transfer(size="full", scales=1, steps=1).run(picture(1, 36, 60), STYLE).picture.shape == (36, 60, 3)


def test_detail_that_coarse_scales_cannot_show_comes_back_with_the_fine_one() -> None:
    content = np.full((64, 96, 3), 128, np.uint8)
    content[:, 48] = 255  # a line one pixel wide
    still: Any = {"steps": 1, "learning_rate": 1e-6, "optimizer": "adam"}
    result = transfer(size=96, scales=4, **still, **STATISTICS).run(content, STYLE)
    np.testing.assert_allclose(result.picture, content, atol=3)


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    numbers: Any = {
        "size": np.int64(48),
        "seed": np.int64(0),
        "style_weight": np.float32(10),
        "tv_weight": np.float32(10),
    }
    result = transfer(**numbers).run(CONTENT, STYLE, run=RunOptions(checkpoint=tmp_path / "kept"))
    np.testing.assert_array_equal(result.picture, transfer(style_weight=10.0).run(CONTENT, STYLE).picture)


def test_where_no_step_lowers_the_loss_that_is_said_and_no_picture_passed_off() -> None:
    with pytest.raises(InputError, match=r"no step lowers the loss, which is .* at the start"):
        transfer(style_weight=1e30, learning_rate=1e30).run(CONTENT, STYLE)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("style_loss", ["gram", "wasserstein", "neighbours"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_picture_in_its_own_style_stays_what_it_is(optimizer: str, style_loss: Any, normalize: bool) -> None:
    how: Any = {"scales": 1, "optimizer": optimizer, "style_loss": style_loss, "normalize_gradients": normalize}
    settings = transfer(tv_weight=0.0, **how)
    result = settings.run(CONTENT, CONTENT)
    assert result.loss >= 0
    # optimizers that divide by the gradient's size move by their rate even where it is rounding alone
    np.testing.assert_allclose(result.picture, CONTENT, atol=12)


def test_an_overflowing_wasserstein_is_a_divergence_in_words() -> None:
    with pytest.raises(DivergenceError, match="the picture diverged"):
        transfer(style_loss="wasserstein", optimizer="adam", learning_rate=1e30).run(CONTENT, STYLE)


def test_pictures_given_are_left_as_they_were() -> None:
    content, style, start = CONTENT / np.float32(255), STYLE / np.float32(255), picture(3) / np.float32(255)
    before = [array.copy() for array in (content, style, start)]
    transfer(start=start).run(content, style)
    for array, copy in zip((content, style, start), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 8}, "the size must be a whole number of at least 16, not 8"),
        ({"size": 100.5}, "the size must be a whole number"),
        ({"steps": 0}, "the number of steps must be a whole number of at least 1, not 0"),
        ({"scales": 0}, "the number of scales must be"),
        (
            {"style_loss": "gramm"},
            "no style loss is called 'gramm': use one of neighbours, gram, gram-reference, wasserstein",
        ),
        ({"content_weight": -1}, "the weight of content must be a number of 0 or more, not -1"),
        ({"tv_weight": float("nan")}, "the weight of tv must be"),
        ({"content_weight": 0, "style_weight": 0}, "content and style have no weight"),
        ({"style_scale": 0}, "the style scale must be a positive number, not 0"),
        ({"style_scale": 1e300}, "the style scale must be at most 4096"),
        ({"content_mask": np.ones((20, 60))}, "a mask: is 60 x 20 pixels, and the content 48 x 36; a mask has"),
        ({"content_mask": np.zeros((36, 48))}, "a mask: is black everywhere: paint white where content counts"),
        ({"quiet_ground": 1.5}, "the quiet ground must be a number from 0 to 1, not 1.5"),
        ({"quiet_ground": "all"}, "the quiet ground must be a number from 0 to 1, not all"),
        ({"learning_rate": -1}, "the learning rate must be a positive number, not -1"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"network": "vgg11"}, "no network is called 'vgg11'"),
        ({"pooling": "min"}, "no pooling is called 'min'"),
        ({"optimizer": "sgd"}, "no optimizer is called 'sgd'"),
        ({"content_layers": {"conv9_9": 1.0}}, "has no layer 'conv9_9'"),
        ({"style_layers": {"block1_conv1": -1.0}}, "the weight of block1_conv1 must be"),
        ({"style_layers": {}}, "the weights of the style layers add up to 0"),
        ({"style_layers": {"conv1_1": 1e308, "conv2_1": 1e308}}, "the weights of the style layers add up to inf"),
        ({"style_layers": ["conv1_1"]}, "style layers are given with their weights"),
        ({"style_weight": "much"}, "the weight of style must be a number of 0 or more, not much"),
        ({"style_layers": {4: 1.0}}, "style layers are given with their weights"),
        ({"seed": 1.5}, "the seed must be a whole number"),
        ({"style_layers": {"conv1_1": 1.0, "relu1_1": 1.0}}, "a style layer is named twice: conv1_1, relu1_1"),
        ({"scales": 30}, "30 scales are too many"),
        (
            {"size": 60000},
            r"the content: at 60000 x 45000 pixels it takes at least [\d,]+ GB of memory, and [\d.]+ GB are",
        ),
        (
            {"style_scale": 1000},
            r"the content: at 48 x 36 pixels it takes at least [\d,.]+ GB of memory, .* or style scale",
        ),
        (
            {"style_scale": 4000},
            r"a style: would be \d+ pixels long, and 65536 is the most; choose a smaller style_scale=",
        ),
        ({"size": 10**14}, "the size must be at most 65536"),
        ({"steps": 10**400}, "the number of steps must be at most 1000000"),
        ({"scales": 10**400}, "the number of scales must be at most 1000000"),
        ({"memory": 5}, "1 MB of memory are allowed, and the program with its network .* takes .* MB; allow more"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        transfer(**changes).run(CONTENT, STYLE)


@pytest.mark.parametrize(
    ("content", "styles", "message"),
    [
        (CONTENT[:, :3], STYLE, "is 3 x 36 pixels; a picture needs at least 16 each way"),
        (CONTENT[..., :2], STYLE, r"a picture is an array \(height, width, 3\) of RGB, not uint8 of \(36, 48, 2\)"),
        (CONTENT.astype(np.float32), STYLE, "from 0 to 1"),
        (np.full((20, 20, 3), np.nan), STYLE, "from 0 to 1"),
        (CONTENT.astype(np.int64), STYLE, "not int64"),
        (CONTENT, [], "the weights of the styles add up to 0"),
        (CONTENT, [(STYLE, 0.0)], "the weights of the styles add up to 0"),
        (CONTENT, [(STYLE, 1e308), (STYLE, 1e308)], "the weights of the styles add up to inf"),
        (CONTENT, [(STYLE, 1, 2)], "a style is a picture, or a picture and its weight"),
        (CONTENT, None, "a style is a picture, or a picture and its weight"),
        (CONTENT, {1: 1.0}, "a style is a picture, or a picture and its weight"),
        (CONTENT[:0], STYLE, "is 48 x 0 pixels"),
        (CONTENT, [(STYLE, -1.0)], "the weight of a style must be"),
    ],
)
def test_pictures_that_cannot_be_are_refused_in_words(content: Any, styles: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        transfer().run(content, styles)


def test_enlarging_a_picture_keeps_its_mean() -> None:
    smooth = resize(picture(1).astype(np.float32), 72, 96)
    assert smooth.mean() == pytest.approx(picture(1).mean(), rel=0.01)
