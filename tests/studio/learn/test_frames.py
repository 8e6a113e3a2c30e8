"""Frames: bytes that are decoded again, and maps that are the network's outputs."""

import struct
from typing import Any

import numpy as np
import pytest
from tests.studio.learn.talking import opened, told, trained

from sfumato.arrays import Array
from sfumato.studio.learn.frames import Frame, Measures, as_bytes, unpack
from sfumato.studio.learn.points import features


def test_a_frame_has_its_numbers_at_the_places_that_the_page_reads() -> None:
    random = np.random.default_rng(0)
    scales, theta, gradient = (random.standard_normal(size).astype(np.float32) for size in (3, 5, 5))
    maps = random.integers(0, 256, (3, 4, 4)).astype(np.uint8)
    measures = Measures(2.5, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    data = Frame(17, 7, measures, scales, theta, gradient, maps).pack()
    assert struct.unpack_from("<BBHI", data) == (1, 1, 7, 17)
    assert struct.unpack_from("<8d", data, 8) == measures
    assert struct.unpack_from("<HHI", data, 72) == (4, 3, 5)
    assert np.frombuffer(data, "<f4", 13, 80).tolist() == [*scales, *theta, *gradient]
    assert data[80 + 4 * 13 :] == maps.tobytes()
    again = unpack(data)
    assert (again.step, again.flags, again.measures) == (17, 7, measures)
    assert again.maps.tolist() == maps.tolist()


@pytest.mark.parametrize("signed", [True, False])
def test_values_of_maps_are_kept_to_the_step_of_a_byte(signed: bool) -> None:
    values = np.random.default_rng(0).uniform(-5 if signed else 0, 5 if signed else 1, 1000)
    found, scale = as_bytes(values, signed=signed)
    decoded = scale * (found.astype(float) - 128) / 127 if signed else found / 255
    assert decoded == pytest.approx(values, abs=scale / 250)
    assert as_bytes(np.zeros(3), signed=True)[0].tolist() == [128, 128, 128]


def decoded(session: Any, frame: Frame, inputs: list[dict[str, Any]]) -> dict[tuple[str, int], Array]:
    """Values of each map by its layer and unit."""
    own = session.opened
    told_of = [*inputs, *own.described()["maps"]]
    values = {}
    for one, cells, scale in zip(told_of, frame.maps.astype(float), frame.scales, strict=True):
        values[one["layer"], one["unit"]] = scale * (cells - 128) / 127 if one["values"] == "signed" else cells / 255
    return values


@pytest.mark.parametrize("kind", ["moons", "spiral", "waves"])
def test_maps_are_the_outputs_over_the_plane(kind: str) -> None:
    session = opened(data={"kind": kind}, features=["x1", "x1*x2"], view={"grid": 25}, network={"activation": "relu"})
    frame = trained(session, 10, inputs=True)
    inputs = [{"layer": "inputs", "unit": unit, "values": "signed"} for unit in range(2)]
    maps = decoded(session, frame, inputs)
    setup, theta = session.opened.setup, session.opened.theta  # type: ignore[union-attr]
    for row, column in ((0, 0), (0, 24), (24, 3), (12, 12)):
        place = np.array([[-3.3 + 6.6 * (column + 0.5) / 25, 3.3 - 6.6 * (row + 0.5) / 25]])
        x = features(place, ["x1", "x1*x2"])
        assert maps["inputs", 1][row, column] == pytest.approx(x[0, 1], abs=0.05)
        predicted = setup.training.loss.predict(setup.network.apply(theta, x.astype(np.float32)))
        shown = {unit: values[row, column] for (layer, unit), values in maps.items() if layer == "output"}
        expected = predicted.reshape(-1)
        for unit, value in shown.items():
            assert value == pytest.approx(expected[unit], abs=0.02)


def test_the_report_is_the_confusion_matrix() -> None:
    session = opened()
    frame = trained(session, 60)
    report = told(session, "report")
    for part, accuracy in (("train", frame.measures.train_accuracy), ("test", frame.measures.test_accuracy)):
        counts = np.array(report[part]["counts"])
        assert np.trace(counts) / counts.sum() == pytest.approx(accuracy) == pytest.approx(report[part]["accuracy"])
        assert report[part]["by_class"]["recall"] == pytest.approx(np.diag(counts) / counts.sum(axis=1))
    assert report["train"]["loss"] == pytest.approx(frame.measures.train_loss)
    assert report["test"]["loss"] == pytest.approx(frame.measures.test_loss)
