"""The search for hyperparameters: what it proposes, and the range test of the learning rate."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest

from sfumato import Adam, CategoricalCrossEntropy, DivergenceError, GradientDescent, InputError, multilayer_perceptron
from sfumato.data import Scaling, load
from sfumato.optimizers import LBFGS
from sfumato.tuning.learning_rate_range import learning_rate_range
from sfumato.tuning.search import (
    Choice,
    Growth,
    Range,
    Setting,
    Trial,
    UnfinishedTrialError,
    Value,
    Watch,
    epochs_of,
    finished_trials,
    make_sampler,
    propose,
    pruner,
    run_trial,
)

SPACE: dict[str, Setting] = {
    "learning_rate": Range(1e-4, 1.0),
    "beta1": Range(1e-3, 0.5),
    "batch_size": Range(8, 1024, whole=True),
    "dropout": Range(0.0, 0.6, log=False),
    "hidden": Growth(16),
    "init": Choice(("he", "glorot")),
}


def trial(number: int, score: float, values: Mapping[str, Value], **more: Any) -> Trial:
    return Trial(number, values, score, more.get("best_epoch", 3), more.get("epochs", 10), more.get("pruned", False))


START: dict[str, Value] = {
    "learning_rate": 0.01,
    "beta1": 0.1,
    "batch_size": 64,
    "dropout": 0.0,
    "hidden": "16",
    "init": "he",
}


def test_the_first_trials_are_those_that_are_given() -> None:
    linear = START | {"hidden": "none"}
    given = [propose(SPACE, [START, linear], [], number, 50, seed=3) for number in (0, 1)]
    assert given == [START, linear]


def test_proposals_follow_from_what_is_finished_alone() -> None:
    finished = [trial(0, 0.5, START)]
    one, other = (propose(SPACE, [START], finished, 7, 50, seed=3) for _ in range(2))
    assert one == other
    assert one != propose(SPACE, [START], finished, 8, 50, seed=3)
    assert one != propose(SPACE, [START], finished, 7, 50, seed=4)


def test_rates_and_betas_are_drawn_evenly_over_decades() -> None:
    for name, decades in (("learning_rate", (-4, 0)), ("beta1", (-3, math.log10(0.5)))):
        drawn = [propose(SPACE, [START], [trial(0, 0.5, START)], k, 10**6, seed=0)[name] for k in range(1, 4000)]
        logs = np.log10([float(value) for value in drawn if value != START[name]])
        shares = np.histogram(logs, bins=4, range=decades)[0] / len(logs)
        assert np.abs(shares - 0.25).max() < 0.06


def test_the_range_around_the_best_is_halved_from_stage_to_stage() -> None:
    best = START | {"learning_rate": 0.01}
    spans = []
    for stage in range(6):
        numbers = range(100 * stage + 1, 100 * stage + 100)
        rates = [
            float(propose(SPACE, [START], [trial(0, 0.5, best)], k, 600, seed=0)["learning_rate"]) for k in numbers
        ]
        spans.append(np.ptp(np.log10(rates)))
    assert spans[0] > 3.8
    for wide, narrow in itertools.pairwise(spans[1:]):
        assert narrow / wide == pytest.approx(0.5, abs=0.06)
    assert np.log10(rates).mean() == pytest.approx(-2, abs=0.05)


def test_the_best_is_kept_where_a_trial_changes_nothing() -> None:
    best = START | {"init": "glorot", "batch_size": 100}
    finished = [trial(0, 0.5, START), trial(1, 0.4, best), trial(2, 0.1, START, pruned=True)]
    proposals = [propose(SPACE, [START], finished, k, 50, seed=0) for k in range(3, 50)]
    assert np.mean([proposal["batch_size"] == 100 for proposal in proposals]) > 0.5
    assert all(proposal["learning_rate"] != best["learning_rate"] for proposal in proposals)


def test_hidden_layers_grow_by_one_step() -> None:
    for best, steps in (
        ("16", {"8", "32", "16,16", "none"}),
        ("64,64", {"32,32", "128,128", "64", "64,64,64"}),
        ("4", {"8", "4,4", "none"}),
        ("512,512,512", {"256,256,256", "512,512"}),
        ("none", {"16"}),
    ):
        finished = [trial(0, 0.5, START | {"hidden": best})]
        found = {propose(SPACE, [START], finished, k, 50, seed=0)["hidden"] for k in range(1, 200)}
        assert found == steps | {best}
        assert found <= set(Growth(16).architectures)


def test_epochs_are_doubled_while_the_loss_falls_to_the_end() -> None:
    assert epochs_of([], 10) == 10
    assert epochs_of([trial(0, 0.5, START, best_epoch=5, epochs=10)], 10) == 10
    assert epochs_of([trial(0, 0.5, START, best_epoch=10, epochs=10)], 10) == 20
    assert epochs_of([trial(0, 0.5, START, best_epoch=20, epochs=20)], 10) == 40


def study_of(trials: int) -> optuna.Study:
    return optuna.create_study(sampler=make_sampler(SPACE, [START], trials, 0), pruner=pruner(20))


def test_a_search_finds_the_valley_of_a_known_function() -> None:
    def run(values: Mapping[str, Value], epochs: int, watch: Watch) -> tuple[float, int]:
        score = 1 + (math.log10(float(values["learning_rate"])) + 1.5) ** 2 + (values["init"] == "he")
        for epoch in range(1, epochs + 1):
            watch(epoch, score + 5 / epoch)
        return score, epochs // 2

    study = study_of(60)
    for _ in range(60):
        assert run_trial(study, SPACE, run, epochs=None, start=20)
    trials = finished_trials(study)
    assert len(trials) == 60
    assert any(found.pruned for found in trials)
    assert min(found.score for found in trials if not found.pruned) < 1.01
    assert study.best_trial.params["init"] == "glorot"


def test_trials_that_diverge_or_are_interrupted() -> None:
    outcomes: list[Exception | None] = [None, DivergenceError("the loss is nan"), UnfinishedTrialError(), None]

    def run(values: Mapping[str, Value], epochs: int, watch: Watch) -> tuple[float, int]:
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome
        return 0.5, 1

    study = study_of(4)
    found = [run_trial(study, SPACE, run, epochs=5, start=5) for _ in range(4)]
    assert [one and one.pruned for one in found] == [False, True, None, False]
    assert [one.number for one in finished_trials(study)] == [0, 1, 2], "the number of the interrupted is tried again"


@pytest.mark.parametrize("optimizer", [Adam(), GradientDescent()])
def test_a_range_test_suggests_a_rate_that_learns(optimizer: Any) -> None:
    digits = load("digits")
    network = multilayer_perceptron(digits.feature_shape, (16,), 10)
    scaling = Scaling.unit(digits.examples.x)
    found = learning_rate_range(network, CategoricalCrossEntropy(), digits.examples, optimizer, scaling=scaling)
    assert len(found.learning_rates) == len(found.losses)
    assert found.learning_rates[0] == pytest.approx(1e-6)
    assert np.diff(np.log(found.learning_rates)) == pytest.approx(math.log(1e7) / 199)
    lowest = found.learning_rates[found.losses.argmin()]
    assert found.suggestion == pytest.approx(lowest / 10, rel=0.06)
    assert found.losses.min() < 0.75 * found.losses[0]
    assert found.losses[-1] > 1.5 * found.losses.min() or found.learning_rates[-1] == pytest.approx(10)


def test_a_range_test_is_not_for_lbfgs() -> None:
    digits = load("digits")
    network = multilayer_perceptron(digits.feature_shape, (16,), 10)
    with pytest.raises(InputError, match="L-BFGS finds the length of its steps itself"):
        learning_rate_range(network, CategoricalCrossEntropy(), digits.examples, LBFGS())
