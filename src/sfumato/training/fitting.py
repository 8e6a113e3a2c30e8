"""Training: mini-batches, epochs, and runs that can stop anywhere and resume bit for bit."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sfumato.arrays import Array, fingerprint, to_numpy
from sfumato.checkpoint import State, stable_repr
from sfumato.checks import nonnegative
from sfumato.data.dataset import Examples
from sfumato.data.handed_in import as_examples
from sfumato.data.scaling import Scaling
from sfumato.data.streaming import StreamedExamples
from sfumato.engine import Engine, as_engine
from sfumato.errors import InputError
from sfumato.losses import as_loss
from sfumato.losses.base import Loss
from sfumato.minimize import RunOptions, minimize, resumed
from sfumato.network import Network
from sfumato.objective import check_examples
from sfumato.optimizers import Optimizer, as_optimizer, make_optimizer, settings_of
from sfumato.optimizers.schedules import Schedule, constant
from sfumato.training.batches import make_batches
from sfumato.training.history import EpochRecord
from sfumato.training.job import TrainingJob, means
from sfumato.workers import Workers

REPLACED = {
    "schedule": "learning_rate=cosine(0.1, epochs=20), or another of sfumato.optimizers.schedules",
    "decay": "learning_rate=exponential(0.1, decay=0.99), or another of sfumato.optimizers.schedules",
    "backend": "run=RunOptions(engine='torch')",
    "device": "run=RunOptions(engine='torch:cuda:1')",
    "precision": "run=RunOptions(engine='numpy/float64')",
    "workers": "run=RunOptions(workers=...)",
    "on_epoch": "run=RunOptions(callback=...)",
    "stop": "run=RunOptions(stop=...)",
    "checkpoint": "run=RunOptions(checkpoint=...)",
    "resume": "run=RunOptions(checkpoint=..., resume=True)",
    "start": "run=RunOptions(start=...)",
    "engine": "run=RunOptions(engine=...)",
    "callback": "run=RunOptions(callback=...)",
}
"""Keywords of `fit` before version 0.2, with their replacements."""

LONG = 1.5
"""Seconds that compiled loops must save for a run to load them; Numba and they take 0.8 s to load, and 130 MB."""

SAVED_A_STEP, SAVED_A_PARAMETER, SAVED_A_NUMBER, SAVED_A_PRODUCT = 3e-5, 1.5e-9, 2e-10, 4e-11
"""Seconds that compiled loops save in a step; in an update, for each parameter; for each number in an example and in
what its layers make of it; and, where layers convolve, for each product of a weight and an input. On two cores."""

FAR = 10.0
"""Limit of raw values' mean and spread, and of one over the spread, beyond which a regression hardly learns."""


@dataclass(frozen=True)
class FitResult:
    """The outcome of training.

    Attributes:
        theta: The parameters: those of the last epoch, or with early stopping those of the best.
        history: One record an epoch.
        best_epoch: Epoch of the lowest validation loss, from 1; 0 without validation data.
        stopped: "finished", "early", "converged" (L-BFGS found no lower point) or "interrupted".
        seconds: Time spent training, validation included, over all sittings of a resumed run.
        steps: Number of optimizer steps.
        settings: What was used, defaults included; a digest of the data only if there is a checkpoint to refuse others.
        optimizer_state: The optimizer's state at the end.
    """

    theta: Array
    history: tuple[EpochRecord, ...]
    best_epoch: int
    stopped: str
    seconds: float
    steps: int
    settings: dict[str, Any]
    optimizer_state: Any = None

    def __repr__(self) -> str:
        loss = f", training loss {self.history[-1].train_loss:.4g}" if self.history else ""
        return f"FitResult({self.stopped} after {len(self.history)} epochs{loss}, {len(self.theta)} parameters)"


def fit(
    network: Network,
    loss: Loss | str,
    train: Any,
    *,
    validation: Any = None,
    scaling: Scaling | None = None,
    optimizer: Optimizer[Any] | str = "adam",
    learning_rate: float | Schedule | None = None,
    l2: float = 0.0,
    batch_size: int | Literal["auto", "full"] = "auto",
    epochs: int | None = None,
    early_stopping: int | None = None,
    seed: int = 0,
    shuffle: bool = True,
    run: RunOptions | None = None,
    **refused: Any,
) -> FitResult:
    """Train a network: minimise its mean loss over the examples.

    Inputs are scaled by `scaling`; the values of a regression are taken as they are, and far from zero or from a spread
    of one they are hardly learned, which warns. `sfumato.train` scales them and puts the model back into their units;
    so does `sfumato.data.TargetScaling` by hand.

    Args:
        network: The network; its first weights are drawn from `seed`.
        loss: The loss on its outputs, or its name: "cross-entropy" (of two or more classes) or "squared-error".
        train: The training examples: `Examples`, a `Dataset`, or arrays `(x, y)` or `(x, y, sample_weight)`. Inputs of
            type uint8 stay so until their mini-batch is used. Those of a stream (`StreamedExamples`) stay in their
            file, and are shuffled as far as memory allows (`StreamedBatches`).
        validation: Examples to measure each epoch on, never trained on; given as `train` is.
        scaling: Applied to all inputs; none by default.
        optimizer: An optimizer, or the name of one of `OPTIMIZERS`. By the name "adamw", `l2` becomes its weight decay.
        learning_rate: A number, or a function of the epoch, from 0, such as those of `optimizers.schedules`; by default
            the optimizer's own rate.
        l2: Lambda of the penalty lambda / (2 N) sum W^2.
        batch_size: Examples a step; "full" for all of them, never shuffled. By default a fiftieth of the examples, but
            at least 16 and at most 1000 (and all for L-BFGS). The last, smaller batch of an epoch is used too.
        epochs: Passes over the training examples, each in a new order; by default 20, or as many as show the network
            60,000 examples if that is more, so that small data are seen often enough.
        early_stopping: Stop when the validation loss has not improved for so many epochs, and return the weights of
            the best; None trains to the end.
        seed: Of weights, order and dropout.
        shuffle: False takes the examples as they come in every epoch, from memory alone.
        run: How the run is carried out: engine, checkpoint, callback, start; see `RunOptions`. A run that is resumed
            may ask for more epochs than before (but with a cosine schedule).
        **refused: Nothing; the keywords of earlier versions are refused with what to write now.

    Raises:
        InputError: for options out of range, data that do not fit the network, a device or precision that is not there,
            or a checkpoint of another run.
        WorkerError: when another of the processes ends; the checkpoint is that of the last step.
        DivergenceError: when the loss or a weight becomes infinite or not a number; names the epoch and the step.
    """
    _refuse(refused)
    for name, value, kind in (("network", network, Network), ("scaling", scaling, Scaling), ("run", run, RunOptions)):
        if not (isinstance(value, kind) or (value is None and name != "network")):
            raise InputError(f"{name}=... takes a {kind.__name__}, not {value!r}")
    run = run or RunOptions()
    loss = as_loss(loss, math.prod(network.output_shape))
    train, validation = as_examples(train), None if validation is None else as_examples(validation)
    for examples in (train, validation):
        if isinstance(examples, Examples):
            check_examples(network, loss, *examples, gaps=scaling is not None and scaling.missing is not None)
    if isinstance(optimizer, str):
        optimizer, l2 = decaying_optimizer(optimizer, l2 or None, network, train.size)
    optimizer = as_optimizer(optimizer)
    batch_size = default_batch_size(optimizer, train.size) if batch_size == "auto" else batch_size
    epochs = default_epochs(train.size) if epochs is None else epochs
    check_options(network, optimizer, l2, batch_size, epochs, early_stopping)
    check_data(train, validation, batch_size, early_stopping, shuffle, run.workers)
    _warn_of_values(loss, train)
    engine = as_engine(run.engine or run.kept_engine, long=is_long(network, train.size, batch_size, epochs))
    schedule = _schedule(optimizer.learning_rate if learning_rate is None else learning_rate)
    size = None if batch_size == "full" else batch_size
    batches = make_batches(train, scaling or Scaling.none(), batch_size=size, seed=seed, engine=engine)
    batches.shuffle = shuffle
    job = TrainingJob(
        network=network,
        loss=loss,
        batches=batches,
        validation=None if validation is None else make_batches(validation, batches.scaling, engine=engine),
        optimizer=optimizer,
        schedule=schedule,
        l2=l2,
        epochs=epochs,
        patience=early_stopping,
        workers=run.workers,
    )
    job.settings = _settings(
        job, batch_size, "" if run.checkpoint is None else f"{_digest(train)} {_digest(validation)}"
    )
    state = resumed(job, run) or job.first(run.start and (run.start.theta, run.start.optimizer_state))
    _check_rates(job, state, run.checkpoint)
    if state.stage > epochs:
        raise InputError(f"{run.checkpoint}: this run has {state.stage} epochs already; ask for as many or more")
    with engine.computing(network):
        stopped = minimize(job, state, run)
    return _result(job, state, stopped)


def is_long(network: Network, examples: int, batch_size: int | Literal["full"], epochs: int) -> bool:
    """Whether training is so long that compiled loops save clearly more time than loading them takes."""
    steps = 1 if batch_size == "full" else -(-examples // batch_size)
    numbers = sum(map(math.prod, (network.input_shape, *network.shapes.values())))
    in_a_step = SAVED_A_STEP + SAVED_A_PARAMETER * network.size
    in_an_example = SAVED_A_NUMBER * numbers + (SAVED_A_PRODUCT * network.products if network.parallel else 0.0)
    return epochs * (steps * in_a_step + examples * in_an_example) >= LONG


def _settings(job: TrainingJob, batch_size: int | Literal["full"], data: str) -> dict[str, Any]:
    """The settings that a run must have begun with for the job to go on with it."""
    return {
        "network": stable_repr(job.network),
        "loss": stable_repr(job.loss),
        "optimizer": f"{stable_repr(job.optimizer)} {job.optimizer.digest()}",
        "learning_rate": job.rate(0),
        "schedule": _schedule_name(job.schedule),
        "l2": job.l2,
        "batch_size": batch_size,
        "early_stopping": job.patience,
        "seed": job.batches.seed,
        **({} if job.batches.shuffle else {"order": "as they come"}),
        **job.engine._asdict(),
        "data": data,
        "scaling": fingerprint(*vars(job.batches.scaling).values()),
    }


def decaying_optimizer(
    name: str, l2: float | None, network: Network, examples: int, **settings: Any
) -> tuple[Optimizer[Any], float]:
    """Make the optimizer called `name`, and choose the L2 penalty for the objective beside it.

    AdamW decays weights itself, by l2 / N instead of the penalty; by its own default where no l2 is given.
    """
    if "weight_decay" in settings_of(name):
        settings |= {"decays": network.decaying(), "weight_decay": None if l2 is None else l2 / examples}
        l2 = None
    return make_optimizer(name, **settings), l2 or 0.0


def default_batch_size(
    optimizer: Optimizer[Any], examples: int, most: int = 1000, least: int = 16
) -> int | Literal["full"]:
    """Default batch size: about fifty steps an epoch, in mini-batches of 16 to `most`; the full batch for L-BFGS."""
    return "full" if optimizer.full_batch else min(most, max(least, examples // 50))


def default_epochs(examples: int, least: int = 20, most: int | None = None, seen: int = 60_000) -> int:
    """Default number of epochs: `least`, or enough for 60,000 examples in all, but at most `most`."""
    enough = max(least, -(-seen // examples))
    return enough if most is None else min(most, enough)


def evaluate(
    network: Network,
    loss: Loss,
    theta: Array,
    examples: Examples | StreamedExamples,
    scaling: Scaling | None = None,
    engine: Engine | None = None,
) -> tuple[float, float]:
    """Mean loss and accuracy (NaN for regression, where nothing counts as correct) over examples, outside training.

    NumPy computes, in the precision of theta, unless there is an engine.
    """
    engine = engine or Engine(precision=theta.dtype.name)
    batches = make_batches(examples, scaling or Scaling.none(), engine=engine)
    with engine.computing(network):
        return means(batches.measure(network, loss, engine.put(theta)), loss)


def _result(job: TrainingJob, state: State, stopped: str) -> FitResult:
    best = state.numbers["best_epoch"]
    return FitResult(
        theta=to_numpy(state.vectors["best_theta"] if job.patience and best else state.theta),
        history=tuple(state.history),
        best_epoch=best,
        stopped=stopped,
        seconds=state.seconds,
        steps=state.steps,
        settings=job.settings,
        optimizer_state=state.optimizer_state,
    )


def _schedule(learning_rate: float | Schedule) -> Schedule:
    return learning_rate if callable(learning_rate) else constant(learning_rate)


def _digest(examples: Examples | StreamedExamples | None) -> str:
    """Digest of the data, to detect others."""
    if isinstance(examples, StreamedExamples):
        return f"{examples.survey.digest} {len(examples.rows)}"
    return fingerprint(*(examples or ()))


def _schedule_name(schedule: Schedule) -> str:
    """The name of a schedule of ours; functions of one's own are compared by the rates that they gave."""
    return repr(schedule) if type(schedule).__module__.startswith("sfumato.") else "a function"


def _check_rates(job: TrainingJob, state: State, checkpoint: str | Path | None) -> None:
    """Refuse to go on where the epochs that are done had other rates."""
    for record in state.history:
        rate = job.rate(record.epoch - 1)
        if rate != record.learning_rate:
            raise InputError(
                f"{checkpoint}: epoch {record.epoch} had the learning rate {record.learning_rate:g}, and the schedule "
                f"gives {rate:g} now; resume with the same, or start anew with overwrite=True"
            )


def _refuse(keywords: dict[str, Any]) -> None:
    for name in keywords:
        if name in REPLACED:
            raise InputError(f"fit has no {name}=: give it {REPLACED[name]}")
        raise TypeError(f"fit() got an unexpected keyword argument {name!r}")


def check_options(
    network: Network,
    optimizer: Optimizer[Any],
    l2: float,
    batch_size: int | Literal["full"],
    epochs: int,
    early_stopping: int | None,
) -> None:
    """Refuse options of `fit` that are out of range or contradict each other.

    Raises:
        InputError: for such an option.
    """
    for name, count in {"number of epochs": epochs, "batch size": batch_size, "early stopping": early_stopping}.items():
        if not (
            count in ("full", None) or (isinstance(count, int | np.integer | float) and not isinstance(count, bool))
        ):
            raise InputError(f"the {name} must be a whole number, not {count!r}")
    if isinstance(batch_size, str) and batch_size != "full":
        raise InputError(f"the batch size must be a number, 'auto' or 'full', not {batch_size!r}")
    if batch_size != "full" and (batch_size < 1 or batch_size != int(batch_size)):
        raise InputError(f"the batch size must be at least 1, not {batch_size}")
    if epochs < 1 or epochs != int(epochs):
        raise InputError(f"the number of epochs must be a whole number of at least 1, not {epochs}")
    nonnegative("L2 penalty", l2)
    if early_stopping is not None and early_stopping < 1:
        raise InputError(f"the patience of early stopping must be at least 1 epoch, not {early_stopping}")
    if optimizer.full_batch and batch_size != "full":
        raise InputError(f"{optimizer} needs the same objective at every step: use the full batch")
    if optimizer.full_batch and network.stochastic:
        raise InputError(
            f"{optimizer} needs the same objective at every step: leave out dropout (dropout=0), or use "
            "another optimizer"
        )


def check_data(
    train: Examples | StreamedExamples,
    validation: Examples | StreamedExamples | None,
    batch_size: int | Literal["full"],
    early_stopping: int | None,
    shuffle: bool,
    workers: Workers,
) -> None:
    """Refuse data that the options of `fit` are not for.

    Raises:
        InputError: for such data.
    """
    if early_stopping is not None and validation is None:
        raise InputError("early stopping needs validation data to watch: hold some out")
    if batch_size == "full" and isinstance(train, StreamedExamples):
        raise InputError("a stream has no full batch: give a batch size, and an optimizer other than L-BFGS")
    if not shuffle and isinstance(train, StreamedExamples):
        raise InputError("a stream is shuffled block by block: leave out shuffle=False")
    if workers.count > min(train.size, train.size if batch_size == "full" else batch_size):
        raise InputError(f"a batch of {batch_size} examples is too small for {workers.count} processes to share")


class UnscaledValuesWarning(UserWarning):
    """The values of a regression are far from mean 0 and deviation 1."""


def _warn_of_values(loss: Loss, train: Examples | StreamedExamples) -> None:
    """Warn of values so far from zero, or of so large or small a spread, that a regression hardly learns them."""
    if loss.classifies or not isinstance(train, Examples):
        return
    mean, spread = float(np.mean(train.y)), float(np.std(train.y))
    if abs(mean) > FAR or spread > FAR or 0 < spread < 1 / FAR:
        warnings.warn(
            f"the values to predict have mean {mean:.3g} and standard deviation {spread:.3g}, and a network learns "
            "values of mean 0 and deviation 1: use sfumato.train, which scales them, or sfumato.data.TargetScaling",
            UnscaledValuesWarning,
            stacklevel=3,
        )
