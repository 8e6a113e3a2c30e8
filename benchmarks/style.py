"""Job 5: loss and image gradient of style transfer through VGG19: a Gram loss on five layers, content on block5_conv2.

Everything that the programs share lies in a folder: the pictures at their size, and the network's weights in our
order. Targets are each program's own features of the same pictures.
"""

from pathlib import Path
from typing import Any

import numpy as np

CONTENT_LAYER, STYLE_LAYERS = "block5_conv2", [f"block{block}_conv1" for block in range(1, 6)]
CONTENT_WEIGHT, STYLE_WEIGHT = 1.0, 10.0
"""Weights of content and of all five style layers together: our defaults."""

GRAM: dict[str, Any] = {"style_loss": "gram", "tv_weight": 0.0}
"""Settings of our `StyleTransfer` for the loss that peers have, too."""

TOLERANCES = {"float32": {"loss": 1e-4, "gradient": 5e-3}, "bfloat16": {"loss": 2e-2, "gradient": 0.15}}
"""Relative: float32 in sums of a hundred thousand terms, and a few ReLUs and maxima that fall on the other side; many
more of those in bfloat16, whose eight bits round sixteen layers' features by a part in 256 each."""


def prepare(folder: Path, content: Path, style: Path, size: int) -> None:
    """Write pictures and weights for a long edge of `size` pixels."""
    from sfumato.style import StyleProblem
    from sfumato.style.pyramid import resize, scale_sizes

    problem = StyleProblem(settings(), content, style)
    height, width = problem.content.shape[:2]
    ((height, width),) = scale_sizes(height, width, size, 1)
    sized = resize(problem.content, height, width)
    (given,) = problem.styles
    noise = np.random.default_rng(0).random(sized.shape, np.float32)
    np.savez(
        folder / "pictures.npz",
        content=sized.clip(0, 1),
        style=resize(given.picture, *problem.style_size(given, height, width)).clip(0, 1),
        x=0.7 * sized.clip(0, 1) + 0.3 * noise,
    )
    network = problem.vgg.network(height, width)
    convolutions = zip(network.names, network.parameters(problem.vgg.theta), strict=True)
    weights = {f"{name}.{kind}": value for name, own in convolutions for kind, value in own._asdict().items()}
    np.savez(folder / "vgg.npz", **weights)


def settings() -> Any:
    """Of our `StyleTransfer`."""
    from sfumato.style import StyleTransfer

    return StyleTransfer(
        content_layers={CONTENT_LAYER: 1.0},
        style_layers=dict.fromkeys(STYLE_LAYERS, 1.0),
        content_weight=CONTENT_WEIGHT,
        style_weight=STYLE_WEIGHT,
        **GRAM,
    )
