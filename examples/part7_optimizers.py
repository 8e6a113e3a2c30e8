"""The reference's Part 7: five optimizers on 1024 MNIST digits, their cost curves on one figure.

    python examples/part7_optimizers.py [FOLDER]

runs the five command lines below (printed as they run) into FOLDER (runs/part7 by default) and draws `part7.png` there.
The settings are those of its Python listings: network 784-15-9-10, ReLU, mini-batches of 512, 1000 epochs, learning rate
0.01, and epsilon inside the root. Two things the text does not print had to be chosen: the first weights (normal, scale
0.01, as in its Part 8) and the digits (1024 at random; the listings take the first 1024).

The listings do not scale the pixels, which lie from 0 to 255, so `--scaling none` is the reference's own; the second set
of runs scales them to 0 to 1, where everyone else's learning rates apply.
"""

import csv
import subprocess
import sys
from pathlib import Path

from sfumato import plots

COMMON = (
    "train mnist --limit 1024 --validation 0 --hidden 15,9 --init normal --init-scale 0.01 --learning-rate 0.01 "
    "--batch-size 512 --epochs 1000 --quiet"
)
OPTIMIZERS = {
    "gradient descent": "--optimizer gd",
    "with decay 0.9999": "--optimizer gd --schedule exponential --decay 0.9999",
    "momentum 0.9": "--optimizer momentum --beta 0.9 --momentum-form averaged",
    "RMSProp, beta1 0.7": "--optimizer rmsprop --beta1 0.7 --epsilon 1e-8 --epsilon-inside-root",
    "Adam, beta1 0.9, beta2 0.9": "--optimizer adam --beta1 0.9 --beta2 0.9 --epsilon 1e-8 --epsilon-inside-root",
}
SCALINGS = {"none": "pixels 0 to 255, as in the reference", "unit": "pixels 0 to 1"}


def run(scaling: str, name: str, options: str, folder: Path) -> list[float]:
    """One training run; returns its cost in each epoch."""
    out = folder / scaling / name.replace(" ", "-").replace(",", "")
    arguments = [*COMMON.split(), *options.split(), "--scaling", scaling, "--out", str(out), "--overwrite"]
    print("sfumato", *arguments, flush=True)
    program = Path(sys.executable).with_name("sfumato")
    report = subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout
    print("   ", *report.splitlines()[1:3], sep="\n    ", flush=True)
    with (out / "history.csv").open(encoding="utf-8") as file:
        return [float(row["train_loss"]) for row in csv.DictReader(file)]


def main() -> None:
    """Run everything and draw the figure."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/part7")
    for scaling, meaning in SCALINGS.items():
        curves = {name: run(scaling, name, options, folder) for name, options in OPTIMIZERS.items()}
        figure = plots.compare_costs(curves, f"1024 digits, 784-15-9-10, learning rate 0.01; {meaning}")
        (folder / f"part7-{scaling}.png").write_bytes(plots.to_png(figure))


if __name__ == "__main__":
    main()
