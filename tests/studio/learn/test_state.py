"""States: what is refused, in one line that names the field, and what is filled in."""

from typing import Any

import pytest
from tests.studio.learn.states import random_state
from tests.studio.learn.talking import opened, refused, told

from sfumato.studio.learn.session import Session
from sfumato.studio.learn.state import parse_state

ROWS = [[0.0, 1.0, 0], [1.0, 0.0, 1], [1.0, 1.0, 2]]
HAND = {"kind": "points", "rows": ROWS}
TABLE = {"kind": "table", "rows": ROWS, "columns": ["a", "b"], "target": "c"}

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"v": 2}, "v"),
    ({"colour": 1}, "colour"),
    ({"data": 3}, "data"),
    ({"data": {"kind": "swirl"}}, "data.kind"),
    ({"data": {"points": 3}}, "data.points"),
    ({"data": {"n": 5001}}, "data.n"),
    ({"data": {"n": 1.5}}, "data.n"),
    ({"data": {"n": 5, "classes": 5}}, "data.n"),
    ({"data": {"noise": -0.1}}, "data.noise"),
    ({"data": {"noise": "much"}}, "data.noise"),
    ({"data": {"seed": -1}}, "data.seed"),
    ({"data": {"classes": 11}}, "data.classes"),
    ({"data": {"kind": "circles", "classes": 3}}, "data.classes"),
    ({"data": {"kind": "waves", "classes": 3}}, "data.classes"),
    ({"data": {"scaling": "unit"}}, "data.scaling"),
    ({"data": {"kind": "points"}}, "data.rows"),
    ({"data": {**HAND, "rows": [[0, 0, 1]]}}, "data.rows"),
    ({"data": {**HAND, "rows": [[0, 0, 1], [0, 0]]}}, "data.rows"),
    ({"data": {**HAND, "rows": [[0, 0, 1], [0, 0, 10]]}}, "data.rows"),
    ({"data": {**HAND, "rows": [[0, 0, 1], [0, 0, 0.5]]}}, "data.rows"),
    ({"data": {**HAND, "rows": [[0, 0, 1], [0, None, 0]]}}, "data.rows"),
    ({"data": {**HAND, "rows": [[0, 0, 1]] * 5001}}, "data.rows"),
    ({"data": {**HAND, "task": "guess"}}, "data.task"),
    ({"data": {**HAND, "columns": ["a", "b"]}}, "data.columns"),
    ({"data": {**TABLE, "columns": ["a", "c"]}}, "data.columns"),
    ({"data": {**TABLE, "columns": ["a", "b\n"]}}, "data.columns"),
    ({"data": {**TABLE, "labels": ["one", "two"]}}, "data.labels"),
    ({"data": {**TABLE, "task": "regression", "labels": ["one"]}}, "data.labels"),
    ({"features": []}, "features"),
    ({"features": ["x3"]}, "features"),
    ({"network": {"hidden": [8] * 7}}, "network.hidden"),
    ({"network": {"hidden": [129]}}, "network.hidden"),
    ({"network": {"hidden": 8}}, "network.hidden"),
    ({"network": {"activation": "step"}}, "network.activation"),
    ({"network": {"activation": ["tanh", "tanh"]}}, "network.activation"),
    ({"network": {"init": "ones"}}, "network.init"),
    ({"network": {"init_scale": 0.1}}, "network.init_scale"),
    ({"network": {"dropout": 1}}, "network.dropout"),
    ({"network": {"layers": []}}, "network.layers"),
    ({"objective": {"l2": -1}}, "objective.l2"),
    ({"optimizer": {"name": "adagrad"}}, "optimizer.name"),
    ({"optimizer": {"learning_rate": 0}}, "optimizer.learning_rate"),
    ({"optimizer": {"learning_rate": 10**400}}, "optimizer.learning_rate"),
    ({"optimizer": {"schedule": "steps"}}, "optimizer.schedule"),
    ({"optimizer": {"decay": 0.9}}, "optimizer.decay"),
    ({"optimizer": {"beta1": 1}}, "optimizer.beta1"),
    ({"optimizer": {"beta1": "most"}}, "optimizer.beta1"),
    ({"optimizer": {"name": "gd", "beta": 0.9}}, "optimizer.beta"),
    ({"optimizer": {"name": "momentum", "form": "heavy"}}, "optimizer.form"),
    ({"optimizer": {"name": "lbfgs", "history": 0}}, "optimizer.history"),
    ({"optimizer": {"name": "lbfgs", "history": 10**9}}, "optimizer.history"),
    ({"optimizer": {"name": "adamw", "decays": [True]}}, "optimizer.decays"),
    ({"optimizer": {"name": "lbfgs"}, "run": {"batch": 10}}, "run.batch"),
    ({"optimizer": {"name": "lbfgs"}, "network": {"dropout": 0.1}}, "network.dropout"),
    ({"optimizer": {"schedule": "cosine"}}, "run.epochs"),
    ({"run": {"batch": 0}}, "run.batch"),
    ({"run": {"batch": 211}}, "run.batch"),
    ({"run": {"batch": "auto"}}, "run.batch"),
    ({"run": {"seed": 0.5}}, "run.seed"),
    ({"run": {"epochs": 0}}, "run.epochs"),
    ({"run": {"precision": "float16"}}, "run.precision"),
    ({"run": {"steps_per_frame": 0}}, "run.steps_per_frame"),
    ({"test": 1}, "test"),
    ({"test": 0.0001}, "test"),
    ({"view": {"grid": 200}}, "view.grid"),
    ({"view": {"text": "x" * 5000}}, "view"),
]


@pytest.mark.parametrize(("state", "field"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_field_is_refused_in_a_line_that_names_it(state: dict[str, Any], field: str) -> None:
    assert refused(Session(), "open", state=state)[1] == field
    session = opened()
    before = session.answer({"do": "go", "steps": 0})
    assert refused(session, "set", patch=state)[1] == field
    assert session.answer({"do": "go", "steps": 0}) == before


@pytest.mark.parametrize("seed", range(20))
def test_a_state_that_is_filled_in_stays_as_it_is(seed: int) -> None:
    state = parse_state(random_state(seed))
    assert parse_state(state) == state
    assert parse_state({}) == parse_state(dict.fromkeys(state))


def test_a_patch_merges_objects_and_null_is_the_default() -> None:
    session = opened(network={"hidden": [3], "dropout": 0.2})
    state = told(session, "set", patch={"network": {"dropout": None}, "view": {"grid": 25, "mine": [1]}})["state"]
    assert state["network"]["hidden"] == [3]
    assert state["network"]["dropout"] == 0
    assert state["view"] == {"grid": 25, "mine": [1]}


def test_other_data_and_another_optimizer_keep_nothing_of_the_old() -> None:
    session = opened(data={"kind": "spiral", "classes": 5, "n": 100}, optimizer={"beta1": 0.5, "learning_rate": 1})
    state = told(session, "set", patch={"data": {"kind": "moons"}, "optimizer": {"name": "gd"}})["state"]
    assert (state["data"]["classes"], state["data"]["n"]) == (2, 300)
    assert state["optimizer"] == {"name": "gd", "learning_rate": 0.1, "schedule": "constant", "decay": None}


def test_the_description_tells_what_is_drawn() -> None:
    state = {
        "data": TABLE,
        "features": ["x1", "x2", "x1*x2"],
        "network": {"hidden": [40], "activation": "sigmoid"},
        "test": 0,
    }
    told_of = told(Session(), "open", state=state)["description"]
    assert told_of["inputs"] == ["a", "b", "a*b"]
    assert told_of["train"] == {"x": [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], "y": [0, 1, 2]}
    assert told_of["classes"] == ["0", "1", "2"]
    assert [own["name"] for own in told_of["layers"]] == ["dense_1", "sigmoid_1", "dense_2"]
    assert len([own for own in told_of["maps"] if own["layer"] == "sigmoid_1" and own["values"] == "share"]) == 32
    assert [own["unit"] for own in told_of["maps"] if own["layer"] == "output"] == [0, 1, 2]
    assert told_of["parameters"][0] == {"name": "dense_1.W", "start": 0, "stop": 120, "shape": (3, 40)}


@pytest.mark.parametrize("kind", ["spiral", "circles", "moons", "blobs", "plane", "waves"])
def test_generated_points_fill_the_square_and_are_those_of_their_seed(kind: str) -> None:
    one, again, other = (
        told(Session(), "open", state={"data": {"kind": kind, "seed": seed}})["description"] for seed in (1, 1, 2)
    )
    places = one["train"]["x"] + one["test"]["x"]
    assert len(places) == 300
    assert max(abs(x) for place in places for x in place) > 2
    assert sum(abs(x) > 3.6 for place in places for x in place) <= 3
    assert one == again
    assert one != other
