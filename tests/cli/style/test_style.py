"""`sfumato style`: a picture in the style of others, at sizes that take a moment."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sfumato.arrays import Array
from sfumato.minimize import SparingSaver
from sfumato.pictures.files import read_image, write_image
from sfumato.style.transfer import StyleTransfer

Call = Callable[..., Any]

LAYERS = ["--content-layers", "block2_conv2", "--style-layers", "block1_conv1,block2_conv1"]
TINY = ["--size", "64", "--steps", "4", "--scales", "1", "--optimizer", "adam", *LAYERS]


def test_the_short_form_paints_a_picture(pictures: list[str], sfumato: Call, tmp_path: Path) -> None:
    status, out, err = sfumato("style", *pictures, *TINY, "-o", "out.png")
    assert status == 0
    assert out.startswith("64 x 48 pixels, 4 steps in ")
    assert out.splitlines()[1].startswith("loss ")
    assert out.splitlines()[-1] == "written to out.png"
    assert [line.split(":")[0] for line in err.splitlines()] == [f"scale 1/1, step {n}/4" for n in (1, 2, 3, 4)]
    assert "left)" in err
    assert read_image(tmp_path / "out.png").shape == (48, 64, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["content.png", "out.png", "style.png"]


def test_json_is_one_object_with_everything_about_the_run(pictures: list[str], sfumato: Call, tmp_path: Path) -> None:
    status, out, _ = sfumato("style", *pictures, *TINY, "-o", "out.png", "--json")
    values = json.loads(out)
    assert status == 0
    assert values.keys() == {
        "loss",
        "content_loss",
        "style_loss",
        "tv_loss",
        "steps",
        "seconds",
        "width",
        "height",
        "peak_memory_bytes",
        "stopped",
        "warnings",
        "settings",
        "out",
    }
    assert (values["width"], values["height"], values["steps"]) == (64, 48, 4)
    assert (values["stopped"], values["out"]) == ("finished", "out.png")
    assert values["loss"] == pytest.approx(values["content_loss"] + values["style_loss"] + values["tv_loss"])
    assert 50e6 < values["peak_memory_bytes"] < 1e10  # of this process, with all tests that it has run
    assert values["settings"]["style_layers"] == {"block1_conv1": 0.5, "block2_conv1": 0.5}
    with Image.open(tmp_path / "out.png") as picture:
        assert json.loads(picture.info["Description"]) == values["settings"], "the picture tells how it was made"


def test_more_steps_lower_the_loss(pictures: list[str], here: Call) -> None:
    losses = [json.loads(here("style", *pictures, *TINY, "--steps", n, "--json").out)["loss"] for n in ("1", "5", "20")]
    assert losses[0] > losses[1] > losses[2]


def test_the_same_command_gives_the_same_bytes_on_any_threads(
    pictures: list[str], sfumato: Call, here: Call, tmp_path: Path
) -> None:
    made = set()
    for number, (call, threads) in enumerate(((sfumato, "1"), (here, "1"), (here, "2"))):
        out = f"{number}.png"
        options = ["--start", "noise", "--scales", "2", "--threads", threads, "-o", out]
        assert call("style", *pictures, *TINY, *options).status == 0
        made.add((tmp_path / out).read_bytes())
    assert len(made) == 1


def test_python_paints_the_same(pictures: list[str], here: Call, tmp_path: Path) -> None:
    assert here("style", *pictures, "--size", "64", "--steps", "3", "-o", "out.png").status == 0
    content, style = (tmp_path / name for name in pictures)
    result = StyleTransfer(size=64, steps=3).run(content, style)
    np.testing.assert_array_equal(read_image(tmp_path / "out.png"), result.picture)


@pytest.mark.parametrize("name", ["out.jpg", "out.webp", "OUT.TIFF"])
def test_the_suffix_names_the_format(name: str, pictures: list[str], here: Call, tmp_path: Path) -> None:
    assert here("style", *pictures, *TINY, "-o", name).status == 0
    with Image.open(tmp_path / name) as picture:
        assert picture.format == {"out.jpg": "JPEG", "out.webp": "WEBP", "OUT.TIFF": "TIFF"}[name]
        assert picture.size == (64, 48)


@pytest.fixture
def paint(pictures: list[str], here: Call, tmp_path: Path) -> Callable[..., Array]:
    """The picture that the command paints with these options."""

    def call(*options: str, styles: tuple[str, ...] = (pictures[1],)) -> Array:
        assert here("style", pictures[0], *styles, *TINY, *options, "-o", "out.png", "--overwrite").status == 0
        return read_image(tmp_path / "out.png")

    return call


def test_full_keeps_the_size_of_the_content(paint: Callable[..., Array]) -> None:
    assert paint("--size", "full").shape == (60, 80, 3)


def test_every_option_changes_the_picture(paint: Callable[..., Array]) -> None:
    options = """--start noise
        --start noise --seed 1
        --start colour
        --start style.png
        --style-scale 0.5
        --content-weight 30
        --content-mask content.png
        --style-weight 1
        --tv-weight 1
        --content-layers block1_conv2
        --content-layers block1_conv2:1,block2_conv2:3
        --style-layers relu1_1
        --style-loss gram-reference
        --style-loss wasserstein
        --style-loss gram
        --turned
        --normalize-gradients
        --pooling average
        --optimizer lbfgs
        --optimizer adam --learning-rate 0.1
        --steps 5
        --colour luminance
        --colour match
        --colour match-cholesky
        --colour histogram
        --colour only
        --quiet-ground 0.5
        --quiet-ground 1
        --scales 2"""
    made = {"": paint().tobytes()}
    for line in options.splitlines():
        picture = paint(*line.split()).tobytes()
        same = [other for other, bytes_ in made.items() if bytes_ == picture]
        assert not same, line
        made[line] = picture


def test_several_styles_weigh_what_is_said(paint: Callable[..., Array], tmp_path: Path) -> None:
    (tmp_path / "plain.png").write_bytes((tmp_path / "content.png").read_bytes())

    def mixed(*styles: str) -> bytes:
        return paint(*(word for style in styles for word in ("--style", style)), styles=()).tobytes()

    assert mixed("style.png") == paint().tobytes()
    assert mixed("style.png", "plain.png") == mixed("style.png:2", "plain.png:2")
    assert mixed("style.png", "plain.png") != mixed("style.png:2", "plain.png:1")
    assert mixed("style.png", "plain.png:0") == paint().tobytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no colons in names")
def test_a_style_whose_name_ends_like_a_weight(paint: Callable[..., Array], tmp_path: Path) -> None:
    (tmp_path / "style:2").write_bytes((tmp_path / "style.png").read_bytes())
    named = paint("--style", "style:2", "--style", "content.png:2", styles=())
    np.testing.assert_array_equal(named, paint("--style", "style.png:1", "--style", "content.png:2", styles=()))


def test_without_out_nothing_is_written(pictures: list[str], here: Call, tmp_path: Path) -> None:
    status, out, err = here("style", *pictures, *TINY)
    assert status == 0
    assert err.startswith("nothing is kept of this run: add --out FILE to keep the picture and its progress\n")
    assert "written" not in out
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(pictures)


def test_the_picture_so_far_is_written_as_often_as_asked(
    pictures: list[str], here: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def watched(path: Path, pixels: Array, **more: Any) -> None:
        sizes.append(pixels.shape[:2])
        write_image(path, pixels, **more)

    for module in ("stylize", "result"):
        monkeypatch.setattr(f"sfumato.style.{module}.write_image", watched)
    monkeypatch.setattr("sfumato.minimize.SparingSaver.save_sometimes", SparingSaver.save_now)
    options = ["--scales", "2", "--steps", "3", "--save-every", "2", "-o", "out.png"]
    assert here("style", *pictures, *TINY, *options).status == 0
    assert sizes == [(34, 45), (48, 64), (48, 64), (48, 64)], "after steps 2, 4 and 6 of all, and at the end"


def test_quiet_and_verbose(pictures: list[str], here: Call) -> None:
    assert here("style", *pictures, *TINY, "--quiet").err == ""
    steps = ["--steps", "30", "--style-weight", "1e5"]
    lines = here("style", *pictures, *TINY, *steps).err.splitlines()[1:]
    assert 5 <= len(lines) <= 11
    verbose = here("style", *pictures, *TINY, *steps, "--verbose").err.splitlines()[1:]
    assert len(verbose) > 2 * len(lines)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals for tests to look at")
def test_on_a_terminal_a_bar_shows_how_far_it_is(program: list[str], pictures: list[str], tmp_path: Path) -> None:
    terminal, end = os.openpty()
    command = [*program, "style", *pictures, *TINY, "--steps", "40", "--json"]
    environment = os.environ | {"TERM": "xterm"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=end) as process:
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # what Linux says at the end of a terminal
            while part := os.read(terminal, 4096):
                shown += part
        os.close(terminal)
    assert process.returncode == 0
    for said in (b"scale 1/1, step ", b"/40, about ", b" s left: loss "):
        assert said in shown


def test_the_help_shows_the_defaults_of_python(sfumato: Call) -> None:
    shown = " ".join(sfumato("style", "--help", COLUMNS="200", NO_COLOR="1").out.replace("│", " ").split())
    default = StyleTransfer()
    for name in ("size", "start", "style_scale", "content_weight", "style_weight", "tv_weight", "style_loss"):
        assert f"[default: {getattr(default, name)}]" in shown
    for name in ("pooling", "network", "vgg_weights", "optimizer", "steps", "seed"):
        assert f"[default: {getattr(default, name)}]" in shown
    for layers in (default.content_layers, default.style_layers):
        assert f"[default: {', '.join(layers)}]" in shown


def test_a_run_that_ends_worse_than_it_began_says_so_with_what_to_try(pictures: list[str], here: Call) -> None:
    wild = ["--optimizer", "adam", "--learning-rate", "10", "--quiet", "--json"]
    status, out, err = here("style", *pictures, *TINY, *wild)
    said = json.loads(out)["warnings"]
    assert status == 0
    assert err.splitlines() == [f"sfumato: {text}" for text in said]
    assert len(said) == 1
    assert said[0].endswith("try a learning rate ten times smaller (--learning-rate 1), or --optimizer lbfgs")
    assert json.loads(here("style", *pictures, *TINY, "--json").out)["warnings"] == []
    sheet = here("style", "content.png", "--style", "style.png", *TINY, *wild, "--grid", "-o", "sheet.png")
    told = json.loads(sheet.out)["warnings"]
    assert sheet.err.splitlines() == [f"sfumato: {text}" for text in told]
    assert [text.partition(" (")[0] for text in told] == ["style at 2", "style at 10", "style at 50"]
