"""Make docs/gallery.md and its pictures, each by the command that the page shows beside it.

    python scripts/make_gallery.py [--only SECTION ...] [--crops FOLDER]

What was painted is kept in runs/gallery under a digest of its command, so that the script can be run in pieces and
goes on where it was: a command that changes is run again, and one whose meaning has changed (another preset) once its
file is removed. A picture whose command fails is left out of the page, and the script ends with status 1. FOLDER holds
two finished crops, 512.png and 2048.png, of the same painting at both sizes.
"""

import argparse
import hashlib
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from sfumato.pictures.builtin import BUILTIN_STYLES, PREFIX
from sfumato.style.presets import PRESETS

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "runs" / "gallery"
PAGE = ROOT / "docs" / "gallery.md"
PICTURES = ROOT / "docs" / "images" / "gallery"

CONTENT = "examples/images/chelsea.jpg"
PATIENCE = ("--size", "256", "--steps", "30")
COLUMNS = 3
WIDTH = 256

COLOURS = {
    "style": "the style's",
    "luminance": "the photograph's, under painted luminance",
    "match": "the style given the photograph's mean and covariance, by symmetric roots",
    "match-cholesky": "the same by Cholesky's roots",
    "histogram": "the style given the photograph's histograms",
    "only": "the style's alone, without its strokes",
}

MASKS = {"mask-face.png": "the mask of style 1: the face, with a soft edge", "mask-around.png": "of style 2: the rest"}

GROUNDS = {"0": "nothing turned: paper is painted, too", "1": "--quiet-ground 1: paper stays white"}

CROPS = {"512": "of a picture of 512 pixels, enlarged", "2048": "the same place of one of 2048 pixels"}
"""The two finished crops: what is painted at 2048 pixels takes twenty minutes or more, and is not painted here."""

CROP_WIDTH = 384

CARDS = ROOT / "src" / "sfumato" / "studio" / "static" / "cards"
"""Where the studio has small versions of the presets' and colours' pictures, for the cards that choose them."""

CARD = (320, 240)


class Shot(NamedTuple):
    """A picture of the gallery.

    Attributes:
        name: Of its file.
        caption: What to see in it.
        arguments: What follows `sfumato style`; empty for a picture that is only shown.
        style: The style picture, where it is to be seen beside, from the page's place.
        width: On the page, in pixels.
    """

    name: str
    caption: str
    arguments: tuple[str, ...] = ()
    style: str = ""
    width: int = WIDTH

    def cell(self) -> str:
        """The picture in a table."""
        style = f'<img src="{self.style}" alt="the style" width="80"><br>' if self.style else ""
        picture = f'<img src="images/gallery/{self.name}" alt="{self.caption}" width="{self.width}">'
        return f"{picture}<br>{style}{self.caption}"


class Section(NamedTuple):
    """A part of the page."""

    name: str
    text: str
    shots: list[Shot]


def sections() -> list[Section]:
    """All that the page shows."""
    night = f"{PREFIX}starry-night"
    return [
        Section("Original", "A photograph of 451 x 300 pixels.", [Shot("original.jpg", CONTENT)]),
        Section(
            "Built-in styles",
            f"`{PREFIX}NAME` names a style picture that comes with Sfumato, wherever a picture is named.",
            [
                Shot(
                    f"style-{name}.jpg",
                    f"{PREFIX}{name}: {what}",
                    (CONTENT, f"{PREFIX}{name}", *PATIENCE),
                    f"../src/sfumato/pictures/styles/{name}.jpg",
                )
                for name, what in BUILTIN_STYLES.items()
            ],
        ),
        Section(
            "Presets",
            "`--preset NAME` is a set of options for an intent. Options given beside it override its own.",
            [
                Shot(f"preset-{name}.jpg", f"{name}: {preset.purpose}", (CONTENT, night, "--preset", name, *PATIENCE))
                for name, preset in PRESETS.items()
            ],
        ),
        Section(
            "Colours",
            "`--colour` says where colours come from.",
            [
                Shot(f"colour-{name}.jpg", f"{name}: {what}", (CONTENT, night, "--colour", name, *PATIENCE))
                for name, what in COLOURS.items()
            ],
        ),
        Section(
            "Masks",
            "`--mask FILE=NUMBER`: where the mask is white, the style of that number is painted; grey is in part.",
            [
                *(Shot(name, what) for name, what in MASKS.items()),
                Shot("masked.jpg", "each region in its own style", masked_arguments()),
            ],
        ),
        Section(
            "A quiet ground",
            "`--quiet-ground` leaves a flat ground, such as white paper, as it is.",
            [
                Shot("logo.png", "a drawing"),
                *(
                    Shot(
                        f"ground-{quiet}.jpg",
                        what,
                        ("docs/images/gallery/logo.png", night, "--quiet-ground", quiet, *PATIENCE),
                    )
                    for quiet, what in GROUNDS.items()
                ),
            ],
        ),
        Section(
            "Styles against weights",
            "`--grid`: each style with a fifth of the style weight, once, and five times.",
            [Shot("grid.jpg", "a contact sheet in one command", grid_arguments(), width=680)],
        ),
        Section(
            "512 beside 2048 pixels",
            "The style does not vanish as the picture grows.",
            [Shot(f"crop-{size}.jpg", what, width=CROP_WIDTH) for size, what in CROPS.items()],
        ),
    ]


def masked_arguments() -> tuple[str, ...]:
    """A cat of brushwork in front of a mosaic."""
    styles = ("--style", f"{PREFIX}brushwork", "--style", f"{PREFIX}mosaic")
    masks = [("--mask", f"docs/images/gallery/{name}={number}") for number, name in enumerate(MASKS, start=1)]
    return (CONTENT, *styles, *(part for mask in masks for part in mask), *PATIENCE)


def grid_arguments() -> tuple[str, ...]:
    """Three styles that differ."""
    styles = [("--style", f"{PREFIX}{name}") for name in ("starry-night", "stained-glass", "ink")]
    return (CONTENT, *(part for style in styles for part in style), "--grid", "--size", "192", "--steps", "30")


def draw_logo() -> Image.Image:
    """A disc, a frame and a triangle on white."""
    logo = Image.new("RGB", (400, 300), "white")
    pen = ImageDraw.Draw(logo)
    pen.ellipse((60, 60, 200, 200), fill=(200, 30, 40))
    pen.rectangle((220, 90, 340, 190), outline=(20, 40, 120), width=10)
    pen.polygon([(100, 260), (180, 210), (260, 260)], fill=(30, 140, 60))
    return logo


def show_given(crops: Path | None) -> None:
    """Put the pictures that no command paints beside the others: the original, the masks, a drawing, and the crops."""
    draw_logo().save(PICTURES / "logo.png")
    original = Image.open(ROOT / CONTENT)
    save(original, PICTURES / "original.jpg", WIDTH)
    y, x = np.mgrid[0 : original.height, 0 : original.width]
    distance = np.hypot((x / original.width - 0.47) / 0.30, (y / original.height - 0.52) / 0.52)
    inside = np.clip((1.0 - distance) / 0.2 + 0.5, 0.0, 1.0)
    for name, share in zip(MASKS, (inside, 1.0 - inside), strict=True):
        Image.fromarray(np.rint(255 * share).astype(np.uint8)).save(PICTURES / name)
    for size in CROPS:
        if crops is not None and (crops / f"{size}.png").exists():
            save(Image.open(crops / f"{size}.png"), PICTURES / f"crop-{size}.jpg", CROP_WIDTH)


def paint(shot: Shot) -> bool:
    """Paint a picture, unless its command has painted it already; returns whether it is there."""
    digest = hashlib.sha256(shlex.join(shot.arguments).encode()).hexdigest()[:8]
    kept = KEPT / f"{Path(shot.name).stem}-{digest}.png"
    if not kept.exists():
        print(shlex.join(["sfumato", "style", *shot.arguments]), flush=True)
        program = Path(sys.executable).with_name("sfumato")
        command = [str(program), "style", *shot.arguments, "--quiet", "--overwrite", "-o", str(kept)]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            return False
    save(Image.open(kept), PICTURES / shot.name, shot.width)
    return True


def save(image: Image.Image, path: Path, width: int) -> None:
    """Write a picture as JPEG, no wider than asked."""
    image = image.convert("RGB")
    image.thumbnail((width, 4 * width), Image.Resampling.LANCZOS)
    image.save(path, quality=85)


def page() -> str:
    """The text of the page, with every picture that is there."""
    lines = [
        "# Gallery",
        "",
        "Made by [scripts/make_gallery.py](../scripts/make_gallery.py): each picture is what a command",
        "below it paints. [The course's four paintings](reference-runs.md) have a page of their own.",
    ]
    for section in sections():
        shots = [shot for shot in section.shots if (PICTURES / shot.name).exists()]
        if len(shots) == len(section.shots) or any(shot.arguments for shot in shots):
            lines += ["", f"## {section.name}", "", section.text, "", *table(shots)]
            commands = [
                shlex.join(["sfumato", "style", *shot.arguments, "-o", shot.name]) for shot in shots if shot.arguments
            ]
            lines += ["", *(f"    {command}" for command in commands)] if commands else []
    return "\n".join(lines) + "\n"


def table(shots: list[Shot]) -> list[str]:
    """Pictures with their captions, in rows of three, or fewer if there are fewer."""
    columns = min(COLUMNS, len(shots))
    cells = [shot.cell() for shot in shots] + [""] * (-len(shots) % columns)
    rows = [f"| {' | '.join(cells[place : place + columns])} |" for place in range(0, len(cells), columns)]
    return [rows[0], "|---" * columns + "|", *rows[1:]]


def make_cards() -> None:
    """Reduce the pictures of presets and colours for the studio."""
    names = {"default": "style-starry-night"} | {name: f"preset-{name}" for name in PRESETS}
    names |= {f"colour-{name}": f"colour-{name}" for name in COLOURS}
    for card, name in names.items():
        with Image.open(PICTURES / f"{name}.jpg") as picture:
            picture.thumbnail(CARD)
            picture.save(CARDS / f"{card}.webp", quality=75)


def main() -> int:
    """Paint what is not there, and write the page; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [section.name for section in sections()]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="sections to paint (default: all)")
    parser.add_argument("--crops", type=Path, help="folder of the two finished crops")
    arguments = parser.parse_args()
    for folder in (KEPT, PICTURES):
        folder.mkdir(parents=True, exist_ok=True)
    show_given(arguments.crops)
    chosen = [shot for section in sections() if section.name in arguments.only for shot in section.shots]
    failed = [shot.name for shot in chosen if shot.arguments and not paint(shot)]
    PAGE.write_text(page())
    make_cards()
    if failed:
        print(f"not painted: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
