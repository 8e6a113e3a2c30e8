"""The reference's Part 7: five optimizers on 1024 MNIST digits, their cost curves on one figure.

    python examples/part7_optimizers.py [FOLDER]

runs the command lines below (printed as they run) into FOLDER (runs/part7 by default) and draws the figures there. The
settings are those of its Python listings: network 784-15-9-10, ReLU, mini-batches of 512, 1000 epochs, learning rate
0.01, and epsilon inside the root. One thing that the text does not print had to be chosen: the first weights (normal,
scale 0.01, as in its Part 8). And one is changed: the digits are 1024 at random; the listings take the first 1024.

The listings do not scale the pixels, which lie from 0 to 255, so `--scaling none` is the reference's own; the second
set of runs scales them to 0 to 1, where everyone else's learning rates apply. The third takes the odd epsilons and the
rates of the Octave listings (RMSProp 1 at 0.005, Adam 100 at 0.1) beside those of the Python ones, unscaled.
"""

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sfumato import plots

COMMON = (
    "train mnist --limit 1024 --validation 0 --hidden 15,9 --init normal --init-scale 0.01 "
    "--batch-size 512 --epochs 1000 --quiet"
)
RMSPROP = "--optimizer rmsprop --epsilon-inside-root"
ADAM = "--optimizer adam --beta1 0.9 --beta2 0.9 --epsilon-inside-root"
PYTHON = {
    "gradient descent": "--optimizer gd --learning-rate 0.01",
    "with decay 0.9999": "--optimizer gd --learning-rate 0.01 --schedule exponential --decay 0.9999",
    "momentum 0.9": "--optimizer momentum --learning-rate 0.01 --beta 0.9 --momentum-form averaged",
    "RMSProp, beta1 0.7": f"{RMSPROP} --learning-rate 0.01 --beta1 0.7 --epsilon 1e-8",
    "Adam, beta1 0.9, beta2 0.9": f"{ADAM} --learning-rate 0.01 --epsilon 1e-8",
}
EPSILONS = {
    "RMSProp, rate 0.01, epsilon 1e-8": f"{RMSPROP} --learning-rate 0.01 --beta1 0.7 --epsilon 1e-8",
    "RMSProp, rate 0.005, epsilon 1": f"{RMSPROP} --learning-rate 0.005 --beta1 0.9 --epsilon 1",
    "Adam, rate 0.01, epsilon 1e-8": f"{ADAM} --learning-rate 0.01 --epsilon 1e-8",
    "Adam, rate 0.1, epsilon 100": f"{ADAM} --learning-rate 0.1 --epsilon 100",
}
FIGURES = {
    "part7-unscaled": (PYTHON, "none", "learning rate 0.01, pixels 0 to 255, as in the reference"),
    "part7-scaled": (PYTHON, "unit", "learning rate 0.01, pixels 0 to 1"),
    "part7-epsilon": (EPSILONS, "none", "the odd epsilons, pixels 0 to 255"),
}


def run(scaling: str, name: str, options: str, folder: Path) -> list[float]:
    """One training run; returns its cost in each epoch."""
    out = folder / name.replace(" ", "-").replace(",", "")
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
    for figure_name, (runs, scaling, meaning) in FIGURES.items():
        curves: dict[str, Sequence[float]] = {
            name: run(scaling, name, options, folder / figure_name) for name, options in runs.items()
        }
        figure = plots.compare_costs(curves, f"1024 digits, 784-15-9-10; {meaning}")
        (folder / f"{figure_name}.png").write_bytes(plots.to_png(figure))


if __name__ == "__main__":
    main()
