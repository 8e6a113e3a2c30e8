"""How much memory the program takes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command and prints its peak: of this small process's only child, so that no other counts."""


EXAMPLES = Path(__file__).parents[2] / "examples" / "images"


def peak(program: list[str], arguments: list[str], folder: Path) -> int:
    """The most memory that a command takes, in bytes; `{chelsea}` in its arguments is that example's path."""
    named = [word.format(**{path.stem: path for path in EXAMPLES.glob("*.jpg")}) for word in arguments]
    command = [sys.executable, "-c", MEASURE, *program, *named]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, encoding="utf-8")
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


PICTURE = ["style", "{chelsea}", "{starry_night}", "-o", "out.png", "--scales", "1", "--style-loss", "gram"]

needs_peaks = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows does not tell what a finished child took at most"
)


@pytest.mark.slow
@needs_peaks
def test_a_picture_takes_no_more_memory_than_it_may(program: list[str], tmp_path: Path) -> None:
    small = [*PICTURE, "--size", "320", "--steps", "1", "--optimizer", "adam"]
    assert peak(program, [*small, "--memory", "280MB"], tmp_path) < 280e6
    assert peak(program, [*small, "--overwrite"], tmp_path) > 280e6, "as it would without being told"


@pytest.mark.slow
@needs_peaks
@pytest.mark.parametrize(
    ("megabytes", "options"),
    [
        (280, ["--size", "384", "--steps", "4"]),
        (330, ["--size", "512", "--steps", "4"]),
        (420, ["--size", "512", "--steps", "4"]),
        (420, ["--size", "384", "--steps", "4", "--style-scale", "2", "--tv-weight", "1"]),
        (420, ["--size", "512", "--steps", "3", "--content-layers", "block1_conv2"]),
        (330, ["--size", "512", "--steps", "2", "--optimizer", "adam", "--style-loss", "wasserstein"]),
        (600, ["--size", "724", "--steps", "3"]),
        (300, ["--size", "256", "--steps", "14"]),  # with all the pairs that L-BFGS keeps
        (600, ["--size", "512", "--steps", "14"]),
        (1000, ["--size", "1280", "--steps", "2", "--scales", "1"]),
        (1150, ["--size", "512", "--steps", "3", "--style-loss", "neighbours", "--scales", "2"]),
        (1500, ["--size", "724", "--steps", "3", "--style-loss", "neighbours", "--quiet-ground", "1"]),
        (1700, ["--size", "1280", "--steps", "2", "--style-loss", "neighbours"]),
    ],
)
def test_pictures_take_no_more_memory_than_they_may(
    megabytes: int, options: list[str], program: list[str], tmp_path: Path
) -> None:
    assert peak(program, [*PICTURE, *options, "--memory", f"{megabytes}MB"], tmp_path) < megabytes * 1e6


@pytest.mark.slow
@needs_peaks
@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (["train", "mnist", "--epochs", "3", "-o", "run"], 600e6),
        (["style", "{chelsea}", "{starry_night}", "--size", "512", "--steps", "3", "-o", "out.png"], 1e9),
    ],
    ids=["training on MNIST", "a picture of 512 pixels"],
)
def test_the_peak_stays_below(arguments: list[str], most: float, program: list[str], tmp_path: Path) -> None:
    assert peak(program, arguments, tmp_path) < most


@pytest.mark.slow
@needs_peaks
def test_a_stream_takes_no_more_memory_for_a_larger_file(program: list[str], tmp_path: Path) -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(100_000, 30)).round(5)).add_prefix("x")
    table["kind"] = np.where(table["x0"] * table["x1"] > 0, "same", "other")
    header, _, rows = table.to_csv(index=False).encode().partition(b"\n")
    peaks = []
    for copies in (10, 40):
        (tmp_path / "a.csv").write_bytes(header + b"\n" + rows * copies)
        peaks.append(peak(program, ["train", "a.csv", "--stream", "--epochs", "1", "--quiet"], tmp_path))
    assert (tmp_path / "a.csv").stat().st_size > 1e9
    assert peaks[1] < 6e8
    assert peaks[1] < peaks[0] + 1.5e8
