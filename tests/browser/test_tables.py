"""The room Tables in the browser: a table is dropped, trained on, read about, and its model predicts others."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sklearn.datasets import load_iris
from tests.browser.test_paint import DROP
from tests.browser.visiting import TWICE, violations
from tests.studio.running import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Open = Callable[..., "Page"]
Look = Callable[["Page", str], None]

GOES_ON = ".figures:text-matches('Epoch \\\\d{2,} of 100000: loss')"


@pytest.fixture(scope="module")
def flowers() -> str:
    """The irises as CSV, with the names of their species."""
    bunch = load_iris(as_frame=True)
    table = bunch.frame.assign(target=bunch.target_names[bunch.target])
    return str(table.rename(columns=lambda name: name.removesuffix(" (cm)")).to_csv(index=False))


def enter(page: "Page") -> None:
    """Go into the room."""
    page.click("nav a:text-is('Tables')")
    page.wait_for_selector("#room-tables:not([hidden]) .large")


def leave(page: "Page") -> None:
    """Go into another room."""
    page.click("nav a:text-is('Learn')")
    page.wait_for_selector("#room-learn:not([hidden])")


def drop(page: "Page", selector: str, name: str, text: str) -> None:
    """Drop a file."""
    page.evaluate(DROP, [selector, name, base64.b64encode(text.encode()).decode()])


def test_a_table_is_trained_on_and_predicts_another(
    open_page: Open, studio: Studio, look: Look, flowers: str, tmp_path: Path
) -> None:
    page = open_page()
    enter(page)
    drop(page, "body", "flowers.csv", flowers)
    page.wait_for_selector("#train:not([disabled])")
    assert page.input_value("#training-target") == "target"
    assert page.inner_text("#tables-outlook").startswith("150 rows, 4 inputs, 3 classes")
    assert page.locator(".tables-columns tbody tr").count() == 5
    look(page, "tables-understood-1280-light")
    assert violations(page) == []

    page.uncheck("[aria-label='Use sepal width']")
    page.wait_for_selector("#tables-outlook:text-matches('3 inputs')")
    page.check("[aria-label='Use sepal width']")
    page.wait_for_selector("#tables-outlook:text-matches('4 inputs')")
    page.eval_on_selector("#train", TWICE)
    page.wait_for_selector(".tables-measures", timeout=60_000)
    (told,) = studio.http.get("/api/trainings").json()["trainings"]
    assert page.inner_text(".tables-measures dd >> nth=0") == f"{told['test']['accuracy']:.4f}"
    assert told["test"]["accuracy"] > 0.8
    assert page.locator(".tables-matrix tbody tr").count() == 3
    label = page.get_attribute(".tables-curve >> nth=0", "aria-label") or ""
    assert label.startswith("Loss after 200 epochs: training 0.")

    drop(page, "#predict", "new.csv", "\n".join(flowers.splitlines()[:6]))
    page.wait_for_selector("#predicted button")
    assert page.inner_text("#predicted [role=status]") == "5 rows predicted."
    with page.expect_download() as saved:
        page.click("#predicted button")
    assert saved.value.suggested_filename == "new-predicted.csv"
    answers = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert answers[0] == "target,probability of setosa,probability of versicolor,probability of virginica"
    assert [line.split(",")[0] for line in answers[1:]] == ["setosa"] * 5
    look(page, "tables-trained-1280-light")
    with page.expect_download() as saved:
        page.click("text=Download model")
    model = studio.http.get(f"/api/trainings/{told['id']}/files/model.safetensors").content
    assert Path(saved.value.path()).read_bytes() == model
    for title in ("Report", "Classes", "As a command", "In scikit-learn"):
        page.click(f"#tables-shown summary:text-matches('^{title}')")
    assert page.inner_text("#tables-shown pre >> nth=1") == told["command"]
    page.wait_for_load_state("networkidle")
    look(page, "tables-results-1280-light")
    assert violations(page) == []
    for width, scheme in ((360, "light"), (360, "dark"), (768, "light"), (1280, "dark")):
        other = open_page(width, color_scheme=scheme, reduced_motion="reduce")
        enter(other)
        other.click("#trained button")
        other.wait_for_selector(".tables-measures")
        look(other, f"tables-trained-{width}-{scheme}")
        assert other.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert violations(other) == []


def train_long(page: "Page", flowers: str) -> None:
    """Begin a training that takes its time."""
    drop(page, "body", "flowers.csv", flowers)
    page.wait_for_selector("#train:not([disabled])")
    page.click("#tables-options summary")
    page.fill("#training-epochs", "100000")
    page.press("#training-epochs", "Tab")
    page.wait_for_selector("#tables-outlook:text-matches('100000 epochs')")
    page.wait_for_selector("#train:not([disabled])")
    page.click("#tables-options summary")
    page.click("#train")
    page.wait_for_selector(GOES_ON, timeout=60_000)


def test_a_long_training_is_watched_and_stopped(open_page: Open, look: Look, flowers: str) -> None:
    page = open_page()
    enter(page)
    train_long(page, flowers)
    look(page, "tables-training-1280-light")
    assert violations(page) == []
    page.click("text=Stop and keep")
    page.wait_for_selector(".figures:text-matches('^Stopped: Network')", timeout=30_000)
    page.wait_for_selector("button:text-is('Resume')")


def test_a_training_is_looked_at_once_at_a_time_and_by_its_room_alone(open_page: Open, flowers: str) -> None:
    page = open_page()
    enter(page)
    train_long(page, flowers)
    page.reload()
    page.wait_for_selector(GOES_ON)
    leave(page)
    asked: list[str] = []
    held: list[Route] = []

    def hold(route: "Route") -> None:
        held.append(route)

    page.on("request", lambda request: asked.append(request.url) if "?from=" in request.url else None)
    page.route("**/api/trainings/*?from=*", hold, times=1)
    page.click("nav a:text-is('Tables')")
    page.wait_for_timeout(3000)
    assert len(asked) == 1  # though the room was entered twice: the next look waits for this one's answer
    held[0].fulfill(status=400, body=json.dumps({"error": "One moment."}))
    page.wait_for_selector(".figures:text-is('One moment.')")
    page.wait_for_selector(GOES_ON)
    leave(page)
    asked.clear()
    page.wait_for_timeout(2000)
    assert asked == []
    page.click("nav a:text-is('Tables')")
    page.click("text=Stop and keep")
    page.wait_for_selector(".figures:text-matches('^Stopped: Network')", timeout=60_000)


def test_a_table_that_needs_its_encoding_is_asked_for_it(open_page: Open, look: Look, flowers: str) -> None:
    page = open_page(360)
    enter(page)
    content = flowers.replace("setosa", "börstig").encode("utf-16-le")
    page.evaluate(DROP, ["body", "flowers.csv", base64.b64encode(content).decode()])
    page.wait_for_selector(".setting:has(#training-encoding) .tables-error:text-matches('flowers.csv, line ')")
    assert page.is_disabled("#train")
    look(page, "tables-encoding-360-light")
    assert violations(page) == []
    page.fill("#training-encoding", "utf-16-le")
    page.press("#training-encoding", "Tab")
    page.wait_for_selector("#tables-outlook:text-matches('150 rows, 4 inputs, 3 classes')")
    assert page.locator(".tables-error").count() == 0
    assert page.is_enabled("#train")


def test_what_is_wrong_is_said_at_its_field(open_page: Open, look: Look, flowers: str) -> None:
    page = open_page(768)
    enter(page)
    drop(page, "body", "sheet.csv", "PK\x03\x04 no table")
    page.wait_for_selector("#tables-notice:text-matches('sheet.csv: ')")
    drop(page, "body", "flowers.csv", flowers)
    page.wait_for_selector("#train:not([disabled])")
    page.click("#tables-options summary")
    page.fill("#training-hidden", "10, many")
    page.press("#training-hidden", "Tab")
    page.wait_for_selector(".setting:has(#training-hidden) .tables-error:text-matches('whole numbers of units')")
    assert page.is_disabled("#train")
    look(page, "tables-error-768-light")
    assert page.get_attribute("#training-hidden", "aria-invalid") == "true"
    assert violations(page) == []
    page.fill("#training-hidden", "none")
    page.press("#training-hidden", "Tab")
    page.wait_for_selector("#train:not([disabled])")
    assert page.locator(".tables-error").count() == 0
