"""First weights: their spread, and the names they are asked for by."""

import math
from typing import Any

import numpy as np
import pytest

from sfumato import (
    Convolution,
    Dense,
    Glorot,
    He,
    InputError,
    Network,
    Normal,
    ReLU,
    Tanh,
    Xavier,
    Zeros,
    multilayer_perceptron,
)
from sfumato.arrays import Array
from sfumato.layers.initializers import INITIALIZERS, Initializer, make_initializer
from sfumato.random_keys import Stream, generator

N_IN, N_OUT = 400, 500


def drawn(init: Initializer) -> Array:
    """200,000 weights: their variance deviates by 0.3 % on average, their mean by 0.2 % of the standard deviation."""
    return init.draw(generator(0, Stream.INITIALIZATION), (N_IN, N_OUT), N_IN, N_OUT)


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        (He(), 2 / N_IN),
        (Xavier(), 1 / N_IN),
        (Glorot(), 2 / (N_IN + N_OUT)),
        (Normal(), 0.01**2),
        (Normal(0.3), 0.3**2),
    ],
)
def test_weights_are_normal_with_the_variance_of_the_paper(init: Initializer, variance: float) -> None:
    weights = drawn(init) / math.sqrt(variance)
    assert weights.shape == (N_IN, N_OUT)
    assert weights.mean() == pytest.approx(0, abs=0.015)
    assert weights.var() == pytest.approx(1, abs=0.02)
    assert (np.abs(weights) < 1).mean() == pytest.approx(math.erf(1 / math.sqrt(2)), abs=0.01)


def test_zeros_are_zero() -> None:
    assert not drawn(Zeros()).any()


@pytest.mark.parametrize(("init", "activation"), [(He(), [ReLU()]), (Xavier(), []), (Glorot(), [])])
def test_the_signal_keeps_its_size_through_many_layers(init: Initializer, activation: list[Any]) -> None:
    network = Network([Dense(300, init), *activation] * 10, 300)
    x = np.random.default_rng(0).standard_normal((50, 300))
    outputs = network.apply(network.initialize(0, np.float64), x)
    assert 0.5 < np.mean(outputs**2) < 2


def test_each_weight_adds_up_its_own_layers_inputs_and_biases_start_at_zero() -> None:
    network = Network([Dense(500, He()), Tanh(), Dense(200, He())], 100)
    params = network.parameters(network.initialize(0, np.float64))
    assert params.dense_1.W.var() == pytest.approx(2 / 100, rel=0.04)
    assert params.dense_2.W.var() == pytest.approx(2 / 500, rel=0.04)
    assert not params.dense_1.b.any()
    assert not params.dense_2.b.any()


@pytest.mark.parametrize("init", [Normal(0.5), Zeros(), Xavier()])
def test_the_initialiser_asked_for_is_that_of_every_layer(init: Initializer) -> None:
    network = multilayer_perceptron(100, [200], 100, init=init)
    params = network.parameters(network.initialize(0, np.float64))
    for weights in (params.dense_1.W, params.dense_2.W):
        expected = init.standard_deviation(*weights.shape)
        assert weights.std() == pytest.approx(expected, rel=0.03)


def test_initialisers_are_made_by_name() -> None:
    assert [make_initializer(name) for name in INITIALIZERS] == [He(), Xavier(), Glorot(), Normal(0.01), Zeros()]
    assert make_initializer("normal", 0.2) == Normal(0.2)


@pytest.mark.parametrize(
    ("name", "scale", "message"),
    [
        ("kaiming", None, "no initialiser is called 'kaiming': use one of he, xavier, glorot, normal, zeros"),
        ("he", 0.1, "the he initialiser has no scale of its own"),
        ("normal", 0.0, "must be a positive number, not 0.0"),
        ("normal", -1.0, "must be a positive number, not -1.0"),
        ("normal", math.nan, "must be a positive number, not nan"),
        ("normal", math.inf, "must be a positive number, not inf"),
    ],
)
def test_unknown_names_and_scales_that_cannot_be_are_refused(name: str, scale: float | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_initializer(name, scale)


@pytest.mark.parametrize(("given", "expected"), [("xavier", Xavier()), (Zeros, Zeros()), (Normal(0.3), Normal(0.3))])
def test_layers_take_initialisers_by_name_by_kind_and_as_objects(given: Any, expected: Initializer) -> None:
    assert Dense(3, init=given) == Dense(3, expected)
    assert Convolution(3, init=given) == Convolution(3, init=expected)
    network, same = multilayer_perceptron(3, [4], 2, init=given), multilayer_perceptron(3, [4], 2, init=expected)
    np.testing.assert_array_equal(network.initialize(1), same.initialize(1))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("xaver", "^no initialiser is called 'xaver': use one of .*; did you mean 'xavier'\\?$"),
        (0.1, r"^an initialiser is a name \(he, .*\) or an object as He\(\), not 0.1$"),
    ],
)
def test_what_is_no_initialiser_is_refused_by_the_layer(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Dense(3, init=given)
