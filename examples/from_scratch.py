"""A deep network in NumPy alone, on one page: Parts 1 to 8 of the course "Deep Learning from first principles".

    python examples/from_scratch.py [FOLDER of MNIST's IDX files] [--optimizer adam] [--epochs 5]

Nothing is taken from Sfumato, whose engine computes the same numbers; docs/chapters has the derivations.
Examples are rows, n of them. Each layer takes the outputs A of the layer before it; the first takes A = X, the inputs:

    Z = A W + b    (n, n_out)    with weights W, (n_in, n_out), and biases b, (n_out,)
    A = g(Z)       (n, n_out)    with the activation g; in the last layer sigmoid or softmax, which go with the loss

J is the cost, a number; dQ is short for dJ/dQ and has the shape of Q. All parameters are one list,
theta = [W1, b1, W2, b2, ...], and so is their gradient. In the code, * multiplies entry by entry, @ matrices.
"""

import argparse
import gzip
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = list[Array]
MNIST = Path(__file__).parent.parent / "src/sfumato/data/files/mnist.npz"


# Activations (Parts 1 to 3): A = g(Z), and the slope g'(Z), which each of these three has as a function of A
def sigmoid(Z: Array) -> Array:
    """1 / (1 + e^-Z), which equals (1 + tanh(Z / 2)) / 2: e^-Z may overflow, tanh does not."""
    return 0.5 * (1 + np.tanh(0.5 * Z))


ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "sigmoid": (sigmoid, lambda A: A * (1 - A)),
    "tanh": (np.tanh, lambda A: 1 - A * A),
    "relu": (lambda Z: np.maximum(Z, 0), lambda A: A > 0),  # slope 1 or 0
}


# First weights (Part 6): random, as units that start alike stay alike, and of a variance that keeps the signal's size
def initialize(sizes: list[int], init: str, rng: np.random.Generator) -> Arrays:
    """Draw theta for layers of these sizes, inputs first: "he" for ReLU, which halves the signal, else "xavier"."""
    theta = []
    for n_in, n_out in pairwise(sizes):
        variance = {"he": 2, "xavier": 1}[init] / n_in
        theta += [np.sqrt(variance) * rng.standard_normal((n_in, n_out)), np.zeros(n_out)]
    return theta


# Dropout (Part 6): in training, hidden units are left out at random, so that no unit relies on a few others
def draw_masks(theta: Arrays, n: int, dropout: float, rng: np.random.Generator) -> Arrays:
    """Draw M for each hidden layer: 0 with the probability `dropout`, else 1 / (1 - dropout), so that its mean is 1."""
    return [(rng.random((n, len(b))) >= dropout) / (1 - dropout) for b in theta[1:-2:2]]  # b of each hidden layer


# Forward (Parts 1 to 3)
def forward(theta: Arrays, X: Array, activation: str, masks: Arrays | None = None) -> tuple[Array, Arrays, Arrays]:
    """Compute Z of the last layer; for the gradient also the inputs A of each layer and dA/dZ of each hidden layer."""
    g, slope = ACTIVATIONS[activation]
    W, b = theta[::2], theta[1::2]
    A, slopes = [X], []
    for layer in range(len(W) - 1):
        G = g(A[layer] @ W[layer] + b[layer])  # g(Z), Z = A W + b
        M = 1 if masks is None else masks[layer]
        A.append(G * M)  # A = g(Z) * M
        slopes.append(slope(G) * M)  # dA/dZ = g'(Z) * M
    return A[-1] @ W[-1] + b[-1], A, slopes


# Losses (Parts 1 and 4), each together with the last activation: both come to dZ = (prediction - truth) / n
def loss(Z: Array, y: Array) -> tuple[float, Array]:
    """Mean loss and dZ: of a sigmoid for one output and classes y of 0 and 1, of a softmax for classes 0, 1, 2, ..."""
    if Z.shape[1] == 1:
        losses = np.logaddexp(0, Z[:, 0]) - y * Z[:, 0]  # -y log p - (1 - y) log(1 - p) = log(1 + e^Z) - y Z
        return float(losses.mean()), (sigmoid(Z) - y[:, np.newaxis]) / len(y)  # dZ = (p - y) / n, p = sigmoid(Z)
    Z = Z - Z.max(axis=1, keepdims=True)  # leaves S = e^Z / sum e^Z as it is, and no e^Z can overflow
    log_S = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
    true = np.arange(len(y)), y  # in each row, the entry of the true class: its loss is -log S
    dZ = np.exp(log_S)
    dZ[true] -= 1
    return -float(log_S[true].mean()), dZ / len(y)  # dZ = (S - 1 at the true class, S elsewhere) / n


# Backward (Parts 2 and 3): the chain rule, from the last layer to the first; with L2 (Part 6)
def cost(theta: Arrays, X: Array, y: Array, activation: str, l2: float, masks: Arrays) -> tuple[float, Arrays]:
    """Compute J = mean loss + l2/2 sum W^2 and its gradient; Part 6 writes lambda / N for l2, N examples in all."""
    Z, A, slopes = forward(theta, X, activation, masks)
    J, dZ = loss(Z, y)
    gradient: Arrays = []
    for layer in reversed(range(len(A))):
        W = theta[2 * layer]
        J += l2 / 2 * float((W * W).sum())
        dW = A[layer].T @ dZ + l2 * W  # dW = A^T dZ + l2 W, with A the layer's inputs
        db = dZ.sum(axis=0)  # db = sum of dZ over the examples
        gradient = [dW, db, *gradient]
        if layer > 0:
            dA = dZ @ W.T  # dA = dZ W^T
            dZ = dA * slopes[layer - 1]  # dZ = dA * dA/dZ, of the layer before
    return J, gradient


# Gradient check (Part 8): each parameter in turn is moved a little, and J has to change as the gradient says
def check_gradient(theta: Arrays, *arguments: Any, step: float = 1e-5) -> float:
    """Relative difference of the gradient of `cost` and central differences of J: below 1e-7 it is right."""
    numeric = []
    for parameter in theta:
        for index in np.ndindex(parameter.shape):
            value = parameter[index]
            parameter[index] = value + step
            ahead, _ = cost(theta, *arguments)
            parameter[index] = value - step
            behind, _ = cost(theta, *arguments)
            parameter[index] = value
            numeric.append((ahead - behind) / (2 * step))
    derived = np.concatenate([dQ.ravel() for dQ in cost(theta, *arguments)[1]])
    return float(np.linalg.norm(derived - numeric) / (np.linalg.norm(derived) + np.linalg.norm(numeric)))


# Optimizers (Part 7): theta = theta - learning_rate * direction
def direction(optimizer: str, g: Array, v: Array, s: Array, t: int) -> Array:
    """Direction of step t = 1, 2, ... by the gradient g; updates v and s, averages of g and g^2 that start at zero."""
    if optimizer == "momentum":  # the average, in which steps to and fro cancel
        v[...] = 0.9 * v + 0.1 * g
        return v
    if optimizer == "rmsprop":  # the gradient divided by its usual size, so that gentle slopes count as steep ones do
        s[...] = 0.9 * s + 0.1 * g * g
        return g / (np.sqrt(s) + 1e-8)
    if optimizer == "adam":  # both; v / (1 - beta^t) is an average though v began at zero, likewise s
        v[...] = 0.9 * v + 0.1 * g
        s[...] = 0.999 * s + 0.001 * g * g
        return v / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return g  # "gd", gradient descent


def train(
    theta: Arrays,
    X: Array,
    y: Array,
    rng: np.random.Generator,
    activation: str = "relu",
    optimizer: str = "adam",
    learning_rate: float = 0.003,
    decay: float = 0.8,  # the learning rate is multiplied by it after every epoch
    batch_size: int = 500,
    epochs: int = 5,
    l2: float = 1e-5,
    dropout: float = 0.1,
) -> Iterator[float]:
    """Change theta by a step for each mini-batch (Part 7), and yield the mean cost of each epoch."""
    averages, squares, t = [0 * p for p in theta], [0 * p for p in theta], 0
    for epoch in range(epochs):
        order, total = rng.permutation(len(X)), 0.0
        for start in range(0, len(X), batch_size):
            batch = order[start : start + batch_size]
            J, gradient = cost(theta, X[batch], y[batch], activation, l2, draw_masks(theta, len(batch), dropout, rng))
            total, t = total + J * len(batch), t + 1
            for parameter, g, v, s in zip(theta, gradient, averages, squares, strict=True):
                parameter[...] -= learning_rate * decay**epoch * direction(optimizer, g, v, s, t)
        yield total / len(X)


def load(path: Path) -> Arrays:
    """Read images and labels, then those of the test set, as bytes from an .npz file or a folder of IDX files."""
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return [arrays[f"{part}_{kind}"] for part in ("train", "test") for kind in ("images", "labels")]
    names = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    files = [next(path.glob(f"{name}*"), path / name) for name in names]
    contents = [gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes() for file in files]
    return [np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]) for content in contents]  # after the shape


def main() -> None:
    """Check the gradients (with biases drawn too: zeros can put ReLU on its kink), then train on MNIST (Part 5)."""
    learning_rates = {"gd": 0.3, "momentum": 0.3, "rmsprop": 0.003, "adam": 0.003}
    parser = argparse.ArgumentParser(description="A deep network from scratch: checks its gradients, then trains.")
    parser.add_argument("data", nargs="?", type=Path, default=MNIST, help="MNIST: folder of IDX files, or .npz file")
    parser.add_argument("--optimizer", choices=learning_rates, default="adam")
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    for activation, (last, outputs) in product(ACTIVATIONS, (("sigmoid", 1), ("softmax", 3))):
        theta = [p + rng.standard_normal(p.shape) for p in initialize([4, 6, 5, outputs], "he", rng)]
        X, y = rng.standard_normal((10, 4)), rng.integers(0, max(2, outputs), 10)
        difference = check_gradient(theta, X, y, activation, 0.1, draw_masks(theta, 10, 0.5, rng))
        print(f"gradient with {activation} and then {last}: relative difference {difference:.1e}")
        assert difference < 1e-7
    images, labels, test_images, test_labels = load(options.data)
    X, X_test = (part.reshape(-1, 28 * 28) / np.float32(255) for part in (images, test_images))
    theta, rate = initialize([28 * 28, 100, 10], "he", rng), learning_rates[options.optimizer]
    for epoch, J in enumerate(train(theta, X, labels, rng, "relu", options.optimizer, rate, epochs=options.epochs), 1):
        right = np.mean(forward(theta, X_test, "relu")[0].argmax(axis=1) == test_labels)
        print(f"epoch {epoch}: cost {J:.4f}, {right:.2%} of the test digits right")


if __name__ == "__main__":
    main()
