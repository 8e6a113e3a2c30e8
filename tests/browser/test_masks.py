"""Masks painted in the browser, by pointer, by touch and by keyboard, and the palettes beside the colours."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from tests.browser.test_paint import DROP, INK
from tests.browser.visiting import tab_to, violations
from tests.studio.running import Studio

from sfumato.arrays import Array
from sfumato.pictures.files import read_image, write_image
from sfumato.style.control.colour import COLOURS

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
Look = Callable[["Page", str], None]

WIDTH, HEIGHT = 96, 64
STAGE = ".brush-stage"
MOSAIC = "[data-id='sfumato:mosaic']"
MEANS = """card => {
  const image = card.querySelector("img");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  const shown = [0, 0, 0];
  data.forEach((level, n) => n % 4 < 3 && (shown[n % 4] += (4 * level) / data.length));
  const palette = [0, 0, 0];
  for (const own of card.querySelectorAll(".palette i")) {
    const colour = getComputedStyle(own).backgroundColor.match(/\\d+/g).map(Number);
    colour.forEach((level, k) => (palette[k] += own.style.flexGrow * level));
  }
  return [shown, palette];
}"""
"""The mean colour of a card's picture, and of its palette."""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph of 96 x 64 pixels, whose colours change from place to place."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    pixels = np.stack([2 * columns + 30, 3 * rows + 20, 200 - rows - columns], axis=-1)
    write_image(tmp_path / "photo.png", pixels.astype(np.uint8))
    return tmp_path / "photo.png"


def mask_of(page: "Page", studio: Studio, style: int = 0) -> Array:
    """The mask of a style in the form, as the studio has it: levels (height, width)."""
    masks = json.loads(page.evaluate("localStorage.getItem('sfumato-form')"))["styles"][style]["masks"]
    content = studio.http.get(f"/api/pictures/{masks[0]['id']}/file").content
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def drag(page: "Page", *places: tuple[float, float]) -> None:
    """Draw a stroke through places, in pixels of the mask."""
    box = page.locator(STAGE).bounding_box()
    assert box is not None
    scale = box["width"] / WIDTH
    for n, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=1 if n == 0 else 8)
        if n == 0:
            page.mouse.down()
    page.mouse.up()


def hard_brush(page: "Page", size: int) -> None:
    """Choose a brush without a soft edge."""
    for label, value in (("Size", size), ("Soft edge", 0)):
        page.locator(f".brush-range:has-text('{label}') input").fill(str(value))


def done(page: "Page") -> None:
    """Close the dialog, and wait until the mask is in the form."""
    with page.expect_response(lambda answer: answer.request.method == "PUT") as given:
        page.click(".brush button:text-is('Done')")
    mask = given.value.json()["id"]
    page.wait_for_function("id => localStorage.getItem('sfumato-form').includes(id)", arg=mask)
    page.wait_for_selector(".chosen .masked img[src^=blob]")


def rectangle(page: "Page", *sides: int) -> None:
    """Paint a rectangle by its sides, left, top, right and bottom in per cent."""
    for label, side in zip(("Left", "Top", "Right", "Bottom"), sides, strict=True):
        page.fill(f".brush-sides label:has-text('{label}') input", str(side))
    page.click("text=Paint rectangle")


def test_a_stroke_is_where_it_was_drawn_and_nowhere_else(
    open_page: Open, studio: Studio, photo: Path, look: Look
) -> None:
    page = open_page()
    page.set_input_files("#photo-file", photo)
    page.click(INK)
    page.click("button:text-is('Only here') >> nth=0")
    page.wait_for_selector(STAGE)
    hard_brush(page, 16)
    drag(page, (20, 20), (60, 20))
    assert "% of the photograph" in page.inner_text(".brush [role=status]")
    drag(page, (70, 50), (90, 50))
    page.keyboard.press("Control+z")
    look(page, "brush-1280-light")
    assert violations(page) == []
    done(page)
    mask = mask_of(page, studio)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    away = np.hypot(rows - 20, columns - np.clip(columns, 20, 60))
    assert mask.shape == (HEIGHT, WIDTH)
    assert set(mask[away < 6.5]) == {255}
    assert set(mask[away > 9.5]) == {0}

    page.click("button:text-is('Change')")  # goes on from what was painted
    page.wait_for_selector(STAGE)
    hard_brush(page, 16)
    page.click("text=Eraser")
    drag(page, (40, 0), (40, 63))
    done(page)
    erased = mask_of(page, studio)
    assert set(erased[:, 35:45].ravel()) == {0}
    assert np.array_equal(erased[:, [*range(30), *range(50, WIDTH)]], mask[:, [*range(30), *range(50, WIDTH)]])

    page.click("button:text-is('Change')")
    page.click(".brush button:text-is('Invert')")
    done(page)
    assert np.array_equal(mask_of(page, studio), 255 - erased)
    page.click("button:text-is('Change')")
    page.click(".brush button:text-is('Clear')")
    page.click(".brush button:text-is('Cancel')")
    assert np.array_equal(mask_of(page, studio), 255 - erased)
    page.click("text=Everywhere")
    assert page.locator(".masked img").count() == 0


def test_a_mask_by_keyboard_and_the_picture_painted_within_it(open_page: Open, studio: Studio, photo: Path) -> None:
    page = open_page()
    page.set_input_files("#photo-file", photo)
    page.click(INK)
    page.focus("#own-style-file")
    tab_to(page, ".chosen .masked button", "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(STAGE)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert "% of the photograph" in page.inner_text(".brush [role=status]")
    page.keyboard.press("Control+z")
    assert "Nothing is painted" in page.inner_text(".brush [role=status]")
    rectangle(page, 0, 25, 50, 100)
    done(page)
    mask = mask_of(page, studio)
    assert set(mask[16:, :48].ravel()) == {255}
    assert mask.sum() == 255 * 48 * 48

    settings = {"size": "96", "steps": "4", "scales": "1", "content_layers": "block2_conv2"}
    page.click("#look summary")
    page.click("#options summary")
    for name, text in {**settings, "style_layers": "block2_conv1"}.items():
        page.fill(f"#setting-{name}", text)
    page.select_option("#setting-style_loss", "gram")
    page.click("#paint")
    page.wait_for_selector(".compare", timeout=60_000)
    (name,) = studio.jobs()
    painted, given = read_image(studio.folder / "jobs" / name / "out.png"), read_image(photo)
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[16:, :48] = False
    assert np.array_equal(painted[outside], given[outside])
    assert np.abs(painted[24:, :40].astype(int) - given[24:, :40]).mean() > 5
    page.click("text=As a command")
    assert "--mask photo-ink-mask.png=1" in page.inner_text("code")
    with page.expect_download() as saved:
        page.click("text=Save photo-ink-mask.png")
    assert np.array_equal(np.asarray(Image.open(saved.value.path()).convert("L")), mask)

    page.reload()  # keeps the mask
    page.wait_for_selector(".chosen .masked img[src^=blob]")
    page.click("text=Everywhere")
    painted_file = studio.http.get(f"/api/jobs/{name}/picture").content
    page.evaluate(DROP, ["body", "found.png", base64.b64encode(painted_file).decode()])
    page.wait_for_selector(".chosen .masked img[src^=blob]")  # which the file brings, too
    assert np.array_equal(mask_of(page, studio), mask)
    page.click(".chosen button:text-is('Remove')")
    page.click("#history button")
    page.click("text=Same settings")
    page.wait_for_selector(".chosen .masked img[src^=blob]")
    assert np.array_equal(mask_of(page, studio), mask)
    page.click("text=Go on from here")
    page.wait_for_selector("text=Going on from photo-painted.png")
    assert np.array_equal(mask_of(page, studio), mask)


def test_masks_are_painted_by_touch_on_a_telephone(open_page: Open, photo: Path, look: Look) -> None:
    page = open_page(360, 740, color_scheme="dark", has_touch=True, reduced_motion="reduce")
    page.set_input_files("#photo-file", photo)
    page.click(INK)
    page.click(MOSAIC)
    page.click("[aria-label^='Only here: crossed']")
    page.wait_for_selector(STAGE)
    box = page.locator(STAGE).bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
    page.wait_for_selector(".brush [role=status]:has-text('% of the photograph')")
    done(page)
    page.click("[aria-label^='Only here: stone']")
    page.wait_for_selector(".brush-legend")
    assert page.locator(".brush-legend li").all_inner_texts() == [
        "stone tiles in grout",
        "crossed pen strokes on cream paper",
    ]
    look(page, "brush-360-dark")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.eval_on_selector("dialog", "dialog => dialog.scrollWidth <= dialog.clientWidth")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.locator(".masked img").count() == 1
    assert violations(page) == []


def test_each_choice_of_colours_shows_its_palette_before_painting(open_page: Open, photo: Path, look: Look) -> None:
    page = open_page()
    page.click("#look summary")
    assert page.locator(".cards .palette i").count() == 0
    page.set_input_files("#photo-file", photo)
    page.click(INK)
    page.wait_for_selector("#palettes:not([hidden])")
    page.wait_for_function(
        "[...document.querySelectorAll('#colours img')].every((own) => own.src.startsWith('blob') && own.complete)"
    )
    cards: Any = page.locator("#colours label")
    names = [cards.nth(n).locator("input").get_attribute("value") for n in range(cards.count())]
    assert names == list(COLOURS)
    for n in range(len(names)):
        assert cards.nth(n).locator(".palette i").count() > 1
        shown, palette = cards.nth(n).evaluate(MEANS)
        assert palette == pytest.approx(shown, abs=8), names[n]
    look(page, "palettes-1280-light")
    assert violations(page) == []
