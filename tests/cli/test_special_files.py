"""What is no file: a pipe, which keeps its reader waiting, and a device, which may give bytes without end."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., str]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")

READERS = {
    "train pipe": "a CSV file",
    "train pipe.csv": "a CSV file",
    "train pipe.csv --stream": "a CSV file",
    "train pipe.parquet": "a Parquet file",
    "train flowers.csv --test pipe.csv": "a CSV file",
    "train idx": "train-images-idx3-ubyte",
    "check pipe.csv": "a CSV file",
    "check --objective pipe.py:own": "a Python file",
    "tune pipe.csv --trials 1": "a CSV file",
    "evaluate {model} pipe.csv": "a CSV file",
    "evaluate pipe.safetensors flowers.csv": "a model or a checkpoint",
    "predict {model} pipe.csv": "a CSV file",
    "predict {model} pipe.parquet": "a Parquet file",
    "predict pipe.safetensors flowers.csv": "a model or a checkpoint",
    "export pipe.safetensors -o model.onnx": "a model or a checkpoint",
    "import pipe.h5 --like {model} -o model.safetensors": "a file of weights",
    "import pipe.pth --like {model} -o model.safetensors": "a file of weights",
    "style pipe.png style.png -o out.png": "a picture",
    "style content.png pipe.png -o out.png": "a picture",
    "style content.png style.png --mask pipe.png=1 -o out.png": "a picture",
    "style content.png style.png --start pipe.png -o out.png": "a picture",
    "style content.png style.png --vgg-weights pipe.h5 -o out.png": "a file of weights",
    "train /dev/zero": "a CSV file",
}


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("command", READERS)
def test_pipes_and_devices_are_refused_by_every_reader(
    command: str, refused: Refused, trained: Path, flowers: str, tmp_path: Path
) -> None:
    (tmp_path / "flowers.csv").write_text(flowers, encoding="utf-8")
    (tmp_path / "idx").mkdir()
    for name in ("pipe", *(f"pipe.{ending}" for ending in ("csv", "parquet", "safetensors", "h5", "pth", "png", "py"))):
        os.mkfifo(tmp_path / name)
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        os.mkfifo(tmp_path / "idx" / name)
    said = refused(*command.format(model=trained).split())
    assert READERS[command] in said
    assert "is a device or a pipe, which is not read; name" in said or "holds no file" in said


def test_what_another_program_gives_is_a_table(program: list[str], flowers: str, trained: Path, tmp_path: Path) -> None:
    for arguments in (["predict", str(trained), "/dev/stdin"], ["evaluate", str(trained), "/dev/stdin"]):
        done = subprocess.run(
            [*program, *arguments], cwd=tmp_path, input=flowers, capture_output=True, encoding="utf-8", check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("limit", "options", "said"),
    [(10, [], "gives more than 10 bytes; write them into a file"), (None, ["--stream"], "can be read only once")],
)
def test_a_stream_has_an_end(
    limit: int | None, options: list[str], said: str, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit:
        monkeypatch.setattr("sfumato.data.csv.LONGEST_STREAM", limit)
    reader, writer = os.pipe()
    os.write(writer, b"a,b,c\n" * 10)
    os.close(writer)
    assert said in refused("train", f"/dev/fd/{reader}", *options)
    os.close(reader)
