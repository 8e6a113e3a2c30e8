"""The reference's Part 5 on MNIST: the settings of its Python, R and Octave listings, run to their end.

    python examples/part5_mnist.py [NAME ...]

trains 784-15-9-10 (ReLU, softmax, gradient descent on pixels from 0 to 255) with each NAME's settings below, or with
all of them, and writes confusion matrices, costs and times into docs/chapters/results/part5-mnist.json, where chapter 5
finds them. It is slow: five to twenty minutes for each of the three runs of "Python", and some minutes for the rest.

How the first weights were drawn is not printed. They are normal with a standard deviation of 0.01 here, which the
costs that are printed elsewhere in Parts 5 and 8 fit. The R and Octave listings draw a permutation of 1 to 32,768 or
10,000, which is those first digits in another order; so they are the first ones here as well.
"""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sfumato import CategoricalCrossEntropy, FitResult, GradientDescent, Normal, RunOptions, fit, multilayer_perceptron
from sfumato.data import Examples, Scaling, mnist
from sfumato.evaluation import ConfusionMatrix
from sfumato.model import Model
from sfumato.training import EpochRecord

RESULTS = Path(__file__).parents[1] / "docs" / "chapters" / "results" / "part5-mnist.json"


@dataclass(frozen=True)
class Setting:
    """Settings of one listing.

    Attributes:
        examples: The first so many digits are trained on.
        batch_size: Digits a step.
        learning_rate: Rate of gradient descent.
        epochs: Passes over the examples.
        rounds: Where there are more than one, each draws so many examples anew from all 60,000 digits, and goes on
            with the weights of the one before for its share of the epochs.
        seeds: Number of runs, each from other first weights.
    """

    examples: int
    batch_size: int
    learning_rate: float
    epochs: int
    rounds: int = 1
    seeds: int = 1


SETTINGS = {
    "R": Setting(examples=2**15, batch_size=512, learning_rate=0.05, epochs=1, seeds=3),
    "Python": Setting(examples=60_000, batch_size=1000, learning_rate=0.01, epochs=3000, seeds=3),
    "Octave": Setting(examples=10_000, batch_size=2000, learning_rate=0.01, epochs=5000),
    "Octave, drawn anew": Setting(examples=10_000, batch_size=2000, learning_rate=0.01, epochs=5000, rounds=5),
    "R, 1500 epochs": Setting(examples=2**15, batch_size=512, learning_rate=0.05, epochs=1500),
}
"""Those of the listings; the pseudo-code beside the Octave one, in five rounds; and R's, long enough to learn."""


def run(setting: Setting, seed: int, train: Examples, test: Examples) -> dict[str, Any]:
    """Train once; returns both confusion matrices, the time, and some of the epochs.

    Of these: epoch, training loss and accuracy as measured during it, test loss and accuracy after it.
    """
    network = multilayer_perceptron(train.x.shape[1:], hidden=(15, 9), outputs=10, init=Normal(0.01))
    loss, scaling = CategoricalCrossEntropy(), Scaling.none()
    random = np.random.default_rng(seed)
    history: list[EpochRecord] = []
    seconds = 0.0
    found: FitResult | None = None
    for number in range(setting.rounds):
        rows = np.arange(setting.examples)
        if setting.rounds > 1:
            rows = random.choice(train.size, setting.examples, replace=False)
        found = fit(
            network, loss, Examples(train.x[rows], train.y[rows]), validation=test, scaling=scaling,
            optimizer=GradientDescent(),
            learning_rate=setting.learning_rate, batch_size=setting.batch_size,
            epochs=setting.epochs // setting.rounds, seed=seed + 1000 * number, run=RunOptions(start=found),
        )  # fmt: skip
        seconds += found.seconds
        history += [replace(record, epoch=record.epoch + len(history)) for record in found.history]
    assert found is not None
    model = Model(network, found.theta, loss, scaling, tuple("0123456789"))
    kept = {1, *np.geomspace(1, setting.epochs, 60).round().astype(int).tolist()}
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        "training": counts(model, train),
        "test": counts(model, test),
        "history": [
            [
                r.epoch,
                *(round(n, 5) for n in (r.train_loss, r.train_accuracy, r.validation_loss, r.validation_accuracy)),
            ]
            for r in history
            if r.epoch in kept
        ],
    }


def counts(model: Model, examples: Examples) -> list[list[int]]:
    """Confusion matrix of a model on examples, the true digit down."""
    starts = range(0, examples.size, 5000)
    answers = np.concatenate([model.predict(examples.x[start : start + 5000]) for start in starts])
    matrix: list[list[int]] = ConfusionMatrix.from_labels(examples.y, answers, model.classes).counts.tolist()
    return matrix


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


def main() -> None:
    """Run the settings that are named, and keep the results of the others."""
    data = mnist()
    assert data.test is not None
    for name in sys.argv[1:] or SETTINGS:
        found = []
        for seed in range(SETTINGS[name].seeds):
            found.append(run(SETTINGS[name], seed, data.examples, data.test))
            accuracy = found[-1]["history"][-1][-1]
            print(f"{name}, seed {seed}: test accuracy {accuracy:.4f}, {found[-1]['seconds']:.0f} s", flush=True)
        keep(name, found)


if __name__ == "__main__":
    main()
