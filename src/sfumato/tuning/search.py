"""Search for hyperparameters, on the scales and in the order that the reference advises (Part 8, section 2.1).

Its advice, and what is made of it here:

- "The most critical is the learning rate": every trial draws one, on a logarithmic scale, as it does epsilon, L2 and
  decay. Momentum's beta and Adam's are drawn as 1 - beta, on a logarithmic scale too, since 0.9 and 0.99 differ as much
  as 0.99 and 0.999 do.
- "Similar to bisection": the first trials are drawn from the whole range; then the range around the best so far is
  halved, from stage to stage.
- "Hidden units or layers need to be increased gradually": it goes on from the best by one step: twice or half the
  units, a layer more or less, down to none.
- "I increase the number of iterations if I see a steady decrease": if the best trial's lowest loss came in the last
  tenth of its epochs, the next trials get twice as many.
- Mini-batches, dropout and initialisation are drawn too. A trial changes the learning rate and about a quarter of the
  rest; what it leaves is the best trial's.

Optuna keeps the trials, on a disk or in a database, and stops poor ones early. What is proposed next is ours, and
follows from the finished trials, the trial's number and the seed alone. A trial that was lost, as its process was
killed, does not count, and its number is tried again: so a search ends as it would have ended without that.
"""

import itertools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sfumato.errors import DivergenceError, FileError
from sfumato.random_keys import Stream, generator

if TYPE_CHECKING:
    import optuna

STAGES = 6
"""Stages of a search, each with half the range of the one before: the last has a 32nd of the first."""

REDRAWN = 0.25
"""Probability of each setting but the learning rate to be drawn anew in a trial."""

STEADY = 0.9
"""Part of its epochs after which the lowest loss of a trial shows that more epochs would lower it further."""

REPORTS = 20
"""Reports of a trial's loss over a search's first number of epochs: a database takes some milliseconds for each."""

START_UP, WARM_UP = 5, 0.2
"""Trials, and part of a trial's epochs, before any is pruned."""

NUMBER = "number"
"""Name under which a trial keeps its number."""

NARROWEST, MOST_UNITS, MOST_LAYERS = 4, 512, 3
"""Least and most units of a layer, and most hidden layers, that a search proposes."""

Value = float | int | str
Values = Mapping[str, Value]
"""Values of the settings that are searched, by name."""


@dataclass(frozen=True)
class Range:
    """A range of numbers from `low` to `high`.

    Attributes:
        low, high: The ends.
        log: Whether they are drawn on a logarithmic scale.
        whole: Whether they are whole numbers.
    """

    low: float
    high: float
    log: bool = True
    whole: bool = False

    def distribution(self) -> "optuna.distributions.BaseDistribution":
        """Distribution of the setting for Optuna."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def suggest(self, trial: "optuna.Trial", name: str) -> Value:
        """Value of the setting in a trial."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def draw(self, best: Value, width: float, rng: np.random.Generator) -> Value:
        """Draw a number from the part of the range, `width` of 1, that is around the best one."""
        low, high, at = (math.log(x) if self.log else x for x in (self.low, self.high, float(best)))
        reach = width * (high - low) / 2 if width < 1 else high - low
        drawn = rng.uniform(max(low, at - reach), min(high, at + reach))
        value = math.exp(drawn) if self.log else drawn
        value = min(self.high, max(self.low, float(f"{value:.3g}")))  # as many digits as a command wants
        return round(value) if self.whole else value


@dataclass(frozen=True)
class Choice:
    """A choice among values."""

    values: tuple[str, ...]

    def distribution(self) -> "optuna.distributions.BaseDistribution":
        """Distribution of the setting for Optuna."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def suggest(self, trial: "optuna.Trial", name: str) -> Value:
        """Value of the setting in a trial."""
        return str(trial.suggest_categorical(name, self.values))

    def draw(self, best: Value, width: float, rng: np.random.Generator) -> Value:
        """Draw any of the values."""
        return str(rng.choice(self.values))


@dataclass(frozen=True)
class Growth:
    """Hidden layers of equal width, as "32,32", or "none".

    Attributes:
        units: The width of one of them, from which the others are made by doubling and halving.
        least: The least number of layers, 0 or 1.
    """

    units: int
    least: int = 0

    @property
    def widths(self) -> tuple[int, ...]:
        """Units that a layer can have, from `NARROWEST` to `MOST_UNITS`."""
        halves = [self.units // 2**k for k in range(8, 0, -1)]
        doubles = [self.units * 2**k for k in range(8)]
        return tuple(units for units in (*halves, *doubles) if NARROWEST <= units <= MOST_UNITS)

    @property
    def architectures(self) -> tuple[str, ...]:
        """All that can be proposed."""
        layers = range(1, MOST_LAYERS + 1)
        none = () if self.least else ("none",)
        return (*none, *(",".join([str(units)] * count) for count in layers for units in self.widths))

    def distribution(self) -> "optuna.distributions.BaseDistribution":
        """Distribution of the setting for Optuna: all architectures."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.architectures)

    def suggest(self, trial: "optuna.Trial", name: str) -> Value:
        """Value of the setting in a trial."""
        return str(trial.suggest_categorical(name, self.architectures))

    def draw(self, best: Value, width: float, rng: np.random.Generator) -> Value:
        """Draw a step from the best: twice or half the units, a layer more or less."""
        if best == "none":
            return str(self.units)
        sizes = str(best).split(",")
        at, layers = self.widths.index(int(sizes[0])), len(sizes)
        steps = [(at + 1, layers), (at - 1, layers), (at, layers + 1), (at, layers - 1)]
        possible = [
            ",".join([str(self.widths[place])] * count) or "none"
            for place, count in steps
            if 0 <= place < len(self.widths) and self.least <= count <= MOST_LAYERS
        ]
        return str(rng.choice(possible))


Setting = Range | Choice | Growth


class Trial(NamedTuple):
    """A finished trial.

    Attributes:
        number: Its number, from 0, among those that were not lost.
        values: What it was run with.
        score: Its lowest validation loss; infinite if it diverged.
        best_epoch: The epoch of that, from 1.
        epochs: How many it had.
        pruned: Whether it was stopped early, as poor.
    """

    number: int
    values: Values
    score: float
    best_epoch: int
    epochs: int
    pruned: bool


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """Find the trial of the lowest score that was not stopped early; None if there is none."""
    return min((trial for trial in trials if not trial.pruned), key=lambda trial: trial.score, default=None)


def propose(
    space: Mapping[str, Setting], first: Sequence[Values], finished: Sequence[Trial], number: int, total: int, seed: int
) -> Values:
    """Propose the values of a trial.

    Args:
        space: What is searched, by name.
        first: The values of the first trials, at least of one; those later are drawn around the best.
        finished: Trials that are finished.
        number: The number of this one, from 0.
        total: How many there will be.
        seed: Of the search.
    """
    if number < len(first):
        return first[number]
    best = best_of(finished)
    around = first[0] if best is None else best.values
    rng = generator(seed, Stream.SEARCH, number)
    width = 0.5 ** min(STAGES - 1, STAGES * number // max(1, total))
    values: dict[str, Value] = {}
    for name, setting in space.items():
        redrawn = rng.random() < REDRAWN or name == "learning_rate"
        values[name] = setting.draw(around[name], width, rng) if redrawn else around[name]
    return values


def epochs_of(finished: Sequence[Trial], start: int) -> int:
    """Number of epochs for the next trial: twice the best one's, if its loss was falling steadily to the end."""
    best = best_of(finished)
    if best is None:
        return start
    return 2 * best.epochs if best.best_epoch > STEADY * best.epochs else best.epochs


class PoorTrialError(Exception):
    """A trial is not worth continuing."""


class UnfinishedTrialError(Exception):
    """A trial was interrupted, and does not count."""


Watch = Callable[[int, float], None]
"""Function of each epoch and its validation loss; raises `PoorTrialError` to end the trial."""

Run = Callable[[Values, int, Watch], tuple[float, int]]
"""Function of a trial's values, epochs and watch that runs it; returns the lowest validation loss and its epoch."""


def import_optuna() -> Any:
    """Import Optuna; an `InputError` with advice if it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise FileError("tuning needs the library Optuna: pip install '.[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def finished_trials(study: "optuna.Study") -> list[Trial]:
    """Finished trials of a study, by number."""
    from optuna.trial import TrialState

    states = (TrialState.COMPLETE, TrialState.PRUNED)
    trials = [_trial(trial) for trial in study.get_trials(deepcopy=False, states=states)]
    return sorted(trials, key=lambda trial: trial.number)


def give_up_running(study: "optuna.Study") -> None:
    """Count as lost the trials that are running in a study that no other process is at work on."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _trial(trial: "optuna.trial.FrozenTrial") -> Trial:
    from optuna.trial import TrialState

    lowest = min(trial.intermediate_values.values(), default=math.inf)
    score = trial.value if trial.value is not None and math.isfinite(trial.value) else lowest
    best_epoch, epochs = trial.user_attrs.get("best_epoch", 0), trial.user_attrs.get("epochs", 1)
    number = trial.user_attrs.get(NUMBER, trial.number)  # searches of 0.1.0 kept Optuna's alone
    return Trial(number, trial.params, score, best_epoch, epochs, trial.state == TrialState.PRUNED)


def pruner(epochs: int) -> "optuna.pruners.BasePruner":
    """Make the pruner: it stops a trial whose lowest loss is above the median of earlier trials at the same epoch.

    The median rule (Golovin et al., "Google Vizier", 2017) has no budget to divide, as successive halving has, so that
    trials of more epochs, which come later, are compared fairly.
    """
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=START_UP, n_warmup_steps=math.ceil(WARM_UP * epochs))


def make_sampler(
    space: Mapping[str, Setting], first: Sequence[Values], total: int, seed: int
) -> "optuna.samplers.BaseSampler":
    """Make a sampler for Optuna that draws its proposals from `propose`."""
    from optuna.samplers import BaseSampler

    class CoarseToFine(BaseSampler):
        number: int
        """Number of the trial that has begun last."""

        def before_trial(self, study: Any, trial: Any) -> None:
            self.number = _free_number(study, trial.number)

        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return {name: setting.distribution() for name, setting in space.items()}

        def sample_relative(self, study: Any, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
            return {**propose(space, first, finished_trials(study), self.number, total, seed)}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            raise AssertionError(f"{param_name} is not in the space")

    return CoarseToFine()


def _free_number(study: "optuna.Study", begun: int) -> int:
    """Number of a trial that has just begun: the least that no other has, but lost ones.

    Of those that began before it, in other processes, some may not have taken theirs yet, and come first.

    Args:
        study: The study.
        begun: How many trials began before it, lost ones included: Optuna's number.
    """
    from optuna.trial import TrialState

    earlier = [trial for trial in study.get_trials(deepcopy=False)[:begun] if trial.state != TrialState.FAIL]
    taken = {trial.user_attrs.get(NUMBER) for trial in earlier}
    waiting = sum(NUMBER not in trial.user_attrs for trial in earlier)
    free = (number for number in itertools.count() if number not in taken)
    return next(itertools.islice(free, waiting, None))


def run_trial(
    study: "optuna.Study", space: Mapping[str, Setting], run: Run, *, epochs: int | None, start: int
) -> Trial | None:
    """Run one more trial of a study, whose sampler is `make_sampler`'s.

    Args:
        study: The study, which other processes may be working on as well.
        space: What is searched.
        run: Runs a trial.
        epochs: Of each trial; None lets them grow.
        start: Epochs to begin with.

    Returns:
        The trial; None if it was interrupted, and does not count.
    """
    import optuna

    sampler: Any = study.sampler
    every = max(1, start // REPORTS)  # the same for trials of more epochs, which are compared epoch by epoch

    def objective(trial: "optuna.Trial") -> float:
        trial.set_user_attr(NUMBER, sampler.number)
        length = epochs_of(finished_trials(study), start) if epochs is None else epochs
        values = {name: setting.suggest(trial, name) for name, setting in space.items()}
        trial.set_user_attr("epochs", length)

        try:
            score, best_epoch = run(values, length, _reporting(trial, every))
        except (PoorTrialError, DivergenceError) as error:
            raise optuna.TrialPruned from error
        trial.set_user_attr("best_epoch", best_epoch)
        return score

    with warnings.catch_warnings():  # heartbeats are new to early versions of Optuna, which say so at each trial
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.optimize(objective, n_trials=1, catch=(UnfinishedTrialError,))
    return next((trial for trial in finished_trials(study) if trial.number == sampler.number), None)


def _reporting(trial: "optuna.Trial", every: int) -> Watch:
    """Make a watch that reports the loss to Optuna every so many epochs, and ends the trial once the loss is poor."""

    def watch(epoch: int, loss: float) -> None:
        if epoch % every == 0:
            trial.report(loss, epoch)
            if trial.should_prune():
                raise PoorTrialError

    return watch
