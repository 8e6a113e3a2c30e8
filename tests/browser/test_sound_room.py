"""The view Sound in the browser: sounds are chosen, played in a manner, heard and seen before and after."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.io import wavfile
from tests.browser.test_paint import DROP
from tests.browser.visiting import TWICE, tab_to, violations
from tests.studio.running import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
Look = Callable[["Page", str], None]

PIANO, GUITAR = "#sound-content [data-id='sound:piano']", "#sound-style [data-id='sound:guitar']"


@pytest.fixture(autouse=True)
def empty(studio: Studio) -> Iterator[None]:
    """Each test begins without sounds that were played."""
    yield
    for told in studio.http.get("/api/playings").json()["playings"]:
        studio.http.post(f"/api/playings/{told['id']}/stop")
        studio.until(told["id"], lambda job: job["state"] not in ("waiting", "playing"), place="playings")
        studio.http.post(f"/api/playings/{told['id']}/remove")


def ask_for(page: "Page", *, steps: int, seconds: float = 1.5) -> None:
    """Fill the form: the piano, in the manner of the guitar."""
    page.click(PIANO)
    page.click(GUITAR)
    page.click("summary:text-is('Manner')")
    page.fill("#sound-seconds", str(seconds))
    page.fill("#sound-steps", str(steps))
    page.press("#sound-steps", "Tab")
    page.wait_for_selector(f"#sound-outlook:text-matches('{steps} steps at most, \\\\d+.MB of memory')")


def duration_of(page: "Page", title: str) -> float:
    """Length of a sound, as its player says it once it is loaded."""
    player = f"audio[aria-label='{title}']"
    page.wait_for_function("player => document.querySelector(player)?.readyState >= 1", arg=player)
    return float(page.eval_on_selector(player, "audio => audio.duration"))


def test_a_sound_is_played_in_a_manner_heard_seen_and_saved(open_page: Open, studio: Studio, look: Look) -> None:
    page = open_page(room="paint&sound", bypass_csp=True)  # which waiting for a function needs
    assert page.is_disabled("#play")
    ask_for(page, steps=4)
    page.eval_on_selector("#play", TWICE)
    page.wait_for_selector("button:text-is('Download WAV')", timeout=60_000)
    assert duration_of(page, "Before") == pytest.approx(1.5)
    assert duration_of(page, "After") == pytest.approx(1.5)
    assert duration_of(page, "Manner") == pytest.approx(8, abs=0.2)
    for which in ("before", "manner", "after"):
        image = f".sound-seen img[alt*=' {which}']"
        page.wait_for_function("image => document.querySelector(image)?.naturalHeight === 128", arg=image)
    page.eval_on_selector("audio[aria-label='After']", "audio => { audio.muted = true; return audio.play(); }")
    page.wait_for_function("document.querySelector(\"audio[aria-label='After']\").currentTime > 0")
    page.eval_on_selector("audio[aria-label='Before']", "audio => { audio.muted = true; return audio.play(); }")
    assert page.eval_on_selector("audio[aria-label='After']", "audio => audio.paused")
    page.eval_on_selector("audio[aria-label='Before']", "audio => audio.pause()")
    look(page, "sound-1280-light")
    assert violations(page) == []

    page.click("text=As a command")
    (job,) = studio.http.get("/api/playings").json()["playings"]
    assert page.inner_text("#sound-shown code") == job["command"]
    with page.expect_download() as saved:
        page.click("text=Download WAV")
    assert saved.value.suggested_filename == "piano-played.wav"
    assert Path(saved.value.path()).read_bytes() == studio.http.get(f"/api/playings/{job['id']}/file").content


def test_a_sound_is_watched_stopped_and_gone_on_with(open_page: Open, studio: Studio, look: Look) -> None:
    page = open_page(room="paint&sound")
    ask_for(page, steps=9000)
    page.click("#sound-form summary:text-is('All options')")
    page.select_option("#sound-optimizer", "adam")
    page.fill("#sound-learning_rate", "0.0001")
    page.press("#sound-learning_rate", "Tab")
    page.wait_for_selector("#play:not([disabled])")
    page.click("#play")
    page.wait_for_selector(".figures:text-matches('Step \\\\d+ of at most 9000. About ')", timeout=30_000)
    look(page, "sound-playing-1280-light")
    page.click("text=Stop and keep")
    page.wait_for_selector(".figures:text-matches('^Stopped: 1.5 s of mono')", timeout=30_000)
    page.click("button:text-is('Resume')")
    page.wait_for_selector(".figures:text-matches('Step ')", timeout=30_000)
    page.click("text=Stop and keep")
    page.wait_for_selector(".figures:text-matches('^Stopped')", timeout=30_000)
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#sound-shown button:text-is('Remove')")
    page.wait_for_selector("#played-none")
    assert studio.http.get("/api/playings").json()["playings"] == []


def test_sounds_are_dropped_and_what_cannot_be_used_is_said(open_page: Open, tmp_path: Path) -> None:
    page = open_page(room="paint&sound")
    page.evaluate(DROP, ["body", "notes.wav", base64.b64encode(b"a text").decode()])
    page.wait_for_selector("#sound-notice:text('notes.wav: is not a sound that can be read')")
    tone = 0.5 * np.sin(0.2 * np.arange(12_000))
    wavfile.write(tmp_path / "tone.wav", 8000, (32767 * tone).astype(np.int16))
    page.evaluate(DROP, ["body", "tone.wav", base64.b64encode((tmp_path / "tone.wav").read_bytes()).decode()])
    page.wait_for_selector("#sound-content b:text('tone.wav')")
    assert "1.5 s" in page.inner_text("#sound-content label")
    page.click(GUITAR)
    page.click("#sound-form summary:text-is('All options')")
    page.fill("#sound-begin", "1.2")
    page.press("#sound-begin", "Tab")
    page.wait_for_selector(".wrong:text('tone.wav: 0.30 s of it are too short; 0.5 s at least are needed')")
    assert page.get_attribute("#sound-begin", "aria-invalid") == "true"
    assert page.is_disabled("#play")


def test_a_texture_needs_no_sound_to_play(open_page: Open, studio: Studio) -> None:
    page = open_page(room="paint&sound")
    page.focus("#sound-content-file")
    tab_to(page, GUITAR)
    page.keyboard.press("Space")
    tab_to(page, "summary")
    page.keyboard.press("Enter")
    page.check("#sound-presets input[value=texture]")
    assert page.input_value("#sound-seconds") == "10"
    page.fill("#sound-seconds", "1")
    page.fill("#sound-steps", "2")
    page.press("#sound-steps", "Tab")
    page.wait_for_selector("#play:not([disabled])")
    page.click("#play")
    page.wait_for_selector("h2:text-is('More of the guitar')")
    page.wait_for_selector("button:text-is('Download WAV')", timeout=60_000)
    assert page.locator(".sound-figure").count() == 2
    (job,) = studio.http.get("/api/playings").json()["playings"]
    assert job["command"].startswith("sfumato sound sound:guitar --seconds 1 --content-weight 0 ")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "dark")])
def test_the_view_fits_and_shuts_nobody_out(width: int, scheme: str, open_page: Open, look: Look) -> None:
    page = open_page(width, room="paint&sound", color_scheme=scheme)
    page.click(PIANO)
    page.click("summary:text-is('Manner')")
    page.click("#sound-form summary:text-is('All options')")
    page.wait_for_load_state("networkidle")
    look(page, f"sound-open-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert violations(page) == []
