"""Points of the plane to learn, and the features that a network is given of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.data.generators import spiral
from sfumato.random_keys import Draw, Stream, generator

EDGE = 3.0
"""Points that are made lie within the square [-3, 3] x [-3, 3], or a little beyond for their noise: about as large as
inputs should be, and the sine has nearly a whole period there."""

MARGIN = 0.1
"""Part of the width by which a picture is wider than the points, on each side."""


def points(data: Mapping[str, Any]) -> Examples:
    """Make the points of a state's data, or take those given: x is (n, 2), y classes or values."""
    match data["kind"]:
        case "points" | "table":
            rows = np.array(data["rows"], dtype=np.float64)
            return Examples(rows[:, :2], rows[:, 2] if data["task"] == "regression" else rows[:, 2].astype(np.int64))
        case "spiral":
            made = spiral(data["n"] // data["classes"], data["classes"], data["noise"], data["seed"]).examples
            return Examples(EDGE * made.x, made.y)
        case "circles" | "moons" | "blobs":
            return _drawn_by_scikit_learn(data)
        case _:
            return _values(data)


def _drawn_by_scikit_learn(data: Mapping[str, Any]) -> Examples:
    """Circles, moons and blobs, brought into the square."""
    from sklearn import datasets

    n, noise, seed = data["n"], data["noise"], data["seed"]
    if data["kind"] == "circles":
        x, y = datasets.make_circles(n, noise=noise, factor=0.5, random_state=seed)
        x = 2.5 * x
    elif data["kind"] == "moons":
        x, y = datasets.make_moons(n, noise=noise, random_state=seed)
        x = 2 * (x - [0.5, 0.25])
    else:
        angles = 2 * np.pi * np.arange(data["classes"]) / data["classes"]
        centers = 2 * np.column_stack([np.sin(angles), np.cos(angles)])
        x, y = datasets.make_blobs(n, centers=centers, cluster_std=noise, random_state=seed)
    return Examples(x, y.astype(np.int64))


def _values(data: Mapping[str, Any]) -> Examples:
    """Values over the square, at random places: a plane, or waves."""
    random = generator(data["seed"], Stream.DATA, Draw.MAKE)
    x = random.uniform(-EDGE, EDGE, (data["n"], 2))
    x1, x2 = x.T
    y = (x1 + x2) / (2 * EDGE) if data["kind"] == "plane" else np.sin(x1) * np.cos(x2)
    return Examples(x, y + data["noise"] * random.standard_normal(data["n"]))


def features(x: Array, names: Sequence[str]) -> Array:
    """Compute the features of points, (n, 2): (n, features)."""
    x1, x2 = x.T
    columns = {
        "x1": x1,
        "x2": x2,
        "x1^2": x1**2,
        "x2^2": x2**2,
        "x1*x2": x1 * x2,
        "sin x1": np.sin(x1),
        "sin x2": np.sin(x2),
    }
    return np.column_stack([columns[name] for name in names])


def feature_names(names: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Names of the features, by the columns' own names."""
    one, other = columns
    return tuple(name.replace("x1", "\0").replace("x2", other).replace("\0", one) for name in names)


def view_range(data: Mapping[str, Any], x: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Range of each coordinate that is shown: the square, or of a table what its points need."""
    if data["kind"] != "table":
        edge = (1 + MARGIN) * EDGE
        return (-edge, edge), (-edge, edge)
    low, high = x.min(axis=0), x.max(axis=0)
    margin = np.where(high > low, MARGIN * (high - low), 1.0)
    one, other = np.column_stack([low - margin, high + margin]).tolist()
    return (one[0], one[1]), (other[0], other[1])


def cells(side: int, ranges: Sequence[Sequence[float]]) -> Array:
    """Centres of the cells of a map, (side * side, 2), row by row from the largest x2, each from the smallest x1."""
    places = (np.arange(side) + 0.5) / side
    x1, x2 = (low + (high - low) * places for low, high in ranges)
    return np.column_stack([np.tile(x1, side), np.repeat(x2[::-1], side)])
