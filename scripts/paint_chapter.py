"""Paint the pictures of chapter 11, docs/images/chapter-11.

    python -m scripts.paint_chapter [ENGINE]

ENGINE computes, such as torch:cpu/bfloat16; default: as for every painting. A picture that is there is left alone, so
that the script can be run in pieces; remove those that shall be painted anew. Each file keeps its settings, which the
chapter reads from it.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sfumato.arrays import Array
from sfumato.style import StyleTransfer

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "images" / "chapter-11"
SIZE = 256
BLOCKS = range(1, 6)

GRAM = {"size": SIZE, "scales": 1, "steps": 100, "style_loss": "gram", "tv_weight": 0}
FROM_NOISE = {**GRAM, "scales": 2, "steps": 150}
TEXTURE = {**FROM_NOISE, "start": "colour", "content_weight": 0, "style_weight": 1}


def cat() -> Array:
    """The photograph's face, square."""
    photograph = Image.open(ROOT / "examples" / "images" / "chelsea.jpg").crop((60, 0, 360, 300))
    return np.asarray(photograph.resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def night() -> Array:
    """The painting, as wide as the photograph."""
    painting = Image.open(ROOT / "examples" / "images" / "starry_night.jpg")
    return np.asarray(painting.resize((SIZE, SIZE * painting.height // painting.width), Image.Resampling.LANCZOS))


def jobs() -> dict[str, tuple[Array, Array | str, dict[str, Any]]]:
    """Content, style and settings of each picture, by its name."""
    photograph, painting, blank = cat(), night(), np.zeros((SIZE, SIZE, 3), np.uint8)
    made: dict[str, tuple[Array, Array | str, dict[str, Any]]] = {}
    for seed in (0, 1):
        made[f"texture-{seed}"] = blank, painting, {**TEXTURE, "tv_weight": 0.5, "seed": seed}
    for block in BLOCKS:
        layer = {"style_layers": {f"block{block}_conv1": 1}, "tv_weight": 3.0 ** (block - 4)}
        scales = 1 if block == 1 else 2  # what sees 3 x 3 pixels has nothing to gain from a smaller picture
        made[f"style-{block}"] = blank, painting, {**TEXTURE, **layer, "scales": scales}
    for block in BLOCKS:
        layer = {"content_layers": {f"block{block}_conv2": 1}, "style_weight": 0, "tv_weight": 1}
        made[f"content-{block}"] = photograph, painting, {**FROM_NOISE, "start": "noise", **layer}
    for ratio in (0.125, 0.5, 2, 8, 32):
        made[f"ratio-{ratio:g}"] = photograph, "sfumato:scream", {**GRAM, "style_weight": ratio, "pooling": "average"}
    course = {**GRAM, "content_layers": {"block5_conv2": 1}}
    made["course"] = photograph, painting, {**course, "style_loss": "gram-reference", "style_weight": 100}
    made["relative"] = photograph, painting, {**course, "style_weight": 10}
    for loss in ("neighbours", "gram"):
        for weight in (10, 0):
            settings = {**GRAM, "style_loss": loss, "tv_weight": weight}
            made[f"{loss}-{weight}"] = photograph, painting, settings
    return made


def main() -> int:
    """Paint what is missing."""
    engine = sys.argv[1] if sys.argv[1:] else None
    PICTURES.mkdir(exist_ok=True)
    for name, (content, style, settings) in jobs().items():
        path = PICTURES / f"{name}.jpg"
        if not path.exists():
            result = StyleTransfer(**settings, engine=engine).run(content, style)
            print(f"{name}: {result}", flush=True)
            result.save(path, quality=90)
    return 0


if __name__ == "__main__":
    sys.exit(main())
