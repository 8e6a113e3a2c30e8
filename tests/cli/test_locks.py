"""Two runs at one place: the second is told who is there, and the death of the first ends its claim."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from sfumato import stylize, train
from sfumato.errors import InputError
from sfumato.pictures.files import write_image

Call = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("blank_figures")

FOR_LONG = {
    "run": ["train", "spiral", "--epochs", "1000000", "-o", "run"],
    "search": ["tune", "spiral", "--epochs", "3", "--trials", "100000", "-o", "search"],
    "out.png": ["style", "content.png", "style.png", "--steps", "100000", "--size", "32", "-o", "out.png"],
    "painted": ["style", "content.png", "style.png", "--steps", "100000", "--size", "32", "-o", "painted/"],
    "sheet.png": ["style", "content.png", "style.png", "--grid", "--steps", "9999", "--size", "32", "-o", "sheet.png"],
}
"""Commands that go on for hours, by what they write."""

BEGUN = {
    "run": "run/checkpoint.safetensors",
    "search": "search/study.db",
    "out.png": ".out.png.checkpoint",
    "painted": "painted/.content.png.checkpoint",
    "sheet.png": ".sheet.png.cells/settings.json",
}
"""A file that is there once each is at work."""


@pytest.fixture
def pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("content.png", "style.png"):
        write_image(tmp_path / name, rng.integers(256, size=(32, 32, 3), dtype=np.uint8))


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("out", FOR_LONG)
def test_a_second_run_is_told_of_the_first_until_that_has_died(
    out: str, start: Call, here: Call, tmp_path: Path
) -> None:
    command = FOR_LONG[out]
    process = start(*command)
    process.until((tmp_path / BEGUN[out]).exists)
    for more in ([], ["--overwrite"], *([["--resume"]] if out != "painted" else [])):
        status, answer, said = here(*command, *more)
        assert (status, answer) == (2, "")
        assert f": another run (process {process.pid}) is writing there; wait until it has ended" in said
    process.kill()
    process.wait()
    if out in ("run", "out.png"):  # one of a folder, and one of a file
        again = start(*command, "--overwrite")
        again.until((tmp_path / BEGUN[out]).exists)
        assert again.poll() is None, again.communicate()


def test_what_a_search_will_write_is_left_to_it(start: Call, here: Call, tmp_path: Path) -> None:
    process = start(*FOR_LONG["search"])
    process.until((tmp_path / BEGUN["search"]).exists)
    short = ["train", "spiral", "--epochs", "1", "-o"]
    assert here(*short, "model")[0] == 0
    for command in (
        [*short, "search/best"],
        ["predict", "model/model.safetensors", "spiral", "-o", "search/report.txt"],
        ["export", "model/model.safetensors", "-o", "search/trials.csv"],
    ):
        for more in ([], ["--overwrite"]):
            status, _, said = here(*command, *more)
            assert status == 2
            assert f"{command[-1]}: another run (process {process.pid}) is writing there" in said
    assert here(*short, "search/of_mine")[0] == 0, "what the search will not write is anybody's"
    process.kill()
    process.wait()
    assert here(*short, "search/best")[0] == 0


@pytest.mark.usefixtures("pictures")
def test_the_doors_of_python_hold_the_same_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def meanwhile_training(record: object) -> bool:
        with pytest.raises(InputError, match=f"another run .process {os.getpid()}. is writing there"):
            train("spiral", epochs=1, out="run", overwrite=True)
        return True

    def meanwhile_painting(record: object) -> bool:
        with pytest.raises(InputError, match=f"another run .process {os.getpid()}. is writing there"):
            stylize("content.png", "style.png", size=32, steps=1, out="out.png", overwrite=True)
        return True

    train("spiral", epochs=2, out="run", callback=meanwhile_training)
    stylize("content.png", "style.png", size=32, steps=2, out="out.png", callback=meanwhile_painting)
    assert not [path.name for path in tmp_path.rglob("*") if "lock" in path.name], "nothing of it stays"


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of Unix")
@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize(
    ("planted", "command"),
    [
        ("run/.sfumato-files", ["train", "spiral", "--epochs", "1", "-o", "run"]),
        ("run/.sfumato-lock", ["train", "spiral", "--epochs", "1", "-o", "run"]),
        ("run/.sfumato-unfinished", ["train", "spiral", "--epochs", "1", "-o", "run"]),
        ("run/.sfumato-files", ["tune", "spiral", "--epochs", "1", "--trials", "1", "-o", "run"]),
        (".out.png.lock", ["style", "content.png", "style.png", "--size", "32", "--steps", "1", "-o", "out.png"]),
        (".out.png.checkpoint", ["style", "content.png", "style.png", "--size", "32", "--steps", "1", "-o", "out.png"]),
    ],
)
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_was_planted_where_a_run_keeps_its_own_is_neither_followed_nor_waited_for(
    kind: str, planted: str, command: list[str], refused: Call, tmp_path: Path
) -> None:
    place = tmp_path / planted
    place.parent.mkdir(exist_ok=True)
    (tmp_path / "precious.txt").write_text("precious")
    if kind == "link":
        place.symlink_to(tmp_path / "precious.txt")
    else:
        os.mkfifo(place)
    for more in ([], ["--overwrite"]):
        assert f"{planted}: is a link, a pipe or a device where a run keeps a file of its own" in refused(
            *command, *more
        )
    assert (tmp_path / "precious.txt").read_text() == "precious"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills as Unix does")
def test_the_jobs_of_a_search_end_with_it(start: Call, tmp_path: Path) -> None:
    process = start("tune", "spiral", "--epochs", "2000", "--trials", "500", "--jobs", "2", "-o", "search", "--quiet")
    process.until((tmp_path / "search" / "study.db").exists)
    jobs: list[psutil.Process] = []
    while process.poll() is None and len(jobs) < 2:
        jobs = [job for job in psutil.Process(process.pid).children() if "spawn_main" in " ".join(job.cmdline())]
        time.sleep(0.05)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(jobs, timeout=60)
    assert not alive
