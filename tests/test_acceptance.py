"""The figures that the project promises on MNIST: medians over seeds 0 to 4, through the public interface."""

import json
import statistics
from typing import Any

import pytest

from sfumato import CategoricalCrossEntropy, Model, fit, multilayer_perceptron
from sfumato.cli import run
from sfumato.data import Scaling, mnist
from sfumato.optimizers.schedules import cosine


def median_test_accuracy(hidden: tuple[int, ...], dropout: float = 0.0, **training: Any) -> float:
    """Median over five seeds of the accuracy on the 10,000 test digits, after training on all 60,000 others."""
    digits = mnist()
    assert digits.test is not None
    loss, scaling = CategoricalCrossEntropy(), Scaling.unit(digits.examples.x)
    accuracies = []
    for seed in range(5):
        network = multilayer_perceptron(digits.feature_shape, hidden, 10, dropout=dropout)
        result = fit(network, loss, digits.examples, scaling=scaling, seed=seed, **training)
        accuracies.append(Model(network, result.theta, loss, scaling, digits.classes).evaluate(digits.test)[1])
    return statistics.median(accuracies)


def test_784_15_9_10_reaches_the_accuracy_that_the_reference_prints_for_it() -> None:
    assert median_test_accuracy((15, 9), batch_size=1000, epochs=20) >= 0.93


@pytest.mark.slow
def test_784_512_256_10_with_dropout_reaches_98_5_percent() -> None:
    settings = {"learning_rate": cosine(0.002, epochs=40), "l2": 2.0, "batch_size": 500, "epochs": 40}
    assert median_test_accuracy((512, 256), dropout=0.5, **settings) >= 0.985


@pytest.mark.slow
def test_a_convolutional_network_reaches_99_2_percent_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    accuracies = []
    for seed in range(5):
        assert run(["train", "mnist", "--architecture", "convnet", "--seed", str(seed), "--json", "--quiet"]) == 0
        accuracies.append(json.loads(capsys.readouterr().out)["test_accuracy"])
    assert statistics.median(accuracies) >= 0.992
