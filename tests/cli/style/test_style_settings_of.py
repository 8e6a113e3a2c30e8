"""`sfumato style --settings-of`: a painted file's settings and pictures, of any format, give the same picture again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato.pictures.files import read_description, read_image, write_image
from sfumato.studio.pictures import formats

Call = Callable[..., Any]

LAYERS = ["--content-layers", "block2_conv2", "--style-layers", "block1_conv1:3,block2_conv1:7"]
SHORT = ["--size", "64", "--steps", "3", "--scales", "1", "--colour", "match", "--seed", "5", *LAYERS]


def told(path: Path) -> dict[str, Any]:
    """The settings in a painted file."""
    settings: dict[str, Any] = json.loads(read_description(path) or "")
    return settings


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", formats())
def test_a_painted_file_of_any_format_gives_the_same_again(
    suffix: str, pictures: list[str], sfumato: Call, tmp_path: Path
) -> None:
    assert sfumato("style", *pictures, *SHORT, "-o", f"out{suffix}").status == 0
    settings = told(tmp_path / f"out{suffix}")
    assert settings["inputs"] == [
        {"role": role, "number": 1, "name": name, "sha256": digest(tmp_path / name)}
        for role, name in (("content", "content.png"), ("style", "style.png"))
    ]
    done = sfumato("style", "--settings-of", f"out{suffix}", "-o", f"again{suffix}")
    assert done.status == 0, done.err
    assert (tmp_path / f"again{suffix}").read_bytes() == (tmp_path / f"out{suffix}").read_bytes()


def test_styles_weights_masks_and_the_start_come_from_the_file_and_lie_beside_it(
    pictures: list[str], sfumato: Call, tmp_path: Path
) -> None:
    write_image(
        tmp_path / "sky.png",
        np.repeat(np.arange(80, dtype=np.uint8) // 40 * 255, 60).reshape(80, 60).T[..., None].repeat(3, axis=-1),
    )
    (tmp_path / "first.png").write_bytes((tmp_path / "content.png").read_bytes())
    asked = [
        "--style",
        "sfumato:mosaic:0",
        "--style",
        "style.png:2",
        "--style",
        "sfumato:ink:0.7",
        "--mask",
        "sky.png=3",
    ]
    done = sfumato("style", "content.png", *asked, "--start", "first.png", *SHORT, "-o", "out.png")
    assert done.status == 0, done.err
    assert [(own["role"], own["number"], own["name"]) for own in told(tmp_path / "out.png")["inputs"]] == [
        ("content", 1, "content.png"),
        ("style", 2, "style.png"),
        ("style", 3, "sfumato:ink"),
        ("mask", 3, "sky.png"),
        ("start", 1, "first.png"),
    ]
    (tmp_path / "away").mkdir()
    (tmp_path / "out.png").rename(tmp_path / "away" / "out.png")
    assert sfumato("style", "--settings-of", "away/out.png", "-o", "again.png").status == 0
    assert np.array_equal(read_image(tmp_path / "again.png"), read_image(tmp_path / "away" / "out.png"))


def test_what_is_given_goes_before_the_file(pictures: list[str], sfumato: Call, tmp_path: Path) -> None:
    assert sfumato("style", *pictures, *SHORT, "-o", "out.png").status == 0
    done = sfumato(
        "style",
        "--settings-of",
        "out.png",
        "style.png",
        "sfumato:ink",
        "--optimizer",
        "adam",
        "--steps",
        "2",
        "-o",
        "other.png",
    )
    assert done.status == 0, done.err
    before, after = told(tmp_path / "out.png"), told(tmp_path / "other.png")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"inputs", "pictures", "sizes", "steps", "optimizer", "learning_rate", "plan"} - (
        {"plan"} if before["plan"] == after["plan"] else set()
    )
    assert [own["name"] for own in after["inputs"]] == ["style.png", "sfumato:ink"]


def test_a_picture_that_is_not_there_any_more_is_named(pictures: list[str], sfumato: Call, tmp_path: Path) -> None:
    assert sfumato("style", *pictures, *SHORT, "-o", "out.png").status == 0
    (tmp_path / "style.png").rename(tmp_path / "moved.png")
    status, _, err = sfumato("style", "--settings-of", "out.png", "-o", "again.png")
    assert (status, err.count("\n")) == (2, 1)
    assert "the style was style.png, which lies neither here nor beside the painted file: name it" in err
    (tmp_path / "style.png").write_bytes((tmp_path / "content.png").read_bytes())  # another of that name
    assert sfumato("style", "--settings-of", "out.png", "-o", "again.png").status == 2
    assert not (tmp_path / "again.png").exists()
    assert sfumato("style", "--settings-of", "out.png", "content.png", "moved.png", "-o", "again.png").status == 0
    assert np.array_equal(read_image(tmp_path / "again.png"), read_image(tmp_path / "out.png"))


def test_a_preset_beside_it_is_refused(pictures: list[str], sfumato: Call) -> None:
    assert sfumato("style", *pictures, *SHORT, "-o", "out.png").status == 0
    status, _, err = sfumato("style", "--settings-of", "out.png", "--preset", "bold", "-o", "again.png")
    assert (status, "--settings-of and --preset contradict each other" in err) == (2, True)
