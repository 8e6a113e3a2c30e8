"""`sfumato predict MODEL picture.png`: pictures as people have them, to an image model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from sfumato import Model
from sfumato.arrays import Array
from sfumato.cli import run
from sfumato.data import load

Call = Callable[..., Any]

MOST = 12


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows MNIST's digits tolerably."""
    folder = tmp_path_factory.mktemp("digits")
    arguments = ["--limit", "6000", "--epochs", "6", "--quiet", "-o", str(folder / "run")]
    assert run(["train", "mnist", *arguments]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def answers(digits: Path) -> tuple[Array, list[str]]:
    """Some test images, and what the model says that they are."""
    test = load("mnist").test
    assert test is not None
    model = Model.load(digits / "model.safetensors")
    return test.x[:MOST, :, :, 0], [str(digit) for digit in model.predict(test.x[:MOST])]


def predicted(here: Call, digits: Path, name: str) -> str:
    status, out, _ = here("predict", str(digits), name)
    assert status == 0
    header, answer = out.splitlines()
    assert header == "digit"
    return str(answer)


def test_a_picture_of_the_models_size_is_taken_as_it_is(
    digits: Path, answers: tuple[Array, list[str]], here: Call, tmp_path: Path
) -> None:
    for pixels, answer in zip(*answers, strict=True):
        Image.fromarray(pixels).save(tmp_path / "digit.png")
        assert predicted(here, digits, "digit.png") == answer
    status, out, err = here("predict", str(digits), "digit.png", "--proba", "--json")
    values = json.loads(out)
    assert (status, err) == (0, "")
    assert values["rows"] == 1
    model = Model.load(digits / "model.safetensors")
    assert values["predictions"]["probability of 3"] == model.predict_proba(pixels[np.newaxis, :, :, np.newaxis])[:, 3]


def test_dark_ink_on_light_paper_of_any_size(
    digits: Path, answers: tuple[Array, list[str]], here: Call, tmp_path: Path
) -> None:
    right = 0
    for pixels, answer in zip(*answers, strict=True):
        large = ImageOps.invert(Image.fromarray(pixels)).resize((280, 280), Image.Resampling.BICUBIC)
        large.convert("RGB").save(tmp_path / "digit.jpg")
        right += predicted(here, digits, "digit.jpg") == answer
    assert right >= MOST - 1
    err = here("predict", str(digits), "digit.jpg").err
    assert err == "digit.jpg: 280 x 280 to 28 x 28, as a negative, because its border is light\n"


def test_proportions_are_kept(digits: Path, answers: tuple[Array, list[str]], here: Call, tmp_path: Path) -> None:
    right = 0
    for pixels, answer in zip(*answers, strict=True):
        Image.fromarray(np.pad(pixels, ((0, 0), (0, 1))).repeat(3, 0).repeat(3, 1)).save(tmp_path / "wide.png")
        right += predicted(here, digits, "wide.png") == answer
    assert right >= MOST - 1


def test_what_is_no_picture_or_for_no_picture(
    digits: Path, trained: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "no.png").write_bytes(b"a,b\n1,2\n")
    assert refused("predict", str(digits), "no.png").startswith("no.png")
    assert refused("predict", str(digits), "none.png").startswith("none.png")
    Image.new("L", (28, 28)).save(tmp_path / "grey.png")
    assert "grey.png: the model takes rows of a table, not pictures" in refused("predict", str(trained), "grey.png")
