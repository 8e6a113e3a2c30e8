"""What the studio takes of a machine, with its page in Chromium: frames, round trips, memory, previews.

python -m benchmarks.studio                       about fifteen minutes
python -m benchmarks.studio --seconds 20 --minutes 1

Needs `pip install '.[browser]'` and Debian's Chromium. The network that is watched has 2, 8 and 3 units and 11 maps of
50 x 50, and another process keeps one core busy meanwhile. Previews are timed with compiled kernels in their cache.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.machine import describe, usable_cores
from benchmarks.table import markdown
from sfumato import stylize
from sfumato.studio.painter import Reporter
from sfumato.style.result import StepRecord

PHOTO = Path(__file__).parent.parent / "examples" / "images" / "chelsea.jpg"
STYLE = "sfumato:starry-night"

Rows = list[tuple[str, str, str]]

STATE = {"data": {"kind": "spiral", "classes": 3}, "network": {"hidden": [8]}, "view": {"grid": 50}}
"""The playground that is watched."""

COUNTED = """
  const measured = (globalThis.measured = { frames: 0, trips: [], shown: new Set() });
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (!this.asked) {
      this.asked = [];
      this.addEventListener("message", (event) => {
        const trip = event.timeStamp - this.asked.shift();
        if (!(event.data instanceof ArrayBuffer)) return;
        measured.frames += 1;
        measured.trips.push(trip);
      });
    }
    this.asked.push(performance.now());
    return send.call(this, data);
  };
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...parts) {
    measured.shown.add(document.timeline.currentTime);
    return draw.apply(this, parts);
  };
"""
"""Counts frames that arrive and the times since they were asked for, and notes when maps are drawn."""

FRESH = "() => { Object.assign(measured, { frames: 0, trips: [] }); measured.shown.clear(); }"

READ = "() => ({ frames: measured.frames, trips: measured.trips, shown: measured.shown.size })"

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The studio in a process of its own: its address, and the process."""
    command = [sys.executable, "-m", "sfumato", "studio", "--folder", str(folder), "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), psutil.Process(process.pid)
        process.send_signal(signal.SIGINT)


@contextmanager
def busy_core() -> Iterator[None]:
    """Keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def playground(context: BrowserContext, address: str) -> Page:
    """The page with the playground, which trains."""
    page = context.new_page()
    page.add_init_script(COUNTED)
    page.goto(address.replace("#", "#learn&"))
    page.wait_for_selector("#learn-figures dt")
    write = "async (state) => (await import('/static/js/learn/address.mjs')).write(state)"
    page.evaluate("address => { location.hash = address; }", page.evaluate(write, STATE))
    page.wait_for_selector("#learn-data-kind:has(option[value=spiral]:checked)")
    page.click("#learn-run")
    return page


def frames(page: Page, seconds: float) -> tuple[float, float, float]:
    """Frames a second, pictures of the screen a second, and the median round trip in milliseconds."""
    page.wait_for_timeout(2000)
    page.evaluate(FRESH)
    begin = time.perf_counter()
    page.wait_for_timeout(1000 * seconds)
    measured, took = page.evaluate(READ), time.perf_counter() - begin
    return measured["frames"] / took, measured["shown"] / took, statistics.median(measured["trips"])


def growth(page: Page, server: psutil.Process, minutes: float) -> float:
    """Megabytes that the server grows by while it trains."""
    page.wait_for_timeout(20_000)
    before = server.memory_info().rss
    page.wait_for_timeout(60_000 * minutes)
    return (server.memory_info().rss - before) / 1e6


def hidden_share(page: Page, server: psutil.Process, seconds: float) -> float:
    """Share of a core that the server takes for a page in the background."""
    page.evaluate(HIDE, True)
    page.wait_for_timeout(2000)
    before = sum(server.cpu_times()[:2])
    page.wait_for_timeout(1000 * seconds)
    share = (sum(server.cpu_times()[:2]) - before) / seconds
    page.evaluate(HIDE, False)
    return share


def first_preview(browser: Browser, address: str, size: int) -> float:
    """Seconds from Paint to the first preview; the job is ended."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.set_input_files("#photo-file", PHOTO)
    page.click(f"[data-id='{STYLE}']")
    page.click("#look summary")
    page.fill("#setting-size", str(size))
    page.press("#setting-size", "Tab")
    page.wait_for_selector("#estimate:text-matches('pixels')", timeout=120_000)
    begin = time.perf_counter()
    page.click("#paint")
    page.wait_for_selector("#easel img[src^='blob:']", timeout=120_000)
    took = time.perf_counter() - begin
    page.click("text=Stop and keep")
    page.wait_for_selector(".compare", timeout=120_000)
    context.close()
    return took


def server_share(address: str, server: psutil.Process, size: int) -> float:
    """Share of a core that the server takes while a picture is painted, whose records and previews it passes on."""
    url, _, key = address.partition("/#key=")
    headers = {"Authorization": f"Bearer {key}", "Origin": url}
    with httpx.Client(base_url=url, headers=headers, timeout=600) as http:
        picture = http.put("/api/pictures", params={"name": PHOTO.name}, content=PHOTO.read_bytes()).json()["id"]
        asked = {"content": picture, "styles": [[STYLE, 1]], "names": {}, "settings": {"size": size}}
        begin, before = time.perf_counter(), sum(server.cpu_times()[:2])
        name = http.post("/api/jobs", json=asked).json()["id"]
        while http.get(f"/api/jobs/{name}").json()["state"] in ("waiting", "painting"):
            time.sleep(1)
        return (sum(server.cpu_times()[:2]) - before) / (time.perf_counter() - begin)


def painter_share(size: int) -> float:
    """Share of a picture's time that the painter takes for its records and previews, as it painted one by itself."""
    spent = 0.0
    with Path(os.devnull).open("wb", buffering=0) as nobody:

        def send(kind: bytes, content: bytes) -> None:
            nobody.write(kind + content)

        reporter = Reporter(send)

        def report(record: StepRecord) -> None:
            nonlocal spent
            begin = time.perf_counter()
            reporter.after_step(record)
            spent += time.perf_counter() - begin

        result = stylize(PHOTO, STYLE, size=size, callback=report)
    return spent / result.seconds


def learning(browser: Browser, address: str, server: psutil.Process, asked: argparse.Namespace) -> Rows:
    """What the playground takes."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = playground(context, address)
    with busy_core():
        told, shown, trip = frames(page, asked.seconds)
    rows: Rows = [
        ("frames a second that arrive, one core busy", f"{told:.0f}", ""),
        ("frames a second that are drawn, one core busy", f"{shown:.0f}", "30 at least"),
        ("median round trip, one core busy", f"{trip:.1f} ms", "33 ms"),
        (f"growth of the server in {asked.minutes:g} minutes", f"{growth(page, server, asked.minutes):.1f} MB", "5 MB"),
        ("server, for a page in the background", f"{hidden_share(page, server, 20):.2%} of a core", "1 %"),
    ]
    context.close()
    return rows


def previews(browser: Browser, address: str, size: int) -> Rows:
    """Time to the first preview."""
    stylize(PHOTO, STYLE, size=64, steps=2)  # so that the kernels are compiled
    first = [first_preview(browser, address, size) for _ in range(3)]
    return [(f"first preview at {size} px, median of 3", f"{statistics.median(first):.1f} s", "3 s")]


def costs(address: str, server: psutil.Process, size: int) -> Rows:
    """What it takes to show a picture while it is painted."""
    return [
        (f"records and previews, of the painter's time at {size} px", f"{painter_share(size):.2%}", "2 %"),
        (
            f"server, while a picture of {size} px is painted",
            f"{server_share(address, server, size):.2%} of a core",
            "",
        ),
    ]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="that frames are counted")
    parser.add_argument("--minutes", type=float, default=10.0, help="that memory is watched")
    parser.add_argument("--size", type=int, default=512, help="of the picture whose first preview is waited for")
    parser.add_argument("--small", type=int, default=256, help="size of the pictures that are painted whole")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "studio") as (address, server),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        rows = learning(browser, address, server, asked) + previews(browser, address, asked.size)
        version = browser.version
        browser.close()
        rows += costs(address, server, asked.small)
    print(markdown(["what", "measured", "wished for"], rows))
    print(f"\n{describe({f'Chromium {version}, without a screen'}, usable_cores(), None)}")


if __name__ == "__main__":
    main()
