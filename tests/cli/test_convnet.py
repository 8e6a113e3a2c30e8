"""`--architecture convnet`: a convolutional network from the command line, from training to prediction."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato import Convolution, MaxPooling, Model
from sfumato.data import load
from sfumato.training.defaults import CONVNET

Call = Callable[..., Any]

TRAIN = ["train", "digits", "--architecture", "convnet", "--limit", "400", "--schedule", "constant", "--quiet"]


@pytest.fixture
def outcome(here: Call) -> Callable[..., dict[str, Any]]:
    """Trains for two epochs with options, and returns what came out."""

    def call(*options: str) -> dict[str, Any]:
        status, out, err = here(*TRAIN, "--epochs", "2", "--json", *options)
        assert (status, err) == (0, "")
        values: dict[str, Any] = json.loads(out)
        return values

    return call


def test_from_training_to_answers(here: Call, tmp_path: Path) -> None:
    status, out, _ = here("train", "digits", "--architecture", "convnet", "--epochs", "4", "--quiet", "-o", "run")
    assert status == 0
    assert out.startswith("digits: network 8x8x1-conv32-conv64-128-10, ")
    assert (tmp_path / "run" / "weights.png").read_bytes().startswith(b"\x89PNG")
    images, truth, _ = load("digits").examples
    report = json.loads(here("evaluate", "run", "digits", "--json").out)
    assert report["accuracy"] > 0.95

    np.savetxt(tmp_path / "pixels.csv", images.reshape(len(images), -1), fmt="%d", delimiter=",")
    answers = [int(digit) for (digit,) in list(csv.reader(here("predict", "run", "pixels.csv").out.splitlines()))[1:]]
    assert np.mean(np.array(answers) == truth) == pytest.approx(report["accuracy"])

    model = Model.load(tmp_path / "run" / "model.safetensors")
    assert [type(layer) for layer in model.network.layers[:2]] == [Convolution, MaxPooling]
    assert model.predict(images).tolist() == answers


@pytest.mark.usefixtures("blank_figures")
def test_a_run_that_goes_on_and_any_number_of_threads_give_the_same_bytes(here: Call, tmp_path: Path) -> None:
    for name, options in (
        ("whole", ["--epochs", "3", "--threads", "1"]),
        ("parts", ["--epochs", "1", "--threads", "2"]),
        ("parts", ["--epochs", "3", "--threads", "2", "--resume"]),
    ):
        assert here(*TRAIN, *options, "-o", name).status == 0
    whole, parts = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts


@pytest.mark.slow
def test_each_option_of_the_network_changes_the_training(outcome: Callable[..., dict[str, Any]]) -> None:
    told = [
        outcome(*options.split())["test_loss"]
        for options in (
            "",
            "--hidden 64",
            "--hidden none",
            "--hidden none --dropout 0",
            "--hidden 32,16",
            "--activation tanh",
            "--activation leaky-relu",
            "--activation sigmoid",
            "--init glorot",
            "--dropout 0",
            "--dropout 0.2",
            "--schedule cosine",
            "--batch-size 50",
            "--architecture dense",
        )
    ]
    assert len(set(told)) == len(told)


def test_defaults_are_those_that_the_help_shows(
    outcome: Callable[..., dict[str, Any]], here: Call, tmp_path: Path
) -> None:
    given = ["--hidden", ",".join(map(str, CONVNET.hidden)), "--dropout", str(CONVNET.dropout), "--batch-size", "16"]
    assert outcome(*given)["test_loss"] == outcome()["test_loss"]
    short = ["--limit", "100", "--epochs", "2", "--quiet", "-o", "run"]
    assert here("train", "digits", "--architecture", "convnet", *short).status == 0
    used = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))["used"]
    assert used["schedule"] == f"{CONVNET.schedule} over 2 epochs"


@pytest.mark.parametrize("options", ["", "--activation tanh --hidden none --l2 2"])
def test_its_gradient_is_right(options: str, here: Call) -> None:
    arguments = ["check", "digits", "--architecture", "convnet", "--limit", "5", "--directions", "4", "--json"]
    status, out, _ = here(*arguments, *options.split())
    report = json.loads(out)
    assert status == 0
    assert report["difference"] < 1e-7
    assert {"convolution_1.W", "convolution_1.b", "convolution_2.W"} < {row["name"] for row in report["parameters"]}


def test_what_it_cannot_take_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    said = "a convnet is for images, not for tables: leave --architecture out"
    assert refused("train", "circles", "--architecture", "convnet") == f"circles: {said}"
    assert refused("check", "circles", "--architecture", "convnet") == f"circles: {said}"
    assert "leave out dropout (--dropout 0)" in refused(*TRAIN, "--optimizer", "lbfgs")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(
        bytes([0, 0, 8, 3, *[0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 9]] + [7] * 162)
    )
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 9, 0, 1, 0, 1, 0, 1, 0, 1, 0]))
    assert "maxpooling_2: an image of 1 x 4 is too small" in refused("train", ".", "--architecture", "convnet")
