"""Equations of units and of the loss: in symbols, with numbers put in, and the result.

Results come from the layers and the loss themselves, and never from the numbers that are shown.
"""

from typing import Any, NamedTuple

from sfumato.layers import LeakyReLU
from sfumato.studio.learn import mathml as m
from sfumato.studio.learn.setup import Setup
from sfumato.studio.learn.trace import LayerTrace, Trace

MOST_TERMS = 8
"""Products that are written out in a sum: the largest; the others are added up to one number."""


class Equation(NamedTuple):
    """An equation.

    Attributes:
        name: What it is for.
        lines: Three formulas: with symbols, with numbers in their place, and the result.
    """

    name: str
    lines: tuple[str, str, str]


def equation(name: str, left: str, symbols: str, numbers: str, result: float, **of: Any) -> Equation:
    """Make the three lines of an equation."""
    return Equation(name, (m.equal(left, symbols), m.equal(left, numbers), m.equal(left, m.number(result, **of))))


def of_unit(setup: Setup, traced: Trace, layer: str, unit: int) -> Equation:
    """The equation of a unit, for the only example of a trace."""
    if layer == "output":
        return _of_output(setup, traced, unit)
    names = [own.name for own in traced.layers]
    number = names.index(layer)
    own, inputs = traced.layers[number], _inputs(setup, traced, number)
    if own.parameters:
        return _of_sum(own, unit, inputs)
    z = float(own.x[0, unit])
    symbol, shown = m.name("z", unit + 1), m.number(z, layer=inputs.layer, unit=unit)
    (symbols, numbers), result = (_activated(own.layer, value) for value in (symbol, shown)), float(own.z[0, unit])
    return equation("forward", m.name("a", unit + 1), symbols, numbers, result, layer=layer, unit=unit)


class _Inputs(NamedTuple):
    """The layer that inputs come from, "inputs" for the features, and their names."""

    layer: str
    symbols: list[str]


def _inputs(setup: Setup, traced: Trace, number: int) -> _Inputs:
    if number == 0:
        return _Inputs("inputs", [m.text(name) for name in setup.dataset.features])
    below = traced.layers[number - 1]
    return _Inputs(below.name, [m.name("a", unit + 1) for unit in range(below.z.shape[1])])


def _of_sum(own: LayerTrace, unit: int, inputs: _Inputs) -> Equation:
    """z = sum of w x, plus b: the largest products, the rest as one number."""
    x, w, b = own.x[0], own.parameters["W"][:, unit], float(own.parameters["b"][unit])
    largest = sorted(range(len(x)), key=lambda k: -abs(x[k] * w[k]))[:MOST_TERMS]
    written = sorted(largest)
    rest = [k for k in range(len(x)) if k not in largest]
    symbols = [m.product(m.name("w", k + 1, unit + 1), inputs.symbols[k]) for k in written]
    numbers = [
        m.product(
            m.number(w[k], parameter=f"{own.name}.W", index=f"{k},{unit}"),
            m.number(x[k], layer=inputs.layer, unit=k),
        )
        for k in written
    ]
    if rest:
        symbols.append(m.text(f"{len(rest)} more"))
        numbers.append(m.number(float(x[rest] @ w[rest])))
    symbols.append(m.name("b", unit + 1))
    numbers.append(m.number(b, parameter=f"{own.name}.b", index=unit))
    left, result = m.name("z", unit + 1), float(own.z[0, unit])
    return equation("forward", left, m.total(*symbols), m.total(*numbers), result, layer=own.name, unit=unit)


def _activated(layer: Any, z: str) -> str:
    """The formula of an activation."""
    match type(layer).__name__:
        case "Tanh":
            return m.function("tanh", z)
        case "Sigmoid":
            return _sigmoid(z)
        case "ReLU":
            return m.function("max", z, m.whole(0))
        case "LeakyReLU":
            assert isinstance(layer, LeakyReLU)
            return m.function("max", z, m.product(m.setting(layer.slope), z))
        case _:  # dropout, which leaves everything as it is outside training
            return z


def _sigmoid(z: str) -> str:
    return m.fraction(m.whole(1), m.total(m.whole(1), m.power(m.name("e"), m.row(m.sign("−"), z))))


def _of_output(setup: Setup, traced: Trace, unit: int) -> Equation:
    """The probability of a class, or the value in its own units."""
    last = traced.layers[-1]
    z, classes = last.z[0], setup.dataset.classes
    shown = [m.number(value, layer=last.name, unit=k) for k, value in enumerate(z)]
    if not classes:
        own = setup.training.target_scaling
        value = float(traced.predictions[0] * own.deviation + own.mean)
        symbols = m.total(m.product(m.name("d"), m.name("z", 1)), m.name("m"))
        numbers = m.total(m.product(m.number(float(own.deviation)), shown[0]), m.number(float(own.mean)))
        return equation("forward", m.text(setup.dataset.target), symbols, numbers, value, layer="output", unit=0)
    left, result = m.name("p", unit + 1), float(traced.predictions[0, unit])
    if len(z) == 1:  # the probability of class 1; that of class 0 is the same of -z
        sides = [m.row(m.sign("−"), part) if unit == 0 else part for part in (m.name("z", 1), shown[0])]
        symbols, numbers = map(_sigmoid, map(m.brackets, sides))
        return equation("forward", left, symbols, numbers, result, layer="output", unit=unit)
    exponentials = [m.power(m.name("e"), m.name("z", k + 1)) for k in range(len(z))]
    values = [m.power(m.name("e"), part) for part in shown]
    symbols, numbers = (m.fraction(every[unit], m.total(*every)) for every in (exponentials, values))
    return equation("forward", left, symbols, numbers, result, layer="output", unit=unit)


def of_loss(setup: Setup, traced: Trace, everything: Trace) -> list[Equation]:
    """The loss of the only example of a trace; and the objective over all training examples."""
    loss, y = m.name("loss"), traced.y[0]
    if setup.dataset.classes:
        number = int(y)
        p = float(traced.predictions[0, number])
        symbols = m.row(m.sign("−"), m.function("log", m.name("p", number + 1)))
        numbers = m.row(m.sign("−"), m.function("log", m.number(p, layer="output", unit=number)))
    else:
        symbols = m.power(m.brackets(m.difference(m.name("z", 1), m.name("y"))), m.whole(2))
        z = m.number(float(traced.layers[-1].z[0, 0]), layer=traced.layers[-1].name, unit=0)
        numbers = m.power(m.brackets(m.difference(z, m.number(float(y)))), m.whole(2))
    examples = len(everything.y)
    mean = m.product(m.fraction(m.whole(1), m.name("n")), m.row(m.sign("∑"), loss))
    sums = m.product(m.fraction(m.whole(1), m.whole(examples)), m.number(float(everything.each.sum())))
    penalty = m.product(m.fraction(m.name("λ"), m.product(m.whole(2), m.name("N"))), m.row(m.sign("∑"), _squared("W")))
    return [
        equation("loss", loss, symbols, numbers, float(traced.each[0])),
        equation(
            "objective",
            m.name("J"),
            m.total(mean, penalty),
            m.total(sums, m.number(everything.penalty)),
            everything.data + everything.penalty,
        ),
    ]


def _squared(variable: str) -> str:
    return m.power(m.name(variable), m.whole(2))


def of_gradient(setup: Setup, everything: Trace, name: str, index: list[int], place: int) -> tuple[Equation, Any]:
    """The gradient of a parameter over all training examples; and what each of them adds to it, (n,)."""
    layer, _, kind = name.rpartition(".")
    own = next(own for own in everything.layers if own.name == layer)
    unit = index[-1]
    n, theta = len(everything.y), float(own.parameters[kind][tuple(index)])
    bars = own.dz[:, unit] * (own.x[:, index[0]] if kind == "W" else 1.0)
    delta, under = m.name("δ", unit + 1), m.row(m.sign("∑"), m.name("δ", unit + 1))
    variable = m.name(kind.lower(), *(k + 1 for k in index))
    if kind == "W":
        number = [other.name for other in everything.layers].index(layer)
        under = m.row(m.sign("∑"), m.product(delta, _inputs(setup, everything, number).symbols[index[0]]))
    symbols = [m.product(m.fraction(m.whole(1), m.name("n")), under)]
    numbers = [m.product(m.fraction(m.whole(1), m.whole(n)), m.number(float(n * bars.sum())))]
    l2 = setup.training.l2
    if kind == "W" and l2:
        symbols.append(m.product(m.fraction(m.name("λ"), m.name("N")), variable))
        shown = m.number(theta, parameter=name, index=",".join(map(str, index)))
        numbers.append(m.product(m.fraction(m.setting(l2), m.whole(n)), shown))
    left = m.fraction(m.row(m.sign("∂"), m.name("J")), m.row(m.sign("∂"), variable))
    result = float(everything.gradient[place])
    return equation("gradient", left, m.total(*symbols), m.total(*numbers), result), bars
