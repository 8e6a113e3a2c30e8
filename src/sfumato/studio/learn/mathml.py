"""Formulas as MathML, which browsers draw and read aloud by themselves."""

from collections.abc import Sequence
from html import escape
from typing import Any

DIGITS = 4
"""Significant digits of a number."""

NAMESPACE = "http://www.w3.org/1998/Math/MathML"


def formula(*parts: str) -> str:
    """A formula on a line of its own."""
    return f'<math xmlns="{NAMESPACE}" display="block">{row(*parts)}</math>'


def row(*parts: str) -> str:
    """Parts beside each other."""
    return f"<mrow>{''.join(parts)}</mrow>"


def name(text: str, *under: Any) -> str:
    """A variable, with subscripts."""
    variable = f"<mi>{escape(text)}</mi>"
    if not under:
        return variable
    indices = "<mo>,</mo>".join(f"<mn>{index}</mn>" if isinstance(index, int) else name(index) for index in under)
    return f"<msub>{variable}{row(indices)}</msub>"


def text(said: str) -> str:
    """Words."""
    return f"<mtext>{escape(said)}</mtext>"


def sign(symbol: str) -> str:
    """An operator."""
    return f"<mo>{escape(symbol)}</mo>"


def whole(value: int) -> str:
    """A whole number, exact."""
    return f"<mn>{value}</mn>"


def setting(value: float) -> str:
    """A number that was chosen and not computed, such as a learning rate."""
    return _number(f"{value:.6g}", ' class="setting"')


def number(value: float, **of: Any) -> str:
    """A computed number, with four significant digits; a negative one in brackets.

    Args:
        value: The number.
        of: What it is the value of, as attributes for the page: parameter and index, or layer and unit.
    """
    attributes = "".join(f' data-{key}="{escape(str(what))}"' for key, what in of.items())
    shown = _number(f"{abs(value):#.{DIGITS}g}", attributes)
    return brackets(sign("−"), shown) if value < 0 else shown


def _number(digits: str, attributes: str) -> str:
    mantissa, _, exponent = digits.partition("e")
    if not mantissa[0].isdigit():  # infinite, or not a number
        return text(mantissa)
    shown = f"<mn{attributes}>{mantissa.removesuffix('.')}</mn>"
    if not exponent:
        return shown
    return row(shown, sign("·"), power(whole(10), f"<mn>{int(exponent)}</mn>".replace("-", "−")))


def brackets(*parts: str) -> str:
    """Parts in brackets."""
    return row(sign("("), *parts, sign(")"))


def fraction(above: str, below: str) -> str:
    """A fraction."""
    return f"<mfrac>{row(above)}{row(below)}</mfrac>"


def power(base: str, exponent: str) -> str:
    """A power."""
    return f"<msup>{row(base)}{row(exponent)}</msup>"


def root(*parts: str) -> str:
    """A square root."""
    return f"<msqrt>{row(*parts)}</msqrt>"


def function(called: str, *arguments: str) -> str:
    """A function of arguments."""
    return row(name(called), brackets(*between(",", arguments)))


def product(*factors: str) -> str:
    """A product with a dot between its factors."""
    return row(*between("·", factors))


def total(*terms: str) -> str:
    """A sum."""
    return row(*between("+", terms))


def difference(one: str, *others: str) -> str:
    """A difference."""
    return row(*between("−", (one, *others)))


def between(symbol: str, parts: Sequence[str]) -> list[str]:
    """Parts with an operator between each two."""
    return [piece for part in parts for piece in (sign(symbol), part)][1:]


def equal(left: str, right: str) -> str:
    """An equation, as a formula."""
    return formula(left, sign("="), right)
