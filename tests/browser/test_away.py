"""A studio that is away for a while, as the page sees it: it is killed, and started again at the same address."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.studio.running import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Away:
    """A studio that can be killed and started again.

    Attributes:
        studio: The studio.
    """

    def __init__(self, folder: Path) -> None:
        self.studio = Studio(folder)

    def kill(self) -> None:
        """End the studio, as a crash does."""
        self.studio.http.close()
        self.studio.process.kill()
        self.studio.process.communicate(timeout=30)

    def start(self) -> None:
        """Start it again, at the same address."""
        self.studio = Studio(self.studio.folder, "--port", self.studio.url.rpartition(":")[2])


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Away]:
    """A studio of its own."""
    made = Away(tmp_path / "kept")
    yield made
    made.studio.close()


def visit(browser: "Browser", away: Away, room: str) -> "Page":
    """Open a room."""
    page = browser.new_context().new_page()
    page.goto(f"{away.studio.url}/#{room}&key={away.studio.key}")
    return page


def test_the_playground_goes_on_with_its_state(browser: "Browser", away: Away) -> None:
    page = visit(browser, away, "lesson=xor")
    page.wait_for_selector("#learn-equations math")
    page.click("[aria-label='Add a layer']")
    page.wait_for_selector("[aria-label='Activation of layer 2']")
    page.click("#learn-step")
    page.wait_for_selector("#learn-figures dd:text-is('1')")
    away.kill()
    page.wait_for_selector("#banner:text('does not answer')")
    page.click("#learn-step")
    page.wait_for_selector("#learn-notice:text('does not answer')")
    page.wait_for_timeout(4000)  # it is looked for in vain
    assert page.is_visible("#banner")
    away.start()
    page.wait_for_selector("#learn-notice:text('begins anew')")
    page.wait_for_selector("#banner", state="hidden")
    assert page.is_visible("[aria-label='Activation of layer 2']")
    assert page.is_visible("#learn-lesson h2:text('Exclusive or')")
    page.click("#learn-run")
    page.wait_for_selector("#learn-figures dd:text-matches('^[1-9]\\\\d+$')")
    page.context.close()


def test_digits_begin_anew_with_their_settings(browser: "Browser", away: Away) -> None:
    page = visit(browser, away, "learn&digits=dense&seed=5")
    page.wait_for_selector("#digits-figures dt")
    page.click("#digits-run")
    away.kill()
    page.wait_for_selector("#banner:text('does not answer')")
    away.start()
    page.wait_for_selector("#digits-notice:text('begins anew')")
    page.wait_for_selector("#banner", state="hidden")
    assert page.input_value("#digits-seed") == "5"
    page.click("#digits-step")
    page.wait_for_selector("#digits-figures div:has(dt:text-is('Step')) dd:text-is('1')")
    page.context.close()
