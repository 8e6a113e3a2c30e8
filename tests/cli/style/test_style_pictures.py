"""Pictures as they come, through the program: metadata and transparency stay, links lead on, masks part the picture."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from sfumato.arrays import Array
from sfumato.pictures.files import read_image

Call = Callable[..., Any]
Refused = Callable[..., str]

LAYERS = ["--content-layers", "block2_conv2", "--style-layers", "block1_conv1,block2_conv1"]
TINY = ["--size", "64", "--steps", "4", "--scales", "1", *LAYERS, "--quiet"]


def test_metadata_and_transparency_of_the_content_are_the_results(
    pictures: list[str], here: Call, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Someone"
    with Image.open(tmp_path / "content.png") as picture:
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        picture.save(tmp_path / "photo.png", exif=exif)
    assert here("style", "photo.png", "style.png", *TINY, "-o", "out.webp").status == 0
    with Image.open(tmp_path / "out.webp") as picture:
        assert picture.getexif()[ExifTags.Base.Artist] == "Someone"
        alpha = np.asarray(picture.getchannel("A")).astype(int)
    assert (alpha[0] < 8).all() and (alpha[-1] > 247).all()


def test_quality_is_that_of_the_file(pictures: list[str], here: Call, tmp_path: Path) -> None:
    sizes = []
    for quality in ("20", "95", ""):
        options = ["--quality", quality] if quality else []
        assert here("style", *pictures, *TINY, *options, "-o", "out.jpg", "--overwrite").status == 0
        sizes.append((tmp_path / "out.jpg").stat().st_size)
    assert sizes[0] < sizes[1] == sizes[2]


def test_the_first_frame_is_taken_by_request(pictures: list[str], here: Call, tmp_path: Path) -> None:
    frames = [Image.fromarray(read_image(tmp_path / name)).resize((40, 40)) for name in pictures]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "still.gif")
    for content in ("moving", "still"):
        done = here("style", f"{content}.gif", "moving.gif", *TINY, "--first-frame", "-o", f"{content}.png")
        assert done.status == 0, done.err
    np.testing.assert_array_equal(read_image(tmp_path / "moving.png"), read_image(tmp_path / "still.png"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no links for everyone")
def test_a_link_stays_one_and_what_it_leads_to_is_written(pictures: list[str], here: Call, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "elsewhere" / "out.png")
    assert here("style", *pictures, *TINY, "-o", "link.png").status == 0
    assert (tmp_path / "link.png").is_symlink()
    assert read_image(tmp_path / "elsewhere" / "out.png").shape == (48, 64, 3)


@pytest.fixture
def halves(pictures: list[str], here: Call, tmp_path: Path) -> Callable[..., Array]:
    """The picture that two styles, the second plain white, give with these masks; left.png and r=2.png are halves."""
    left = np.zeros((60, 80), np.uint8)
    left[:, :40] = 255
    Image.fromarray(left).save(tmp_path / "left.png")
    Image.fromarray(255 - left).save(tmp_path / "r=2.png")
    Image.new("RGB", (64, 64), "white").save(tmp_path / "white.png")

    def call(*masks: str) -> Array:
        options = [word for mask in masks for word in ("--mask", mask)]
        styles = ["--style", "style.png", "--style", "white.png", "--content-weight", "0.1", "--steps", "20"]
        done = here("style", "content.png", *TINY, *styles, *options, "-o", "out.png", "--overwrite")
        assert done.status == 0, done.err
        return read_image(tmp_path / "out.png").astype(float)

    return call


def test_a_mask_says_where_its_style_goes(halves: Callable[..., Array]) -> None:
    def white(picture: Array) -> tuple[float, float]:
        return float(picture[:, :28].mean()), float(picture[:, 36:].mean())

    unmasked = white(halves())
    for masks in (("left.png=1", "r=2.png=2"), ("left.png=1",), ("r=2.png=2",)):
        left, right = white(halves(*masks))
        assert left < unmasked[0] and right > unmasked[1], "the right half alone takes the white style"
    left, right = white(halves("left.png=2"))
    assert left > unmasked[0] and right < unmasked[1]


def test_a_mask_is_one_of_the_pictures_to_read(halves: Callable[..., Array], refused: Refused) -> None:
    arguments = ("style", "content.png", "style.png", *TINY, "--mask", "left.png=1", "-o", "left.png", "--overwrite")
    assert "left.png: is one of the pictures to read" in refused(*arguments)
