"""Masks in requests, and the palettes of each choice of colours."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.studio.running import FAST, Studio
from tests.studio.test_jobs import painted_by_command

from sfumato.pictures.files import read_image, write_image
from sfumato.style.control.colour import COLOURS


def save_mask(path: Path, width: int = 80, height: int = 60) -> Path:
    """Write a mask that is white on its left, black from the middle on, with greys between."""
    levels = np.clip(np.linspace(4, -4, width), 0, 1)
    Image.fromarray(np.rint(255 * np.tile(levels, (height, 1))).astype(np.uint8)).save(path)
    return path


def test_a_job_with_masks_is_what_the_command_paints_with_the_files_it_names(
    pictures: tuple[Path, Path], studio: Studio
) -> None:
    content, style = map(studio.give, pictures)
    mask = studio.give(save_mask(pictures[0].with_name("given.png")))
    names = {content: "content.png", style: "style.png", mask: "sky=left.png"}
    asked: dict[str, Any] = {"content": content, "styles": [[style, 1], ["sfumato:ink", 2]], "names": names}
    asked |= {"settings": {**FAST, "size": "full"}, "masks": [[mask, 2]], "content_mask": mask}
    name = studio.http.post("/api/jobs", json=asked).json()["id"]
    job = studio.painted(name)
    assert job["state"] == "finished", job
    assert (job["masks"], job["content_mask"]) == ([[mask, 2]], mask)
    saved = studio.http.get(f"/api/pictures/{mask}/file").content  # as the page's button does
    pictures[0].with_name("sky=left.png").write_bytes(saved)
    out = painted_by_command(job["command"], pictures[0].parent)
    painted = studio.http.get(f"/api/jobs/{name}/picture").content
    assert out.read_bytes() == painted
    told = studio.http.put("/api/pictures?name=dropped.png", content=painted).json()
    assert [(own["role"], own["number"], own["name"], own["id"]) for own in told["inputs"][2:]] == [
        ("style", 2, "sfumato:ink", "sfumato:ink"),
        ("mask", 2, "sky=left.png", mask),
        ("content_mask", 1, "sky=left.png", mask),
    ]


def test_what_no_mask_covers_stays_the_photograph(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    mask = studio.give(save_mask(pictures[0].with_name("mask.png")))
    asked = {"content": content, "styles": [[style, 1]], "names": {}, "settings": {**FAST, "size": "full"}}
    name = studio.http.post("/api/jobs", json={**asked, "masks": [[mask, 1]]}).json()["id"]
    assert studio.painted(name)["state"] == "finished"
    painted, photo = read_image(studio.folder / "jobs" / name / "out.png"), read_image(pictures[0])
    assert np.array_equal(painted[:, 41:], photo[:, 41:])
    assert np.abs(painted[:, :20].astype(int) - photo[:, :20]).mean() > 10


def masks_refused(studio: Studio, pictures: tuple[Path, Path], **masks: Any) -> str:
    """What is said of a request with such masks, at its estimate and as a job alike."""
    content, style = map(studio.give, pictures)
    asked = {"content": content, "styles": [[style, 1]], "names": {}, "settings": FAST, **masks}
    answers = [studio.http.post(path, json=asked) for path in ("/api/estimate", "/api/jobs")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert studio.jobs() == []
    error = str(answers[0].json()["error"])
    assert "\n" not in error
    assert str(studio.folder) not in error
    return error


def test_a_mask_of_another_shape_or_without_white_is_refused_by_its_name(
    pictures: tuple[Path, Path], studio: Studio
) -> None:
    other = studio.give(save_mask(pictures[0].with_name("other.png"), 60, 60))
    black = pictures[0].with_name("black.png")
    write_image(black, np.zeros((60, 80, 3), np.uint8))
    empty = studio.give(black)
    names = {other: "sky.png", empty: "black.png"}
    reason = "sky.png: is 60 x 60 pixels, and the content 80 x 60; a mask has the content's shape"
    assert masks_refused(studio, pictures, masks=[[other, 1]], names=names) == reason
    assert masks_refused(studio, pictures, content_mask=other, names=names) == reason
    settings = {"colour": "only"}  # which paints nothing
    assert masks_refused(studio, pictures, masks=[[other, 1]], names=names, settings=settings) == reason
    assert "black.png: is black everywhere" in masks_refused(studio, pictures, masks=[[empty, 1]], names=names)


@pytest.mark.parametrize(
    ("masks", "reason"),
    [
        ({"masks": [["0" * 32, 1]]}, "is not in the studio's folder any more"),
        ({"masks": [["../../etc/passwd", 1]]}, "is not in the studio's folder any more"),
        ({"content_mask": "0" * 32}, "is not in the studio's folder any more"),
        ({"masks": [["sfumato:ink", 2]]}, "numbered from 1 to 1"),
        ({"masks": [["sfumato:ink", 0]]}, "numbered from 1 to 1"),
        ({"masks": [["sfumato:ink", 1]] * 21}, "up to 20 masks"),
        ({"masks": [["sfumato:ink"]]}, "a request has"),
        ({"masks": 3}, "a request has"),
    ],
    ids=str,
)
def test_masks_that_are_none_are_refused_in_a_line(
    masks: dict[str, Any], reason: str, pictures: tuple[Path, Path], studio: Studio
) -> None:
    assert reason in masks_refused(studio, pictures, **masks)


def test_a_mask_is_gone_on_with_as_painting_takes_it(pictures: tuple[Path, Path], served: Studio) -> None:
    layer = np.zeros((30, 40, 4), np.uint8)
    layer[:, :20] = 255  # white and opaque; else transparent
    layer[:15, :20, 3] = 128
    path = pictures[0].with_name("layer.png")
    Image.fromarray(layer).save(path)
    mask = served.give(path)
    answer = served.http.get(f"/api/pictures/{mask}/mask")
    shown = Image.open(io.BytesIO(answer.content))
    assert (answer.headers["content-type"], shown.mode, shown.size) == ("image/png", "L", (40, 30))
    assert np.array_equal(np.asarray(shown)[[0, 29]][:, [0, 39]], [[128, 0], [255, 0]])
    assert served.http.get(f"/api/pictures/{mask}/file").content == path.read_bytes()
    for place in ("file", "mask"):
        assert served.http.get(f"/api/pictures/{'0' * 32}/{place}").status_code == 404


def test_each_choice_of_colours_has_a_preview_with_its_palette(pictures: tuple[Path, Path], served: Studio) -> None:
    red, blue = (180, 60, 40), (40, 70, 150)
    style = np.full((64, 64, 3), red, np.uint8)
    style[:, 32:] = blue
    write_image(pictures[1], style)
    content, painting = map(served.give, pictures)
    asked: dict[str, Any] = {"content": content, "styles": [[painting, 1]], "settings": {}, "names": {}}
    told = served.http.post("/api/palettes", json=asked).json()
    shares = {colour: share for colour, share in told["style"] if share > 0.1}  # the rest is where they meet
    assert shares == {"#284696": pytest.approx(0.5, abs=0.02), "#b43c28": pytest.approx(0.5, abs=0.02)}
    assert list(told["choices"]) == list(COLOURS)
    means = {}
    for name, choice in told["choices"].items():
        shown = Image.open(io.BytesIO(base64.b64decode(choice["picture"]))).convert("RGB")
        means[name] = np.asarray(shown).reshape(-1, 3).mean(axis=0)
        assert sum(share for _, share in choice["palette"]) == pytest.approx(1)
        colours = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour, _ in choice["palette"]])
        parts = np.array([share for _, share in choice["palette"]])
        assert np.abs(parts @ colours - means[name]).max() < 12
    whole = read_image(pictures[0]).reshape(-1, 3).mean(axis=0)
    for name in ("match", "match-cholesky", "histogram"):  # the content's mean; what leaves the bytes is clipped
        assert np.abs(means[name] - whole).max() < 12
    assert np.abs(means["style"] - np.mean([red, blue], axis=0)).max() < 3
    assert np.abs(means["only"] - np.mean([red, blue], axis=0)).max() < 12
    several = {**asked, "styles": [[painting, 3], ["sfumato:ink", 1]]}
    both = served.http.post("/api/palettes", json=several).json()["choices"]["style"]["picture"]
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(both))).convert("RGB")).shape == (144, 192, 3)
    unknown = served.http.post("/api/palettes", content=json.dumps({**asked, "content": "0" * 32}))
    assert "any more" in unknown.json()["error"]
