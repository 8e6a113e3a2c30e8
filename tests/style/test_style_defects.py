"""Defects that style transfer programs are known for, planted: the gradient check catches each."""

from typing import Any

import numpy as np
import pytest

from sfumato import Evaluation, check_gradient
from sfumato.arrays import Array
from sfumato.engine import NUMPY_DOUBLE
from sfumato.losses.gram import GramLoss, GramReferenceLoss, StyleLoss, moments
from sfumato.style.losses import total_variation
from sfumato.style.objective import StyleObjective
from sfumato.style.problem import StyleProblem
from sfumato.style.transfer import StyleTransfer

SHAPE = (16, 20, 3)


class VariationWithoutLoss(StyleObjective):
    """Total variation pulls at the pixels, but the loss does not know of it."""

    def _total_variation(self, theta: Array) -> tuple[float, Array | None]:
        return 0.0, self.tv_weight * total_variation(theta.reshape(SHAPE))[1]


class NormalizedAtEveryCall(StyleObjective):
    """Each term's feature gradient is brought to its weight's norm whenever it is asked for, and the loss is left."""

    def __call__(self, theta: Array) -> Evaluation:
        return self.with_normalized_gradients(theta)(theta)._replace(loss=self.value(theta))


class LossScaledOnly(StyleObjective):
    """The loss is divided by the norm of the gradient, and the gradient is left."""

    def value(self, theta: Array) -> float:
        return super().value(theta) / float(np.linalg.norm(self(theta).gradient))


class ContentForgotten(StyleObjective):
    """The backward pass leaves out the content's features."""

    def __call__(self, theta: Array) -> Evaluation:
        without = self.reweighted([0.0 if term.kind == "content" else term.weight for term in self.terms])
        return super().__call__(theta)._replace(gradient=without(theta).gradient)


class ColoursInTheWrongOrder(StyleObjective):
    """The gradient comes back as blue, green, red."""

    def __call__(self, theta: Array) -> Evaluation:
        evaluation = super().__call__(theta)
        return evaluation._replace(gradient=evaluation.gradient.reshape(SHAPE)[..., ::-1].ravel())


def planted(kind: type[StyleObjective]) -> tuple[StyleObjective, Array]:
    random = np.random.default_rng(0)
    settings = StyleTransfer(
        content_layers={"conv2_2": 1}, style_layers={"conv1_1": 1, "conv2_1": 1}, tv_weight=1, style_weight=1
    )
    smooth: Any = [np.kron(random.random((4, 5, 3)), np.ones((4, 4, 1))) for _ in range(3)]
    right = StyleProblem(settings, smooth[0], smooth[1]).objective(*SHAPE[:2], NUMPY_DOUBLE)
    point = 0.9 * smooth[2] + 0.05 * random.random(SHAPE)
    return kind(right.network, right.terms, right.tv_weight), point.ravel()


def test_the_objective_without_a_defect_is_right() -> None:
    assert not check_gradient(*planted(StyleObjective), step=1e-6, directions=8).wrong


@pytest.mark.parametrize(
    "defect",
    [VariationWithoutLoss, NormalizedAtEveryCall, LossScaledOnly, ContentForgotten, ColoursInTheWrongOrder],
)
def test_each_planted_defect_is_caught(defect: type[StyleObjective]) -> None:
    report = check_gradient(*planted(defect), step=1e-6, directions=8)
    assert report.wrong
    assert [row.name for row in report.parameters] == ["pixels"]


def test_only_the_loss_that_says_so_by_name_changes_with_the_size_of_a_picture() -> None:
    z, style = np.random.default_rng(1).random((1, 8, 8, 4)), np.random.default_rng(2).random((1, 6, 6, 4))
    four_times = np.tile(style, (1, 2, 2, 1))
    sums = moments(z)

    def change(kind: type[StyleLoss]) -> float:
        return kind([(moments(four_times), 1.0)]).score(sums)[0] / kind([(moments(style), 1.0)]).score(sums)[0]

    assert change(GramLoss) == pytest.approx(1)
    assert change(GramReferenceLoss) > 2
