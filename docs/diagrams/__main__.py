"""Write every diagram into `images/diagrams`, beside this folder."""

from pathlib import Path

from diagrams import DIAGRAMS

FOLDER = Path(__file__).parents[1] / "images" / "diagrams"
FOLDER.mkdir(exist_ok=True)
for name, draw in DIAGRAMS.items():
    (FOLDER / f"{name}.svg").write_text(draw().to_svg(), encoding="utf-8")
