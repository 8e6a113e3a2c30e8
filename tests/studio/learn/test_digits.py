"""Digits: what is shown is the network's, and a drawing becomes a digit as the data's are."""

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sfumato import data
from sfumato.errors import InputError
from sfumato.studio.learn.digits import Digits, centred


@pytest.fixture(scope="module", params=["dense", "convolutional"])
def trained(request: pytest.FixtureRequest) -> Digits:
    """Networks that have seen the 8 x 8 digits for 150 steps."""
    digits = Digits("digits", request.param, learning_rate=0.01)
    for _ in range(150):
        digits.train(0)
    return digits


def test_digits_are_learnt_and_the_frame_says_how_well(trained: Digits) -> None:
    frame = trained.frame()
    assert frame.step == 150
    assert frame.accuracy > 0.85
    right = trained.network.apply(trained.now.theta, trained.x).argmax(axis=1) == trained.test.y
    assert frame.accuracy == right.mean()


def test_the_errors_are_errors_and_the_surest_come_first(trained: Digits) -> None:
    errors = trained.frame().errors
    assert 0 < len(errors) <= 20
    assert [error.share for error in errors] == sorted((error.share for error in errors), reverse=True)
    for error in errors:
        assert error.digit != error.taken_for
        shares, _ = trained.answers(error.picture / 255)
        assert shares.argmax() == error.taken_for


def test_the_first_layers_weights_are_pictures(trained: Digits) -> None:
    own: Any = trained.network.parameters(trained.now.theta)
    if trained.weights().shape[1:] == (8, 8):
        assert trained.weights()[3, 2, 5] == own.dense_1.W[2 * 8 + 5, 3]
    else:
        assert trained.weights()[3, 2, 1] == own.convolution_1.W[3, 2, 1, 0]


def test_a_frame_is_read_as_it_is_written(trained: Digits) -> None:
    frame = trained.frame()
    packed = frame.pack()
    kind, version, errors, step, epoch, loss, accuracy = struct.unpack_from("<BBHI3d", packed)
    count, height, width, rows, columns, _, largest = struct.unpack_from("<6Hf", packed, 32)
    assert (kind, version, errors, step) == (2, 1, len(frame.errors), 150)
    assert (epoch, loss, accuracy) == (frame.epoch, frame.loss, frame.accuracy)
    weights = np.frombuffer(packed, np.int8, count * height * width, 48).reshape(count, height, width)
    assert weights * largest / 127 == pytest.approx(frame.weights, abs=largest / 200)
    at = 48 + weights.size
    assert (packed[at], packed[at + 1]) == (frame.errors[0].digit, frame.errors[0].taken_for)
    pictures = np.frombuffer(packed, np.uint8, errors * rows * columns, at + 4 * errors)
    assert (pictures.reshape(errors, rows, columns)[0] == frame.errors[0].picture).all()
    assert len(packed) == at + 4 * errors + pictures.size


def test_every_layer_answers_and_convolutions_with_maps(trained: Digits) -> None:
    picture = trained.test.x[0, :, :, 0] / trained.darkest
    shares, layers = trained.answers(picture)
    assert shares.sum() == pytest.approx(1)
    logits = trained.network.apply(trained.now.theta, trained.x[:1])[0]
    assert layers[-1].outputs == pytest.approx(logits, rel=1e-5)
    maps = [layer.outputs.shape for layer in layers if layer.outputs.ndim == 3]
    assert maps == ([] if layers[0].name == "dense_1" else [(8, 8, 8), (4, 4, 8), (4, 4, 16), (2, 2, 16)])


def test_mnist_has_the_references_network() -> None:
    digits = Digits("mnist", "dense")
    assert digits.network.size == 784 * 15 + 15 + 15 * 9 + 9 + 9 * 10 + 10
    assert digits.weights().shape == (15, 28, 28)
    digits.train(0)
    assert digits.frame().errors[0].picture.shape == (28, 28)


@pytest.mark.parametrize(("kind", "network"), [("letters", "dense"), ("digits", "recurrent")])
def test_other_digits_and_networks_are_refused(kind: str, network: str) -> None:
    with pytest.raises(InputError):
        Digits(kind, network)


@pytest.mark.parametrize("picture", [np.zeros((3, 3)), np.full((8, 8), 2.0), np.full((8, 8), np.nan)])
def test_a_picture_that_does_not_fit_is_refused(picture: Any) -> None:
    with pytest.raises(InputError, match="8 x 8 values from 0 to 1"):
        Digits().answers(picture)


def test_mnists_own_digits_stay_where_they_are_when_they_are_centred() -> None:
    """Drawn ten times larger and moved to a corner, they come back to within a pixel of their place."""
    alike = []
    for image in data.mnist().examples.x[:20, :, :, 0] / 255:
        large = np.zeros((400, 400))
        large[90:370, 110:390] = np.asarray(Image.fromarray(image.astype(np.float32)).resize((280, 280)))
        back = centred(large.clip(0, 1), (28, 28))
        rows, columns = np.indices((28, 28))
        for axis in (rows, columns):
            before, after = (axis * image).sum() / image.sum(), (axis * back).sum() / back.sum()
            assert abs(before - after) < 1
        alike.append(np.corrcoef(image.ravel(), back.ravel())[0, 1])
    assert np.mean(alike) > 0.8


def test_a_drawing_fills_a_digit_of_8_x_8() -> None:
    drawing = np.zeros((200, 300))
    drawing[40:160, 100:110] = 1.0
    drawing[40:50, 100:200] = 1.0
    digit = centred(drawing, (8, 8))
    assert digit.shape == (8, 8)
    assert digit[:, 0].min() > 0.1
    assert digit[0].min() > 0.1
    assert digit[4:, 4:].max() == 0


@pytest.mark.parametrize("shape", [(28, 28), (8, 8)])
def test_an_empty_drawing_is_paper_and_a_dot_a_digit(shape: tuple[int, int]) -> None:
    drawing = np.zeros((100, 100))
    assert not centred(drawing, shape).any()
    drawing[50, 50] = 1
    assert centred(drawing, shape).any()


@pytest.mark.parametrize("drawing", [np.zeros(4), np.full((4, 4), -1.0), np.zeros((0, 3))])
def test_what_is_no_drawing_is_refused(drawing: Any) -> None:
    with pytest.raises(InputError, match="rows of values"):
        centred(drawing, (28, 28))
