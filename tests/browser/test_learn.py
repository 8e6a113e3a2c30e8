"""Learning in the browser: the network that is watched, asked and taken away."""

import base64
import math
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.visiting import tab_to, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocket

Open = Callable[..., "Page"]
Look = Callable[["Page", str], None]

SMALL = {"data": {"kind": "circles", "n": 60}, "network": {"hidden": [3]}, "optimizer": {"name": "gd"}}
WRITE = """async (state) => (await import("/static/js/learn/address.mjs")).write(state)"""
PANELS = ("explain", "trace", "check", "report", "export")


def deflated(text: str) -> str:
    """Text as an address holds it."""
    return base64.urlsafe_b64encode(zlib.compress(text.encode())).decode().rstrip("=")


def figures(page: "Page") -> dict[str, str]:
    """What stands above the network, by its name."""
    names = page.locator("#learn-figures dt").all_inner_texts()
    return dict(zip(names, page.locator("#learn-figures dd").all_inner_texts(), strict=True))


def enter(page: "Page", state: dict[str, Any]) -> None:
    """Open the room with a state in its address, as a link does."""
    page.wait_for_selector("#learn-figures dt")
    address = page.evaluate(WRITE, state)
    page.evaluate("address => { location.hash = address; }", address)
    kind = state["data"]["kind"]
    page.wait_for_selector(f"#learn-data-kind:has(option[value={kind}]:checked)")
    page.wait_for_selector("#learn-equations math")


def test_a_spiral_is_learnt_and_taken_away_by_keyboard_alone(open_page: Open, look: Look) -> None:
    page = open_page(room="learn")
    page.wait_for_selector("#learn-figures dt")
    tab_to(page, "#learn-run")
    page.keyboard.press("Space")
    page.wait_for_selector("#learn-figures dd:text-matches('^(9[5-9]|100)[.]')", timeout=30_000)
    page.keyboard.press("Space")
    assert page.inner_text("#learn-run") == "Run"
    look(page, "learnt-1280-light")
    tab_to(page, ".learn-target")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".learn-bars")
    tab_to(page, "#panel-export summary")
    page.keyboard.press("Enter")
    tab_to(page, "[data-kind=script]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#export-result pre")
    assert "import sfumato" in page.inner_text("#export-result pre")
    tab_to(page, "#export-result a")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    compile(Path(saved.value.path()).read_text(encoding="utf-8"), saved.value.suggested_filename, "exec")


def test_each_frame_is_asked_for_once_the_one_before_has_come(open_page: Open) -> None:
    page = open_page()
    told: list[str] = []

    def watch(socket: "WebSocket") -> None:
        socket.on("framesent", lambda sent: told.append("go") if '"do":"go"' in str(sent) else None)
        socket.on("framereceived", lambda came: told.append("frame") if isinstance(came, bytes) else None)

    page.on("websocket", watch)
    page.click("#rooms a[href='#learn']")
    page.wait_for_selector("#learn-equations math")
    page.click("#learn-run")
    page.wait_for_selector("#learn-figures dd:text-matches('^[1-9]\\\\d+$')")
    assert len(told) > 20
    assert told == ["go", "frame"] * (len(told) // 2) + ["go"] * (len(told) % 2)
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.wait_for_function("() => document.querySelector('#learn-run').textContent === 'Pause'")
    settled = _settled(told, page)
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")
    deadline = time.monotonic() + 10
    while len(told) < settled + 6:
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def _settled(told: list[str], page: "Page") -> int:
    """Wait until no more is asked for; returns how much was."""
    for _ in range(50):
        before = len(told)
        page.wait_for_timeout(300)
        if len(told) == before:
            return before
    raise AssertionError("a page that cannot be seen asks for frames")


def test_the_numbers_of_an_equation_give_its_result(open_page: Open) -> None:
    page = open_page(room="learn")
    enter(page, SMALL)
    page.fill("#explain-example", "7")
    page.click("button.learn-unit >> nth=0")
    page.wait_for_selector("#learn-selected:text-matches('unit 1 of tanh_1', 'i')")
    lines = page.locator("#learn-equations math").all_text_contents()
    for numbers, result in ((lines[1], lines[2]), (lines[4], lines[5])):  # the sum, then tanh of it
        assert _value(numbers) == pytest.approx(_value(result), abs=2e-3)
    assert _value(lines[2]) == pytest.approx(float(_value(lines[4].replace("tanh", ""))))


def _value(equation: str) -> float:
    """The value of an equation's right side."""
    text = equation.rsplit("=", maxsplit=1)[-1]
    for sign, other in (("\u2212", "-"), ("\u00b7", "*"), ("\u2061", "")):
        text = text.replace(sign, other)
    return float(eval(text, {"tanh": math.tanh, "__builtins__": {}}))


def test_the_first_equation_has_an_input_that_is_not_zero(open_page: Open) -> None:
    page = open_page(room="learn")
    page.wait_for_selector("#learn-equations math")
    page.click("button.learn-unit >> nth=0")
    page.wait_for_selector("#learn-selected:text-matches('unit 1 of', 'i')")
    inputs = page.locator("#learn-equations math >> nth=1").locator("[data-layer=inputs]").all_text_contents()
    assert [float(text) != 0 for text in inputs] == [True, True]


def test_the_address_opens_the_same_playground_again(open_page: Open) -> None:
    page = open_page(room="learn")
    enter(page, SMALL)
    page.click("[aria-label='Add a layer']")
    page.wait_for_selector("[aria-label='Activation of layer 2']")
    page.select_option("[aria-label='Activation of layer 2']", "relu")
    page.click("#learn-step")
    page.wait_for_selector("#learn-figures dd:text-is('1')")
    loss = figures(page)["Training loss"]
    page.wait_for_function("address => location.hash !== address", arg=page.evaluate(WRITE, SMALL))
    again = open_page(room=page.url.partition("#")[2])
    again.wait_for_selector("#learn-equations math")
    assert again.input_value("#learn-data-kind") == "circles"
    assert again.input_value("[aria-label='Activation of layer 1']") == "tanh"
    assert again.input_value("[aria-label='Activation of layer 2']") == "relu"
    again.click("#learn-step")
    again.wait_for_selector("#learn-figures dd:text-is('1')")
    assert figures(again)["Training loss"] == loss


@pytest.mark.parametrize(
    ("part", "said"),
    [("nonsense!", "holds no playground"), (deflated('{"network": {"hidden": [9999]}}'), "was refused")],
    ids=["cut-off", "refused"],
)
def test_an_address_that_holds_no_playground_says_so(part: str, said: str, open_page: Open) -> None:
    page = open_page(room=f"learn&s={part}")
    page.wait_for_selector(f"#learn-notice:text-matches('{said}')")
    assert page.input_value("#learn-data-kind") == "spiral"


@pytest.mark.parametrize(
    ("part", "said"),
    [("nonsense!", "holds no playground"), (deflated('{"network": {"hidden": [9999]}}'), "was refused")],
    ids=["cut-off", "refused"],
)
def test_such_an_address_leaves_a_running_playground_as_it_is(part: str, said: str, open_page: Open) -> None:
    page = open_page(room="learn")
    enter(page, SMALL)
    page.click("#learn-step")
    page.wait_for_selector("#learn-figures dd:text-is('1')")
    page.evaluate("part => { location.hash = `#learn&s=${part}`; }", part)
    page.wait_for_selector(f"#learn-notice:text-matches('{said}')")
    page.click("#learn-step")
    page.wait_for_selector("#learn-figures dd:text-is('2')")
    assert page.input_value("#learn-data-kind") == "circles"


def test_a_second_click_at_once_belongs_to_the_first(open_page: Open) -> None:
    page = open_page(room="learn")
    page.wait_for_selector("#learn-equations math")
    page.dblclick("#learn-run")
    assert page.inner_text("#learn-run") == "Pause"


def test_own_points_are_drawn_typed_and_read_from_a_file(open_page: Open, tmp_path: Path) -> None:
    page = open_page(room="learn")
    page.wait_for_selector("#learn-equations math")
    page.select_option("#learn-data-kind", "points")
    page.wait_for_selector("#points-count:text('300 points')")
    page.click("#points-clear")
    page.wait_for_selector("#learn-notice:text('at least two classes')")
    plane = page.locator("#learn-plane").bounding_box()
    assert plane is not None
    page.mouse.move(plane["x"] + 60, plane["y"] + 60)
    page.mouse.down()
    page.mouse.move(plane["x"] + 180, plane["y"] + 60, steps=10)
    page.mouse.up()
    page.select_option("#points-class", "1")
    for across in ("1", "2"):
        page.fill("#points-x1", across)
        page.focus("#points-add")
        page.keyboard.press("Enter")
    page.wait_for_selector("#learn-legend:text('class 1')")
    page.click("#learn-step")
    page.wait_for_selector("#learn-figures dd:text-is('1')")
    drawn = int(page.inner_text("#points-count").split()[0])
    assert drawn > 4

    file = tmp_path / "people.csv"
    rows = "".join(f'{n},"{n % 7}",{"yes" if n > 10 else "no"}\n' for n in range(20))
    file.write_text(f"age,visits,bought\n{rows}", encoding="utf-8")
    page.select_option("#learn-data-kind", "table")
    page.set_input_files("#table-file", file)
    page.click("#table-use")
    page.wait_for_selector("#learn-legend:text('class no')")
    assert page.input_value("#learn-data-kind") == "table"

    file = tmp_path / "buyers.csv"
    file.write_text("age,visits,bought\n" + "".join(f"{n},{n % 7},yes\n" for n in range(20)), encoding="utf-8")
    page.set_input_files("#table-file", file)
    page.click("#table-use")
    page.wait_for_selector("#learn-notice:text('The column bought is yes in every row')")
    file = tmp_path / "ragged.csv"
    file.write_text("age,visits,bought\n1,2\n", encoding="utf-8")
    page.set_input_files("#table-file", file)
    page.wait_for_selector("#learn-notice:text('lines of different lengths')")
    assert not page.is_visible("#table-use")


def test_a_file_can_be_chosen_while_the_last_points_are_still_sent(open_page: Open) -> None:
    page = open_page(room="learn")
    page.wait_for_selector("#learn-equations math")
    page.select_option("#learn-data-kind", "points")
    page.wait_for_selector("#points-count:text('300 points')")
    page.click("#learn-step")
    page.wait_for_selector("#learn-figures dd:text-is('1')")  # the address holds these points
    before = page.evaluate("location.hash")
    page.evaluate("""() => {
        document.getElementById("points-add").click();
        const kind = document.getElementById("learn-data-kind");
        kind.value = "table";
        kind.dispatchEvent(new Event("change", { bubbles: true }));
    }""")
    page.wait_for_function("before => location.hash !== before", arg=before)  # the points have been answered
    assert page.is_visible("#table-file")
    assert not page.is_visible("#points-drawn")
    assert page.input_value("#learn-data-kind") == "table"


def test_a_rate_that_diverges_is_explained_and_mended(open_page: Open, look: Look) -> None:
    page = open_page(room="learn")
    enter(page, {**SMALL, "data": {"kind": "waves"}, "optimizer": {"name": "gd", "learning_rate": 10000}})
    page.click("#learn-run")
    page.wait_for_selector(".learn-diverged:text-matches('learning rate.*Step \\\\d+: .*largest')", timeout=20_000)
    look(page, "diverged-1280-light")
    page.click("#learn-notice button")
    page.wait_for_selector("#learn-figures dd:text-is('0')")
    assert page.input_value("#learn-optimizer-learning_rate") == "1000"
    assert page.inner_text("#learn-run") == "Run"


def test_an_example_is_stepped_through_and_its_gradient_checked(open_page: Open, look: Look) -> None:
    page = open_page(room="learn")
    enter(page, SMALL)
    page.click("#panel-trace > summary")
    page.wait_for_selector("#trace-title:text-matches('^1 of .*Forward')")
    assert "(4 × 2)(2 × 3) + (3)" in page.inner_text("#trace-arrays")
    for phase in ("loss", "backward", "update"):
        page.click(f"#trace-{phase}")
        page.wait_for_selector(f"#trace-title:text-matches('{phase}', 'i')")
    page.click("#panel-check > summary")
    page.click("#check-go")
    page.wait_for_selector("#check-words:text('the gradient is right')")
    assert page.locator(".learn-edge[data-verdict=right]").count() == page.locator(".learn-edge").count() == 13
    page.click("#check-scan")
    page.wait_for_selector("#scan-words:text('best at h')")
    page.click("#panel-report > summary")
    page.wait_for_selector(".confusion")
    look(page, "checked-1280-light")
    counts = [int(text) for text in page.locator("#report-parts section:first-child td[class]").all_inner_texts()]
    assert sum(counts) == 42  # 60 points, of which three tenths are held out
    page.click("#learn-step")
    page.wait_for_selector("#learn-diagram:not(.judged)")


@pytest.mark.parametrize(
    ("width", "scale", "scheme"),
    [(360, 1, "dark"), (768, 1, "light"), (1280, 1, "dark"), (640, 2, "light")],
    ids=["telephone-dark", "tablet", "desk-dark", "desk-at-200-percent"],
)
def test_the_room_fits_and_shuts_nobody_out(width: int, scale: int, scheme: str, open_page: Open, look: Look) -> None:
    page = open_page(width, room="learn", color_scheme=scheme, device_scale_factor=scale, reduced_motion="reduce")
    page.wait_for_selector("#learn-equations math")
    for panel in PANELS[1:]:
        page.click(f"#panel-{panel} > summary")
    page.wait_for_selector("#report-parts table")
    page.wait_for_selector("#trace-arrays table")
    look(page, f"learn-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert violations(page) == []
