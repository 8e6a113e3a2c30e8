"""`sfumato check`: status 0 where the gradient is right, 1 where it is wrong, and a row for each parameter."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]
Refused = Callable[..., str]

OWN = '''
"""Layers and objectives of a user's, some with a defect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sfumato import Evaluation, Objective
from sfumato.layers.initializers import He, Zeros
from sfumato.layers.base import Activation, Built, Layer, ParameterSpec

print("a module may print")


@dataclass(frozen=True)
class Square(Activation):
    defect: float = 1.0

    def forward(self, params, x, needs, rng=None):
        return x * x, lambda da, grads: self.defect * 2 * x * da


square = Square()


class WrongSquare(Square):
    defect = 0.5

    def __init__(self):
        pass


def squarer():
    return Square()


def wrong_squarer():
    return Square(defect=1.001)


class Weights(NamedTuple):
    slope: object
    offset: object


class Line(Layer):
    bias = 1.0

    def build(self, shape):
        return Built(shape, Weights(ParameterSpec(shape, He(), True), ParameterSpec(shape, Zeros(), False)))

    def forward(self, params, x, needs, rng=None):
        def backward(dz, grads):
            grads.slope[...] = (dz * x).sum(axis=0)
            grads.offset[...] = self.bias * dz.sum(axis=0)
            return dz * params.slope

        return x * params.slope + params.offset, backward


class WrongLine(Line):
    bias = 2.0


class Bowl(Objective):
    analytic = True
    theta = np.arange(1.0, 4.0)

    def __call__(self, theta):
        return Evaluation((theta**3).sum().item(), 3 * theta**2)


class WrongBowl(Bowl):
    def __call__(self, theta):
        return Evaluation((theta**3).sum().item(), 2 * theta**2)


class Bend(Bowl):
    """Right as far as it goes; where the values overflow, nothing can be said for it."""

    def __call__(self, theta):
        return Evaluation(1e306 * (theta**2).sum().item(), 3e306 * theta)


class Table(Bowl):
    theta = np.ones((2, 3))


class Nothing(Bowl):
    theta = np.ones(0)


class Words(Bowl):
    theta = "zero"


class Crash(Bowl):
    def __call__(self, theta):
        raise ValueError("on\\npurpose")


class NotAGradient(Bowl):
    def __call__(self, theta):
        return Evaluation(1.0, theta[:2])


class Demanding(Square):
    def __init__(self, size):
        self.size = size


class Unfinished(Layer):
    pass


number = 3
'''


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own", raising=False)
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    return tmp_path / "own.py"


@pytest.mark.parametrize(
    "options",
    [
        "spiral --activation tanh --l2 1",
        "circles --hidden none",
        "moons --hidden 4,3,2 --activation sigmoid --init glorot",
        "blobs --activation leaky-relu --dropout 0.5 --limit 50",
        "breast-cancer --init normal --init-scale 0.5 --scaling unit",
        "digits --dropout 0.3 --l2 2",
        "mnist --hidden 5 --limit 20 --directions 3 --seed 7",
        "table.csv --target price --task regression",
    ],
)
def test_every_network_that_train_can_train_is_right(options: str, here: Call, tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 7},{i * i}\n" for i in range(40))
    (tmp_path / "table.csv").write_text("area,price,age\n" + rows, encoding="utf-8")
    status, out, err = here("check", *options.split(), "--json")
    report = json.loads(out)
    assert (status, err) == (0, "")
    assert report["verdict"] in ("right", "acceptable")
    assert report["difference"] < 1e-5
    names = [row["name"] for row in report["parameters"]]
    assert names == [f"dense_{k}.{part}" for k in range(1, len(names) // 2 + 1) for part in "Wb"]


@pytest.mark.parametrize("method", ["two-sided", "one-sided", "complex-step"])
def test_every_method_finds_the_same(method: str, own: Path, here: Call) -> None:
    options = ["--method", method, "--json"]
    right = here("check", "spiral", "--activation", "tanh", *options)
    assert right.status == 0
    assert json.loads(right.out)["method"] == method
    assert here("check", "--objective", "own.py:Bowl", *options).status == 0
    assert here("check", "--objective", "own.py:WrongBowl", *options).status == 1


@pytest.mark.parametrize(
    ("name", "wrong", "sound"),
    [
        ("WrongSquare", ["inputs"], []),
        ("wrong_squarer", ["inputs"], []),
        ("WrongLine", ["wrongline_1.offset"], ["wrongline_1.slope", "inputs"]),
        ("WrongBowl", ["theta"], []),
    ],
)
def test_a_planted_defect_is_found_and_named(
    name: str, wrong: list[str], sound: list[str], own: Path, here: Call, tmp_path: Path
) -> None:
    status, out, err = here("check", "--objective", f"own.py:{name}", "--json", "-o", "report.json")
    rows = {row["name"]: row["verdict"] for row in json.loads(out)["parameters"]}
    assert status == 1
    assert err == "a module may print\n"
    assert [row for row, verdict in rows.items() if verdict == "wrong"] == wrong
    assert [row for row, verdict in rows.items() if verdict == "right"] == sound
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == json.loads(out)
    table = here("check", "--objective", f"{own}:{name}").out
    assert all(name in table for name in rows)


@pytest.mark.parametrize("name", ["Square", "square", "squarer", "Line", "Bowl"])
@pytest.mark.parametrize("module", ["own.py", "own"])
def test_what_is_right_is_found_right(name: str, module: str, own: Path, here: Call) -> None:
    status, out, _ = here("check", "--objective", f"{module}:{name}", "--json")
    assert status == 0
    assert json.loads(out)["verdict"] == "right"


def test_a_gradient_that_overflows_is_not_called_right(own: Path, sfumato: Call) -> None:
    status, out, _ = sfumato("check", "--objective", f"{own}:Bend")
    assert status != 0
    assert ": right" not in out


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("own.py:Table", "own.py:Table: its theta has the shape (2, 3); it must be a vector"),
        ("own.py:Nothing", "its theta has the shape (0,)"),
        ("own.py:Words", "own.py:Words: ValueError"),
        ("own.py:number", "own.py:number: is no layer, and no Objective with an attribute theta"),
        ("own.py:Gone", "own.py: there is no Gone in it"),
        ("own.py:Crash", "line "),
        ("own.py:NotAGradient", "the gradient has shape (2,), theta (3,)"),
        ("own.py:Demanding", "own.py:Demanding: TypeError"),
        ("own.py:Unfinished", "own.py:Unfinished: TypeError"),
        ("own.py", "--objective takes MODULE:NAME, such as my_layers.py:Swish"),
        ("other.py:Bowl", "other.py: no such file"),
        ("other:Bowl", "other: cannot be imported"),
        ("broken.py:Bowl", "broken.py: cannot be imported (SyntaxError: "),
        ("broken:Bowl", "broken: cannot be imported (SyntaxError: "),
    ],
)
def test_what_cannot_be_checked(place: str, said: str, own: Path, here: Call, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (:\n", encoding="utf-8")
    status, out, err = here("check", "--objective", place)
    assert (status, out) == (2, "")
    *_, last = err.splitlines()
    assert last.startswith("sfumato: ")
    assert said in last


def test_a_crash_in_ones_own_code_is_traced_to_its_line(own: Path, here: Call) -> None:
    line = next(k for k, text in enumerate(OWN.splitlines(), 1) if "on\\npurpose" in text)
    assert f"own.py, line {line}: on purpose" in here("check", "--objective", "own.py:Crash").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "name either DATA or --objective MODULE:NAME"),
        ("spiral --objective own.py:Bowl", "name either DATA or --objective MODULE:NAME"),
        ("--objective own.py:Bowl --hidden 3", "leave out the options of data, network and penalty"),
        ("--objective own.py:Bowl --l2 3", "leave out the options of data, network and penalty"),
        ("--objective own.py:Bowl --limit 3", "leave out the options of data, network and penalty"),
        ("spiral --method complex-step", "needs an analytic objective"),
        ("spiral --method backwards", "'two-sided'"),
        ("spiral --step 0", "the step of a gradient check must be a positive number, not 0"),
        ("spiral --step nan", "the step of a gradient check"),
        ("spiral --directions 0", "'--directions'"),
        ("spiral --validation 0.5", "--validation"),
        ("spiral --test 0.5", "--test"),
        ("spiral --epochs 5", "--epochs"),
        ("spiral --dropout 1", "the probability of dropping"),
        ("spiral --l2 -1", "--l2 takes a number of at least 0, not -1"),
        ("spiral --l2 nan", "--l2 takes a number of at least 0, not nan"),
    ],
)
def test_options_that_a_check_cannot_use(arguments: str, said: str, own: Path, refused: Refused) -> None:
    assert said in refused("check", *arguments.split())


def test_the_program_itself_exits_with_0_or_1(own: Path, sfumato: Call) -> None:
    assert sfumato("check", "circles", "--hidden", "3").status == 0
    status, out, err = sfumato("check", "--objective", "own.py:WrongBowl", "--json")
    assert (status, json.loads(out)["verdict"], err) == (1, "wrong", "a module may print\n")
