"""Contact sheets in the browser: cells come one by one, and a click on one paints it large."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from tests.browser.test_paint import INK, ask_for
from tests.browser.visiting import TWICE, violations
from tests.studio.running import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
Look = Callable[["Page", str], None]


@pytest.fixture(autouse=True)
def empty(studio: Studio) -> Iterator[None]:
    """Each test begins without jobs and sheets."""
    yield
    for place, key in (("jobs", "jobs"), ("sheets", "sheets")):
        for told in studio.http.get(f"/api/{place}").json()[key]:
            studio.http.post(f"/api/{place}/{told['id']}/stop")
            studio.until(told["id"], lambda job: job["state"] not in ("waiting", "painting"), place=place)
            studio.http.post(f"/api/{place}/{told['id']}/remove")


def test_a_cell_of_a_sheet_fills_the_form_and_is_painted(open_page: Open, studio: Studio, look: Look) -> None:
    page = open_page()
    assert page.is_disabled("#sheet")
    ask_for(page)
    page.click("[data-id='sfumato:mosaic']")
    page.eval_on_selector("#sheet", TWICE)
    page.wait_for_selector("#easel .figures:text-matches('Choose a cell')", timeout=60_000)
    page.wait_for_selector(".sheet td button:enabled >> nth=5")
    assert page.locator(".sheet td button img[src^=blob][data-path*='/cells/']").count() == 6
    assert page.locator(".sheet thead th").all_inner_texts() == ["style weight 2", "10", "50"]
    page.click("text=As a command")
    (sheet,) = studio.http.get("/api/sheets").json()["sheets"]
    assert page.inner_text("#easel code") == sheet["command"]
    assert "--grid" in sheet["command"]
    look(page, "sheet-1280-light")
    assert violations(page) == []
    with page.expect_download() as saved:
        page.click("text=Download sheet")
    assert saved.value.suggested_filename == "chelsea-sheet.png"

    page.click("#look summary")
    page.fill("#setting-size", "96")
    page.press("#setting-size", "Tab")
    page.click("[aria-label$=', style weight 50: paint it large'] >> nth=0")
    page.wait_for_selector(".compare", timeout=60_000)
    assert page.input_value("#setting-style_weight") == "50"
    assert page.input_value("#setting-size") == "96"
    assert page.get_attribute(INK, "aria-pressed") == "true"
    assert page.locator("#chosen li").count() == 1
    (job,) = studio.http.get("/api/jobs").json()["jobs"]
    assert (job["settings"]["style_weight"], job["settings"]["size"]) == (50, 96)
    assert job["settings"] | {"size": 64} == sheet["settings"] | {"style_weight": 50}

    page.click("#sheets button")
    page.wait_for_selector(".sheet td button:enabled >> nth=5")


def test_a_sheet_is_watched_stopped_and_gone_on_with(open_page: Open, look: Look) -> None:
    page = open_page(360, color_scheme="dark")
    ask_for(page, steps=90000, slowly=True)
    page.click("#sheet")
    page.wait_for_selector("#easel .figures:text-matches('^0 of 3 cells are painted. About ')", timeout=60_000)
    look(page, "sheet-painting-360-dark")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert violations(page) == []
    page.click("#easel >> text=Stop and keep")
    page.wait_for_selector("#easel .figures:text-matches('^Stopped: 0 of 3')", timeout=30_000)
    page.click("#easel button:text-is('Resume')")
    page.wait_for_selector("#easel .figures:text-matches('^0 of 3 cells are painted. About ')", timeout=60_000)
    page.reload()
    page.wait_for_selector("#easel .figures:text-matches('^0 of 3 cells are painted. About ')", timeout=60_000)
    page.click("#easel >> text=Stop and keep")
    page.wait_for_selector("#easel .figures:text-matches('^Stopped')", timeout=30_000)
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#easel button:text-is('Remove')")
    page.wait_for_selector("#sheets-section", state="hidden")


def test_what_makes_no_sense_on_a_sheet_is_said_at_its_field(open_page: Open) -> None:
    page = open_page()
    ask_for(page)
    page.click("#look summary")
    page.fill("#setting-style_weight", "0")
    page.press("#setting-style_weight", "Tab")
    page.click("#sheet")
    page.wait_for_selector("#setting-style_weight-wrong:text-matches('give it more than 0')")
