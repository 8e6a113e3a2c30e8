"""Every layer: its equation, its backward pass against differences of that equation, and what all layers promise."""

import dataclasses
import itertools
import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from sfumato import Dense, Dropout, Flatten, InputError, Layer, LeakyReLU, Network, ReLU, Sigmoid, Softmax, Tanh
from sfumato.arrays import Array, Shape, all_finite, copied, namespace, to_numpy
from sfumato.engine import NUMPY, NUMPY_DOUBLE, Engine
from sfumato.gradient_check import check_gradient
from sfumato.layers import EVERYTHING, NOTHING, Needs
from sfumato.objective import LayerObjective, OnDevice
from sfumato.random_keys import Stream, generator

LAYERS: list[Layer[Any]] = [
    Dense(3),
    Sigmoid(),
    Tanh(),
    ReLU(),
    LeakyReLU(),
    LeakyReLU(0.3),
    Softmax(),
    Dropout(0.4),
    Flatten(),
]
KEY = (7, 3)

every_layer = pytest.mark.parametrize("layer", LAYERS, ids=repr)


def normal(engine: Engine, shape: Shape, step: int = 0) -> Array:
    return engine.put(generator(0, Stream.CHECKING, step).standard_normal(shape))


def parameters(engine: Engine, layer: Layer[Any], shape: Shape) -> Any:
    specs: Any = layer.build(shape).parameters
    return specs._make(normal(engine, spec.shape, step) for step, spec in enumerate(specs, start=10))


def filled(params: Any, value: float) -> Any:
    return params._make(namespace(array).full_like(array, value) for array in params)


def ones(z: Array) -> Array:
    made: Array = namespace(z).ones_like(z)
    return made


def assert_equal(ours: Any, right: Any) -> None:
    np.testing.assert_array_equal(to_numpy(ours), to_numpy(right))


def dropout_rng(step: int = 0) -> np.random.Generator:
    return generator(1, Stream.DROPOUT, step)


@every_layer
def test_way_back_equals_differences_of_the_equation(layer: Layer[Any], double: Engine) -> None:
    objective = LayerObjective(layer, (5,), dropout_key=KEY)
    report = check_gradient(OnDevice(objective, double), objective.theta)
    assert report.difference < 1e-8
    assert all(row.difference < 1e-8 and row.checked and not row.kinks for row in report.parameters)


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer.analytic], ids=repr)
def test_way_back_of_analytic_layers_equals_the_complex_step_to_the_last_digits(layer: Layer[Any]) -> None:
    objective = LayerObjective(layer, (5,), dropout_key=KEY)
    assert check_gradient(objective, objective.theta, method="complex-step").difference < 1e-14


def test_only_layers_with_a_kink_are_not_analytic() -> None:
    assert [layer for layer in LAYERS if not layer.analytic] == [ReLU(), LeakyReLU(), LeakyReLU(0.3)]
    assert [layer for layer in LAYERS if layer.kinks((), np.ones((1, 1))) is not None] == [
        ReLU(),
        LeakyReLU(),
        LeakyReLU(0.3),
    ]


EQUATIONS: list[tuple[Layer[Any], Any]] = [
    (Sigmoid(), special.expit),
    (Tanh(), lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))),
    (ReLU(), lambda z: np.where(z > 0, z, 0.0)),
    (LeakyReLU(0.3), lambda z: np.where(z > 0, z, 0.3 * z)),
    (Softmax(), lambda z: special.softmax(z, axis=1)),
    (Flatten(), lambda z: z),
]


@pytest.mark.parametrize(("layer", "equation"), EQUATIONS, ids=[repr(layer) for layer, _ in EQUATIONS])
def test_output_is_that_of_the_equation(layer: Layer[Any], equation: Any, engine: Engine, rounding: float) -> None:
    z = normal(NUMPY_DOUBLE, (6, 5))
    outputs, _ = layer.forward(parameters(engine, layer, (5,)), engine.put(3 * z), NOTHING)
    np.testing.assert_allclose(to_numpy(outputs), equation(3 * z), rtol=rounding, atol=1e-3 * rounding)


def test_each_dense_output_adds_up_every_input_times_its_weight_and_the_bias(engine: Engine, rounding: float) -> None:
    x, (W, b) = normal(NUMPY_DOUBLE, (4, 5)), parameters(NUMPY_DOUBLE, Dense(3), (5,))
    z, _ = Dense(3).forward(parameters(engine, Dense(3), (5,)), engine.put(x), NOTHING)
    for i, j in itertools.product(range(4), range(3)):
        assert z[i, j].item() == pytest.approx(sum(x[i, k] * W[k, j] for k in range(5)) + b[j], rel=rounding)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("units", [1, 7, 8, 15, 33])
def test_a_dense_layer_is_its_equation_at_every_size(units: int, single: bool, engine: Engine) -> None:
    own = engine._replace(precision="float32") if single else engine
    x, dz = normal(NUMPY_DOUBLE, (500, 300)), normal(NUMPY_DOUBLE, (500, units))
    right = parameters(NUMPY_DOUBLE, Dense(units), (300,))
    params = parameters(own, Dense(units), (300,))
    grads = filled(params, math.nan)
    z, backward = Dense(units).forward(params, own.put(x), EVERYTHING)
    dx = backward(copied(own.put(dz)), grads)
    for ours, equation in [
        (z, x @ right.W + right.b),
        (dx, dz @ right.W.T),
        (grads.W, x.T @ dz),
        (grads.b, sum(dz)),
    ]:
        error = {"float64": 1e-12, "float32": 3e-4}[own.precision]
        np.testing.assert_allclose(to_numpy(ours), equation, rtol=0, atol=error)


@every_layer
@settings(deadline=None, max_examples=20)
@given(batch=st.integers(1, 6), width=st.integers(1, 7))
def test_shapes_are_those_that_build_says(layer: Layer[Any], batch: int, width: int, engine: Engine) -> None:
    params, x = parameters(engine, layer, (width,)), normal(engine, (batch, width))
    grads = filled(params, math.nan)
    z, backward = layer.forward(params, x, EVERYTHING, dropout_rng())
    dx = backward(ones(z), grads)
    assert z.shape == (batch, *layer.build((width,)).output_shape)
    assert dx is not None
    assert dx.shape == x.shape
    assert all(all_finite(gradient) for gradient in grads), "every gradient is assigned"


@settings(deadline=None)
@given(batch=st.integers(1, 4), shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple))
def test_flatten_lays_any_image_out_in_a_row_and_back(batch: int, shape: Shape, engine: Engine) -> None:
    x, none = normal(engine, (batch, *shape)), parameters(engine, Flatten(), shape)
    z, backward = Flatten().forward(none, x, EVERYTHING)
    assert z.shape == (batch, *Flatten().build(shape).output_shape) == (batch, math.prod(shape))
    assert z.ravel().tolist() == x.ravel().tolist()
    assert_equal(backward(copied(z), none), x)


@every_layer
@pytest.mark.parametrize("single", [False, True])
def test_precision_is_kept_both_ways(layer: Layer[Any], single: bool, engine: Engine) -> None:
    own = engine._replace(precision="float32") if single else engine
    params = parameters(own, layer, (5,))
    z, backward = layer.forward(params, normal(own, (4, 5)), EVERYTHING, dropout_rng())
    dx = backward(ones(z), filled(params, 0))
    assert to_numpy(z).dtype == to_numpy(dx).dtype == own.numpy_dtype


@pytest.mark.parametrize("needs", [Needs(*flags) for flags in itertools.product([False, True], repeat=2)])
@every_layer
def test_the_backward_pass_computes_what_is_needed_and_nothing_else(
    layer: Layer[Any], needs: Needs, engine: Engine
) -> None:
    params, x = parameters(engine, layer, (5,)), normal(engine, (4, 5))
    outputs, full = layer.forward(params, x, EVERYTHING, dropout_rng())
    expected = filled(params, 0)
    expected_dx = full(ones(outputs), expected)
    z, backward = layer.forward(params, x, needs, dropout_rng())
    assert_equal(z, outputs)
    if not (needs.inputs or (params and needs.weights)):
        return  # there is nothing to compute, and no network calls for it
    grads = filled(params, 7)
    dx = backward(ones(z), grads)
    for gradient, right in zip(grads, expected if needs.weights else filled(params, 7), strict=True):
        assert_equal(gradient, right)
    if needs.inputs:
        assert_equal(dx, expected_dx)
    else:
        assert dx is None


@every_layer
def test_calls_do_not_know_of_each_other(layer: Layer[Any], engine: Engine) -> None:
    params = parameters(engine, layer, (5,))
    inputs = [normal(engine, (4, 5), step) for step in (1, 2)]

    def alone(x: Array) -> tuple[Array, Any, Array | None]:
        z, backward = layer.forward(params, x, EVERYTHING, dropout_rng())
        grads = filled(params, 0)
        return z, grads, backward(ones(z), grads)

    expected = [alone(x) for x in inputs]
    runs = [layer.forward(params, x, EVERYTHING, dropout_rng()) for x in inputs]
    for (z, backward), (right_z, right_grads, right_dx) in reversed(list(zip(runs, expected, strict=True))):
        grads = filled(params, 0)
        dx = backward(ones(z), grads)
        assert_equal(z, right_z)
        assert_equal(dx, right_dx)
        for gradient, right in zip(grads, right_grads, strict=True):
            assert_equal(gradient, right)


@every_layer
def test_inputs_and_parameters_stay_as_they_were(layer: Layer[Any], engine: Engine) -> None:
    params, x = parameters(engine, layer, (5,)), normal(engine, (4, 5))
    z, backward = layer.forward(params, x, EVERYTHING, dropout_rng())
    backward(ones(z), filled(params, 0))
    assert_equal(x, normal(engine, (4, 5)))
    for array, before in zip(params, parameters(engine, layer, (5,)), strict=True):
        assert_equal(array, before)


@every_layer
def test_a_layer_holds_its_configuration_and_cannot_change(layer: Layer[Any]) -> None:
    names = [field.name for field in dataclasses.fields(cast(Any, layer))]
    assert set(vars(layer)) == set(names)
    for name in [*names, "anything"]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, name, 0)


@pytest.mark.parametrize("single", [False, True])
def test_sigmoid_and_softmax_bear_huge_inputs(single: bool, engine: Engine) -> None:
    own = engine._replace(precision="float32") if single else engine
    z, none = own.put(np.array([[-1000.0, 0.0, 1000.0]])), parameters(own, Sigmoid(), (3,))
    outputs, backward = Sigmoid().forward(none, z, EVERYTHING)
    assert outputs.tolist() == [[0, 0.5, 1]]
    assert_equal(backward(ones(z), none), np.array([[0, 0.25, 0]]))
    outputs, backward = Softmax().forward(none, z, EVERYTHING)
    assert outputs.tolist() == [[0, 0, 1]]
    assert_equal(backward(ones(z), none), np.zeros((1, 3)))


@settings(deadline=None)
@given(shift=st.floats(-1e4, 1e4), width=st.integers(1, 6))
def test_softmax_gives_probabilities_that_a_common_shift_does_not_change(
    shift: float, width: int, double: Engine
) -> None:
    z, none = normal(double, (3, width)), parameters(double, Softmax(), (width,))
    s, _ = Softmax().forward(none, z, NOTHING)
    shifted, _ = Softmax().forward(none, z + shift, NOTHING)
    np.testing.assert_allclose(to_numpy(s).sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(to_numpy(shifted), to_numpy(s), rtol=1e-10)


@pytest.mark.parametrize(("layer", "slope"), [(ReLU(), 0.0), (LeakyReLU(0.3), 0.3)], ids=repr)
def test_slope_at_the_kink_is_the_one_below_it(layer: Layer[Any], slope: float, engine: Engine) -> None:
    z, backward = layer.forward(parameters(engine, layer, (1,)), engine.put(np.zeros((1, 1))), EVERYTHING)
    assert_equal(backward(ones(z), parameters(engine, layer, (1,))), np.array([[slope]], engine.numpy_dtype))


def dropped(engine: Engine, p: float, step: int = 0) -> Array:
    """What dropout makes of 200,000 ones: with it, statistical tolerances of 1 % are six deviations or more."""
    x = engine.put(np.ones((1000, 200)))
    return to_numpy(Dropout(p).forward(parameters(engine, Dropout(p), (200,)), x, NOTHING, dropout_rng(step))[0])


@pytest.mark.parametrize("p", [0.1, 0.5, 0.6])
def test_dropout_keeps_the_expected_value(p: float, engine: Engine) -> None:
    outputs = dropped(engine, p)
    assert set(np.unique(outputs)) == {0.0, engine.numpy_dtype.type(1 / (1 - p))}
    assert (outputs == 0).mean() == pytest.approx(p, abs=0.01)
    assert outputs.mean() == pytest.approx(1, abs=0.02)


def test_dropout_is_the_identity_outside_training_and_at_zero(engine: Engine) -> None:
    x, none = normal(engine, (4, 5)), parameters(engine, Dropout(0.5), (5,))
    for layer, rng in [(Dropout(0.5), None), (Dropout(0.0), dropout_rng())]:
        z, backward = layer.forward(none, x, EVERYTHING, rng)
        assert_equal(z, x)
        assert_equal(backward(copied(x), none), x)
    assert Dropout(0.5).stochastic
    assert not Dropout(0.0).stochastic


def test_dropout_masks_are_new_at_each_step_and_the_same_when_a_step_is_repeated() -> None:
    np.testing.assert_array_equal(dropped(NUMPY, 0.5, step=3), dropped(NUMPY, 0.5, step=3))
    assert (dropped(NUMPY, 0.5, step=3) == dropped(NUMPY, 0.5, step=4)).mean() == pytest.approx(0.5, abs=0.01)


def test_dropout_masks_are_the_same_wherever_and_in_whatever_precision_they_are_used(engine: Engine) -> None:
    for own in (engine, engine._replace(precision="float32")):
        np.testing.assert_array_equal(dropped(own, 0.5) == 0, dropped(NUMPY_DOUBLE, 0.5) == 0)


def test_dropout_layers_of_one_network_draw_different_masks() -> None:
    network = Network([Dropout(0.5), Dropout(0.5)], 200)
    through_both, _ = network.forward(((), ()), np.ones((1000, 200)), NOTHING, dropout_rng())
    assert (through_both != 0).mean() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0), "^the units of a dense layer must be a whole number from 1, not 0$"),
        (lambda: Dense(cast(Any, 3.0)), r"unit.* not 3.0"),
        (lambda: Dense(cast(Any, None)), r"unit.* not None"),
        (lambda: Dense(cast(Any, 2.5)), r"unit.* not 2.5"),
        (lambda: Dense(3).build((28, 28, 1)), r"not examples of shape \(28, 28, 1\): put Flatten\(\) before it"),
        (lambda: Dropout(1.0), "at least 0 and below 1, not 1.0"),
        (lambda: Dropout(-0.1), "at least 0 and below 1, not -0.1"),
        (lambda: Dropout(math.nan), "not nan"),
        (lambda: LeakyReLU(1.0), "slope of a leaky ReLU must be at least 0 and below 1, not 1.0"),
        (lambda: LeakyReLU(-0.01), "not -0.01"),
    ],
)
def test_bad_arguments_are_refused_in_words(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
