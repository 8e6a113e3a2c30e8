"""Equations of the optimizers: the next step of one parameter, taken on a copy by the optimizer itself."""

import copy
from dataclasses import replace
from typing import Any, NamedTuple

from sfumato.optimizers import LBFGS, AdamW, GradientDescent, Momentum, Nesterov, RMSProp
from sfumato.optimizers.first_order import Adam
from sfumato.studio.learn import mathml as m
from sfumato.studio.learn.equations import Equation, equation
from sfumato.studio.learn.playground import Playground


class NextStep(NamedTuple):
    """The next step, as one entry of theta sees it.

    Attributes:
        theta: The entry.
        gradient: Its gradient over the next batch.
        before: The optimizer's state before the step.
        after: The same after it.
        result: The entry after it.
        rate: Learning rate.
    """

    theta: float
    gradient: float
    before: Any
    after: Any
    result: float
    rate: float


def next_step(playground: Playground, place: int) -> NextStep:
    """Take the next step on a copy."""
    job, now = playground.job, playground.now
    if job.stage_over(now):
        now = replace(now, stage=now.stage + 1, step=0)
    objective, rate = job.next_step(now)
    gradient = float(objective(now.theta).gradient[place])
    before = copy.deepcopy(now.optimizer_state)
    working = copy.deepcopy(now.optimizer_state)
    theta, after, _ = job.optimizer.step(objective, now.theta.copy(), working, rate)
    return NextStep(float(now.theta[place]), gradient, before, after, float(theta[place]), rate)


def of_update(playground: Playground, name: str, index: list[int], place: int) -> list[Equation]:
    """The equations of the next step of a parameter: of each average first, then of the parameter."""
    step, optimizer = next_step(playground, place), playground.job.optimizer
    of = {"parameter": name, "index": ",".join(map(str, index))}
    variable = m.name(name.rpartition(".")[2].lower(), *(k + 1 for k in index))
    theta, g, rate = m.number(step.theta, **of), m.number(step.gradient), m.setting(step.rate)
    alpha, gradient = m.name("α"), m.name("g")

    def updated(symbols: list[str], numbers: list[str]) -> Equation:
        left, old, new = m.difference(variable, *symbols), m.difference(theta, *numbers), step.result
        return equation("update", _new(variable), left, old, new)

    match optimizer:
        case GradientDescent():
            return [updated([m.product(alpha, gradient)], [m.product(rate, g)])]
        case Momentum():
            share = 1 - optimizer.beta if optimizer.form == "averaged" else None
            average = _average(step, place, "v", optimizer.beta, share, "β")
            v = m.number(float(step.after.v[place]))
            return [average, updated([m.product(alpha, _new(m.name("v")))], [m.product(rate, v)])]
        case Nesterov():
            average = _average(step, place, "v", optimizer.beta, None, "β")
            v, beta = m.number(float(step.after.v[place])), m.setting(optimizer.beta)
            ahead = m.brackets(m.total(gradient, m.product(m.name("β"), _new(m.name("v")))))
            return [
                average,
                updated([m.product(alpha, ahead)], [m.product(rate, m.brackets(m.total(g, m.product(beta, v))))]),
            ]
        case RMSProp():
            average = _average(step, place, "s", optimizer.beta1, 1 - optimizer.beta1, "β₁", squared=True)
            s, epsilon = m.number(float(step.after.s[place])), m.setting(optimizer.epsilon)
            inside = optimizer.epsilon_inside_root
            symbols = m.fraction(gradient, _root(_new(m.name("s")), m.name("ε"), inside=inside))
            numbers = m.fraction(g, _root(s, epsilon, inside=inside))
            return [average, updated([m.product(alpha, symbols)], [m.product(rate, numbers)])]
        case Adam():
            return _of_adam(playground, optimizer, step, place, variable, updated)
        case LBFGS():
            left, line = _new(variable), m.total(variable, m.name("d"))
            moved = m.total(theta, m.number(step.result - step.theta))
            return [equation("update", left, line, moved, step.result, **of)]
        case _:
            raise TypeError(f"the update of {type(optimizer).__name__} is not written as an equation")


def _of_adam(
    playground: Playground, optimizer: Adam, step: NextStep, place: int, variable: str, updated: Any
) -> list[Equation]:
    """Averages of the gradient and of its square, corrected for their start at zero; AdamW decays beside them."""
    t, after = step.after.t, step.after
    inside, epsilon = optimizer.epsilon_inside_root, m.setting(optimizer.epsilon)
    averages = [
        _average(step, place, "v", optimizer.beta1, 1 - optimizer.beta1, "β₁"),
        _average(step, place, "s", optimizer.beta2, 1 - optimizer.beta2, "β₂", squared=True),
    ]

    def corrected(value: str, beta: str, power: str) -> str:
        return m.fraction(value, m.difference(m.whole(1), m.power(beta, power)))

    symbols = m.fraction(
        corrected(_new(m.name("v")), m.name("β₁"), m.name("t")),
        _root(corrected(_new(m.name("s")), m.name("β₂"), m.name("t")), m.name("ε"), inside=inside),
    )
    v, s = m.number(float(after.v[place])), m.number(float(after.s[place]))
    numbers = m.fraction(
        corrected(v, m.setting(optimizer.beta1), m.whole(t)),
        _root(corrected(s, m.setting(optimizer.beta2), m.whole(t)), epsilon, inside=inside),
    )
    symbols, numbers = m.product(m.name("α"), symbols), m.product(m.setting(step.rate), numbers)
    if isinstance(optimizer, AdamW) and playground.setup.network.decaying()[place]:
        weight = m.number(step.theta)
        decay = m.product(m.setting(step.rate), m.setting(optimizer.weight_decay), weight)
        return [*averages, updated([m.product(m.name("α"), m.name("λ"), variable), symbols], [decay, numbers])]
    return [*averages, updated([symbols], [numbers])]


def _average(
    step: NextStep, place: int, name: str, beta: float, share: float | None, called: str, *, squared: bool = False
) -> Equation:
    """The equation of an average of gradients, or of their squares; without a share, of a decaying sum."""
    old, new = (float(getattr(state, name)[place]) for state in (step.before, step.after))
    g, value = m.name("g"), m.number(step.gradient)
    if squared:
        g, value = (m.power(part, m.whole(2)) for part in (g, value))
    symbols, numbers = m.product(m.name(called), m.name(name)), m.product(m.setting(beta), m.number(old))
    if share is not None:
        g = m.product(m.brackets(m.difference(m.whole(1), m.name(called))), g)
        value = m.product(m.setting(share), value)
    return equation(name, _new(m.name(name)), m.total(symbols, g), m.total(numbers, value), new)


def _root(value: str, epsilon: str, *, inside: bool) -> str:
    return m.root(m.total(value, epsilon)) if inside else m.total(m.root(value), epsilon)


def _new(variable: str) -> str:
    """A variable after the step."""
    return f"<msup>{variable}<mo>′</mo></msup>"
