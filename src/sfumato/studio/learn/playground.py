"""A playground: a network in training, whose settings may change between two steps."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sfumato.arrays import Array, all_finite
from sfumato.checkpoint import State
from sfumato.errors import DivergenceError
from sfumato.studio.learn.describing import describe
from sfumato.studio.learn.divergence import first_beyond
from sfumato.studio.learn.fields import FieldError
from sfumato.studio.learn.frames import FINISHED, FINITE, HAS_GRADIENT, HAS_TEST, Frame, Measures
from sfumato.studio.learn.maps import Maps
from sfumato.studio.learn.setup import Setup, set_up
from sfumato.studio.learn.state import averages_of, resets
from sfumato.training.job import means

ANEW = "the optimizer is another: its averages start anew"


class DivergedError(FieldError):
    """Training that has diverged.

    Args:
        text: What is wrong and what to try, in a line.
        told: Step, epoch, layer, and what was found there.
    """

    def __init__(self, text: str, told: Mapping[str, Any]) -> None:
        super().__init__(text, "optimizer.learning_rate")
        self.told = told


class Playground:
    """A network in training.

    Args:
        state: A state of `parse_state`.

    Attributes:
        setup: What is trained.
        now: Where training stands.
        changes: What training anew, with the settings of now, would not repeat; in words.

    Raises:
        FieldError: if the state cannot be set up.
    """

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._take(set_up(state))
        self.begin()

    def _take(self, setup: Setup) -> None:
        """Work with this setup from now on."""
        self.setup, self.job, self.maps = setup, setup.job(), Maps(setup)
        self.train = setup.batches(setup.train)
        self.test = None if setup.test is None else setup.batches(setup.test)
        self.objective = setup.objective(self.train)

    def begin(self) -> None:
        """Stand before the first step, with the first weights."""
        self.now: State = self.job.first()
        self.sound: Array = self.now.theta.copy()
        self.changes: list[str] = []

    @property
    def theta(self) -> Array:
        """The parameters."""
        return self.now.theta

    def change(self, state: Mapping[str, Any]) -> tuple[bool, str]:
        """Change the settings; returns whether training began again, and what else happened, in a line.

        Raises:
            FieldError: if the state cannot be set up; then nothing has changed.
        """
        old, setup = self.setup.state, set_up(state)
        if resets(old, state):
            self._take(setup)
            self.begin()
            return True, ""
        anew = averages_of(old) != averages_of(state)
        trains_otherwise = [old[part] for part in ("network", "objective", "optimizer")] != [
            state[part] for part in ("network", "objective", "optimizer")
        ]
        if old["run"]["batch"] != state["run"]["batch"] and self.now.step:
            self.job.end_stage(self.now)
            trains_otherwise = True
        self._take(setup)
        if anew:
            self.now.optimizer_state = self.job.optimizer.init(self.theta)
        if anew or trains_otherwise:
            self.now.finished = ""
        if trains_otherwise and self.now.steps:
            self._note("settings were changed while it trained")
        return False, ANEW if anew else ""

    def step(self) -> bool:
        """Take a step; returns False where training is finished.

        Raises:
            DivergedError: if the loss, or a weight after the step, is no finite number; the weights are then those of
                the last finite loss again.
        """
        job, now = self.job, self.now
        while job.stage_over(now) and not job.finished(now):
            job.end_stage(now)
            now.history.clear()  # nobody reads it, and it would grow for ever
        if job.finished(now):
            return False
        objective, rate = job.next_step(now)
        before = self.theta.copy()
        now.theta, now.optimizer_state, evaluation = job.optimizer.step(objective, now.theta, now.optimizer_state, rate)
        if math.isfinite(evaluation.loss):
            self.sound = before
        if not math.isfinite(evaluation.loss) or not all_finite(self.theta):
            raise self._diverged(before, evaluation.loss)
        now.step, now.steps = now.step + 1, now.steps + 1
        job.after_step(now, evaluation)
        return True

    def _diverged(self, before: Array, loss: float) -> DivergedError:
        """Go back to the last weights with a finite loss, and make the error that says what happened."""
        failed = self.theta if math.isfinite(loss) else before
        told = first_beyond(self.setup.network, failed, self.train.x)
        error: DivergenceError = self.job.diverged(self.now, loss if not math.isfinite(loss) else math.nan)
        self.now.theta = self.sound.copy()
        self.now.optimizer_state = self.job.optimizer.init(self.theta)
        self._note("it diverged and went back")
        return DivergedError(str(error), {"step": self.now.steps + 1, "epoch": self.now.stage + 1, **told})

    def set_weight(self, place: int, value: float) -> None:
        """Set an entry of theta by hand."""
        self.theta[place] = value
        if self.job.optimizer.full_batch:  # it remembers the evaluation at the old one
            self.now.optimizer_state = self.job.optimizer.init(self.theta)
        self.now.finished = ""
        self._note("weights were set by hand")

    def _note(self, text: str) -> None:
        if text not in self.changes:
            self.changes.append(text)

    @property
    def finished(self) -> bool:
        """Whether there is no step left to take."""
        last = self.now.stage + self.job.stage_over(self.now) >= self.job.epochs
        return last or self.job.optimizer.converged(self.now.optimizer_state)

    def frame(self, *, gradient: bool = False, inputs: bool = False) -> Frame:
        """Draw what there is to see now."""
        setup, theta = self.setup, self.theta
        evaluation = self.objective(theta)
        terms = evaluation.terms
        train_loss, classifies = terms["data"], setup.training.loss.classifies
        test_loss, test_accuracy = math.nan, math.nan
        if self.test is not None:
            test_loss, test_accuracy = means(
                self.test.measure(setup.network, setup.training.loss, theta), setup.training.loss
            )
        measures = Measures(
            epoch=self.now.stage + self.now.step / self.batches,
            train_loss=train_loss,
            train_accuracy=terms["accuracy"] if classifies else math.nan,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            gradient_length=float(np.linalg.norm(evaluation.gradient.astype(np.float64))),
            penalty=float(terms["l2"]),
            learning_rate=self.job.rate(self.now.stage + self.job.stage_over(self.now)),
        )
        maps, scales = self.maps.draw(theta, inputs=inputs)
        flags = FINITE * math.isfinite(train_loss) + HAS_TEST * (self.test is not None)
        flags += HAS_GRADIENT * gradient + FINISHED * self.finished
        shown = evaluation.gradient if gradient else theta[:0]
        return Frame(self.now.steps, flags, measures, scales, theta, shown, maps)

    @property
    def batches(self) -> int:
        """Steps of an epoch."""
        return len(self.job.batches.epoch(self.now.stage))

    def described(self) -> dict[str, Any]:
        """Description of it for the page."""
        return describe(self.setup, self.maps, self.batches, self.now.steps)
