"""Make docs/reference-runs.md and its pictures: the course's four paintings, from pictures that are free.

    python -m scripts.make_reference_runs

Each is painted by the course's recipe and by Sfumato's defaults. What was painted is kept, as by make_gallery.py, so
that the script can be run in pieces. make_example_pictures.py makes what the paintings are made of.
"""

import shlex
import sys
from textwrap import fill
from typing import NamedTuple

from scripts.make_gallery import KEPT, PICTURES, ROOT, Shot, paint, table

PAGE = ROOT / "docs" / "reference-runs.md"
IMAGES = "examples/images"
WIDTH = 118
"""Of lines of text, in characters."""

SIZE = ("--size", "256")
COURSE = (
    *("--scales", "1", "--steps", "100", "--style-loss", "gram-reference", "--tv-weight", "0"),
    *("--content-layers", "block5_conv2", "--content-weight", "1", "--style-weight", "100"),
)

INTRODUCTION = """\
# The course's four paintings

The course's post on style transfer (the latest; it stands first in the text) ends with four paintings: its author's
portrait, a portrait of his parents, "Caesar 2", of the Masai Mara (a lion, as far as the caption tells), and a fort in
Rajasthan, each after a painter. The photographs are his own and come with no licence. In their place stand the
nearest ones found in packages of Debian and PyPI that are in the public domain or given to it. Two of the four style
pictures are the course's own, and a third is by the same painter. All are in `examples/images`, where `README.md` tells
which package each is from.

Each pair is painted twice at 256 pixels: by the course's layers, losses and start, with L-BFGS instead of gradient
descent, 100 steps, and a beta that [balances the losses at this size](style-transfer.md#the-courses-own-recipe); and by
the defaults, with nothing but the size given. The course prints no losses for its paintings, so there are no figures to
compare.

Made by [scripts/make_reference_runs.py](../scripts/make_reference_runs.py) (`python -m scripts.make_reference_runs`)
from what [scripts/make_example_pictures.py](../scripts/make_example_pictures.py) takes out of the packages."""


class Run(NamedTuple):
    """One of the course's four paintings.

    Attributes:
        title: What the course painted.
        content: Name of our photograph, and what it shows.
        style: Name of our style picture, and what it is.
        nearest: How these pictures differ from the course's.
        seen: What is to be seen in the two results.
    """

    title: str
    content: tuple[str, str]
    style: tuple[str, str]
    nearest: str
    seen: str

    def shots(self, number: int) -> list[Shot]:
        """The two results."""
        pair = tuple(f"{IMAGES}/{name}.jpg" for name, _ in (self.content, self.style))
        return [
            Shot(f"run-{number}-course.jpg", "by the course's recipe", (*pair, *SIZE, *COURSE)),
            Shot(f"run-{number}-default.jpg", "by the defaults", (*pair, *SIZE)),
        ]


RUNS = [
    Run(
        "A portrait after Kandinsky",
        ("astronaut", "the astronaut Eileen Collins; photograph by NASA"),
        ("composition-viii", "Wassily Kandinsky, Composition VIII, 1923"),
        "The course: a portrait of its author, and a composition by Kandinsky of 1913, which was not found. This is "
        "a later one, of circles and lines.",
        "By the course's recipe the painting's lines and discs arrive, while the "
        "suit stays orange and the flag red: the layer that has nearly all the say in [its "
        "loss](chapters/11-style.md#the-courses-recipe) knows strokes better than colours. By the defaults the "
        "cream ground comes along, in flat areas with few lines, and the painting's own marks stay away from the face.",
    ),
    Run(
        "Two people after the Starry Night",
        ("two-portraits", "Eileen Collins and Grace Hopper; photographs by NASA and by the US Navy"),
        ("starry_night", "Vincent van Gogh, The Starry Night, 1889"),
        "The course: its author's parents, and the same painting. No free photograph of two people was found, so "
        "two are set side by side.",
        "The uniform and the backgrounds take the strokes of the sky; colours change less "
        "by the course's recipe, once more, and the astronaut's face, about 40 pixels wide here, becomes strokes. The "
        "defaults keep both faces; for a likeness [`--preset portrait`](style-cookbook.md#keep-the-face-recognisable) "
        "and a larger size are there.",
    ),
    Run(
        "A big cat after the Great Wave",
        ("jaguars", "two jaguars; photograph by Frieda Bredesen, CC0"),
        ("great-wave", "Katsushika Hokusai, The Great Wave off Kanagawa, about 1831"),
        'The course: "Caesar 2", a lion as far as the caption tells, and the same print. No photograph of a lion was '
        "found but small ones under the GPL.",
        "Fur turns into spray. By the course's recipe rock and animals become waves, with hardly an outline of the "
        "jaguar on the left; by the defaults spray is where the spots are, and the rock takes the colours of the sky.",
    ),
    Run(
        "A building in Rajasthan after a painter of the open air",
        ("hawa-mahal", "the Hawa Mahal in Jaipur; photograph by Janwiki"),
        ("church-at-auvers", "Vincent van Gogh, The Church at Auvers, 1890"),
        "The course: Junagarh Fort, and Monet's *Le Pont Japonais* of 1920. No free photograph of that fort was "
        "found; this palace stands in Rajasthan, too. No painting of Monet's was found either; in this one, by van "
        "Gogh, strokes are as plain to see.",
        "By the course's recipe the rows of windows melt into strokes, and the stone keeps some of its orange. The "
        "defaults keep the rows, in the painting's yellow and green under its blue.",
    ),
]


def source(name: str, what: str) -> str:
    """A picture of examples/images in a table."""
    return f'<img src="../{IMAGES}/{name}.jpg" alt="{what}" width="256"><br>{what}'


def paragraph(text: str) -> str:
    """A text in lines, its links whole."""
    return fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def page() -> str:
    """The text of the page."""
    lines = [INTRODUCTION]
    for number, run in enumerate(RUNS, start=1):
        shots = run.shots(number)
        lines += ["", f"## {number}. {run.title}", "", paragraph(run.nearest), ""]
        lines += [f"| {source(*run.content)} | {source(*run.style)} |", *table(shots)[1:], *table(shots)[:1]]
        lines += ["", paragraph(run.seen), ""]
        lines += [f"    {shlex.join(['sfumato', 'style', *shot.arguments, '-o', shot.name])}" for shot in shots]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Paint what is not there, and write the page; returns the exit status."""
    for folder in (KEPT, PICTURES):
        folder.mkdir(parents=True, exist_ok=True)
    shots = [shot for number, run in enumerate(RUNS, start=1) for shot in run.shots(number)]
    failed = [shot.name for shot in shots if not paint(shot)]
    PAGE.write_text(page())
    if failed:
        print(f"not painted: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
