"""Traces, gradient checks and scans are those of the engine's objective."""

import numpy as np
import pytest
from tests.studio.learn.states import random_state
from tests.studio.learn.talking import opened, refused, told, trained

from sfumato import Evaluation, NetworkObjective, check_gradient
from sfumato.arrays import Array
from sfumato.layers import ACTIVATIONS
from sfumato.studio.learn.checking import check, checked_objective
from sfumato.studio.learn.trace import double_objective

KINDS = ["moons", "spiral", "waves"]
"""Data for each of the three losses."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_way_back_is_the_objectives_gradient(kind: str, activation: str) -> None:
    session = opened(data={"kind": kind}, network={"hidden": [4, 3], "activation": activation}, objective={"l2": 2})
    trained(session, 10)
    rows = [3, 0, 17, 5]
    traced = told(session, "trace", examples=rows)
    own = session.opened
    assert own is not None
    objective = double_objective(own.setup, "train", rows)
    evaluation = objective(own.theta.astype(np.float64))
    assert traced["loss"]["total"] == pytest.approx(evaluation.loss, rel=1e-12)
    for parameter in own.setup.network.layout:
        layer, _, name = parameter.name.rpartition(".")
        shown = next(one for one in traced["layers"] if one["name"] == layer)
        values = np.array(shown["parameters"][name])
        penalty = objective.penalty * values if name == "W" else 0.0
        expected = evaluation.gradient[parameter.start : parameter.stop].reshape(values.shape)
        assert np.array(shown["gradients"][name]) + penalty == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert np.array(shown["z"]) == pytest.approx(
            np.array(shown["x"]) @ shown["parameters"]["W"] + shown["parameters"]["b"]
        )
    for below, above in zip(traced["layers"], traced["layers"][1:], strict=False):
        assert (below["z"], below["dz"]) == (above["x"], above["dx"])
    assert traced["layers"][0]["dx"] is None


def test_a_trace_says_its_shapes_and_refuses_examples_that_there_are_not() -> None:
    session = opened(network={"hidden": [8]}, test=0)
    traced = told(session, "trace", examples=[0, 1, 2, 3])
    assert [own["shapes"] for own in traced["layers"][:2]] == ["(4 × 2)(2 × 8) + (8) → (4 × 8)", "(4 × 8) → (4 × 8)"]
    assert refused(session, "trace", examples=[300])[1] == "examples"
    assert refused(session, "trace", examples=list(range(51)))[1] == "examples"
    assert refused(session, "trace", examples=[])[1] == "examples"
    assert refused(session, "trace", part="test")[1] == "part"
    assert refused(session, "trace", part="all")[1] == "part"


@pytest.mark.parametrize("seed", range(50))
def test_nothing_is_wrong_without_a_fault(seed: int) -> None:
    session = opened(**random_state(seed))
    trained(session, 3)
    answer = told(session, "check")
    assert answer["report"]["verdict"] in ("right", "acceptable"), answer["text"]
    assert "wrong" not in [own["verdict"] for own in answer["report"]["parameters"]], answer["text"]
    assert "wrong" not in answer["entries"]["verdicts"]


def test_a_wrong_gradient_turns_its_entries_wrong_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened(network={"hidden": [3]})
    trained(session, 3)
    assert session.opened is not None
    objective = checked_objective(session.opened.setup, 3)

    derived = type(objective).__call__

    def wrong(self: NetworkObjective, theta: Array) -> Evaluation:
        found = derived(self, theta)
        found.gradient[2] *= 1.5
        return found

    monkeypatch.setattr(NetworkObjective, "__call__", wrong)
    report, entries = check(objective, session.opened.theta, "two-sided", None)
    assert report.wrong
    assert [place for place, verdict in enumerate(entries["verdicts"]) if verdict == "wrong"] == [2]


def test_a_check_is_that_of_check_gradient() -> None:
    session = opened()
    trained(session, 5)
    answer = told(session, "check", method="complex-step")
    own = session.opened
    assert own is not None
    everything = double_objective(own.setup, "train", slice(None))
    report = check_gradient(everything, own.theta.astype(np.float64), method="complex-step")
    assert answer["examples"] == own.setup.train.size
    assert answer["report"] == report.to_dict()
    assert len(answer["entries"]["verdicts"]) == len(own.theta)
    assert refused(session, "check", h=-1)[1] == "h"
    told(session, "set", patch={"network": {"activation": "relu"}})
    assert refused(session, "check", method="complex-step")[1] == "method"


def test_a_large_network_is_checked_along_directions() -> None:
    session = opened(network={"hidden": [40, 40]})
    answer = told(session, "check")
    assert answer["entries"] is None
    assert {own["checked"] for own in answer["report"]["parameters"]} >= {20}


def test_a_scan_has_the_shape_of_a_v_and_the_complex_step_has_none() -> None:
    session = opened()
    trained(session, 5)
    answer = told(session, "scan", name="dense_1.W", index=[0, 2])
    two, one, line = (answer["errors"][method] for method in ("two-sided", "one-sided", "complex-step"))
    assert answer["h"][0] == 0.1 and len(answer["h"]) == len(two) == len(one) == 12
    assert two[0] > 10 * two[4] and two[-1] > 10 * two[4]
    assert one[0] > 10 * one[6] and one[-1] > 10 * one[6]
    assert min(one) > min(two)
    assert max(line[8:]) <= 1e-14
    told(session, "set", patch={"network": {"activation": "relu"}})
    assert told(session, "scan", name="dense_1.W", index=[0, 2])["errors"]["complex-step"] is None
