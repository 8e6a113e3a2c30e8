"""How the cost of a step grows with the number of processes: bytes to send against time to compute.

python -m benchmarks.scaling            measures one process, and computes what 1 to 1000 of them would take
python -m benchmarks.scaling --run      runs 1 and 2 (and 4) processes on this machine as well

Computed is what `docs/scaling.md` says: the slowest process's share of the work, as measured here on one thread, and an
all-reduce around a ring, whose links are given. What no ring can hide is not computed: that machines differ, and wait.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe

WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)

LINKS = {"1 Gb/s": (125e6, 50e-6), "10 Gb/s": (1.25e9, 30e-6), "100 Gb/s": (12.5e9, 5e-6)}
"""Bytes a second, and seconds until a message arrives: Ethernet of three ages."""

ROUNDS = 5


@dataclass(frozen=True)
class Job:
    """What is shared.

    Attributes:
        title: Of the table.
        units: What it is shared in, of which no process can have less than one.
        count: How many there are in a step.
        bytes: What each all-reduce of a step carries.
        seconds: What a process takes for so many of them.
    """

    title: str
    units: str
    count: int
    bytes: Sequence[int]
    seconds: Callable[[int], float]


def seconds(work: Callable[[], Any]) -> float:
    """The best of some rounds."""
    work()
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def training(title: str, architecture: str, batch: int) -> Job:
    """A step of training on MNIST's shape."""
    from sfumato.architectures import convolutional_network, multilayer_perceptron
    from sfumato.losses.classification import CategoricalCrossEntropy
    from sfumato.objective import NetworkObjective
    from sfumato.optimizers import Adam

    network = {
        "784-15-9-10": lambda: multilayer_perceptron((28, 28, 1), (15, 9), 10),
        "784-2048-2048-10": lambda: multilayer_perceptron((28, 28, 1), (2048, 2048), 10),
        "convnet": lambda: convolutional_network((28, 28, 1), 10, dropout=0.0),
    }[architecture]()
    rng = np.random.default_rng(0)
    x, y = rng.random((batch, 28, 28, 1), dtype=np.float32), rng.integers(10, size=batch)
    optimizer, theta = Adam(), network.initialize(0)
    state = optimizer.init(theta)

    def own(examples: int) -> float:
        objective = NetworkObjective(network, CategoricalCrossEntropy(), x[:examples], y[:examples])
        return seconds(lambda: optimizer.step(objective, theta, state, 1e-4))

    # Gradient; loss, correct answers and examples; whether to stop
    return Job(title, "examples", batch, (4 * network.size, 24, 8), own)


def style(height: int, width: int, tile: int) -> Job:
    """An evaluation of loss and gradient, by Gram matrices, for a picture in tiles."""
    from benchmarks.style import GRAM
    from sfumato.style.problem import StyleProblem
    from sfumato.style.settings import StyleSettings
    from sfumato.style.tiles.tiling import cut_into_tiles, halo_field, largest_tile

    small = np.random.default_rng(0).random((tile, tile, 3))
    problem = StyleProblem(StyleSettings(**GRAM), small, small)
    field = halo_field(problem.vgg.network(tile, tile))
    rows, columns = largest_tile(height, width, tile, field)
    objective = problem.objective(rows, columns)
    theta = problem.first(rows, columns).ravel()
    there_and_back = seconds(lambda: objective(theta)) + seconds(lambda: objective.value(theta))
    alone = seconds(lambda: objective(theta))  # a single tile goes there once: what it measured is still there
    channels = [objective.network.shapes[term.layer][-1] for term in objective.terms if term.kind == "style"]
    sums = 8 * (1 + sum(1 + n + n * n for n in channels))
    tiles = len(cut_into_tiles(height, width, tile, field))
    title = f"Style, {width} x {height} pixels, {tiles} tiles of {tile}"
    return Job(
        title, "tiles", tiles, (sums, 12 * height * width, 8), lambda own: alone if own == 1 else own * there_and_back
    )


def ring(bytes_: int, workers: int, link: tuple[float, float]) -> float:
    """Seconds of an all-reduce around a ring: 2 (w - 1) messages of 1/w of the bytes, one after the other."""
    bandwidth, latency = link
    return 2 * (workers - 1) * (latency + bytes_ / workers / bandwidth)


def table(job: Job) -> str:
    """What a step takes, in Markdown: milliseconds of computing, bytes that each process sends, and speed-ups."""
    heads = ["processes", f"{job.units} each", "compute ms", "sent MB", *(f"speed-up at {link}" for link in LINKS)]
    rows = [heads, ["---:"] * len(heads)]
    known = {own: job.seconds(own) for own in sorted({-(-job.count // workers) for workers in WORKERS})}
    for workers in WORKERS:
        own = -(-job.count // workers)
        sent = sum(2 * (workers - 1) / workers * size for size in job.bytes)
        cells = [
            f"{workers}",
            f"{own}" if workers <= job.count else "1 or none",
            f"{1e3 * known[own]:,.{2 if known[own] < 0.01 else 0}f}",
        ]
        cells.append(f"{sent / 1e6:.3g}")
        for link in LINKS.values():
            took = known[own] + sum(ring(size, workers, link) for size in job.bytes)
            cells.append(f"{known[job.count] / took:.3g}")
        rows.append(cells)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


COMMANDS = {
    "train mnist, 784-15-9-10, batches of 1000": "train mnist --epochs 2",
    "train mnist, convnet, batches of 128": "train mnist --architecture convnet --limit 6000 --epochs 1",
    "style, 1024 x 681": "style {images}/chelsea.jpg {images}/starry_night.jpg --size 1024 --scales 1 --steps 3 "
    "--style-loss gram --tv-weight 0",
}


def really(processes: Sequence[int]) -> str:
    """What the program itself takes in several processes of one thread each on this machine, in Markdown."""
    images = Path(__file__).resolve().parent.parent / "examples" / "images"
    rows = [["job", *(f"{count} processes, s" for count in processes)], ["---", *["---:"] * len(processes)]]
    for title, command in COMMANDS.items():
        took = [_seconds_of(command.format(images=images).split(), count) for count in processes]
        rows.append([title, *(f"{seconds:.2f}" for seconds in took)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _seconds_of(command: Sequence[str], processes: int) -> float:
    """Seconds that the program says it computed, at best of two."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            arguments = [*launch, "-m", "sfumato", *command, "--json", "--quiet", "--threads", "1"]
            done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, check=True)
            found.append(float(json.loads(done.stdout)["seconds"]))
    return min(found)


def main() -> None:
    """Print it all, in Markdown."""
    from threadpoolctl import threadpool_limits

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=int, nargs="*", metavar="N", help="run the program in so many processes, too")
    arguments = parser.parse_args()
    print(describe(set(), 1, None))
    with threadpool_limits(1):
        for job in (
            training("Training, 784-15-9-10 (12,019 parameters), batches of 1000", "784-15-9-10", 1000),
            training("Training, convnet (421,642 parameters), batches of 1024", "convnet", 1024),
            training("Training, 784-2048-2048-10 (5.8 million parameters), batches of 8192", "784-2048-2048-10", 8192),
            style(5461, 8192, 512),
        ):
            print(f"\n**{job.title}**\n\n{table(job)}")
    if arguments.run is not None:
        print(f"\n{really(arguments.run or (1, 2))}")


if __name__ == "__main__":
    main()
