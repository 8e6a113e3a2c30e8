"""Every option of `sfumato train` does something, or is refused where it would do nothing."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]

BASE = ["train", "circles", "--epochs", "3", "--json", "--quiet"]

EFFECTS = {
    "--target": ["--target width --task regression", "--target 0 --task regression"],
    "--task": ["--task classification"],
    "--validation": ["--validation 0.3"],
    "--test": ["--test 0.4"],
    "--limit": ["--limit 100"],
    "--scaling": ["--scaling none", "--scaling unit"],
    "--hidden": ["--hidden 7", "--hidden 9,15,3", "--hidden none"],
    "--activation": ["--activation leaky-relu", "--activation tanh", "--activation sigmoid"],
    "--init": ["--init xavier", "--init glorot", "--init normal", "--init zeros"],
    "--dropout": ["--dropout 0.3"],
    "--l2": ["--l2 50"],
    "--class-weight": ["--class-weight 1=3"],
    "--optimizer": [
        f"--optimizer {name}" for name in ("gd", "momentum", "nesterov", "rmsprop", "adamw", "lbfgs --epochs 4")
    ],
    "--learning-rate": ["--learning-rate 0.02"],
    "--beta1": ["--beta1 0.5"],
    "--beta2": ["--beta2 0.5"],
    "--epsilon": ["--epsilon 0.1"],
    "--epsilon-inside-root": ["--epsilon 0.1 --epsilon-inside-root"],
    "--schedule": ["--schedule exponential --decay 0.5", "--schedule inverse-time --decay 0.5", "--schedule constant"],
    "--decay": ["--schedule inverse-sqrt", "--schedule inverse-sqrt --decay 0.5"],
    "--batch-size": ["--batch-size 40", "--batch-size full"],
    "--epochs": ["--epochs 5"],
    "--seed": ["--seed 1", f"--seed {2**64 - 1}"],
}
"""What tells apart from the base; further settings of one optimizer are told apart from that optimizer below."""


@pytest.fixture
def outcome(here: Call) -> Callable[..., tuple[float, float, int, int]]:
    """Trains with options, and returns what tells one training from another."""

    def call(*options: str) -> tuple[float, float, int, int]:
        status, out, err = here(*BASE, *options)
        assert (status, err) == (
            0,
            err if err.startswith("sfumato: the training loss ") else "",
        )  # a short run may warn
        values = json.loads(out)
        return values["train_loss"], values["test_loss"], values["parameters"], values["steps"]

    return call


@pytest.mark.parametrize(
    "options", [options for name, texts in EFFECTS.items() if name not in ("--target", "--task") for options in texts]
)
def test_each_option_changes_the_training(options: str, outcome: Callable[..., tuple[float, ...]]) -> None:
    assert outcome(*options.split()) != outcome()


@pytest.mark.parametrize(
    ("optimizer", "setting"),
    [
        ("momentum", "--beta 0.5"),
        ("momentum", "--momentum-form classical"),
        ("nesterov", "--beta 0.5"),
        ("rmsprop", "--beta1 0.5"),
        ("rmsprop", "--epsilon 0.1"),
        ("rmsprop --epsilon 0.1", "--epsilon-inside-root"),
        ("adam --epsilon 0.1", "--epsilon-inside-root"),
        ("adamw", "--l2 500"),
        ("gd --schedule exponential", "--decay 0.3"),
        ("gd --schedule inverse-time", "--decay 0.3"),
        ("lbfgs", "--learning-rate 0.1"),
        ("adam --init normal", "--init-scale 1"),
    ],
)
def test_each_setting_changes_its_own_optimizer(
    optimizer: str, setting: str, outcome: Callable[..., tuple[float, ...]]
) -> None:
    base = ["--optimizer", *optimizer.split()]
    assert outcome(*base, *setting.split()) != outcome(*base)


@pytest.mark.parametrize("options", EFFECTS["--target"] + EFFECTS["--task"])
def test_target_and_task_choose_what_is_predicted(options: str, here: Call, tmp_path: Path) -> None:
    rows = [f"{i % 7},{i % 5},{i % 30}" for i in range(90)]
    (tmp_path / "table.csv").write_text("\n".join(["width,height,days", *rows]), encoding="utf-8")
    run = ["train", "table.csv", "--epochs", "2", "--json", "--quiet"]
    plain, changed = (json.loads(here(*run, *more).out) for more in ([], options.split()))
    assert plain["test_loss"] != changed["test_loss"]
    assert ("accuracy" in changed["report"]) == ("classification" in options)


def test_early_stopping_ends_the_run_and_keeps_the_best(here: Call) -> None:
    values = json.loads(
        here("train", "moons", "--learning-rate", "0.3", "--epochs", "500", "--early-stopping", "3", "--json").out
    )
    assert values["stopped"] == "early"
    assert values["epochs"] == values["best_epoch"] + 3 < 500


def test_one_seed_gives_one_result_on_any_number_of_threads_named(outcome: Callable[..., tuple[float, ...]]) -> None:
    assert outcome("--threads", "1") == outcome("--threads", "1", "--seed", "0")
    assert outcome("--threads", "2") == outcome("--threads", "2", "--architecture", "dense")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--beta 0.5", "the optimizer adam has no beta"),
        ("--optimizer gd --beta1 0.5", "gd has no beta1"),
        ("--optimizer gd --epsilon 0.5", "gd has no epsilon"),
        ("--optimizer momentum --beta2 0.5", "momentum has no beta2"),
        ("--optimizer momentum --epsilon-inside-root", "momentum has no epsilon inside root"),
        ("--optimizer rmsprop --beta2 0.5", "rmsprop has no beta2"),
        ("--optimizer nesterov --momentum-form classical", "nesterov has no form"),
        ("--optimizer lbfgs --beta 0.5", "lbfgs has no beta"),
        ("--schedule constant --decay 0.5", "the constant schedule has no decay"),
        ("--schedule cosine --decay 0.5", "the cosine schedule has no decay"),
        ("--init-scale 0.1", "the he initialiser has no scale"),
        ("--optimizer lbfgs --batch-size 10", "full batch"),
        ("--optimizer lbfgs --dropout 0.5", "leave out dropout"),
        ("--hidden none --dropout 0.5", "for hidden layers, and here are none"),
        ("--hidden none --activation tanh", "for hidden layers, and here are none"),
        ("--early-stopping 3 --validation 0", "early stopping needs validation data"),
        ("--resume", "--resume needs --out"),
        ("--target y", "leave out the target"),
        ("--task regression", "leave out the task"),
        ("--quiet --verbose", "contradict each other"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(options: str, said: str, refused: Callable[..., str]) -> None:
    assert said in refused("train", "circles", "--epochs", "1", *options.split())


PART_7 = {
    "gd": "--optimizer gd",
    "decay": "--optimizer gd --schedule exponential --decay 0.9999",
    "momentum": "--optimizer momentum --beta 0.9",
    "rmsprop": "--optimizer rmsprop --beta1 0.7 --epsilon 1e-8 --epsilon-inside-root",
    "adam": "--optimizer adam --beta1 0.9 --beta2 0.9 --epsilon 1e-8 --epsilon-inside-root",
}
"""The settings of the reference's Part 7 in Python."""


@pytest.mark.parametrize("settings", PART_7.values(), ids=PART_7)
def test_the_runs_of_the_references_part_7(settings: str, here: Call) -> None:
    common = "--limit 1024 --validation 0 --hidden 15,9 --learning-rate 0.01 --batch-size 512 --epochs 4"
    status, out, _ = here("train", "mnist", *common.split(), *settings.split(), "--json", "--quiet")
    values = json.loads(out)
    assert status == 0
    assert values["examples"]["train"] == 1024
    assert values["steps"] == 4 * 2
    assert values["parameters"] == 785 * 15 + 16 * 9 + 10 * 10


def test_the_help_tells_every_option_of_the_table_and_no_other(sfumato: Call) -> None:
    told = sfumato("train", "--help", COLUMNS="200").out
    tested = {
        *EFFECTS,
        "--beta",
        "--momentum-form",
        "--init-scale",
        "--early-stopping",
        "--architecture",
        "--resume",
    } | {"--stream", "--backend", "--device", "--precision"}
    tested |= {"--drop", "--text", "--number", "--missing", "--header", "--separator", "--encoding", "--strict"}
    output = {"--out", "--overwrite", "--json", "--quiet", "--verbose", "--threads", "--help"}
    assert set(re.findall("--[a-z0-9-]+", told)) == tested | output


ROWS = [(i % 7 - 3 + 4 * (i % 20 == 0), "rare" if i % 20 == 0 else "usual") for i in range(400)]
RARE = "x,kind\n" + "".join(f"{x},{kind}\n" for x, kind in ROWS)
"""One in twenty is rare, and looks like some of the usual ones."""


@pytest.mark.parametrize("weight", ["balanced", "rare=19"])
def test_class_weights_find_more_of_a_rare_class(weight: str, here: Call, tmp_path: Path) -> None:
    (tmp_path / "rare.csv").write_text(RARE, encoding="utf-8")
    found = []
    for options in ([], ["--class-weight", weight]):
        values = json.loads(here("train", "rare.csv", "--hidden", "none", "--epochs", "60", *options, "--json").out)
        found.append(values["report"]["by_class"][0]["recall"])
    assert found[0] < found[1]


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("rarest=2", "no class is called 'rarest'; did you mean 'rare'?"),
        ("rare=-1", "a weight of 0 or more; not 'rare=-1'"),
        ("rare", "no class is called ''"),
        ("rare=0,usual=0", "all zero"),
    ],
)
def test_class_weights_that_cannot_be_used_are_said(weight: str, said: str, here: Call, tmp_path: Path) -> None:
    (tmp_path / "rare.csv").write_text(RARE, encoding="utf-8")
    done = here("train", "rare.csv", "--class-weight", weight)
    assert done.status == 2
    assert said in done.err


def test_class_weights_are_for_classes(here: Call, tmp_path: Path) -> None:
    (tmp_path / "values.csv").write_text("x,y\n" + "".join(f"{i},{i / 7}\n" for i in range(60)), encoding="utf-8")
    done = here("train", "values.csv", "--class-weight", "balanced")
    assert done.status == 2
    assert "this is a regression" in done.err
