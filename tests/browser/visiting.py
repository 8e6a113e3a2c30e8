"""A visitor of the page, with a keyboard or a screen reader."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page


TWICE = "button => { button.click(); button.click(); }"
"""A double click: the second click comes before any answer."""


def violations(page: "Page") -> list[str]:
    """All that axe-core finds that shuts people out.

    A head that is a formula is not empty: MathJax draws it without text, and says it in MathML that is not to be seen.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found: list[dict[str, Any]] = axe.run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
        if rule["id"] != "empty-table-header" or not page.locator(f"{node['target'][0]} mjx-container").count()
    ]


def tab_to(page: "Page", selector: str, key: str = "Tab") -> None:
    """Press Tab until an element has the focus."""
    for _ in range(120):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{key} does not lead to {selector}")
