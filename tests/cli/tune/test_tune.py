"""`sfumato tune`: searches that are kept, shared, killed and gone on with."""

import builtins
import csv
import json
import random
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato.cli import run
from sfumato.cli.tune.plan import SearchPlan
from sfumato.cli.tune.search import run_with
from sfumato.data import Examples
from sfumato.outputs import LIST
from sfumato.training.preparation import prepare
from sfumato.training.settings import TrainingSettings

Call = Callable[..., Any]

SEARCH = ["tune", "digits", "--limit", "300", "--epochs", "3"]
SOON = ["tune", "spiral", "--epochs", "3"]
"""A search that a process of its own begins sooner, as these data need no library to be there."""


def trials_in(path: Path) -> int:
    """How many trials of a database are finished."""
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(path) as connection:
            rows = connection.execute("select count(*) from trials where state in ('COMPLETE', 'PRUNED')")
            return int(rows.fetchone()[0])
    except sqlite3.OperationalError:  # it is being made
        return 0


def has_trials(path: Path, least: int) -> bool:
    """Whether so many trials of a database are finished."""
    return trials_in(path) >= least


@pytest.mark.usefixtures("blank_figures")
def test_a_search_leaves_its_best_and_the_command_that_trains_it_again(here: Call, tmp_path: Path) -> None:
    status, out, err = here(*SEARCH, "--trials", "8", "-o", "search")
    folder = tmp_path / "search"
    assert status == 0
    assert "trial 7, 8/8: " in err
    assert (folder / "report.txt").read_text(encoding="utf-8") == out
    names = {path.name for path in folder.iterdir()}
    assert names == {"best", "study.db", "trials.csv", "report.txt", "search.png", "importance.png", LIST}
    rows = [*csv.DictReader((folder / "trials.csv").read_text(encoding="utf-8").splitlines())]
    assert [row["number"] for row in rows] == [str(k) for k in range(8)]
    searched = {"learning_rate", "hidden", "batch_size", "l2", "dropout", "decay", "init"}
    assert searched | {"epsilon", "beta1", "beta2"} < set(rows[0])
    command = shlex.split(out.rstrip().splitlines()[-1])
    assert command[:3] == ["sfumato", "train", "digits"]
    assert here(*command[1:], "-o", "again", "--quiet").status == 0
    one, other = (tmp_path / name / "model.safetensors" for name in ("search/best", "again"))
    assert one.read_bytes() == other.read_bytes()
    number = re.search(r"Trial (\d+) is trained again", out)
    assert number
    taken = next(row for row in rows if row["number"] == number[1])
    history = (tmp_path / "again" / "history.csv").read_text(encoding="utf-8").splitlines()
    told = dict(zip(history[0].split(","), history[-1].split(","), strict=True))
    assert told["epoch"] == taken["best_epoch"]
    assert "--validation 0 " in " ".join(command)


def test_what_is_held_out_stays_so_without_test_data(here: Call) -> None:
    values = json.loads(here(*SEARCH, "--trials", "2", "--test", "0", "--json").out)
    assert "--validation 0.25" in " ".join(values["command"])
    assert values["outcome"]["report_on"] == "validation"


def test_json_and_what_is_given_is_not_searched(here: Call, tmp_path: Path) -> None:
    arguments = ["--trials", "3", "--hidden", "7", "--learning-rate", "0.02", "--optimizer", "momentum", "--json"]
    status, out, _ = here(*SEARCH, *arguments)
    values = json.loads(out)
    assert status == 0
    assert values["trials"] == 3
    assert set(values["best"]["values"]) == {"batch_size", "l2", "dropout", "decay", "init", "beta"}
    command = " ".join(values["command"])
    assert "--hidden 7 " in command
    assert "--learning-rate 0.02 " in command
    assert values["outcome"]["test_accuracy"] is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("blank_figures")
def test_a_search_goes_on_where_it_was_and_refuses_another(here: Call, refused: Call, tmp_path: Path) -> None:
    assert here(*SEARCH, "--trials", "2", "-o", "search", "--quiet").status == 0
    assert "is not empty; add --resume" in refused(*SEARCH, "--trials", "4", "-o", "search")
    assert "on other data or settings" in refused("tune", "digits", "--limit", "200", "-o", "search", "--resume")
    status, _, err = here(*SEARCH, "--trials", "4", "-o", "search", "--resume")
    assert status == 0
    assert "going on after 2 trials" in err
    assert trials_in(tmp_path / "search" / "study.db") == 4


KILLED = [*SOON, "--trials", "12", "-o", "search", "--quiet"]


def results(folder: Path) -> tuple[bytes, bytes]:
    """What a search has found: all its trials, and the best one's model."""
    return (folder / "trials.csv").read_bytes(), (folder / "best" / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """What a search finds that nothing happens to."""
    folder = tmp_path_factory.mktemp("undisturbed") / "search"
    assert run([*KILLED[:-2], str(folder), "--quiet"]) == 0
    return results(folder)


@pytest.mark.slow
@pytest.mark.usefixtures("blank_figures")
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_killed_search_ends_as_one_that_nothing_happened_to(
    start: Call, here: Call, undisturbed: tuple[bytes, bytes], tmp_path: Path
) -> None:
    database = tmp_path / "search" / "study.db"
    process = start(*KILLED)
    process.until(lambda: trials_in(database) >= 2)
    process.kill()
    process.wait()
    assert 2 <= trials_in(database) < 12
    assert here(*KILLED, "--resume").status == 0
    assert trials_in(database) == 12
    assert results(tmp_path / "search") == undisturbed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("seed", range(3))
def test_a_search_that_is_killed_again_and_again_ends_so_too(
    seed: int, start: Call, sfumato: Call, undisturbed: tuple[bytes, bytes], tmp_path: Path
) -> None:
    moments = random.Random(seed)
    folder = tmp_path / "search"

    def kill(after: Callable[[], bool], seconds: float) -> None:
        process = start(*KILLED, "--resume")
        process.until(after)
        time.sleep(moments.uniform(0, seconds))
        process.kill()
        process.wait()

    for _ in range(2):
        kill((folder / ".study.db.part").exists, 0.3)  # while its database is made, or soon after
    for number in (1, 3, 5):
        kill(partial(has_trials, folder / "study.db", number), 0.3)  # in the middle of a trial
    assert sfumato(*KILLED, "--resume").status == 0
    assert results(folder) == undisturbed
    assert {path.name for path in folder.rglob(".*")} == {LIST}, "nothing unfinished is left"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_an_interrupted_search_says_how_to_go_on(start: Call, tmp_path: Path) -> None:
    process = start(*SOON, "--trials", "100", "-o", "search")
    process.until(lambda: trials_in(tmp_path / "search" / "study.db") >= 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "of 100 trials; add --resume to go on" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_jobs_and_processes_share_a_storage(sfumato: Call, start: Call, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    arguments = [*SOON, "--trials", "4", "--storage", url, "--quiet"]
    other = start(*arguments)
    status, out, err = sfumato(*arguments, "--jobs", "2", "--json")
    assert (status, err) == (0, "")
    other.communicate()
    assert other.returncode == 0
    assert json.loads(out)["trials"] >= 4
    assert 4 <= trials_in(tmp_path / "shared.db") <= 6  # two may begin the last one at the same moment


def test_a_timeout_ends_the_search(here: Call) -> None:
    status, out, _ = here(
        "tune", "spiral", "--epochs", "2", "--trials", "100000", "--timeout", "3", "--json", "--quiet"
    )
    values = json.loads(out)
    assert status == 0
    assert 1 <= values["trials"] < 100_000


def test_the_range_test_draws_its_curve(sfumato: Call, here: Call, tmp_path: Path) -> None:
    status, out, _ = sfumato("tune", "mnist", "--learning-rate-only", "-o", "curve.png")
    assert status == 0
    assert "suggested: --learning-rate " in out
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    values = json.loads(here("tune", "mnist", "--learning-rate-only", "--json").out)
    assert 1e-4 < values["suggestion"] < 0.1
    assert len(values["losses"]) == len(values["learning_rates"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--early-stopping", "3"], "leave out --early-stopping"),
        (["--validation", "0"], "hold some examples out"),
        (["--resume"], "--resume needs --out"),
        (["--storage", "nothing://x"], "nothing://x: cannot be used as a storage"),
        (["--storage", "no url"], "no url: cannot be used as a storage"),
        (["--learning-rate-only", "-o", "curve.txt"], "name a file that ends in .png"),
        (["--learning-rate-only", "--optimizer", "lbfgs"], "a range test is for the other optimizers"),
    ],
)
def test_searches_that_cannot_be(arguments: list[str], said: str, refused: Callable[..., str]) -> None:
    assert said in refused(*SEARCH, "--trials", "2", "--quiet", *arguments)


def test_without_optuna_it_says_how_to_get_it(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def fail(name: str, *rest: Any) -> Any:
        if name.startswith("optuna"):
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", fail)
    assert "pip install '.[tune]'" in refused(*SEARCH)


def test_a_full_disk_is_one_line(on_a_full_disk: Call) -> None:
    done: subprocess.CompletedProcess[str] = on_a_full_disk(20_000, *SOON, "--trials", "2", "-o", "search", "--quiet")
    assert done.returncode == 2
    assert done.stderr.startswith("sfumato: ")
    assert done.stderr.count("\n") == 1


def test_a_trial_on_few_examples_is_scored_on_several_splits(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'xy'[int(a * b > 0)]}" for a, b in rng.normal(size=(120, 2))]
    (tmp_path / "few.csv").write_text("\n".join(["a,b,kind", *rows]), encoding="utf-8")
    settings = TrainingSettings(validation=0.25, hidden=(4,))
    compute = dict.fromkeys(("backend", "device", "precision"))
    plan = SearchPlan(str(tmp_path / "few.csv"), settings, compute, 1, 0)
    splits = plan.splits()
    parts = [splits, *plan.further_splits(splits)]
    assert [(part.train.size, part.validation and part.validation.size) for part in parts] == [(72, 24)] * 4
    held_out = [{tuple(row) for row in part.validation.x} for part in parts if isinstance(part.validation, Examples)]
    assert len({frozenset(rows) for rows in held_out}) == 4
    assert isinstance(splits.test, Examples)
    assert {tuple(row) for row in splits.test.x}.isdisjoint(set().union(*held_out))
    seen: list[float] = []
    loss, epoch = run_with(plan, splits, lambda: False, {"decay": 0.01}, 5, lambda _, loss: seen.append(loss))
    curves = []
    for part in parts:
        training = prepare(part, plan.with_values({"decay": 0.01}, 5), 0)
        curves.append([record.validation_loss for record in training.fit(part).history])
    assert seen == curves[0]
    assert loss == pytest.approx(np.mean(curves, axis=0).min())
    assert epoch == 1 + int(np.mean(curves, axis=0).argmin())
    assert plan.further_splits(replace(splits, validation=None)) == []


def test_the_first_trials_of_a_table_are_the_defaults_and_the_linear_model() -> None:
    plan = SearchPlan("breast-cancer", TrainingSettings(validation=0.25), {}, trials=4, seed=0)
    splits = plan.splits()
    first = plan.first(splits)
    for values, settings in zip(first, (TrainingSettings(), TrainingSettings(hidden=())), strict=True):
        usual = prepare(splits, settings, 0)
        ours = prepare(splits, plan.with_values(values, usual.epochs), 0)
        assert str(ours.network) == str(usual.network)
        assert (ours.optimizer, ours.l2, ours.batch_size, ours.epochs) == (
            usual.optimizer,
            usual.l2,
            usual.batch_size,
            usual.epochs,
        )
        assert [ours.rate(epoch) for epoch in range(9)] == [usual.rate(epoch) for epoch in range(9)]


def test_a_network_without_hidden_layers_is_not_tried_where_an_option_is_about_them(here: Call) -> None:
    status, out, _ = here("tune", "blobs", "--epochs", "2", "--trials", "12", "--activation", "tanh", "--json")
    values = json.loads(out)
    assert status == 0
    assert values["trials"] == 12
    assert "--activation tanh" in " ".join(values["command"])


@pytest.mark.parametrize("data", ["spiral", "moons", "breast-cancer"])
def test_the_first_trials_lie_in_what_is_searched(data: str) -> None:
    plan = SearchPlan(data, TrainingSettings(validation=0.25), {}, trials=4, seed=0)
    splits = plan.splits()
    space = plan.space(splits)
    for values in plan.first(splits):
        assert values.keys() == space.keys()
        for name, value in values.items():
            distribution = space[name].distribution()
            assert distribution._contains(distribution.to_internal_repr(value)), (name, value)
