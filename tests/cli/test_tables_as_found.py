"""Tables as people have them: whatever wrote them, and whatever they are called."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sfumato import Model
from sfumato.cli import run

Call = Callable[..., Any]

RUN = ["train", "table.csv", "--epochs", "3", "--quiet", "--json", "-o", "run"]


def quoted(text: str) -> str:
    return "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines())


WRITTEN: dict[str, Callable[[str], bytes]] = {
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "byte order mark": lambda text: text.encode("utf-8-sig"),
    "windows lines": lambda text: text.replace("\n", "\r\n").encode(),
    "all quoted": lambda text: quoted(text).encode(),
    "spaces": lambda text: text.replace(",", " ,  ").encode(),
    "blank lines": lambda text: ("\n" + text.replace("\n", "\n\n")).encode(),
    "no last newline": lambda text: text.rstrip("\n").encode(),
}


@pytest.fixture(scope="module")
def plain(flowers: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model that is made from the table as it is."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "table.csv").write_text(flowers, encoding="utf-8")
    arguments = ["train", str(folder / "table.csv"), *RUN[2:-1], str(folder / "run")]
    assert run(arguments) == 0
    return (folder / "run" / "model.safetensors").read_bytes()


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize("way", WRITTEN)
def test_however_a_table_is_written_it_is_the_same_table(
    way: str, flowers: str, plain: bytes, here: Call, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_bytes(WRITTEN[way](flowers))
    status, _, err = here(*RUN)
    assert (status, err) == (0, "")
    path = tmp_path / "run" / "model.safetensors"
    model = Model.load(path)
    assert (model.features, model.target) == (("width", "height", "age"), "kind")
    assert model.classes == ("rose", "tulip")
    assert path.read_bytes() == plain


NAMES = {
    "text": ("rose", "tulip"),
    "truth": ("False", "True"),
    "numbers with gaps": ("3", "17"),
    "minus": ("-1", "1"),
    "unicode": ("Kätzchen", "犬"),
    "commas and quotes": ('a "b"', "c, d"),
    "lines": ("one\ntwo", "three"),
    "mathematics": ("$x^$", "$y_$"),
    "underscores": ("_a", "_b"),
    "markup": ("[/red]", "[bold]"),
    "long": ("a" * 300, "b" * 300),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_classes_and_columns_come_back_as_they_were(kind: str, here: Call, tmp_path: Path) -> None:
    names = NAMES[kind]
    with (tmp_path / "table.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [[i % 7 - 3, -i % 11, names[i % 7 > 3]] for i in range(60)]
        csv.writer(file).writerows([["größe in $", "[/b] _x", "which one"], *rows])
    status, out, err = here(*RUN, "--epochs", "60")
    assert (status, err) == (0, "")
    assert list(json.loads(out)["report"]["classes"]) == list(names)
    answers = [*csv.reader(here("predict", "run", "table.csv").out.splitlines(keepends=True))]
    assert answers[0] == ["which one"]
    assert {cell for row in answers[1:] for cell in row} == set(names)


CONTENTS = {
    "a constant column": ("a,b,kind", [f"{i % 5},7,{'xy'[i % 5 > 2]}" for i in range(60)]),
    "only constant columns": ("a,b,kind", [f"1,7,{'xy'[i % 5 > 2]}" for i in range(60)]),
    "huge numbers": ("a,b,kind", [f"{i % 5}e300,{i % 3},{'xy'[i % 5 > 2]}" for i in range(60)]),
    "tiny numbers": ("a,b,kind", [f"{i % 5}e-300,{i % 3},{'xy'[i % 5 > 2]}" for i in range(60)]),
    "ten rows": ("a,kind", [f"{i},{'xy'[i % 2]}" for i in range(10)]),
    "a class of one member": ("a,kind", [f"{i},{'xyz'[i % 2 + (i == 39)]}" for i in range(40)]),
    "two rows of each class": ("a,b,kind", [f"{i},{i},name {i // 2}" for i in range(60)]),
    "a constant to predict": ("a,b,price", [f"{i},{i % 3},1.5" for i in range(60)]),
    "no header": ("", [f"{i % 5},{i % 7},{'xy'[i % 5 > 2]}" for i in range(60)]),
    "many columns": ("", [",".join(str(i % (k + 2)) for k in range(200)) for i in range(60)]),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_unusual_data_train_and_predict(content: str, here: Call, tmp_path: Path) -> None:
    header, rows = CONTENTS[content]
    lines = [header, *rows] if header else rows
    (tmp_path / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    status, _, err = here(*RUN)
    assert (status, err) == (0, "")
    (tmp_path / "features.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines), encoding="utf-8")
    status, out, err = here("predict", "run", "features.csv")
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == 1 + len(rows)


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_categories_and_gaps_from_training_to_answers(kind: str, here: Call, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame({"id": [f"n{k}" for k in range(300)], "colour": random.choice(["red", "blue", "green"], 300)})
    table["size"] = random.normal(5, 2, 300)
    table["kind"] = np.where((table["colour"] == "red") ^ (table["size"] > 5), "ripe", "unripe")
    table.loc[::10, "size"] = np.nan

    def write(part: pd.DataFrame, name: str) -> str:
        part.to_csv(tmp_path / name, index=False) if kind == "csv" else part.to_parquet(tmp_path / name)
        return name

    data = write(table, f"fruit.{kind}")
    status, out, err = here("train", data, "--hidden", "32", "-o", "run", "--json", "--l2", "0.1")
    assert status == 0
    assert json.loads(out)["test_accuracy"] > 0.85
    assert f"{data}: left out: column 'id' has more than 100 different texts" in err
    assert json.loads(out)["columns"][-1]["kind"] == "classes"
    new = write(table.drop(columns=["kind", "id"]).head(20), f"new.{kind}")
    header, *answers = csv.reader(here("predict", "run", new).out.splitlines())
    assert header == ["kind"]
    assert np.mean([row[0] == kind for row, kind in zip(answers, table["kind"], strict=False)]) > 0.85
    measured = json.loads(here("evaluate", "run", data, "--json").out)
    assert measured["examples"] == 300
    assert measured["accuracy"] > 0.85
    assert here("check", data).status == 0


def test_values_too_large_to_square_say_to_scale(refused: Callable[..., str], tmp_path: Path) -> None:
    rows = [f"{i},{i}e30" for i in range(60)]
    (tmp_path / "prices.csv").write_text("\n".join(["area,price", *rows]), encoding="utf-8")
    assert "larger units" in refused("train", "prices.csv")


def test_a_file_named_like_data_is_reached_by_its_path(flowers: str, here: Call, tmp_path: Path) -> None:
    for name in ("spiral", "mnist.csv"):
        (tmp_path / name).write_text(flowers, encoding="utf-8")
    assert json.loads(here("train", "spiral", "--epochs", "1", "--json").out)["report"]["classes"] == ["0", "1", "2"]
    for path in ("./spiral", str(tmp_path / "spiral"), "mnist.csv"):
        values = json.loads(here("train", path, "--epochs", "1", "--json").out)
        assert values["report"]["classes"] == ["rose", "tulip"]
