"""The learning rate over time, by the equations of the reference's Part 7."""

import math

import pytest

from sfumato import InputError
from sfumato.optimizers.schedules import DECAYING, SCHEDULES, Schedule, cosine, default_decay, make_schedule

RATES: list[tuple[str, float | None, dict[int, float]]] = [
    ("constant", None, {0: 0.8, 1: 0.8, 99: 0.8}),
    ("exponential", 0.5, {0: 0.8, 1: 0.4, 2: 0.2, 5: 0.025}),
    ("inverse-time", 1.0, {0: 0.8, 1: 0.4, 3: 0.2, 7: 0.1}),
    ("inverse-sqrt", 1.0, {0: 0.8, 3: 0.4, 15: 0.2, 63: 0.1}),
    ("inverse-sqrt", 0.5, {0: 0.4, 3: 0.2}),
    ("cosine", None, {0: 0.8, 50: 0.4, 25: 0.4 * (1 + math.sqrt(0.5)), 75: 0.4 * (1 - math.sqrt(0.5))}),
]


@pytest.mark.parametrize(("name", "decay", "rates"), RATES)
def test_rates_are_those_of_the_equation(name: str, decay: float | None, rates: dict[int, float]) -> None:
    rate = make_schedule(name, 0.8, epochs=100, decay=decay)
    assert {epoch: rate(epoch) for epoch in rates} == pytest.approx(rates, rel=1e-14)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rate_depends_on_the_epoch_and_not_on_which_were_asked_before(name: str) -> None:
    rate = make_schedule(name, 0.8, epochs=100)
    there = [rate(epoch) for epoch in range(100)]
    back = [rate(epoch) for epoch in reversed(range(100))]
    assert there == back[::-1]


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_first_rate_is_the_one_given_and_none_is_higher_or_zero(name: str) -> None:
    rates = [make_schedule(name, 0.8, epochs=100)(epoch) for epoch in range(100)]
    assert rates[0] == 0.8
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


def test_defaults_do_what_their_descriptions_say() -> None:
    assert make_schedule("exponential", 1.0, epochs=1)(230) == pytest.approx(0.1, rel=0.02)
    assert make_schedule("inverse-time", 1.0, epochs=1)(100) == pytest.approx(0.5, rel=1e-14)
    assert make_schedule("inverse-sqrt", 1.0, epochs=1)(99) == pytest.approx(0.1, rel=1e-14)
    for name in DECAYING:
        assert make_schedule(name, 1.0, epochs=1)(7) == make_schedule(name, 1.0, epochs=1, decay=default_decay(name))(7)


def test_cosine_depends_on_the_length_of_the_run() -> None:
    schedules: list[Schedule] = [cosine(1.0, epochs) for epochs in (10, 20)]
    assert [schedule(5) for schedule in schedules] == pytest.approx([0.5, 0.5 * (1 + math.sqrt(0.5))])


@pytest.mark.parametrize(
    ("name", "rate", "decay", "message"),
    [
        ("linear", 0.1, None, "no schedule is called 'linear': use one of constant, exponential"),
        ("constant", 0.0, None, "the learning rate must be a positive number, not 0.0"),
        ("constant", -0.1, None, "the learning rate must be a positive number, not -0.1"),
        ("constant", math.nan, None, "the learning rate must be a positive number, not nan"),
        ("constant", math.inf, None, "the learning rate must be a positive number, not inf"),
        ("exponential", 0.1, 0.0, "the decay must be a positive number, not 0.0"),
        ("exponential", 0.1, math.nan, "the decay must be a positive number, not nan"),
        ("constant", 0.1, 0.5, "the constant schedule has no decay: leave it out"),
        ("cosine", 0.1, 0.5, "the cosine schedule has no decay: leave it out"),
    ],
)
def test_names_and_numbers_that_cannot_be_are_refused(
    name: str, rate: float, decay: float | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        make_schedule(name, rate, epochs=10, decay=decay)
