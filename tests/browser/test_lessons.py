"""Lessons in the browser: opened by a link, with less to choose from, and left again."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.browser.visiting import violations
from tests.studio.running import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Open = Callable[..., "Page"]
Look = Callable[["Page", str], None]


@pytest.mark.parametrize("address", ["lesson=xor", "learn&lesson=xor"])
def test_a_lesson_opens_by_its_link_and_is_left(address: str, open_page: Open) -> None:
    page = open_page(room=address)
    page.wait_for_selector("#learn-lesson h2:text('Exclusive or')")
    page.wait_for_selector("#learn-equations math")
    assert page.input_value("#learn-data-kind") == "points"
    assert not page.is_visible("#group-data")
    page.wait_for_url("**/#learn&s=*")
    for change in ("Add a unit to layer 1", "Add a layer"):
        before = page.evaluate("location.hash")
        page.click(f"[aria-label='{change}']")
        page.wait_for_function("before => location.hash !== before", arg=before)
    page.reload()
    page.wait_for_selector("#learn-lesson h2:text('Exclusive or')")
    page.wait_for_selector("[aria-label='Activation of layer 2']")
    assert page.locator(".learn-count").all_text_contents() == ["−3+", "−3+"]
    assert not page.is_visible("#group-data")
    page.click("#learn-lesson button")
    page.wait_for_selector("#group-data")
    assert not page.is_visible("#learn-lesson")
    assert page.input_value("#learn-data-kind") == "points"


def test_a_lesson_is_chosen_from_the_list_and_another_after_it(open_page: Open) -> None:
    page = open_page()
    page.click("#lessons-open")
    page.click("#lessons a:text('Learnt by heart')")
    page.wait_for_selector("#learn-lesson h2:text('Learnt by heart')")
    assert page.is_visible("#learn-objective-l2")
    assert not page.is_visible("#learn-optimizer-name")
    assert not page.is_visible("#lessons")
    page.click("#lessons-open")
    assert page.locator("#lessons a").count() >= 11
    page.click("#lessons a:text('Is the gradient right?')")
    page.wait_for_selector("#check-go >> visible=true")
    assert not page.is_visible("#learn-equations")


def test_a_lesson_of_ones_own_is_in_the_address(open_page: Open, look: Look) -> None:
    page = open_page(room="learn")
    page.wait_for_selector("#learn-equations math")
    page.click("#panel-export > summary")
    page.click("#own-lesson > summary")
    page.fill("#own-lesson-text", "Find a rate <b>that</b> is too large.")
    page.keyboard.press("Tab")
    page.wait_for_selector("#learn-lesson p:text('Find a rate <b>that</b> is too large.')")
    page.check("#own-lesson-hide input[value=weights]")
    page.wait_for_selector("#group-weights", state="hidden")
    look(page, "own-lesson-1280-light")
    page.reload()
    page.wait_for_selector("#learn-lesson p:text('Find a rate <b>that</b> is too large.')")
    assert not page.is_visible("#group-weights")
    assert page.is_visible("#group-training")


def test_a_lesson_of_painting_fills_the_form(open_page: Open) -> None:
    page = open_page(room="lesson=gram-matrix")
    page.wait_for_selector("#paint-lesson h2:text('What a Gram matrix forgets')")
    assert page.input_value("#setting-style_loss") == "gram"
    assert page.inner_text("#chosen .name") == "stone tiles in grout"
    page.click("#paint-lesson button")
    assert not page.is_visible("#paint-lesson")


def test_a_lesson_that_there_is_not_is_told_with_those_that_there_are(open_page: Open) -> None:
    page = open_page(room="learn&lesson=xro")
    page.wait_for_selector("#learn-notice:text-matches('No lesson is called xro: there are straight-line, ')")
    assert page.input_value("#learn-data-kind") == "spiral"


def test_a_lesson_that_there_is_not_is_told_in_a_playground_that_stays_as_it_is(open_page: Open) -> None:
    page = open_page(room="lesson=xor")
    page.wait_for_selector("#learn-equations math")
    page.click("#learn-step")
    page.wait_for_selector("#learn-figures dd:text-is('1')")
    page.evaluate("location.hash = '#lesson=nope'")
    page.wait_for_selector("#learn-notice:text('No lesson is called nope')")
    assert page.is_visible("#learn-figures dd:text-is('1')")


def test_a_lesson_without_the_key_says_the_command_that_brings_it(browser: "Browser", studio: Studio) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{studio.url}/#lesson=xor")
    page.wait_for_selector("#banner:text('sfumato studio --lesson xor')")
    assert not page.is_visible("#loading")
    page.context.close()


def test_the_list_comes_once_the_studio_answers_again(open_page: Open) -> None:
    page = open_page()
    page.route("**/api/lessons", lambda route: route.fulfill(status=400, json={"error": "busy"}))
    page.click("#lessons-open")
    page.wait_for_selector("#banner:text('busy')")
    page.unroute("**/api/lessons")
    page.keyboard.press("Escape")
    page.click("#lessons-open")
    page.click("#lessons a:text('Learnt by heart')")
    page.wait_for_selector("#learn-lesson h2:text('Learnt by heart')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_lesson_and_the_list_fit_and_shut_nobody_out(width: int, scheme: str, open_page: Open, look: Look) -> None:
    page = open_page(width=width, room="learn&lesson=xor", color_scheme=scheme)
    page.wait_for_selector("#learn-equations math")
    look(page, f"lesson-{width}-{scheme}")
    page.click("#lessons-open")
    page.wait_for_selector("#lessons a")
    look(page, f"lessons-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
