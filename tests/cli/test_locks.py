"""Two runs at one place: the second is told who is there, and the death of the first ends its claim."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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
    again = start(*command, "--overwrite")
    again.until((tmp_path / BEGUN[out]).exists)
    assert again.poll() is None, again.communicate()


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
