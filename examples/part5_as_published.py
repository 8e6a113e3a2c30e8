"""The reference's Part 5 on MNIST as its published functions run it, their faults included.

    python examples/part5_as_published.py [NAME ...]

The text of Part 5 prints the calls and not the functions, which are published on GitHub (tvganesh/DeepLearning-Part5
and, for Octave, tvganesh/DeepLearningFromFirstPrinciples). This is what they do, said again with Sfumato's network and
gradients, which are right, and changed where those are not:

- Python: first weights of NumPy's old generator with seed 3, times 0.01; the batches of an epoch from its seeds 11, 12
  and so on; and the last layer's db is the sum over the batch, not the mean (the fault that Part 8 finds later).
- R: first weights of R's generator with seed 2, times 0.01; a loop over epochs 0 to N, one more than N; nines have no
  target, as R ignores an assignment to column 0; the hidden layers' db is one sum over all units; and instead of the
  last layer, which stays as it was drawn, the one below it is updated twice.
  (With the R run comes why it never says 6: whether these weights, which stay, let a class be the answer at all.)
- Octave: first weights uniform between 0 and 0.01; and the loop over mini-batches overwrites the data, so that from the
  second epoch on the last mini-batch of the first is all there is to train on.

They computed in double precision; here it is single, which takes half the time. Either way rounding decides after some
hundred epochs where such a run goes, so the printed matrices cannot be had to the last count.

Confusion matrices and costs go to docs/chapters/results/part5-as-published.json, where chapter 5 finds them. The Python
run takes some ten minutes, the others a few.
"""

import itertools
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linprog

from r_and_octave_random import octave_uniform, r_normal, r_uniform
from sfumato import CategoricalCrossEntropy, ConfusionMatrix, Model, NetworkObjective, multilayer_perceptron
from sfumato.arrays import Array
from sfumato.data import Dataset, Examples, Scaling, mnist
from sfumato.losses.base import Pullback, Sums

RESULTS = Path(__file__).parents[1] / "docs" / "chapters" / "results" / "part5-as-published.json"
DIGITS = tuple("0123456789")
NETWORK = multilayer_perceptron((28, 28, 1), hidden=(15, 9), outputs=10)
LOSS = CategoricalCrossEntropy()


def start(draws: Array, columns_first: bool) -> Array:
    """First weights from draws in the order of the published code, whose weights are (outputs, inputs); biases zero."""
    theta = np.zeros(NETWORK.size)
    parameters = NETWORK.parameters(theta)
    for layer in (parameters.dense_1, parameters.dense_2, parameters.dense_3):
        inputs, outputs = layer.W.shape
        some, draws = draws[: inputs * outputs], draws[inputs * outputs :]
        layer.W[...] = some.reshape(inputs, outputs) if columns_first else some.reshape(outputs, inputs).T
    return theta.astype(np.float32)


class NinesWithoutTarget(CategoricalCrossEntropy):
    """The cross-entropy with the gradient of R's functions: a nine has no target, and pushes all outputs down."""

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        sums, right = super().forward(z, y, weight)

        def backward(dsum: Any) -> Array:
            dz = right(dsum)
            dz[y == 9, 9] += dsum
            return dz

        return sums, backward


def python_step(theta: Array, gradient: Array, size: int) -> None:
    """Gradient descent with the last layer's db summed over the batch."""
    NETWORK.parameters(gradient).dense_3.b[...] *= size
    theta -= 0.01 * gradient


def r_step(theta: Array, gradient: Array, size: int) -> None:
    """Gradient descent with one db for a hidden layer's units, its second layer updated twice, its last never."""
    layers = NETWORK.parameters(gradient)
    for hidden in (layers.dense_1, layers.dense_2):
        hidden.b[...] = hidden.b.sum()
    for layer, times in ((layers.dense_2, 2), (layers.dense_3, 0)):
        layer.W[...] *= times
        layer.b[...] *= times
    theta -= 0.05 * gradient


def octave_step(theta: Array, gradient: Array, size: int) -> None:
    """Gradient descent."""
    theta -= 0.01 * gradient


def python(data: Dataset) -> dict[str, Any]:
    """The Python listing's run."""
    draws = 0.01 * np.random.RandomState(3).standard_normal(NETWORK.size)
    orders = (np.random.RandomState(11 + epoch).permutation(data.examples.size) for epoch in range(3000))
    return run(LOSS, data, start(draws, columns_first=False), orders, 1000, python_step)


def r(data: Dataset, epochs: int) -> dict[str, Any]:
    """The R listing's run, for so many epochs and one more."""
    random = np.random.default_rng(0)
    orders = (random.permutation(2**15) for _ in range(epochs + 1))
    draws = 0.01 * r_normal(NETWORK.size, r_uniform(2))
    return run(NinesWithoutTarget(), data, start(draws, columns_first=True), orders, 512, r_step)


def leads(weights: Array) -> list[float]:
    """Largest lead of each class's output over all others, for inputs that are not negative and add up to 1.

    The inputs of a last layer are the outputs of ReLUs; a class whose largest lead is negative is never the answer.
    """
    found = []
    for mine in range(weights.shape[1]):
        over_others = weights[:, [mine]] - np.delete(weights, mine, axis=1)
        inputs, others = over_others.shape
        best = linprog(
            np.append(np.zeros(inputs), -1.0),  # the last variable is the smallest lead, as large as can be
            A_ub=np.column_stack([-over_others.T, np.ones(others)]),
            b_ub=np.zeros(others),
            A_eq=[np.append(np.ones(inputs), 0.0)],
            b_eq=[1.0],
            bounds=[(0, None)] * inputs + [(None, None)],
        )
        found.append(-float(best.fun or 0.0))
    return found


def r_leads() -> dict[str, list[float]]:
    """The leads that the last layer of the R listing's run allows, which keeps its first weights; printed too."""
    theta = start(0.01 * r_normal(NETWORK.size, r_uniform(2)), columns_first=True)
    found = [round(lead, 6) for lead in leads(NETWORK.parameters(theta).dense_3.W.astype(np.float64))]
    for digit, lead in zip(DIGITS, found, strict=True):
        print(f"class {digit}: largest lead {lead:9.6f}{'' if lead > 0 else '   never the largest'}")
    return {"leads": found}


def octave(data: Dataset) -> dict[str, Any]:
    """The Octave listing's run: one epoch of five mini-batches, and then the last of them again and again."""
    first = np.random.default_rng(0).permutation(10_000)
    orders = itertools.chain([first], itertools.repeat(first[-2000:], 5000))
    draws = 0.01 * np.array(list(itertools.islice(octave_uniform(3), NETWORK.size)))
    return run(LOSS, data, start(draws, columns_first=True), orders, 2000, octave_step)


def run(
    loss: CategoricalCrossEntropy,
    data: Dataset,
    theta: Array,
    orders: Iterable[Array],
    batch_size: int,
    step: Callable[[Array, Array, int], None],
) -> dict[str, Any]:
    """Take a step on each mini-batch of each order in turn; returns both confusion matrices, and what came on the way.

    Of epochs 0, 1, 2, 4, 8 and so on: the cost of the last mini-batch, as the published functions print it, and the
    test accuracy.
    """
    x, y, test = data.examples.x, data.examples.y, data.test or data.examples
    objective = NetworkObjective(NETWORK, loss, x[:1].astype(np.float32), y[:1])
    begin, history = time.perf_counter(), []
    for epoch, order in enumerate(orders):
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            cost, gradient, _ = objective.over(x[rows].astype(np.float32), y[rows])(theta)
            step(theta, gradient, len(rows))
        if epoch & (epoch - 1) == 0:
            accuracy = float(np.trace(counts(theta, test))) / test.size
            history.append((epoch, round(cost, 6), accuracy))
            print(f"epoch {epoch}: cost of the last mini-batch {cost:.6f}, test accuracy {accuracy:.4f}", flush=True)
    seconds = round(time.perf_counter() - begin, 1)
    matrices = {"training": counts(theta, data.examples), "test": counts(theta, test)}
    return {"seconds": seconds, **matrices, "history": history}


def counts(theta: Array, examples: Examples) -> list[list[int]]:
    """Confusion matrix of the network with some weights on examples, the true digit down."""
    model = Model(NETWORK, theta, LOSS, Scaling.none(), DIGITS)
    starts = range(0, examples.size, 5000)
    answers = np.concatenate([model.predict(examples.x[first : first + 5000]) for first in starts])
    matrix: list[list[int]] = ConfusionMatrix.from_labels(examples.y, answers, DIGITS).counts.tolist()
    return matrix


RUNS: dict[str, Callable[[Dataset], dict[str, Any]]] = {
    "R": lambda data: r(data, 1) | r_leads(),
    "R, 1500 epochs": lambda data: r(data, 1500),
    "Octave": octave,
    "Python": python,
}


def main() -> None:
    """Make the runs that are named, or all, and keep the results of the others."""
    data = mnist()
    for name in sys.argv[1:] or RUNS:
        found = RUNS[name](data)
        matrix = ConfusionMatrix(np.array(found["test"]), DIGITS)
        print(f"{name}: test accuracy {matrix.accuracy:.4f}, {found['seconds']:.0f} s", flush=True)
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        results[name] = found
        lines = ",\n".join(f"{json.dumps(each)}: {json.dumps(results[each])}" for each in RUNS if each in results)
        RESULTS.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
