"""Generated data against the reference's own files."""

from pathlib import Path

import numpy as np
import pytest

from sfumato.arrays import Array
from sfumato.data import Dataset, blobs, breast_cancer, circles, digits, lemniscate, moons, spiral
from sfumato.data.generators import inside_lemniscate
from sfumato.errors import InputError

FILES = Path(__file__).parents[2] / "examples" / "data"


def reference(name: str) -> tuple[Array, Array]:
    rows = np.loadtxt(FILES / name, delimiter=",")
    return rows[:, :-1], rows[:, -1]


@pytest.mark.parametrize(("dataset", "file"), [(blobs(), "data.csv"), (breast_cancer(), "cancer.csv")])
def test_equal_to_the_file_bit_for_bit(dataset: Dataset, file: str) -> None:
    x, y = reference(file)
    np.testing.assert_array_equal(dataset.examples.x, x)
    np.testing.assert_array_equal(dataset.examples.y, y)


def test_circles_equal_the_file() -> None:
    x, y = reference("circles.csv")
    np.testing.assert_allclose(circles().examples.x, x, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(circles().examples.y, y)


def test_spiral_has_the_radii_and_angles_of_the_file() -> None:
    x, y = reference("spiral.csv")
    ours = spiral().examples
    np.testing.assert_array_equal(ours.y, y)
    np.testing.assert_allclose(np.hypot(*ours.x.T), np.hypot(*x.T), atol=1e-15)
    noiseless = spiral(noise=0).examples
    for points in (ours.x, x):
        # The angle between each point and its place on the arm without noise; the points at the origin have none.
        cross = points[:, 0] * noiseless.x[:, 1] - points[:, 1] * noiseless.x[:, 0]
        noise = np.arctan2(cross, (points * noiseless.x).sum(axis=1))[np.hypot(*points.T) > 0]
        assert abs(noise.mean()) < 0.05
        assert 0.17 < noise.std() < 0.23


def test_spiral_settings() -> None:
    data = spiral(points_per_class=5, classes=4, noise=0, seed=3)
    assert data.examples.x.shape == (20, 2)
    assert data.classes == ("0", "1", "2", "3")
    np.testing.assert_allclose(data.examples.x[9], [np.sin(8), np.cos(8)])
    assert not np.array_equal(spiral(seed=1).examples.x, spiral(seed=2).examples.x)
    np.testing.assert_array_equal(spiral(seed=1).examples.x, spiral(seed=1).examples.x)
    with pytest.raises(InputError, match=r"spiral of 1 classes with 100 points each and noise 0\.2; give at least 2"):
        spiral(classes=1)


def test_lemniscate_gives_the_file_its_classes() -> None:
    x, y = reference("lemniscate.csv")
    np.testing.assert_array_equal(inside_lemniscate(x), y)


def test_lemniscate_has_its_area() -> None:
    data = lemniscate(100_000, seed=1).examples
    assert data.x.min() >= 0
    assert data.x.max() <= 10
    # (X² + Y²)² = 2a² (X² - Y²) encloses 2a²: here 16, of the square's 100.
    assert abs(data.y.mean() - 0.16) < 4 * np.sqrt(0.16 * 0.84 / 100_000)
    assert lemniscate().examples.x.shape == (2000, 2)
    with pytest.raises(InputError, match="lemniscate of 0 points"):
        lemniscate(0)


def test_digits_are_images() -> None:
    data = digits()
    assert data.image_shape == (8, 8, 1)
    assert data.examples.x.shape == (1797, 8, 8, 1)
    assert data.examples.x.dtype == np.uint8
    assert (data.examples.x.min(), data.examples.x.max()) == (0, 16)
    assert data.classes == tuple("0123456789")
    assert data.features == ()


def test_breast_cancer_is_named() -> None:
    data = breast_cancer()
    assert data.classes == ("malignant", "benign")
    assert data.features[0] == "mean radius"
    assert len(data.features) == 30


@pytest.mark.parametrize("dataset", [blobs(), spiral(), circles(), moons(), lemniscate(), breast_cancer(), digits()])
def test_types(dataset: Dataset) -> None:
    assert dataset.task == "classification"
    assert dataset.test is None
    assert dataset.examples.y.dtype == np.int64
    assert dataset.examples.x.dtype == (np.float64 if dataset.image_shape is None else np.uint8)
    assert len(dataset.features) == (dataset.examples.x.shape[1] if dataset.image_shape is None else 0)
    np.testing.assert_array_equal(np.unique(dataset.examples.y), np.arange(len(dataset.classes)))
