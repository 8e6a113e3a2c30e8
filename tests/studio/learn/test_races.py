"""Races by command: what a page asks for, and what it is told."""

from typing import Any

import numpy as np
import pytest
from tests.studio.learn.talking import opened, refused, told

from sfumato.optimizers import OPTIMIZERS
from sfumato.studio.learn.session import Session
from sfumato.studio.learn.surface import CLASSICS

SMALL: dict[str, Any] = {"data": {"kind": "circles", "n": 40}, "network": {"hidden": [3]}}


def surface(session: Session, size: int) -> list[list[float]]:
    """All rows, asked for as a page does."""
    values: list[list[float]] = []
    while len(values) < size:
        answer = told(session, "surface", size=size, row=len(values))
        assert answer["row"] == len(values)
        values += answer["values"]
    return values


@pytest.mark.parametrize("name", CLASSICS)
def test_a_function_is_raced_on_without_a_playground(name: str) -> None:
    session = Session()
    race = told(session, "race", on=name, racers={"adam": 0.05, "gd": 0.001}, steps=5)
    kind = CLASSICS[name]
    assert [way["name"] for way in race["ways"]] == ["adam", "gd"]
    for way in race["ways"]:
        assert tuple(way["places"][0][:2]) == kind.start
        assert way["losses"][-1] < way["losses"][0]
    values, steps = surface(session, 15), np.linspace(-kind.reach, kind.reach, 15)
    assert values[3][7] == pytest.approx(kind().value(np.array([steps[7], steps[3]])))


@pytest.mark.parametrize(
    "plane",
    [
        {"on": "directions", "seed": 3},
        {"on": "weights", "weights": [{"name": "dense_1.W", "index": [0, 0]}, {"name": "dense_2.b", "index": [0]}]},
    ],
    ids=["directions", "weights"],
)
def test_a_network_is_raced_on_from_where_its_training_stands(plane: dict[str, Any]) -> None:
    session = opened(**SMALL)
    race = told(session, "race", **plane, racers={"gd": 0.1, "lbfgs": None}, steps=10)
    for way in race["ways"]:
        assert way["places"][0] == pytest.approx([0, 0, 0])
        assert way["losses"][-1] < way["losses"][0]
    middle = surface(session, 15)[7][7]
    assert middle == pytest.approx(race["ways"][0]["losses"][0])
    assert len(surface(session, 60)) == 60


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_can_race(name: str) -> None:
    (way,) = told(opened(**SMALL), "race", racers={name: None}, steps=2)["ways"]
    assert way["rate"] == OPTIMIZERS[name].learning_rate
    assert told(Session(), "race", on="ravine", racers={name: None}, steps=2)["ways"]


def test_a_racer_that_diverges_says_so() -> None:
    (way,) = told(Session(), "race", on="rosenbrock", racers={"gd": 1.0}, steps=50)["ways"]
    assert way["diverged"]
    assert np.isfinite(way["losses"]).all()


@pytest.mark.parametrize(
    ("do", "fields", "field"),
    [
        ("race", {"on": "moon"}, "race.on"),
        ("race", {"steps": 201}, "race.steps"),
        ("race", {"seed": -1}, "race.seed"),
        ("race", {"racers": {}}, "race.racers"),
        ("race", {"racers": ["gd"]}, "race.racers"),
        ("race", {"racers": {"gd": -1}}, "race.racers"),
        ("race", {"racers": {"horse": None}}, "race.racers"),
        ("race", {"racers": dict.fromkeys(["gd", "adam", "adamw", "momentum", "lbfgs"])}, "race.racers"),
        ("race", {"on": "weights"}, "race.weights"),
        ("race", {"on": "weights", "weights": [{"name": "dense_1.b", "index": [0]}] * 2}, "race.weights"),
        ("race", {"on": "weights", "weights": [{"name": "dense_9.b", "index": [0]}] * 2}, "name"),
        ("race", {"lap": 1}, "race.lap"),
        ("surface", {"size": 16}, "surface.size"),
        ("surface", {"row": 15}, "surface.row"),
    ],
)
def test_wrong_input_is_refused_in_a_line_that_names_the_field(do: str, fields: dict[str, Any], field: str) -> None:
    session = opened(**SMALL)
    told(session, "race", steps=1)
    assert refused(session, do, **fields)[1] == field


def test_what_must_come_first_is_said() -> None:
    assert "begin with the command race" in refused(Session(), "surface")[0]
    assert "begin with the command open" in refused(Session(), "race")[0]
