"""A session: the commands that a playground takes, and their answers."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sfumato.checks import one_of, whole
from sfumato.errors import InputError, SfumatoError
from sfumato.network import NamedParameter
from sfumato.studio.learn.checking import check, checked_objective, scan
from sfumato.studio.learn.digits import Digits
from sfumato.studio.learn.exercises import Exercises
from sfumato.studio.learn.explaining import explain
from sfumato.studio.learn.exporting import EXPORTS
from sfumato.studio.learn.fields import FieldError, filled_in, naming, number_in
from sfumato.studio.learn.measuring import measures
from sfumato.studio.learn.playground import DivergedError, Playground
from sfumato.studio.learn.races import Races
from sfumato.studio.learn.state import merged, parse_state
from sfumato.studio.learn.trace import as_values, trace

MOST_STEPS = 1000
"""Steps that one command may ask for."""

SECONDS = 0.1
"""Seconds after which no further step is begun for a command, so that sessions share the machine."""

MOST_TRACED = 50
"""Examples that are stepped through at once."""

LARGEST_WEIGHT = 1e6
"""A parameter set by hand is at most this far from zero."""

Fields = dict[str, Any]
Answer = dict[str, Any] | bytes


class Session:
    """A playground and its commands, as the page gives them."""

    def __init__(self) -> None:
        self.opened: Playground | None = None
        self.commands: Mapping[str, Callable[[Fields], Answer]] = {
            "open": self.open,
            "set": self.set,
            "go": self.go,
            "reset": self.reset,
            "weight": self.weight,
            "report": self.report,
            "trace": self.trace,
            "explain": self.explain,
            "check": self.check,
            "scan": self.scan,
            "export": self.export,
            **Digits().commands,
            **Exercises().commands,
            **Races(lambda: self.playground, lambda given: self.entry(given)[1]).commands,
        }

    def answer(self, command: Any) -> Answer:
        """Carry a command out; an error is an answer too, and changes nothing.

        Args:
            command: An object with `do`, the command, `id`, and the command's own fields.
        """
        fields = dict(command) if isinstance(command, dict) else {}
        number = fields.pop("id", None)
        try:
            if not isinstance(command, dict):
                raise InputError("a command must be an object with id and do")
            do = self.commands[one_of("command", fields.pop("do", None), self.commands)]
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a diverging loss is told in words
                answer = do(fields)
        except SfumatoError as error:
            told: Fields = {"text": " ".join(str(error).split()), "field": getattr(error, "field", None)}
            if isinstance(error, DivergedError):
                told["diverged"] = error.told
            return {"id": number, "error": told}
        return answer if isinstance(answer, bytes) else {"id": number, "ok": True, **answer}

    @property
    def playground(self) -> Playground:
        """The playground that is open.

        Raises:
            InputError: if there is none.
        """
        if self.opened is None:
            raise InputError("nothing is open yet: begin with the command open")
        return self.opened

    def open(self, fields: Fields) -> Answer:
        """Begin with a state."""
        state = parse_state(filled_in(fields, "open", {"state": {}})["state"])
        self.opened = Playground(state)
        return {"reset": True, "note": "", "state": state, "description": self.opened.described()}

    def set(self, fields: Fields) -> Answer:
        """Change some fields of the state."""
        playground, patch = self.playground, filled_in(fields, "set", {"patch": {}})["patch"]
        state = parse_state(merged(playground.setup.state, patch))
        before = playground.described()
        reset, note = playground.change(state)
        after = playground.described()
        return {
            "reset": reset,
            "note": note,
            "state": state,
            "description": after if reset or after != before else None,
        }

    def go(self, fields: Fields) -> Answer:
        """Take steps, and draw a frame."""
        begun, playground = time.monotonic(), self.playground
        given = filled_in(fields, "go", {"steps": 1, "gradient": False, "inputs": False})
        with naming("go.steps"):
            steps = whole("number of steps", given["steps"], 0, MOST_STEPS)
        for _ in range(steps):
            if not playground.step() or time.monotonic() - begun > SECONDS:
                break
        return playground.frame(gradient=given["gradient"] is True, inputs=given["inputs"] is True).pack()

    def reset(self, fields: Fields) -> Answer:
        """Go back to the first weights."""
        filled_in(fields, "reset", {})
        self.playground.begin()
        return {}

    def weight(self, fields: Fields) -> Answer:
        """Set one parameter by hand."""
        given = filled_in(fields, "weight", {"name": None, "index": None, "value": None})
        _, place = self.entry(given)
        with naming("weight.value"):
            value = number_in("value of a weight", given["value"], -LARGEST_WEIGHT, LARGEST_WEIGHT)
        self.playground.set_weight(place, value)
        return {}

    def report(self, fields: Fields) -> Answer:
        """Measure predictions of the training and of the test examples."""
        filled_in(fields, "report", {})
        own = self.playground
        setup, test = own.setup, None
        if setup.test is not None and own.test is not None:
            test = measures(setup, own.theta, setup.test, own.test)
        return {"step": own.now.steps, "train": measures(setup, own.theta, setup.train, own.train), "test": test}

    def trace(self, fields: Fields) -> Answer:
        """Step through some examples, forward and backward."""
        given = filled_in(fields, "trace", {"part": "train", "examples": [0]})
        rows = given["examples"]
        if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_TRACED:
            raise FieldError(f"the examples are a list of 1 to {MOST_TRACED} numbers of rows", "examples")
        own, rows = self.playground, [self._row(given["part"], row) for row in rows]
        traced = trace(own.setup, own.theta, given["part"], rows)
        kind = type(own.setup.training.loss).__name__
        values = as_values(traced)
        values["loss"]["kind"] = kind
        return {"step": own.now.steps, "part": given["part"], "examples": rows, **values}

    def explain(self, fields: Fields) -> Answer:
        """Show the equation of what is selected, with its numbers."""
        given = filled_in(fields, "explain", {"select": {"kind": "loss"}, "part": "train", "example": 0})
        row = self._row(given["part"], given["example"])
        return {"step": self.playground.now.steps, **explain(self.playground, given["select"], given["part"], row)}

    def check(self, fields: Fields) -> Answer:
        """Check the gradient."""
        given = filled_in(fields, "check", {"method": "two-sided", "h": None})
        own = self.playground
        with naming("h"):
            h = None if given["h"] is None else number_in("step h", given["h"], 1e-200, 1.0)
        objective = checked_objective(own.setup, own.now.steps)
        with naming("method"):
            report, entries = check(objective, own.theta, given["method"], h)
        told = {"report": report.to_dict(), "text": report.to_text(), "entries": entries}
        return {"step": own.now.steps, "examples": objective.size, **told}

    def scan(self, fields: Fields) -> Answer:
        """Compare difference quotients of one parameter at every step width."""
        _, place = self.entry(filled_in(fields, "scan", {"name": None, "index": None}))
        own = self.playground
        return scan(checked_objective(own.setup, own.now.steps), own.theta, place)

    def export(self, fields: Fields) -> Answer:
        """Write what trains the same elsewhere, or the model."""
        given = filled_in(fields, "export", {"kind": "script"})
        with naming("kind"):
            kind = one_of("export", given["kind"], EXPORTS)
        return EXPORTS[kind](self.playground)

    def _row(self, part: Any, row: Any) -> int:
        """The number of an example.

        Raises:
            FieldError: if there is none.
        """
        with naming("part"):
            one_of("part", part, ("train", "test"))
        setup = self.playground.setup
        examples = setup.train if part == "train" else setup.test
        if examples is None:
            raise FieldError("no test examples are held out", "part")
        with naming("examples"):
            return whole(f"number of a {part} example", row, 0, examples.size - 1)

    def entry(self, given: Fields) -> tuple[NamedParameter, int]:
        """The parameter that `name` and `index` mean, and the place of that entry in theta.

        Raises:
            FieldError: if there is none.
        """
        layout = {own.name: own for own in self.playground.setup.network.layout}
        with naming("name"):
            own = layout[one_of("parameter", given["name"], layout)]
        index, shape = given["index"], own.spec.shape
        whole_numbers = isinstance(index, list) and all(type(number) is int for number in index)
        if (
            not whole_numbers
            or len(index) != len(shape)
            or not all(0 <= i < n for i, n in zip(index, shape, strict=True))
        ):
            raise FieldError(f"{own.name} has the shape {shape}; there is no entry {str(index)[:40]}", "index")
        return own, own.start + int(np.ravel_multi_index(index, shape))
