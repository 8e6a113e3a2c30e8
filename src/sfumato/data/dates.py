"""Dates as people write them: their order decided by a whole column, and the numbers that stand for them."""

import math
import re
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import numpy as np

from sfumato.arrays import Array

PARTS = 3
"""Inputs of a date: days since the column's first, month (1 to 12), day of the week (0 is Monday)."""

YEAR_FIRST, DAY_FIRST, MONTH_FIRST, NAMED = "year-month-day", "day/month/year", "month/day/year", "1 January 2026"

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: k for k, name in enumerate(_NAMES, 1)} | {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}
"""Number of a month by the first three letters of its name, English or German."""

_TIME = (
    r"(?:[T ,]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|[A-Z]{3,4}|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_DAY_NAME = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +)?"
_MONTH = rf"(?P<name>(?:{'|'.join(MONTHS)})[a-z]*)\.?"
FORMS = {
    YEAR_FIRST: [
        r"(?P<year>[0-9]{4})(?P<s>[-/.])(?P<month>[0-9]{1,2})(?:(?P=s)(?P<day>[0-9]{1,2}))?",
        r"(?P<year>[0-9]{4})[ -]?Q(?P<quarter>[1-4])",
        r"(?P<year>[0-9]{4})[ -]?W(?P<week>[0-9]{1,2})",
    ],
    DAY_FIRST: [r"(?P<day>[0-9]{1,2})(?P<s>[-/.])(?P<month>[0-9]{1,2})(?P=s)(?P<year>[0-9]{4}|[0-9]{2})"],
    MONTH_FIRST: [r"(?P<month>[0-9]{1,2})(?P<s>[-/.])(?P<day>[0-9]{1,2})(?P=s)(?P<year>[0-9]{4}|[0-9]{2})"],
    NAMED: [
        rf"{_DAY_NAME}(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|\.)?[ -]*{_MONTH},?[ -]+(?P<year>[0-9]{{4}}|[0-9]{{2}})",
        rf"{_DAY_NAME}{_MONTH}[ -]+(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,?[ -]+(?P<year>[0-9]{{4}})",
        rf"{_MONTH}[ ,-]+(?P<year>[0-9]{{4}})",
        rf"{_MONTH}-(?P<year>[0-9]{{2}})",
        rf"(?P<year>[0-9]{{4}})[ ,-]*{_MONTH}(?:[ -]+(?P<day>[0-9]{{1,2}}))?",
        r"Q(?P<quarter>[1-4])[ ,-]*(?P<year>[0-9]{4})",
    ],
}
_PATTERNS = {form: [re.compile(text + _TIME, re.IGNORECASE) for text in texts] for form, texts in FORMS.items()}


class Order(NamedTuple):
    """The form of a column's dates, and what was taken where nothing proves it, in words."""

    form: str
    note: str


def day_of(text: str, form: str) -> float | None:
    """Parse a date of a form as days since 1970-01-01, with the time as a fraction; None for any other text.

    A month, a quarter ("1970 Q2") or a week ("1970 W02", from Monday on, by ISO 8601) is its first day.

    >>> day_of("1970-01-02 12:00", YEAR_FIRST), day_of("3/4/1970", DAY_FIRST), day_of("3/4/1970", MONTH_FIRST)
    (1.5, 92.0, 62.0)
    """
    parts = _parts(text, form)
    if parts is None:
        return None
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:
        year += 2000 if year < 69 else 1900  # as POSIX has it
    try:
        day = date.fromisocalendar(year, int(parts["week"] or 0), 1) if "week" in parts else _calendar_day(year, parts)
    except ValueError:
        return None
    return day.toordinal() - date(1970, 1, 1).toordinal() + _time(parts)


def _parts(text: str, form: str) -> dict[str, str | None] | None:
    """The parts of a date of a form by their names; None for any other text."""
    found = next((match for match in (p.fullmatch(text) for p in _PATTERNS[form]) if match), None)
    return found and found.groupdict()


def _calendar_day(year: int, parts: dict[str, str | None]) -> date:
    """The day by its month, which may be named, or by the quarter's first month; the first day where it has none."""
    if parts.get("quarter"):
        month = 3 * int(parts["quarter"] or 0) - 2
    else:
        name = parts.get("name")
        month = MONTHS[name[:3].lower()] if name else int(parts["month"] or 0)
    return date(year, month, int(parts.get("day") or 1))


def _time(parts: dict[str, str | None]) -> float:
    """Part of the day of a time; a zone is left out of account."""
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    half = (parts.get("half") or "")[:1].lower()
    hour = hour % 12 + 12 * (half == "p") if half else hour
    return (hour * 3600 + minute * 60 + second) / 86400


def date_of(day: float) -> str:
    """A day, counted from 1970-01-01, as text.

    >>> date_of(20000.5)
    '2024-10-04'
    """
    return date.fromordinal(date(1970, 1, 1).toordinal() + math.floor(day)).isoformat()


def order_of(texts: Iterable[str]) -> Order | None:
    """Decide the form of a column's dates, by all of its different texts; None where most are no dates."""
    texts = list(texts)
    beginning = texts[:100]  # which tells most columns of text apart at once
    if not any(_share(beginning, form) > 0.8 for form in FORMS):
        return None
    counts = {form: _share(texts, form) for form in FORMS}
    best = max(counts, key=lambda form: counts[form])
    if counts[best] < 0.9:
        return None
    told = []
    if best in (DAY_FIRST, MONTH_FIRST):
        proven = counts[DAY_FIRST] != counts[MONTH_FIRST]
        best = best if proven else DAY_FIRST if "." in texts[0] else MONTH_FIRST
        first = "day" if best == DAY_FIRST else "month"
        told.append(f"the {first} is first" if proven else f"the {first} is taken to be first, as no value proves it")
    parts = [found for found in (_parts(text, best) for text in texts) if found]
    if any(len(found["year"] or "") == 2 for found in parts):
        told.append("years of two digits are taken for 1969 to 2068")
    if len({found["zone"] for found in parts if found["hour"]}) > 1:
        told.append("times are taken as written, without their zones")
    return Order(best, "; ".join(told))


def _share(texts: list[str], form: str) -> float:
    return sum(day_of(text, form) is not None for text in texts) / max(1, len(texts))


def parts_of_days(days: Array, first: float) -> Array:
    """Numbers of days since 1970-01-01, `(n,)`, as inputs `(n, 3)`; NaN where one is missing.

    The month is found as by Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2021: arithmetic alone, which an
    ONNX file can do as well.
    """
    whole = np.floor(days)
    shifted = whole + 719468  # days since 1 March of the year 0
    of_era = shifted - np.floor(shifted / 146097) * 146097
    year = np.floor((of_era - np.floor(of_era / 1460) + np.floor(of_era / 36524) - np.floor(of_era / 146096)) / 365)
    of_year = of_era - (365 * year + np.floor(year / 4) - np.floor(year / 100))
    from_march = np.floor((5 * of_year + 2) / 153)
    month = from_march + 3 - 12 * (from_march >= 10)
    weekday = whole + 3 - np.floor((whole + 3) / 7) * 7
    return np.stack([days - first, month, weekday], axis=1)
