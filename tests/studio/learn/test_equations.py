"""Equations: well-formed MathML whose numbers recompute to the result that is shown."""

import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from tests.studio.learn.states import random_state
from tests.studio.learn.talking import opened, refused, told, trained

from sfumato.layers import ACTIVATIONS
from sfumato.optimizers import OPTIMIZERS
from sfumato.studio.learn.session import Session

SIGNS = {"·": "*", "−": "-", "+": "+", "(": "(", ")": ")", ",": ","}
FUNCTIONS: dict[str, Any] = {"tanh": math.tanh, "max": max, "log": math.log, "sqrt": math.sqrt, "e": math.e}


class Numbers:
    """A formula as an expression in its shown numbers, v[0], v[1] ..., with half of each one's last digit."""

    def __init__(self, line: str) -> None:
        self.values: list[float] = []
        self.roundings: list[float] = []
        (right,) = ET.fromstring(line)
        parts = [self.expression(part) for part in list(right)[2:]]
        self.formula = "".join(parts)

    def expression(self, element: ET.Element) -> str:
        """The expression for an element."""
        tag = element.tag.rpartition("}")[2]
        inner = [self.expression(child) for child in element] if len(element) else []
        match tag:
            case "mrow":
                return f"({''.join(inner)})"
            case "mn":
                return self.number(element)
            case "mo":
                return SIGNS[element.text or ""]
            case "mi":
                assert element.text in FUNCTIONS
                return str(element.text)
            case "mfrac":
                return f"(({inner[0]})/({inner[1]}))"
            case "msup":
                return f"(({inner[0]})**({inner[1]}))"
            case "msqrt":
                return f"sqrt({''.join(inner)})"
        raise AssertionError(tag)

    def number(self, element: ET.Element) -> str:
        """A number; those that were chosen, and whole ones, are exact."""
        digits = (element.text or "").replace("−", "-")
        if element.get("class") == "setting" or "." not in digits:
            return f"({digits})"
        self.values.append(float(digits))
        self.roundings.append(0.5 * 10.0 ** -len(digits.partition(".")[2]))
        return f"v[{len(self.values) - 1}]"

    def value(self) -> float:
        """The value of the formula."""
        return float(eval(self.formula.replace(")(", ")*("), FUNCTIONS | {"v": self.values}))

    def uncertainty(self) -> float:
        """Change of the value by the digits that are not shown, added up."""
        middle, total = self.value(), 0.0
        for place, rounding in enumerate(self.roundings):
            kept = self.values[place]
            changes = []
            for side in (-rounding, rounding):
                self.values[place] = kept + side
                try:
                    changes.append(abs(self.value() - middle))
                except ValueError:  # the logarithm or root of something below zero
                    changes.append(abs(middle))
            self.values[place] = kept
            total += max(changes)
        return total


def check_lines(answer: dict[str, Any]) -> None:
    """Recompute every equation of an answer from what is shown."""
    assert answer["equations"]
    for equation in answer["equations"]:
        symbols, numbers, result = equation["lines"]
        assert not re.search(r"\d\.\d", re.sub(r'<mn class="setting">[^<]*|"[^"]*"', "", symbols))
        shown, found = Numbers(numbers), Numbers(result)
        allowed = 1.05 * shown.uncertainty() + found.uncertainty() + 1e-5 * abs(found.value()) + 1e-12
        assert abs(shown.value() - found.value()) <= allowed, (answer["title"], numbers, result)


def layers(session: Session) -> list[tuple[str, int]]:
    """Names and units of all layers, outputs included."""
    own = session.opened
    assert own is not None
    shapes = {name: shape[0] for name, shape in own.setup.network.shapes.items()}
    return [*shapes.items(), ("output", len(own.setup.dataset.classes) or 1)]


@pytest.mark.parametrize("kind", ["moons", "spiral", "waves"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_units_and_losses_recompute_within_the_digits_shown(kind: str, activation: str) -> None:
    network = {"hidden": [4, 12, 3], "activation": activation, "dropout": 0.1}
    session = opened(data={"kind": kind}, network=network, features=["x1", "x2", "sin x1"], objective={"l2": 1})
    trained(session, 20)
    for example in (0, 7):
        for layer, units in layers(session):
            for unit in range(units):
                select = {"kind": "unit", "layer": layer, "unit": unit}
                check_lines(told(session, "explain", select=select, example=example))
        check_lines(told(session, "explain", select={"kind": "loss"}, part="test", example=example))


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_gradients_and_updates_recompute_within_the_digits_shown(name: str, inside: bool) -> None:
    optimizer = {"name": name, **({"epsilon_inside_root": inside} if name in ("rmsprop", "adam", "adamw") else {})}
    session = opened(optimizer=optimizer, objective={"l2": 1}, network={"hidden": [3]}, run={"precision": "float64"})
    trained(session, 4)
    for parameter, index in (("dense_1.W", [1, 2]), ("dense_1.b", [0]), ("dense_2.W", [2, 1])):
        before = told(session, "trace")
        told_of_update = told(session, "explain", select={"kind": "update", "name": parameter, "index": index})
        check_lines(told_of_update)
        check_lines(told(session, "explain", select={"kind": "weight", "name": parameter, "index": index}))
        assert told(session, "trace") == before  # the step was taken on a copy
    theta = Numbers(told_of_update["equations"][-1]["lines"][2]).value()
    assert trained(session, 1).theta[9 + 2 * 3 + 1] == pytest.approx(theta, rel=1e-3)


def test_momentum_in_its_other_form_recomputes() -> None:
    session = opened(optimizer={"name": "momentum", "form": "classical"})
    trained(session, 4)
    check_lines(told(session, "explain", select={"kind": "update", "name": "dense_1.W", "index": [0, 0]}))


def test_the_bars_of_a_weight_and_the_penalty_add_up_to_its_gradient() -> None:
    session = opened(objective={"l2": 3}, run={"precision": "float64"})
    frame = trained(session, 5, gradient=True)
    answer = told(session, "explain", select={"kind": "weight", "name": "dense_1.W", "index": [1, 2]})
    assert len(answer["bars"]["values"]) == 210
    assert sum(answer["bars"]["values"]) + answer["penalty"] == pytest.approx(frame.gradient[10], rel=1e-5)
    assert answer["penalty"] == pytest.approx(3 / 210 * frame.theta[10], rel=1e-5)


def test_numbers_name_what_they_are_the_value_of() -> None:
    session = opened()
    answer = told(session, "explain", select={"kind": "unit", "layer": "dense_1", "unit": 2})
    numbers = answer["equations"][0]["lines"][1]
    assert 'data-parameter="dense_1.W" data-index="1,2"' in numbers
    assert 'data-layer="inputs" data-unit="1"' in numbers
    assert "def forward" in answer["source"][0]["code"]
    assert answer["source"][0]["place"].startswith("sfumato/layers/dense.py")
    assert answer["chapter"].startswith("chapters/")


def test_names_of_columns_are_escaped() -> None:
    rows = [[float(k), float(k % 3), k % 2] for k in range(20)]
    names = {"columns": ["<img src=x>", "b&c"], "target": "</mi>"}
    session = opened(data={"kind": "table", "rows": rows, **names})
    answer = told(session, "explain", select={"kind": "unit", "layer": "dense_1", "unit": 0})
    assert "<img" not in answer["equations"][0]["lines"][0]
    ET.fromstring(answer["equations"][0]["lines"][0])


def test_what_is_not_there_cannot_be_explained() -> None:
    session = opened()
    for select, field in (
        ({"kind": "neuron"}, "select.kind"),
        ({"kind": "unit", "layer": "dense_7"}, "select.layer"),
        ({"kind": "unit", "layer": "dense_1", "unit": 8}, "select.unit"),
        ({"kind": "weight", "name": "W"}, "select.name"),
        ({"kind": "weight", "name": "dense_1.W", "index": [2, 0]}, "select.index"),
        ({"kind": "weight", "name": "dense_1.W", "index": "ab"}, "select.index"),
        ([], "select"),
    ):
        assert refused(session, "explain", select=select)[1] == field


@pytest.mark.parametrize("seed", range(20))
def test_random_states_can_be_explained(seed: int) -> None:
    session = opened(**random_state(seed))
    trained(session, 3)
    for layer, units in layers(session):
        check_lines(told(session, "explain", select={"kind": "unit", "layer": layer, "unit": units - 1}))
    check_lines(told(session, "explain"))


@pytest.mark.parametrize(
    ("data", "unit", "title"),
    [
        ({"kind": "circles"}, 1, "the output"),
        ({"kind": "waves"}, 0, "the output"),
        ({"kind": "blobs", "classes": 3}, 1, "unit 2 of output"),
    ],
    ids=["two-classes", "a-value", "three-classes"],
)
def test_an_only_output_has_no_number(data: dict[str, Any], unit: int, title: str) -> None:
    selected = {"kind": "unit", "layer": "output", "unit": unit}
    assert told(opened(data=data), "explain", select=selected)["title"] == title
