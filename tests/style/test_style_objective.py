"""The whole objective of style transfer: its gradient with respect to the pixels, with every loss on."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

from sfumato import check_gradient
from sfumato.arrays import Array, Where, namespace, to_numpy
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.losses.content import ContentLoss
from sfumato.style.objective import StyleObjective
from sfumato.style.problem import StyleProblem
from sfumato.style.pyramid import resize
from sfumato.style.settings import STYLE_LOSS_NAMES
from sfumato.style.transfer import StyleTransfer

HEIGHT, WIDTH = 32, 40
StyleLossName = Literal["gram", "gram-reference", "wasserstein", "neighbours"]


def picture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Array:
    """Blotches of colour: smooth enough that no feature map is noise alone."""
    coarse = np.random.default_rng(seed).random((height // 4, width // 4, 3))
    return np.kron(coarse, np.ones((4, 4, 1))).astype(np.float32)


def outputs(z: Array, where: Where) -> tuple[Array, None]:
    """A head that keeps the features themselves."""
    return z, None


Posed = Callable[..., tuple[StyleObjective, Array]]


@pytest.fixture
def everything(narrow_vgg: str) -> Posed:
    """Two content layers, five style layers, two styles and total variation; and a point of NumPy's none of them is."""

    def pose(style_loss: StyleLossName, engine: Engine = NUMPY_DOUBLE, **changes: Any) -> tuple[StyleObjective, Array]:
        settings = StyleTransfer(
            content_layers={"conv4_2": 2.0, "conv5_2": 1.0},
            tv_weight=0.5,
            style_loss=style_loss,
            style_weight=30,
            vgg_weights=narrow_vgg,
            **changes,
        )
        problem = StyleProblem(settings, picture(1), [(picture(2), 2.0), (picture(3, 24, 36), 1.0)])
        point = 0.8 * picture(4) + 0.1 + 0.05 * np.random.default_rng(5).random((HEIGHT, WIDTH, 3))
        return problem.objective(HEIGHT, WIDTH, engine), point.ravel()

    return pose


@pytest.mark.parametrize("style_loss", STYLE_LOSS_NAMES)
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_the_gradient_equals_finite_differences(everything: Posed, style_loss: StyleLossName, pooling: Any) -> None:
    objective, x = everything(style_loss, pooling=pooling)
    assert sorted({term.kind for term in objective.terms}) == ["content", "style"]
    report = check_gradient(objective, x, step=1e-6, directions=6)
    assert report.difference < 1e-6
    assert report.parameters[0].checked >= 3, "there must be directions without a kink on the way"


@pytest.mark.parametrize("style_loss", STYLE_LOSS_NAMES)
def test_it_is_the_same_wherever_it_is_computed_and_in_float32_to_four_digits(
    everything: Posed, style_loss: StyleLossName, engine: Engine
) -> None:
    with NUMPY_DOUBLE.in_force():
        exact, x = everything(style_loss)
        expected = exact(x)
    for own in {engine, engine._replace(precision="float32")} - {NUMPY_DOUBLE}:
        tolerance = {"float64": 1e-10, "float32": 1e-4}[own.precision]
        found = everything(style_loss, own)[0](own.put(x))
        gradient = to_numpy(found.gradient)
        assert gradient.dtype == own.numpy_dtype
        assert found.terms == pytest.approx(dict(expected.terms), rel=tolerance)
        assert np.linalg.norm(gradient - expected.gradient) < tolerance * np.linalg.norm(expected.gradient)


def test_the_loss_is_the_sum_of_its_terms_with_and_without_a_gradient(everything: Posed, engine: Engine) -> None:
    objective, point = everything("gram", engine)
    x = engine.put(point)
    full, alone = objective(x), objective.without_gradient(x)
    assert full.loss == alone.loss == objective.value(x) == sum(full.terms.values())
    assert full.terms == alone.terms
    assert all(full.terms[name] > 0 for name in ("content", "style", "tv"))


def test_where_nothing_differs_there_is_no_loss_and_no_gradient(double: Engine) -> None:
    settings = StyleTransfer(style_loss="gram", tv_weight=0)
    problem = StyleProblem(settings, picture(1), picture(1))
    evaluation = problem.objective(HEIGHT, WIDTH, double)(double.put(picture(1).ravel()))
    assert evaluation.loss == pytest.approx(0, abs=1e-20)
    np.testing.assert_allclose(to_numpy(evaluation.gradient), 0, atol=1e-10)


@pytest.mark.parametrize("style_loss", STYLE_LOSS_NAMES)
def test_normalised_every_term_pulls_at_its_features_with_its_weight(
    everything: Posed, style_loss: StyleLossName, engine: Engine
) -> None:
    objective, point = everything(style_loss, engine)
    x = engine.put(point)
    normalized = objective.with_normalized_gradients(x)
    heads = [(term.layer, outputs) for term in normalized.terms]
    (features,) = objective.network.measure(x.reshape(HEIGHT, WIDTH, 3), heads)
    for before, term, z in zip(objective.terms, normalized.terms, features, strict=True):
        sums, pullback = term.loss.measure(z)
        dz = namespace(z).zeros_like(z)
        pullback(term.loss.score(sums, term.weight)[1], dz)
        close = 1e-6 if engine.precision == "float64" else 1e-3
        assert np.linalg.norm(to_numpy(dz)) == pytest.approx(before.weight, rel=close)
    if engine == NUMPY_DOUBLE:
        assert check_gradient(normalized, point, step=1e-6, directions=3).difference < 1e-6


def test_starting_from_the_content_its_loss_is_normalised_as_with_half_of_it_lost() -> None:
    problem = StyleProblem(StyleTransfer(content_weight=3.0), picture(1), picture(2))
    start = picture(1).ravel()
    objective = problem.objective(HEIGHT, WIDTH, NUMPY_DOUBLE)
    normalized = objective.with_normalized_gradients(start.astype(np.float64))
    content = normalized.terms[0].loss
    assert isinstance(content, ContentLoss)
    sums, pullback = content.measure(0.5 * content.target)
    dz = np.zeros_like(content.target)
    pullback(content.score(sums, normalized.terms[0].weight)[1], dz)
    assert np.linalg.norm(dz) == pytest.approx(3.0, rel=1e-6)
    assert all(np.isfinite(term.weight) for term in normalized.terms)


def test_normalised_content_and_style_still_balance_by_their_weights() -> None:
    results = [
        StyleTransfer(size=48, scales=1, steps=8, normalize_gradients=True, content_weight=weight).run(
            picture(1), picture(2)
        )
        for weight in (0.1, 10.0)
    ]
    distances = [np.abs(result.picture / 255.0 - resize(picture(1), 38, 48)).mean() for result in results]
    assert distances[1] < 0.7 * distances[0]
