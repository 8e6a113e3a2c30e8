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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell what a finished child took at most")
def test_training_on_mnist_stays_below_600_megabytes(program: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", MEASURE, *program, "train", "mnist", "--epochs", "3", "-o", "run"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, encoding="utf-8")
    peak = int(done.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert peak < 600e6
