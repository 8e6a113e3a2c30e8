"""Digits in the browser: learning goes on, a digit is drawn and answered, and what is wrong is shown."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.visiting import tab_to, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
Look = Callable[["Page", str], None]

SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.9)]

INKED = """selector => {
  const { width, height } = document.querySelector(selector);
  const data = document.querySelector(selector).getContext("2d").getImageData(0, 0, width, height).data;
  return new Set(Array.from({ length: width * height }, (_, n) => data.slice(4 * n, 4 * n + 3).join())).size;
}"""
"""Different colours in a canvas."""


def draw(page: "Page", places: list[tuple[float, float]]) -> None:
    """Draw a stroke on the pad with the mouse."""
    pad = page.locator("#digits-pad")
    pad.scroll_into_view_if_needed()
    box: Any = pad.bounding_box()
    on_screen = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*on_screen[0])
    page.mouse.down()
    for x, y in on_screen[1:]:
        page.mouse.move(x, y, steps=5)
    page.mouse.up()


def learn(page: "Page", right: str) -> None:
    """Run until so many of the test digits are right, a pattern, and pause."""
    page.wait_for_selector("#digits-figures dt")
    page.click("#digits-run")
    page.wait_for_selector(f"#digits-figures div:has(dt:text-is('Test right')) dd:text-matches('{right}')")
    page.click("#digits-run")
    page.wait_for_selector("#digits-run:text('Run')")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")], ids=["telephone-dark", "desk-light"])
def test_digits_are_learnt_and_one_that_is_drawn_is_answered(
    width: int, scheme: str, open_page: Open, look: Look
) -> None:
    page = open_page(width, room="learn&digits=dense", color_scheme=scheme)
    learn(page, "^(8[5-9]|9)")
    assert page.locator("#digits-layers li").count() == 15 + 9 + 10
    assert page.evaluate(INKED, "#digits-layers li canvas") > 20
    draw(page, SEVEN)
    page.wait_for_selector("#digits-name:text('Your drawing')")
    page.wait_for_selector("#digits-said:text('It says 7')")
    assert page.locator("#digits-shares li").count() == 10
    page.locator("#digits-wrong button >> nth=0").click()
    digit, said = page.inner_text("#digits-wrong button >> nth=0").split(", said ")
    page.wait_for_selector(f"#digits-name:text-matches('Test digit .*, a {digit}')")
    page.wait_for_selector(f"#digits-said:text('It says {said}')")
    page.click("#digits-report-box summary")
    page.wait_for_selector("#digits-report td")
    assert page.locator("#digits-report tbody tr").count() == 10
    look(page, f"digits-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []


def test_a_convolutional_network_shows_its_filters_and_feature_maps(open_page: Open, look: Look) -> None:
    page = open_page(room="lesson=feature-maps", color_scheme="dark")
    page.wait_for_selector("#digits-lesson h2:text('What a filter finds')")
    learn(page, "^[5-9]")
    draw(page, SEVEN)
    page.wait_for_selector("#digits-name:text('Your drawing')")
    sizes = page.eval_on_selector_all("#digits-layers canvas", "all => all.map(({ width }) => width)")
    assert sizes == [3, 28] * 8 + [14] * 8 + [14] * 16 + [7] * 16
    assert page.evaluate(INKED, "#digits-layers li canvas:not(.filter)") > 5
    look(page, "feature-maps-1280-dark")
    assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.click("#digits-lesson button")
    assert not page.is_visible("#digits-lesson")
    assert page.url.endswith("#learn&digits=convolutional&activation=relu&learning_rate=0.003&seed=0")


def test_digits_are_looked_at_by_keyboard_and_settings_stay_in_the_address(open_page: Open) -> None:
    page = open_page(room="learn&digits=dense&activation=tanh&seed=5")
    page.wait_for_selector("#digits-layers code:text('tanh_2')")
    assert page.input_value("#digits-seed") == "5"
    tab_to(page, "#digits-step")
    page.keyboard.press("Enter")
    page.wait_for_selector("#digits-figures div:has(dt:text-is('Step')) dd:text-is('1')")
    tab_to(page, "#digits-example")
    page.keyboard.press("Control+a")
    page.keyboard.type("247")
    page.keyboard.press("Enter")
    page.wait_for_selector("#digits-name:text('Test digit 247, a 4')")
    page.fill("#digits-example", "10000")
    page.keyboard.press("Enter")
    page.wait_for_selector("#digits-notice:text('from 0 to 9999')")
    page.fill("#digits-rate", "3")
    page.keyboard.press("Enter")
    page.wait_for_selector("#digits-notice:text('learning rate')")
    assert page.get_attribute("#digits-rate", "aria-invalid") == "true"
    page.fill("#digits-rate", "0.01")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#learn&digits=dense&activation=tanh&learning_rate=0.01&seed=5")
    assert page.is_visible("#digits-figures div:has(dt:text-is('Step')) dd:text-is('1')")  # nothing began anew
    assert page.get_attribute("#digits-rate", "aria-invalid") is None


def test_a_drawing_and_the_training_stay_while_another_view_is_shown(open_page: Open) -> None:
    page = open_page(room="learn&digits=dense")
    page.wait_for_selector("#digits-name:text('Test digit 0, a 7')")
    draw(page, SEVEN)
    draw(page, [(0.3, 0.5), (0.7, 0.5)])
    page.wait_for_selector("#digits-name:text('Your drawing')")
    page.click("#digits-undo")
    learn(page, "^[2-9]")
    step = page.inner_text("#digits-figures dd >> nth=0")
    page.click("#learn-to-playground")
    page.wait_for_url("**/#learn&s=*")
    assert not page.is_visible("#digits-pad")
    page.click("#learn-to-digits")
    page.wait_for_selector("#digits-name:text('Your drawing')")
    page.wait_for_url("**/#learn&digits=dense*")
    assert int(page.inner_text("#digits-figures dd >> nth=0")) >= int(step)
    page.click("#digits-reset")
    page.wait_for_selector("#digits-figures div:has(dt:text-is('Step')) dd:text-is('0')")
    assert page.is_visible("#digits-name:text('Your drawing')")
    page.click("#digits-clear")
    page.wait_for_selector("#digits-name:text('Test digit 0, a 7')")


def test_frames_come_slowly_where_motion_is_reduced(open_page: Open) -> None:
    page = open_page(room="learn&digits=dense", reduced_motion="reduce")
    page.wait_for_selector("#digits-figures dt")
    page.click("#digits-run")
    page.wait_for_selector("#digits-figures div:has(dt:text-is('Step')) dd:text-is('20')")
    page.select_option("#digits-network", "convolutional")  # while a frame of the other network waits
    page.wait_for_selector("#digits-layers code:text('maxpooling_2')")
    page.wait_for_timeout(600)
    assert page.inner_text("#digits-notice") == ""
    assert page.inner_text("#digits-run") == "Run"
