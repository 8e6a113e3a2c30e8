"""The commands by which a page races optimizers: over a plane through a playground's weights, or a classic function."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sfumato.checks import one_of, whole
from sfumato.errors import InputError
from sfumato.objective import Objective
from sfumato.optimizers import OPTIMIZERS, Optimizer, make_optimizer
from sfumato.studio.learn.fields import FieldError, filled_in, naming, number_in
from sfumato.studio.learn.playground import Playground
from sfumato.studio.learn.surface import (
    CLASSICS,
    COARSE,
    FINE,
    MOST_RACERS,
    Plane,
    Way,
    plane_of_weights,
    race,
    random_plane,
    rows,
)
from sfumato.studio.learn.trace import double_objective

MOST_STEPS = 200
"""Steps that a racer may take."""

MOST_EXAMPLES = 500
"""Training examples over which a playground's loss is raced on, the first."""

SECONDS = 0.1
"""Seconds after which no further row of a surface is begun for a command, so that sessions share the machine."""

LARGEST_RATE = 1e3

PLANES = ("directions", "weights", *CLASSICS)
"""Grounds of a race: two random directions or two weights of the playground's network, or a classic function."""

Fields = dict[str, Any]


class Races:
    """The race that a session has, and the commands on it.

    Args:
        playground: Gives the playground that is open.
        place_of: Gives the place in its theta of a parameter's `name` and `index`.

    Attributes:
        commands: The commands by name; each takes its fields and returns its answer.
    """

    def __init__(self, playground: Callable[[], Playground], place_of: Callable[[Fields], int]) -> None:
        self.playground, self.place_of = playground, place_of
        self.ground: tuple[Objective, Plane] | None = None
        self.commands: Mapping[str, Callable[[Fields], Fields]] = {"race": self.race, "surface": self.surface}

    def race(self, fields: Fields) -> Fields:
        """Let optimizers start from where training stands, or from a function's usual start."""
        defaults = {"on": "directions", "weights": [], "seed": 0, "racers": {"gd": None, "adam": None}, "steps": 100}
        given = filled_in(fields, "race", defaults)
        with naming("race.steps"):
            steps = whole("number of steps", given["steps"], 1, MOST_STEPS)
        with naming("race.on"):
            on = one_of("ground of a race", given["on"], PLANES)
        racers = self._racers(given["racers"], on in CLASSICS)
        if on in CLASSICS:
            classic = CLASSICS[on]()
            self.ground, start = (classic, classic.plane()), np.array(classic.start)
        else:
            self.ground = self._network(on, given)
            start = self.ground[1].origin
        objective, plane = self.ground
        ways = race(objective, plane, start, racers, steps)
        told = [_told(name, way, racers[name][1]) for name, way in ways.items()]
        lowest = [list(place) for place in CLASSICS[on].lowest] if on in CLASSICS else []
        return {"on": on, "names": list(plane.names), "reach": plane.reach, "lowest": lowest, "ways": told}

    def surface(self, fields: Fields) -> Fields:
        """Evaluate rows of the surface that the race is on, from one on, until the time is over."""
        given = filled_in(fields, "surface", {"size": COARSE, "row": 0})
        if self.ground is None:
            raise InputError("there is no surface yet: begin with the command race")
        if given["size"] not in (COARSE, FINE):
            raise FieldError(f"a surface has {COARSE} or {FINE} points on a side", "surface.size")
        with naming("surface.row"):
            first = whole("number of a row", given["row"], 0, given["size"] - 1)
        begun, values = time.monotonic(), list[list[float | None]]()
        for row in rows(*self.ground, (given["size"],), first):
            values.append([float(value) if np.isfinite(value) else None for value in row.values])
            if time.monotonic() - begun > SECONDS:
                break
        return {"size": given["size"], "row": first, "values": values}

    def _network(self, on: str, given: Fields) -> tuple[Objective, Plane]:
        """The playground's loss, without dropout, and a plane through its weights."""
        own = self.playground()
        objective = double_objective(own.setup, "train", slice(0, MOST_EXAMPLES))
        if on == "directions":
            with naming("race.seed"):
                seed = whole("seed of the directions", given["seed"], 0, 2**32 - 1)
            return objective, random_plane(objective, own.theta, seed)
        weights = given["weights"]
        if not isinstance(weights, list) or len(weights) != 2:
            raise FieldError("a plane is laid along two weights, each with its name and index", "race.weights")
        chosen = [filled_in(weight, "race.weights", {"name": None, "index": None}) for weight in weights]
        first, second = (self.place_of(weight) for weight in chosen)
        names = tuple(f"{weight['name']}{weight['index']}" for weight in chosen)
        with naming("race.weights"):
            return objective, plane_of_weights(own.theta, first, second, (names[0], names[1]))

    def _racers(self, given: Any, on_function: bool) -> dict[str, tuple[Optimizer[Any], float]]:
        """The optimizers by name, each with its rate; null is the optimizer's own."""
        if not isinstance(given, dict) or not 1 <= len(given) <= MOST_RACERS:
            raise FieldError(f"a race is between 1 and {MOST_RACERS} optimizers, each with its rate", "race.racers")
        made = dict[str, tuple[Optimizer[Any], float]]()
        for name, own in given.items():
            with naming("race.racers"):
                kind = OPTIMIZERS[one_of("optimizer", name, OPTIMIZERS)]
                rate = kind.learning_rate if own is None else number_in(f"rate of {name}", own, 1e-9, LARGEST_RATE)
            decays = name == "adamw" and not on_function
            settings = {"decays": self.playground().setup.network.decaying()} if decays else {}
            made[name] = make_optimizer(name, **settings), rate
        return made


def _told(name: str, way: Way, rate: float) -> Fields:
    return {
        "name": name,
        "rate": rate,
        "places": way.places.tolist(),
        "losses": way.losses.tolist(),
        "evaluations": way.evaluations,
        "diverged": way.diverged,
    }
