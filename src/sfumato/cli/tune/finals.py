"""The end of a search: its best trials once more, on splits that none of them was chosen by.

The lowest of many noisy losses flatters its trial, which is the luckiest as well as one of the best. So where examples
are few, the first trial, which has the defaults, and the best of the others are trained again on the same further
splits, and one is taken by these losses.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sfumato.arrays import Array
from sfumato.cli.tune.plan import SearchPlan
from sfumato.errors import DivergenceError
from sfumato.minimize import RunOptions
from sfumato.training.preparation import prepare
from sfumato.training.splits import Splits
from sfumato.tuning.search import Trial, UnfinishedTrialError

FINALISTS = 5
"""Trials that are trained again, beside the first."""


@dataclass(frozen=True, eq=False)
class Finals:
    """Trials that were trained again on further splits.

    Attributes:
        trials: The first trial and the best of the others; without the first if that diverged.
        losses: The validation loss of each on each split, (trials, splits).
        held_out: Part of the examples that each split holds out.
    """

    trials: Sequence[Trial]
    losses: Array
    held_out: float

    @property
    def means(self) -> dict[int, float]:
        """The mean loss of each trial, by its number."""
        return {trial.number: float(mean) for trial, mean in zip(self.trials, self.losses.mean(axis=1), strict=True)}

    @property
    def chosen(self) -> Trial:
        """The trial of the lowest mean, but the first unless it is worse by more than the difference's standard error.

        The splits share examples, so that the mean of their differences varies more than that of independent ones: its
        variance is about sigma^2 (1 / splits + held out / trained on), where sigma^2 is that over the splits (Nadeau
        and Bengio, "Inference for the Generalization Error", 2003).
        """
        best = int(self.losses.mean(axis=1).argmin())
        gains = self.losses[0] - self.losses[best]
        if not np.isfinite(gains).all():
            return self.trials[best]  # the first has diverged, or all have
        error = gains.std(ddof=1) * math.sqrt(1 / gains.size + self.held_out / (1 - self.held_out))
        return self.trials[best if gains.mean() > error else 0]


def measure_again(plan: SearchPlan, splits: Splits, trials: Sequence[Trial], stop: Callable[[], bool]) -> Finals | None:
    """Train the first trial and the best of the others on further splits; None where examples are many.

    Raises:
        UnfinishedTrialError: if it is to stop.
    """
    order = sorted((trial for trial in trials if not trial.pruned), key=lambda trial: (trial.number > 0, trial.score))
    parts, finalists = plan.splits_of_finals(splits), order[: FINALISTS + 1]
    if not parts or not finalists:
        return None
    losses = [[_loss(plan, part, trial, stop) for part in parts] for trial in finalists]
    assert splits.validation is not None  # as there are parts
    return Finals(finalists, np.array(losses), splits.validation.size / (splits.train.size + splits.validation.size))


def _loss(plan: SearchPlan, part: Splits, trial: Trial, stop: Callable[[], bool]) -> float:
    """The loss of the held-out examples after as many epochs as the trial will be trained again for."""
    training = prepare(part, plan.with_values(trial.values, trial.best_epoch), plan.seed)
    try:
        result = training.fit(part, RunOptions(engine=plan.engine, stop=stop))
    except DivergenceError:
        return math.inf
    if result.stopped == "interrupted":
        raise UnfinishedTrialError
    return training.in_own_units(result).history[-1].validation_loss
