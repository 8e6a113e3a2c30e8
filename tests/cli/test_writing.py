"""What cannot be written: full disks, places that do not exist, readers that leave. Nothing old is harmed by it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]
Snapshot = Callable[[Path], dict[str, bytes | None]]

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
del sys.argv[1]
from sfumato.cli import main
main()
"""
"""The program where no file can grow beyond so many bytes, as on a disk that is nearly full."""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of a process's files")


@pytest.fixture
def on_a_full_disk(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs the program in the test's folder with a limit on the size of its files."""

    def call(room: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", LIMITED, str(room), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)

    return call


@posix_only
@pytest.mark.parametrize(
    ("room", "fails"), [(500, "checkpoint.safetensors"), (7_000, "model.safetensors"), (12_000, "cost.png")]
)
def test_a_full_disk_in_training_leaves_the_run_before_whole(
    room: int, fails: str, here: Call, on_a_full_disk: Call, snapshot: Snapshot, tmp_path: Path
) -> None:
    small = ["train", "moons", "--epochs", "2", "--hidden", "2", "--optimizer", "gd"]
    assert here(*small, "-o", "run", "--quiet").status == 0
    before = snapshot(tmp_path)
    # The checkpoint of momentum's two vectors is smaller, and that of Adam's three larger, than the model's figures
    done = on_a_full_disk(room, *small, "-o", "run", "--overwrite", "--seed", "1", "--quiet")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("sfumato: run/")
    assert "cannot be written (File too large)" in done.stderr
    after = snapshot(tmp_path)
    progress = str(tmp_path / "run" / "checkpoint.safetensors")
    assert before.pop(progress)
    assert after.pop(progress)
    assert after == before
    assert fails
