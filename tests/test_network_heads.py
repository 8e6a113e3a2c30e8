"""Losses in the middle of a network: heads on named layers, measured in one pass."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sfumato import Dense, Evaluation, InputError, Layer, Network, Objective, ReLU, Tanh, check_gradient
from sfumato.arrays import Array, all_finite, namespace, to_numpy
from sfumato.engine import Engine
from sfumato.layers import EVERYTHING, NOTHING, Needs
from sfumato.network import NamedParameter
from sfumato.objective import OnDevice


def squared(z: Array) -> tuple[float, Callable[[float, Array | None], Array]]:
    return 0.5 * (z * z).sum().item(), lambda scale, dz: scale * z + (0 if dz is None else dz)


NETWORK = Network([Dense(4), Tanh(), Dense(3), Tanh()], 5, names=["first", "bend", "second", "end"])
HEADS = [("end", squared), ("first", squared), ("bend", squared), ("first", squared)]
SCALES = [0.3, 2.0, -0.7, 0.4]


class Measured(Objective):
    """A weighted sum of what the heads measure, over the parameters and the inputs together."""

    def __init__(self) -> None:
        self.layout = (*NETWORK.layout, NamedParameter.unowned("inputs", NETWORK.size, (2, 5)))

    def __call__(self, theta: Array) -> Evaluation:
        weights, x = theta[: NETWORK.size], theta[NETWORK.size :]
        measured, backward = NETWORK.measure(NETWORK.parameters(weights), x.reshape(2, 5), HEADS, EVERYTHING)
        gradient = namespace(theta).empty_like(theta)
        dx: Any = backward(SCALES, NETWORK.parameters(gradient[: NETWORK.size]))
        gradient[NETWORK.size :] = dx.reshape(-1)
        return Evaluation(sum(scale * loss for scale, loss in zip(SCALES, measured, strict=True)), gradient)


def test_the_gradient_of_losses_on_several_layers_equals_differences(double: Engine) -> None:
    theta = np.random.default_rng(0).standard_normal(NETWORK.size + 10)
    report = check_gradient(OnDevice(Measured(), double), theta)
    assert report.difference < 1e-8
    assert [row.name for row in report.parameters] == ["first.W", "first.b", "second.W", "second.b", "inputs"]


def test_each_head_measures_the_outputs_of_its_own_layer(engine: Engine, rounding: float) -> None:
    theta, x = np.random.default_rng(1).standard_normal(NETWORK.size), np.ones((2, 5))
    heads = [(name, lambda z: (z, lambda gradient, dz: gradient)) for name in NETWORK.names]
    outputs, _ = NETWORK.measure(NETWORK.parameters(engine.put(theta)), engine.put(x), heads, NOTHING)
    params = NETWORK.parameters(theta)
    first = x @ params.first.W + params.first.b
    second = np.tanh(first) @ params.second.W + params.second.b
    for measured, expected in zip(outputs, [first, np.tanh(first), second, np.tanh(second)], strict=True):
        np.testing.assert_allclose(to_numpy(measured), expected, rtol=rounding)


def test_a_head_on_no_layer_is_refused() -> None:
    with pytest.raises(InputError, match="no layer is called 'third': there are first, bend, second, end"):
        NETWORK.measure(NETWORK.parameters(np.zeros(NETWORK.size)), np.ones((2, 5)), [("third", squared)], NOTHING)


def test_layers_above_the_last_head_take_no_part(engine: Engine) -> None:
    theta = engine.put(np.random.default_rng(2).standard_normal(NETWORK.size))
    params, gradient = NETWORK.parameters(theta), namespace(theta).full_like(theta, 7)
    params.second.W[...] = np.nan
    (measured,), backward = NETWORK.measure(params, engine.put(np.ones((2, 5))), [("bend", squared)], EVERYTHING)
    dx: Any = backward([1.0], NETWORK.parameters(gradient))
    assert np.isfinite(measured)
    assert all_finite(dx)
    assert (NETWORK.parameters(gradient).second.W == 7).all()


def test_a_head_between_a_dense_layer_and_its_relu_changes_no_result(engine: Engine, rounding: float) -> None:
    network = Network([Dense(4), ReLU(), Dense(3), ReLU()], 5)
    theta, x = (engine.put(np.random.default_rng(3).standard_normal(shape)) for shape in (network.size, (7, 5)))
    params, found = network.parameters(theta), []
    for needs in (EVERYTHING, Needs(weights=True, inputs=False), Needs(weights=False, inputs=True)):
        for heads in (["relu_2"], ["relu_2", "dense_1", "dense_2"]):
            gradient = namespace(theta).zeros_like(theta)
            measured, backward = network.measure(params, x, [(name, squared) for name in heads], needs)
            dx = backward([1.0, 0.0, 0.0], network.parameters(gradient))
            found.append([np.array(measured[0]), to_numpy(gradient), np.zeros(0) if dx is None else to_numpy(dx)])
    for in_one_pass, apart in zip(found[::2], found[1::2], strict=True):
        for ours, right in zip(in_one_pass, apart, strict=True):
            np.testing.assert_allclose(ours, right, rtol=0, atol=100 * rounding)
    assert found[0][1].any() and found[0][2].any()


class DoubledDense(Dense):
    """Gives twice what a dense layer gives."""

    def forward(self, params: Any, x: Array, needs: Needs, rng: Any = None) -> tuple[Array, Any]:
        return 2 * super().forward(params, x, needs, rng)[0], None


class DoubledReLU(ReLU):
    """Gives twice what ReLU gives."""

    def forward(self, params: Any, x: Array, needs: Needs, rng: Any = None) -> tuple[Array, Any]:
        return 2 * super().forward(params, x, needs, rng)[0], None


@pytest.mark.parametrize("layers", [[DoubledDense(4), ReLU()], [Dense(4), DoubledReLU()]], ids=str)
def test_layers_derived_from_a_dense_layer_and_relu_run_as_they_are_written(layers: list[Layer[Any]]) -> None:
    usual, own = Network([Dense(4), ReLU()], 5), Network(layers, 5)
    theta, x = usual.initialize(), np.ones((2, 5), np.float32)
    np.testing.assert_array_equal(own.apply(theta, x), 2 * usual.apply(theta, x))


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "c"]])
def test_names_of_ones_own_are_one_for_each_layer(names: list[str]) -> None:
    with pytest.raises(InputError, match="2 layers need as many different names, not a"):
        Network([Dense(4), Tanh()], 5, names=names)
