"""The runs of the reference's Parts 1, 2 and 3, from its own first weights where it sets a seed, and from three others.

    python examples/parts_1_to_3.py PART [FILE]

runs the settings of Part 1, 2 or 3 with Sfumato and writes what came out, a line a run, into FILE
(docs/chapters/results/partPART.csv by default). Settings and seeds are those of the author's notebooks and of the
functions beside them, in Python, R and Octave. Each of these languages makes other random numbers from a seed, and
here all three are made (`r_and_octave_random.py`), so that a run starts where the reference's did. The data are the
reference's too (`examples/data`, scikit-learn and MNIST), but for Part 2's disc, which its notebook draws without a
seed: 800 points by the same rule.
"""

import csv
import sys
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score
from sklearn.model_selection import train_test_split

from r_and_octave_random import octave_uniform, r_normal, r_sample, r_uniform
from sfumato import BinaryCrossEntropy, Dense, Network, NetworkObjective, ReLU, Tanh
from sfumato.data import Dataset, Scaling, breast_cancer, mnist

Matrix = NDArray[np.float64]
Parts = tuple[Any, ...]  # features of training and of test, then their classes
Language = Literal["Python", "R", "Octave"]
DATA = Path(__file__).parent / "data"
OTHER_SEEDS = (10, 11, 12)
MARKS = (0, 100, 500, *range(1000, 10_001, 1000), 15_000, 20_000)
ACTIVATIONS = {"relu": ReLU(), "tanh": Tanh()}


def first_weights(language: Language, units: tuple[int, ...], seed: int, scales: tuple[float, ...]) -> list[Matrix]:
    """The first weights of every layer, a column a unit, as the reference's function in that language draws them."""
    numpy, r, octave = np.random.RandomState(seed), r_uniform(seed), octave_uniform(seed)
    weights = []
    for (inputs, outputs), scale in zip(pairwise(units), scales, strict=True):
        if language == "Python":  # randn fills row by row, with a row a unit
            drawn = numpy.randn(outputs, inputs).T
        elif language == "R":  # matrix() fills column by column
            drawn = r_normal(outputs * inputs, r).reshape(inputs, outputs)
        else:
            drawn = np.array([next(octave) for _ in range(inputs * outputs)]).reshape(inputs, outputs)
        weights.append(scale * drawn)
    return weights


def csv_data(name: str) -> tuple[Matrix, NDArray[np.int64]]:
    """Features and classes of a file of `examples/data`."""
    rows = np.loadtxt(DATA / f"{name}.csv", delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(np.int64)


def disc(seed: int) -> tuple[Matrix, NDArray[np.int64]]:
    """800 points of a square; class 1 is a disc of radius √6 in its middle."""
    x = np.random.default_rng(seed).uniform(0, 10, (800, 2))
    return x, (((x - 5) ** 2).sum(axis=1) <= 6).astype(np.int64)


def fives(digits: Dataset, training: int, testing: int) -> Parts:
    """The first digits of MNIST, pixels as they are, 0 to 255; class 1 is the five."""
    assert digits.test is not None
    x, y = digits.examples.x[:training], digits.examples.y[:training]
    x_test, y_test = digits.test.x[:testing], digits.test.y[:testing]
    flat = [part.reshape(len(part), -1).astype(np.float64) for part in (x, x_test)]
    return *flat, (y == 5).astype(np.int64), (y_test == 5).astype(np.int64)


@dataclass(frozen=True)
class Run:
    """A setting of the reference. `steps` counts from 0: R and Octave take one more than they are asked for."""

    name: str
    language: Language
    hidden: tuple[int, ...]
    learning_rate: float
    steps: int
    seed: int
    activation: str = "tanh"
    scales: tuple[float, ...] | None = None

    def network(self, features: int) -> tuple[Network, tuple[int, ...]]:
        """The network, and the number of units of every layer."""
        activation = ACTIVATIONS[self.activation]
        layers = [layer for units in self.hidden for layer in (Dense(units), activation)]
        return Network([*layers, Dense(1)], features), (features, *self.hidden, 1)


def descend(objective: NetworkObjective, theta: Matrix, learning_rate: float, steps: int) -> tuple[Matrix, list[float]]:
    """Gradient descent on all examples at once; the last weights, and the cost before every step."""
    costs = []
    for _ in range(steps):
        cost, gradient, _ = objective(theta)
        costs.append(cost)
        theta = theta - learning_rate * gradient
    return theta, costs


def logits(network: Network, theta: Matrix, x: Matrix) -> Matrix:
    """The network's outputs, one an example."""
    return np.asarray(network.apply(theta, x))[:, 0]


def measures(z: Matrix, y: NDArray[np.int64]) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 of class 1."""
    predicted = (z > 0).astype(np.int64)
    precision, recall, f1, _ = precision_recall_fscore_support(y, predicted, average="binary", zero_division=0.0)
    return {"right": float((predicted == y).mean()), "precision": precision, "recall": recall, "F1": f1}


def train(run: Run, x: Matrix, y: NDArray[np.int64], seed: int) -> tuple[Network, Matrix, dict[str, Any]]:
    """One run from the first weights of that seed: the network, its last weights, and a line of the table."""
    network, units = run.network(x.shape[1])
    theta = np.zeros(network.size)
    scales = run.scales or (0.01,) * (len(units) - 1)
    drawn = first_weights(run.language, units, seed, scales)
    for own, weights in zip(filter(None, network.parameters(theta)), drawn, strict=True):
        own.W[...] = weights
    theta, costs = descend(NetworkObjective(network, BinaryCrossEntropy(), x, y), theta, run.learning_rate, run.steps)
    marks = {f"cost {step}": costs[step] for step in MARKS if step < len(costs)}
    line = {
        "run": run.name,
        "units": "-".join(map(str, units)),
        "activation": run.activation,
        "learning rate": run.learning_rate,
        "steps": run.steps,
        "start": "theirs" if seed == run.seed else f"seed {seed}",
        **marks,
        "last cost": costs[-1],
        **measures(logits(network, theta, x), y),
    }
    print({key: round(value, 4) if isinstance(value, float) else value for key, value in line.items()}, flush=True)
    return network, theta, line


def unit_length(x: Matrix) -> Matrix:
    """Every example divided by its length, as Part 1 does."""
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def logistic(name: str, parts: Parts, learning_rate: float, steps: int, factor: float = 1.0) -> dict[str, Any]:
    """Part 1's network, from zero. `factor` multiplies cost and gradient, as a wrong count of the examples does."""
    x, x_test, y, y_test = parts
    network = Network([Dense(1)], x.shape[1])
    objective = NetworkObjective(network, BinaryCrossEntropy(), x, y)
    theta, costs = descend(objective, np.zeros(network.size), factor * learning_rate, steps)
    no_bias = np.append(theta[:-1], 0.0)
    line = {"run": name, "learning rate": learning_rate, "steps": steps, "first cost": factor * costs[0]}
    line |= {"last cost": factor * costs[-1], "training examples": len(y), "test examples": len(y_test)}
    for word, weights in (("", theta), (" without b", no_bias)):
        for part, inputs, truth in (("training", x, y), ("test", x_test, y_test)):
            line[f"right in {part}{word}"] = int(((logits(network, weights, inputs) > 0) == truth).sum())
    print(line, flush=True)
    return line


def part1() -> list[dict[str, Any]]:
    """Logistic regression on the tumours."""
    tumours = breast_cancer()
    x, y = np.asarray(tumours.examples.x, dtype=np.float64), tumours.examples.y
    python_parts = tuple(train_test_split(x, y, random_state=0))
    lines = []
    for solver in ("liblinear", "lbfgs"):
        model = LogisticRegression(solver=solver, max_iter=10_000).fit(python_parts[0], python_parts[2])
        hits = [int((model.predict(python_parts[k]) == python_parts[k + 2]).sum()) for k in (0, 1)]
        line = {"run": f"scikit-learn, {solver}", "training examples": 426, "test examples": 143}
        lines.append(line | {"right in training": hits[0], "right in test": hits[1]})
    scaling = Scaling.standard(python_parts[0])
    scaled = tuple(scaling(part, np.float64) for part in python_parts[:2])
    divided = tuple(unit_length(part) for part in python_parts[:2])
    lines.append(logistic("Python", divided + python_parts[2:], 0.75, 4000))
    lines.append(logistic("Python, divided by 30", divided + python_parts[2:], 0.75, 4000, factor=426 / 30))
    lines.append(logistic("Python, columns scaled", scaled + python_parts[2:], 0.75, 4000))

    def split(first: int, chosen: list[int]) -> Parts:
        """The chosen examples and the others, of those from the first on, each divided by its length."""
        others = sorted(set(range(len(y) - first)) - set(chosen))
        lengths, classes = unit_length(x[first:]), y[first:]
        return lengths[chosen], lengths[others], classes[chosen], classes[others]

    lines.append(logistic("R, first row lost", split(1, r_sample(568, 426, 5)), 0.77, 3000))
    lines.append(logistic("R, all rows", split(0, r_sample(569, 426, 5)), 0.77, 3000))
    for seed in range(3):
        chosen = np.random.default_rng(seed).permutation(569)[:426].tolist()
        lines.append(logistic(f"Octave, split {seed}", split(0, chosen), 0.75, 3000))
    return lines


def part2() -> list[dict[str, Any]]:
    """One hidden layer, on nine blobs and on a disc."""
    r_scales = (0.01, 1.0)
    python = [Run(f"Python {name}", "Python", (units,), rate, 10_000, 2) for name, units, rate in PART2_PYTHON]
    r = [Run(f"R {name}", "R", (units,), rate, 10_001, 2, scales=r_scales) for name, units, rate in PART2_R]
    octave = [Run(f"Octave {name}", "Octave", (units,), rate, 10_001, 2) for name, units, rate in PART2_OCTAVE]
    x, y = csv_data("data")
    lines = []
    for centers in (7, 9):
        features, blob = make_blobs(n_samples=400, centers=centers, cluster_std=1.3, random_state=4)
        classes = blob % 2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of what later versions of scikit-learn choose by default
            model = LogisticRegressionCV().fit(features, classes)
        lines.append({"run": f"logistic regression, {centers} blobs", "right": model.score(features, classes)})
    for run in (*python, *r, *octave):
        on_disc = "disc" in run.name
        for number, seed in enumerate((run.seed, *OTHER_SEEDS)):
            lines.append(train(run, *(disc(number) if on_disc else (x, y)), seed)[2])
    return lines


PART2_PYTHON = [
    ("5", 4, 0.5),
    ("5, units of the text", 3, 0.5),
    ("8a", 4, 1.2),
    ("8a", 4, 3.0),
    ("8b", 3, 1.2),
    ("8b", 5, 1.2),
    ("8b", 7, 1.2),
    ("13a disc", 4, 2.2),
    ("13b disc", 12, 2.2),
]
PART2_R = [
    ("6", 6, 0.1),
    ("9a", 6, 1.2),
    ("9a", 6, 3.0),
    ("9b", 4, 0.1),
    ("9b", 9, 0.1),
    ("14a disc", 9, 0.5),
    ("14b disc", 8, 0.1),
]
PART2_OCTAVE = [
    ("10a", 4, 0.5),
    ("10a", 4, 1.2),
    ("10a", 4, 3.0),
    ("10b disc", 4, 1.5),
    ("10b disc", 9, 1.5),
    ("10b disc", 12, 1.5),
]


def part3() -> list[dict[str, Any]]:
    """Any number of layers, on nine blobs, on a lemniscate, and on the fives of MNIST."""
    on_files = [
        ("data", Run("Python blobs", "Python", (9, 9), 0.3, 2500, 3, "relu")),
        ("data", Run("R blobs", "R", (9, 9), 0.3, 5001, 2, "relu")),
        ("data", Run("Python blobs", "Python", (4,), 0.5, 2500, 3)),
        ("data", Run("R blobs", "R", (9, 9), 0.3, 5001, 2)),
        ("lemniscate", Run("Python lemniscate", "Python", (7, 4), 0.5, 10_000, 3, "relu")),
        ("lemniscate", Run("R lemniscate", "R", (5, 4), 0.3, 20_001, 2)),
    ]
    lines = []
    for file, run in on_files:
        x, y = csv_data(file)
        for seed in (run.seed, *OTHER_SEEDS):
            _, theta, line = train(run, x, y, seed)
            if run.activation == "tanh":  # the reference's Python and, for scores, R predict with ReLU all the same
                other, _ = Run(run.name, run.language, run.hidden, 0, 0, 0, "relu").network(2)
                line["right, predicted with ReLU"] = measures(logits(other, theta, x), y)["right"]
            lines.append(line)
    on_digits = [
        (10_000, Run("Python fives", "Python", (15, 9, 7), 0.1, 1000, 3, "relu")),
        (5_000, Run("R fives", "R", (7, 7, 3), 0.3, 3001, 2)),
    ]
    for count, run in on_digits:
        x, x_test, y, y_test = fives(mnist(), count, 800)
        for seed in (run.seed, *OTHER_SEEDS):
            network, theta, line = train(run, x, y, seed)
            line |= {f"test {key}": value for key, value in measures(logits(network, theta, x_test), y_test).items()}
            relu_network, _ = Run(run.name, run.language, run.hidden, 0, 0, 0, "relu").network(784)
            for words, judge in (("", network), (", ReLU scores", relu_network)):
                z = logits(judge, theta, x)
                line[f"ROC area{words}"] = roc_auc_score(y, z)
                line[f"precision-recall area{words}"] = average_precision_score(y, z)
            lines.append(line)
    return lines


def main() -> None:
    """Run a part and write its table."""
    part = sys.argv[1]
    lines = {"1": part1, "2": part2, "3": part3}[part]()
    default = Path(__file__).parents[1] / "docs" / "chapters" / "results" / f"part{part}.csv"
    columns = list(dict.fromkeys(key for line in lines for key in line))
    with (Path(sys.argv[2]) if len(sys.argv) > 2 else default).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for line in lines:
            writer.writerow({k: f"{v:.6f}" if isinstance(v, float) else v for k, v in line.items()})


if __name__ == "__main__":
    main()
