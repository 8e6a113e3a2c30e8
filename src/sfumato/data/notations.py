"""Numbers as people write them: amounts ("$450,000"), percents ("38.92 %"), thousands, and decimal commas."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

POINT, COMMA = "1,234.5", "1.234,5"
"""Notations: a decimal point with commas between thousands, and the reverse. Plain numbers have the notation ""."""

_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|CAD|AUD|NZD|INR|BRL|MXN|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|ZAR|KRW|SGD|HKD|Euros?|dollars?|"
    "kr|zł|Kč|Fr|Rs|US\\$|CA\\$|AU\\$|A\\$|C\\$|NZ\\$|HK\\$|R\\$"
)
_UNIT = rf"(?:[$€£¥₹₩₽฿₫₺₴₦₱₪¢]|(?:{_CODES})\.?(?![A-Za-z]))"
AMOUNT = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[+\-−])?\s*(?P<before>{_UNIT})?\s*(?P<inner>[+\-−])?"
    rf"\s*(?P<digits>\.?[0-9](?:[0-9.,'’ \u00a0\u202f]*[0-9.])?(?:[eE][+-]?[0-9]{{1,3}})?)"
    rf"\s*(?P<scale>k|mm?|bn?|million|billion)?\s*(?:(?P<percent>%)|(?P<after>{_UNIT}))?\s*(?P<close>\))?"
    r"(?:,[-–—]{1,2})?(?P<last>[-−])?",
    re.IGNORECASE,
)
"""A number with what may stand around it: parentheses of negative amounts, a sign, a currency, a percent sign."""

SCALES = {"k": 1e3, "m": 1e6, "mm": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9}
"""Multiples of amounts of money; beside other numbers they may be units, such as metres."""

_GROUPED = {
    POINT: re.compile(r"[0-9]{1,3}(?:[,'’ \u00a0\u202f][0-9]{2,3})*[,'’ \u00a0\u202f][0-9]{3}(?:\.[0-9]*)?"),
    COMMA: re.compile(r"[0-9]{1,3}(?:[.'’ \u00a0\u202f][0-9]{3})+(?:,[0-9]*)?"),
}
_SIMPLE = {
    POINT: re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"),
    COMMA: re.compile(r"[0-9]+,?[0-9]*(?:[eE][+-]?[0-9]+)?"),
}
_BETWEEN_THOUSANDS = {sign: str.maketrans("", "", f"{other}'’ \u00a0\u202f") for sign, other in (".,", ",.")}
_DECIMAL = {POINT: ".", COMMA: ","}


CODE = re.compile("0[0-9]+")
"""Whole numbers that begin with 0, such as postal codes: they are names."""


class Written(NamedTuple):
    """Notation of a column's numbers.

    Attributes:
        notation: `POINT` or `COMMA`.
        note: Its meaning, in words.
        doubtful: Whether no number proves it.
        unit: Whether some are amounts or percents.
    """

    notation: str
    note: str
    doubtful: bool
    unit: bool


def amount(text: str, notation: str) -> float | None:
    """Parse a number with what may stand around it; None for any other text.

    >>> amount("$450,000", POINT), amount("1.234,5 EUR", COMMA), amount("38.92%", POINT), amount("(1,200)", POINT)
    (450000.0, 1234.5, 38.92, -1200.0)
    >>> amount("$1.5M", POINT), amount("1.5M", POINT)
    (1500000.0, None)
    """
    found = AMOUNT.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [found[name] for name in ("sign", "inner", "last") if found[name]]
    if len(signs) + bool(found["open"]) > 1:
        return None
    digits, sign = found["digits"], _DECIMAL[notation]
    if _GROUPED[notation].fullmatch(digits):
        digits = digits.translate(_BETWEEN_THOUSANDS[sign])
    elif not _SIMPLE[notation].fullmatch(digits):
        return None
    if found["scale"] and not (found["before"] or found["after"]):
        return None
    value = float(digits.replace(sign, ".")) * SCALES.get((found["scale"] or "").lower(), 1.0)
    return -value if found["open"] or (signs and signs[0] in "-−") else value


def written(texts: Iterable[str], decimal: str = ".") -> Written:
    """Decide how numbers are written, by all that they prove.

    Args:
        texts: The different texts of a column.
        decimal: The decimal sign of the table: a comma where it separates by semicolons and has decimal commas. It
            decides where no text of the column proves anything.
    """
    proofs, signs, units = {POINT: 0, COMMA: 0, "": 0}, set[str](), set[str]()
    for text in texts:
        found = AMOUNT.fullmatch(text)
        if found is None:
            continue
        digits = re.sub("[eE].*", "", found["digits"])
        signs |= {*digits} & {*".,"}
        units.add("%" if found["percent"] else (found["before"] or found["after"] or "").strip(". ").upper())
        if "." in digits or "," in digits:
            proofs[proof(digits)] += 1
    notation = COMMA if proofs[COMMA] > proofs[POINT] or (proofs[COMMA] == proofs[POINT] and decimal == ",") else POINT
    doubtful = proofs[""] > 0 and not proofs[POINT] and not proofs[COMMA]
    return Written(notation, _meaning(notation, signs, units, doubtful), doubtful, units - {""} != set())


def decimal_of(numbers: Iterable[str]) -> str:
    """Decimal sign of a table with semicolons between its values, by its numbers with a point or a comma.

    Where they prove nothing, commas are decimal, as such tables have them.
    """
    numbers = list(numbers)
    proofs = Counter(map(proof, numbers))
    commas = any("," in digits for digits in numbers)
    return "," if proofs[COMMA] or (commas and not proofs[POINT]) else "."


def proof(digits: str) -> str:
    """The notation that a number proves; an empty text where it could be either.

    >>> proof("1,5") == proof("1.234.567") == COMMA, proof("1,234")
    (True, '')
    """
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        return POINT if digits.rindex(".") > digits.rindex(",") else COMMA
    if points + commas == 0:
        return ""
    sign = "." if points else ","
    if points + commas > 1:  # several: they stand between thousands
        return COMMA if points else POINT
    whole, _, fraction = digits.partition(sign)
    if len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0"):
        return ""
    return POINT if points else COMMA


def _meaning(notation: str, signs: set[str], units: set[str], doubtful: bool) -> str:
    """Say what a column's signs were taken for; several units, which are not converted, are named."""
    said = ["percents"] if units & {"%"} else ["amounts"] if units - {""} else []
    if len(units - {""}) > 1 or units == {"", "%"}:
        said[0] += f" in several units ({', '.join(unit or 'none' for unit in sorted(units))}), as they are"
    marks = ["thousands by commas"] if notation == POINT else ["decimal commas"]
    said += marks if "," in signs else []
    if "." in signs and (doubtful or notation == COMMA):
        said.append("decimal points" if notation == POINT else "thousands by points")
    return ", ".join(said) + (", as no value proves otherwise" if doubtful else "")
