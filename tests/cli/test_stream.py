"""`sfumato train --stream`: tables that stay in their file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

Call = Callable[..., Any]

STREAM = ["--stream", "--epochs", "2", "--hidden", "8", "--learning-rate", "0.01"]


def fruit(rows: int = 40_000) -> pd.DataFrame:
    """A table sorted by its classes."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({"colour": random.choice(["red", "blue", "green"], rows), "size": random.normal(5, 2, rows)})
    table["weight"] = (table["size"] ** 2 + random.normal(0, 1, rows)).round(3)
    table["kind"] = np.where((table["colour"] == "red") ^ (table["size"] > 5), "ripe", "unripe")
    table.loc[::50, "weight"] = np.nan
    return table.sort_values("kind", ignore_index=True)


@pytest.fixture
def data(tmp_path: Path) -> str:
    fruit().to_csv(tmp_path / "fruit.csv", index=False)
    return "fruit.csv"


def test_a_streamed_table_is_learned_and_used_like_any_other(data: str, here: Call, tmp_path: Path) -> None:
    status, out, err = here("train", data, *STREAM, "-o", "run", "--json")
    values = json.loads(out)
    assert status == 0
    assert "first look: fruit.csv" in err
    assert values["test_accuracy"] > 0.9
    assert sum(values["examples"].values()) == 40_000
    assert sorted(path.name for path in (tmp_path / "run").iterdir() if path.suffix == ".png") == [
        "confusion.png",
        "cost.png",
    ]
    measured = json.loads(here("evaluate", "run", data, "--json").out)
    assert measured["examples"] == 40_000
    assert measured["accuracy"] > 0.9
    assert here("predict", "run", data).out.count("\n") == 40_001


def test_parquet_regression_and_parts_in_files(here: Call, tmp_path: Path) -> None:
    table = fruit().dropna()
    table.to_parquet(tmp_path / "fruit.parquet", row_group_size=1000)
    table.head(500).to_csv(tmp_path / "test.csv", index=False)
    arguments = ["--target", "weight", "--test", "test.csv", "--validation", "0", "--epochs", "4"]
    status, out, _ = here("train", "fruit.parquet", *STREAM, *arguments, "--json", "--quiet")
    values = json.loads(out)
    assert status == 0
    assert values["examples"] == {"train": len(table), "validation": 0, "test": 500}
    assert values["report"]["r_squared"] > 0.8


def test_rare_classes_can_be_given_weight(here: Call, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rare = random.random(60_000) < 0.05
    table = pd.DataFrame(
        {"x": (random.normal(size=60_000) + 1.5 * rare).round(4), "kind": np.where(rare, "rare", "usual")}
    )
    table.to_csv(tmp_path / "a.csv", index=False)
    found = {}
    for weight in ("balanced", "rare=1"):
        out = here("train", "a.csv", *STREAM, "--class-weight", weight, "--json", "--quiet").out
        found[weight] = next(c for c in json.loads(out)["report"]["by_class"] if c["class"] == "rare")["recall"]
    assert found["balanced"] > 0.6 > found["rare=1"]


def test_an_interrupted_stream_goes_on(data: str, here: Call, start: Call, tmp_path: Path) -> None:
    arguments = ["train", data, *STREAM, "--seed", "1", "--batch-size", "20"]
    assert here(*arguments, "-o", "whole", "--quiet").status == 0
    process = start(*arguments, "-o", "run", "--quiet")
    process.until((tmp_path / "run" / "checkpoint.safetensors").exists)
    process.kill()
    process.communicate()
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
    assert here(*arguments, "-o", "run", "--quiet", "--resume").status == 0
    one, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("run", "whole"))
    assert one == other


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mnist", "--stream"], "mnist: --stream is for a CSV or Parquet file"),
        (["none.csv", "--stream"], "none.csv: cannot be read (No such file or directory)"),
        (["fruit.csv", "--stream", "--limit", "100"], "leave out --stream, or --limit"),
        (["fruit.csv", "--stream", "--optimizer", "lbfgs"], "a stream has no full batch"),
        (["fruit.csv", "--stream", "--test", "2"], "--test takes a fraction"),
        (["fruit.csv", "--stream", "--validation", "0.001"], "too few to hold out 0.001 for validation"),
        (["fruit.csv", "--stream", "--class-weight", "daisy=2"], "no class is called 'daisy'"),
    ],
)
def test_what_a_stream_cannot_do(arguments: list[str], said: str, data: str, refused: Callable[..., str]) -> None:
    assert data == "fruit.csv"
    assert said in refused("train", "--quiet", *arguments)
