"""The whole objective of a sound: its gradient with respect to the gains, with every loss on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sfumato import check_gradient
from sfumato.arrays import Array, to_numpy
from sfumato.engine import NUMPY_DOUBLE, Engine
from sfumato.sound.objective import SoundObjective
from sfumato.sound.problem import SoundProblem
from sfumato.sound.settings import KEEPS, SoundSettings

RATE = 8000
ALL_ON: dict[str, Any] = {"style_weight": 3.0, "rhythm_weight": 2.0, "loudness_weight": 1.5, "sample_rate": RATE}

Posed = Callable[..., tuple[SoundObjective, Array]]


@pytest.fixture
def posed(tune: Callable[..., Array]) -> Posed:
    """An objective with two styles, and a point of NumPy's away from its start."""

    def pose(engine: Engine = NUMPY_DOUBLE, *, texture: bool = False, **changes: Any) -> tuple[SoundObjective, Array]:
        settings = SoundSettings(**{**ALL_ON, "seconds": 0.6, **changes})
        content = None if texture else (tune("rising", "plucked", 0.6, RATE), RATE)
        styles = [
            ((tune("falling", "reed", 1.0, RATE), RATE), 2.0),
            ((tune("falling", "bright", 0.7, RATE), RATE), 1.0),
        ]
        with engine.in_force():
            problem = SoundProblem(settings, content, styles, engine)
            rendering = problem.rendering()
            theta = to_numpy(rendering.first()).astype(np.float64)
            scale = 0.3 if theta.size != len(problem.mid) else 0.02
            theta = theta + scale * np.random.default_rng(0).standard_normal(theta.size)
            return problem.objective(rendering), theta

    return pose


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        *[({"keep": keep}, ("content", "style", "rhythm", "loudness")) for keep in KEEPS],
        ({"rhythm_weight": 0.0, "loudness_weight": 0.0}, ("content", "style")),
        ({"style_weight": 0.0, "loudness_weight": 0.0}, ("content", "rhythm")),
        ({"start": "noise"}, ("content", "style", "rhythm", "loudness")),
        ({"texture": True, "content_weight": 0.0}, ("style", "rhythm")),
        ({"style_scale": 0.3}, ("content", "style", "rhythm", "loudness")),
    ],
    ids=str,
)
def test_the_gradient_equals_finite_differences(changes: dict[str, Any], terms: tuple[str, ...], posed: Posed) -> None:
    objective, theta = posed(**changes)
    assert {*objective(theta).terms} == {*terms}
    report = check_gradient(objective, theta, step=1e-6, directions=6)
    assert report.difference < 1e-6
    assert report.parameters[0].checked >= 3, "there must be directions without a kink on the way"


@pytest.mark.parametrize("keep", KEEPS)
def test_it_is_the_same_wherever_it_is_computed_and_in_float32_to_three_digits(
    keep: str, posed: Posed, engine: Engine
) -> None:
    with NUMPY_DOUBLE.in_force():
        objective, theta = posed(keep=keep)
        expected = objective(theta)
    for own in {engine, engine._replace(precision="float32")} - {NUMPY_DOUBLE}:
        close = {"float64": 1e-9, "float32": 1e-3}[own.precision]
        with own.in_force():
            found = posed(own, keep=keep)[0](own.put(theta))
        gradient = to_numpy(found.gradient)
        assert gradient.dtype == own.numpy_dtype
        assert found.terms == pytest.approx(dict(expected.terms), rel=close)
        assert np.linalg.norm(gradient - expected.gradient) < close * np.linalg.norm(expected.gradient)


def test_the_loss_is_the_sum_of_its_terms_with_and_without_a_gradient(posed: Posed, engine: Engine) -> None:
    objective, point = posed(engine)
    theta = engine.put(point)
    full, alone = objective(theta), objective.without_gradient(theta)
    assert full.loss == alone.loss == objective.value(theta) == sum(full.terms.values())
    assert full.terms == alone.terms
    assert all(value > 0 for value in full.terms.values())
    assert (objective.evaluations, len(alone.gradient)) == (1, 0)


def test_each_weight_multiplies_its_term_and_nothing_else(posed: Posed) -> None:
    objective, theta = posed()
    before = objective(theta).terms
    for name in ("content", "style", "rhythm", "loudness"):
        weight = {"content_weight": 1.0, **ALL_ON}[f"{name}_weight"]
        objective, _ = posed(**{f"{name}_weight": 4 * weight})
        assert objective(theta).terms == pytest.approx({**before, name: 4 * before[name]}, rel=1e-12)


def test_the_content_itself_has_lost_nothing_of_its_own(posed: Posed) -> None:
    for keep in KEEPS:
        objective, theta = posed(keep=keep, start="content")
        terms = objective(np.zeros_like(theta)).terms
        assert terms["content"] == pytest.approx(0, abs=1e-12)
        assert terms["loudness"] == pytest.approx(0, abs=1e-12)
        assert terms["style"] > 0.1


def test_a_style_in_its_own_manner_has_nothing_to_lose(tune: Callable[..., Array]) -> None:
    sound = (tune("rising", "reed", 0.7, RATE), RATE)
    settings = SoundSettings(**{**ALL_ON, "start": "content"})
    problem = SoundProblem(settings, sound, [(sound, 1.0)], NUMPY_DOUBLE)
    rendering = problem.rendering()
    found = problem.objective(rendering)(rendering.first())
    assert found.loss == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(found.gradient, 0, atol=1e-6)


def test_levels_do_not_matter(tune: Callable[..., Array]) -> None:
    content, style = tune("rising", "plucked", 0.6, RATE), tune("falling", "reed", 1.0, RATE)
    losses = []
    for loud, louder in ((1.0, 1.0), (0.01, 5.0)):
        sounds = (loud * content, RATE), (louder * style, RATE)
        problem = SoundProblem(SoundSettings(**ALL_ON), sounds[0], [(sounds[1], 1.0)], NUMPY_DOUBLE)
        rendering = problem.rendering()
        losses.append(problem.objective(rendering)(rendering.first()).loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize("length", [50, 1000])
def test_clicks_that_are_shorter_than_the_filters_are_content_and_style(
    length: int, tune: Callable[..., Array]
) -> None:
    t = np.arange(2 * RATE)
    clicks = np.random.default_rng(0).standard_normal(len(t)) * (t % RATE < length), RATE
    other = tune("rising", "reed", 2.0, RATE), RATE
    for content, style in ((clicks, other), (other, clicks)):
        problem = SoundProblem(SoundSettings(**ALL_ON), content, [(style, 1.0)], NUMPY_DOUBLE)
        rendering = problem.rendering()
        found = problem.objective(rendering)(rendering.first())
        assert np.isfinite(found.loss)
        assert found.terms["style"] > 0
        assert np.isfinite(found.gradient).all()


def test_silence_does_not_count_in_the_manner_of_a_sound(
    tune: Callable[..., Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the levels, which it lowers; where it counts, the loss is tens of times as large."""
    sound = tune("falling", "reed", 0.8, RATE)
    with_pause = np.concatenate([sound, np.zeros(2 * RATE, np.float32)])
    settings = SoundSettings(**{**ALL_ON, "start": "content"})

    def style_loss(content: Array, style: Array) -> float:
        problem = SoundProblem(settings, (content, RATE), [((style, RATE), 1.0)], NUMPY_DOUBLE)
        rendering = problem.rendering()
        return problem.objective(rendering)(rendering.first()).terms["style"]

    pairs = [(sound, with_pause), (with_pause, sound)]
    losses = [style_loss(*pair) for pair in pairs]
    monkeypatch.setattr("sfumato.sound.problem.heard_frames", lambda L: np.ones(L.shape[1]))
    for loss, pair in zip(losses, pairs, strict=True):
        assert loss < 0.05 * style_loss(*pair)


def test_weights_of_styles_are_shares(tune: Callable[..., Array]) -> None:
    content = tune("rising", "plucked", 0.6, RATE), RATE
    reed, bright = ((tune("falling", name, 0.6, RATE), RATE) for name in ("reed", "bright"))

    def loss(*styles: Any) -> float:
        problem = SoundProblem(SoundSettings(**{**ALL_ON, "start": "content"}), content, styles, NUMPY_DOUBLE)
        rendering = problem.rendering()
        return problem.objective(rendering)(rendering.first()).loss

    assert loss((reed, 2.0), (bright, 1.0)) == pytest.approx(loss((reed, 20.0), (bright, 10.0)), rel=1e-12)
    assert loss((reed, 1.0), (reed, 3.0)) == pytest.approx(loss((reed, 1.0)), rel=1e-6)
    assert loss((reed, 1e9), (bright, 1.0)) != pytest.approx(loss((reed, 1.0), (bright, 1e9)), rel=1e-2)
