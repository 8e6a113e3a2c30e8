"""Random states of a playground."""

from typing import Any

import numpy as np

from sfumato.layers import ACTIVATIONS
from sfumato.optimizers import OPTIMIZERS


def random_state(seed: int, precision: str = "float64") -> dict[str, Any]:
    """A small state, drawn from all that there is to choose."""
    random = np.random.default_rng(seed)

    def choose(*values: Any) -> Any:
        return values[random.integers(len(values))]

    kind = choose("spiral", "circles", "moons", "blobs", "plane", "waves")
    hidden = random.integers(1, 6, random.integers(0, 4)).tolist()
    name = choose(*OPTIMIZERS)
    whole = name == "lbfgs"
    features = [own for own in ("x1", "x2", "x1^2", "x1*x2", "sin x2") if random.random() < 0.6] or ["x2"]
    return {
        "data": {
            "kind": kind,
            "n": int(random.integers(30, 80)),
            "seed": int(random.integers(100)),
            "scaling": choose("none", "standard"),
            **({"classes": int(random.integers(2, 6))} if kind in ("spiral", "blobs") else {}),
        },
        "features": features,
        "network": {
            "hidden": hidden,
            "activation": [choose(*ACTIVATIONS) for _ in hidden],
            "init": choose("he", "xavier", "glorot"),
            "dropout": 0 if whole else choose(0, 0.3),
        },
        "objective": {"l2": choose(0, 0.5)},
        "optimizer": {
            "name": name,
            "learning_rate": 1 if whole else 0.01,
            "schedule": choose("constant", "exponential", "inverse-time"),
        },
        "run": {
            "batch": "full" if whole else choose("full", 7, 16),
            "seed": int(random.integers(100)),
            "precision": precision,
        },
        "test": choose(0, 0.3),
    }
