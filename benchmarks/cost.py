"""How the cost of a step grows with its work: pixels of a picture, and rows of a batch.

python -m benchmarks.cost            measures, prints a table, and draws docs/images/cost.png

A step of painting is a loss with its gradient, by Gram matrices, of a square picture in one piece or in the tiles that
its plan of memory has; a step of training one of Adam, without gathering its batch. The backends of a processor take
turns.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.libraries import use_blas
from benchmarks.machine import usable_cores
from benchmarks.style import GRAM
from benchmarks.table import markdown
from sfumato import (
    Adam,
    CategoricalCrossEntropy,
    Network,
    NetworkObjective,
    multilayer_perceptron,
)
from sfumato.engine import Engine, has_numba
from sfumato.plots.drawing import BLUE, GREY, ORANGE, to_png
from sfumato.style import StyleProblem, StyleTransfer
from sfumato.style.tiles.memory import make_plan

ROOT = Path(__file__).parent.parent
ROUNDS = 3
LEAST = 0.2
"""Seconds that a round takes at least: short steps are repeated."""

Step = Callable[[], object]


@dataclass(frozen=True)
class Job:
    """Steps that are alike but for their size.

    Attributes:
        title: Of the figure's part, with what a size counts.
        sizes: Edges of pictures, or rows of batches.
        make: The step of a size.
        network: What is trained; None for a picture.
        power: Of the size, to which the work grows: 2 for the edge of a picture.
    """

    title: str
    sizes: Sequence[int]
    make: Callable[[int, Engine], Step]
    network: Network | None = None
    power: int = 1

    def measure(self) -> dict[str, list[float]]:
        """Median seconds of a step at each size, by backend."""
        engines = [Engine(name) for name in (["numba"] if has_numba() else []) + ["numpy"]]
        costs: dict[str, list[float]] = {engine.backend: [] for engine in engines}
        for size in self.sizes:
            steps: list[tuple[Engine, Step]] = []
            for engine in engines:
                with engine.computing(self.network):
                    steps.append((engine, self.make(size, engine)))
            taken: dict[str, list[float]] = {name: [] for name in costs}
            for _, (engine, step) in product(range(ROUNDS), steps):
                with engine.computing(self.network):
                    taken[engine.backend].append(seconds(step))
            for name, times in taken.items():
                costs[name].append(statistics.median(times))
        return costs


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser("python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--edges", type=int, nargs="+", default=[256, 512, 1024, 2048], help="of square pictures")
    parser.add_argument("--rows", type=int, nargs="+", default=[10, 100, 1000, 10_000], help="of batches")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "cost.png", help="the figure")
    asked = parser.parse_args()
    about = use_blas(asked.threads)
    dense = multilayer_perceptron((784,), (15, 9), 10)
    jobs = [
        Job("painting, edge in pixels", asked.edges, painting, power=2),
        Job("784-15-9-10, rows", asked.rows, lambda rows, _: training(dense, rows), dense),
    ]
    measured = []
    for job in jobs:
        measured.append(job.measure())
        print(f"### {job.title}\n\n{table(job, measured[-1])}\n", flush=True)
    print(about)
    asked.out.write_bytes(to_png(draw(jobs, measured)))


def painting(edge: int, engine: Engine) -> Step:
    """A step of painting a square picture, planned as a transfer plans it."""
    content = np.random.default_rng(0).random((edge, edge, 3), np.float32)
    style = ROOT / "examples" / "images" / "starry_night.jpg"
    problem = StyleProblem(StyleTransfer(size=edge, **GRAM), content, style, engine=engine)
    plan = make_plan(problem, edge, edge)
    objective = problem.objective(edge, edge, tile=plan.tile, prepared=plan.prepared)
    theta = problem.first(edge, edge).ravel()
    return lambda: objective(theta)


def training(network: Network, rows: int) -> Step:
    """A step of Adam on a batch of so many rows."""
    rng = np.random.default_rng(0)
    x, y = rng.random((rows, *network.input_shape), np.float32), rng.integers(10, size=rows)
    objective = NetworkObjective(network, CategoricalCrossEntropy(), x, y)
    optimizer, theta = Adam(), network.initialize(0)
    state = optimizer.init(theta)
    return lambda: optimizer.step(objective, theta, state, 1e-4)


def seconds(step: Step) -> float:
    """Seconds of a step, once it is warm, as the mean over at least `LEAST` seconds of them."""
    step()
    count, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < LEAST:
        step()
        count += 1
    return passed / count


def table(job: Job, costs: dict[str, list[float]]) -> str:
    """Milliseconds a step, and microseconds for each pixel or row."""
    each = "µs a pixel" if job.power == 2 else "µs a row"
    rows = []
    for number, size in enumerate(job.sizes):
        row = [f"{size:,}"]
        for taken in costs.values():
            row += [f"{1e3 * taken[number]:,.2f}", f"{1e6 * taken[number] / size**job.power:.3g}"]
        rows.append(row)
    return markdown([job.title, *(cell for name in costs for cell in (f"{name}, ms", each))], rows)


def draw(jobs: Sequence[Job], measured: Sequence[dict[str, list[float]]]) -> Figure:
    """Each job's seconds against its size, both logarithmic, beside a line of equal cost for each pixel or row."""
    figure = Figure(figsize=(3.6 * len(jobs), 3.6), layout="constrained")
    for axes, job, costs in zip(figure.subplots(1, len(jobs)), jobs, measured, strict=True):
        for (name, taken), colour in zip(costs.items(), (ORANGE, BLUE), strict=False):
            axes.loglog(job.sizes, taken, "o-", color=colour, label=name, markersize=4)
        last = next(iter(costs.values()))[-1]
        line = [last * (size / job.sizes[-1]) ** job.power for size in job.sizes]
        axes.loglog(job.sizes, line, ":", color=GREY, label="linear in the work")
        axes.set_xticks(job.sizes, [f"{size:,}" for size in job.sizes])
        axes.minorticks_off()
        axes.set(xlabel=job.title, ylabel="seconds a step")
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, fontsize="small")
    return figure


if __name__ == "__main__":
    main()
