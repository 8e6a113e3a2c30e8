"""Painting in the browser, as its user does: by pointer, by keyboard, by dropping files."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.browser.visiting import tab_to, violations
from tests.studio.running import Studio

from sfumato.pictures.files import write_image
from sfumato.style.stylize import stylize

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Open = Callable[..., "Page"]
Look = Callable[["Page", str], None]

CAT = Path(__file__).parents[2] / "examples" / "images" / "chelsea.jpg"
INK = "[data-id='sfumato:ink']"
CONTENT, STYLE = "#setting-content_layers", "#setting-style_layers"
DROP = """([selector, name, content]) => {
  const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name));
  document.querySelector(selector).dispatchEvent(
    new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(autouse=True)
def empty(studio: Studio) -> Iterator[None]:
    """Each test begins without jobs."""
    yield
    for name in studio.jobs():
        studio.http.post(f"/api/jobs/{name}/stop")
        studio.painted(name)
        studio.http.post(f"/api/jobs/{name}/remove")


def ask_for(page: "Page", *, size: int = 64, steps: int = 4, slowly: bool = False) -> None:
    """Fill the form: the cat in ink, small and by few layers, for a moment; or in small steps, for long."""
    page.set_input_files("#photo-file", CAT)
    page.click(INK)
    page.click("#look summary")
    page.click("#options summary")
    for field, text in (("#setting-size", str(size)), ("#setting-steps", str(steps)), ("#setting-scales", "1")):
        page.fill(field, text)
    page.fill(CONTENT, "block2_conv2")
    page.fill(STYLE, "block2_conv1")
    page.select_option("#setting-style_loss", "gram")
    if slowly:
        page.select_option("#setting-optimizer", "adam")
        page.select_option("#setting-start", "noise")
        page.fill("#setting-learning_rate", "0.0002")
    page.click("#look summary")
    page.click("#options summary")


def estimated(page: "Page") -> str:
    """What the page says before painting."""
    page.wait_for_selector("#estimate:text-matches('pixels')", timeout=60_000)
    text: str = page.inner_text("#estimate")
    return text


def test_a_photograph_is_painted_looked_at_and_saved(open_page: Open, studio: Studio, look: Look) -> None:
    page = open_page()
    assert page.is_disabled("#paint")
    ask_for(page)
    assert estimated(page).startswith("64 × 43 pixels: at most about ")
    page.click("#paint")
    page.wait_for_selector(".compare", timeout=60_000)
    page.focus(".compare input")
    page.keyboard.press("Home")
    assert page.eval_on_selector(".canvas", "canvas => canvas.style.getPropertyValue('--at')") == "0%"
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    assert page.input_value(".compare input") == "60"
    look(page, "painted-1280-light")
    assert violations(page) == []

    page.click("button:text-is('Loupe')")
    before = page.eval_on_selector(".loupe", "loupe => loupe.style.left")
    page.keyboard.press("ArrowRight")
    assert page.eval_on_selector(".loupe", "loupe => loupe.style.left") != before
    page.click("button:text-is('Loupe')")
    page.click("text=As a command")
    job = studio.job(studio.jobs()[0])
    assert page.inner_text("code") == job["command"]
    with page.expect_download() as saved:
        page.click("text=Download")
    assert saved.value.suggested_filename == "chelsea-painted.png"
    assert Path(saved.value.path()).read_bytes() == studio.http.get(f"/api/jobs/{job['id']}/picture").content

    page.on("dialog", lambda dialog: dialog.accept())
    page.click("button:text-is('Remove') >> nth=-1")
    page.wait_for_selector("#space:text('Nothing yet')")
    assert studio.jobs() == []


def test_a_long_job_is_watched_stopped_and_gone_on_with(open_page: Open, studio: Studio, look: Look) -> None:
    page = open_page()
    ask_for(page, steps=90000, slowly=True)
    page.click("#paint")
    page.wait_for_selector("img[src^=blob][alt='The picture so far']:not([data-path])", timeout=60_000)
    page.wait_for_selector(".figures:text-matches('step \\\\d+ of 90000. About ')")
    look(page, "painting-1280-light")
    assert violations(page) == []
    other = open_page(360, color_scheme="dark")
    other.click("#history button")
    other.wait_for_selector(".figures:text-matches('step ')")
    look(other, "painting-360-dark")

    page.click("text=Stop and keep")
    page.wait_for_selector(".figures:text-matches('^Stopped')", timeout=30_000)
    page.click("button:text-is('Resume')")
    page.wait_for_selector("progress", timeout=30_000)
    page.wait_for_selector(".figures:text-matches('step ')", timeout=30_000)
    page.click("text=Stop and keep")
    page.wait_for_selector(".figures:text-matches('^Stopped')", timeout=30_000)

    page.click("text=Go on from here")
    page.wait_for_selector("text=Going on from chelsea-painted.png")
    page.fill("#setting-style_weight", "50")
    page.fill("#setting-steps", "3")
    page.press("#setting-steps", "Tab")
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url.endswith("/api/jobs")):
        page.click("#paint")
    settings = studio.painted(studio.jobs()[0])["settings"]
    assert (settings["style_weight"], settings["steps"], len(settings["start"])) == (50, 3, 32)


def test_a_painted_file_that_is_dropped_fills_the_form(open_page: Open, studio: Studio) -> None:
    content = studio.give(CAT)
    fast = {"content_layers": {"block2_conv2": 1}, "style_layers": {"block2_conv1": 1}, "scales": 1}
    given = {**fast, "size": 64, "steps": 3, "style_weight": 33, "colour": "match", "style_loss": "gram"}
    name = studio.paint(content, "sfumato:ink", "sfumato:mosaic", names={content: "chelsea.jpg"}, **given)
    studio.painted(name)
    painted = studio.http.get(f"/api/jobs/{name}/picture").content
    page = open_page()
    page.evaluate(DROP, ["body", "found.png", base64.b64encode(painted).decode()])
    page.wait_for_selector("text=found.png was painted with the settings that are now in the form.")
    assert page.inner_text("#photo b") == "chelsea.jpg"
    assert page.locator("#chosen li").count() == 2
    assert page.get_attribute(INK, "aria-pressed") == "true"
    assert page.is_checked("input[name=colour][value=match]")
    assert estimated(page).startswith("64 × 43")
    page.click("#paint")
    page.wait_for_selector(".compare", timeout=60_000)
    newest = studio.jobs()[0]
    assert newest != name
    assert studio.job(newest)["settings"] == studio.job(name)["settings"]
    assert studio.http.get(f"/api/jobs/{newest}/picture").content == painted


def test_a_painted_file_says_which_pictures_it_wants_and_takes_them_into_their_places(
    open_page: Open, studio: Studio, tmp_path: Path
) -> None:
    own = tmp_path / "swirls.png"
    write_image(own, np.random.default_rng(1).integers(0, 256, (40, 40, 3)).astype(np.uint8))
    layers = {"content_layers": {"block2_conv2": 1}, "style_layers": {"block2_conv1": 1}}
    settings: dict[str, Any] = {**layers, "scales": 1, "size": 64}
    stylize(CAT, [(own, 3), ("sfumato:ink", 1)], out=tmp_path / "found.webp", steps=2, **settings)
    page = open_page()
    page.set_input_files("#photo-file", tmp_path / "found.webp")
    page.wait_for_selector("#notice span:text-matches('Give these again: .*the style swirls.png')")
    page.evaluate(DROP, ["body", "other name.png", base64.b64encode(own.read_bytes()).decode()])
    page.wait_for_selector("#chosen li >> nth=1")
    if page.locator("#photo b:text('chelsea.jpg')").count() == 0:
        page.evaluate(DROP, ["#own-style", "chelsea.jpg", base64.b64encode(CAT.read_bytes()).decode()])
        page.wait_for_selector("#photo b:text('chelsea.jpg')")
    assert page.input_value("#chosen input[aria-label='Weight of other name.png']") == "0.75"
    assert page.input_value("#setting-size") == "64"


def test_what_does_not_fit_or_is_no_picture_is_said_in_the_form(open_page: Open, studio: Studio) -> None:
    page = open_page()
    page.evaluate(DROP, ["#photo", "drawing.png", base64.b64encode(b"<svg xmlns='x'/>").decode()])
    page.wait_for_selector("#notice span:text('drawing.png: is an SVG drawing, which is not read; export it as PNG')")
    ask_for(page, size=20_000)
    page.click("#options summary")
    page.fill("#setting-memory", "300MB")
    page.press("#setting-memory", "Tab")
    page.wait_for_selector("#setting-size-wrong:text-matches('is the largest size that fits')", timeout=60_000)
    assert page.get_attribute("#setting-size", "aria-invalid") == "true"
    assert page.is_disabled("#paint")
    assert studio.jobs() == []


def test_presets_and_settings_fill_the_form(open_page: Open) -> None:
    page = open_page()
    page.click("#look summary")
    page.check("input[name=preset][value=bold]", force=True)
    assert page.input_value("#setting-style_weight") == "150"
    assert page.input_value("#setting-style_scale") == "1.5"
    page.fill("#setting-style_weight", "151")
    page.press("#setting-style_weight", "Tab")
    assert page.locator("input[name=preset]:checked").count() == 0
    page.fill("#setting-style_weight", "")  # the default again
    page.press("#setting-style_weight", "Tab")
    page.check("input[name=preset][value=default]", force=True)
    assert page.input_value("#setting-style_weight") == "10"


def test_everything_can_be_done_by_keyboard(open_page: Open, studio: Studio) -> None:
    page = open_page()
    page.set_input_files("#photo-file", CAT)  # the system's own dialog

    page.focus("#photo-file")
    tab_to(page, INK)
    page.keyboard.press("Space")
    tab_to(page, "#look summary")
    page.keyboard.press("Enter")
    tab_to(page, "#setting-size")
    page.keyboard.type("64")
    tab_to(page, "#setting-steps")
    page.keyboard.type("2")
    page.keyboard.press("Tab")
    page.focus(INK)
    tab_to(page, "#paint")
    page.keyboard.press("Enter")
    page.wait_for_selector(".compare", timeout=60_000)
    page.focus("#paint")
    tab_to(page, ".compare input")
    tab_to(page, "#history button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".compare")
    assert studio.job(studio.jobs()[0])["settings"] == {"size": 64, "steps": 2}


def test_the_page_goes_on_once_the_studio_is_started_again(browser: "Browser", tmp_path: Path) -> None:
    killed = Studio(tmp_path / "kept")
    page = browser.new_page()
    page.goto(f"{killed.url}/#key={killed.key}")
    ask_for(page)
    page.click("#paint")  # as a picture that no job names does not outlive the studio
    page.wait_for_selector(".compare", timeout=60_000)
    killed.process.kill()
    killed.close()
    page.click("#paint")
    page.wait_for_selector("#notice span:text-matches('The studio does not answer')")
    started = Studio(tmp_path / "kept", "--port", killed.url.rpartition(":")[2])
    assert estimated(page).startswith("64 × 43 pixels")
    assert page.inner_text("#notice") == ""
    assert page.is_enabled("#paint")
    page.close()
    started.close()


@pytest.mark.parametrize(
    ("width", "scale", "scheme"),
    [(360, 1, "light"), (360, 1, "dark"), (1280, 1, "light"), (1280, 1, "dark"), (640, 2, "light")],
    ids=["telephone", "telephone-dark", "desk", "desk-dark", "desk-at-200-percent"],
)
def test_the_page_fits_and_shuts_nobody_out(width: int, scale: int, scheme: str, open_page: Open, look: Look) -> None:
    page = open_page(width, color_scheme=scheme, device_scale_factor=scale, reduced_motion="reduce")
    for name in ("empty", "open"):
        page.wait_for_load_state("networkidle")
        look(page, f"{name}-{width}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert violations(page) == []
        page.click("#look summary")
        page.click("#options summary")
