"""Training speed beside PyTorch and scikit-learn, as ratios within one run.

    make bench

Each job does the same work in each program: the same layers, the same number of steps of Adam on the same batches of
float32 data that is in memory before the clock starts. Rounds are interleaved, so that whatever else the machine does
falls on all alike; what is printed is each program's median, and its ratio to ours.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier

from sfumato import Adam, CategoricalCrossEntropy, NetworkObjective, multilayer_perceptron
from sfumato.arrays import Array
from sfumato.data import load_mnist

ROUNDS = 5
JOBS = {"784-15-9-10, batch 1000": ((15, 9), 1000), "784-256-128-10, batch 128": ((256, 128), 128)}


def sfumato_epoch(x: Array, y: Array, hidden: tuple[int, ...], batch: int) -> Callable[[], None]:
    """One epoch of ours."""
    network, optimizer = multilayer_perceptron(x.shape[1], hidden, 10), Adam()
    theta = network.initialize()
    state = optimizer.init(theta)

    def epoch() -> None:
        nonlocal theta, state
        order = np.random.default_rng(0).permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            objective = NetworkObjective(network, CategoricalCrossEntropy(), x[rows], y[rows])
            theta, state, _ = optimizer.step(objective, theta, state, 0.001)

    return epoch


def torch_epoch(x: Array, y: Array, hidden: tuple[int, ...], batch: int) -> Callable[[], None]:
    """One epoch of PyTorch's, eager, with its fused Adam."""
    sizes = (x.shape[1], *hidden, 10)
    layers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001, fused=True)
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)

    def epoch() -> None:
        order = torch.randperm(len(inputs))
        for start in range(0, len(inputs), batch):
            rows = order[start : start + batch]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimizer.step()

    return epoch


def sklearn_epoch(x: Array, y: Array, hidden: tuple[int, ...], batch: int) -> Callable[[], None]:
    """One epoch of scikit-learn's MLPClassifier."""
    network = MLPClassifier(hidden, alpha=0, batch_size=batch, max_iter=1, random_state=0)

    def epoch() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that one epoch is not enough to converge, which is meant
            network.fit(x, y)

    return epoch


def main() -> None:
    """Run every job and print the table."""
    digits = load_mnist().examples
    x, y = (digits.x.reshape(len(digits.y), -1) / 255).astype(np.float32), digits.y
    programs = {"sfumato": sfumato_epoch, "PyTorch": torch_epoch, "scikit-learn": sklearn_epoch}
    print(f"one epoch of MNIST, median of {ROUNDS} interleaved rounds; {torch.get_num_threads()} threads")
    for job, (hidden, batch) in JOBS.items():
        epochs = {name: make(x, y, hidden, batch) for name, make in programs.items()}
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        for round_number in range(ROUNDS + 1):
            for name, epoch in epochs.items():
                begin = time.perf_counter()
                epoch()
                if round_number:  # the first round warms up
                    seconds[name].append(time.perf_counter() - begin)
        medians = {name: statistics.median(times) for name, times in seconds.items()}
        for name, median in medians.items():
            print(f"{job:<28}{name:<14}{median:8.3f} s {median / medians['sfumato']:6.2f} x ours")


if __name__ == "__main__":
    main()
