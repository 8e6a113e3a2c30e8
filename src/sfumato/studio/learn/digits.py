"""The commands by which a page lets a network learn digits, and gives it one to look at."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.checks import one_of, whole
from sfumato.errors import InputError
from sfumato.studio.learn.digit_training import BATCH, MEASURED, DigitTraining, Settings, held_out
from sfumato.studio.learn.drawing import Stroke, drawn
from sfumato.studio.learn.fields import FieldError, filled_in, naming, number_in
from sfumato.studio.learn.frames import Pictures, pack_pictures

MOST_STEPS = 100
"""Steps that one command may ask for."""

SECONDS = 0.1
"""Seconds after which no further step is begun for a command, so that sessions share the machine."""

MOST_PLACES = 5000
"""Places that the pen may go through, over all strokes of a drawing."""

ACTIVATIONS = ("relu", "tanh")

LARGEST_RATE = 0.1

LARGEST_SEED = 2**32 - 1

Fields = dict[str, Any]


def parse_settings(values: Any) -> Settings:
    """Read the settings of a training on digits from JSON, with all defaults filled in.

    Raises:
        FieldError: for a field that there is not, or a value that cannot be used; it names the field.
    """
    given = filled_in(values, "digits", Settings()._asdict())
    with naming("digits.network"):
        network = one_of("network for digits", given["network"], MEASURED)
    with naming("digits.activation"):
        activation = one_of("activation", given["activation"], ACTIVATIONS)
    with naming("digits.seed"):
        seed = whole("seed", given["seed"], 0, LARGEST_SEED)
    return Settings(network, activation, _rate(given["learning_rate"]), seed)


def _rate(value: Any) -> float:
    with naming("digits.learning_rate"):
        return number_in("learning rate", value, 1e-6, LARGEST_RATE)


class Digits:
    """The training on digits that a session has, the digit that it looks at, and the commands on both.

    Attributes:
        commands: The commands by name; each takes its fields and returns its answer.
    """

    def __init__(self) -> None:
        self.begun: DigitTraining | None = None
        self.digit: Array | None = None
        self.looked_at: Fields = {}  # the number of the test digit, and what it is; empty for a drawing
        self.commands: Mapping[str, Callable[[Fields], Fields | bytes]] = {
            "digits": self.begin,
            "digits-rate": self.rate,
            "digits-go": self.go,
            "digits-look": self.look,
        }

    @property
    def training(self) -> DigitTraining:
        """The training that has begun.

        Raises:
            InputError: if there is none.
        """
        if self.begun is None:
            raise InputError("no network learns digits yet: begin with the command digits")
        return self.begun

    def begin(self, fields: Fields) -> Fields:
        """Begin with settings, from their first weights."""
        self.begun = own = DigitTraining(parse_settings(fields))
        if self.digit is None:
            self._choose(0)
        kinds = dict(zip(own.network.names, own.network.layers, strict=True))
        layers = [
            {"name": name, "kind": type(kinds[name]).__name__, "shape": own.network.shapes[name]} for name in own.shown
        ]
        examples = {
            "train": own.batches.size,
            "test": len(held_out()[1]),
            "measured": len(own.measured),
            "batch": BATCH,
        }
        described = {"layers": layers, "parameters": own.network.size, "examples": examples}
        return {"settings": own.settings._asdict(), **described}

    def rate(self, fields: Fields) -> Fields:
        """Go on with another learning rate."""
        given = filled_in(fields, "digits", {"learning_rate": Settings().learning_rate})
        self.training.set_rate(_rate(given["learning_rate"]))
        return {"settings": self.training.settings._asdict()}

    def go(self, fields: Fields) -> bytes:
        """Take steps, and show the network: how well it does, its weights, and what it says to the digit."""
        begun, own = time.monotonic(), self.training
        given = filled_in(fields, "digits-go", {"steps": 1})
        with naming("digits-go.steps"):
            steps = whole("number of steps", given["steps"], 0, MOST_STEPS)
        for _ in range(steps):
            own.step()
            if time.monotonic() - begun > SECONDS:
                break
        told = own.measure()
        wrong = [held_out()[0][one.number, :, :, 0] for one in told["wrong"]]
        told["wrong"] = [one._asdict() for one in told["wrong"]]
        pictures = [Pictures("weights", own.weights)]
        pictures += [Pictures("wrong", np.stack(wrong), ink=True)] if wrong else []
        return self._seen(told, pictures)

    def look(self, fields: Fields) -> bytes:
        """Give a digit to look at, a test digit by its number or one drawn by strokes, and show what is said to it."""
        given = filled_in(fields, "digits-look", {"example": None, "strokes": None})
        if (given["example"] is None) == (given["strokes"] is None):
            raise FieldError("give either the number of a test digit, example, or the strokes of one that is drawn")
        if given["strokes"] is not None:
            self.digit, self.looked_at = drawn(_strokes(given["strokes"])), {}
        else:
            with naming("digits-look.example"):
                self._choose(whole("number of a test digit", given["example"], 0, len(held_out()[1]) - 1))
        return self._seen({}, [])

    def _choose(self, number: int) -> None:
        """Look at a test digit."""
        x, y = held_out()
        self.digit, self.looked_at = x[number, :, :, 0], {"example": number, "digit": int(y[number])}

    def _seen(self, told: Fields, pictures: list[Pictures]) -> bytes:
        """Pack a frame, with the digit and what each layer answers: values, or maps."""
        assert self.digit is not None  # as it begins with one
        answer = self.training.answer(self.digit)
        values = {name: z.tolist() for name, z in answer.layers.items() if z.ndim == 1}
        maps = [Pictures(name, z.transpose(2, 0, 1)) for name, z in answer.layers.items() if z.ndim == 3]
        seen = {**self.looked_at, "shares": answer.shares.tolist(), "layers": values}
        digit = Pictures("digit", self.digit[np.newaxis], ink=True)
        return pack_pictures({**told, "seen": seen}, [digit, *maps, *pictures])


def _strokes(given: Any) -> list[Stroke]:
    """Check strokes: lists of places [across, down], each from 0 to 1.

    Raises:
        FieldError: if they are none.
    """
    with naming("digits-look.strokes"):
        if not (isinstance(given, list) and given and all(isinstance(stroke, list) and stroke for stroke in given)):
            raise InputError("a drawing is a list of strokes, each a list of places [across, down]")
        if sum(map(len, given)) > MOST_PLACES:
            raise InputError(f"a drawing has at most {MOST_PLACES} places")
        for stroke in given:
            for place in stroke:
                if not isinstance(place, list) or len(place) != 2:
                    raise InputError("a place of a drawing is two numbers, [across, down]")
                for value in place:
                    number_in("places of a drawing", value, 0, 1)
    return given
