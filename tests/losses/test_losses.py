"""The losses: their equations, their gradients, sums that add up, and the penalty that joins them."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from sfumato import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Evaluation,
    InputError,
    Loss,
    MeanSquaredError,
    NetworkObjective,
    Objective,
    check_gradient,
    multilayer_perceptron,
)
from sfumato.arrays import Array, to_numpy
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.losses import MultilabelCrossEntropy, as_loss
from sfumato.losses.classification import default_loss
from sfumato.objective import OnDevice

LOSSES: list[tuple[Loss, int]] = [
    (BinaryCrossEntropy(), 1),
    (CategoricalCrossEntropy(), 4),
    (MeanSquaredError(), 1),
    (MeanSquaredError(), 3),
    (MultilabelCrossEntropy(), 3),
]

names = [f"{type(loss).__name__}-{outputs}" for loss, outputs in LOSSES]
every_loss = pytest.mark.parametrize(("loss", "outputs"), LOSSES, ids=names)


def outputs_and_truth(loss: Loss, outputs: int, n: int = 6) -> tuple[Array, Array]:
    rng = np.random.default_rng(n)
    z = 2 * rng.standard_normal((n, outputs))
    if loss.multilabel:
        return z, rng.integers(2, size=(n, outputs))
    if loss.classifies:
        return z, rng.integers(max(2, outputs), size=n)
    return z, rng.standard_normal(n if outputs == 1 else (n, outputs))


class MeanOverOutputs(Objective):
    """A loss's mean as a function of the outputs themselves: what `pullback(1 / n)` says it is the gradient of."""

    analytic = True

    def __init__(self, loss: Loss, shape: tuple[int, int], y: Array, weight: Array | None) -> None:
        self.loss, self.shape, self.y, self.weight = loss, shape, y, weight

    def __call__(self, theta: Array) -> Evaluation:
        sums, pullback = self.loss.forward(theta.reshape(self.shape), self.y, self.weight)
        return Evaluation(sums.loss / len(self.y), pullback(1 / len(self.y)).reshape(-1))

    def value(self, theta: Array) -> Any:
        return self.loss.forward(theta.reshape(self.shape), self.y, self.weight)[0].loss / len(self.y)


@every_loss
@pytest.mark.parametrize("weighted", [False, True])
def test_pull_is_the_gradient_of_the_sum(loss: Loss, outputs: int, weighted: bool, double: Engine) -> None:
    z, y = outputs_and_truth(loss, outputs)
    weight = double.put(np.linspace(0.1, 1.9, len(y))) if weighted else None
    objective = MeanOverOutputs(loss, z.shape, double.put(y), weight)
    assert check_gradient(OnDevice(objective, double), z.ravel()).difference < 1e-8


@every_loss
@pytest.mark.parametrize("weighted", [False, True])
def test_pull_equals_the_complex_step_to_the_last_digits(loss: Loss, outputs: int, weighted: bool) -> None:
    z, y = outputs_and_truth(loss, outputs)
    objective = MeanOverOutputs(loss, z.shape, y, np.linspace(0.1, 1.9, len(y)) if weighted else None)
    assert check_gradient(objective, z.ravel(), method="complex-step").difference < 1e-14


def textbook(loss: Loss, z: Array, y: Array) -> Array:
    """Each example's loss, written apart from the activation and so with no care for huge outputs."""
    if isinstance(loss, BinaryCrossEntropy):
        p = special.expit(z[:, 0])
        return np.asarray(-(y * np.log(p) + (1 - y) * np.log(1 - p)))
    if isinstance(loss, CategoricalCrossEntropy):
        return np.asarray(-np.log(special.softmax(z, axis=1))[range(len(y)), y])
    if isinstance(loss, MultilabelCrossEntropy):
        p = special.expit(z)
        return np.asarray(-(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=1))
    return np.asarray(((z - y.reshape(z.shape)) ** 2).mean(axis=1))


@every_loss
def test_the_gradient_is_in_proportion_to_that_of_the_sum(loss: Loss, outputs: int, engine: Engine) -> None:
    z, y = map(engine.put, outputs_and_truth(loss, outputs))
    whole, quarter = (to_numpy(loss.forward(z, y)[1](dsum)) for dsum in (1.0, 0.25))
    np.testing.assert_array_equal(quarter, 0.25 * whole)


@every_loss
def test_loss_is_that_of_the_textbook(loss: Loss, outputs: int, engine: Engine, rounding: float) -> None:
    z, y = outputs_and_truth(loss, outputs)
    ours, right, weight = (engine.put(z), engine.put(y)), textbook(loss, z, y), np.arange(len(y))
    assert loss.forward(*ours)[0].loss == pytest.approx(right.sum(), rel=rounding)
    assert loss.forward(*ours, engine.put(weight))[0].loss == pytest.approx((weight * right).sum(), rel=rounding)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize(
    ("loss", "z", "y", "mean", "gradient"),
    [
        (BinaryCrossEntropy(), [[1e4], [-1e4]], [1, 0], 0, [[0], [0]]),
        (BinaryCrossEntropy(), [[1e4], [-1e4]], [0, 1], 1e4, [[0.5], [-0.5]]),
        (CategoricalCrossEntropy(), [[1e4, -1e4, 0], [0, 0, 1e4]], [0, 2], 0, [[0, 0, 0], [0, 0, 0]]),
        (CategoricalCrossEntropy(), [[1e4, -1e4, 0], [0, 0, 1e4]], [1, 0], 1.5e4, [[0.5, -0.5, 0], [-0.5, 0, 0.5]]),
        (MeanSquaredError(), [[1e4], [-1e4]], [1e4, 1e4], 2e8, [[0], [-2e4]]),
        (MeanSquaredError(), [[1e4, 0], [-1e4, 0]], [[1e4, 0], [1e4, 0]], 1e8, [[0, 0], [-1e4, 0]]),
        (MultilabelCrossEntropy(), [[1e4, -1e4], [-1e4, 1e4]], [[1, 0], [0, 0]], 5e3, [[0, 0], [0, 0.5]]),
    ],
)
def test_huge_outputs_are_measured_exactly(
    loss: Loss,
    z: list[list[float]],
    y: list[Any],
    mean: float,
    gradient: list[list[float]],
    single: bool,
    engine: Engine,
) -> None:
    own = engine._replace(precision="float32") if single else engine
    sums, pullback = loss.forward(own.put(np.array(z, np.float64)), own.put(np.array(y)))
    assert sums.loss / sums.examples == mean
    assert pullback(0.5).tolist() == gradient


@every_loss
def test_gradient_has_the_precision_of_the_outputs(loss: Loss, outputs: int, engine: Engine) -> None:
    z, y = outputs_and_truth(loss, outputs)
    single = engine._replace(precision="float32")
    sums, pullback = loss.forward(single.put(z), engine.put(y), engine.put(np.ones(len(y))))
    assert to_numpy(pullback(1.0)).dtype == np.float32
    assert type(sums.loss) is float


@every_loss
@settings(deadline=None)
@given(cut=st.integers(0, 6), weighted=st.booleans())
def test_sums_add_up_over_parts(loss: Loss, outputs: int, cut: int, weighted: bool, engine: Engine) -> None:
    z, y = map(engine.put, outputs_and_truth(loss, outputs))
    weight = engine.put(np.linspace(0.5, 1.5, len(y))) if weighted else None

    def measured(rows: slice) -> Any:
        return loss.forward(z[rows], y[rows], None if weight is None else weight[rows])[0] if len(y[rows]) else None

    whole = measured(slice(None))
    parts = [sums for sums in (measured(slice(cut)), measured(slice(cut, None))) if sums]
    total = parts[0] if len(parts) == 1 else parts[0].plus(parts[1])
    assert (total.correct, total.examples) == (whole.correct, whole.examples)
    assert total.loss == pytest.approx(whole.loss, rel=1e-14 if engine.precision == "float64" else 1e-6)


@every_loss
def test_correct_counts_the_examples_whose_likeliest_class_is_the_true_one(
    loss: Loss, outputs: int, engine: Engine
) -> None:
    z, y = map(engine.put, outputs_and_truth(loss, outputs, n=50))
    if loss.multilabel:
        right = ((to_numpy(loss.predict(z)) > 0.5) == to_numpy(y)).all(axis=1)
        assert loss.forward(z, y)[0].correct == np.count_nonzero(right)
        return
    likeliest = to_numpy(loss.predict(z)).argmax(axis=-1)
    assert loss.forward(z, y)[0].correct == (np.count_nonzero(likeliest == to_numpy(y)) if loss.classifies else 0)


@every_loss
@pytest.mark.parametrize("single", [False, True])
def test_predictions_are_probabilities_for_classes_and_values_for_regression(
    loss: Loss, outputs: int, single: bool, engine: Engine
) -> None:
    own = engine._replace(precision="float32") if single else engine
    z = own.put(np.vstack([outputs_and_truth(loss, outputs)[0], np.full((1, outputs), -1e4)]))
    predicted = to_numpy(loss.predict(z))
    if loss.multilabel:
        np.testing.assert_allclose(predicted, special.expit(to_numpy(z)), rtol=1e-6)
    elif loss.classifies:
        assert predicted.shape == (len(z), max(2, outputs))
        np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=10 * float(np.finfo(own.numpy_dtype).eps))
        assert predicted.min() >= 0
    else:
        assert predicted.tolist() == (z[:, 0] if outputs == 1 else z).tolist()


def test_binary_prediction_is_one_minus_p_and_p() -> None:
    p = special.expit(1.5)
    np.testing.assert_allclose(BinaryCrossEntropy().predict(np.array([[1.5]])), [[1 - p, p]], rtol=1e-14)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(0, (MeanSquaredError(), 1)), (2, (BinaryCrossEntropy(), 1)), (3, (CategoricalCrossEntropy(), 3))],
)
def test_the_default_loss_fits_the_number_of_classes(classes: int, expected: tuple[Loss, int]) -> None:
    assert default_loss(classes) == expected


def test_several_labels_and_values_have_an_output_each() -> None:
    assert default_loss(3, 3) == (MultilabelCrossEntropy(), 3)
    assert default_loss(0, 3) == (MeanSquaredError(), 3)


def network_objective(
    engine: Engine, loss: Loss, outputs: int, rows: Any = slice(None), **options: Any
) -> tuple[OnDevice, Array]:
    """A network's loss as a function of NumPy's theta, and a theta."""
    z, y = outputs_and_truth(loss, outputs)
    x = np.random.default_rng(1).standard_normal((len(z), 3))
    network = multilayer_perceptron(3, [4], outputs, activation="tanh")
    theta = np.random.default_rng(2).standard_normal(network.size)
    objective = NetworkObjective(network, loss, engine.put(x[rows]), engine.put(y[rows]), **options)
    return OnDevice(objective, engine), theta


@every_loss
def test_weight_two_is_the_example_twice(loss: Loss, outputs: int, engine: Engine, rounding: float) -> None:
    weight = np.array([2.0, 1, 1, 1, 1, 1])
    weighted, theta = network_objective(engine, loss, outputs, sample_weight=engine.put(weight / weight.mean()))
    twice, _ = network_objective(engine, loss, outputs, [0, 0, 1, 2, 3, 4, 5])
    assert weighted(theta).loss == pytest.approx(twice(theta).loss, rel=rounding)
    np.testing.assert_allclose(weighted(theta).gradient, twice(theta).gradient, rtol=rounding, atol=1e-3 * rounding)


@every_loss
def test_a_network_has_the_same_loss_and_gradient_wherever_it_is_computed(
    loss: Loss, outputs: int, engine: Engine, rounding: float
) -> None:
    options = {"l2": 0.7, "data_size": 60}
    ours, theta = network_objective(engine, loss, outputs, **options)
    right = network_objective(NUMPY_DOUBLE, loss, outputs, **options)[0](theta)
    found = ours(theta)
    assert found.loss == pytest.approx(right.loss, rel=rounding)
    assert found.terms == pytest.approx(dict(right.terms), rel=rounding)
    np.testing.assert_allclose(found.gradient, right.gradient, rtol=rounding, atol=rounding)


@every_loss
def test_l2_penalises_weights_and_not_biases_and_divides_by_the_data(loss: Loss, outputs: int, double: Engine) -> None:
    plain, theta = network_objective(double, loss, outputs)
    penalised, _ = network_objective(double, loss, outputs, l2=0.7, data_size=60)
    without, with_l2 = plain(theta), penalised(theta)
    weights = np.concatenate([theta[p.start : p.stop] for p in plain.layout if p.name.endswith(".W")])
    assert with_l2.terms["data"] == without.loss
    assert with_l2.terms["l2"] == pytest.approx(0.7 / (2 * 60) * (weights**2).sum(), rel=1e-13)
    assert with_l2.loss == pytest.approx(with_l2.terms["data"] + with_l2.terms["l2"], rel=1e-15)
    for p in plain.layout:
        difference = (with_l2.gradient - without.gradient)[p.start : p.stop]
        expected = 0.7 / 60 * theta[p.start : p.stop] if p.name.endswith(".W") else np.zeros(p.stop - p.start)
        np.testing.assert_allclose(difference, expected, rtol=1e-10, atol=1e-15)


@every_loss
def test_the_penalty_does_not_change_with_the_batch(loss: Loss, outputs: int, engine: Engine) -> None:
    sizes = [6, 3, 1]
    terms = []
    for n in sizes:
        objective, theta = network_objective(engine, loss, outputs, slice(n), l2=0.7, data_size=6)
        terms.append(objective(theta).terms["l2"])
    assert terms[0] == terms[1] == terms[2] > 0


@every_loss
def test_value_is_the_loss_of_the_evaluation(loss: Loss, outputs: int, engine: Engine) -> None:
    objective, theta = network_objective(engine, loss, outputs, l2=0.7)
    assert objective.value(theta) == objective(theta).loss
    assert math.isfinite(objective(theta).loss)


def test_losses_are_given_by_name_by_kind_and_as_objects() -> None:
    assert type(as_loss("cross-entropy", 1)) is BinaryCrossEntropy
    assert type(as_loss("cross-entropy", 3)) is CategoricalCrossEntropy
    assert type(as_loss("squared-error", 1)) is type(as_loss(MeanSquaredError, 1)) is MeanSquaredError
    own = MeanSquaredError()
    assert as_loss(own, 1) is own


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "crossentropy",
            "^no loss is called 'crossentropy': use cross-entropy or squared-error; did you mean 'cross-en",
        ),
        (len, "^a loss is a name .* or an object as MeanSquaredError"),
    ],
)
def test_what_is_no_loss_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_loss(given, 2)
