"""Style transfer of a few steps between small pictures."""

from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.style.transfer import StyleTransfer

SMALL: dict[str, Any] = {
    "size": 48,
    "steps": 4,
    "scales": 2,
    "content_layers": {"block2_conv2": 1.0},
    "style_layers": {"block1_conv1": 1.0, "block2_conv1": 1.0},
}


def picture(seed: int, height: int = 36, width: int = 48) -> Array:
    random = np.random.default_rng(seed)
    return np.kron(random.integers(0, 256, (height // 4, width // 4, 3)), np.ones((4, 4, 1))).astype(np.uint8)


STATISTICS: dict[str, Any] = {"style_loss": "gram", "tv_weight": 0.0}
"""Settings for what is said of statistics, and not of places or smoothness."""

CONTENT, STYLE = picture(1), picture(2, 40, 40)


def transfer(**changes: Any) -> StyleTransfer:
    return StyleTransfer(**{**SMALL, **changes})
