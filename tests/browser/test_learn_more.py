"""Planted faults and the race of optimizers, in the browser."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.browser.visiting import violations

from sfumato.studio.learn.exercise import Exercise

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
Look = Callable[["Page", str], None]

LOOKS = pytest.mark.parametrize(
    ("width", "scheme"), [(360, "dark"), (1280, "light")], ids=["telephone-dark", "desk-light"]
)


def answer(page: "Page", places: list[str], cause: str) -> None:
    """Choose places and a cause, and send them."""
    page.check("#fault-none")  # which unchecks all places
    for place in places:
        page.check(f"#fault-places input[value='{place}']")
    page.locator("#fault-causes label", has_text=cause).locator("input").check()
    page.click("#fault-form [type=submit]")


@LOOKS
def test_a_fault_is_trained_checked_and_found(width: int, scheme: str, open_page: Open, look: Look) -> None:
    exercise = Exercise(5, 1)
    page = open_page(width, room="learn&fault=5.2", color_scheme=scheme)
    page.wait_for_selector("#fault-title:text-is('Exercise 2 of 12')")
    page.click("#fault-train")
    page.wait_for_selector("#fault-trained:text('Step')")
    page.click("#fault-again")  # which waits until the training before is done
    page.wait_for_selector("#fault-trained:text('Not trained yet')")
    page.click("#fault-check")
    page.wait_for_selector("#fault-report tbody tr")
    wrong = page.locator("#fault-report .v-wrong th").all_inner_texts()
    assert set(wrong) == set(exercise.wrong)
    page.click("#fault-measure")
    page.wait_for_selector("#fault-measured tbody tr")
    assert page.locator("#fault-measured .v-wrong").count() == 0
    answer(page, wrong, next(cause for cause in exercise.causes if cause != exercise.fault.cause))
    page.wait_for_selector("#fault-verdict:has-text('Hint')")
    assert exercise.fault.hint in page.inner_text("#fault-verdict")
    answer(page, wrong, exercise.fault.cause)
    page.wait_for_selector("#fault-verdict:has-text('Found')")
    assert page.locator("#fault-verdict pre").all_inner_texts() == list(exercise.fault.diff)
    page.click("#fault-train")
    page.wait_for_selector("#fault-trained:text-matches('Step 100|diverged')")
    look(page, f"fault-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert violations(page) == []


def test_a_class_goes_from_one_exercise_to_the_next_and_back_to_the_playground(open_page: Open) -> None:
    page = open_page(room="learn&fault=0")
    page.wait_for_selector("#fault-title:text-is('Exercise 1 of 12')")
    page.fill("#fault-seed", "5")
    page.press("#fault-seed", "Enter")
    page.wait_for_url("**/#learn&fault=5.1")
    page.click("#fault-form [type=submit]")
    page.wait_for_selector("#fault-verdict:text('one cause')")
    page.click("#fault-links a:text('Next')")
    page.wait_for_selector("#fault-title:text-is('Exercise 2 of 12')")
    assert page.locator("#fault-causes label").all_inner_texts() == Exercise(5, 1).causes
    assert not page.is_visible("#learn-run")
    page.click("#learn-to-playground")
    page.wait_for_selector("#learn-run")
    assert not page.is_visible("#fault-form")
    page.wait_for_url("**/#learn&s=*")
    width = page.evaluate("document.getElementById('learn-plane').clientWidth")
    assert page.evaluate("document.getElementById('learn-plane').width") == width > 100
    page.click("#learn-to-faults")
    page.wait_for_selector("#fault-title:text-is('Exercise 2 of 12')")


def test_an_exercise_that_there_is_not_is_refused_in_a_line(open_page: Open) -> None:
    page = open_page(room="learn&fault=5.13")
    page.wait_for_selector("#fault-notice:text('number of an exercise')")


@LOOKS
def test_optimizers_race_on_the_network_and_on_a_function(width: int, scheme: str, open_page: Open, look: Look) -> None:
    page = open_page(width, room="learn", color_scheme=scheme)
    page.wait_for_selector("#learn-equations math")
    page.click("#panel-race > summary")
    page.select_option("#race-on", "weights")
    page.click("#race-go")
    page.wait_for_selector("#race-legend tbody tr")
    assert page.locator("#race-legend tbody th").all_inner_texts() == ["gd", "momentum", "adam", "lbfgs"]
    assert "dense_1.W[0,0]" in (page.get_attribute("#race-map", "aria-label") or "").replace(" ", "")
    page.select_option("#race-on", "beale")
    page.select_option("#race-racers select >> nth=1", "")
    page.fill("#race-racers input >> nth=0", "10")
    page.click("#race-go")
    page.wait_for_selector("#race-words:text('gd diverges')")
    assert page.locator("#race-legend tbody th").all_inner_texts() == ["gd", "adam", "lbfgs"]
    assert page.inner_text("#race-words") in (page.get_attribute("#race-map", "aria-label") or "")
    page.fill("#race-steps", "1000")
    page.click("#race-go")
    page.wait_for_selector("#race-words:text('number of steps')")
    page.fill("#race-steps", "100")
    page.fill("#race-racers input >> nth=0", "0.005")
    page.click("#race-go")
    page.wait_for_selector("#race-words:text('gd ends')")
    look(page, f"race-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert violations(page) == []


def test_all_ways_of_the_first_race_can_be_seen(open_page: Open) -> None:
    page = open_page(room="learn")
    page.wait_for_selector("#learn-equations math")
    page.click("#panel-race > summary")
    assert not page.is_visible("#race-seed")
    page.click("#race-go")
    page.wait_for_selector("#race-legend tbody tr")
    off = page.locator("#race-legend tbody tr td:last-child").all_inner_texts()
    assert [float(text) for text in off] == [0.0] * 4


def test_lines_of_equal_height_lie_where_the_height_is(open_page: Open) -> None:
    page = open_page(room="learn")
    pieces = page.evaluate(
        """async () => {
          const { contour } = await import("/static/js/learn/contours.mjs");
          const height = (x, y) => (x / 10 - 1) ** 2 + (y / 10 - 1) ** 2;
          const side = [...Array(21).keys()];
          const bowl = side.map((y) => side.map((x) => height(x, y)));
          return contour(bowl, 0.5).map((piece) => piece.map(([x, y]) => height(x, y)));
        }"""
    )
    assert len(pieces) > 20
    assert [end for piece in pieces for end in piece] == pytest.approx([0.5] * 2 * len(pieces), abs=0.01)
    saddle = page.evaluate(
        """async () => (await import("/static/js/learn/contours.mjs")).contour([[1, 0], [0, 1]], 0.6)"""
    )
    assert sorted(sorted(map(tuple, piece)) for piece in saddle) == [[(0, 0.4), (0.4, 0)], [(0.6, 1), (1, 0.6)]]
