"""Options for reading a table: a user's word in place of what its content tells."""

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

from sfumato.errors import InputError


class TableOptions(NamedTuple):
    """Options for reading a table, where its content may be taken wrongly.

    Attributes:
        header: Whether the first row of a CSV file holds names; None to tell.
        encoding: Of a CSV file; None to tell.
        separator: Between the values of a CSV file; None to tell.
        missing: Further texts that stand for a missing value.
        drop: Names or indices of columns to leave out.
        text: Of columns whose numbers are names of categories.
        number: Of columns whose texts that are no number are missing values.
        strict: Refuse a text in a column of numbers and an unknown category, instead of taking it for missing.
    """

    header: bool | None = None
    encoding: str | None = None
    separator: str | None = None
    missing: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    strict: bool = False


PLAIN_TABLE = TableOptions()

HEADERS = {"auto": None, "yes": True, "no": False}


def table_options(
    *,
    header: str = "auto",
    encoding: str | None = None,
    separator: str | None = None,
    missing: Iterable[str] | None = None,
    drop: Iterable[str] | None = None,
    text: Iterable[str] | None = None,
    number: Iterable[str] | None = None,
    strict: bool = False,
) -> TableOptions:
    """Make the options for reading a table from the settings of training.

    Args:
        header: "auto", "yes" or "no".
        encoding: One that Python knows.
        separator: A single sign, or "tab" or "space".
        missing: Texts: a list, or a text with commas between them.
        drop: Names of columns, in the same way.
        text: The same.
        number: The same.
        strict: As it is.

    Raises:
        InputError: The encoding or the separator is none.
    """
    named = {"tab": "\t", "\\t": "\t", "space": " "}
    separator = named.get(separator, separator) if separator else separator
    if separator is not None and (len(separator) != 1 or separator in '"\r\n' or not separator.isascii()):
        raise InputError(f"separator=... takes one sign, tab or space; not {separator!r}")
    if encoding is not None:
        try:
            "\n".encode(encoding)
        except (LookupError, UnicodeError):
            raise InputError(
                f"there is no encoding {encoding!r}; name one such as utf-8, cp1252 or mac-roman"
            ) from None
    return TableOptions(
        HEADERS[header],
        encoding,
        separator,
        split_names(missing),
        split_names(drop),
        split_names(text),
        split_names(number),
        strict,
    )


def split_names(names: Iterable[str] | None) -> tuple[str, ...]:
    """Names from a list, or from a text with commas between them; a name with a comma is in quotation marks.

    >>> split_names('a, "b, c"'), split_names(["a, b"])
    (('a', 'b, c'), ('a, b',))
    """
    if not isinstance(names, str):
        return tuple(map(str, names or ()))
    rows = [*csv.reader([names], skipinitialspace=True)]
    return tuple(name.strip() for name in rows[0]) if rows else ()


def joined_names(names: Iterable[str]) -> str:
    """The text from which `split_names` makes these names."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([*names])
    return text.getvalue()
