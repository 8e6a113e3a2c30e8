"""The network on one page, `examples/from_scratch.py`, against the engine: the same numbers to rounding."""

import ast
import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import from_scratch
from sfumato import (
    Adam,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GradientDescent,
    Momentum,
    Network,
    NetworkObjective,
    RMSProp,
    multilayer_perceptron,
)
from sfumato.arrays import Array, Shape
from sfumato.data import mnist
from sfumato.data.dataset import Examples
from sfumato.minimize import RunOptions
from sfumato.optimizers import Optimizer
from sfumato.optimizers.schedules import exponential
from sfumato.random_keys import Stream, generator
from sfumato.training import fit

PAGE = Path(from_scratch.__file__)
OPTIMIZERS: dict[str, Optimizer[Any]] = {
    "gd": GradientDescent(),
    "momentum": Momentum(),
    "rmsprop": RMSProp(),
    "adam": Adam(),
}
activations = st.sampled_from(sorted(from_scratch.ACTIVATIONS))


class EngineDraws:
    """The engine's orders and dropout masks, in the place of a random generator."""

    def __init__(self, seed: int, hidden_layers: int, *, shuffles: bool = True) -> None:
        self.seed, self.hidden_layers, self.shuffles, self.epoch, self.drawn = seed, hidden_layers, shuffles, 0, 0

    def permutation(self, count: int) -> Array:
        self.epoch += 1
        of_epoch = generator(self.seed, Stream.SHUFFLING, self.epoch - 1)
        return of_epoch.permutation(count) if self.shuffles else np.arange(count)

    def random(self, shape: Shape) -> Array:
        if self.drawn % self.hidden_layers == 0:
            self.of_step = generator(self.seed, Stream.DROPOUT, self.drawn // self.hidden_layers)
        self.drawn += 1
        return self.of_step.random(shape, dtype=np.float32)


def arrays(network: Network, flat: Array) -> list[Array]:
    """A flat vector of the engine's as the page's list [W1, b1, W2, b2, ...], copied."""
    return [array.copy() for layer in network.parameters(flat) for array in layer]


def flat(theta: list[Array]) -> Array:
    return np.concatenate([array.ravel() for array in theta])


def problem(sizes: list[int], activation: str, n: int, dropout: float = 0.0) -> tuple[Network, Array, Array, Array]:
    """A network, parameters of order one and examples."""
    network = multilayer_perceptron(sizes[0], sizes[1:-1], sizes[-1], activation=activation, dropout=dropout)
    rng = np.random.default_rng(n)
    theta, x = rng.standard_normal(network.size), rng.standard_normal((n, sizes[0]))
    return network, theta, x, rng.integers(0, max(2, sizes[-1]), n)


def loss(outputs: int) -> BinaryCrossEntropy | CategoricalCrossEntropy:
    return BinaryCrossEntropy() if outputs == 1 else CategoricalCrossEntropy()


@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    activation=activations,
    n=st.integers(1, 9),
    l2=st.sampled_from([0.0, 0.7]),
    dropout=st.sampled_from([0.0, 0.25, 0.5]),
)
def test_cost_and_gradient_are_the_engines(
    sizes: list[int], activation: str, n: int, l2: float, dropout: float
) -> None:
    network, theta, x, y = problem(sizes, activation, n, dropout)
    objective = NetworkObjective(network, loss(sizes[-1]), x, y, l2=l2 * 50, data_size=50, dropout_key=(3, 0))
    expected, gradient, _ = objective(theta)
    own = arrays(network, theta)
    draws: Any = EngineDraws(3, hidden_layers=len(sizes) - 2)
    masks = from_scratch.draw_masks(own, n, dropout, draws)
    J, derived = from_scratch.cost(own, x, y, activation, l2, masks)
    np.testing.assert_allclose(J, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(flat(derived), gradient, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("activation", from_scratch.ACTIVATIONS)
def test_outputs_without_dropout_are_the_engines(activation: str, outputs: int) -> None:
    network, theta, x, _ = problem([4, 6, 5, outputs], activation, 10, dropout=0.5)
    z, inputs, slopes = from_scratch.forward(arrays(network, theta), x, activation)
    np.testing.assert_allclose(z, network.apply(theta, x), rtol=1e-12, atol=1e-14)
    assert [a.shape for a in inputs] == [(10, 4), (10, 6), (10, 5)]
    assert [slope.shape for slope in slopes] == [(10, 6), (10, 5)]


@pytest.mark.parametrize("outputs", [1, 3])
def test_losses_of_huge_outputs_are_finite(outputs: int) -> None:
    z = np.array([[1e4], [-1e4], [1e4], [-1e4]]) * np.ones(outputs) * [1, -1, 0][:outputs]
    y = np.array([0, 0, 1, 1])
    J, dZ = from_scratch.loss(z, y)
    sums, pullback = loss(outputs).forward(z, y)
    np.testing.assert_allclose(J, sums.loss / 4, rtol=1e-12)
    np.testing.assert_allclose(dZ, pullback(1 / 4), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(("epochs", "batch_size"), [(1, 23), (6, 5)], ids=["one step", "epochs"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_the_engines_way(optimizer: str, dropout: float, epochs: int, batch_size: int) -> None:
    """With L2 and a learning rate that decays, on mini-batches of which the last is smaller."""
    network, _, x, y = problem([4, 6, 5, 3], "tanh", 23, dropout)
    l2 = 0.0 if dropout else 0.3
    result = fit(
        network,
        CategoricalCrossEntropy(),
        Examples(x, y),
        optimizer=OPTIMIZERS[optimizer],
        learning_rate=exponential(0.05, 0.7),
        l2=l2,
        batch_size=batch_size,
        epochs=epochs,
        seed=5,
        run=RunOptions(engine="numpy/float64"),
    )
    theta = arrays(network, network.initialize(seed=5, dtype=np.float64))
    draws: Any = EngineDraws(5, hidden_layers=2, shuffles=batch_size < 23)
    settings: dict[str, Any] = {"learning_rate": 0.05, "decay": 0.7, "batch_size": batch_size, "epochs": epochs}
    costs = list(from_scratch.train(theta, x, y, draws, "tanh", optimizer, l2=l2 / 23, dropout=dropout, **settings))
    np.testing.assert_allclose(flat(theta), result.theta, rtol=1e-9, atol=1e-11)
    if not l2:  # which the engine's history leaves out
        assert costs == pytest.approx([record.train_loss for record in result.history], rel=1e-9)


@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=5), init=st.sampled_from(["he", "xavier"]))
def test_first_weights_are_the_engines(sizes: list[int], init: str) -> None:
    network = multilayer_perceptron(sizes[0], sizes[1:-1], sizes[-1], init=init)
    theta = from_scratch.initialize(sizes, init, generator(7, Stream.INITIALIZATION))
    np.testing.assert_allclose(flat(theta), network.initialize(seed=7, dtype=np.float64), rtol=1e-14)


def test_masks_drop_the_fraction_asked_for_and_keep_the_mean() -> None:
    (mask,) = from_scratch.draw_masks([np.zeros((2, 400)), np.zeros(400)] * 2, 500, 0.2, np.random.default_rng(0))
    assert mask.shape == (500, 400)
    assert np.unique(mask).tolist() == [0, 1.25]
    assert abs(mask.mean() - 1) < 0.01


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("activation", from_scratch.ACTIVATIONS)
def test_the_gradient_check_finds_a_planted_error(
    activation: str, outputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, flat_theta, x, y = problem([4, 6, 5, outputs], activation, 10)
    theta, masks = arrays(network, flat_theta), [np.ones((10, 6)), np.ones((10, 5))]
    assert from_scratch.check_gradient(theta, x, y, activation, 0.1, masks) < 1e-7
    assert flat(theta).tolist() == flat_theta.tolist()
    g, slope = from_scratch.ACTIVATIONS[activation]
    with monkeypatch.context() as planted:
        planted.setitem(from_scratch.ACTIVATIONS, activation, (g, lambda A: 1.001 * slope(A)))
        assert from_scratch.check_gradient(theta, x, y, activation, 0.1, masks) > 1e-5
    right = from_scratch.loss
    monkeypatch.setattr(from_scratch, "loss", lambda Z, y: (right(Z, y)[0], right(Z, y)[1] * len(y)))
    assert from_scratch.check_gradient(theta, x, y, activation, 0.1, masks) > 0.1


def test_the_page_is_short_and_needs_numpy_alone() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported - sys.stdlib_module_names == {"numpy"}


def write_idx(path: Path, array: Array) -> None:
    """Write bytes as an IDX file; compressed if it is called .gz."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    content = head + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_program_checks_itself_and_learns_from_a_folder(optimizer: str, tmp_path: Path) -> None:
    """The left or the right half of the picture has more ink."""
    rng, written = np.random.default_rng(0), []
    for part, count, ending in (("train", 2000, ".gz"), ("t10k", 200, "")):
        labels = rng.integers(0, 2, count).astype(np.uint8)
        images = rng.integers(0, 100, (count, 28, 28)).astype(np.uint8)
        images[labels == 0, :, :14] += 100
        images[labels == 1, :, 14:] += 100
        write_idx(tmp_path / f"{part}-images-idx3-ubyte{ending}", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte{ending}", labels)
        written += [images, labels]
    for own, array in zip(from_scratch.load(tmp_path), written, strict=True):
        assert own.tolist() == array.ravel().tolist()
    command = [sys.executable, str(PAGE), str(tmp_path), "--optimizer", optimizer, "--epochs", "3"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line.split()[0] for line in lines] == 6 * ["gradient"] + 3 * ["epoch"]
    costs = [float(line.split()[3].rstrip(",")) for line in lines[6:]]
    assert costs[0] > costs[-1]
    assert float(lines[-1].split()[4].rstrip("%")) > 95


def test_the_program_says_what_is_missing(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, str(PAGE), str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "train-images-idx3-ubyte" in run.stderr.splitlines()[-1]


def test_the_repositorys_mnist_is_read() -> None:
    images, labels, test_images, test_labels = from_scratch.load(from_scratch.MNIST)
    dataset = mnist()
    assert dataset.test is not None
    for own, engines in ((images, dataset.examples.x), (labels, dataset.examples.y)):
        assert np.array_equal(own, engines)
    for own, engines in ((test_images, dataset.test.x), (test_labels, dataset.test.y)):
        assert np.array_equal(own, engines)
