"""The program as its users meet it: as a process of its own, and, where many calls are needed, as a function."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from sfumato.cli import run
from sfumato.pictures.files import write_image

PROGRAM = [sys.executable, "-c", "from sfumato.cli import main; main()"]


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
del sys.argv[1]
from sfumato.cli import main
main()
"""
"""The program where no file can grow beyond so many bytes, as on a disk that is nearly full."""


class Running(subprocess.Popen[str]):
    """A command that is still at work."""

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait for something to happen, or for the command to end."""
        while self.poll() is None and not happened():
            time.sleep(0.005)


class Done(NamedTuple):
    """A finished command."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def program() -> list[str]:
    """How the installed program is called: by its name beside Python, or through Python where it is not installed."""
    installed = Path(sys.executable).with_name("sfumato.exe" if sys.platform == "win32" else "sfumato")
    return [str(installed)] if installed.is_file() else PROGRAM


@pytest.fixture
def sfumato(program: list[str], tmp_path: Path) -> Callable[..., Done]:
    """Runs the real program in the test's folder, with the environment's variables changed as asked."""

    def call(*arguments: str, **environment: str) -> Done:
        done = subprocess.run(
            [*program, *arguments],
            cwd=tmp_path,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def start(program: list[str], tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts the program in the test's folder, with variables as asked; it does not outlive the test."""
    started = []

    def call(*arguments: str, **environment: str) -> Running:
        process = Running(
            [*program, *arguments],
            cwd=tmp_path,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def on_a_full_disk(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs the program in the test's folder with a limit on the size of its files."""

    def call(limit: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", LIMITED, str(limit), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)

    return call


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Does what the program does, in this process and in the test's folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Done:
        capfd.readouterr()
        status = run(list(arguments))
        return Done(status, *capfd.readouterr())

    return call


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves figures blank in this process, for tests that look at none: drawing them is most of a short run's time."""
    blank = io.BytesIO()
    Image.new("L", (1, 1)).save(blank, "PNG")
    monkeypatch.setattr("sfumato.plots.to_png", lambda figure: blank.getvalue())


@pytest.fixture
def refused(here: Callable[..., Done], tmp_path: Path) -> Callable[..., str]:
    """Asserts that a command is refused as it should be, and returns the one line that says why."""

    def call(*arguments: str) -> str:
        before = contents(tmp_path)
        status, out, err = here(*arguments)
        assert (status, out) == (2, "")
        assert err.startswith("sfumato: ")
        assert err.count("\n") == 1
        assert contents(tmp_path) == before
        return err.removeprefix("sfumato: ").rstrip("\n")

    return call


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes | None]]:
    """Takes down what is in a folder, to compare it later."""
    return contents


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file's content and every folder, by path."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture(scope="session")
def flowers() -> str:
    """A table of two classes that a line parts, with names in its header: width, height, age; kind."""
    random = np.random.default_rng(0)
    rows = [
        f"{width:.3f},{height:.3f},{age:.3f},{'rose' if width + height > 0 else 'tulip'}"
        for width, height, age in random.normal(size=(80, 3))
    ]
    return "\n".join(["width,height,age,kind", *rows]) + "\n"


@pytest.fixture(scope="session")
def trained(flowers: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the flowers, which knows them well, to read from only."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "flowers.csv").write_text(flowers, encoding="utf-8")
    options = ["--quiet", "--epochs", "80", "--hidden", "15,9"]
    arguments = ["train", str(folder / "flowers.csv"), "-o", str(folder / "run"), *options]
    assert run(arguments) == 0
    return folder / "run"


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """The names of a content of 80 x 60 pixels and a style of 64 x 64, put into the test's folder."""
    rows, columns = np.mgrid[0:60, 0:80]
    disc = np.hypot(rows - 30, columns - 40) < 20
    content = np.stack([3 * columns, 4 * rows, np.where(disc, 200, 40)], axis=-1)
    style = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).repeat(4, axis=0).repeat(4, axis=1)
    write_image(tmp_path / "content.png", content.astype(np.uint8))
    write_image(tmp_path / "style.png", style.astype(np.uint8))
    return ["content.png", "style.png"]
