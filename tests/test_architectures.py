"""The convolutional network: what it is made of, and how it is trained and evaluated."""

import tracemalloc
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from sfumato import (
    CategoricalCrossEntropy,
    InputError,
    Layer,
    LeakyReLU,
    Model,
    Network,
    convolutional_network,
    fit,
    multilayer_perceptron,
    plots,
)
from sfumato.data import Examples, Scaling
from sfumato.layers.base import Activation
from sfumato.minimize import RunOptions


def kinds(network: Network) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


def test_relu_is_part_of_the_convolution_and_other_activations_follow_it() -> None:
    block = ["Convolution", "MaxPooling"]
    head = ["Flatten", "Dropout", "Dense", "ReLU", "Dropout", "Dense"]
    assert kinds(convolutional_network((28, 28, 1), 10)) == [*block, *block, *head]
    tanh = convolutional_network((8, 8, 3), 10, filters=(5,), hidden=(), activation="tanh", dropout=0)
    assert kinds(tanh) == ["Convolution", "Tanh", "MaxPooling", "Flatten", "Dense"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "swish"}, "no activation is called 'swish'"),
        ({"dropout": 1.0}, "the probability of dropping must be at least 0 and below 1"),
        ({"filters": (0,)}, "the filters of a convolution must be a whole number from 1, not 0"),
        ({"filters": (4,) * 4}, "maxpooling_4: an image of 1 x 1 is too small for a window of 2 x 2"),
    ],
)
def test_bad_arguments_are_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        convolutional_network((8, 8, 1), 10, **arguments)


def images(count: int, size: int) -> Examples:
    rng = np.random.default_rng(0)
    return Examples(rng.integers(0, 256, (count, size, size, 1), dtype=np.uint8), np.arange(count) % 3)


def test_its_kernels_have_the_threads_in_training_and_dense_networks_leave_them_to_blas() -> None:
    seen = []

    def look(_: Any) -> None:
        libraries: list[dict[str, int]] = ThreadpoolController().select(user_api="blas").info()
        seen.append({library["num_threads"] for library in libraries})

    examples = images(20, 8)
    for network in (convolutional_network((8, 8, 1), 3), multilayer_perceptron((8, 8, 1), (5,), 3)):
        with threadpool_limits(2, user_api="blas"):
            fit(network, CategoricalCrossEntropy(), examples, epochs=1, run=RunOptions(callback=look))
            look(None)
    assert seen == [{1}, {2}, {2}, {2}]


def test_evaluation_of_many_images_takes_memory_for_some_at_a_time() -> None:
    network = convolutional_network((28, 28, 1), 3)
    examples = images(2000, 28)
    model = Model(network, network.initialize(), CategoricalCrossEntropy(), Scaling.unit(examples.x), tuple("abc"))
    tracemalloc.start()
    model.evaluate(examples)
    model.predict(examples.x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * 2**20, "all at once, the first convolution alone would take 200 MB"


def test_no_images_give_no_answers() -> None:
    network = convolutional_network((8, 8, 1), 3)
    model = Model(network, network.initialize(), CategoricalCrossEntropy(), Scaling.none(), ("a", "b", "c"))
    assert model.predict(np.zeros((0, 8, 8, 1))).shape == (0,)


def test_the_first_layers_filters_are_drawn() -> None:
    network = convolutional_network((8, 8, 3), 3)
    model = Model(network, network.initialize(), CategoricalCrossEntropy(), Scaling.none(), ("a", "b", "c"))
    figure = plots.first_weights(model, limit=20)
    assert "Filters of the first layer (the first 20)" in [text.get_text() for text in figure.texts]
    drawn = [list(axes.images[0].get_extent()) for axes in figure.axes if axes.images]
    assert drawn == [[-0.5, 2.5, 2.5, -0.5]] * 20


@dataclass(frozen=True)
class Halved(Activation):
    """An activation of one's own."""

    by: float = 2.0

    def forward(self, params: Any, x: Any, needs: Any, rng: Any = None) -> tuple[Any, Any]:
        return x / self.by, lambda dz, grads: dz / self.by


@dataclass(frozen=True)
class Scaled(Halved):
    """One that needs a setting."""

    by: float = field(kw_only=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("leaky-relu", LeakyReLU()), (LeakyReLU(0.2), LeakyReLU(0.2)), (Halved, Halved()), (Halved(3.0), Halved(3.0))],
)
def test_activations_are_given_by_name_by_kind_and_as_layers(given: Any, expected: Layer[Any]) -> None:
    assert multilayer_perceptron(3, [4, 5], 2, activation=given).layers[1::2] == (expected, expected)
    assert convolutional_network((8, 8, 1), 2, activation=given).layers[1] == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("rleu", "^no activation is called 'rleu': use one of relu, leaky-relu, .*; did you mean 'relu'\\?$"),
        (np.tanh, "^an activation is a name .* or a layer, which has its derivative too, not <ufunc 'tanh'>: docs/add"),
        (Scaled, "^Scaled needs settings .*: give an instance of it$"),
    ],
)
def test_what_is_no_activation_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        multilayer_perceptron(3, [4], 2, activation=given)
