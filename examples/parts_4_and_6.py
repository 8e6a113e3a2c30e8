"""The reference's Parts 4 and 6 as their published functions have them, and as their equations do.

    python examples/parts_4_and_6.py [PART ...]

trains their settings from several starts (some minutes) and writes part4.csv and part6.csv into docs/chapters/results,
where chapters 4 and 6 find them. Each run is plain gradient descent on all examples at once, as in the
reference. The settings of Part 6 are those of its notebook, DeepLearning61.Rmd. Of Part 4 only the functions could be
read, not the listings that call them; the setting here is the one that Part 5 gives for the same spiral. What the
published code does otherwise than its own equations is in `summed_output_bias` and the two functions below it.
"""

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import make_circles

from r_and_octave_random import r_normal, r_uniform
from sfumato import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Network,
    NetworkObjective,
    multilayer_perceptron,
)
from sfumato.arrays import Array

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "chapters" / "results"
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Setting:
    """One listing: its data, its network and how it trains it."""

    name: str
    data: str
    widths: tuple[int, ...]
    rate: float
    iterations: int
    init: str = "normal"
    l2: float = 0.0
    dropout: float = 0.0


PART_4 = Setting("2-100-3 at 0.6, 9000 iterations", "spiral", (2, 100, 3), 0.6, 9000)
CIRCLES = ("circles", (2, 7, 1), 0.6)
PART_6 = [
    Setting("Python, default", *CIRCLES, 9000),
    Setting("Python, He", *CIRCLES, 10000, "he"),
    Setting("Python, Xavier", *CIRCLES, 10000, "xavier"),
    Setting("Python, L2 0.1", *CIRCLES, 9000, l2=0.1),
    Setting("Python, keep 0.7", *CIRCLES, 9000, dropout=0.3),
    Setting("Python, spiral, L2 0.2", "spiral", (2, 100, 3), 0.6, 5000, l2=0.2),
    Setting("Python, spiral, keep 0.5", "spiral", (2, 100, 3), 0.6, 5000, dropout=0.5),
    Setting("R, default", "circles", (2, 11, 1), 0.5, 9001),
    Setting("R, He", "circles", (2, 11, 1), 0.5, 9001, "he"),
    Setting("R, Xavier", "circles", (2, 11, 1), 0.5, 9001, "xavier"),
    Setting("R, L2 0.1", "circles", (2, 11, 1), 0.5, 9001, l2=0.1),
    Setting("R, keep 0.8", "circles", (2, 11, 1), 0.5, 9001, dropout=0.2),
    Setting("R, spiral, L2 0.1", "spiral", (2, 15, 6, 3), 5.1, 9001, l2=0.1),
    Setting("R, spiral, keep 0.8", "spiral", (2, 15, 6, 3), 5.1, 9001, dropout=0.2),
]

Fault = Callable[[Any, int], None]


def summed_output_bias(gradient: Any, n: int) -> None:
    """Take the output layer's db as a sum over the examples (Part 4, Python)."""
    gradient[-1].b[...] *= n


def shared_hidden_bias(gradient: Any, n: int) -> None:
    """Add each hidden layer's db up over its units, and give the sum to all of them (Parts 4 and 6, R)."""
    for layer in gradient[:-1]:
        layer.b[...] = layer.b.sum()


def frozen_output(gradient: Any, n: int) -> None:
    """Leave the output layer as it is and update the layer below it twice (Part 6, R, softmax)."""
    gradient[-2].W[...] *= 2
    gradient[-2].b[...] *= 2
    gradient[-1].W[...] = gradient[-1].b[...] = 0


def examples(name: str) -> tuple[Array, Array]:
    """Points and classes of one of the reference's files."""
    rows = np.loadtxt(ROOT / "examples" / "data" / f"{name}.csv", delimiter=",")
    return rows[:, :2], rows[:, 2].astype(np.int64)


def first_weights(network: Network, init: str, start: str) -> Array:
    """First weights: of one of Sfumato's seeds, or drawn as the reference's own functions do."""
    if start.isdigit():
        return network.initialize(int(start), np.float64)
    theta = np.zeros(network.size)
    layers = [layer for layer in network.parameters(theta) if layer]
    old = np.random.RandomState({"NumPy, seed 1": 1, "NumPy, seed 3": 3}.get(start, 0))
    in_r = r_uniform(2)
    for layer in layers:
        n_in, n_out = layer.W.shape
        scale = {"normal": 0.01, "he": np.sqrt(2 / n_in), "xavier": np.sqrt(1 / n_in)}[init]
        if start == "Octave":
            layer.W[...] = scale * old.uniform(size=(n_in, n_out))
        elif start.startswith("R"):
            drawn = r_normal(layer.W.size, in_r)
            layer.W[...] = scale * drawn.reshape(n_in, n_out)  # R fills its matrix, the transposed one, by columns
        else:
            layer.W[...] = scale * old.standard_normal((n_out, n_in)).T
        if start == "R, Part 4":
            layer.b[...] = r_normal(n_out, in_r)
    return theta


def train(setting: Setting, start: str, *faults: Fault) -> dict[str, Any]:
    """Train one setting from one start; returns a row of the table."""
    x, y = examples(setting.data)
    n_in, *hidden, outputs = setting.widths
    network = multilayer_perceptron(n_in, hidden, outputs, init=setting.init, dropout=setting.dropout)
    loss = BinaryCrossEntropy() if outputs == 1 else CategoricalCrossEntropy()
    whole = NetworkObjective(network, loss, x, y, l2=setting.l2)
    theta, printed = first_weights(network, setting.init, start), {}
    for iteration in range(setting.iterations):
        key = (int(start[-1]) if start[-1].isdigit() else 0, iteration)
        objective = whole.over(x, y, dropout_key=key if setting.dropout else None)
        evaluation = objective(theta)
        for fault in faults:
            fault([layer for layer in network.parameters(evaluation.gradient) if layer], len(x))
        theta -= setting.rate * evaluation.gradient
        if iteration % 1000 == 0:
            printed[iteration] = evaluation.loss
    last = whole(theta)
    row: dict[str, Any] = {
        "setting": setting.name,
        "start": start,
        "gradient": " and ".join(fault.__name__ for fault in faults) or "right",
    }
    row |= {"first cost": printed[0], "cost at 1000": printed[1000], "last printed cost": printed[max(printed)]}
    row |= {"loss": last.terms["data"], "accuracy": last.terms["accuracy"]}
    if setting.data == "circles":
        test_x, test_y = make_circles(100, noise=0.05, random_state=2)
        row["test accuracy"] = NetworkObjective(network, loss, test_x, test_y)(theta).terms["accuracy"]
    return row


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Store rows as a table, numbers to six digits."""
    names = list(rows[0])
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, names, lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({name: f"{v:.6g}" if isinstance(v, float) else v for name, v in row.items()})


def part4() -> list[dict[str, Any]]:
    """Part 4's starts and gradients at Part 5's setting."""
    starts = [*map(str, SEEDS), "NumPy, seed 1", "R, Part 4", "Octave"]
    rows = [train(PART_4, start) for start in starts]
    rows += [train(PART_4, start, summed_output_bias) for start in starts[:4]]
    return [*rows, train(PART_4, "R, Part 4", shared_hidden_bias)]


def part6() -> list[dict[str, Any]]:
    """Part 6's settings, each from its own start too, and the R ones with the gradients of the R functions."""
    rows: list[dict[str, Any]] = []
    for setting in PART_6:
        in_r = setting.name.startswith("R")
        starts = [*map(str, SEEDS), "R, seed 2" if in_r else "NumPy, seed 3"]
        rows += [train(setting, start) for start in starts]
        if in_r:
            faults = [shared_hidden_bias] if setting.data == "circles" else [shared_hidden_bias, frozen_output]
            rows += [train(setting, start, *faults) for start in starts]
    return [*rows, *(train(setting, "Octave") for setting in PART_6[:3])]


def main() -> None:
    """Run the parts that are named, or all of them."""
    parts = sys.argv[1:] or ["4", "6"]
    if "4" in parts:
        write(RESULTS / "part4.csv", part4())
    if "6" in parts:
        write(RESULTS / "part6.csv", part6())


if __name__ == "__main__":
    main()
