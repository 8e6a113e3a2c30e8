"""What `fit` refuses or warns of: data, options, truths, and losses that diverge."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.training.numbered import SMALL, fit_numbered, numbered

from sfumato import (
    LBFGS,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    DivergenceError,
    InputError,
    Loss,
    MeanSquaredError,
    fit,
    multilayer_perceptron,
)
from sfumato.arrays import Array
from sfumato.data import Examples
from sfumato.losses import MultilabelCrossEntropy
from sfumato.losses.base import Pullback, Sums
from sfumato.training.fitting import REPLACED


@dataclass(frozen=True)
class BrokenSquaredError(MeanSquaredError):
    """Gives no number at a certain call."""

    left: list[int]

    def forward(self, z: Array, y: Array, weight: Array | None = None) -> tuple[Sums, Pullback]:
        sums, pullback = super().forward(z, y, weight)
        self.left[0] -= 1
        return (sums if self.left[0] else sums._replace(loss=math.nan)), pullback


def test_divergence_is_named_with_its_epoch_and_step() -> None:
    with pytest.raises(DivergenceError, match="the loss is nan in epoch 2, step 2; try a learning rate ten times"):
        fit(SMALL, BrokenSquaredError([5]), numbered(), batch_size=4)
    with pytest.raises(DivergenceError, match=r"the loss is (inf|nan) in epoch 1, step 2"):
        fit_numbered(learning_rate=1e30, precision="float32")


def test_weights_that_overflow_in_the_last_step_are_not_returned() -> None:
    with pytest.raises(DivergenceError, match="in epoch 1, step 1"):
        fit_numbered(learning_rate=1e300, precision="float32", batch_size="full", epochs=1)


X, Y = numbered().x, numbered().y


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "the batch size must be .*at least 1.* not 0"),
        ({"batch_size": 2.5}, "the batch size must be .* not 2.5"),
        ({"epochs": 0}, "the number of epochs must be .*at least 1, not 0"),
        ({"epochs": 2.5}, "the number of epochs must be .* not 2.5"),
        ({"resume": True}, "name the checkpoint"),
        ({"train": Examples(np.append(X[:9], [[math.nan]], axis=0), Y)}, "infinite or not a number"),
        ({"train": Examples(X, Y[:, None])}, "the truth must be one entry an example"),
        ({"l2": -0.1}, "the L2 penalty must be 0 or more, not -0.1"),
        ({"l2": math.nan}, "the L2 penalty must be 0 or more, not nan"),
        ({"early_stopping": 0, "validation": numbered()}, "patience of early stopping must be at least 1 epoch, not 0"),
        ({"early_stopping": 3}, "early stopping needs validation data"),
        ({"learning_rate": 0.0}, "the learning rate must be a positive number"),
        ({"learning_rate": lambda epoch: math.nan}, "the learning rate of epoch 1 must be 0 or more, not nan"),
        ({"learning_rate": lambda epoch: "fast"}, "the learning rate of epoch 1 must be 0 or more, not 'fast'"),
        ({"scaling": "standard"}, "takes a Scaling, not .standard."),
        ({"callback": 3}, "takes a function, not 3"),
        ({"optimizer": "sgd"}, "no optimizer is called 'sgd'"),
        ({"optimizer": LBFGS()}, "L-BFGS needs the same objective at every step: use the full batch"),
        ({"seed": -1}, "seed"),
        ({"train": Examples(np.zeros((4, 2)), np.zeros(4))}, r"examples have shape \(2,\); the network takes \(1,\)"),
        ({"train": Examples(X, Y[:-1])}, "the same number of"),
        ({"train": Examples(X[:0], Y[:0]), "epochs": None}, "example"),
        ({"train": Examples(X, Y, np.ones(9))}, "weight"),
        ({"train": Examples(X, Y, np.append(-1.0, np.ones(9)))}, "weight"),
        ({"train": Examples(X, Y, np.zeros(10))}, "weight"),
        ({"validation": Examples(np.zeros((4, 2)), np.zeros(4))}, r"shape \(2,\); the network takes \(1,\)"),
    ],
)
def test_options_and_data_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_numbered(**options)


def test_a_run_or_network_of_another_type_is_refused() -> None:
    not_one: Any = {}
    with pytest.raises(InputError, match="takes a RunOptions, not"):
        fit(SMALL, MeanSquaredError(), numbered(), run=not_one)
    with pytest.raises(InputError, match="takes a Network, not"):
        fit(not_one, MeanSquaredError(), numbered())


def test_lbfgs_is_refused_with_dropout() -> None:
    network = multilayer_perceptron(1, [3], 1, dropout=0.5)
    with pytest.raises(InputError, match="leave out dropout"):
        fit(network, MeanSquaredError(), numbered(), optimizer=LBFGS())


@pytest.mark.parametrize(
    ("loss", "outputs", "y"),
    [
        (CategoricalCrossEntropy(), 2, [0, 1, 2]),
        (CategoricalCrossEntropy(), 3, [0, 1, -1]),
        (BinaryCrossEntropy(), 1, [1, 2, 1]),
        (BinaryCrossEntropy(), 1, [-1, 1, 1]),
        (BinaryCrossEntropy(), 2, [0, 1, 1]),
        (MeanSquaredError(), 2, [0, 1, 1]),
        (MeanSquaredError(), 1, [[0, 1], [1, 1], [0, 0]]),
        (BinaryCrossEntropy(), 1, [[0, 1], [1, 1], [1, 0]]),
        (CategoricalCrossEntropy(), 2, [[0, 1], [1, 1], [0, 0]]),
        (MultilabelCrossEntropy(), 2, [0, 1, 1]),
        (MultilabelCrossEntropy(), 2, [[0, 2], [1, 1], [0, 0]]),
    ],
)
def test_truths_and_outputs_that_the_loss_does_not_know_are_refused(loss: Loss, outputs: int, y: list[Any]) -> None:
    with pytest.raises(InputError, match=r"class|output|labels"):
        fit(multilayer_perceptron(1, [], outputs), loss, Examples(np.zeros((3, 1)), np.array(y)), epochs=1)


@pytest.mark.parametrize("keyword", REPLACED)
def test_keywords_of_before_are_refused_with_what_to_write_now(keyword: str) -> None:
    given: dict[str, Any] = {keyword: 1}
    with pytest.raises(InputError, match=rf"^fit has no {keyword}=: give it (run|learning_rate)=.+"):
        fit(SMALL, MeanSquaredError(), numbered(), **given)


def test_other_keywords_are_unknown_as_usual() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'momentun'"):
        fit(SMALL, MeanSquaredError(), numbered(), momentun=0.9)


@pytest.mark.parametrize(
    ("factor", "shift", "warned"), [(1.0, 0.0, False), (100.0, 0.0, True), (1.0, 200.0, True), (0.01, 0.0, True)]
)
def test_values_far_from_unit_scale_are_warned_of(factor: float, shift: float, warned: bool) -> None:
    examples = Examples(X, factor * Y + shift)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(SMALL, MeanSquaredError(), examples, epochs=1)
    assert [("sfumato.train" in str(one.message)) for one in caught] == [True] * warned
