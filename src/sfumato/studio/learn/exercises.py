"""The commands by which a page gives exercises: a training with a fault, its checks, and the answer."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sfumato.checks import whole
from sfumato.errors import InputError
from sfumato.studio.learn.exercise import CHECKED, Exercise
from sfumato.studio.learn.faults import FAULTS
from sfumato.studio.learn.fields import FieldError, filled_in, naming

MOST_STEPS = 200
"""Steps that one command may ask for."""

SECONDS = 0.1
"""Seconds after which no further step is begun for a command, so that sessions share the machine."""

LARGEST_SEED = 2**32 - 1

CHAPTERS = {
    1: "chapters/01-logistic-regression.html",
    2: "chapters/02-one-hidden-layer.html",
    3: "chapters/03-l-layers.html",
    6: "chapters/06-initialization-l2-dropout.html",
    7: "chapters/07-optimizers.html",
    8: "chapters/08-gradient-checking.html",
}
"""The course's chapters on faults, in the site."""

Fields = dict[str, Any]


class Exercises:
    """The exercise that a session has, and the commands on it.

    Attributes:
        commands: The commands by name; each takes its fields and returns its answer.
    """

    def __init__(self) -> None:
        self.given: Exercise | None = None
        self.commands: Mapping[str, Callable[[Fields], Fields]] = {
            "exercise": self.begin,
            "exercise-train": self.train,
            "exercise-check": self.check,
            "exercise-measure": self.measure,
            "exercise-answer": self.answer,
        }

    @property
    def exercise(self) -> Exercise:
        """The exercise that is given.

        Raises:
            InputError: if there is none.
        """
        if self.given is None:
            raise InputError("no exercise is given yet: begin with the command exercise")
        return self.given

    def begin(self, fields: Fields) -> Fields:
        """Give an exercise, or the same anew from its first weights."""
        given = filled_in(fields, "exercise", {"seed": 0, "number": 0})
        with naming("exercise.seed"):
            seed = whole("seed of the exercises", given["seed"], 0, LARGEST_SEED)
        with naming("exercise.number"):
            number = whole("number of an exercise", given["number"], 0, len(FAULTS) - 1)
        self.given = own = Exercise(seed, number)
        return {
            "seed": seed,
            "number": number,
            "count": len(FAULTS),
            "state": own.state,
            "layers": list(own.parts.network.names),
            "parameters": own.parameters,
            "causes": own.causes,
            "accuracy": own.accuracy(),
        }

    def train(self, fields: Fields) -> Fields:
        """Take steps; fewer than asked for once the time is over, or where the loss stops being a number."""
        given = filled_in(fields, "exercise-train", {"steps": 10})
        own, begun, losses, diverged = self.exercise, time.monotonic(), list[float](), False
        with naming("exercise-train.steps"):
            steps = whole("number of steps", given["steps"], 1, MOST_STEPS)
        while len(losses) < steps and not diverged:
            one = own.train(1)
            losses += one
            diverged = not one
            if time.monotonic() - begun > SECONDS:
                break
        return {"step": own.steps, "losses": losses, "accuracy": own.accuracy(), "diverged": diverged}

    def check(self, fields: Fields) -> Fields:
        """Check the gradient where training stands."""
        filled_in(fields, "exercise-check", {})
        return {"step": self.exercise.steps, "examples": CHECKED, "report": self.exercise.check().to_dict()}

    def measure(self, fields: Fields) -> Fields:
        """Measure what no gradient check can see."""
        filled_in(fields, "exercise-measure", {})
        return {"measured": [{**one._asdict(), "right": one.right} for one in self.exercise.other_checks()]}

    def answer(self, fields: Fields) -> Fields:
        """Judge an answer."""
        given = filled_in(fields, "exercise-answer", {"parameters": [], "cause": None})
        own, parameters = self.exercise, given["parameters"]
        if not isinstance(parameters, list) or not all(name in own.parameters for name in parameters):
            told = ", ".join(own.parameters)
            raise FieldError(f"the wrong parameters are a list of some of {told}", "exercise-answer.parameters")
        if given["cause"] not in own.causes:
            raise FieldError("choose one of the four causes", "exercise-answer.cause")
        verdict = own.answer(parameters, given["cause"])._asdict()
        return {**verdict, "chapter": CHAPTERS.get(verdict["chapter"])}
