"""An exercise: a training with a fault in it, to train, to check, and to say where the fault is."""

import math
from typing import NamedTuple

import numpy as np

from sfumato.errors import InputError
from sfumato.gradient_check import GradientReport, check_gradient
from sfumato.objective import NetworkObjective
from sfumato.studio.learn.faults import Parts, choices, exercise, state_of
from sfumato.studio.learn.other_checks import Measured, other_checks
from sfumato.studio.learn.setup import set_up
from sfumato.studio.learn.state import parse_state

CHECKED = 50
"""Examples that the gradient is checked on."""


class Verdict(NamedTuple):
    """Judgement of an answer.

    Attributes:
        place: Whether just the wrong parameters were named.
        cause: Whether the cause was.
        hint: What to look at, for an answer that is not right in both.
        wrong: Names of the wrong parameters; empty until both are right.
        diff: The engine's line and the one with the fault, likewise.
        chapter: The course's chapter on it, likewise; 0 until then.
    """

    place: bool
    cause: bool
    hint: str
    wrong: list[str]
    diff: tuple[str, ...]
    chapter: int


class Exercise:
    """A training with a fault in it.

    Args:
        seed: The class's seed; all who have it meet the same faults in the same order.
        number: Number of the exercise, from 0.

    Attributes:
        state: State of the playground, as for a sound training.
        causes: Four causes to choose among.
        parameters: Names of the parameters to choose among.
        wrong: Those whose gradients the fault makes wrong.
    """

    def __init__(self, seed: int, number: int) -> None:
        self.fault = exercise(seed, number)
        self.state = parse_state(state_of(self.fault, number))
        self.causes = choices(self.fault, seed)
        setup = set_up(self.state)
        training, (x, y, _) = setup.training, setup.batches(setup.train).batch(slice(None))
        sound = Parts(training.network, training.loss, NetworkObjective, training.optimizer, training.rate)
        self.parts, self.equation = self.fault.apply(sound), sound.schedule
        self.x, self.y, self.l2 = np.asarray(x, np.float64), y, training.l2
        self.wrong = self.fault.wrong(training.network)
        self.parameters = [own.name for own in training.network.layout]
        self.theta = training.network.initialize(training.seed, np.float64)
        self.optimizer_state = self.parts.optimizer.init(self.theta)
        self.steps = 0

    def objective(self, step: int | None, examples: int | None = None) -> NetworkObjective:
        """The loss over the examples, or the first of them; with the dropout of a step, or none."""
        key = None if step is None else (0, step)
        x, y, size = self.x[:examples], self.y[:examples], len(self.x)
        return self.parts.objective(
            self.parts.network, self.parts.loss, x, y, l2=self.l2, data_size=size, dropout_key=key
        )

    def train(self, steps: int) -> list[float]:
        """Take steps over all examples, an epoch each: the data's loss before each, with dropout.

        It ends early, with the last weights that had a loss, where the loss stops being a number.
        """
        losses: list[float] = []
        for _ in range(steps):
            before = self.theta.copy()
            rate = self.parts.schedule(self.steps)
            with np.errstate(over="ignore", invalid="ignore"):
                self.theta, self.optimizer_state, evaluation = self.parts.optimizer.step(
                    self.objective(self.steps), self.theta, self.optimizer_state, rate
                )
            if not (math.isfinite(evaluation.loss) and np.isfinite(self.theta).all()):
                self.theta = before
                break
            self.steps += 1
            losses.append(float(evaluation.terms["data"]))
        return losses

    def accuracy(self) -> float:
        """Share of the examples that is right, without dropout."""
        return float(self.objective(None)(self.theta).terms["accuracy"])

    def check(self) -> GradientReport:
        """Check the gradient where training stands, with the dropout of the next step."""
        return check_gradient(self.objective(self.steps, CHECKED), self.theta)

    def other_checks(self) -> list[Measured]:
        """Measure what no gradient check can see."""
        return other_checks(self.parts, self.equation)

    def answer(self, parameters: list[str], cause: str) -> Verdict:
        """Judge an answer: what the check calls wrong where training stands is the right place too.

        A fault that has thrown the weights far away leaves gradients that are too small to be measured.

        Args:
            parameters: Names of the parameters whose gradients are wrong; none where all are right.
            cause: One of `causes`.

        Raises:
            InputError: for another parameter or cause.
        """
        if cause not in self.causes or not set(parameters) <= set(self.parameters):
            raise InputError("answer with parameters of the network, and one of the four causes")
        chosen, right = set(parameters), cause == self.fault.cause
        place = chosen == set(self.wrong) or (bool(chosen) and chosen == self._found())
        if not (place and right):
            return Verdict(place, right, self.fault.hint, [], (), 0)
        return Verdict(place, right, "", self.wrong, self.fault.diff, self.fault.chapter)

    def _found(self) -> set[str]:
        return {row.name for row in self.check().parameters if row.verdict == "wrong"}
