"""Networks: one flat vector with names, layers in a row, and nothing computed that is not wanted."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
from scipy import special

from sfumato import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Dense,
    Dropout,
    Flatten,
    InputError,
    LeakyReLU,
    MeanSquaredError,
    Network,
    NetworkObjective,
    ReLU,
    Sigmoid,
    Tanh,
    check_gradient,
    multilayer_perceptron,
)
from sfumato.arrays import Array, namespace, to_numpy
from sfumato.engine import Engine
from sfumato.layers import ACTIVATIONS, EVERYTHING, NOTHING, Needs
from sfumato.layers.base import Activation, Forward, NoParameters, Rng
from sfumato.objective import OnDevice


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def assert_equal(ours: Array, right: Array) -> None:
    np.testing.assert_array_equal(to_numpy(ours), to_numpy(right))


@dataclass(frozen=True)
class Spy(Activation):
    """The identity, noting what it is asked for, which array it was shown, and for which needs it went back."""

    wants: list[Needs] = field(default_factory=list)
    shown: list[weakref.ref[Array]] = field(default_factory=list)
    back: list[Needs] = field(default_factory=list)

    def forward(self, params: NoParameters, x: Array, needs: Needs, rng: Rng = None) -> Forward[NoParameters]:
        self.wants.append(needs)
        self.shown.append(weakref.ref(x))

        def backward(dz: Array, grads: NoParameters) -> Array:
            self.back.append(needs)
            return dz

        return x, backward


def test_theta_is_laid_out_layer_by_layer_without_gaps() -> None:
    network = Network([Flatten(), Dense(4), ReLU(), Dense(2), ReLU()], (3, 1))
    assert network.names == ("flatten_1", "dense_1", "relu_1", "dense_2", "relu_2")
    assert [(p.name, p.layer, p.start, p.stop, p.spec.shape, p.spec.decays) for p in network.layout] == [
        ("dense_1.W", 1, 0, 12, (3, 4), True),
        ("dense_1.b", 1, 12, 16, (4,), False),
        ("dense_2.W", 3, 16, 24, (4, 2), True),
        ("dense_2.b", 3, 24, 26, (2,), False),
    ]
    assert network.size == 26
    assert network.output_shape == (2,)
    assert np.flatnonzero(~network.decaying()).tolist() == [12, 13, 14, 15, 24, 25]


def test_parameters_are_views_that_write_through_both_ways(engine: Engine) -> None:
    network = Network([Dense(4), ReLU(), Dense(2)], 3)
    theta = engine.put(np.zeros(network.size))
    params = network.parameters(theta)
    params.dense_2.W[1, 0] = 5
    theta[-1] = 7
    assert theta[network.layout[2].start + 2] == 5
    assert params.dense_2.b.tolist() == [0, 7]


def test_parameters_of_another_network_are_refused() -> None:
    with pytest.raises(InputError, match=r"this network has 8 parameters; theta has shape \(7,\)"):
        Network([Dense(2)], 3).parameters(np.zeros(7))


def test_first_weights_follow_from_the_seed_in_every_precision() -> None:
    network = Network([Dense(4), ReLU(), Dense(2)], 3)
    np.testing.assert_array_equal(network.initialize(5), network.initialize(5))
    np.testing.assert_array_equal(network.initialize(5), network.initialize(5, np.float64).astype(np.float32))
    assert network.initialize(5).dtype == np.float32
    assert (network.initialize(5) != network.initialize(6)).sum() == 20  # all weights, no bias


def test_a_network_in_a_network_is_the_layers_in_a_row(double: Engine) -> None:
    flat = Network([Dense(4), Tanh(), Dense(3), Tanh(), Dense(1)], 2)
    inner = Network([Dense(4), Tanh(), Dense(3)], 2)
    nested = Network([inner, Tanh(), Dense(1)], 2)
    assert [p.name for p in nested.layout[:4]] == [f"network_1.dense_{i}.{p}" for i in (1, 2) for p in "Wb"]
    assert [p.layer for p in nested.layout] == [0, 0, 0, 0, 2, 2]
    x, y, theta = normal(5, 2), normal(5, seed=1), normal(flat.size, seed=2)
    ours, right = (
        OnDevice(NetworkObjective(network, MeanSquaredError(), double.put(x), double.put(y), l2=0.1), double)
        for network in (nested, flat)
    )
    evaluation, expected = ours(theta), right(theta)
    assert evaluation.loss == expected.loss
    np.testing.assert_array_equal(evaluation.gradient, expected.gradient)
    assert check_gradient(ours, theta).difference < 1e-8
    np.testing.assert_array_equal(flat.initialize(3), nested.initialize(3))


@pytest.mark.parametrize(
    ("inner", "analytic", "stochastic"),
    [(Dense(2), True, False), (ReLU(), False, False), (LeakyReLU(), False, False), (Dropout(0.1), True, True)],
)
def test_a_network_is_what_its_layers_are(inner: Any, analytic: bool, stochastic: bool) -> None:
    network = Network([Network([inner], 2), Dense(1)], 2)
    assert (network.analytic, network.stochastic) == (analytic, stochastic)


def test_an_objective_over_other_examples_is_the_one_made_of_them(engine: Engine) -> None:
    network = Network([Dense(4), Dropout(0.5), Dense(1)], 3)
    theta, x, y, weight = map(engine.put, (normal(network.size), normal(8, 3), normal(8), np.linspace(0.5, 1.5, 8)))
    whole, part = NetworkObjective(network, MeanSquaredError(), x, y, l2=0.3), slice(2, 5)
    expected = NetworkObjective(
        network,
        MeanSquaredError(),
        x[part],
        y[part],
        sample_weight=weight[part],
        l2=0.3,
        data_size=8,
        dropout_key=(1, 2),
    )(theta)
    before = whole(theta)
    evaluation = whole.over(x[part], y[part], weight[part], (1, 2))(theta)
    assert (evaluation.loss, evaluation.terms) == (expected.loss, expected.terms)
    assert_equal(evaluation.gradient, expected.gradient)
    assert whole(theta).loss == before.loss


def test_an_objective_follows_theta_that_is_stepped_in_place_or_replaced(engine: Engine) -> None:
    network = multilayer_perceptron(3, [5], 1)
    x, y, theta = map(engine.put, (normal(20, 3), normal(20), normal(network.size)))
    objective = NetworkObjective(network, MeanSquaredError(), x, y)
    first, other = theta, engine.put(normal(network.size, seed=1))
    for point in (first, other, first):
        point[:] = 2 * point
        expected = NetworkObjective(network, MeanSquaredError(), x, y)(point)
        for same in (objective, objective.over(x, y)):
            assert same(point).loss == same.value(point) == expected.loss
            assert_equal(same(point).gradient, expected.gradient)


def test_gradients_are_computed_only_where_they_are_needed() -> None:
    before, between = Spy(), Spy()
    network = Network([before, Dense(4), between, Dense(1)], 3)
    theta, x = normal(network.size), normal(5, 3)
    objective = NetworkObjective(network, MeanSquaredError(), x, normal(5))
    objective(theta)
    objective.value(theta)
    z, backward = network.forward(network.parameters(theta), x, Needs(weights=False, inputs=True))
    backward(np.ones_like(z), network.parameters(theta))
    nothing, inputs = NOTHING, Needs(weights=False, inputs=True)
    assert before.wants == [nothing, nothing, inputs]
    assert between.wants == [inputs, nothing, inputs]
    assert before.back == [inputs], "a layer without parameters goes back for the gradient of its inputs alone"
    assert between.back == [inputs, inputs]


def test_the_first_dense_layer_computes_no_input_gradient_in_training() -> None:
    wants = []

    class SpyDense(Dense):
        def forward(self, params: Any, x: Array, needs: Needs, rng: Any = None) -> tuple[Array, Any]:
            wants.append(needs)
            return super().forward(params, x, needs, rng)

    network = Network([SpyDense(4), Tanh(), SpyDense(1)], 3)
    NetworkObjective(network, MeanSquaredError(), normal(5, 3), normal(5))(normal(network.size))
    assert wants == [Needs(weights=True, inputs=False), EVERYTHING]


@pytest.mark.parametrize(("needs", "kept"), [(NOTHING, False), (Needs(weights=True, inputs=False), True)])
def test_evaluation_keeps_nothing_of_what_was_computed_on_the_way(needs: Needs, kept: bool) -> None:
    spy = Spy()
    network = Network([Dense(4), Tanh(), spy, Dense(1)], 3)
    _, backward = network.forward(network.parameters(normal(network.size)), normal(5, 3), needs)
    assert (spy.shown[0]() is not None) == kept
    assert callable(backward)


def test_a_network_gives_the_gradient_of_its_inputs_on_request(double: Engine) -> None:
    network = Network([Dense(4), Tanh(), Dense(1)], 3)
    theta, x, step = map(double.put, (normal(network.size), normal(5, 3), 1e-6 * normal(5, 3, seed=1)))
    outputs, backward = network.forward(network.parameters(theta), x, Needs(weights=False, inputs=True))
    xp = namespace(theta)
    dx = backward(xp.ones_like(outputs), network.parameters(xp.empty_like(theta)))
    change = network.apply(theta, x + step).sum() - network.apply(theta, x - step).sum()
    assert dx is not None
    assert 2 * (dx * step).sum().item() == pytest.approx(change.item(), rel=1e-7)


def test_logistic_regression_is_a_network_without_hidden_layers(engine: Engine, rounding: float) -> None:
    network = multilayer_perceptron(3, [], 1)
    x, y, theta = normal(20, 3), np.arange(20) % 2, normal(network.size, seed=1)
    p = special.expit(x @ theta[:3] + theta[3])
    objective = NetworkObjective(network, BinaryCrossEntropy(), engine.put(x), engine.put(y))
    gradient = to_numpy(objective(engine.put(theta)).gradient)
    np.testing.assert_allclose(gradient, [*(x.T @ (p - y) / 20), (p - y).mean()], rtol=rounding)


def test_a_softmax_classifier_is_a_network_without_hidden_layers(engine: Engine, rounding: float) -> None:
    network = multilayer_perceptron(3, [], 4)
    x, y, theta = normal(20, 3), np.arange(20) % 4, normal(network.size, seed=1)
    error = special.softmax(x @ theta[:12].reshape(3, 4) + theta[12:], axis=1) - np.eye(4)[y]
    objective = NetworkObjective(network, CategoricalCrossEntropy(), engine.put(x), engine.put(y))
    gradient = to_numpy(objective(engine.put(theta)).gradient)
    np.testing.assert_allclose(gradient, [*(x.T @ error / 20).ravel(), *error.mean(axis=0)], rtol=rounding)


def test_an_objective_gives_the_same_bits_again_and_leaves_theta_alone(engine: Engine) -> None:
    network = multilayer_perceptron(3, [5], 1, dropout=0.4)
    x, y, theta = map(engine.put, (normal(20, 3), normal(20), normal(network.size)))
    objective = NetworkObjective(network, MeanSquaredError(), x, y, l2=0.1, dropout_key=(1, 2))
    first, again = objective(theta), objective(theta)
    assert first.loss == again.loss == objective.value(theta)
    assert_equal(first.gradient, again.gradient)
    assert_equal(theta, engine.put(normal(network.size)))
    first.gradient[:] = 0
    assert again.gradient.any()


def test_dropout_follows_the_key_and_is_left_out_without_one(engine: Engine, rounding: float) -> None:
    network = multilayer_perceptron(3, [50], 1, dropout=0.4)
    x, y, theta = map(engine.put, (normal(20, 3), normal(20), normal(network.size)))

    def loss(key: tuple[int, int] | None) -> float:
        return NetworkObjective(network, MeanSquaredError(), x, y, dropout_key=key)(theta).loss

    assert loss((1, 2)) == loss((1, 2))
    assert len({loss((1, 2)), loss((1, 3)), loss((2, 2)), loss(None)}) == 4
    error = to_numpy(network.apply(theta, x)[:, 0] - y)
    assert loss(None) == pytest.approx(np.mean(error**2), rel=rounding)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_activation_asked_for_follows_every_hidden_layer(name: str) -> None:
    after = ACTIVATIONS[name]()
    network = multilayer_perceptron((4, 4, 1), [5, 6], 3, activation=name, dropout=0.2)
    hidden = [layer for units in (5, 6) for layer in (Dense(units), after, Dropout(0.2))]
    assert network.layers == (Flatten(), *hidden, Dense(3))


def test_activations_are_called_by_their_names() -> None:
    named = {"relu": ReLU, "leaky-relu": LeakyReLU, "tanh": Tanh, "sigmoid": Sigmoid}
    assert {name: ACTIVATIONS[name] for name in named} == named


def test_a_perceptron_is_no_more_than_what_is_asked_for() -> None:
    assert multilayer_perceptron(4, [5], 3).layers == (Dense(5), ReLU(), Dense(3))
    assert multilayer_perceptron(4, [], 3).layers == (Dense(3),)


XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Network([], 3), "a network needs at least one layer"),
        (lambda: Network(cast(Any, Dense(3)), 3), "a list of layers, not Dense"),
        (lambda: Network([Dense(3), cast(Any, ReLU)], 3), "made of layers such as Dense"),
        (lambda: Network([Dense(3)], cast(Any, "3")), "whole numbers from 1"),
        (lambda: Network([Dense(3)], (2, 0)), "whole numbers from 1"),
        (lambda: Network([Dense(2), Dense(2)], (4, 4)), r"dense_1: .*\(4, 4\): put Flatten\(\) before it"),
        (lambda: Network([Tanh(), Network([Dense(2)], 3)], (4, 4)), r"network_1: "),
        (lambda: Network([Tanh(), Network([Dense(2)], 5)], 3), r"network_1: .*\(5,\)"),
        (lambda: multilayer_perceptron(3, [4], 1, activation="swish"), "no activation is called 'swish': use one of r"),
        (lambda: multilayer_perceptron(3, [4, 0], 1), r"unit.* not 0"),
        (lambda: multilayer_perceptron(3, [4], 1, dropout=1.0), "below 1, not 1.0"),
    ],
)
def test_layers_that_do_not_fit_are_named(make: Callable[[], Network], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (XOR, np.zeros(3), "the same number of .* not 4 and 3"),
        (XOR[:0], np.zeros(0), "same number of .* not 0 and 0"),
        (XOR[:, :1], np.zeros(4), r"examples have shape \(1,\); the network takes \(2,\)"),
    ],
)
def test_data_that_do_not_fit_the_network_are_refused(x: Array, y: Array, message: str) -> None:
    with pytest.raises(InputError, match=message):
        NetworkObjective(multilayer_perceptron(2, [], 1), BinaryCrossEntropy(), x, y)
