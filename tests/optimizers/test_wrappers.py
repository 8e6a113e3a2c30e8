"""Gradient clipping and weight decay around other optimizers, by hand."""

from typing import Any

import numpy as np
import pytest

from sfumato import LBFGS, Adam, AdamW, Clipped, Decayed, GradientDescent, InputError, Momentum, Nesterov, RMSProp
from sfumato.arrays import copied, to_numpy
from sfumato.engine import Engine
from sfumato.optimizers import FirstOrder, make_optimizer

THETA, GRADIENT, RATE = [1.0, -2.0, 0.5], [3.0, 0.0, -4.0], 0.1
NOT_FIRST_ORDER: Any = LBFGS()
INSIDE = [GradientDescent(), Momentum(), Nesterov(), RMSProp(), Adam()]


def stepped(optimizer: FirstOrder[Any], engine: Engine, gradients: list[list[float]]) -> Any:
    theta = engine.put(np.array(THETA))
    state = optimizer.init(theta)
    for gradient in gradients:
        theta, state = optimizer.update(theta, engine.put(np.array(gradient)), state, RATE)
    return to_numpy(theta)


def test_a_long_gradient_is_shortened_to_the_norm_and_a_short_one_is_left(engine: Engine, rounding: float) -> None:
    """The gradient is 5 long: of norm 2 are left two fifths of it."""
    found = stepped(Clipped(GradientDescent(), norm=2.0), engine, [GRADIENT])
    np.testing.assert_allclose(found, [1.0 - 0.1 * 1.2, -2.0, 0.5 + 0.1 * 1.6], rtol=rounding)
    for norm in (5.0, 1e6):
        found = stepped(Clipped(GradientDescent(), norm=norm), engine, [GRADIENT])
        np.testing.assert_array_equal(found, stepped(GradientDescent(), engine, [GRADIENT]))


def test_weights_decay_beside_the_step_and_only_where_they_shall(engine: Engine, rounding: float) -> None:
    found = stepped(Decayed(GradientDescent(), weight_decay=0.5), engine, [GRADIENT])
    np.testing.assert_allclose(found, [1 * 0.95 - 0.3, -2 * 0.95, 0.5 * 0.95 + 0.4], rtol=rounding)
    decays = np.array([True, False, True])
    found = stepped(Decayed(GradientDescent(), weight_decay=0.5, decays=decays), engine, [GRADIENT])
    np.testing.assert_allclose(found, [1 * 0.95 - 0.3, -2, 0.5 * 0.95 + 0.4], rtol=rounding)


@pytest.mark.parametrize("inside", INSIDE, ids=repr)
def test_around_every_optimizer_the_step_is_its_own_on_the_clipped_gradient(
    inside: FirstOrder[Any], engine: Engine, rounding: float
) -> None:
    gradients = [GRADIENT, [0.1, 0.2, -0.1], [-30.0, 0.0, 40.0]]
    short = [[0.6, 0.0, -0.8], [0.1, 0.2, -0.1], [-0.6, 0.0, 0.8]]
    found = stepped(Clipped(inside, norm=1.0), engine, gradients)
    np.testing.assert_allclose(found, stepped(inside, engine, short), rtol=10 * rounding)


@pytest.mark.parametrize("decays", [None, np.array([True, False, True])], ids=["all", "some"])
def test_adamw_is_decayed_adam_bit_for_bit(decays: Any, engine: Engine) -> None:
    wrapped = Decayed(Adam(), weight_decay=0.3, decays=decays)
    ours = AdamW(weight_decay=0.3, decays=decays)
    np.testing.assert_array_equal(stepped(wrapped, engine, 4 * [GRADIENT]), stepped(ours, engine, 4 * [GRADIENT]))


def test_both_go_around_each_other_and_keep_the_state_of_the_one_inside(engine: Engine) -> None:
    optimizer = Clipped(Decayed(Momentum(0.5), weight_decay=0.1), norm=1.0)
    assert (optimizer.learning_rate, optimizer.vectors, optimizer.proportional) == (Momentum.learning_rate, 1, True)
    whole = stepped(optimizer, engine, 4 * [GRADIENT])
    theta = engine.put(np.array(THETA))
    state = optimizer.init(theta)
    for _ in range(2):
        theta, state = optimizer.update(theta, engine.put(np.array(GRADIENT)), state, RATE)
    vectors, numbers = optimizer.pack(state)
    assert list(vectors) == ["v"]
    theta, state = copied(theta), optimizer.unpack({"v": engine.put(vectors["v"])}, numbers)
    for _ in range(2):
        theta, state = optimizer.update(theta, engine.put(np.array(GRADIENT)), state, RATE)
    np.testing.assert_array_equal(to_numpy(theta), whole)


def test_what_tells_optimizers_apart_has_the_arrays_inside() -> None:
    digests = {
        Clipped(Decayed(Momentum(), decays=decays)).digest()
        for decays in (None, np.array([True, False]), np.array([False, True]))
    }
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Clipped(NOT_FIRST_ORDER), "Clipped is not for L-BFGS, which compares the gradients of its steps"),
        (lambda: Decayed(NOT_FIRST_ORDER), "Decayed is not for L-BFGS"),
        (lambda: Clipped(Adam(), norm=0.0), "the norm of clipped gradients must be a positive number, not 0.0"),
        (lambda: Decayed(Adam(), weight_decay=-1.0), "the weight decay must be 0 or more, not -1.0"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_lbfgs_keeps_two_vectors_a_step_and_fewer_where_asked() -> None:
    assert LBFGS().vectors == 20
    assert LBFGS().remembering(3).vectors == 6
    assert Adam().remembering(3) == Adam()
    assert make_optimizer("adam").vectors == 2
