"""What `sfumato train` prints, writes, and refuses to write over."""

import contextlib
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from sfumato import Model
from sfumato.data import NAMES
from sfumato.outputs import LIST

Call = Callable[..., Any]

EVERY_RUN = {"model.safetensors", "checkpoint.safetensors", "history.csv", "report.txt", "config.json", "cost.png"}
SMALL = {"mnist": ["--limit", "2000", "--epochs", "2"], "lemniscate": ["--epochs", "4"]}


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_trains_and_reports_as_one_json_object(name: str, here: Call) -> None:
    status, out, _ = here("train", name, "--json", "--quiet", *SMALL.get(name, ["--epochs", "8"]))
    assert status == 0
    values = json.loads(out)
    assert {"train_accuracy", "test_accuracy", "test_loss", "epochs", "parameters", "seconds"} <= values.keys()
    assert 0 < values["train_loss"] < math.inf
    assert 0 <= values["test_accuracy"] <= 1
    assert values["seconds"] > 0
    assert values["examples"]["test"] == {"mnist": 10_000}.get(name, round(0.2 * sum(values["examples"].values())))
    assert values["out"] is None


def test_results_go_to_the_standard_output_and_everything_else_to_the_other(sfumato: Call, tmp_path: Path) -> None:
    status, out, err = sfumato("train", "circles", "--epochs", "3", "--json")
    assert status == 0
    assert json.loads(out)["epochs"] == 3
    assert "nothing is kept" in err.splitlines()[0]
    assert "--out" in err.splitlines()[0]
    assert "epoch 3/3" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals for tests to look at")
def test_on_a_terminal_a_bar_shows_how_far_it_is(program: list[str], tmp_path: Path) -> None:
    terminal, end = os.openpty()
    command = [*program, "train", "moons", "--epochs", "60", "--json"]
    environment = os.environ | {"TERM": "xterm"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=end) as process:
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # what Linux says at the end of a terminal
            while part := os.read(terminal, 4096):
                shown += part
        os.close(terminal)
        assert process.stdout is not None
        assert json.loads(process.stdout.read())["epochs"] == 60
    assert process.returncode == 0
    assert b"/60" in shown
    assert b"\r" in shown


def test_without_json_the_report_is_for_reading(here: Call) -> None:
    _, out, err = here("train", "blobs", "--epochs", "2", "--verbose")
    assert "blobs: network 2-100-1" in out
    assert "Accuracy" in out
    assert [line.split(":")[0] for line in err.splitlines() if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    _, quiet_out, quiet_err = here("train", "blobs", "--epochs", "2", "--quiet")
    assert quiet_out.splitlines()[1:] == out.splitlines()[1:], "all but the first line, which says how long it took"
    assert quiet_err == ""


@pytest.mark.parametrize(
    ("data", "figures"),
    [
        ("spiral", {"confusion.png", "boundary.png"}),
        ("digits", {"confusion.png", "weights.png"}),
        ("breast-cancer", {"confusion.png"}),
    ],
)
def test_the_folder_of_a_run_holds_all_there_is_to_know(
    data: str, figures: set[str], here: Call, tmp_path: Path
) -> None:
    status, out, err = here("train", data, "--epochs", "5", "-o", "runs/new")
    folder = tmp_path / "runs" / "new"
    assert status == 0
    assert {path.name for path in folder.iterdir()} == EVERY_RUN | figures | {LIST}
    assert all(name in err for name in EVERY_RUN | figures)
    assert (folder / "report.txt").read_text(encoding="utf-8") == out
    header, *epochs = (folder / "history.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("epoch,learning_rate,train_loss")
    assert [line.split(",")[0] for line in epochs] == ["1", "2", "3", "4", "5"]
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["options"]["data"] == data
    assert config["options"]["epochs"] == 5
    assert config["outcome"]["epochs"] == 5
    assert Model.load(folder / "model.safetensors").network.size == config["outcome"]["parameters"]
    for figure in ("cost.png", *figures):
        pixels = imread(folder / figure)
        assert min(pixels.shape[:2]) > 200
        assert np.ptp(pixels[..., :3]) > 0.5


def test_regression_from_the_command_line_in_the_values_own_units(here: Call, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [f"{a},{b},{250_000 + 30_000 * (3 * a - b)}" for a, b in random.normal(size=(120, 2))]
    (tmp_path / "prices.csv").write_text("\n".join(["area,age,price", *rows]), encoding="utf-8")
    done = here("train", "prices.csv", "--target", "price", "--task", "regression", "--json", "--quiet", "-o", "run")
    values = json.loads(done.out)
    assert done.status == 0
    assert values["test_accuracy"] is None
    assert values["report"]["r_squared"] > 0.9
    assert values["test_loss"] == pytest.approx(values["report"]["mean_squared_error"], rel=1e-3)
    assert {path.name for path in (tmp_path / "run").iterdir()} == EVERY_RUN | {LIST}
    (tmp_path / "new.csv").write_text("area,age\n0,0\n1,0\n", encoding="utf-8")
    answers = here("predict", "run", "new.csv").out.splitlines()
    assert answers[0] == "price"
    assert [float(answer) for answer in answers[1:]] == pytest.approx([250_000, 340_000], rel=0.1)


def test_a_folder_of_idx_files_trains_on_one_part_and_tests_on_the_other(here: Call, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 20)):
        labels = np.arange(count) % 2 * 3 + 4
        images = (random.integers(0, 100, (count, 6, 5)) + 30 * (labels[:, None, None] - 4)).astype(np.uint8)
        shape = b"".join(size.to_bytes(4, "big") for size in images.shape)
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + shape + images.tobytes())
        header = b"\0\0\x08\x01" + count.to_bytes(4, "big")
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.astype(np.uint8).tobytes())
    status, out, _ = here("train", str(tmp_path), "--json", "--quiet", "--epochs", "50", "-o", "run")
    values = json.loads(out)
    assert status == 0
    assert values["examples"]["test"] == 20
    assert values["test_accuracy"] > 0.9
    assert Model.load("run/model.safetensors").classes == ("4", "7")
    again = json.loads(here("train", ".", "--test", ".", "--json", "--quiet", "--epochs", "50").out)
    assert again["test_loss"] == values["test_loss"], "the folder's test part"
    assert "the test data of" in here("evaluate", "run", str(tmp_path)).out


def test_validation_and_test_data_from_files_of_their_own(here: Call, flowers: str, tmp_path: Path) -> None:
    header, *rows = flowers.splitlines()
    for name, part in (("train", rows[:50]), ("watch", rows[50:60]), ("test", rows[60:])):
        (tmp_path / f"{name}.csv").write_text("\n".join([header, *part]), encoding="utf-8")
    # Columns in another order are the same columns
    turned = "\n".join(",".join(reversed(row.split(","))) for row in [header, *rows[60:]])
    (tmp_path / "turned.csv").write_text(turned, encoding="utf-8")
    arguments = ["train", "train.csv", "--target", "kind", "--validation", "watch.csv", "--json", "--quiet"]
    straight = json.loads(here(*arguments, "--test", "test.csv").out)
    assert straight["examples"] == {"train": 50, "validation": 10, "test": 20}
    assert straight["test_accuracy"] > 0.8
    assert json.loads(here(*arguments, "--test", "turned.csv").out)["test_loss"] == straight["test_loss"]


def test_nothing_held_out(here: Call) -> None:
    values = json.loads(here("train", "moons", "--validation", "0", "--test", "0", "--epochs", "2", "--json").out)
    assert values["examples"] == {"train": 400, "validation": 0, "test": 0}
    assert values["test_loss"] is values["validation_loss"] is None
    assert values["report_on"] == "train"


def test_a_run_is_not_written_over_unasked(here: Call, refused: Callable[..., str], tmp_path: Path) -> None:
    run = ["train", "spiral", "--epochs", "2", "--quiet", "-o", "run"]
    assert here(*run).status == 0
    assert "not empty; add --resume to go on with the run in it, or --overwrite" in refused(*run)
    assert "is a file; --out names the folder of a run" in refused(*run[:-1], "run/report.txt")
    assert "contradict each other" in refused(*run, "--overwrite", "--resume")
    (tmp_path / "run" / "notes.txt").write_text("mine", encoding="utf-8")
    assert here("train", "breast-cancer", *run[2:], "--overwrite").status == 0
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == EVERY_RUN | {LIST, "confusion.png", "notes.txt"}, "earlier figures are gone, one's own file stays"


@pytest.mark.parametrize("wrong", [["--learning-rate", "-1"], ["--optimizer", "gd", "--learning-rate", "1e10"]])
def test_a_run_that_fails_leaves_the_one_that_it_was_to_replace(
    wrong: list[str], here: Call, refused: Callable[..., str]
) -> None:
    assert here("train", "spiral", "--epochs", "2", "--quiet", "-o", "run").status == 0
    assert refused("train", "spiral", "--epochs", "2", "--quiet", "-o", "run", "--overwrite", *wrong)


def test_divergence_names_epoch_and_step_and_gives_advice(refused: Callable[..., str]) -> None:
    said = refused("train", "spiral", "--optimizer", "gd", "--learning-rate", "1e9", "-o", "run", "--quiet")
    assert "diverged" in said
    assert re.search(r"epoch \d, step \d", said)
    assert "try a learning rate ten times smaller" in said


def test_training_that_ends_worse_than_it_began_says_so_with_what_to_try(here: Call) -> None:
    wild = ["--optimizer", "gd", "--learning-rate", "1000", "--batch-size", "200", "--epochs", "3", "--quiet", "--json"]
    status, out, err = here("train", "spiral", *wild)
    said = json.loads(out)["warnings"]
    assert status == 0
    assert err.splitlines() == [f"sfumato: {text}" for text in said]
    assert said[0].endswith("try a learning rate ten times smaller (--learning-rate 100)")
    assert json.loads(here("train", "spiral", "--epochs", "5", "--quiet", "--json").out)["warnings"] == []
