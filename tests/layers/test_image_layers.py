"""Layers of images: their equations, their backward pass against differences, and what all layers promise."""

import dataclasses
import itertools
import math
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfumato import (
    AveragePooling,
    Convolution,
    InputError,
    Layer,
    LayerObjective,
    MaxPooling,
    Network,
    Xavier,
    check_gradient,
)
from sfumato.arrays import Array, Shape, all_finite, namespace, to_numpy
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.layers import EVERYTHING, NOTHING, Needs
from sfumato.objective import OnDevice
from sfumato.random_keys import Stream, generator

LAYERS: list[Layer[Any]] = [
    Convolution(3),
    Convolution(2, kernel=2, stride=2, padding=0),
    Convolution(2, kernel=4, stride=3, padding=2, init=Xavier()),
    Convolution(3, kernel=1, padding=0),
    Convolution(2, kernel=(1, 3), padding=0),
    Convolution(2, kernel=(3, 2), stride=2),
    Convolution(3, relu=True),
    Convolution(2, kernel=3, stride=2, padding=4, relu=True),
    MaxPooling(),
    MaxPooling(3, stride=1),
    MaxPooling(2, stride=3),
    AveragePooling(),
    AveragePooling(3, stride=2),
]
IMAGE = (7, 6, 2)

every_layer = pytest.mark.parametrize("layer", LAYERS, ids=repr)


def normal(engine: Engine, shape: Shape, step: int = 0) -> Array:
    return engine.put(generator(0, Stream.CHECKING, step).standard_normal(shape))


def parameters(engine: Engine, layer: Layer[Any], shape: Shape = IMAGE) -> Any:
    specs: Any = layer.build(shape).parameters
    return specs._make(normal(engine, spec.shape, step) for step, spec in enumerate(specs, start=10))


def filled(params: Any, value: float) -> Any:
    return params._make(namespace(array).full_like(array, value) for array in params)


def ones(z: Array) -> Array:
    made: Array = namespace(z).ones_like(z)
    return made


def assert_equal(ours: Any, right: Any) -> None:
    np.testing.assert_array_equal(to_numpy(ours), to_numpy(right))


@every_layer
def test_way_back_equals_differences_of_the_equation(layer: Layer[Any], double: Engine) -> None:
    objective = LayerObjective(layer, IMAGE, examples=2)
    report = check_gradient(OnDevice(objective, double), objective.theta)
    assert report.difference < 1e-8
    assert all(row.difference < 1e-8 and row.checked for row in report.parameters)


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer.analytic], ids=repr)
def test_way_back_of_analytic_layers_equals_the_complex_step_to_the_last_digits(layer: Layer[Any]) -> None:
    objective = LayerObjective(layer, IMAGE, examples=2)
    assert check_gradient(objective, objective.theta, method="complex-step").difference < 1e-14


@every_layer
def test_kinks_are_where_relu_and_maximum_are(layer: Layer[Any], engine: Engine) -> None:
    sides = layer.kinks(parameters(engine, layer), normal(engine, (2, *IMAGE)))
    assert (sides is not None) == (not layer.analytic)
    assert layer.analytic == (not isinstance(layer, MaxPooling) and not getattr(layer, "relu", False))


@pytest.mark.parametrize(
    ("layer", "theta"),
    [
        (MaxPooling(), [1, 1 + 1e-7, 0, -1]),
        (Convolution(1, kernel=1, padding=0, relu=True), [1, 0, 1e-7, 1, 2, -1]),
    ],
    ids=repr,
)
def test_differences_over_a_kink_are_told_from_a_wrong_gradient(
    layer: Layer[Any], theta: list[float], double: Engine
) -> None:
    """Two entries of a window so close that they change places within the step, and an output as close to zero."""
    objective = OnDevice(LayerObjective(layer, (2, 2, 1), examples=1), double)
    report = check_gradient(objective, np.array(theta))
    assert report.parameters[-1].kinks
    assert not report.wrong


@every_layer
@settings(deadline=None, max_examples=20)
@given(batch=st.integers(1, 4), height=st.integers(3, 9), width=st.integers(3, 9), channels=st.integers(1, 4))
def test_shapes_are_those_that_build_says(
    layer: Layer[Any], batch: int, height: int, width: int, channels: int, engine: Engine
) -> None:
    shape = (height, width, channels)
    params, x = parameters(engine, layer, shape), normal(engine, (batch, *shape))
    grads = filled(params, math.nan)
    z, backward = layer.forward(params, x, EVERYTHING)
    dx = backward(ones(z), grads)
    assert z.shape == (batch, *layer.build(shape).output_shape)
    assert dx is not None
    assert dx.shape == x.shape
    assert all_finite(dx)
    assert all(all_finite(gradient) for gradient in grads), "every gradient is assigned"


@every_layer
def test_no_examples_give_no_outputs_and_gradients_of_zero(layer: Layer[Any], engine: Engine) -> None:
    params = parameters(engine, layer)
    z, backward = layer.forward(params, normal(engine, (0, *IMAGE)), EVERYTHING)
    grads = filled(params, math.nan)
    dx = backward(ones(z), grads)
    assert z.shape == (0, *layer.build(IMAGE).output_shape)
    assert dx is not None
    assert dx.shape == (0, *IMAGE)
    assert not any(gradient.any() for gradient in grads)


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    assert Convolution(cast(Any, np.int64(3))) == Convolution(3)
    assert MaxPooling(cast(Any, np.int64(2))).build((4, 4, 1)).output_shape == (2, 2, 1)


def test_kernel_3_with_padding_1_keeps_the_size_and_pooling_halves_it() -> None:
    assert Convolution(5).build((13, 8, 3)).output_shape == (13, 8, 5)
    assert MaxPooling().build((13, 8, 3)).output_shape == AveragePooling().build((13, 8, 3)).output_shape == (6, 4, 3)


def test_a_convolution_slides_its_filters_over_the_image(engine: Engine, rounding: float) -> None:
    """Filters that pick one pixel of their window shift the image; ones add windows up."""
    x = normal(NUMPY_DOUBLE, (1, 5, 5, 1))
    W, b = np.zeros((2, 3, 3, 1)), np.array([0.5, 0.0])
    W[0, 0, 2], W[1] = 1, 1
    params = parameters(engine, Convolution(2), (5, 5, 1))._make((engine.put(W), engine.put(b)))
    z = to_numpy(Convolution(2).forward(params, engine.put(x), NOTHING)[0])
    np.testing.assert_allclose(z[0, 1:, :-1, 0], x[0, :-1, 1:, 0] + 0.5, rtol=rounding)
    assert z[0, 2, 3, 1] == pytest.approx(x[0, 1:4, 2:5].sum(), rel=rounding)
    assert z[0, 0, 0, 1] == pytest.approx(x[0, :2, :2].sum(), rel=rounding)


@every_layer
@pytest.mark.parametrize("single", [False, True])
def test_precision_is_kept_both_ways(layer: Layer[Any], single: bool, engine: Engine) -> None:
    own = engine._replace(precision="float32") if single else engine
    params = parameters(own, layer)
    z, backward = layer.forward(params, normal(own, (2, *IMAGE)), EVERYTHING)
    dx = backward(ones(z), filled(params, 0))
    assert to_numpy(z).dtype == to_numpy(dx).dtype == own.numpy_dtype


@pytest.mark.parametrize("needs", [Needs(*flags) for flags in itertools.product([False, True], repeat=2)])
@every_layer
def test_the_backward_pass_computes_what_is_needed_and_nothing_else(
    layer: Layer[Any], needs: Needs, engine: Engine
) -> None:
    params, x = parameters(engine, layer), normal(engine, (2, *IMAGE))
    outputs, full = layer.forward(params, x, EVERYTHING)
    expected = filled(params, 0)
    expected_dx = full(normal(engine, outputs.shape, step=5), expected)
    z, backward = layer.forward(params, x, needs)
    assert_equal(z, outputs)
    if not (needs.inputs or (params and needs.weights)):
        return  # there is nothing to compute, and no network calls for it
    grads = filled(params, 7)
    dx = backward(normal(engine, outputs.shape, step=5), grads)
    for gradient, right in zip(grads, expected if needs.weights else filled(params, 7), strict=True):
        assert_equal(gradient, right)
    if needs.inputs:
        assert_equal(dx, expected_dx)
    else:
        assert dx is None


@every_layer
@pytest.mark.parametrize("needs", [NOTHING, Needs(weights=False, inputs=True)])
def test_no_floating_point_map_is_kept_for_the_way_back_of_frozen_weights(layer: Layer[Any], needs: Needs) -> None:
    x = normal(NUMPY_DOUBLE, (2, *IMAGE))
    params = parameters(NUMPY_DOUBLE, layer)
    z, backward = layer.forward(params, x, needs)
    cells = cast(Any, backward).__closure__
    kept = [cell.cell_contents for cell in cells if isinstance(cell.cell_contents, np.ndarray)]
    kept = [array for array in kept if not any(array is own for own in params)]
    assert all(array.dtype in (bool, np.uint8) and array.shape == z.shape for array in kept)
    assert len(kept) == (needs.inputs and not layer.analytic)


@every_layer
def test_inputs_and_parameters_stay_as_they_were(layer: Layer[Any], engine: Engine) -> None:
    params, x = parameters(engine, layer), normal(engine, (2, *IMAGE))
    z, backward = layer.forward(params, x, EVERYTHING)
    backward(ones(z), filled(params, 0))
    assert_equal(x, normal(engine, (2, *IMAGE)))
    for array, before in zip(params, parameters(engine, layer), strict=True):
        assert_equal(array, before)


@every_layer
def test_a_layer_holds_its_configuration_and_cannot_change(layer: Layer[Any]) -> None:
    names = [field.name for field in dataclasses.fields(cast(Any, layer))]
    assert set(vars(layer)) == set(names)
    for name in [*names, "anything"]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, name, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Convolution(0), "the filters of a convolution must be a whole number from 1, not 0"),
        (lambda: Convolution(3, kernel=0), "kernel .* from 1, not 0"),
        (lambda: Convolution(3, kernel=cast(Any, 2.5)), "kernel .* not 2.5"),
        (lambda: Convolution(cast(Any, 4.0)), "^the filters of a convolution must be a whole number from 1, not 4.0$"),
        (lambda: Convolution(cast(Any, None)), "filters .* not None"),
        (lambda: Convolution(cast(Any, math.nan)), "filters .* not nan"),
        (lambda: Convolution(cast(Any, "3")), "filters .* not '3'"),
        (lambda: Convolution(3, kernel=cast(Any, (3, 5, 1))), r"height and width, not \(3, 5, 1\)"),
        (lambda: Convolution(3, kernel=(3, 0)), "kernel .* from 1, not 0"),
        (lambda: Convolution(3, kernel=cast(Any, (3, 1.5))), "kernel .* not 1.5"),
        (lambda: Convolution(3, padding=cast(Any, 1.0)), "padding .* not 1.0"),
        (lambda: Convolution(3, stride=0), "stride .* from 1, not 0"),
        (lambda: Convolution(3, padding=-1), "padding .* from 0, not -1"),
        (lambda: MaxPooling(0), "the size of pooling must be a whole number from 1, not 0"),
        (lambda: MaxPooling(17), "the size of max pooling must be at most 16, not 17"),
        (lambda: MaxPooling(cast(Any, None)), "^the size of pooling must be a whole number from 1, not None$"),
        (lambda: AveragePooling(cast(Any, 2.0)), "size .* not 2.0"),
        (lambda: AveragePooling(cast(Any, (2, 2))), r"size .* not \(2, 2\)"),
        (lambda: MaxPooling(2, stride=cast(Any, math.nan)), "stride .* not nan"),
        (lambda: MaxPooling(2, stride=0), "the stride of pooling must be a whole number from 1, not 0"),
        (lambda: AveragePooling(2, stride=cast(Any, 1.5)), "stride .* not 1.5"),
        (lambda: Convolution(3).build((784,)), r"takes images, .* not examples of shape \(784,\)"),
        (lambda: AveragePooling().build((28, 28)), r"takes images, .* not examples of shape \(28, 28\)"),
        (
            lambda: Convolution(3, kernel=5, padding=0).build((3, 200, 3)),
            "^an image of 3 x 200 is too small for a window of 5 x 5$",
        ),
        (
            lambda: Convolution(3, kernel=7).build((3, 200, 3)),
            "^an image of 3 x 200 with 1 of padding around it is too small for a window of 7 x 7$",
        ),
        (lambda: MaxPooling(4).build((3, 200, 3)), "^an image of 3 x 200 is too small for a window of 4 x 4$"),
        (
            lambda: Network([Convolution(3), MaxPooling(), MaxPooling()], (3, 8, 1)),
            "^maxpooling_2: an image of 1 x 4 is too small for a window of 2 x 2$",
        ),
    ],
)
def test_bad_arguments_are_refused_in_words(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
