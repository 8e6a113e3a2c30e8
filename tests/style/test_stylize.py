"""The front door of style transfer: the same pixels and files as the command, whatever is handed in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sfumato import FileError, InputError
from sfumato.arrays import Array
from sfumato.cli import run
from sfumato.errors import NoProgressWarning
from sfumato.losses import GramLoss
from sfumato.optimizers import Clipped, GradientDescent, Momentum
from sfumato.pictures.files import open_image, read_description, read_image, write_image
from sfumato.style.inputs import read_photo
from sfumato.style.result import StepRecord
from sfumato.style.stylize import checkpoint_of, stylize

LAYERS: dict[str, Any] = {"content_layers": {"block2_conv2": 1.0}, "style_layers": {"block1_conv1": 1.0}}
TINY: dict[str, Any] = {"size": 48, "steps": 2, "scales": 1, **LAYERS}
OPTIONS = ["--size", "48", "--steps", "2", "--scales", "1", "--quiet"]
OPTIONS += ["--content-layers", "block2_conv2", "--style-layers", "block1_conv1"]


@pytest.fixture
def painted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to work in, with a content, two styles and a mask."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, shape in {"content": (10, 12), "one": (9, 9), "two": (12, 8)}.items():
        write_image(f"{name}.png", rng.integers(0, 256, (*shape, 3), np.uint8).repeat(4, 0).repeat(4, 1))
    mask = np.zeros((40, 48, 3), np.uint8)
    mask[:, :24] = 255
    write_image("mask.png", mask)
    return tmp_path


@pytest.mark.parametrize(
    ("style", "settings", "command"),
    [
        ("one.png", {}, "one.png"),
        ({"one.png": 2.0, "two.png": 1.0}, {}, "--style one.png:2 --style two.png:1"),
        (["one.png", "two.png"], {"masks": [("mask.png", 1)]}, "--style one.png --style two.png --mask mask.png=1"),
        ("one.png", {"preset": "soft", "style_weight": 3}, "one.png --preset soft --style-weight 3"),
        ("one.png", {"start": "noise", "seed": 3}, "one.png --start noise --seed 3"),
    ],
)
def test_the_command_and_the_call_write_the_same_bytes(
    style: Any, settings: dict[str, Any], command: str, painted: Path
) -> None:
    assert run(["style", "content.png", *command.split(), *OPTIONS, "-o", "command.png"]) == 0
    result = stylize("content.png", style, out="call.png", **TINY, **settings)
    assert (painted / "call.png").read_bytes() == (painted / "command.png").read_bytes()
    result.save("saved.png")
    assert (painted / "saved.png").read_bytes() == (painted / "command.png").read_bytes()
    np.testing.assert_array_equal(result.picture, read_image("command.png"))
    assert not checkpoint_of(painted / "call.png").exists()


def test_files_arrays_and_pictures_of_pillows_give_the_same_pixels(painted: Path) -> None:
    expected = stylize("content.png", ["one.png", "two.png"], masks=[("mask.png", 1)], **TINY).picture
    openers: list[Callable[[str], Any]] = [Path, read_image, Image.open]
    for as_given in openers:
        content, one, two, mask = (as_given(f"{name}.png") for name in ("content", "one", "two", "mask"))
        found = stylize(content, [(one, 1.0), (two, 1.0)], masks=[(mask, 1)], **TINY).picture
        np.testing.assert_array_equal(found, expected)


def test_arrays_of_grey_of_opacity_and_of_truth_are_pictures(painted: Path) -> None:
    grey = read_image("content.png")[..., 0]
    rgb = np.dstack([grey] * 3)
    opaque = np.dstack([rgb, np.full(grey.shape, 255, np.uint8)])
    half = np.arange(48) < np.full((40, 1), 24)
    mask = np.dstack([half] * 3).astype(np.uint8) * 255
    expected = stylize(rgb, ["one.png", "two.png"], masks=[(mask, 1)], **TINY).picture
    for content, region in ((grey, half), (grey[..., None], half.astype(float)), (opaque, half)):
        found = stylize(content, ["one.png", "two.png"], masks=[(region, 1)], **TINY).picture
        np.testing.assert_array_equal(found, expected)
    see_through = np.dstack([read_image("content.png"), half.astype(np.uint8) * 255])
    bytes_, floats = (read_photo(array) for array in (see_through, see_through / 255))
    assert np.abs(bytes_.pixels - 255 * floats.pixels).max() < 0.01
    np.testing.assert_array_equal(bytes_.alpha, floats.alpha)


def test_an_optimizer_and_a_style_loss_are_names_or_objects(painted: Path) -> None:
    class OwnLoss(GramLoss):
        pass

    how: Any = {"out": "named.png", "memory": "1GB", "style_loss": "gram", **TINY}
    named = stylize("content.png", "one.png", optimizer="momentum", **how)
    objects: Any = {"optimizer": Momentum(), "style_loss": OwnLoss}
    own = stylize("content.png", "one.png", **{**how, **objects, "out": "own.png", "memory": 10**9})
    np.testing.assert_array_equal(own.picture, named.picture)
    assert "Momentum" in str(read_description("own.png"))
    by_class = stylize("content.png", "one.png", optimizer=Momentum, **TINY)
    np.testing.assert_array_equal(
        by_class.picture, stylize("content.png", "one.png", optimizer=Momentum(), **TINY).picture
    )
    clipped = stylize("content.png", "one.png", optimizer=Clipped(Momentum(), norm=1e-3), learning_rate=0.1, **TINY)
    assert np.abs(clipped.picture.astype(int) - stylize("content.png", "one.png", **TINY).picture).max() > 0


def test_a_picture_goes_on_with_an_optimizer_of_one_s_own(painted: Path) -> None:
    class Own(GradientDescent):
        __repr__ = object.__repr__  # with a memory address, as that of any plain class

    stylize("content.png", "one.png", out="out.png", optimizer=Own(), callback=lambda record: True, **TINY)
    resumed = stylize("content.png", "one.png", out="out.png", optimizer=Own(), resume=True, **TINY)
    np.testing.assert_array_equal(resumed.picture, stylize("content.png", "one.png", optimizer=Own(), **TINY).picture)
    assert " at 0x" not in str(read_description("out.png"))


def test_a_saved_picture_keeps_settings_metadata_and_transparency(painted: Path) -> None:
    pixels = np.dstack([read_image("content.png"), np.full((40, 48), 128, np.uint8)])
    exif = Image.Exif()
    exif[0x013B] = "Ada"
    Image.fromarray(pixels).save("content.webp", exif=exif, lossless=True)
    result = stylize("content.webp", "one.png", **TINY)
    result.save("out.png")
    assert json.loads(read_description("out.png") or "") == json.loads(json.dumps(result.settings))
    photo = open_image("out.png")
    assert photo.alpha is not None and (photo.alpha == 128).all()
    assert b"Ada" in (photo.metadata.exif or b"")


def test_a_result_replaces_nothing_unasked_and_never_an_input(painted: Path) -> None:
    before = (painted / "content.png").read_bytes()
    result = stylize("content.png", "one.png", **TINY)
    result.save("out.jpg", quality=50)
    with pytest.raises(InputError, match=r"out\.jpg: exists already; add overwrite=True"):
        result.save("out.jpg")
    result.save("out.jpg", overwrite=True)
    for name in ("content.png", "one.png"):
        with pytest.raises(InputError, match=f"{name}: is one of the pictures to read"):
            result.save(name, overwrite=True)
    with pytest.raises(InputError, match=r"out\.xyz: pictures are written as"):
        result.save("out.xyz")
    assert (painted / "content.png").read_bytes() == before


def test_a_callback_that_returns_true_ends_the_run_which_goes_on_to_the_same_bytes(painted: Path) -> None:
    stylize("content.png", "one.png", out="whole.png", **TINY)
    seen: list[StepRecord] = []

    def once(record: StepRecord) -> bool:
        seen.append(record)
        return True

    result = stylize("content.png", "one.png", out="out.png", callback=once, **TINY)
    assert (result.stopped, result.steps, len(seen)) == ("interrupted", 1, 1)
    with pytest.raises(InputError, match="exists already; add overwrite=True"):
        stylize("content.png", "one.png", out="out.png", **TINY)
    assert stylize("content.png", "one.png", out="out.png", resume=True, **TINY).stopped == "finished"
    assert (painted / "out.png").read_bytes() == (painted / "whole.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("none.png", "one.png"), {}, "none.png: cannot be read"),
        (("content.png", None), {}, "a style is a picture, or a picture and its weight"),
        (("content.png", {"one.png": -1}), {}, "the weight of one.png must be"),
        ((np.zeros((40, 48, 2), np.uint8), "one.png"), {}, "a picture is an array"),
        ((np.zeros((0, 0, 4), np.uint8), "one.png"), {}, "a picture needs at least 16 each way"),
        ((np.zeros((0, 0, 3)), "one.png"), {}, "a picture needs at least 16 each way"),
        ((np.full((40, 48, 4), 2.0), "one.png"), {}, "uint8, or floating point from 0 to 1"),
        (("content.png", "one.png"), {"memory": "2 gigs"}, "memory=... takes a number of bytes such as 2GB"),
        (("content.png", "one.png"), {"optimizer": 3}, "an optimizer is a name"),
        (("content.png", "one.png"), {"style_loss": dict}, "no style loss is called"),
        (("content.png", "one.png"), {"callback": 3}, "callback=... takes a function"),
        (("content.png", "one.png"), {"overwrite": True}, "overwrite=True needs out="),
        (("content.png", "one.png"), {"size": "512"}, "the size must be a whole number"),
        (("content.png", "one.png"), {"preset": "sotf"}, "did you mean soft"),
        (("content.png", "one.png"), {"masks": ["mask.png"]}, "masks are pairs"),
        (("content.png", "one.png"), {"resume": True}, "resume=True needs out="),
        (("content.png", "one.png"), {"out": "o.png", "resume": True}, "the picture was not begun"),
        (("content.png", "one.png"), {"out": "o.png", "resume": True, "overwrite": True}, "contradict each other"),
        (("content.png", "one.png"), {"out": "one.png", "overwrite": True}, "one of the pictures to read"),
        (("content.png", "one.png"), {"engine": "jax"}, "no backend is called 'jax'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: tuple[Any, Any], settings: dict[str, Any], said: str, painted: Path
) -> None:
    before = sorted(path.name for path in painted.iterdir())
    with pytest.raises((InputError, FileError)) as caught:
        stylize(*arguments, **settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in painted.iterdir()) == before


def test_a_setting_that_there_is_not_names_the_nearest(painted: Path) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'szie'; did you mean 'size'"):
        stylize("content.png", "one.png", szie=48)


def test_a_result_shows_itself_in_a_line_and_as_a_picture(painted: Path) -> None:
    content: Array = read_image("content.png")
    result = stylize(content, "sfumato:ink", **{**TINY, "steps": 1})
    assert repr(result).startswith("StyleResult(48 x 40 pixels, loss ")
    assert len(repr(result)) < 100
    assert result._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("scales", [1, 3])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_a_picture_that_ends_worse_than_it_began_is_returned_with_a_warning(
    optimizer: str, scales: int, painted: Path
) -> None:
    wild: dict[str, Any] = {**TINY, "scales": scales, "optimizer": optimizer, "learning_rate": 10.0}
    with pytest.warns(NoProgressWarning, match=r"and began with .* ten times smaller \(learning_rate=1\)") as warned:
        result = stylize("content.png", "one.png", **wild)
    assert result.warnings == tuple(str(one.message) for one in warned)
    assert result.stopped == "finished"


@pytest.mark.parametrize("scales", [1, 3])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "gd"])
@pytest.mark.parametrize("start", ["content", "noise"])
def test_a_picture_that_ends_better_than_it_began_is_returned_without(
    start: str, optimizer: str, scales: int, painted: Path
) -> None:
    settings: dict[str, Any] = {**TINY, "steps": 5, "scales": scales, "optimizer": optimizer, "start": start}
    assert stylize("content.png", "one.png", **settings).warnings == ()


def test_a_start_that_nothing_is_wrong_with_is_no_failure(painted: Path) -> None:
    assert stylize("content.png", "one.png", style_weight=0, optimizer="adam", **TINY).warnings == ()
