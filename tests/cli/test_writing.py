"""What cannot be written: full disks, places that do not exist, readers that leave. Nothing old is harmed by it."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfumato.cli import run
from sfumato.outputs import LIST

Call = Callable[..., Any]
Snapshot = Callable[[Path], dict[str, bytes | None]]

pytestmark = pytest.mark.usefixtures("blank_figures")

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of a process's files")


SMALL = ["train", "spiral", "--epochs", "2", "--hidden", "2", "--quiet"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, to copy."""
    folder = tmp_path_factory.mktemp("small") / "run"
    assert run([*SMALL, "-o", str(folder)]) == 0
    return folder


@posix_only
@pytest.mark.parametrize("name", ["checkpoint.safetensors", "config.json", "cost.png"])
def test_a_full_disk_in_training_leaves_the_run_before_whole(
    name: str, small: Path, here: Call, on_a_full_disk: Call, snapshot: Snapshot, tmp_path: Path
) -> None:
    shutil.copytree(small, tmp_path / "run")
    before = snapshot(tmp_path)
    limit = (tmp_path / "run" / name).stat().st_size // 2
    done = on_a_full_disk(limit, *SMALL, "-o", "run", "--overwrite", "--seed", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sfumato: run/")
    assert f"{name}: cannot be written (File too large)" in done.stderr
    assert done.stderr.count("\n") == 1
    after = snapshot(tmp_path)
    if name != "checkpoint.safetensors":  # that of the new run, to go on from once there is space
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
        done = subprocess.run(
            [*program, "check", "spiral", "--hidden", "2"],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "sfumato: <stdout>: cannot be written (No space left on device)\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_has_seen_enough_disturbs_nothing(stream: str, program: list[str], tmp_path: Path) -> None:
    command = [*program, "train", "spiral", "--epochs", "3", "--verbose", "-o", "run"]
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


TABLE = ["flowers.csv", "--epochs", "2", "--hidden", "2", "--quiet", "--overwrite"]
IN_THE_WAY = "was made by no run and stands in the way of one; move it, or name another folder"


@pytest.fixture
def flowers_here(flowers: str, tmp_path: Path) -> Path:
    """The table of flowers in the test's folder."""
    (tmp_path / "flowers.csv").write_text(flowers, encoding="utf-8")
    return tmp_path / "flowers.csv"


@pytest.mark.parametrize(
    ("command", "mine"),
    [
        ("train", "report.txt"),
        ("train", "cost.png"),
        ("train", "model.safetensors"),
        ("tune", "trials.csv"),
        ("tune", "study.db"),
        ("tune", "best/report.txt"),
    ],
)
def test_what_no_run_has_made_is_neither_replaced_nor_removed(
    command: str, mine: str, flowers_here: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / mine).parent.mkdir(exist_ok=True)
    (tmp_path / mine).write_text("mine", encoding="utf-8")
    assert refused(command, *TABLE, "-o", ".") == f"{mine}: {IN_THE_WAY}"


def test_a_run_among_files_of_one_s_own_leaves_them(
    flowers_here: Path, here: Call, snapshot: Snapshot, tmp_path: Path
) -> None:
    mine = [
        "weights.png",
        "boundary.png",
        "best/notes.txt",
        "trials.csv",
    ]  # names of files that this run has no use for
    (tmp_path / "best").mkdir()
    for name in mine:
        (tmp_path / name).write_text("mine", encoding="utf-8")
    before = snapshot(tmp_path)
    for seed in ("0", "1"):
        assert here("train", *TABLE, "-o", ".", "--seed", seed).status == 0
        assert before.items() < snapshot(tmp_path).items()
    listed = (tmp_path / LIST).read_text(encoding="utf-8").splitlines()
    assert {*listed, LIST} == {path.name for path in tmp_path.iterdir()} - {"best", "flowers.csv", *mine}


def test_the_files_of_a_run_of_0_1_0_are_known_without_a_list(
    flowers_here: Path, here: Call, refused: Callable[..., str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    assert here("train", *TABLE, "-o", "run").status == 0
    (folder / LIST).unlink()
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    (folder / "weights.png").write_text("of an earlier run", encoding="utf-8")
    assert here("train", *TABLE, "-o", "run").status == 0
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert not (folder / "weights.png").exists()
    (folder / LIST).unlink()
    (folder / "model.safetensors").unlink()
    (folder / "checkpoint.safetensors").write_text("mine", encoding="utf-8")
    assert refused("train", *TABLE, "-o", "run") == f"run/checkpoint.safetensors: {IN_THE_WAY}"


@pytest.mark.slow
def test_a_search_is_replaced_and_what_lies_beside_it_stays(
    flowers_here: Path, here: Call, refused: Callable[..., str], tmp_path: Path
) -> None:
    command = ["tune", *TABLE, "--trials", "2", "-o", "search"]
    assert here(*command).status == 0
    folder = tmp_path / "search"
    mine = [folder / "notes.txt", folder / "best" / "weights.png"]
    for path in mine:
        path.write_text("mine", encoding="utf-8")
    for without_list in (False, True):
        if without_list:  # as 0.1.0 left it
            (folder / LIST).unlink()
            (folder / "importance.png").write_text("of an earlier search", encoding="utf-8")
        assert here(*command).status == 0
        assert [path.read_text(encoding="utf-8") for path in mine] == ["mine", "mine"]
        assert not (folder / "importance.png").exists(), "there is none for two trials"
    (folder / "trials.csv").write_bytes(flowers_here.read_bytes())  # so few trials are too few to learn from
    read = ["tune", "search/trials.csv", "-o", "search", "--overwrite", "--quiet"]
    assert refused(*read) == "search/trials.csv: is an input of this command; name another folder for the results"


@pytest.fixture
def named(tmp_path: Path) -> Callable[[str, Path], str]:
    """Gives a file another name: by a link, a hard link or a path of another look."""

    def call(how: str, path: Path) -> str:
        other = tmp_path / f"other{path.suffix}"
        if how == "relative":
            return str(Path("..") / tmp_path.name / path.relative_to(tmp_path))
        other.symlink_to(path) if how == "link" else other.hardlink_to(path)
        return other.name

    return call


@posix_only
@pytest.mark.parametrize("how", ["relative", "link", "hard link"])
@pytest.mark.parametrize(
    ("command", "read"),
    [
        ("export run -o", "run/model.safetensors"),
        ("predict run flowers.csv -o", "flowers.csv"),
        ("predict run/model.safetensors flowers.csv -o", "run/model.safetensors"),
        ("evaluate run flowers.csv -o", "flowers.csv"),
        ("evaluate run flowers.csv --html", "run/model.safetensors"),
        ("import run/model.safetensors --like run -o", "run/model.safetensors"),
        ("check flowers.csv -o", "flowers.csv"),
        ("check --objective mine.py:Objective -o", "mine.py"),
        ("tune curve.png --learning-rate-only -o", "curve.png"),
        ("style curve.png sfumato:ink -o", "curve.png"),
        ("style content.png sfumato:ink --vgg-weights weights.png -o", "weights.png"),
    ],
)
def test_no_command_writes_over_what_it_reads(
    command: str,
    read: str,
    how: str,
    flowers_here: Path,
    trained: Path,
    named: Callable[[str, Path], str],
    refused: Callable[..., str],
    tmp_path: Path,
) -> None:
    shutil.copytree(trained, tmp_path / "run")
    for name in ("mine.py", "curve.png", "weights.png", "content.png"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    said = refused(*command.split(), named(how, tmp_path / read), "--overwrite", "--quiet")
    assert "is an input of this command" in said or "is one of the pictures to read" in said


@posix_only
@pytest.mark.parametrize("file", ["flowers.csv", "held-out.csv"])
def test_no_run_writes_over_what_it_reads(
    file: str, flowers_here: Path, here: Call, refused: Callable[..., str], tmp_path: Path
) -> None:
    assert here("train", *TABLE, "-o", "run").status == 0
    (tmp_path / "held-out.csv").write_bytes(flowers_here.read_bytes())
    (tmp_path / "run" / "report.txt").unlink()
    (tmp_path / "run" / "report.txt").hardlink_to(tmp_path / file)
    said = refused("train", *TABLE, "--test", "held-out.csv", "-o", "run")
    assert said == "run/report.txt: is an input of this command; name another folder for the results"


def test_the_folder_of_a_run_is_made_with_those_above_it(here: Call, tmp_path: Path) -> None:
    place = Path("new") / "räume und mehr" / "run"
    assert here(*SMALL, "-o", str(place)).status == 0
    assert (tmp_path / place / "model.safetensors").is_file()
