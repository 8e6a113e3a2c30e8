"""The studio's page in Debian's Chromium; without Playwright or Chromium, these tests are skipped."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.studio.running import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LOOKS = Path(__file__).parents[2] / "runs" / "studio"
"""Where pictures of the page are put, to be looked at."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """The browser, for which evil.example is this machine, and all other names but its own are unknown."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no Chromium: apt install chromium")
    names = "MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    with playwright.sync_playwright() as started:
        arguments = ["--no-sandbox", f"--host-resolver-rules={names}"]
        yield started.chromium.launch(executable_path=chromium, args=arguments)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio that the tests of a file share."""
    running = Studio(tmp_path_factory.mktemp("studio") / "kept")
    yield running
    running.close()


@pytest.fixture
def open_page(browser: "Browser", studio: Studio) -> Iterator[Callable[..., "Page"]]:
    """Opens the page; afterwards, nothing may have failed in it, nor have been asked of another host."""
    said: list[str] = []
    contexts = []

    def call(width: int = 1280, height: int = 900, room: str = "", **options: Any) -> "Page":
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: None if _own(request.url, studio) else said.append(request.url))
        page.goto(f"{studio.url}/#{room}&key={studio.key}" if room else f"{studio.url}/#key={studio.key}")
        page.wait_for_selector("#studio:not([hidden])")
        return page

    yield call
    for context in contexts:
        context.close()
    assert [text for text in said if "status of 400" not in text] == []  # which the page shows in its own words


def _own(url: str, studio: Studio) -> bool:
    return url.startswith((f"{studio.url}/", f"blob:{studio.url}/"))


@pytest.fixture
def look() -> Callable[["Page", str], None]:
    """Puts a picture of the page where it can be looked at."""
    LOOKS.mkdir(parents=True, exist_ok=True)

    def call(page: "Page", name: str) -> None:
        page.screenshot(path=LOOKS / f"{name}.png", full_page=True)

    return call
