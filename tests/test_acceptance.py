"""The figures that the project promises on MNIST: medians over seeds 0 to 4, through the public interface."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sfumato import CategoricalCrossEntropy, Model, fit, multilayer_perceptron
from sfumato.cli import run
from sfumato.data import Scaling, mnist
from sfumato.optimizers.schedules import cosine


def median_reaches(least: float, accuracy: Callable[[int], float]) -> bool:
    """Whether the median over five seeds does: if three do. Seeds are trained until three have said the same."""
    said: list[bool] = []
    while max(said.count(True), said.count(False)) < 3:
        said.append(accuracy(len(said)) >= least)
    return said.count(True) == 3


def trained(hidden: tuple[int, ...], dropout: float = 0.0, **training: Any) -> Callable[[int], float]:
    """Gives for a seed the accuracy on the 10,000 test digits, after training on all 60,000 others."""
    digits = mnist()
    assert digits.test is not None
    loss, scaling = CategoricalCrossEntropy(), Scaling.unit(digits.examples.x)
    network = multilayer_perceptron(digits.feature_shape, hidden, 10, dropout=dropout)

    def accuracy(seed: int) -> float:
        result = fit(network, loss, digits.examples, scaling=scaling, seed=seed, **training)
        return Model(network, result.theta, loss, scaling, digits.classes).evaluate(digits.test)[1]

    return accuracy


@pytest.mark.slow
def test_784_15_9_10_reaches_the_accuracy_that_the_reference_prints_for_it() -> None:
    assert median_reaches(0.93, trained((15, 9), batch_size=1000, epochs=10))


@pytest.mark.slow
def test_784_512_256_10_with_dropout_reaches_98_5_percent() -> None:
    settings = {"learning_rate": cosine(0.002, epochs=40), "l2": 2.0, "batch_size": 500, "epochs": 40}
    assert median_reaches(0.985, trained((512, 256), dropout=0.5, **settings))


@pytest.mark.slow
def test_a_convolutional_network_reaches_99_2_percent_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    def accuracy(seed: int) -> float:
        assert run(["train", "mnist", "--architecture", "convnet", "--seed", str(seed), "--json", "--quiet"]) == 0
        return float(json.loads(capsys.readouterr().out)["test_accuracy"])

    assert median_reaches(0.992, accuracy)
