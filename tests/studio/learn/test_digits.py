"""Digits: everything that is shown is the network's, and a drawing becomes a digit as MNIST's are."""

import json
from typing import Any, NamedTuple

import numpy as np
import pytest
from tests.studio.learn.talking import refused, told

from sfumato import data
from sfumato.arrays import Array
from sfumato.data.scaling import Scaling
from sfumato.evaluation import ConfusionMatrix
from sfumato.layers import NOTHING
from sfumato.losses import CategoricalCrossEntropy
from sfumato.studio.learn.digits import Digits
from sfumato.studio.learn.drawing import drawn
from sfumato.studio.learn.frames import PICTURES
from sfumato.studio.learn.session import Session
from sfumato.training import fit

SEVEN = [[[0.2, 0.2], [0.8, 0.2], [0.4, 0.9]]]
RING = [[[0.5 + 0.3 * np.cos(t), 0.5 + 0.4 * np.sin(t)] for t in np.linspace(0, 2 * np.pi, 40).tolist()]]

SHOWN = {
    ("dense", "relu"): ["relu_1", "relu_2", "dense_3"],
    ("dense", "tanh"): ["tanh_1", "tanh_2", "dense_3"],
    ("convolutional", "relu"): ["convolution_1", "maxpooling_1", "convolution_2", "maxpooling_2", "dense_1"],
    ("convolutional", "tanh"): ["tanh_1", "maxpooling_1", "tanh_2", "maxpooling_2", "dense_1"],
}


class Seen(NamedTuple):
    """A frame of pictures, read as the page reads it: the JSON, and each set of pictures, bytes, with its scale."""

    told: dict[str, Any]
    pictures: dict[str, tuple[Array, float]]


def seen(frame: Any) -> Seen:
    """Read a frame."""
    assert isinstance(frame, bytes), frame
    kind, version, _, length = PICTURES.unpack_from(frame)
    assert (kind, version) == (2, 1)
    at = PICTURES.size + length
    told, pictures = json.loads(frame[PICTURES.size : at]), {}
    for own in told["pictures"]:
        shape = own["count"], own["height"], own["width"]
        found = np.frombuffer(frame, np.uint8, int(np.prod(shape)), at).reshape(shape)
        pictures[own["name"]] = found, own["scale"]
        at += found.size
    assert at == len(frame)
    return Seen(told, pictures)


def numbers(picture: tuple[Array, float]) -> Array:
    """The numbers that a signed picture stands for."""
    cells, scale = picture
    return scale * (cells.astype(float) - 128) / 127


def train(digits: Digits, steps: int) -> list[dict[str, Any]]:
    """Take so many steps, of which a command takes as many as its time allows; returns what each frame tells."""
    end, told = digits.training.now.steps + steps, []
    while digits.training.now.steps < end:
        told.append(seen(digits.go({"steps": min(100, end - digits.training.now.steps)})).told)
    return told


def outputs_by_hand(digits: Digits, digit: Array) -> dict[str, Array]:
    """Outputs of every layer for a digit, as each layer's own forward pass gives them, one after the other."""
    network, theta = digits.training.network, digits.training.now.theta
    x = digit[np.newaxis, ..., np.newaxis] * np.float32(1 / 255)
    outputs = {}
    for name, layer, params in zip(network.names, network.layers, network.parameters(theta), strict=True):
        x, _ = layer.forward(params, x, NOTHING)
        outputs[name] = x[0]
    return outputs


@pytest.fixture(scope="module", params=SHOWN, ids=" ".join)
def learning(request: pytest.FixtureRequest) -> Digits:
    """A network of each kind, after a few steps."""
    network, activation = request.param
    digits = Digits()
    described = digits.begin({"network": network, "activation": activation, "learning_rate": 0.01})
    assert [layer["name"] for layer in described["layers"]] == SHOWN[request.param]
    train(digits, 300 if network == "dense" else 40)
    return digits


def test_the_answers_of_a_drawn_digit_are_the_layers_own(learning: Digits) -> None:
    frame = seen(learning.look({"strokes": SEVEN}))
    (digit,), _ = frame.pictures["digit"]
    assert (digit == drawn(SEVEN)).all()
    outputs = outputs_by_hand(learning, digit)
    shown = {**frame.told["seen"]["layers"], **{name: None for name in frame.pictures if name != "digit"}}
    assert set(shown) == set(learning.training.shown)
    for name, values in shown.items():
        if values is not None:
            assert values == pytest.approx(outputs[name], rel=1e-5, abs=1e-6)
            continue
        maps = numbers(frame.pictures[name])
        assert maps.transpose(1, 2, 0) == pytest.approx(outputs[name], abs=frame.pictures[name][1] / 250)
    z = outputs[learning.training.network.names[-1]].astype(float)
    shares = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    assert frame.told["seen"]["shares"] == pytest.approx(shares, rel=1e-4, abs=1e-7)


def test_a_frame_tells_how_well_the_test_digits_are_read(learning: Digits) -> None:
    frame, own = seen(learning.go({"steps": 0})).told, learning.training
    test = data.mnist().test
    assert test is not None
    rows = own.measured
    assert (np.diff(rows) == 10_000 / len(rows)).all()
    logits = own.network.apply(own.now.theta, test.x[rows] * np.float32(1 / 255))
    said = logits.argmax(axis=1)
    matrix = ConfusionMatrix.from_labels(test.y[rows], said, tuple("0123456789"))
    assert frame["test"]["counts"] == matrix.counts.tolist()
    assert frame["test"]["accuracy"] == (said == test.y[rows]).mean() > 0.6
    loss, _ = CategoricalCrossEntropy().forward(logits, test.y[rows])
    assert frame["test"]["loss"] == pytest.approx(loss.loss / len(rows), rel=1e-5)
    for wrong in frame["wrong"]:
        (row,) = np.flatnonzero(rows == wrong["number"])
        assert (wrong["digit"], wrong["said"]) == (test.y[row * (10_000 // len(rows))], said[row])
        assert wrong["digit"] != wrong["said"]
    shares = [wrong["share"] for wrong in frame["wrong"]]
    assert shares == sorted(shares, reverse=True)
    assert len(shares) == min(20, int((said != test.y[rows]).sum()))


def test_the_pictures_of_wrong_digits_and_of_weights_are_those(learning: Digits) -> None:
    frame, own = seen(learning.go({"steps": 0})), learning.training
    test = data.mnist().test
    assert test is not None
    for wrong, picture in zip(frame.told["wrong"], frame.pictures["wrong"][0], strict=True):
        assert (picture == test.x[wrong["number"], :, :, 0]).all()
    weights, scale = numbers(frame.pictures["weights"]), frame.pictures["weights"][1]
    parameters: Any = own.network.parameters(own.now.theta)
    if weights.shape == (15, 28, 28):
        assert weights[3, 20, 9] == pytest.approx(parameters.dense_1.W[20 * 28 + 9, 3], abs=scale / 250)
    else:
        assert weights[3, 2, 1] == pytest.approx(parameters.convolution_1.W[3, 2, 1, 0], abs=scale / 250)


def test_an_epoch_is_that_of_fit() -> None:
    digits, mnist = Digits(), data.mnist()
    digits.begin({"seed": 3})
    frames = train(digits, 938)
    network = digits.training.network
    scaling, loss = Scaling.unit(mnist.examples.x), CategoricalCrossEntropy()
    result = fit(
        network,
        loss,
        mnist.examples,
        scaling=scaling,
        batch_size=64,
        epochs=1,
        seed=3,
        optimizer="adam",
        learning_rate=0.003,
    )
    assert (digits.training.now.theta == result.theta).all()
    assert frames[-1]["train"]["loss"] < 0.5 < frames[0]["train"]["loss"]
    assert frames[-1]["epoch"] == pytest.approx(1)


def test_another_rate_holds_from_the_next_step_on() -> None:
    one, other = Digits(), Digits()
    for digits in (one, other):
        digits.begin({"learning_rate": 0.001})
        train(digits, 3)
    assert one.rate({"learning_rate": 0.01})["settings"]["learning_rate"] == 0.01
    before = one.training.now.theta.copy()
    for digits in (one, other):
        train(digits, 1)
    steps = [digits.training.now.theta.astype(float) - before for digits in (one, other)]
    assert steps[0] == pytest.approx(10 * steps[1], rel=1e-2, abs=1e-5)


def test_a_test_digit_is_looked_at_by_its_number_and_a_drawing_until_another_comes() -> None:
    digits, test = Digits(), data.mnist().test
    assert test is not None
    digits.begin({})
    assert seen(digits.go({"steps": 0})).told["seen"]["example"] == 0
    frame = seen(digits.look({"example": 247}))
    assert (frame.pictures["digit"][0][0] == test.x[247, :, :, 0]).all()
    assert (frame.told["seen"]["example"], frame.told["seen"]["digit"]) == (247, test.y[247])
    assert "test" not in frame.told
    digits.look({"strokes": RING})
    for frame in (seen(digits.go({"steps": 1})), seen(digits.go({"steps": 0}))):
        assert (frame.pictures["digit"][0][0] == drawn(RING)).all()
        assert "example" not in frame.told["seen"]
    digits.begin({"network": "convolutional"})
    assert (seen(digits.look({"strokes": RING})).pictures["digit"][0][0] == drawn(RING)).all()


def test_mnists_own_digits_come_back_when_they_are_drawn() -> None:
    """With the pen on every pixel of ink, in the pad's corner, they are those digits again, to about a pixel."""
    alike = []
    for image in data.mnist().examples.x[:20, :, :, 0]:
        places = np.argwhere(image > 200)
        places -= places.min(axis=0)
        digit = drawn([[[0.05 + column / 22, 0.05 + row / 22]] for row, column in places.tolist()])
        for axis in np.indices(image.shape):
            before, after = ((axis * ink).sum() / ink.sum() for ink in (image.astype(float), digit.astype(float)))
            assert abs(before - after) < 1
        alike.append(np.corrcoef(image.ravel(), digit.ravel())[0, 1])
    assert np.mean(alike) > 0.8


@pytest.mark.parametrize("strokes", [SEVEN, RING, [[[0.5, 0.5]]], [[[0.1, 0.1], [0.1, 0.9]]]], ids=range(4))
def test_a_drawing_fills_twenty_pixels_about_its_centre(strokes: Any) -> None:
    digit = drawn(strokes)
    assert digit.shape == (28, 28)
    rows, columns = np.nonzero(digit)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    centre = [(axis * digit).sum() / digit.sum() for axis in np.indices(digit.shape)]
    assert centre == pytest.approx([14, 14], abs=0.6)


def test_ink_with_its_centre_in_a_corner_stays_within_the_picture() -> None:
    rows, columns = np.nonzero(drawn([[[0, 0], [0, 1], [1, 1]]]))
    assert [int(rows.min()), int(columns.max())] == [0, 27]
    assert [int(np.ptp(rows)), int(np.ptp(columns))] == [19, 19]


@pytest.mark.parametrize(
    ("do", "fields", "field"),
    [
        ("digits", {"network": "recurrent"}, "digits.network"),
        ("digits", {"activation": "sigmoid"}, "digits.activation"),
        ("digits", {"learning_rate": 0}, "digits.learning_rate"),
        ("digits", {"learning_rate": 0.2}, "digits.learning_rate"),
        ("digits", {"learning_rate": "fast"}, "digits.learning_rate"),
        ("digits", {"seed": -1}, "digits.seed"),
        ("digits-rate", {"learning_rate": 1}, "digits.learning_rate"),
        ("digits", {"filters": 1000}, "digits.filters"),
        ("digits-go", {"steps": 101}, "digits-go.steps"),
        ("digits-go", {"steps": 1.5}, "digits-go.steps"),
        ("digits-look", {}, None),
        ("digits-look", {"example": 0, "strokes": SEVEN}, None),
        ("digits-look", {"example": 10_000}, "digits-look.example"),
        ("digits-look", {"example": -1}, "digits-look.example"),
        ("digits-look", {"strokes": []}, "digits-look.strokes"),
        ("digits-look", {"strokes": [[]]}, "digits-look.strokes"),
        ("digits-look", {"strokes": "circle"}, "digits-look.strokes"),
        ("digits-look", {"strokes": [[[0.5]]]}, "digits-look.strokes"),
        ("digits-look", {"strokes": [[[0.5, 1.5]]]}, "digits-look.strokes"),
        ("digits-look", {"strokes": [[[0.5, None]]]}, "digits-look.strokes"),
        ("digits-look", {"strokes": [[[0.5, 0.5]] * 5001]}, "digits-look.strokes"),
    ],
    ids=str,
)
def test_what_is_beyond_the_limits_is_refused_in_a_line(do: str, fields: dict[str, Any], field: str | None) -> None:
    session = Session()
    told(session, "digits")
    assert refused(session, do, **fields)[1] == field


@pytest.mark.parametrize(("do", "fields"), [("digits-go", {}), ("digits-rate", {}), ("digits-look", {"example": 3})])
def test_what_must_come_first_is_said(do: str, fields: dict[str, Any]) -> None:
    assert "begin with the command digits" in refused(Session(), do, **fields)[0]
