"""A session: the commands that a playground takes, and their answers."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sfumato.checks import one_of, whole
from sfumato.errors import InputError, SfumatoError
from sfumato.network import NamedParameter
from sfumato.studio.learn.fields import FieldError, filled_in, naming, number_in
from sfumato.studio.learn.playground import DivergedError, Playground
from sfumato.studio.learn.state import merged, parse_state

MOST_STEPS = 1000
"""Steps that one command may ask for."""

SECONDS = 0.1
"""Seconds after which no further step is begun for a command, so that sessions share the machine."""

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
