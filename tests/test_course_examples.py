"""The scripts that run the course's settings, on a few digits and for a few epochs."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfumato import multilayer_perceptron
from sfumato.arrays import Array
from sfumato.data import Dataset, Examples, mnist

EXAMPLES = Path(__file__).parent.parent / "examples"


def script(name: str) -> dict[str, Any]:
    """The functions of a script, which is not run."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """The first few hundred digits."""
    data = mnist()
    assert data.test is not None
    few = Examples(data.examples.x[:400], data.examples.y[:400])
    return Dataset(
        "few", few, Examples(data.test.x[:200], data.test.y[:200]), "classification", data.classes, (), "digit"
    )


def test_part_5_mnist_counts_every_digit_and_goes_on_from_round_to_round(digits: Dataset) -> None:
    part5 = script("part5_mnist")
    setting = part5["Setting"](examples=300, batch_size=100, learning_rate=0.01, epochs=4, rounds=2)
    found = part5["run"](setting, 0, digits.examples, digits.test)
    assert np.sum(found["training"]) == 400 and np.sum(found["test"]) == 200
    assert [row[0] for row in found["history"]] == [1, 2, 3, 4]
    assert found["history"][-1][1] < np.log(10)  # the second round did not begin anew
    assert found == part5["run"](setting, 0, digits.examples, digits.test) | {"seconds": found["seconds"]}


def test_part_5_spiral_falls_from_a_guess_among_three() -> None:
    found = script("part5_spiral")["run"](0.5, 2001, seed=0)
    assert len(found["costs"]) == 4
    assert found["costs"][0] == pytest.approx(np.log(3), abs=1e-3)
    assert found["costs"][2] < 0.2 < found["accuracy"]


def test_parts_4_and_6_have_the_faults_that_they_tell_of() -> None:
    parts = script("parts_4_and_6")
    network = multilayer_perceptron(2, [4, 3], 2)
    right = np.random.default_rng(0).normal(size=network.size)

    def layers(gradient: Array) -> list[Any]:
        return [layer for layer in network.parameters(gradient) if layer]

    below, above, last = layers(right)
    summed, shared, frozen = right.copy(), right.copy(), right.copy()
    parts["summed_output_bias"](layers(summed), 50)
    np.testing.assert_allclose(layers(summed)[-1].b, 50 * last.b)
    parts["shared_hidden_bias"](layers(shared), 50)
    np.testing.assert_allclose(layers(shared)[0].b, np.full(4, below.b.sum()))
    np.testing.assert_allclose(layers(shared)[-1].b, last.b)
    parts["frozen_output"](layers(frozen), 50)
    assert not layers(frozen)[-1].W.any() and not layers(frozen)[-1].b.any()
    np.testing.assert_allclose(layers(frozen)[-2].W, 2 * above.W)


def test_part_6_trains_from_the_start_of_its_listing() -> None:
    parts = script("parts_4_and_6")
    setting = parts["Setting"]("a few steps", "circles", (2, 7, 1), 0.6, 2001, "he")
    row = parts["train"](setting, "NumPy, seed 3")
    assert row["first cost"] > row["cost at 1000"] > row["last printed cost"]
    assert row["accuracy"] > 0.85 < row["test accuracy"]
    network = multilayer_perceptron(2, [7], 1)
    first = network.parameters(parts["first_weights"](network, "he", "NumPy, seed 3"))[0]
    # "He: times sqrt(2 / n)", of two inputs: the numbers as they are drawn, a row a unit
    np.testing.assert_array_equal(first.W.T, np.random.RandomState(3).randn(7, 2))


def test_part_7_trains_by_the_settings_of_r_and_octave(digits: Dataset) -> None:
    part7 = script("part7_r_and_octave")
    for name in ("R, Adam", "Octave, momentum"):
        found = part7["run"](part7["SETTINGS"][name], 0, digits.examples, digits.test, epochs=20)
        assert found["costs"][20] < found["costs"][1]


def test_an_optimizer_that_forgets_steps_by_the_last_gradient_alone() -> None:
    part7 = script("part7_r_and_octave")
    forgetful = part7["SETTINGS"]["R, momentum, state lost"].optimizer
    theta = np.zeros(3)
    state = forgetful.init(theta)
    for gradient in ([5.0, 5.0, 5.0], [1.0, -2.0, 0.0]):
        before = theta.copy()
        theta, state = forgetful.update(theta, np.array(gradient), state, 0.5)
    np.testing.assert_allclose(theta - before, [-0.05, 0.1, 0.0])  # 0.5 (1 - 0.9) g


def test_a_nine_without_target_pushes_its_output_down() -> None:
    loss = script("part5_as_published")["NinesWithoutTarget"]()
    z, y = np.zeros((2, 10)), np.array([9, 3])
    _, backward = loss.forward(z, y)
    np.testing.assert_allclose(backward(1.0)[0], np.full(10, 0.1))
    np.testing.assert_allclose(backward(1.0)[1], np.full(10, 0.1) - np.eye(10)[3])


def test_part_5_as_published_has_the_faults_that_it_tells_of() -> None:
    published = script("part5_as_published")
    parameters = published["NETWORK"].parameters
    size = published["NETWORK"].size
    for name, rate in (("python_step", 0.01), ("r_step", 0.05), ("octave_step", 0.01)):
        theta, gradient = np.zeros(size), np.random.default_rng(0).normal(size=size)
        right = parameters(-rate * gradient)
        published[name](theta, gradient.copy(), 7)
        moved = parameters(theta)
        if name == "r_step":
            assert not moved.dense_3.W.any() and not moved.dense_3.b.any()
            np.testing.assert_allclose(moved.dense_2.W, 2 * right.dense_2.W)
            np.testing.assert_allclose(moved.dense_1.b, np.full(15, right.dense_1.b.sum()))
        else:
            np.testing.assert_allclose(moved.dense_3.W, right.dense_3.W)
            np.testing.assert_allclose(moved.dense_3.b, right.dense_3.b * (7 if name == "python_step" else 1))
        np.testing.assert_allclose(moved.dense_1.W, right.dense_1.W)


def test_an_output_below_a_mixture_of_others_never_leads() -> None:
    leads = script("part5_as_published")["leads"]
    weights = np.array([[1, 0, 0.4], [0, 1, 0.4]])  # of three outputs; the last is best at (1/2, 1/2): 0.4 - 0.5
    assert leads(weights) == pytest.approx([0.6, 0.6, -0.1])


def test_part_5_as_published_counts_every_digit(digits: Dataset) -> None:
    published = script("part5_as_published")
    draws = 0.01 * np.random.default_rng(0).normal(size=published["NETWORK"].size)
    theta = published["start"](draws, columns_first=True)
    orders = [np.arange(400), np.arange(300, 400)]
    found = published["run"](published["LOSS"], digits, theta, orders, 100, published["octave_step"])
    assert np.sum(found["training"]) == 400 and np.sum(found["test"]) == 200
    assert [row[0] for row in found["history"]] == [0, 1]
