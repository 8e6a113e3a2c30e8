"""Pages of others in the same browser: whatever they try, the studio does not do it."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.studio.running import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TRIES = """async ([studio, key]) => {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ content: "sfumato:ink", styles: [["sfumato:ink", 1]], settings: {}, names: {} });
  const tried = {};
  const attempt = async (name, ask) => {
    tried[name] = await ask().then((answer) => `${answer.type} ${answer.status}`, () => "refused");
  };
  await attempt("read", () => fetch(`${studio}/api/jobs`, { headers }));
  await attempt("read the page", () => fetch(`${studio}/`));
  await attempt("write", () => fetch(`${studio}/api/jobs`, { method: "POST", headers, body }));
  await attempt("write blindly", () => fetch(`${studio}/api/jobs`, { method: "POST", mode: "no-cors", body }));
  await attempt("hand in", () => fetch(`${studio}/api/pictures?name=x.png`, { method: "PUT", headers, body }));
  tried.socket = await new Promise((resolve) => {
    const socket = new WebSocket(`${studio.replace("http", "ws")}/api/events`, ["sfumato", key]);
    socket.onopen = () => resolve("opened");
    socket.onerror = () => resolve("refused");
  });
  tried.frame = await new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.src = `${studio}/#key=${key}`;
    frame.onload = () => setTimeout(() => {
      try { resolve(frame.contentDocument ? "read" : "refused"); } catch { resolve("refused"); }
    }, 300);
    document.body.append(frame);
  });
  return tried;
}"""

FORM = """([studio]) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: `${studio}/api/jobs`, enctype: "text/plain" });
  document.body.append(form);
  form.submit();
}"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[str]:
    """The address of a page of somebody else's on this machine."""
    (tmp_path / "index.html").write_text("<!doctype html><title>other</title><body>", encoding="utf-8")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_page_of_another_origin_can_do_nothing_even_with_the_key(
    other: str, browser: "Browser", studio: Studio
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(other)
    tried = page.evaluate(TRIES, [studio.url, studio.key])
    assert set(tried.values()) == {"refused"}, tried
    page.evaluate(FORM, [studio.url])
    page.wait_for_load_state()
    assert json.loads(page.inner_text("body"))["error"] == "this was not asked by a page of the studio"
    assert studio.jobs() == []
    context.close()


def test_a_name_that_is_made_to_point_here_is_not_answered(browser: "Browser", studio: Studio) -> None:
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"{studio.url.replace('127.0.0.1', 'evil.example')}/")
    assert answer is not None
    assert answer.status == 403
    tried = page.evaluate(
        "async (key) => (await fetch('/api/jobs', {headers: {Authorization: `Bearer ${key}`}})).status", studio.key
    )
    assert tried == 403
    context.close()


def test_without_the_key_the_page_says_what_to_do_and_with_it_leaves_no_trace_in_the_address(
    browser: "Browser", studio: Studio
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(studio.url)
    page.wait_for_selector("#banner:text('the key is missing: open the address that `sfumato studio` printed')")
    page.goto(f"{studio.url}/#key={studio.key}")
    page.reload()
    page.wait_for_selector("#studio:not([hidden])")
    assert page.url == f"{studio.url}/"
    again = context.new_page()
    again.goto(studio.url)
    again.wait_for_selector("#studio:not([hidden])")
    context.close()
