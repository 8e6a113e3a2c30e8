"""Data sets that are generated or come with scikit-learn.

"The reference" is the course "Deep Learning from first principles in Python, R and Octave"; its own files are in
`examples/data`.
"""

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Dataset, Examples
from sfumato.errors import InputError
from sfumato.random_keys import Draw, Stream, generator


def blobs() -> Dataset:
    """Nine Gaussian blobs in the plane, 400 points in all, alternately of class 0 and 1.

    The reference's Part 5; equal to its `data.csv` bit for bit.
    """
    from sklearn.datasets import make_blobs

    x, y = make_blobs(n_samples=400, n_features=2, centers=9, cluster_std=1.3, random_state=4)
    return _plane("blobs", x, y % 2)


def spiral(points_per_class: int = 100, classes: int = 3, noise: float = 0.2, seed: int = 0) -> Dataset:
    """Spiral arms around the origin, one per class.

    Arm `j` has radii `r` evenly spaced over [0, 1] and angles `t` over [4j, 4(j + 1)] with Gaussian noise; its points
    are `(r sin t, r cos t)`. The reference's Parts 4, 5 and 8, after CS231n. The radii equal those of its
    `spiral.csv`; the angles do not, since the seed of that file's noise is not printed (and is none of NumPy's first
    million).

    Args:
        points_per_class: Points of each arm; the reference has 100.
        classes: Number of arms; the reference has 3.
        noise: Standard deviation of the angles in radians; the reference has 0.2.
        seed: Seed of the noise.

    Raises:
        InputError: There would be no point, fewer than two arms, or negative noise.
    """
    if points_per_class < 1 or classes < 2 or not noise >= 0:
        raise InputError(
            f"cannot make a spiral of {classes} classes with {points_per_class} points each and noise {noise}; "
            "give at least 2 classes, at least 1 point and noise of at least 0"
        )
    random = generator(seed, Stream.DATA, Draw.MAKE)
    radii = np.tile(np.linspace(0, 1, points_per_class), classes)
    angles = np.concatenate([np.linspace(4 * j, 4 * (j + 1), points_per_class) for j in range(classes)])
    angles += noise * random.standard_normal(len(angles))
    x = np.column_stack([radii * np.sin(angles), radii * np.cos(angles)])
    return _plane("spiral", x, np.repeat(np.arange(classes), points_per_class))


def circles() -> Dataset:
    """A noisy circle of class 1 inside one of class 0, 300 points.

    The reference's Part 8; equal to its `circles.csv` to 1e-6.
    """
    from sklearn.datasets import make_circles

    x, y = make_circles(n_samples=300, noise=0.05, random_state=1)
    return _plane("circles", x, y)


def moons() -> Dataset:
    """Two interleaving noisy half circles, 400 points.

    The reference names this data but gives no settings: number, noise and seed are our own.
    """
    from sklearn.datasets import make_moons

    x, y = make_moons(n_samples=400, noise=0.15, random_state=0)
    return _plane("moons", x, y)


def lemniscate(n: int = 2000, seed: int = 0) -> Dataset:
    """Points spread evenly over the square [0, 10] x [0, 10]: class 1 inside Bernoulli's lemniscate, else class 0.

    Inside is where (X² + Y²)² < 16 (X² - Y²), with X = x - 5 and Y = y - 5. This gives all 2000 points of the
    reference's `lemniscate.csv` the class they have there.

    Args:
        n: Number of points; the reference has 2000.
        seed: Seed of their positions.

    Raises:
        InputError: `n` is below 1.
    """
    if n < 1:
        raise InputError(f"cannot make a lemniscate of {n} points; give at least 1")
    x = generator(seed, Stream.DATA, Draw.MAKE).uniform(0, 10, (n, 2))
    return _plane("lemniscate", x, inside_lemniscate(x))


def inside_lemniscate(points: Array) -> Array:
    """Whether each of the points `(n, 2)` is inside the lemniscate of `lemniscate`; boolean `(n,)`."""
    X, Y = (points - 5).T
    inside: Array = (X**2 + Y**2) ** 2 < 16 * (X**2 - Y**2)
    return inside


def digits() -> Dataset:
    """1797 handwritten digits of 8 x 8 pixels, 0 (empty) to 16, from scikit-learn (after Alpaydin and Kaynak)."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = data.images.astype(np.uint8)[..., np.newaxis]
    examples = Examples(images, data.target.astype(np.int64))
    return Dataset("digits", examples, None, "classification", tuple("0123456789"), (), "digit")


def breast_cancer() -> Dataset:
    """569 breast tumours of the Wisconsin diagnostic data, 30 measurements each, from scikit-learn.

    The reference's Part 1; equal to its `cancer.csv` bit for bit. Class 0 is malignant, class 1 benign.
    """
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    return Dataset(
        name="breast-cancer",
        examples=Examples(data.data, data.target.astype(np.int64)),
        test=None,
        task="classification",
        classes=tuple(str(name) for name in data.target_names),
        features=tuple(str(name) for name in data.feature_names),
        target="diagnosis",
    )


def _plane(name: str, x: Array, y: Array) -> Dataset:
    """Points of the plane, with the names that `load_table` gives to columns without a header."""
    classes = tuple(str(label) for label in range(int(y.max()) + 1))
    examples = Examples(x, y.astype(np.int64))
    return Dataset(name, examples, None, "classification", classes, ("x1", "x2"), "y")
