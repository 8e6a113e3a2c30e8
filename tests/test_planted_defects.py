"""Defects that well-known implementations have had, planted on purpose: each is caught, and its place is named.

Every defect is a small subclass of the part it spoils. Those that the studio plants too, for learners to find, are in
`sfumato.studio.learn.defects`. Those of the optimizers are planted in
`optimizers/test_first_order.py`, beside the textbook's equations that show them.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from sfumato import (
    AveragePooling,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Convolution,
    Dense,
    Dropout,
    Evaluation,
    Flatten,
    GradientReport,
    Layer,
    LayerObjective,
    LeakyReLU,
    Loss,
    MaxPooling,
    MeanSquaredError,
    Network,
    NetworkObjective,
    Normal,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    check_gradient,
)
from sfumato.arrays import Array
from sfumato.gradient_check import Verdict
from sfumato.layers import EVERYTHING, NOTHING
from sfumato.losses.base import Pullback, Sums
from sfumato.optimizers.schedules import Schedule, exponential
from sfumato.random_keys import Stream, generator
from sfumato.studio.learn.defects import BiasesDecay, NotInverted, Spoiled, StaleCache, SummedBias, one_minus_a

SPIRAL = Path(__file__).parents[1] / "examples" / "data" / "spiral.csv"


def wrong(report: GradientReport) -> list[str]:
    return [row.name for row in report.parameters if row.verdict == Verdict.WRONG]


def check(layers: Sequence[Layer[Any]], loss: Loss | None = None, kind: Any = NetworkObjective) -> GradientReport:
    """Check a network of these layers, with L2 and dropout on, at weights of order one."""
    rng = np.random.default_rng(0)
    network = Network(layers, 3)
    x, y = rng.standard_normal((8, 3)), np.arange(8) % max(2, network.output_shape[0])
    objective = kind(network, loss or CategoricalCrossEntropy(), x, y, l2=0.5, data_size=80, dropout_key=(1, 2))
    return check_gradient(objective, rng.standard_normal(network.size))


@pytest.mark.parametrize(("output", "guilty"), [(SummedBias, ["summedbias_1.b"]), (Dense, [])])
def test_part_8_a_softmax_bias_that_is_summed_is_found_and_mending_it_makes_the_check_pass(
    output: type[Dense], guilty: list[str]
) -> None:
    """2-3-3 on the spiral, from the reference's first weights."""
    data = np.loadtxt(SPIRAL, delimiter=",")
    network = Network([Dense(3, Normal(0.01)), ReLU(), output(3, Normal(0.01))], 2)
    objective = NetworkObjective(network, CategoricalCrossEntropy(), data[:, :2], data[:, 2].astype(int))
    report = check_gradient(objective, network.initialize(0, np.float64))
    assert wrong(report) == guilty
    assert report.wrong == bool(guilty)
    if guilty:
        assert report.difference > 0.1
        assert "look where summedbias_1.b is assigned" in report.advice
    else:
        assert report.difference < 1e-7


class AveragedTwice(Dense):
    """dW is divided by the number of examples once more."""

    def forward(self, params: Any, x: Array, needs: Any, rng: Any = None) -> tuple[Array, Any]:
        z, backward = super().forward(params, x, needs, rng)

        def defective(dz: Array, grads: Any) -> Array | None:
            dx = backward(dz, grads)
            grads.W[...] /= len(x)
            return dx

        return z, defective


@pytest.mark.parametrize(
    ("defect", "guilty"), [(SummedBias, "summedbias_1.b"), (AveragedTwice, "averagedtwice_1.W"), (Dense, None)]
)
@pytest.mark.parametrize("place", range(3))
def test_a_parameter_assigned_wrongly_is_the_only_one_named(
    defect: type[Dense], guilty: str | None, place: int
) -> None:
    kinds = [defect if place == number else Dense for number in range(3)]
    report = check([kinds[0](5), Tanh(), kinds[1](4), Tanh(), kinds[2](3)])
    assert wrong(report) == ([guilty] if guilty else [])
    assert (f"look where {guilty} is assigned" in report.advice) == bool(guilty)


SPOILED: dict[str, Layer[Any]] = {
    "tanh: 1 - A instead of 1 - A^2": one_minus_a(),
    "sigmoid: A instead of A (1 - A)": Spoiled(Sigmoid(), lambda da, x, dx: da * special.expit(x)),
    "ReLU: everything passes": Spoiled(ReLU(), lambda da, x, dx: da),
    "leaky ReLU: nothing passes below zero": Spoiled(LeakyReLU(0.3), lambda da, x, dx: da * (x > 0)),
    "softmax: its Jacobian's diagonal only": Spoiled(Softmax(), lambda da, x, dx: da * special.softmax(x, axis=1)),
    "dropout: mask skipped": Spoiled(Dropout(0.4), lambda da, x, dx: da),
    "dropout: mask without its scale": Spoiled(Dropout(0.4), lambda da, x, dx: dx * (1 - 0.4)),
}


@pytest.mark.parametrize("layer", SPOILED.values(), ids=SPOILED.keys())
def test_a_wrong_way_back_is_wrong_below_and_right_above_and_the_advice_names_the_layer(layer: Layer[Any]) -> None:
    report = check([Dense(5), Tanh(), Dense(4), layer, Dense(3)])
    assert wrong(report) == ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"]
    assert "wrong up to dense_2, right from dense_3 on: look at the backward pass of spoiled_1" in report.advice


@pytest.mark.parametrize("layer", SPOILED.values(), ids=SPOILED.keys())
def test_a_layer_checked_on_its_own_is_found_wrong_in_its_inputs(layer: Layer[Any]) -> None:
    objective = LayerObjective(layer, dropout_key=(1, 2))
    report = check_gradient(objective, objective.theta)
    assert wrong(report) == ["inputs"]
    assert "look at the backward pass of spoiled_1" in report.advice


class BiasOfMeans(Convolution):
    """The bias's gradient is averaged over the places of the image instead of summed."""

    def forward(self, params: Any, x: Array, needs: Any, rng: Any = None) -> tuple[Array, Any]:
        z, backward = super().forward(params, x, needs, rng)

        def defective(dz: Array, grads: Any) -> Array | None:
            dx = backward(dz, grads)
            grads.b[...] /= z.shape[1] * z.shape[2]
            return dx

        return z, defective


class FiltersNotTurned(Convolution):
    """The backward pass to the inputs slides the filters as they are, instead of turned by 180 degrees."""

    def forward(self, params: Any, x: Array, needs: Any, rng: Any = None) -> tuple[Array, Any]:
        z, backward = super().forward(params, x, needs, rng)
        turned = params._replace(W=np.ascontiguousarray(params.W[:, ::-1, ::-1]))
        _, backward_through_turned = super().forward(turned, x, needs, rng)

        def defective(dz: Array, grads: Any) -> Array | None:
            backward(dz.copy(), grads)
            return backward_through_turned(dz, params._replace(W=np.empty_like(params.W), b=np.empty_like(params.b)))

        return z, defective


def to_all_of_the_window(da: Array, x: Array, dx: Array) -> Array:
    return da.repeat(2, axis=1).repeat(2, axis=2)


IMAGE_DEFECTS: list[tuple[Layer[Any], str]] = [
    (BiasOfMeans(3), "b"),
    (FiltersNotTurned(3), "inputs"),
    (Spoiled(MaxPooling(), to_all_of_the_window), "inputs"),
    (Spoiled(AveragePooling(), to_all_of_the_window), "inputs"),
]


@pytest.mark.parametrize(("layer", "guilty"), IMAGE_DEFECTS, ids=lambda part: getattr(part, "layer", part))
def test_a_layer_of_images_checked_on_its_own_is_found_wrong_where_it_is(layer: Layer[Any], guilty: str) -> None:
    objective = LayerObjective(layer, (6, 4, 2), examples=2)
    assert [name.rpartition(".")[2] for name in wrong(check_gradient(objective, objective.theta))] == [guilty]


def test_a_defect_on_the_way_back_to_an_image_shows_below_it_alone() -> None:
    """In the middle of a network: the convolution under it looks wrong, the dense layer above it right."""
    layers: list[Layer[Any]] = [Convolution(4), FiltersNotTurned(3), MaxPooling(), Flatten(), Dense(3)]
    network, rng = Network(layers, (6, 4, 2)), np.random.default_rng(0)
    objective = NetworkObjective(network, CategoricalCrossEntropy(), rng.standard_normal((3, 6, 4, 2)), np.arange(3))
    report = check_gradient(objective, rng.standard_normal(network.size))
    assert wrong(report) == ["convolution_1.W", "convolution_1.b"]
    assert "wrong up to convolution_1, right from filtersnotturned_1 on" in report.advice


class MaskOfItsOwn(Dropout):
    """Draws from a generator that goes on from call to call, instead of the step's."""

    def forward(self, params: Any, x: Array, needs: Any, rng: Any = None) -> tuple[Array, Any]:
        return super().forward(params, x, needs, ENDLESS)


ENDLESS = np.random.default_rng(0)


def test_masks_that_do_not_follow_from_the_step_fail_the_check_everywhere() -> None:
    assert len(wrong(check([Dense(5), Tanh(), MaskOfItsOwn(0.4), Dense(3)]))) == 4


class PenaltyForgotten(NetworkObjective):
    """L2 is in the loss and not in the gradient."""

    share_in_gradient = 0.0

    def __call__(self, theta: Array) -> Evaluation:
        evaluation = super().__call__(theta)
        for weights in self.decaying:
            evaluation.gradient[weights] += (self.share_in_gradient - 1) * self.penalty * theta[weights]
        return evaluation


class PenaltyOverBatch(PenaltyForgotten):
    """Lambda is divided by the batch (8 examples here) in the gradient, by the data (80) in the loss."""

    share_in_gradient = 10.0


WEIGHTS, BIASES = ["dense_1.W", "dense_2.W"], ["dense_1.b", "dense_2.b"]


@pytest.mark.parametrize(
    ("defect", "guilty", "advice"),
    [
        (PenaltyForgotten, WEIGHTS, "look at the regularisation's gradient"),
        (PenaltyOverBatch, WEIGHTS, "look at the regularisation's gradient"),
        (BiasesDecay, BIASES, "look where dense_1.b, dense_2.b are assigned"),
        (NetworkObjective, [], ""),
    ],
)
def test_a_wrong_l2_gradient_is_found_in_just_the_parameters_that_it_spoils(
    defect: Any, guilty: list[str], advice: str
) -> None:
    report = check([Dense(4), Tanh(), Dropout(0.4), Dense(3)], kind=defect)
    assert wrong(report) == guilty
    assert report.advice.endswith(advice)


class HalvedSquaredError(MeanSquaredError):
    """The gradient of half the squared error under the squared error."""

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        sums, pullback = super().forward(z, y, weight)
        return sums, lambda dsum: pullback(dsum / 2)


class WeightsForgotten(BinaryCrossEntropy):
    """Weights each example in the loss and not in the gradient."""

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        return super().forward(z, y, np.linspace(0.1, 1.9, len(y)))[0], super().forward(z, y)[1]


class SumOfGradients(CategoricalCrossEntropy):
    """Reports the sum of squared gradients as the loss."""

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        sums, pullback = super().forward(z, y, weight)
        return sums._replace(loss=float((pullback(1.0) ** 2).sum())), pullback


@pytest.mark.parametrize(
    ("loss", "outputs"), [(HalvedSquaredError(), 1), (WeightsForgotten(), 1), (SumOfGradients(), 3)]
)
def test_a_loss_with_another_losss_gradient_is_wrong_everywhere(loss: Loss, outputs: int) -> None:
    report = check([Dense(4), Tanh(), Dense(outputs)], loss)
    assert wrong(report) == ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"]
    assert "every parameter is wrong: look at the loss's gradient" in report.advice


class Unstable(BinaryCrossEntropy):
    """-log of a sigmoid that is written out: overflows, and meets log(0)."""

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        p = 1 / (1 + np.exp(-z[:, 0]))
        losses = -y * np.log(p) - (1 - y) * np.log(1 - p)
        return Sums(float(losses.sum()), 0, len(y)), super().forward(z, y, weight)[1]


def test_a_cross_entropy_apart_from_its_sigmoid_fails_where_the_fused_one_is_exact() -> None:
    z, y = np.array([[-1000.0], [1000.0]]), np.array([1, 0])
    with np.errstate(all="ignore"):
        assert not math.isfinite(Unstable().forward(z, y)[0].loss)
    with pytest.raises(RuntimeWarning):
        Unstable().forward(z, y)
    assert BinaryCrossEntropy().forward(z, y)[0].loss == 2000


class SameMaskInEveryLayer(Dropout):
    """Seeds its generator anew in each layer."""

    def forward(self, params: Any, x: Array, needs: Any, rng: Any = None) -> tuple[Array, Any]:
        return super().forward(params, x, needs, None if rng is None else np.random.default_rng(0))


def outputs_of_two_layers(kind: type[Dropout]) -> Array:
    network = Network([kind(0.5), kind(0.5)], 200)
    return network.forward(((), ()), np.ones((1000, 200)), NOTHING, generator(0, Stream.DROPOUT))[0]


@pytest.mark.parametrize(
    ("kind", "mean", "kept"), [(Dropout, 1.0, 0.25), (NotInverted, 0.25, 0.25), (SameMaskInEveryLayer, 2.0, 0.5)]
)
def test_dropout_that_is_not_inverted_or_alike_in_every_layer_shows_in_its_averages(
    kind: type[Dropout], mean: float, kept: float
) -> None:
    assert outputs_of_two_layers(kind).mean() == pytest.approx(mean, abs=0.02)
    assert (outputs_of_two_layers(kind) != 0).mean() == pytest.approx(kept, abs=0.01)
    assert not check([Dense(5), Tanh(), kind(0.5), Dense(3)]).wrong


def compounding(learning_rate: float, decay: float, epochs: int) -> Schedule:
    """The reference's code: multiplies the rate by decay^(number of epochs / 1000), a constant, once every epoch."""
    rates = [learning_rate]
    for _ in range(epochs):
        rates.append(rates[-1] * decay ** (epochs / 1000))
    return lambda epoch: rates[epoch]


@pytest.mark.parametrize("epochs", [100, 2500])
def test_decay_that_compounds_with_a_constant_exponent_differs_from_the_equation(epochs: int) -> None:
    equation, code = exponential(0.6, 0.99), compounding(0.6, 0.99, epochs)
    assert equation(0) == code(0)
    assert equation(50) == pytest.approx(0.6 * 0.99**50, rel=1e-14)
    assert code(50) != pytest.approx(equation(50), rel=0.3)


@pytest.mark.parametrize(("kind", "independent"), [(Tanh, True), (StaleCache, False)])
def test_a_layer_that_keeps_its_last_outputs_spoils_the_way_back_of_an_earlier_call(
    kind: type[Tanh], independent: bool
) -> None:
    layer, params = kind(), Network([kind()], 1).parameters(np.empty(0))[0]
    _, backward = layer.forward(params, np.array([[0.5]]), EVERYTHING)
    layer.forward(params, np.array([[2.0]]), EVERYTHING)
    dx = backward(np.ones((1, 1)), params)
    assert (dx == pytest.approx(1 - math.tanh(0.5) ** 2)) == independent
