"""Training: mini-batches, epochs, and a run that can stop anywhere and go on as if it had not."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sfumato.arrays import Array, all_finite, copied, fingerprint, to_numpy
from sfumato.checkpoint import SparingSaver, TrainingState, load_checkpoint, save_checkpoint
from sfumato.checks import nonnegative
from sfumato.data.dataset import Examples
from sfumato.data.scaling import Scaling
from sfumato.data.streaming import StreamedExamples
from sfumato.engine import Engine, choose_engine
from sfumato.errors import DivergenceError, InputError, WorkerError
from sfumato.losses.base import NO_SUMS, Loss, Sums
from sfumato.network import Network
from sfumato.objective import NetworkObjective, check_examples
from sfumato.optimizers import LBFGS, Adam, Optimizer, make_optimizer
from sfumato.optimizers.schedules import make_schedule
from sfumato.training.batches import Batches, make_batches
from sfumato.training.history import EpochRecord
from sfumato.workers import ALONE, Workers


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
        memory: The optimizer's state at the end.
    """

    theta: Array
    history: tuple[EpochRecord, ...]
    best_epoch: int
    stopped: str
    seconds: float
    steps: int
    settings: dict[str, Any]
    memory: Any = None


def fit(
    network: Network,
    loss: Loss,
    train: Examples | StreamedExamples,
    *,
    validation: Examples | StreamedExamples | None = None,
    scaling: Scaling | None = None,
    optimizer: Optimizer[Any] | None = None,
    learning_rate: float | None = None,
    schedule: str = "constant",
    decay: float | None = None,
    l2: float = 0.0,
    batch_size: int | Literal["auto", "full"] = "auto",
    epochs: int | None = None,
    early_stopping: int | None = None,
    seed: int = 0,
    backend: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    workers: Workers = ALONE,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    stop: Callable[[], bool] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    start: FitResult | None = None,
) -> FitResult:
    """Train a network: minimise its mean loss over the examples.

    Args:
        network: The network; its first weights are drawn from `seed`.
        loss: The loss on its outputs.
        train: The training examples. Inputs of type uint8 stay so until their mini-batch is used. Those of a stream
            stay in their file, and are shuffled as far as memory allows (`StreamedBatches`).
        validation: Examples to measure each epoch on, never trained on.
        scaling: Applied to all inputs; none by default.
        optimizer: Adam by default.
        learning_rate: The first epoch's rate; by default the optimizer's own.
        schedule: How the rate changes: "constant", "exponential", "inverse-time", "inverse-sqrt" or "cosine".
        decay: The schedule's decay; its own default if None.
        l2: Lambda of the penalty lambda / (2 N) sum W^2.
        batch_size: Examples a step; "full" for all of them, never shuffled. By default a fiftieth of the examples, but
            at least 16 and at most 1000 (and all for L-BFGS). The last, smaller batch of an epoch is used too.
        epochs: Passes over the training examples, each in a new order; by default 20, or as many as show the network
            60,000 examples if that is more, so that small data are seen often enough.
        early_stopping: Stop when the validation loss has not improved for so many epochs, and return the weights of
            the best; None trains to the end.
        seed: Of weights, order and dropout.
        backend: "numpy" or "torch"; by default PyTorch on a GPU, if it sees one, and NumPy if not.
        device: PyTorch's: "cpu", "cuda", "cuda:1", "mps".
        precision: What layers compute in: "float32", or on PyTorch "bfloat16" or "float16", where what is learned stays
            in float32; "float64" to compare with derivations.
        workers: The processes that share each mini-batch, from `join_workers`; results are those of one but for the
            order of additions. The first alone writes.
        on_epoch: Called with each epoch's record.
        stop: Asked before every step; once it says True, the run ends with a checkpoint, as "interrupted".
        checkpoint: File that the run is kept in as it goes; None keeps nothing.
        resume: Go on from `checkpoint` if it is there. The result is that of the uninterrupted run, bit for bit with
            the same number of threads. More epochs may be asked for than before (but with "cosine").
        start: Begin with the weights and the optimizer's state at the end of this training, which are taken over,
            instead of anew: to go on with other examples.

    Raises:
        InputError: for options out of range, data that do not fit the network, a device or precision that is not there,
            or a checkpoint of another run.
        WorkerError: when another of the processes ends; the checkpoint is that of the last step.
        DivergenceError: when the loss or a weight becomes infinite or not a number; names the epoch and the step.
    """
    for examples in (train, validation):
        if isinstance(examples, Examples):
            check_examples(network, loss, *examples, gaps=scaling is not None and scaling.missing is not None)
    engine = choose_engine(backend, device, precision)
    optimizer = optimizer or Adam()
    checkpoint = None if checkpoint is None else Path(checkpoint)
    learning_rate = optimizer.learning_rate if learning_rate is None else learning_rate
    batch_size = default_batch_size(optimizer, train.size) if batch_size == "auto" else batch_size
    epochs = default_epochs(train.size) if epochs is None else epochs
    _check_options(network, optimizer, batch_size, epochs, early_stopping, l2)
    if early_stopping is not None and validation is None:
        raise InputError("early stopping needs validation data to watch: hold some out")
    if batch_size == "full" and isinstance(train, StreamedExamples):
        raise InputError("a stream has no full batch: give a batch size, and an optimizer other than L-BFGS")
    if workers.count > min(train.size, train.size if batch_size == "full" else batch_size):
        raise InputError(f"a batch of {batch_size} examples is too small for {workers.count} processes to share")
    rate = make_schedule(schedule, learning_rate, epochs=epochs, decay=decay)
    size = None if batch_size == "full" else batch_size
    batches = make_batches(train, scaling or Scaling.none(), batch_size=size, seed=seed, engine=engine)
    settings = {
        "network": _description(network),
        "loss": _description(loss),
        "optimizer": f"{_description(optimizer)} {fingerprint(*vars(optimizer).values())}",
        "learning_rate": learning_rate,
        "schedule": f"cosine over {epochs} epochs" if schedule == "cosine" else f"{schedule} {decay or ''}".rstrip(),
        "l2": l2,
        "batch_size": batch_size,
        "early_stopping": early_stopping,
        "seed": seed,
        "backend": engine.backend,
        "device": engine.device,
        "precision": engine.precision,
        "data": "" if checkpoint is None else f"{_digest(train)} {_digest(validation)}",
        "scaling": fingerprint(*vars(batches.scaling).values()),
    }
    run = _Run(network, loss, batches, optimizer, l2, seed, stop or (lambda: False), checkpoint, settings, workers)
    if start is not None:
        theta = engine.master.put(start.theta)
        run.state = TrainingState(theta, start.memory, best_theta=copied(theta))
    if resume and checkpoint is None:
        raise InputError("to resume, name the checkpoint that the run was kept in")
    if resume and checkpoint is not None and checkpoint.exists():
        run.state = load_checkpoint(checkpoint, optimizer, settings, engine)
        if run.state.epoch > epochs:
            raise InputError(f"{checkpoint}: this run has {run.state.epoch} epochs already; ask for as many or more")
    workers.check_same(settings, run.state.theta, np.array([run.state.epoch, run.state.batch]))
    validate = None if validation is None else make_batches(validation, batches.scaling, engine=engine)
    with engine.computing(network):
        stopped = run.train(rate, epochs, validate, early_stopping, on_epoch)
    state = run.state
    theta = state.best_theta if early_stopping and state.best_epoch else state.theta
    return FitResult(
        to_numpy(theta),
        tuple(state.history),
        state.best_epoch,
        stopped,
        state.seconds,
        state.step,
        settings,
        state.memory,
    )


def _digest(examples: Examples | StreamedExamples | None) -> str:
    """What tells other data from these."""
    if isinstance(examples, StreamedExamples):
        return f"{examples.survey.digest} {len(examples.rows)}"
    return fingerprint(*(examples or ()))


def decaying_optimizer(
    name: str, l2: float | None, network: Network, examples: int, **settings: Any
) -> tuple[Optimizer[Any], float]:
    """The optimizer called `name`, and the L2 penalty that is left for the objective.

    AdamW decays weights itself, by l2 / N instead of the penalty; by its own default where no l2 is given.
    """
    if name == "adamw":
        settings |= {"decays": network.decaying(), "weight_decay": None if l2 is None else l2 / examples}
        l2 = None
    return make_optimizer(name, **settings), l2 or 0.0


def default_batch_size(optimizer: Optimizer[Any], examples: int, most: int = 1000) -> int | Literal["full"]:
    """About fifty steps an epoch, in mini-batches of 16 to `most`; the full batch for L-BFGS."""
    return "full" if isinstance(optimizer, LBFGS) else min(most, max(16, examples // 50))


def default_epochs(examples: int, least: int = 20) -> int:
    """`least`, or as many epochs as show 60,000 examples."""
    return max(least, -(-60_000 // examples))


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
        return _means(batches.measure(network, loss, engine.put(theta)), loss)


class _Run:
    """One training run, from wherever its state stands."""

    def __init__(
        self,
        network: Network,
        loss: Loss,
        batches: Batches,
        optimizer: Optimizer[Any],
        l2: float,
        seed: int,
        stop: Callable[[], bool],
        checkpoint: Path | None,
        settings: dict[str, Any],
        workers: Workers,
    ) -> None:
        self.network, self.loss, self.batches, self.optimizer = network, loss, batches, optimizer
        self.seed, self.stop, self.checkpoint, self.settings = seed, stop, checkpoint, settings
        self.objective: NetworkObjective | None = None
        self.l2, self.workers = l2, workers
        theta = batches.engine.master.put(network.initialize(seed, batches.engine.numpy_dtype))
        self.state = TrainingState(theta, optimizer.init(theta), best_theta=copied(theta))
        self.full_batch: NetworkObjective | None = None

    def train(
        self,
        rate: Callable[[int], float],
        epochs: int,
        validation: Batches | None,
        patience: int | None,
        on_epoch: Callable[[EpochRecord], None] | None,
    ) -> str:
        """Run the epochs that are left; returns why the run ended."""
        state = self.state
        saver = SparingSaver(self._save, state.seconds)  # not kept, as it refers to this run: circles outlive their use
        try:
            while state.epoch < epochs and not state.finished:
                if not self._epoch(rate(state.epoch), saver):
                    saver.save_now()
                    return "interrupted"
                self._close_epoch(rate(state.epoch), validation, patience, saver)
                if on_epoch:
                    on_epoch(state.history[-1])
        except WorkerError:  # between two steps, as the one that failed has changed nothing
            saver.save_now()
            raise
        saver.save_now()
        return state.finished or "finished"

    def _epoch(self, learning_rate: float, saver: SparingSaver) -> bool:
        """Take the steps of the current epoch that are left; False when asked to stop."""
        state = self.state
        for rows in self.batches.epoch(state.epoch)[state.batch :]:
            if self.workers.any(self.stop()):
                return False
            objective = self._objective(rows)
            state.theta, state.memory, evaluation = self.optimizer.step(
                objective, state.theta, state.memory, learning_rate
            )
            if not math.isfinite(evaluation.loss):
                raise self._diverged(f"the loss is {evaluation.loss}", state.batch + 1)
            n, terms = objective.size, evaluation.terms
            state.sums = state.sums.plus(Sums(n * terms["data"], round(n * terms["accuracy"]), n))
            state.batch += 1
            state.step += 1
            saver.save_sometimes()
        return True

    def _objective(self, rows: Any) -> NetworkObjective:
        if self.full_batch is not None:
            return self.full_batch
        own, share = self.batches.share(rows, self.workers)
        x, y, weight = self.batches.batch(own)
        key = (self.seed, self.state.step) if self.network.stochastic else None
        if self.objective is None:
            self.objective = NetworkObjective(
                self.network,
                self.loss,
                x,
                y,
                sample_weight=weight,
                l2=self.l2,
                data_size=self.batches.size,
                workers=self.workers,
            )
        objective = self.objective.over(x, y, weight, key, share)
        if self.batches.batch_size is None and key is None:
            self.full_batch = objective
        return objective

    def _close_epoch(
        self, learning_rate: float, validation: Batches | None, patience: int | None, saver: SparingSaver
    ) -> None:
        state = self.state
        if not all_finite(state.theta):
            raise self._diverged("a weight is infinite or not a number", state.batch)
        losses = [_means(state.sums, self.loss)]
        losses.append(
            (np.nan, np.nan)
            if validation is None
            else _means(validation.measure(self.network, self.loss, state.theta, self.workers), self.loss)
        )
        state.epoch, state.batch, state.sums = state.epoch + 1, 0, NO_SUMS
        state.seconds = saver.seconds()
        state.history.append(EpochRecord(state.epoch, learning_rate, *losses[0], *losses[1], state.seconds))
        if validation is not None:
            self._keep_best(patience)
        if getattr(state.memory, "converged", False):
            state.finished = "converged"

    def _keep_best(self, patience: int | None) -> None:
        state, record = self.state, self.state.history[-1]
        best = state.history[state.best_epoch - 1].validation_loss if state.best_epoch else np.inf
        if record.validation_loss < best:
            state.best_epoch = state.epoch
            if patience is not None:
                state.best_theta = copied(state.theta)
        elif patience is not None and state.epoch - state.best_epoch >= patience:
            state.finished = "early"

    def _diverged(self, what: str, step: int) -> DivergenceError:
        return DivergenceError(
            f"training diverged: {what} in epoch {self.state.epoch + 1}, step {step}; "
            "try a learning rate ten times smaller, or scale the inputs"
        )

    def _save(self, seconds: float) -> int:
        self.state.seconds = seconds
        if self.checkpoint is None or self.workers.rank:
            return 0
        return save_checkpoint(self.checkpoint, self.state, self.settings)


def _means(sums: Sums, loss: Loss) -> tuple[float, float]:
    accuracy = sums.correct / sums.examples if loss.classifies else np.nan
    return sums.loss / sums.examples, accuracy


def _check_options(
    network: Network,
    optimizer: Optimizer[Any],
    batch_size: int | Literal["full"],
    epochs: int,
    early_stopping: int | None,
    l2: float,
) -> None:
    if isinstance(batch_size, str) and batch_size != "full":
        raise InputError(f"the batch size must be a number, 'auto' or 'full', not {batch_size!r}")
    if batch_size != "full" and (batch_size < 1 or batch_size != int(batch_size)):
        raise InputError(f"the batch size must be at least 1, not {batch_size}")
    if epochs < 1 or epochs != int(epochs):
        raise InputError(f"the number of epochs must be at least 1, not {epochs}")
    nonnegative("L2 penalty", l2)
    if early_stopping is not None and early_stopping < 1:
        raise InputError(f"the patience of early stopping must be at least 1 epoch, not {early_stopping}")
    if isinstance(optimizer, LBFGS) and batch_size != "full":
        raise InputError("L-BFGS needs the same objective at every step: use the full batch")
    if isinstance(optimizer, LBFGS) and network.stochastic:
        raise InputError(
            "L-BFGS needs the same objective at every step: leave out dropout (dropout=0), or use another optimizer"
        )


def _description(part: object) -> str:
    """The part's repr without the memory addresses in it, which another process does not share."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(part))
