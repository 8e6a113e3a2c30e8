"""Defaults that follow from the data."""

from typing import Any

import numpy as np
import pytest

import sfumato
from sfumato.training.preparation import prepare
from sfumato.training.settings import TrainingSettings
from sfumato.training.splits import load_splits

X = np.random.default_rng(0).normal(size=(60, 4))

TWO, THREE = (np.array(["a", "b", "c"])[np.arange(60) % classes] for classes in (2, 3))
LABELS = np.stack([np.arange(60) % 2, np.arange(60) // 2 % 2, np.arange(60) // 4 % 2], axis=1)


@pytest.mark.parametrize(
    ("x", "y", "hidden", "l2"),
    [
        (X, TWO, None, 5.0),
        (X, THREE, None, 10.0),
        (X, LABELS, None, 5.0),
        (X, X[:, 0], None, 40.0),
        (X[:, :2], TWO, None, 0.5),
        (X[:, :2], THREE, None, 0.5),
        (X[:, :2], X[:, 0], None, 0.5),
        (X, TWO, (), 1.0),
        (X, THREE, (), 1.0),
        (X, X[:, 0], (), 2.0),
        (np.zeros((60, 4, 4, 1), np.uint8), THREE, None, 0.0),
    ],
)
def test_the_penalty_by_default_is_that_of_the_task(x: Any, y: Any, hidden: tuple[int, ...] | None, l2: float) -> None:
    settings = TrainingSettings(hidden=hidden)
    assert prepare(load_splits((x, y), settings, 0), settings).l2 == l2


def test_two_logits_have_the_penalty_of_one_at_twice_its_strength() -> None:
    two, three = (prepare(load_splits((X, y), TrainingSettings(), 0), TrainingSettings()).l2 for y in (TWO, THREE))
    w = X[:, 0]
    apart = np.stack([w / 2, -w / 2], axis=1)
    assert three * (apart**2).sum() == pytest.approx(two * (w**2).sum())
    network = sfumato.train((X, TWO), epochs=1).model.network
    assert network.output_shape == (1,)
