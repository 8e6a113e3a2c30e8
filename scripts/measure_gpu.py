"""Test and measure on a machine with an NVIDIA GPU, in at most ten minutes.

    python scripts/measure_gpu.py                        on the GPU
    python scripts/measure_gpu.py --device cpu --quick   whether the script works, on a processor

First the tests that compute on the device, by their engine; then jobs 1, 4, 5 and 6 of `benchmarks/`: ours on tensors
beside PyTorch, eager and compiled, on the same device. (Ours on NumPy's arrays runs too: all answers are held to its.)
Each part has a share of the time that is left; when that is over it is ended, with what it has printed, and the next
has its turn. Needs what `make bench` installs; a part that lacks a library says so.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent

SECONDS = 600
"""For everything."""


class Part(NamedTuple):
    """One command of Python's, with its share of the seconds that are left when it begins."""

    name: str
    arguments: list[str]
    share: float


def parts(device: str, *, quick: bool) -> list[Part]:
    """The tests, then each job: first without what PyTorch compiles, which can take minutes."""
    folders = ["kernels"] if quick else ["kernels", "layers", "losses", "style", "peers"]
    pytest = ["-m", "pytest", "-p", "no:cacheprovider", "-q", "-m", "not slow", "-k", f"torch-{device}"]
    tests = [*pytest, *(f"tests/{folder}" for folder in folders)]
    rounds = ["--quick"] if quick else ["--rounds", "3"]
    bench = ["-m", "benchmarks", "--peers", "PyTorch", "--device", device, *rounds]
    style = ["style", *([] if quick else ["--sizes", "512"])]
    eager = [
        Part("tests", tests, 0.25),
        Part("job 5", [*bench, "--eager", *style], 0.3),
        Part("job 4", [*bench, "--eager", "convnet"], 0.35),
        Part("job 1", [*bench, "--eager", "mnist"], 0.35),
        Part("job 6", [*bench, "pastiche", "--steps", "100"], 0.5),
    ]
    compiled = [
        Part("job 5, compiled too", [*bench, *style], 0.5),
        Part("job 4, compiled too", [*bench, "convnet"], 0.6),
        Part("job 1, compiled too", [*bench, "mnist"], 1.0),
    ]
    return eager if quick else [*eager, *compiled]


def run(arguments: list[str], seconds: float) -> int | None:
    """Run Python for so many seconds at most, with all processes that it starts; its status, None if they are over."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def main() -> int:
    """Run each part in turn; the number of those that failed or ran out of time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="of PyTorch's: cuda, or cpu to try it")
    parser.add_argument("--quick", action="store_true", help="some tests, one round, small pictures, nothing compiled")
    asked = parser.parse_args()
    end, failed = time.monotonic() + SECONDS, []
    for part in parts(asked.device, quick=asked.quick):
        begin = time.monotonic()
        print(f"## {part.name}: python {' '.join(part.arguments)}", flush=True)
        status = run(part.arguments, part.share * (end - begin))
        said = {0: "done", None: "out of time"}.get(status, f"failed with status {status}")
        print(f"## {part.name}: {said} after {time.monotonic() - begin:.0f} s\n", flush=True)
        failed += [part.name] if status != 0 else []
    print(f"failed: {', '.join(failed)}" if failed else "all done")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
