"""How much memory the program takes."""

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command and prints its peak: of this small process's only child, so that no other counts."""


EXAMPLES = Path(__file__).parents[2] / "examples" / "images"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell what a finished child took at most")
@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (["train", "mnist", "--epochs", "3", "-o", "run"], 600e6),
        (["style", "{chelsea}", "{starry_night}", "--size", "512", "--steps", "3", "-o", "out.png"], 1e9),
    ],
    ids=["training on MNIST", "a picture of 512 pixels"],
)
def test_the_peak_stays_below(arguments: list[str], most: float, program: list[str], tmp_path: Path) -> None:
    named = [word.format(**{path.stem: path for path in EXAMPLES.glob("*.jpg")}) for word in arguments]
    command = [sys.executable, "-c", MEASURE, *program, *named]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, encoding="utf-8")
    assert int(done.stdout) * (1 if sys.platform == "darwin" else 1024) < most
