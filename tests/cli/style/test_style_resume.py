"""A picture whose painting was killed or interrupted goes on to the bytes that an undisturbed one gives."""

import contextlib
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfumato.pictures.files import read_image

Call = Callable[..., Any]
Refused = Callable[..., str]

LAYERS = ["--content-layers", "block2_conv2", "--style-layers", "block1_conv1,block2_conv1"]
TINY = ["--size", "64", "--steps", "3", "--scales", "1", "--threads", "1", *LAYERS]
LONG = ["--size", "80", "--steps", "45", "--scales", "2", "--threads", "1", *LAYERS, "--start", "noise"]
"""Long enough to be stopped in its middle: some seconds, with a checkpoint every half."""

CHECKPOINT = ".out.png.checkpoint"


@pytest.fixture(scope="module")
def finished() -> dict[str, bytes]:
    """Pictures that nothing happened to, by their options."""
    return {}


@pytest.fixture
def undisturbed(pictures: list[str], sfumato: Call, finished: dict[str, bytes], tmp_path: Path) -> Callable[..., bytes]:
    """The bytes of the picture that nothing happens to; each is painted once."""

    def call(*options: str) -> bytes:
        key = " ".join(options)
        if key not in finished:
            assert sfumato("style", *pictures, *LONG, *options, "-o", "whole.png").status == 0
            finished[key] = (tmp_path / "whole.png").read_bytes()
            (tmp_path / "whole.png").unlink()
        return finished[key]

    return call


@pytest.mark.parametrize(
    "options", ["", pytest.param("--optimizer adam --normalize-gradients", marks=pytest.mark.slow)]
)
def test_a_killed_run_resumes_to_the_same_bytes(
    options: str, pictures: list[str], start: Call, here: Call, undisturbed: Callable[..., bytes], tmp_path: Path
) -> None:
    arguments = ["style", *pictures, *LONG, *options.split(), "-o", "out.png"]
    process = start(*arguments, "--quiet")
    process.until((tmp_path / CHECKPOINT).exists)
    process.kill()
    process.wait()
    assert not (tmp_path / "out.png").exists(), "killed in the middle"
    assert here(*arguments, "--resume").status == 0
    assert (tmp_path / "out.png").read_bytes() == undisturbed(*options.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["content.png", "out.png", "style.png"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_killed_again_and_again_resumes_to_the_same_bytes(
    seed: int, pictures: list[str], start: Call, here: Call, undisturbed: Callable[..., bytes], tmp_path: Path
) -> None:
    moments = random.Random(seed)
    arguments = ["style", *pictures, *LONG, "--quiet", "--save-every", "7", "-o", "out.png"]
    process = start(*arguments)
    process.until((tmp_path / CHECKPOINT).exists)
    process.kill()
    process.wait()
    for _ in range(3):
        process = start(*arguments, "--resume")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0.3, 1.5))
        process.kill()
        process.wait()
    if (tmp_path / CHECKPOINT).exists():
        assert here(*arguments, "--resume").status == 0
    assert (tmp_path / "out.png").read_bytes() == undisturbed()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")], "nothing unfinished is left"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("out", [["-o", "out.png"], []])
def test_ctrl_c_ends_with_a_message_the_picture_so_far_and_a_checkpoint(
    out: list[str], pictures: list[str], start: Call, here: Call, undisturbed: Callable[..., bytes], tmp_path: Path
) -> None:
    process = start("style", *pictures, *LONG, "--verbose", *out)
    process.until(lambda: process.stderr.readline().startswith("scale 1/2, step 5/"))
    process.send_signal(signal.SIGINT)
    answer, said = process.communicate()
    assert process.returncode == 130
    last = said.splitlines()[-1]
    assert last.startswith("interrupted after ")
    if not out:
        assert last.endswith("nothing is kept, as no --out was given")
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(pictures)
        return
    assert last.endswith("; add --resume to go on with out.png")
    assert answer.splitlines()[-1] == "written to out.png"
    assert sorted(path.name for path in tmp_path.iterdir()) == [CHECKPOINT, "content.png", "out.png", "style.png"]
    assert read_image(tmp_path / "out.png").shape == (42, 57, 3), "as it is at the first scale"
    assert here("style", *pictures, *LONG, *out, "--resume").status == 0
    assert (tmp_path / "out.png").read_bytes() == undisturbed()
    assert not (tmp_path / CHECKPOINT).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_during_a_download_interrupts_at_once_and_leaves_nothing(
    pictures: list[str], start: Call, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        process = start(
            *("style", *pictures, *TINY, "--vgg-weights", "keras", "--verbose", "-o", "out.png"),
            SFUMATO_VGG_URL=f"http://127.0.0.1:{server.getsockname()[1]}",
            NO_PROXY="127.0.0.1",
            HOME=str(tmp_path / "home"),
            XDG_CACHE_HOME=str(tmp_path / "home"),
        )
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 80000000\r\n\r\n" + bytes(2**20))
            process.until(lambda: process.stderr.readline().startswith("fetching VGG's weights: 1 of 80 MB"))
            process.send_signal(signal.SIGINT)
            answer, said = process.communicate(timeout=60)
    assert (process.returncode, answer) == (130, "")
    assert said.splitlines()[-1] == "sfumato: interrupted"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == sorted(pictures)


def test_ctrl_c_while_pictures_are_read_interrupts_at_once(
    pictures: list[str], here: Call, monkeypatch: pytest.MonkeyPatch, snapshot: Call, tmp_path: Path
) -> None:
    monkeypatch.setattr("sfumato.style.inputs.open_image", interrupt)
    before = snapshot(tmp_path)
    assert here("style", *pictures, *TINY, "-o", "out.png") == (130, "", "sfumato: interrupted\n")
    assert snapshot(tmp_path) == before


@pytest.fixture
def begun(pictures: list[str], here: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The command of a picture that was interrupted at once."""
    arguments = ["style", *pictures, *TINY, "-o", "out.png"]
    with monkeypatch.context() as patched:
        patched.setattr("sfumato.cli.console.RunProgress.show", interrupt)
        assert here(*arguments).status == 130
    assert (tmp_path / CHECKPOINT).exists()
    return arguments


def interrupt(*_: object, **__: object) -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_picture_that_was_begun_is_not_begun_anew_unasked(
    begun: list[str], refused: Refused, here: Call, tmp_path: Path
) -> None:
    assert "out.png: exists already; add --overwrite" in refused(*begun)
    (tmp_path / "out.png").unlink()
    assert "out.png: was begun and not finished; add --resume to go on, or --overwrite to begin anew" in refused(*begun)
    assert here(*begun, "--overwrite", "--seed", "1").status == 0
    assert not (tmp_path / CHECKPOINT).exists()


def test_there_is_nothing_to_resume(pictures: list[str], here: Call, refused: Refused) -> None:
    arguments = ["style", *pictures, *TINY, "-o", "out.png"]
    said = refused(*arguments, "--resume")
    assert said == "out.png: there is nothing to go on with: the picture was not begun; leave out --resume"
    assert here(*arguments).status == 0
    said = refused(*arguments, "--resume")
    assert said == "out.png: there is nothing to go on with: the picture is finished; to make it anew, use --overwrite"


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        ("--seed 1", "began with seed 0, not 1"),
        ("--size 63", "began with size 64, not 63"),
        ("--steps 4", "began with steps 3, not 4"),
        ("--style-weight 1", "began with style weight 10.0, not 1.0"),
        ("--style-layers block1_conv1", "style layers"),
        ("--optimizer adam", "optimizer lbfgs, not adam"),
        ("--start noise", "start content, not noise"),
        ("--style-loss wasserstein", "style loss neighbours, not wasserstein"),
    ],
)
def test_resuming_with_other_options_is_refused_and_names_what_differs(
    options: str, differs: str, begun: list[str], refused: Refused
) -> None:
    assert differs in refused(*begun, "--resume", *options.split())


def test_resuming_with_other_pictures_is_refused(begun: list[str], refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "style.png").write_bytes((tmp_path / "content.png").read_bytes())
    assert "pictures" in refused(*begun, "--resume")


@pytest.mark.parametrize("damage", [lambda whole: whole[:200], lambda whole: b"", lambda whole: b"{}" + whole])
def test_a_damaged_checkpoint_is_refused(
    damage: Callable[[bytes], bytes], begun: list[str], refused: Refused, tmp_path: Path
) -> None:
    checkpoint = tmp_path / CHECKPOINT
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    assert f"{CHECKPOINT}: not a whole safetensors file" in refused(*begun, "--resume")
