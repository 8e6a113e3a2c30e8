"""Jobs of the studio: the command line's pictures, stopped, cut off, gone on with, queued and removed."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.studio.running import FAST, Studio
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from sfumato.pictures.files import read_description, read_image

SLOWLY: dict[str, Any] = {"optimizer": "adam", "learning_rate": 0.0002, "start": "noise", "style_loss": "gram"}
LONG = {**FAST, **SLOWLY, "steps": 90000}
"""Settings that take longer than any test waits: the loss falls in small steps, and for long."""


def moves(job: dict[str, Any]) -> bool:
    """Whether a job has taken some steps."""
    return job["state"] == "painting" and len(job["losses"]) > 5


def events_of(studio: Studio) -> ClientConnection:
    """The page's WebSocket."""
    protocols = [Subprotocol("sfumato"), Subprotocol(studio.key)]
    return connect(f"{studio.url.replace('http', 'ws')}/api/events", origin=Origin(studio.url), subprotocols=protocols)


def asked(events: ClientConnection, timeout: float = 60) -> tuple[dict[str, Any], bytes]:
    """Ask for a frame, and wait for it: what it says, and its preview."""
    events.send("next")
    frame = events.recv(timeout)
    assert isinstance(frame, bytes)
    end = 4 + int.from_bytes(frame[:4], "little")
    return json.loads(frame[4:end]), frame[end:]


def painted_by_command(command: str, folder: Path) -> Path:
    """Run a command that the page shows, where the pictures lie; returns the file that it writes."""
    words = shlex.split(command)
    assert words[:2] == ["sfumato", "style"]
    program = [sys.executable, "-c", "from sfumato.cli import main; main()"]
    subprocess.run([*program, *words[1:], "--quiet"], cwd=folder, check=True, env=os.environ)
    return folder / words[-1]


def settings_of(path: Path) -> dict[str, Any]:
    """Settings in a painted file."""
    settings: dict[str, Any] = json.loads(read_description(path) or "")
    return settings


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"style_weight": 30.5, "turned": True, "seed": 3, "start": "noise", "memory": 2 * 10**9},
        {"colour": "luminance", "optimizer": "adam", "size": "full"},
        {"colour": "only"},
    ],
    ids=lambda settings: "-".join(settings) or "plain",
)
def test_the_studio_paints_what_the_command_paints(
    settings: dict[str, Any], pictures: tuple[Path, Path], studio: Studio
) -> None:
    content, style = map(studio.give, pictures)
    names = {content: "content.png", style: "style.png"}
    name = studio.paint(content, style, "sfumato:ink", names=names, **{**FAST, **settings})
    job = studio.painted(name)
    assert job["state"] == "finished", job
    out = painted_by_command(job["command"], pictures[0].parent)
    assert np.array_equal(read_image(out), read_image(studio.folder / "jobs" / name / "out.png"))
    assert settings_of(out) == settings_of(studio.folder / "jobs" / name / "out.png")
    answer = studio.http.get(f"/api/jobs/{name}/picture")
    assert answer.content == out.read_bytes()
    told = studio.http.put("/api/pictures?name=dropped.png", content=answer.content).json()
    assert told["settings"] | job["settings"] == told["settings"]
    wanted = [(own["role"], own["name"], own["id"], own["weight"], own["here"]) for own in told["inputs"]]
    assert wanted == [
        ("content", "content.png", content, 1, True),
        ("style", "style.png", style, 0.5, True),
        ("style", "sfumato:ink", "sfumato:ink", 0.5, True),
    ]


def test_a_job_goes_on_from_a_picture(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    names = {content: "content.png", style: "style.png"}
    first = studio.paint(content, style, names=names, **FAST)
    studio.painted(first)
    (pictures[0].parent / "first.png").write_bytes(studio.http.get(f"/api/jobs/{first}/picture").content)
    begun = studio.give(pictures[0].parent / "first.png")
    name = studio.paint(content, style, names={**names, begun: "first.png"}, **FAST, start=begun, style_weight=50)
    job = studio.painted(name)
    out = painted_by_command(job["command"], pictures[0].parent)
    assert out.read_bytes() == studio.http.get(f"/api/jobs/{name}/picture").content


def test_a_job_that_is_stopped_or_killed_goes_on_to_the_same_picture(
    pictures: tuple[Path, Path], start_studio: Callable[..., Studio]
) -> None:
    studio = start_studio()
    content, style = map(studio.give, pictures)
    settings = {**FAST, "steps": 400, "optimizer": "adam"}
    whole = studio.paint(content, style, **settings)
    assert studio.painted(whole)["state"] == "finished"

    name = studio.paint(content, style, **settings)
    studio.until(name, moves)
    studio.http.post(f"/api/jobs/{name}/stop")
    stopped = studio.painted(name)
    assert stopped["state"] == "stopped"
    assert 0 < len(stopped["losses"]) < 400
    assert studio.http.get(f"/api/jobs/{name}/picture?size=64").status_code == 200

    studio.http.post(f"/api/jobs/{name}/resume")
    studio.until(name, lambda job: moves(job) and (studio.folder / "jobs" / name / ".out.png.checkpoint").exists())
    studio.process.kill()
    studio.process.wait()

    again = start_studio()
    assert again.job(name)["state"] == "stopped"
    again.http.post(f"/api/jobs/{name}/resume")
    job = again.painted(name)
    if job["state"] == "failed":  # the painter of the killed studio had not ended yet
        assert "another run" in job["error"]
        time.sleep(2)
        again.http.post(f"/api/jobs/{name}/resume")
        job = again.painted(name)
    assert job["state"] == "finished"
    assert len(job["losses"]) == len(again.job(whole)["losses"])
    jobs = again.folder / "jobs"
    assert (jobs / name / "out.png").read_bytes() == (jobs / whole / "out.png").read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff", ".heic"])
def test_a_picture_is_saved_in_any_format_with_its_settings(
    suffix: str, pictures: tuple[Path, Path], studio: Studio
) -> None:
    content, style = map(studio.give, pictures)
    name = studio.paint(content, style, **FAST)
    settings = studio.painted(name)["settings"]
    answer = studio.http.get(f"/api/jobs/{name}/picture", params={"format": suffix})
    if suffix not in studio.http.get("/api/options").json()["formats"]:
        assert answer.status_code == 404
        return
    out = pictures[0].with_name(f"out{suffix}")
    out.write_bytes(answer.content)
    painted = read_image(studio.folder / "jobs" / name / "out.png").astype(int)
    assert np.abs(read_image(out) - painted).mean() < 8  # of a picture that is noise
    told = studio.http.put(f"/api/pictures?name={out.name}", content=answer.content).json()
    assert told["settings"] == settings
    assert [(own["role"], own["id"], own["here"]) for own in told["inputs"]] == [
        ("content", content, True),
        ("style", style, True),
    ]


def test_jobs_wait_for_each_other_and_are_removed(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    first, second, third = (studio.paint(content, style, **LONG) for _ in range(3))
    studio.until(first, moves)
    states = {job["id"]: (job["state"], job["position"]) for job in studio.http.get("/api/jobs").json()["jobs"]}
    assert states == {first: ("painting", 0), second: ("waiting", 1), third: ("waiting", 2)}
    assert "stop it first" in studio.http.post(f"/api/jobs/{first}/remove").json()["error"]
    assert "nothing to go on with" in studio.http.post(f"/api/jobs/{second}/resume").json()["error"]
    assert studio.http.post(f"/api/jobs/{second}/nothing").status_code == 404
    studio.http.post(f"/api/jobs/{second}/stop")
    assert studio.job(second)["state"] == "stopped"
    studio.http.post(f"/api/jobs/{first}/stop")
    studio.until(third, moves)
    studio.http.post(f"/api/jobs/{third}/stop")
    for name in (first, second, third):
        studio.painted(name)
        studio.http.post(f"/api/jobs/{name}/remove")
        assert studio.http.get(f"/api/jobs/{name}").status_code == 404
    assert studio.jobs() == []
    assert [
        path.name for path in (studio.folder / "jobs").iterdir() if path.name not in (".estimate", "queue.json")
    ] == []


def test_waiting_jobs_change_places_and_are_offered_after_the_studio_was_killed(
    pictures: tuple[Path, Path], start_studio: Callable[..., Studio]
) -> None:
    studio = start_studio()
    content, style = map(studio.give, pictures)
    first, second, third = (studio.paint(content, style, **LONG) for _ in range(3))
    studio.until(first, moves)
    for name in (third, second, second):  # up, and back; the first of those that wait stays so
        studio.http.post(f"/api/jobs/{name}/earlier")
    assert [studio.job(name)["position"] for name in (second, third)] == [1, 2]
    studio.http.post(f"/api/jobs/{third}/earlier")
    studio.process.kill()
    studio.process.wait()

    again = start_studio()
    assert again.http.get("/api/jobs").json()["left"] == [first, third, second]
    again.http.post(f"/api/jobs/{third}/leave")
    again.http.post(f"/api/jobs/{second}/resume")
    again.until(second, moves)
    assert again.http.get("/api/jobs").json()["left"] == [first]
    again.close()  # as Ctrl-C does: what was at work is offered, too
    assert start_studio().http.get("/api/jobs").json()["left"] == [second, first]


def test_previews_come_as_they_are_asked_for(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    with events_of(studio) as events:
        assert asked(events)[0]["job"] is None
        name = studio.paint(content, style, **LONG)
        records: list[dict[str, Any]] = []
        previews: list[bytes] = []
        while len(previews) < 2:
            said, preview = asked(events)
            assert said["job"] in (None, name)
            records += [said["record"]] if said.get("record") else []
            previews += [preview] if preview else []
        assert all(preview.startswith(b"\xff\xd8") for preview in previews)
        assert previews[0] != previews[1]
        assert [record["step"] for record in records] == sorted(record["step"] for record in records)
        assert records[-1].keys() >= {"scale", "scales", "step", "steps", "loss", "done", "seconds", "left"}
        time.sleep(0.3)
        with pytest.raises(TimeoutError):
            events.recv(0.3)  # nothing comes that was not asked for


def test_an_estimate_comes_before_the_job_and_says_what_fits(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    wanted: dict[str, Any] = {"content": content, "styles": [[style, 1]], "names": {content: "cat.png"}}
    answer = studio.http.post("/api/estimate", json={**wanted, "settings": FAST}).json()["estimate"]
    assert (answer["width"], answer["height"], answer["tiles"]) == (64, 48, 1)
    assert answer["seconds"] > 0
    assert 10**7 < answer["memory_bytes"] < answer["allowed_bytes"]
    assert studio.http.post("/api/estimate", json={**wanted, "settings": {"colour": "only"}}).json()["estimate"] is None
    settings = {**FAST, "size": 20_000, "memory": "300MB"}
    refused = studio.http.post("/api/estimate", json={**wanted, "settings": settings})
    assert (refused.status_code, refused.json()["field"]) == (400, "size")
    assert refused.json()["error"].startswith("cat.png: at 20000 x 15000 pixels it takes at least")
    largest = int(refused.json()["error"].split("; ")[-1].split()[0])
    assert 64 < largest < 20_000
    assert "Optimizer: adam, or Style loss: gram" in refused.json()["error"]
    job = studio.http.post("/api/jobs", json={**wanted, "settings": settings})
    assert (job.status_code, job.json()) == (400, refused.json())
    assert studio.jobs() == []
    assert not [path for path in (studio.folder / "jobs").iterdir() if path.name not in (".estimate", "queue.json")]
    fitting = {**wanted, "settings": {**settings, "size": largest}}
    assert studio.http.post("/api/estimate", json=fitting).json()["estimate"]["largest_size"] == largest


def test_estimates_give_way_to_painting(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    wanted = {"content": content, "styles": [[style, 1]], "names": {}, "settings": {"seed": 7}}
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(studio.http.post("/api/estimate", json=wanted).json()))
    asking.start()
    time.sleep(0.3)
    name = studio.paint(content, style, **LONG)
    asking.join()
    assert answers == [{"estimate": None, "postponed": True}]
    studio.until(name, moves)
    assert studio.http.post("/api/estimate", json=wanted).json() == {"estimate": None, "postponed": True}


def test_jobs_that_are_put_in_the_queue_at_once_are_all_taken(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    with ThreadPoolExecutor(3) as pool:
        names = pool.map(lambda seed: studio.paint(content, style, **{**FAST, "seed": seed}), (11, 12, 13))
    assert {*names} == {*studio.jobs()}


def test_strokes_that_are_far_too_large_are_refused_at_their_field(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    wanted = {"content": content, "styles": [[style, 1]], "names": {}, "settings": {**FAST, "style_scale": 4000}}
    for path in ("/api/jobs", "/api/estimate"):
        answer = studio.http.post(path, json=wanted)
        assert (answer.status_code, answer.json()["field"]) == (400, "style_scale")
        assert answer.json()["error"].endswith("65536 is the most; choose a smaller Stroke size")


def test_an_estimate_is_given_up_once_its_page_asks_something_else(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    wanted = {"content": content, "styles": [[style, 1]], "names": {}}
    with pytest.raises(httpx.ReadTimeout):
        studio.http.post("/api/estimate", json={**wanted, "settings": {"seed": 1}}, timeout=0.5)
    answer = studio.http.post("/api/estimate", json={**wanted, "settings": {**FAST, "seed": 2}})
    assert answer.json()["estimate"]["width"] == 64


def test_a_job_that_cannot_be_painted_says_why(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    settings = {**FAST, "content_layers": {"block9_conv1": 1}}
    wanted = {"content": content, "styles": [[style, 1]], "names": {content: "cat.png"}, "settings": settings}
    answer = studio.http.post("/api/jobs", json=wanted)
    assert answer.status_code == 400
    assert "block9_conv1" in answer.json()["error"]
    assert str(studio.folder) not in answer.json()["error"]
    assert studio.jobs() == []


@pytest.mark.skipif(sys.platform == "win32", reason="there, Ctrl-C goes to all processes of a terminal")
def test_ctrl_c_stops_the_job_at_work_and_keeps_it(
    pictures: tuple[Path, Path], start_studio: Callable[..., Studio]
) -> None:
    studio = start_studio()
    content, style = map(studio.give, pictures)
    name = studio.paint(content, style, **LONG)
    studio.until(name, moves)
    with events_of(studio) as events:
        asked(events)
        wanted = {"content": content, "styles": [[style, 1]], "names": {}, "settings": {}}
        waiting = threading.Thread(target=studio.http.post, args=["/api/estimate"], kwargs={"json": wanted})
        waiting.start()
        studio.process.send_signal(signal.SIGINT)
        assert studio.process.wait(timeout=30) == 0
        waiting.join()
    assert studio.said() == ""
    outcome = json.loads((studio.folder / "jobs" / name / "outcome.json").read_bytes())
    assert outcome["state"] == "stopped"
    again = start_studio()
    assert again.job(name)["state"] == "stopped"
    assert again.http.get(f"/api/pictures/{content}").status_code == 200  # the job needs it


def test_starting_removes_no_files_but_the_studios_own_that_nothing_names(
    pictures: tuple[Path, Path], start_studio: Callable[..., Studio]
) -> None:
    studio = start_studio()
    content, style = map(studio.give, pictures)
    (pictures[1].parent / "other.png").write_bytes(pictures[0].read_bytes() + b"behind its end")
    unused = studio.give(pictures[1].parent / "other.png")
    studio.painted(studio.paint(content, style, **FAST))
    studio.close()
    kept = studio.folder / "pictures"
    (kept / "notes.txt").write_text("mine", encoding="utf-8")
    (kept / "below").mkdir()
    (kept / f"{style}.png").unlink()
    start_studio()
    assert {path.name for path in kept.iterdir()} == {"notes.txt", "below", f"{content}.png"}
    assert unused not in {content, style}


def test_a_job_that_is_stopped_before_its_first_step_is_stopped(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    name = studio.paint(content, style, **LONG)
    studio.until(name, lambda job: job["state"] == "painting")
    studio.http.post(f"/api/jobs/{name}/stop")
    assert studio.painted(name)["state"] == "stopped"
    studio.http.post(f"/api/jobs/{name}/remove")
    assert not (studio.folder / "jobs" / name).exists()


def test_the_command_names_a_result_that_is_none_of_its_pictures(pictures: tuple[Path, Path], studio: Studio) -> None:
    content, style = map(studio.give, pictures)
    names = {content: "cat.png", style: "cat-painted.png"}
    told = studio.painted(studio.paint(content, style, names=names, **FAST))
    assert told["command"].endswith("-o cat-painted-2.png")
