"""Training as a run of `minimize`: epochs, their batches, and a record at the end of each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sfumato.arrays import Array, all_finite, copied
from sfumato.checkpoint import State, check_number
from sfumato.checks import nonnegative
from sfumato.errors import DivergenceError
from sfumato.losses.base import NO_SUMS, Loss, Sums
from sfumato.minimize import Job
from sfumato.network import Network
from sfumato.objective import BatchEvaluation, Evaluation, NetworkObjective
from sfumato.optimizers import Optimizer
from sfumato.optimizers.schedules import Schedule
from sfumato.training.batches import Batches
from sfumato.training.history import EpochRecord
from sfumato.workers import Workers


class _Epoch(NamedTuple):
    """Learning rate of an epoch, and its batches."""

    number: int
    rate: float
    batches: Sequence[Any]


@dataclass
class TrainingJob(Job):
    """Training as a run: its stages are epochs, and its steps batches.

    A state has the vector "best_theta", the parameters of the epoch with the lowest validation loss, and the numbers
    "best_epoch", that epoch, from 1 (0 before there is one), and "sums", what the loss has added up over the epoch.
    """

    network: Network
    loss: Loss
    batches: Batches
    validation: Batches | None
    optimizer: Optimizer[Any]
    schedule: Schedule
    l2: float
    epochs: int
    patience: int | None
    workers: Workers

    kind: ClassVar[str] = "training"

    def __post_init__(self) -> None:
        self.engine, self.settings = self.batches.engine, {}
        self.objective: NetworkObjective | None = None
        self.full_batch: NetworkObjective | None = None
        self.epoch: _Epoch | None = None

    def first(self, start: tuple[Array, Any] | None = None) -> State:
        """State before the first step: with new weights, or with theta and optimizer state of another training.

        Where that training's optimizer state is None, the optimizer begins anew.
        """
        theta, optimizer_state = start or (self.network.initialize(self.batches.seed, self.engine.numpy_dtype), None)
        theta = self.engine.master.put(theta)
        return State(
            theta,
            self.optimizer.init(theta) if optimizer_state is None else optimizer_state,
            vectors={"best_theta": copied(theta)},
            numbers={"best_epoch": 0, "sums": NO_SUMS},
        )

    def finished(self, state: State) -> str:
        return state.finished or ("finished" if state.stage >= self.epochs else "")

    def stage_over(self, state: State) -> bool:
        return state.step >= len(self._epoch(state).batches)

    def next_step(self, state: State) -> tuple[NetworkObjective, float]:
        epoch = self._epoch(state)
        return self._objective(epoch.batches[state.step], state.steps), epoch.rate

    def after_step(self, state: State, evaluation: Evaluation) -> None:
        assert isinstance(evaluation, BatchEvaluation)  # of a NetworkObjective, as next_step gives them
        state.numbers["sums"] = Sums(*state.numbers["sums"]).plus(evaluation.sums)

    def end_stage(self, state: State) -> EpochRecord:
        if not all_finite(state.theta):
            raise self._error(state, "a weight is infinite or not a number", state.step)
        seen = means(Sums(*state.numbers["sums"]), self.loss)
        watched = (math.nan, math.nan)
        if self.validation is not None:
            watched = means(self.validation.measure(self.network, self.loss, state.theta, self.workers), self.loss)
        rate = self._epoch(state).rate
        state.stage, state.step, state.numbers["sums"] = state.stage + 1, 0, NO_SUMS
        record = EpochRecord(state.stage, rate, *seen, *watched, state.seconds)
        state.history.append(record)
        if self.validation is not None:
            self._keep_best(state)
        if self.optimizer.converged(state.optimizer_state):
            state.finished = "converged"
        return record

    def diverged(self, state: State, loss: float) -> DivergenceError:
        return self._error(state, f"the loss is {loss}", state.step + 1)

    def vector_sizes(self, stage: int, step: int) -> dict[str, int]:
        return {"theta": self.network.size, "best_theta": self.network.size}

    def check_state(self, state: State) -> None:
        if len(state.history) != state.stage or state.step > len(self._epoch(state).batches):
            raise ValueError(f"{len(state.history)} epochs and {state.step} steps are not {state.stage} epochs")
        if state.finished not in ("", "early", "converged") or state.numbers.keys() != {"best_epoch", "sums"}:
            raise ValueError(f"no training is finished as {state.finished!r}, or has {', '.join(state.numbers)}")
        best = state.numbers["best_epoch"]
        _, correct, examples = map(check_number, state.numbers["sums"])
        if type(best) is not int or not 0 <= best <= state.stage:
            raise ValueError(f"the best of {state.stage} epochs is not epoch {best!r}")
        if (examples > 0) != (state.step > 0) or not 0 <= correct <= examples:
            raise ValueError(f"{state.step} steps do not count {correct} of {examples} examples")

    def read_entry(self, entry: Any) -> EpochRecord:
        record = EpochRecord(*entry)
        if type(record.epoch) is not int or not all(type(value) in (int, float) for value in entry):
            raise TypeError(f"{entry} is no record of an epoch")
        return EpochRecord(record.epoch, *map(float, entry[1:]))  # which fails for whole numbers beyond all floats

    def _epoch(self, state: State) -> _Epoch:
        """Current epoch of the state; its rate is computed once, for its steps and its record alike."""
        if self.epoch is None or self.epoch.number != state.stage:
            self.epoch = _Epoch(state.stage, self.rate(state.stage), self.batches.epoch(state.stage))
        return self.epoch

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch, from 0.

        Raises:
            InputError: if the schedule gives something else than a number of 0 or more.
        """
        given: Any = self.schedule(epoch)
        try:
            rate = float(given)
        except (TypeError, ValueError):
            rate = given  # which is refused in words
        return nonnegative(f"learning rate of epoch {epoch + 1}", rate)

    def _objective(self, which: Any, step: int) -> NetworkObjective:
        """Objective over a batch, with the dropout of a step."""
        if self.full_batch is not None:
            return self.full_batch
        own, share = self.batches.share(which, self.workers)
        x, y, weight = self.batches.batch(own)
        key = (self.batches.seed, step) if self.network.stochastic else None
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

    def _keep_best(self, state: State) -> None:
        best = state.numbers["best_epoch"]
        lowest = state.history[best - 1].validation_loss if best else np.inf
        if state.history[-1].validation_loss < lowest:
            state.numbers["best_epoch"] = state.stage
            if self.patience is not None:
                state.vectors["best_theta"] = copied(state.theta)
        elif self.patience is not None and state.stage - best >= self.patience:
            state.finished = "early"

    def _error(self, state: State, what: str, step: int) -> DivergenceError:
        return DivergenceError(
            f"training diverged: {what} in epoch {state.stage + 1}, step {step}; "
            "try a learning rate ten times smaller, or scale the inputs"
        )


def means(sums: Sums, loss: Loss) -> tuple[float, float]:
    """Mean loss and accuracy; NaN for regression, where nothing counts as correct."""
    accuracy = sums.correct / sums.examples if loss.classifies else np.nan
    return sums.loss / sums.examples, accuracy
