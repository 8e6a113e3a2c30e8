"""`sfumato style --grid`: styles against weights on a contact sheet, at sizes that take a moment."""

import json
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageDraw, ImageFont

from sfumato.arrays import Array
from sfumato.pictures.contact_sheet import Labelled, contact_sheet, shortened
from sfumato.pictures.files import read_description, read_image

Call = Callable[..., Any]
Refused = Callable[..., str]

LAYERS = ["--content-layers", "block2_conv2", "--style-layers", "block1_conv1,block2_conv1"]
TINY = ["--size", "48", "--steps", "2", "--scales", "1", "--optimizer", "adam", "--threads", "1", *LAYERS]
GRID = ["style", "content.png", "--style", "style.png", "--style", "content.png", *TINY, "--grid", "-o", "out.png"]


def lies_in(sheet: Array, picture: Array) -> bool:
    """Whether a picture is found on the sheet, pixel for pixel."""
    height, width = picture.shape[:2]
    first, last = sheet[: 1 - height, : 1 - width], sheet[height - 1 :, width - 1 :]
    corners = np.argwhere(((first == picture[0, 0]) & (last == picture[-1, -1])).all(axis=-1))
    return any(np.array_equal(sheet[y : y + height, x : x + width], picture) for y, x in corners)


def test_every_cell_is_the_picture_painted_alone(pictures: list[str], here: Call, tmp_path: Path) -> None:
    status, out, err = here(*GRID, "--style-weight", "5")
    assert status == 0
    assert out.splitlines()[-1] == "written to out.png"
    assert "style at 1 (1 of 6), scale 1/1, step 1/2: loss " in err
    sheet = read_image(tmp_path / "out.png")
    assert f"{sheet.shape[1]} x {sheet.shape[0]} pixels, 6 cells, " in out
    for style in ("style.png", "content.png"):
        for weight in ("1", "5", "25"):
            alone = ["style", "content.png", style, *TINY, "--style-weight", weight, "-o", "alone.png", "--overwrite"]
            assert here(*alone).status == 0
            assert lies_in(sheet, read_image(tmp_path / "alone.png"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.png", "content.png", "out.png", "style.png"]


def test_the_sheet_tells_what_it_was_made_with(pictures: list[str], here: Call, tmp_path: Path) -> None:
    values = json.loads(here(*GRID, "--json", "--quiet").out)
    settings = json.loads(read_description(tmp_path / "out.png") or "")
    assert values["settings"] == settings
    assert (settings["content"], settings["styles"]) == ("content", ["style", "content"])
    assert settings["style_weights"] == [2.0, 10.0, 50.0]
    assert settings["size"] == 48
    assert (values["cells"], values["stopped"], values["out"]) == (6, "finished", "out.png")


@pytest.mark.slow
def test_an_interrupted_grid_goes_on_to_the_same_bytes(
    pictures: list[str], here: Call, refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert here(*GRID).status == 0
    whole = (tmp_path / "out.png").read_bytes()
    (tmp_path / "out.png").unlink()

    def stop_in_the_third(_: object, place: str, *rest: object, **more: object) -> None:
        if "(3 of 6), scale 1/1, step 1/" in place:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr("sfumato.cli.console.RunProgress.show", stop_in_the_third)
        status, _, err = here(*GRID)
    assert status == 130
    assert err.splitlines()[-1] == "interrupted; add --resume to go on with out.png"
    assert not (tmp_path / "out.png").exists()
    assert "out.png: was begun and not finished; add --resume to go on" in refused(*GRID)
    assert "this grid began with other seed" in refused(*GRID, "--resume", "--seed", "1")
    assert "this grid began with other styles" in refused(*GRID, "--resume", "--style", "style.png")
    status, _, err = here(*GRID, "--resume")
    assert status == 0
    assert "(2 of 6)" not in err
    assert "(3 of 6), scale 1/1, step 1/2" not in err, "it went on after the first step"
    assert (tmp_path / "out.png").read_bytes() == whole
    assert not (tmp_path / ".out.png.cells").exists()


def test_overwrite_begins_anew(pictures: list[str], here: Call, tmp_path: Path) -> None:
    (tmp_path / ".out.png.cells").mkdir()
    (tmp_path / ".out.png.cells" / "1-1.png").write_bytes(b"old")
    (tmp_path / "out.png").write_bytes(b"old")
    assert here(*GRID, "--overwrite").status == 0
    assert read_image(tmp_path / "out.png").shape[2] == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("content.png -o out.png", "name one picture, and each style with --style"),
        (". -o out.png", "name one picture, and each style with --style"),
        ("", "--grid needs --out: the file of the contact sheet"),
        ("-o out.png --save-every 2", "leave out --save-every"),
        ("-o out.png --mask style.png=1", "leave out --mask"),
        ("-o out.png --style-weight 0", "give --style-weight more than 0"),
        (
            "-o out.png --style content.png:2",
            "--grid paints in one style at a time: leave out the weight of content.png, 2",
        ),
        ("-o out.png --colour only", "--grid compares style weights, and --colour only has none: leave out --grid"),
        ("-o out.png --style-layers block1_conv9", "vgg19 has no layer 'block1_conv9'"),
        ("-o out.png --style none.png", "none.png: cannot be read"),
        ("-o content.png --overwrite", "content.png: is one of the pictures to read"),
        ("-o out.png --resume", "there is nothing to go on with: the picture was not begun"),
        ("-o out.png --optimizer adam --learning-rate 1e30 --steps 50", "the picture diverged"),
    ],
)
def test_what_cannot_be_a_grid(options: str, said: str, pictures: list[str], refused: Refused) -> None:
    assert said in refused(
        "style", "content.png", "--style", "style.png", *TINY, "--grid", "--quiet", *shlex.split(options)
    )


@pytest.mark.parametrize(("height", "width"), [(20, 16), (300, 400), (900, 200)])
def test_a_sheet_of_any_size_is_white_with_its_pictures_apart(height: int, width: int) -> None:
    cells = [np.full((height, width, 3), value, np.uint8) for value in (10, 60, 110, 160)]
    rows = [Labelled("one", cells[0]), Labelled("a name that goes on and on and on", cells[1][: width // 2])]
    sheet = contact_sheet(Labelled("content", cells[2]), rows, ["1", "2"], cells)
    assert (sheet[[0, -1]] == 255).all()
    assert (sheet[:, [0, -1]] == 255).all()
    for cell in cells:
        assert lies_in(sheet, cell)
    assert (sheet != 255).any(axis=-1).mean() > 0.3, "margins are thin"


def test_each_row_is_a_style_and_each_column_a_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    height, width = 40, 60
    texts: dict[str, tuple[float, float]] = {}
    draw = ImageDraw.ImageDraw.text

    def note(self: Any, at: tuple[float, float], text: str, *rest: Any, **more: Any) -> None:
        texts[text] = at
        draw(self, at, text, *rest, **more)

    def plain(tone: int) -> Array:
        """A picture of one red, as letters are grey."""
        return np.full((height, width, 3), (tone, 0, 0), np.uint8)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", note)
    tones = np.array([[10, 40, 70], [100, 130, 160]], np.uint8)
    cells = [plain(int(tone)) for tone in tones.ravel()]
    rows = [Labelled("r0", plain(200)), Labelled("r1", plain(220))]
    sheet = contact_sheet(Labelled("me", plain(180)), rows, ["c0", "c1", "c2"], cells)
    places = {}
    for tone in (*tones.ravel(), 200, 220):
        ys, xs = np.nonzero((sheet == plain(int(tone))[0, 0]).all(axis=-1))
        places[int(tone)] = (ys.min(), ys.max(), xs.min(), xs.max())
    for row in range(2):
        top, bottom, _, right = places[(200, 220)[row]]
        for column in range(3):
            y, last, x, end = places[int(tones[row, column])]
            assert (last - y + 1, end - x + 1) == (height, width)
            assert x < texts[f"c{column}"][0] < end, "the column's name is above the middle of its cells"
            assert texts[f"c{column}"][1] < y
            assert y <= top <= bottom <= last, "the row's style is beside its cells"
            assert y <= texts[f"r{row}"][1] <= last + height // 2
            assert right < x


def test_a_long_name_keeps_its_ends() -> None:
    font = ImageFont.load_default(20)
    assert shortened("short", 1000, font) == "short"
    cut = shortened("a very long name of a style, number 17", 150, font)
    assert font.getlength(cut) <= 150
    assert cut.startswith("a v") and cut.endswith("17") and "…" in cut
    assert shortened("anything", 0, font) == "…"
