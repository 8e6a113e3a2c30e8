"""`torchrun -m sfumato`: one job in several processes, of which one writes, speaks, and keeps what a death leaves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from sfumato.cli.processes import PATIENCE
from sfumato.pictures.files import read_image
from sfumato.storage import load_header

Call = Callable[..., Any]

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def torchrun(count: int, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The program in so many processes."""
    command = [*LAUNCH, str(count), "-m", "sfumato", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The program's own lines on standard error, without those of torchrun."""
    return [line for line in done.stderr.splitlines() if line.startswith("sfumato:")]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("content", "style"):
        coarse = rng.integers(256, size=(12, 18, 3), dtype=np.uint8)
        Image.fromarray(np.kron(coarse, np.ones((8, 8, 1), np.uint8))).save(tmp_path / f"{name}.png")
    return tmp_path


TRAIN = ["train", "spiral", "--epochs", "4", "--dropout", "0.2", "--hidden", "12", "--json", "--quiet", "--out"]


@pytest.mark.slow
def test_training_in_two_processes_says_and_writes_once_what_one_process_does(here: Call, tmp_path: Path) -> None:
    launched = torchrun(2, *TRAIN, "two", folder=tmp_path)
    assert launched.returncode == 0, launched.stderr
    pair = [json.loads(out) for out in (launched.stdout, here(*TRAIN, "one").out)]  # exactly one object
    for name in ("train_loss", "validation_loss", "test_loss"):
        assert pair[0][name] == pytest.approx(pair[1][name], rel=1e-5)
    assert pair[0]["steps"] == pair[1]["steps"]
    assert {path.name for path in (tmp_path / "two").iterdir()} == {path.name for path in (tmp_path / "one").iterdir()}
    assert not said(launched)


def test_two_processes_paint_the_picture_of_one(pictures: Path, together: Call, here: Call) -> None:
    style = [
        "style",
        "content.png",
        "style.png",
        "--size",
        "96",
        "--steps",
        "3",
        "--scales",
        "1",
        "--optimizer",
        "adam",
        "--json",
        "--quiet",
        "-o",
    ]
    first, second = together(2, [sys.executable, "-m", "sfumato", *style, "two.png"], pictures)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert (second.stdout, second.stderr) == ("", "")
    pair = [json.loads(out) for out in (first.stdout, here(*style, "one.png").out)]
    assert pair[0]["loss"] == pytest.approx(pair[1]["loss"], rel=1e-4)
    difference = read_image(pictures / "two.png").astype(int) - read_image(pictures / "one.png")
    assert np.abs(difference).max() <= 2
    assert not list(pictures.glob(".*"))  # no checkpoint is left


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(("rank", "then"), [(0, 1), pytest.param(1, 3, marks=pytest.mark.slow)])
def test_a_killed_process_ends_the_job_with_a_line_and_a_checkpoint_for_any_number(
    rank: int, then: int, together: Call, here: Call, tmp_path: Path
) -> None:
    options = ["train", "spiral", "--hidden", "12", "--quiet", "--batch-size", "50", "--out", "run"]
    options += ["--schedule", "constant", "--epochs"]
    running = subprocess.Popen(
        [*LAUNCH, "2", "-m", "sfumato", *options, "100000"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    _until(lambda: checkpoint.exists() and load_header(checkpoint)["progress"][0] > 0)
    _process(running, rank).send_signal(signal.SIGKILL)
    _, err = running.communicate(timeout=120)
    assert running.returncode != 0
    (line,) = [line for line in err.splitlines() if line.startswith("sfumato:")]
    assert line.startswith(f"sfumato: process {1 - rank} of 2 has lost another one, and the job ends; ")
    assert "--resume" in line
    done = load_header(checkpoint)["progress"][0]
    assert done > 0
    command = [*options, str(done + 2), "--resume", "--json"]
    if then == 1:
        status, out, err = here(*command)
    else:
        further = together(then, [sys.executable, "-m", "sfumato", *command], tmp_path)[0]
        status, out, err = further.returncode, further.stdout, further.stderr
    assert status == 0, err
    assert json.loads(out)["epochs"] == done + 2


def _until(happened: Callable[[], bool]) -> None:
    import time

    for _ in range(6000):
        if happened():
            return
        time.sleep(0.01)
    raise TimeoutError


def _process(launcher: subprocess.Popen[str], rank: int) -> psutil.Process:
    """The process of that number among those that torchrun has started."""
    for process in psutil.Process(launcher.pid).children(recursive=True):
        if process.environ().get("RANK") == str(rank):
            return process
    raise LookupError(rank)


REFUSED = {
    "predict model.safetensors rows.csv": "torchrun is for train and style: run predict without it",
    "style folder --style style.png -o painted": "torchrun's processes share one picture",
    "train nowhere.csv": "nowhere.csv",
}


def test_what_processes_cannot_share_is_refused_in_one_line(tmp_path: Path) -> None:
    done = torchrun(2, "train", "spiral", "--batch-size", "1", folder=tmp_path)
    assert done.returncode != 0
    (line,) = said(done)
    assert "a batch of 1 examples is too small for 2 processes to share" in line


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("arguments", REFUSED)
def test_what_is_refused_before_processes_meet(
    arguments: str, rank: int, pictures: Path, here: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of two processes: the first says it at once, the other waits for torchrun to end it for the first's."""
    (pictures / "folder").mkdir()
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", str(rank))
    waited: list[float] = []
    monkeypatch.setattr("sfumato.cli.processes.time.sleep", waited.append)
    status, out, err = here(*arguments.split())
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("sfumato: ")
    assert REFUSED[arguments] in line
    own = "nowhere" in arguments  # a file may be missing on one machine alone, so each process tells of its own
    assert waited == ([] if rank == 0 or own else [PATIENCE])
