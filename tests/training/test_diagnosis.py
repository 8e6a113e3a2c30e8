"""Training that ends no better than it began says so, once, and nothing else does."""

from typing import Any

import numpy as np
import pytest

import sfumato
from sfumato.arrays import Array
from sfumato.errors import NoProgressWarning

random = np.random.default_rng(0)
X = random.normal(size=(300, 4))
CLASSES = (X[:, 0] + X[:, 1] > 0).astype(int)
VALUES = 1000.0 + 50.0 * X[:, 0]
RARE = (X[:, 0] > 1.5).astype(int)


@pytest.mark.parametrize("y", [CLASSES, VALUES], ids=["classes", "values"])
def test_a_loss_that_ends_above_that_of_the_first_weights_warns(y: Array) -> None:
    task = "classification" if y is CLASSES else "regression"
    wild: dict[str, Any] = {"optimizer": "adam", "learning_rate": 100.0, "epochs": 3, "hidden": (8,), "task": task}
    with pytest.warns(NoProgressWarning, match=r"ten times smaller \(learning_rate=10\)") as warned:
        run = sfumato.train((X, y), **wild)
    assert run.warnings == tuple(str(one.message) for one in warned)
    assert run.summary.values["warnings"] == [*run.warnings]


def test_weights_that_no_step_moves_ask_for_other_ones() -> None:
    with pytest.warns(NoProgressWarning, match=r"stayed at 0\.69\d*: try another initialisation or learning rate"):
        sfumato.train((X, np.arange(300) % 2), init="zeros", hidden=(8,), optimizer="gd", learning_rate=1e-9, epochs=2)


@pytest.mark.parametrize(
    ("y", "settings"),
    [
        (CLASSES, {}),
        (VALUES, {"task": "regression"}),
        (RARE, {"class_weight": "balanced"}),
        (CLASSES, {"l2": 1.0}),
        (CLASSES, {"epochs": 1}),
        (CLASSES, {"optimizer": "lbfgs"}),
        (CLASSES, {"early_stopping": 3, "validation": 0.2}),
    ],
    ids=["classes", "values", "weighted", "penalised", "one epoch", "L-BFGS", "early stopping"],
)
def test_training_that_gets_anywhere_does_not(y: Array, settings: dict[str, Any]) -> None:
    assert sfumato.train((X, y), **{"epochs": 20, "hidden": (8,), **settings}).warnings == ()
