"""The built site, where `make docs` has left it: pages that shut nobody out, at two widths, light and dark."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.browser.visiting import violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = sorted(
    page.relative_to(SITE).as_posix()
    for page in [*SITE.glob("*.html"), *SITE.glob("chapters/*.html")]
    if page.name != "search.html"  # which says to a page from a disk that it needs a server
)

QUICK = ("index.html", "glossary.html", "chapters/01-logistic-regression.html")
"""Pages that stand for all where there is little time."""

WIDE = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""

LINES = """() => [...document.querySelectorAll(".with-mark")].map(
    both => new Set([...both.getClientRects()].map(part => Math.round(part.top))).size)"""
"""On how many lines each formula stands with the mark behind it."""


@pytest.fixture(scope="module")
def sheets(browser: "Browser") -> dict[str, "Page"]:
    """A window for each look: wide and light, narrow and dark."""
    wide = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    narrow = browser.new_context(viewport={"width": 420, "height": 900}, color_scheme="dark")
    return {"light": wide.new_page(), "dark": narrow.new_page()}


@pytest.mark.skipif(not PAGES, reason="the site is not built: make docs")
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PAGES]
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_shuts_nobody_out_and_is_no_wider_than_its_window(
    sheets: dict[str, "Page"], theme: str, name: str
) -> None:
    page = sheets[theme]
    page.goto((SITE / name).as_uri(), wait_until="load")
    assert page.evaluate(WIDE) <= 0
    assert violations(page) == []


@pytest.mark.skipif(not PAGES, reason="the site is not built: make docs")
def test_formulas_are_set_by_mathjax_and_keep_the_marks_behind_them(sheets: dict[str, "Page"]) -> None:
    page = sheets["dark"]
    page.goto((SITE / "chapters/01-logistic-regression.html").as_uri(), wait_until="load")
    page.wait_for_function("() => document.querySelectorAll('mjx-container').length > 100")
    assert page.locator("mjx-merror").count() == 0
    lines = page.evaluate(LINES)
    assert lines
    assert set(lines) == {1}
