"""The reference's Part 7 in R and Octave: the settings of those listings, for their 5000 epochs, from Python.

    python examples/part7_r_and_octave.py [NAME ...]

trains 784-15-9-10 with each NAME's settings below, or with all of them, once for each of three seeds, and writes costs
and accuracies into docs/chapters/results/part7-r-and-octave.json, where chapter 7 finds them. All of them take about 15
minutes. The settings of the Python listings are run by `part7_optimizers.py`.

All listings take the first 1024 digits, pixels from 0 to 255, in mini-batches of 512. How the first weights were drawn
is not printed; they are normal with a standard deviation of 0.01 here. Epsilon stands inside the root, as there.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sfumato import (
    Adam,
    CategoricalCrossEntropy,
    GradientDescent,
    Layer,
    Momentum,
    Normal,
    Optimizer,
    ReLU,
    RMSProp,
    Tanh,
    fit,
    multilayer_perceptron,
)
from sfumato.arrays import Array
from sfumato.data import Examples, Scaling, mnist
from sfumato.optimizers.schedules import Schedule, exponential
from sfumato.optimizers.wrappers import Around
from sfumato.training import evaluate

RESULTS = Path(__file__).parents[1] / "docs" / "chapters" / "results" / "part7-r-and-octave.json"
SEEDS = (0, 1, 2)
EPOCHS = 5000

S = TypeVar("S", bound=tuple[Any, ...])


class Forgetful(Around[S]):
    """An optimizer whose averages are lost after each step, as those of the R and Octave functions are on return.

    The number of steps so far, which Adam's caller counts there, is not.
    """

    def update(self, theta: Array, gradient: Array, state: S, learning_rate: float) -> tuple[Array, S]:
        for average in state:
            if isinstance(average, np.ndarray):
                average[...] = 0
        return self.optimizer.update(theta, gradient, state, learning_rate)


@dataclass(frozen=True)
class Setting:
    """Settings of one listing: the optimizer, its rate, and the function of the hidden layers."""

    activation: Layer[Any]
    optimizer: Optimizer[Any]
    learning_rate: float | Schedule


R, OCTAVE = Tanh(), ReLU()
SETTINGS = {
    "R, gradient descent": Setting(R, GradientDescent(), 0.05),
    "R, decay 0.9999": Setting(R, GradientDescent(), exponential(0.05, 0.9999)),
    "R, decay as its code has it": Setting(R, GradientDescent(), exponential(0.05, 0.9999**5)),
    "R, momentum": Setting(R, Momentum(0.9), 0.05),
    "R, momentum, state lost": Setting(R, Forgetful(Momentum(0.9)), 0.05),
    "R, RMSProp": Setting(R, RMSProp(0.9, 1e-8, epsilon_inside_root=True), 0.001),
    "R, RMSProp, state lost": Setting(R, Forgetful(RMSProp(0.9, 1e-8, epsilon_inside_root=True)), 0.001),
    "R, Adam": Setting(R, Adam(0.7, 0.9, 1e-8, epsilon_inside_root=True), 0.005),
    "R, Adam, state lost": Setting(R, Forgetful(Adam(0.7, 0.9, 1e-8, epsilon_inside_root=True)), 0.005),
    "Octave, gradient descent": Setting(OCTAVE, GradientDescent(), 0.005),
    "Octave, decay 0.999": Setting(OCTAVE, GradientDescent(), exponential(0.01, 0.999)),
    "Octave, decay as its code has it": Setting(OCTAVE, GradientDescent(), exponential(0.01, 0.999**5)),
    "Octave, momentum": Setting(OCTAVE, Momentum(0.9), 0.01),
    "Octave, RMSProp, epsilon 1": Setting(OCTAVE, RMSProp(0.9, 1.0, epsilon_inside_root=True), 0.005),
    "Octave, Adam, epsilon 100": Setting(OCTAVE, Adam(0.9, 0.9, 100.0, epsilon_inside_root=True), 0.1),
    "Octave, Adam, epsilon 1e-8": Setting(OCTAVE, Adam(0.9, 0.9, 1e-8, epsilon_inside_root=True), 0.1),
    "Octave, Adam, epsilon 1e-8, state lost": Setting(
        OCTAVE, Forgetful(Adam(0.9, 0.9, 1e-8, epsilon_inside_root=True)), 0.1
    ),
}
"""The listings', and beside them what their code does where it differs from their equations.

The decay's code multiplies the rate by decay^(epochs / 1000), here decay^5, once an epoch. The last two are Adam's with
the usual epsilon, with which, says a comment in the Octave listing, it "does not seem to converge".
"""


def run(setting: Setting, seed: int, train: Examples, test: Examples, epochs: int = EPOCHS) -> dict[str, Any]:
    """Train once; returns costs of some of the epochs, the worst of the last fifth, accuracies and the time."""
    network = multilayer_perceptron(
        train.x.shape[1:], hidden=(15, 9), outputs=10, init=Normal(0.01), activation=setting.activation
    )
    loss = CategoricalCrossEntropy()
    found = fit(
        network, loss, train, scaling=Scaling.none(), optimizer=setting.optimizer,
        learning_rate=setting.learning_rate, batch_size=512, epochs=epochs, seed=seed,
    )  # fmt: skip
    costs = [record.train_loss for record in found.history]
    shown = sorted({1, epochs, *np.geomspace(1, epochs, 60).round().astype(int).tolist()})
    return {
        "seed": seed,
        "seconds": round(found.seconds, 1),
        "train accuracy": round(evaluate(network, loss, found.theta, train)[1], 4),
        "test accuracy": round(evaluate(network, loss, found.theta, test)[1], 4),
        "worst of the last fifth": round(max(costs[-(epochs // 5 or 1) :]), 6),
        "costs": {epoch: round(costs[epoch - 1], 6) for epoch in shown},
    }


def main() -> None:
    """Run the settings that are named, or all, and keep the results of the others."""
    data = mnist()
    assert data.test is not None
    first = Examples(data.examples.x[:1024], data.examples.y[:1024])
    for name in sys.argv[1:] or SETTINGS:
        found = []
        for seed in SEEDS:
            found.append(run(SETTINGS[name], seed, first, data.test))
            print(f"{name}, seed {seed}: test accuracy {found[-1]['test accuracy']}", flush=True)
        keep(name, found)


def keep(name: str, found: list[dict[str, Any]]) -> None:
    """Write a setting's runs among the results, one run a line."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results[name] = found
    blocks = []
    for each in filter(results.__contains__, SETTINGS):
        lines = ",\n".join(json.dumps(one) for one in results[each])
        blocks.append(f"{json.dumps(each)}: [\n{lines}\n]")
    RESULTS.write_text("{\n" + ",\n".join(blocks) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
