"""What cannot be written: full disks, places that do not exist, readers that leave. Nothing old is harmed by it."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]
Snapshot = Callable[[Path], dict[str, bytes | None]]

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of a process's files")


SMALL = ["train", "moons", "--epochs", "2", "--hidden", "2", "--quiet"]


@posix_only
@pytest.mark.parametrize("name", ["checkpoint.safetensors", "config.json", "cost.png"])
def test_a_full_disk_in_training_leaves_the_run_before_whole(
    name: str, here: Call, on_a_full_disk: Call, snapshot: Snapshot, tmp_path: Path
) -> None:
    assert here(*SMALL, "-o", "run").status == 0
    before = snapshot(tmp_path)
    room = (tmp_path / "run" / name).stat().st_size // 2
    done = on_a_full_disk(room, *SMALL, "-o", "run", "--overwrite", "--seed", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sfumato: run/")
    assert f"{name}: cannot be written (File too large)" in done.stderr
    assert done.stderr.count("\n") == 1
    after = snapshot(tmp_path)
    if name != "checkpoint.safetensors":  # that of the new run, to go on from once there is room
        for files in (before, after):
            assert files.pop(str(tmp_path / "run" / "checkpoint.safetensors"))
        assert here(*SMALL, "-o", "run", "--resume", "--seed", "1").status == 0
    assert after == before


@posix_only
def test_a_full_disk_at_the_first_write_leaves_nothing(on_a_full_disk: Call, tmp_path: Path) -> None:
    done = on_a_full_disk(100, *SMALL, "-o", "run")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert list(tmp_path.iterdir()) == []


@posix_only
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_full_disk_leaves_the_answers_before_whole(
    command: str, trained: Path, on_a_full_disk: Call, snapshot: Snapshot, tmp_path: Path
) -> None:
    (tmp_path / "answers").write_text("the old ones", encoding="utf-8")
    before = snapshot(tmp_path)
    flowers = str(trained.parent / "flowers.csv")
    done = on_a_full_disk(50, command, str(trained), flowers, "-o", "answers", "--overwrite")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sfumato: answers: cannot be written (File too large); nothing was changed\n"
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only some systems have a device that is always full")
def test_a_full_standard_output(program: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run([*program, "info"], stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert done.stderr == "sfumato: <stdout>: cannot be written (No space left on device)\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_has_seen_enough_disturbs_nothing(stream: str, program: list[str], tmp_path: Path) -> None:
    command = [*program, "train", "moons", "--epochs", "3", "--verbose", "-o", "run"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        gone, read = (process.stdout, process.stderr)[:: 1 if stream == "stdout" else -1]
        gone.close()
        said = read.read()
    assert process.returncode == 0
    assert said
    assert "Error" not in said
    assert (tmp_path / "run" / "report.txt").exists()


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("", "--out names no folder"),
        ("a-file", "a-file: is a file; --out names the folder of a run"),
        ("a-file/below", "a-file/below: this folder cannot be written to"),
        ("x" * 300, "File name too long"),
        pytest.param(
            "/proc/run",
            "/proc/run: this folder cannot be written to",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="a place nobody may write to: Linux's /proc"),
        ),
    ],
)
def test_places_where_no_run_can_be(out: str, said: str, refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("", encoding="utf-8")
    assert said in refused(*SMALL, "-o", out)


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("", "--out names no file"),
        ("nowhere/answers.csv", "there is no folder nowhere; make it first"),
        ("a-file", "a-file: exists already; add --overwrite"),
        ("a-file/below", "a-file/below: there is no folder a-file"),
        (".", ".: is a folder; name a file"),
        ("x" * 300, "File name too long"),
    ],
)
@pytest.mark.parametrize("command", ["info", "check", "predict", "evaluate"])
def test_places_where_no_answer_can_be(
    command: str, out: str, said: str, refused: Callable[..., str], trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "a-file").write_text("", encoding="utf-8")
    flowers = str(trained.parent / "flowers.csv")
    data = {"info": [], "check": ["spiral"]}.get(command, [str(trained), flowers])
    assert said in refused(command, *data, "-o", out)


@posix_only
@pytest.mark.parametrize("out", [["/dev/null"], ["pipe", "--overwrite"], ["link", "--overwrite"]])
@pytest.mark.parametrize("command", ["predict", "evaluate", "export"])
def test_a_device_or_pipe_is_not_turned_into_a_file(
    command: str, out: list[str], refused: Callable[..., str], trained: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    data = [] if command == "export" else [str(trained.parent / "flowers.csv")]
    said = refused(command, str(trained), *data, "-o", *out)
    assert said == f"{out[0]}: is a device or a pipe, which no file can replace; name a file"
    assert (tmp_path / "link").is_symlink()
    assert stat.S_ISFIFO((tmp_path / "link").stat().st_mode)


@posix_only
def test_a_link_is_followed(here: Call, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("answers.csv")
    command = ["predict", str(trained), str(trained.parent / "flowers.csv"), "--overwrite", "-o", "link"]
    for _ in range(2):
        assert here(*command).status == 0
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "answers.csv").read_text(encoding="utf-8").startswith("kind\n")


def test_the_folder_of_a_run_is_made_with_those_above_it(here: Call, tmp_path: Path) -> None:
    place = Path("new") / "räume und mehr" / "run"
    assert here(*SMALL, "-o", str(place)).status == 0
    assert (tmp_path / place / "model.safetensors").is_file()
