"""The end of a search: which trial is taken by further splits, and what is said of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato.cli.tune.finals import Finals, measure_again
from sfumato.cli.tune.plan import SearchPlan
from sfumato.data import Examples
from sfumato.training.settings import TrainingSettings
from sfumato.tuning.search import Trial, UnfinishedTrialError

Call = Callable[..., Any]

NOISE = np.array([0.03, -0.02, 0.01, -0.04, 0.02])
"""What differs from split to split between two trials."""


def trial(number: int, score: float, **values: float) -> Trial:
    """Make a finished trial."""
    return Trial(number, values, score, best_epoch=2, epochs=2, pruned=False)


def chosen(*losses: Any) -> int:
    """Number of the trial that is chosen by losses on five splits, the first trial's first."""
    trials = [trial(number, 1.0) for number in range(len(losses))]
    return Finals(trials, np.array(losses), held_out=0.25).chosen.number


def test_the_first_is_kept_unless_another_is_better_by_more_than_the_error() -> None:
    first = np.array([0.5, 0.7, 0.4, 0.6, 0.9])
    assert chosen(first, first + 0.1) == 0
    assert chosen(first, first - 0.005 + NOISE) == 0
    assert chosen(first, first - 0.1 + NOISE) == 1
    assert chosen(first, first - 0.1 + NOISE, first - 0.2 + NOISE) == 2
    assert chosen(first, first.copy()) == 0


def test_splits_that_share_examples_prove_less_than_as_many_independent_ones() -> None:
    first = np.full(5, 0.6)
    alone = NOISE.std(ddof=1) / 5**0.5
    assert chosen(first, first - NOISE + NOISE.mean() - 1.2 * alone) == 0


def test_a_first_trial_that_diverges_is_not_taken() -> None:
    assert chosen([np.inf, 0.6, 0.6, 0.6, 0.6], [0.7, 0.8, 0.7, 0.8, 0.7]) == 1


@pytest.fixture
def plan(tmp_path: Path) -> SearchPlan:
    """A search on 120 rows of two classes, of which 24 are test data."""
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'xy'[int(a * b > 0)]}" for a, b in rng.normal(size=(120, 2))]
    (tmp_path / "few.csv").write_text("\n".join(["a,b,kind", *rows]), encoding="utf-8")
    settings = TrainingSettings(validation=0.25, hidden=(4,))
    return SearchPlan(str(tmp_path / "few.csv"), settings, dict.fromkeys(("backend", "device", "precision")), 1, 0)


def test_the_best_are_measured_on_splits_that_no_trial_was_scored_on(plan: SearchPlan) -> None:
    splits = plan.splits()
    scored = [splits, *plan.further_splits(splits)]
    further = plan.splits_of_finals(splits)
    held_out = [
        frozenset(tuple(row) for row in part.validation.x)
        for part in (*scored, *further)
        if isinstance(part.validation, Examples)
    ]
    assert len(set(held_out)) == len(scored) + len(further)
    assert isinstance(splits.test, Examples)
    assert set().union(*held_out).isdisjoint(tuple(row) for row in splits.test.x)
    trials = [trial(0, 0.9, learning_rate=0.01), trial(1, 0.5, learning_rate=0.1), trial(2, 0.7, learning_rate=0.2)]
    finals = measure_again(plan, splits, trials, lambda: False)
    assert finals
    assert [one.number for one in finals.trials] == [0, 1, 2]
    assert finals.losses.shape == (3, len(further))
    assert finals.held_out == 0.25
    assert finals.means[1] == pytest.approx(finals.losses[1].mean())
    stopped = trial(3, 0.1, learning_rate=0.1)._replace(pruned=True)
    assert measure_again(plan, splits, [stopped], lambda: False) is None
    with pytest.raises(UnfinishedTrialError):
        measure_again(plan, splits, trials, lambda: True)


def test_a_file_of_validation_data_stays_what_is_measured_on(plan: SearchPlan) -> None:
    given = replace(plan, settings=replace(plan.settings, validation=plan.data))
    assert given.splits_of_finals(given.splits()) == []


def test_a_search_says_which_trial_it_takes_and_why(here: Call) -> None:
    search = ["tune", "spiral", "--limit", "120", "--epochs", "3", "--trials", "4"]
    status, out, err = here(*search)
    assert status == 0
    assert "once more, on further splits" in err
    assert "once more" in out.split("\n\n")[1].splitlines()[0]
    values = json.loads(here(*search, "--json", "--quiet").out)
    taken = values["best"]["trial"]
    assert f"taken: trial {taken}, by 10 further splits: " in out
    assert f"Trial {taken} is trained again" in out
    assert set(values["finals"]) >= {"0", str(taken)}
    assert min(values["finals"].values()) <= values["finals"][str(taken)] <= values["finals"]["0"]
