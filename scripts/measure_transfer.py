"""Measure what VGG's features are worth to a linear classifier, beside the pixels.

    python scripts/measure_transfer.py

makes docs/chapters/results/transfer.csv, which chapter 11 shows.

Three tasks: patches of 32 x 32 pixels of the nine built-in style pictures (the left half to learn from, the right half
to test), MNIST's digits, and the same digits with their pixels in another order, the same for all. The classifier is
softmax regression; what it sees is pixels, or features of VGG19, or of a network of the same shape with random filters
(He's initialisation). Accuracies are means over three draws of the examples; each time 450 patches or 500 digits test.
"""

import csv
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from sfumato.arrays import Array
from sfumato.data import load
from sfumato.engine import NUMPY
from sfumato.estimators import NetworkClassifier
from sfumato.layers.base import NOTHING
from sfumato.pictures.builtin import BUILTIN_STYLES, builtin_style
from sfumato.style.vgg.network import load_vgg

OUTPUT = Path(__file__).parent.parent / "docs" / "chapters" / "results" / "transfer.csv"
EDGE = 32
COUNTS = (1, 2, 5, 10, 20, 50)
"""Examples of each class to learn from."""

DRAWS = 3
L2 = 10.0


class Pictures(NamedTuple):
    """Pictures (n, height, width, 3) from 0 to 1 with their classes; `train` has `max(COUNTS)` of each, in order."""

    train: Array
    train_labels: Array
    test: Array
    test_labels: Array


def textures(rng: np.random.Generator) -> Pictures:
    """Patches of the built-in style pictures."""
    parts: list[list[Array]] = [[], []]
    for name in BUILTIN_STYLES:
        picture = np.asarray(Image.open(builtin_style(name)).convert("RGB")) / 255
        height, width = picture.shape[:2]
        for half, count in enumerate((max(COUNTS), 50)):
            rows = rng.integers(0, height - EDGE, count)
            columns = half * (width // 2) + rng.integers(0, width // 2 - EDGE, count)
            parts[half] += [picture[r : r + EDGE, c : c + EDGE] for r, c in zip(rows, columns, strict=True)]
    labels = np.arange(len(BUILTIN_STYLES))
    train, test = (np.stack(part).astype(np.float32) for part in parts)
    return Pictures(train, np.repeat(labels, max(COUNTS)), test, np.repeat(labels, 50))


def digits(rng: np.random.Generator, *, shuffled: bool = False) -> Pictures:
    """Digits of MNIST, grey as colours."""
    data = load("mnist")
    order = rng.permutation(len(data.examples.y))
    chosen = np.concatenate([order[data.examples.y[order] == k][: max(COUNTS)] for k in range(10)])
    if data.test is None:
        raise ValueError("MNIST has a test set")
    tested = rng.permutation(len(data.test.y))[:500]
    places = np.random.default_rng(0).permutation(28 * 28) if shuffled else np.arange(28 * 28)

    def colours(x: Array) -> Array:
        pixels = x.reshape(len(x), -1)[:, places].reshape(-1, 28, 28, 1)
        return np.repeat(pixels.astype(np.float32) / 255, 3, axis=-1)

    return Pictures(
        colours(data.examples.x[chosen]), data.examples.y[chosen], colours(data.test.x[tested]), data.test.y[tested]
    )


def features(pictures: Array, layer: str, *, trained: bool = True) -> Array:
    """VGG19's features at a layer, (n, rows, columns, channels)."""
    vgg = load_vgg(last=layer)
    network = vgg.network(*pictures.shape[1:3])
    theta = vgg.theta
    if not trained:
        theta = np.random.default_rng(0).standard_normal(network.size).astype(np.float32)
        for layer_parameters in network.parameters(theta):
            for array in layer_parameters:
                np.multiply(array, np.sqrt(2 / array[0].size) if array.ndim > 1 else 0, out=array)
    with NUMPY.computing():
        parts = [
            network.forward(network.parameters(theta), pictures[start : start + 20], NOTHING)[0]
            for start in range(0, len(pictures), 20)
        ]
    return np.concatenate(parts)


def accuracy(train: Array, train_labels: Array, test: Array, test_labels: Array) -> float:
    """Share of the test's pictures that softmax regression gets right."""
    train, test = (x.reshape(len(x), -1).astype(np.float64) for x in (train, test))
    centre, scale = train.mean(axis=0), train.std()
    classifier = NetworkClassifier(
        hidden=(), init="zeros", optimizer="lbfgs", epochs=50, l2=L2, scaling="none", random_state=0
    )
    classifier.fit((train - centre) / scale, train_labels)
    return float(np.mean(classifier.predict((test - centre) / scale) == test_labels))


def seen(task: str, pictures: Array) -> dict[str, Array]:
    """What the classifier may see of pictures, by name."""
    if task == "textures":
        return {
            "pixels": pictures,
            "mean colour": pictures.mean(axis=(1, 2)),
            "random filters, averaged": features(pictures, "block5_conv1", trained=False).mean(axis=(1, 2)),
            "VGG19, averaged": features(pictures, "block5_conv1").mean(axis=(1, 2)),
        }
    forward = features(pictures, "block4_conv1")
    return {"pixels": pictures[..., 0], "VGG19": forward, "VGG19, averaged": forward.mean(axis=(1, 2))}


def main() -> int:
    """Write the file; returns the exit status."""
    scores: dict[tuple[str, str, int], list[float]] = {}
    for draw in range(DRAWS):
        for task in ("textures", "digits", "shuffled digits"):
            rng = np.random.default_rng(draw)
            pictures = textures(rng) if task == "textures" else digits(rng, shuffled=task != "digits")
            train, test = seen(task, pictures.train), seen(task, pictures.test)
            for count in COUNTS:
                few = np.arange(len(pictures.train_labels)) % max(COUNTS) < count
                for what, x in train.items():
                    score = accuracy(x[few], pictures.train_labels[few], test[what], pictures.test_labels)
                    scores.setdefault((task, what, count), []).append(score)
            print(f"draw {draw + 1} of {DRAWS}: {task}", flush=True)
    with OUTPUT.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["task", "seen", "examples of each class", "accuracy", "deviation"])
        for (task, what, count), values in scores.items():
            table.writerow([task, what, count, f"{np.mean(values):.4f}", f"{np.std(values, ddof=1):.4f}"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
