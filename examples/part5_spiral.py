"""The reference's Part 5 on the spiral: the settings of its R and Octave listings, from Python.

    python examples/part5_spiral.py

trains 2-100-3 (ReLU, softmax) by gradient descent on all 300 points of `data/spiral.csv`, at the rate and for the
iterations of each listing, once for each of three seeds, and writes the costs into
docs/chapters/results/part5-spiral.json, where chapter 5 finds them. It takes about a minute. The first weights are
normal with a standard deviation of 0.01, as the cost that the Python listing prints first (1.098759) suggests.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sfumato import CategoricalCrossEntropy, NetworkObjective, Normal, multilayer_perceptron

SPIRAL = Path(__file__).parent / "data" / "spiral.csv"
RESULTS = Path(__file__).parents[1] / "docs" / "chapters" / "results" / "part5-spiral.json"
SETTINGS = {"R": (0.5, 9000), "Octave": (0.1, 10_000)}
"""Learning rate and iterations of each listing."""


def run(learning_rate: float, iterations: int, seed: int) -> dict[str, Any]:
    """Gradient descent; returns the cost at every thousandth iteration, and the share of points that end up right."""
    rows = np.loadtxt(SPIRAL, delimiter=",")
    network = multilayer_perceptron(2, hidden=(100,), outputs=3, init=Normal(0.01))
    objective = NetworkObjective(network, CategoricalCrossEntropy(), rows[:, :2], rows[:, 2].astype(int))
    theta, costs = network.initialize(seed, np.float64), []
    for _ in range(iterations):
        cost, gradient, _ = objective(theta)
        theta -= learning_rate * gradient
        costs.append(cost)
    after = objective(theta)
    return {
        "seed": seed,
        "costs": [round(cost, 6) for cost in [*costs[::1000], after.loss]],
        "accuracy": round(after.terms["accuracy"], 4),
    }


def main() -> None:
    """Run both and write the results."""
    blocks = []
    for name, setting in SETTINGS.items():
        lines = ",\n".join(json.dumps(run(*setting, seed=seed)) for seed in range(3))
        blocks.append(f"{json.dumps(name)}: [\n{lines}\n]")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("{\n" + ",\n".join(blocks) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
