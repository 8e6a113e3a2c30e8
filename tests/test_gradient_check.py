"""Gradient checking: right gradients pass everywhere, wrong ones do not, and the report says where to look."""

import itertools
import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from sfumato import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Dense,
    Evaluation,
    GradientReport,
    InputError,
    LayerObjective,
    Loss,
    MeanSquaredError,
    Network,
    NetworkObjective,
    Objective,
    ReLU,
    Tanh,
    check_gradient,
    multilayer_perceptron,
)
from sfumato.arrays import Array
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.gradient_check import MANY_PARAMETERS, Method, Verdict, relative_difference
from sfumato.layers import ACTIVATIONS
from sfumato.objective import OnDevice

LOSSES: dict[str, tuple[Loss, int]] = {
    "binary": (BinaryCrossEntropy(), 1),
    "categorical": (CategoricalCrossEntropy(), 3),
    "squared": (MeanSquaredError(), 1),
}
SMOOTH = [name for name, make in ACTIVATIONS.items() if make().analytic]


def objective_and_theta(
    activation: str = "tanh",
    loss: str = "categorical",
    *,
    l2: float = 0.0,
    dropout: float = 0.0,
    engine: Engine = NUMPY_DOUBLE,
) -> tuple[NetworkObjective, Array]:
    """A network of two hidden layers, and for it weights of order one."""
    rng = np.random.default_rng(3)
    measure, outputs = LOSSES[loss]
    network = multilayer_perceptron(3, [5, 4], outputs, activation=activation, dropout=dropout)
    x, y = engine.put(rng.standard_normal((6, 3))), engine.put(np.arange(6) % max(2, outputs))
    objective = NetworkObjective(network, measure, x, y, l2=l2, data_size=10, dropout_key=(1, 2))
    return objective, rng.standard_normal(network.size)


class Altered(Objective):
    """An objective whose gradient has been multiplied, entry by entry, while its value stays right."""

    def __init__(self, objective: Objective, *factors: tuple[str, float]) -> None:
        self.objective, self.factors = objective, factors
        self.layout, self.layer_names, self.analytic = objective.layout, objective.layer_names, objective.analytic

    def __call__(self, theta: Array) -> Evaluation:
        evaluation = self.objective(theta)
        places = {parameter.name: slice(parameter.start, parameter.stop) for parameter in self.layout}
        for name, factor in self.factors:
            evaluation.gradient[places[name]] *= factor
        return evaluation

    def kink_sides(self, theta: Array) -> Sequence[Array]:
        return self.objective.kink_sides(theta)


class Rosenbrock(Objective):
    """A user's own objective: no layout, no names, only a value and a gradient."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def __call__(self, theta: Array) -> Evaluation:
        return Evaluation(float(optimize.rosen(theta)), self.factor * optimize.rosen_der(theta))


def wrong_names(report: GradientReport) -> list[str]:
    return [row.name for row in report.parameters if row.verdict == Verdict.WRONG]


NETWORKS = list(itertools.product(ACTIVATIONS, LOSSES, [0, 0.7], [0, 0.3]))
SMOOTH_NETWORKS = [options for options in NETWORKS if options[0] in SMOOTH]


@pytest.mark.parametrize(("activation", "loss", "l2", "dropout"), NETWORKS)
def test_right_gradients_pass_for_every_network(
    activation: str, loss: str, l2: float, dropout: float, double: Engine
) -> None:
    objective, theta = objective_and_theta(activation, loss, l2=l2, dropout=dropout, engine=double)
    report = check_gradient(OnDevice(objective, double), theta)
    assert report.difference < 1e-8
    assert report.verdict == Verdict.RIGHT
    assert not report.wrong
    assert report.advice == ""
    assert sum(row.checked for row in report.parameters) == theta.size
    assert {row.kinks for row in report.parameters} == {0}
    assert wrong_names(report) == []


@pytest.mark.parametrize(("activation", "loss", "l2", "dropout"), SMOOTH_NETWORKS)
def test_the_complex_step_agrees_to_the_last_digits(activation: str, loss: str, l2: float, dropout: float) -> None:
    objective, theta = objective_and_theta(activation, loss, l2=l2, dropout=dropout)
    assert check_gradient(objective, theta, method="complex-step").difference < 1e-14


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_sided_differences_are_coarser_than_two_sided_ones(activation: str) -> None:
    objective, theta = objective_and_theta(activation)
    one_sided = check_gradient(objective, theta, method="one-sided")
    two_sided = check_gradient(objective, theta)
    assert two_sided.difference < one_sided.difference < 1e-6
    assert not one_sided.wrong


def test_truncation_grows_with_the_step_once_one_sided_and_squared_two_sided() -> None:
    objective, theta = objective_and_theta()
    orders: dict[Method, float] = {"one-sided": 10, "two-sided": 100}
    for method, growth in orders.items():
        fine, coarse = (check_gradient(objective, theta, method=method, step=step).difference for step in (1e-3, 1e-2))
        assert coarse / fine == pytest.approx(growth, rel=0.2)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name not in SMOOTH])
def test_the_complex_step_is_refused_where_it_cannot_work(activation: str) -> None:
    objective, theta = objective_and_theta(activation)
    with pytest.raises(InputError, match=r"needs an analytic objective; .* use two-sided"):
        check_gradient(objective, theta, method="complex-step")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "three-sided"}, "no method of checking is called 'three-sided': use one of two-sided, one-sided"),
        ({"step": 0.0}, "must be a positive number, not 0.0"),
        ({"step": -1e-5}, "must be a positive number, not -1e-05"),
        ({"step": math.nan}, "must be a positive number, not nan"),
        ({"directions": 0}, "must be at least 1, not 0"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_gradient(*objective_and_theta(), **options)


def test_a_gradient_of_another_shape_is_refused() -> None:
    class Short(Rosenbrock):
        def __call__(self, theta: Array) -> Evaluation:
            loss, gradient, _ = super().__call__(theta)
            return Evaluation(loss, gradient[:-1])

    with pytest.raises(InputError, match=r"the gradient has shape \(3,\), theta \(4,\)"):
        check_gradient(Short(), np.ones(4))


def test_a_users_own_objective_is_checked_as_one_parameter() -> None:
    theta = np.array([-1.2, 1.0, 0.3])
    right, wrong = check_gradient(Rosenbrock(), theta), check_gradient(Rosenbrock(1.01), theta)
    assert [row.name for row in right.parameters] == ["theta"]
    assert right.difference < 1e-8
    assert (wrong.verdict, wrong.parameters[0].verdict, wrong.advice) == (Verdict.WRONG, Verdict.WRONG, "")
    assert wrong.parameters[0].analytic / wrong.parameters[0].numeric == pytest.approx(1.01)


def test_checking_leaves_theta_as_it_is_and_takes_any_precision() -> None:
    objective, theta = objective_and_theta()
    before = theta.copy()
    report = check_gradient(objective, theta)
    np.testing.assert_array_equal(theta, before)
    assert check_gradient(objective, before.astype(np.float32)).difference < 1e-8
    assert check_gradient(objective, theta) == report


def large_objective(engine: Engine) -> tuple[Objective, Array]:
    rng = np.random.default_rng(0)
    network = Network([Dense(75), Tanh(), Dense(1)], 70)
    assert network.size > MANY_PARAMETERS
    x, y = engine.put(rng.standard_normal((5, 70)) / 8), engine.put(rng.standard_normal(5))
    objective = NetworkObjective(network, MeanSquaredError(), x, y)
    return OnDevice(objective, engine), rng.standard_normal(network.size)


def test_large_networks_are_checked_along_random_directions(double: Engine) -> None:
    objective, theta = large_objective(double)
    report = check_gradient(objective, theta)
    assert [row.checked for row in report.parameters] == [50, 50, 50, 1]
    assert all(row.where.startswith("direction ") for row in report.parameters[:3])
    assert report.difference < 1e-8
    altered = Altered(objective, ("dense_1.W", 1.001))
    assert wrong_names(check_gradient(altered, theta)) == ["dense_1.W"]
    assert check_gradient(objective, theta, seed=1).difference != report.difference


def test_the_number_of_directions_can_be_chosen() -> None:
    report = check_gradient(*objective_and_theta(), directions=4)
    assert [row.checked for row in report.parameters] == [4, 4, 4, 4, 4, 3]
    assert report.difference < 1e-8


def test_a_gradient_that_is_not_a_number_is_wrong_where_it_is() -> None:
    objective, theta = objective_and_theta()
    report = check_gradient(Altered(objective, ("dense_2.b", math.nan)), theta)
    assert report.wrong
    assert wrong_names(report) == ["dense_2.b"]
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["parameters"][3]["difference"] is None
    assert "nan" in report.to_text()


def objective_at_a_kink(engine: Engine) -> tuple[Objective, Array]:
    """The first unit's input is exactly 0 for the only example; the second's is far from 0."""
    network = Network([Dense(2), ReLU(), Dense(1)], 2)
    theta = np.zeros(network.size)
    params = network.parameters(theta)
    params.dense_1.W[:] = [[1, 2], [1, 1]]
    params.dense_2.W[:] = [[3], [4]]
    x, y = engine.put(np.array([[1.0, -1.0]])), engine.put(np.array([0.5]))
    return OnDevice(NetworkObjective(network, MeanSquaredError(), x, y), engine), theta


def test_a_kink_within_the_step_is_recognised_and_left_out(double: Engine) -> None:
    report = check_gradient(*objective_at_a_kink(double))
    rows = {row.name: row for row in report.parameters}
    assert (rows["dense_1.W"].kinks, rows["dense_1.W"].checked) == (2, 2)
    assert (rows["dense_1.b"].kinks, rows["dense_1.b"].checked) == (1, 1)
    assert report.verdict == Verdict.RIGHT
    assert "(2 with a kink within the step left out)" in report.to_text()


def test_a_parameter_whose_every_entry_meets_a_kink_is_not_called_wrong() -> None:
    network = Network([Dense(1), ReLU(), Dense(1)], 1)
    objective = NetworkObjective(network, MeanSquaredError(), np.ones((1, 1)), np.ones(1))
    report = check_gradient(objective, np.array([1.0, -1.0, 2.0, 0.5]))
    assert [row.verdict for row in report.parameters[:2]] == [Verdict.KINK, Verdict.KINK]
    assert not report.wrong
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["parameters"][0]["analytic"] is None
    assert "kink within the step" in report.to_text()


def test_a_point_where_nothing_can_be_compared_is_refused() -> None:
    objective = LayerObjective(ReLU())
    with pytest.raises(InputError, match="a kink lies within every step; check at another point"):
        check_gradient(objective, np.zeros_like(objective.theta))


def test_a_wrong_gradient_is_found_beside_a_kink(double: Engine) -> None:
    objective, theta = objective_at_a_kink(double)
    assert wrong_names(check_gradient(Altered(objective, ("dense_1.W", 1.1)), theta)) == ["dense_1.W"]


def test_the_step_grows_with_the_entry_so_that_large_ones_are_measured_as_well() -> None:
    class Squares(Objective):
        def __call__(self, theta: Array) -> Evaluation:
            return Evaluation(float(theta @ theta), 2 * theta)

    for size in (1.0, 1e7 / 3):
        assert check_gradient(Squares(), np.array([size])).difference < 1e-8


def test_what_rounding_hides_is_called_too_small_to_measure() -> None:
    class Offset(Rosenbrock):
        def __call__(self, theta: Array) -> Evaluation:
            loss, gradient, _ = super().__call__(theta)
            return Evaluation(1e6 + 1e-9 * loss, 1e-9 * gradient)

    report = check_gradient(Offset(), np.array([-1.2, 1.0, 0.3]))
    assert report.parameters[0].verdict == Verdict.ROUNDING
    assert not report.wrong


def test_the_report_shows_each_parameter_and_the_worst_entry() -> None:
    objective, theta = objective_and_theta()
    report = check_gradient(Altered(objective, ("dense_2.b", 2.0)), theta)
    row = report.parameters[3]
    gradient = objective(theta).gradient[objective.layout[3].start : objective.layout[3].stop]
    worst = int(np.abs(gradient).argmax())
    assert (row.name, row.where, row.checked) == ("dense_2.b", f"[{worst}]", 4)
    assert (row.analytic, row.numeric) == pytest.approx((2 * gradient[worst], gradient[worst]), rel=1e-6)
    assert row.difference == pytest.approx(1 / 3, rel=1e-6)
    text = report.to_text().splitlines()
    assert [line.split()[0] for line in text[1:7]] == [parameter.name for parameter in objective.layout]
    assert text[4].endswith("wrong")
    assert f"(two-sided): {report.verdict}" in text[-2]
    assert text[-1] == report.advice


def test_the_report_goes_into_json_whole() -> None:
    objective, theta = objective_and_theta()
    report = check_gradient(Altered(objective, ("dense_2.b", 2.0)), theta)
    stored = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (stored["difference"], stored["verdict"]) == (report.difference, "wrong")
    assert (stored["method"], stored["advice"]) == ("two-sided", report.advice)
    assert [row["name"] for row in stored["parameters"]] == [row.name for row in report.parameters]
    assert stored["parameters"][3] == {**vars(report.parameters[3]), "verdict": "wrong"}


ALL = ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b", "dense_3.W", "dense_3.b"]


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (["dense_2.b"], "dense_2.b is wrong and other parameters of the same depth are right: look where dense_2.b is"),
        (["dense_1.b", "dense_3.b"], "dense_1.b, dense_3.b are wrong and other .* look where dense_1.b, dense_3.b are"),
        (ALL[:2], "wrong up to dense_1, right from dense_2 on: look at the backward pass of tanh_1 "),
        (ALL[:4], "wrong up to dense_2, right from dense_3 on: look at the backward pass of tanh_2 "),
        (ALL, "every parameter is wrong: look at the loss's gradient, or at the backward pass above dense_3"),
        (ALL[::2], "only the weights that L2 applies to are wrong, all of them: look at the regularisation"),
    ],
)
def test_the_advice_says_where_to_look(wrong: list[str], advice: str) -> None:
    objective, theta = objective_and_theta()
    report = check_gradient(Altered(objective, *((name, 1.1) for name in wrong)), theta)
    assert wrong_names(report) == wrong
    assert re.match(advice, report.advice)


def test_one_wrong_parameter_fails_the_check_however_small_its_part(double: Engine) -> None:
    """The overall difference hides an error in a parameter with a small gradient; its own row does not."""
    objective, theta = objective_and_theta(engine=double)
    report = check_gradient(OnDevice(Altered(objective, ("dense_1.b", 1 + 1e-4)), double), theta)
    assert report.wrong
    assert wrong_names(report) == ["dense_1.b"]


def test_the_relative_difference_is_that_of_the_reference() -> None:
    assert relative_difference(np.array([3.0, 0]), np.array([0, 4.0])) == pytest.approx(5 / 7)
    assert relative_difference(np.zeros(2), np.zeros(2)) == 0
    assert relative_difference(np.array([1.0]), np.array([-1.0])) == 1
    assert math.isnan(relative_difference(np.array([]), np.array([])))
