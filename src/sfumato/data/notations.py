"""Numbers as people write them: amounts ("$450,000"), percents ("38.92 %"), thousands, and decimal commas."""

import re
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
    r"(?:,[-–—]{1,2})?",
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


class Written(NamedTuple):
    """Notation of a column's numbers, and its meaning in words."""

    notation: str
    note: str


def amount(text: str, notation: str) -> float | None:
    """Parse a number with what may stand around it; None for any other text.

    >>> amount("$450,000", POINT), amount("1.234,5 EUR", COMMA), amount("38.92%", POINT), amount("(1,200)", POINT)
    (450000.0, 1234.5, 38.92, -1200.0)
    >>> amount("$1.5M", POINT), amount("1.5M", POINT)
    (1500000.0, None)
    """
    found = AMOUNT.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]) or (found["sign"] and found["inner"]):
        return None
    digits, sign = found["digits"], _DECIMAL[notation]
    if _GROUPED[notation].fullmatch(digits):
        digits = digits.translate(_BETWEEN_THOUSANDS[sign])
    elif not _SIMPLE[notation].fullmatch(digits):
        return None
    if found["scale"] and not (found["before"] or found["after"]):
        return None
    value = float(digits.replace(sign, ".")) * SCALES.get((found["scale"] or "").lower(), 1.0)
    return -value if found["open"] or (found["sign"] or found["inner"] or "+") in "-−" else value


def written(texts: Iterable[str], decimal: str = ".") -> Written:
    """Decide how numbers are written, by all that they prove.

    Args:
        texts: The different texts of a column.
        decimal: The decimal sign of the table: a comma where it separates by semicolons and has decimal commas. It
            decides where no text of the column proves anything.
    """
    proofs, signs = {POINT: 0, COMMA: 0, "": 0}, set[str]()
    for text in texts:
        found = AMOUNT.fullmatch(text)
        if found is None:
            continue
        digits = re.sub("[eE].*", "", found["digits"])
        signs |= {name for name in ("percent", "before", "after") if found[name]} | ({*digits} & {*".,"})
        if "." in digits or "," in digits:
            proofs[_proof(digits)] += 1
    notation = COMMA if proofs[COMMA] > proofs[POINT] or (proofs[COMMA] == proofs[POINT] and decimal == ",") else POINT
    doubtful = proofs[""] > 0 and not proofs[POINT] and not proofs[COMMA]
    return Written(notation, _meaning(notation, signs, doubtful))


def _proof(digits: str) -> str:
    """The notation that a number proves; an empty text where it could be either."""
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


def _meaning(notation: str, signs: set[str], doubtful: bool) -> str:
    """Say what a column's signs were taken for."""
    said = ["percents"] if "percent" in signs else ["amounts"] if signs & {"before", "after"} else []
    marks = ["thousands by commas"] if notation == POINT else ["decimal commas"]
    said += marks if "," in signs else []
    if "." in signs and (doubtful or notation == COMMA):
        said.append("decimal points" if notation == POINT else "thousands by points")
    return ", ".join(said) + (", as no value proves otherwise" if doubtful else "")
