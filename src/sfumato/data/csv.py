"""CSV files: their cells as numbers and text, read whole or in blocks.

pandas reads the good path, at full speed. Only when something is wrong are the rows read again, one by one, to say
where.
"""

import codecs
import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import check_names
from sfumato.errors import FileError, InputError
from sfumato.storage import check_readable

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = ",;\t"
DECIMAL_COMMA = re.compile(rb'(?:^|[;"\n]) *[+-]?[0-9]*,[0-9]+ *(?:$|[;"\r\n])')
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
ROWS_TO_TELL_HEADER = 10
ENOUGH_TO_TELL_NUMBERS = 2**20  # bytes
STREAM = re.compile(r"/dev/(stdin|fd/\d+)|/proc/self/fd/\d+")
"""Names of what the shell has opened already, such as another program's output: read to its end, once."""

LONGEST_STREAM = 2**30
"""Bytes of a stream at most, which has no size to be refused by beforehand."""

LONGEST_BEGINNING = 2**24
"""Bytes that a header and the first ten rows may take at most, where a file is read in blocks."""


class Place(NamedTuple):
    """Position of a block of rows: its first byte, its number of bytes, and the number of its first line."""

    start: int
    length: int
    line: int


@dataclass(frozen=True)
class CSVTable:
    """A CSV file, or a block of its rows, before its cells are read.

    Attributes:
        path: The file.
        content: The rows, as bytes; they start in line `first_line`.
        first_line: Number of the first row's line in the file, from 1.
        delimiter: Between the values.
        header: Names of the columns; empty where the file has none.
        width: Number of columns.
        start: Position of `content` in the file.
        decimal: The sign in numbers: a comma where semicolons are between the values and the numbers have commas, as
            spreadsheets of many countries and R's write.csv2 have it.
    """

    path: Path
    content: bytes
    first_line: int
    delimiter: str
    header: tuple[str, ...]
    width: int
    start: int = 0
    decimal: str = "."

    @classmethod
    def open(cls, path: Path, most: int | None = None) -> Self:
        """Open the file, or read its first `most` bytes.

        Raises:
            FileError: It cannot be read.
            InputError: It is empty, or no text, or two columns have one name.
        """
        content = _content(path, most)
        first_line = content.lstrip().split(b"\n", 1)[0].decode()
        delimiter = max(DELIMITERS, key=first_line.count)
        decimal = "," if delimiter == ";" and DECIMAL_COMMA.search(content[:ENOUGH_TO_TELL_NUMBERS]) else "."
        records = list(islice(_records(path, content, delimiter), ROWS_TO_TELL_HEADER + 1))
        if not records:
            raise InputError(f"{path}: the file is empty; give rows of numbers")
        line, first = records[0]
        header: tuple[str, ...] = ()
        if _is_header(first, [cells for _, cells in records[1:]], decimal):
            if len(records) == 1:
                raise InputError(f"{path}: has a header but no rows; give rows of numbers below it")
            header = tuple(cell.strip() for cell in first)
            line = records[1][0]
        check_names(str(path), filter(None, header))
        start = _bytes_before(content, line)
        return cls(path, content[start:], line, delimiter, header, len(first), start, decimal)

    def column(self, index: int) -> str:
        """Name of a column for messages."""
        named = self.header and self.header[index]
        return f"column {self.header[index]!r}" if named else f"column {index + 1}"

    def row(self, number: int) -> str:
        """Line of a row for messages, by the row's number from 0."""
        records = _records(self.path, self.content, self.delimiter, self.first_line)
        return f"line {next(islice(records, number, None))[0]}"

    def columns_of_numbers(self, columns: list[int]) -> list[int]:
        """The given columns in which half of the cells or more are numbers, judged by the first cells."""
        import pandas as pd

        beginning = self.content[:ENOUGH_TO_TELL_NUMBERS]
        if len(beginning) < len(self.content):
            beginning = beginning[: beginning.rfind(b"\n") + 1] or self.content
        try:
            cells = replace(self, content=beginning)._parse([], columns)
        except ValueError:  # a row is too long or too short, which `read` says better
            return columns
        texts = cells[columns].to_numpy(dtype=object)
        numbers = pd.to_numeric(
            self._points(pd.Series(texts.ravel())), errors="coerce"
        )  # at once, as columns may be many
        found = numbers.notna().to_numpy().reshape(texts.shape).sum(axis=0)
        present = pd.notna(texts).sum(axis=0)
        return [k for k, count, most in zip(columns, found, present, strict=True) if 2 * count >= most]

    def read(self, numeric: list[int], text: list[int], whole: list[int]) -> tuple[Array, "pd.DataFrame"]:
        """Read columns of numbers and columns of text; all others are ignored.

        Args:
            numeric: Columns of finite numbers.
            text: Columns of text.
            whole: Those of the columns in which nothing may be missing.

        Returns:
            The numbers, float64 `(n, len(numeric))`, NaN where they are missing; the text, stripped, by column.

        Raises:
            InputError: A cell is missing or wrong, or a row has more or fewer values than the first.
        """
        try:
            frame = self._parse(numeric, text)
        except ValueError as error:
            raise self._diagnosis(numeric, text, whole, str(error)) from error
        if frame[whole].isna().any(axis=None) or self._is_ragged(frame):
            raise self._diagnosis(numeric, text, whole)
        x = np.ascontiguousarray(frame[numeric].to_numpy(dtype=np.float64))
        if np.isinf(x).any():
            raise self._diagnosis(numeric, text, whole)
        return x, frame[text].apply(self._points)

    def blocks(self, size: int) -> Iterator[Self]:
        """Yield the rows of the file in blocks of at least `size` bytes, cut at ends of lines.

        Raises:
            InputError: A block is no text, or no line ends within `LONGEST_BEGINNING` bytes.
        """
        with self.path.open("rb") as file:
            start, line, rest = self.start, self.first_line, b""
            file.seek(start)
            while True:
                read = file.read(size)
                rest += read
                # Within quotation marks a line's end is a part of the value: an even number must be before the cut.
                cut = rest.rfind(b"\n") + 1 if read else len(rest)
                while cut and read and rest.count(b'"', 0, cut) % 2:
                    cut = rest.rfind(b"\n", 0, cut - 1) + 1
                if len(rest) - cut > LONGEST_BEGINNING:
                    raise InputError(
                        f"{self.path}, line {line}: no end within {len(rest)} bytes; check its quotation marks"
                    )
                if rest[:cut].strip():
                    yield replace(self, content=_text(self.path, rest[:cut], line), first_line=line, start=start)
                if not read:
                    return
                start, line, rest = start + cut, line + rest.count(b"\n", 0, cut), rest[cut:]

    @property
    def beginning(self) -> Self:
        """The open file without any of its rows."""
        return replace(self, content=b"")

    def share_before(self, total: int) -> float:
        """The part of a file of `total` bytes that ends with this block."""
        return min(1.0, (self.start + len(self.content)) / max(1, total))

    @property
    def place(self) -> Place:
        """Position of this block."""
        return Place(self.start, len(self.content), self.first_line)

    def at(self, place: Place) -> Self:
        """Read the block at a position again."""
        with self.path.open("rb") as file:
            file.seek(place.start)
            return replace(self, content=file.read(place.length), first_line=place.line, start=place.start)

    def _points(self, column: "pd.Series[str]") -> "pd.Series[str]":
        """Text without spaces around it, and with points in its numbers."""
        column = column.str.strip()
        if self.decimal == ".":
            return column
        return column.str.replace(r"^([+-]?[0-9]*),([0-9]+)$", r"\1.\2", regex=True)

    def _parse(self, numeric: list[int], text: list[int]) -> "pd.DataFrame":
        """Parse the cells; a ValueError if a cell of `numeric` is no number, or no row is as long as the header."""
        import pandas as pd

        kinds: dict[int, str] = dict.fromkeys(range(self.width), "str") | dict.fromkeys(numeric, "float64")
        # Before 3.1, pandas misses numbers' last bit unless told otherwise; since then, telling is deprecated
        old = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
        exact: dict[str, Any] = {"float_precision": "round_trip"} if old else {}
        frame: pd.DataFrame = pd.read_csv(
            io.BytesIO(self.content),
            sep=self.delimiter,
            skipinitialspace=True,
            header=None,
            decimal=self.decimal,
            dtype=kinds,
            keep_default_na=False,
            na_values=list(MISSING),
            **exact,
        )
        if frame.shape[1] != self.width:
            raise ValueError("no row has as many values as the header")
        return frame

    def _is_ragged(self, frame: "pd.DataFrame") -> bool:
        """Whether a row has fewer values than others, for which pandas says that its last ones are missing."""
        if not frame[self.width - 1].isna().any():
            return False
        records = _records(self.path, self.content, self.delimiter, self.first_line)
        return any(len(cells) != self.width for _, cells in records)

    def _diagnosis(
        self, numeric: list[int], text: list[int], whole: list[int], otherwise: str = "unknown format"
    ) -> InputError:
        """The error for the first fault that keeps `read` from reading the rows; `otherwise` if none is found."""
        for line, cells in _records(self.path, self.content, self.delimiter, self.first_line):
            where = f"{self.path}, line {line}"
            if len(cells) != self.width:
                first = "header" if self.header else "first row"
                hint = "; R leaves names of rows out with row.names = FALSE" if len(cells) == self.width + 1 else ""
                return InputError(
                    f"{where}: the number of values is {len(cells)}, not {self.width} as in the {first}; "
                    f"correct it{hint}"
                )
            for index in sorted({*numeric, *text}):
                problem = _problem(cells[index], self.decimal, index in numeric, index in whole)
                if problem:
                    return InputError(f"{where}, {self.column(index)}: {problem}")
        return InputError(f"{self.path}: cannot be read ({' '.join(otherwise.split())}); check its format")


def _problem(cell: str, decimal: str, numeric: bool, whole: bool) -> str:
    """Describe the fault of a cell; an empty text for a valid one."""
    if cell.strip() in MISSING:
        return "the value is missing; fill it in or remove the row" if whole else ""
    value = number(cell, decimal)
    if not numeric or (value is not None and math.isfinite(value)):
        return ""
    return f"{cell[:40]!r} is not {'a number' if value is None else 'finite'}; correct it or remove the row"


def number(cell: str, decimal: str = ".") -> float | None:
    """Parse a cell's number as pandas does: Python alone takes 1_000 and the digits of other scripts."""
    if "_" in cell or not cell.isascii() or (decimal != "." and "." in cell):
        return None
    try:
        return float(cell.replace(decimal, "."))
    except ValueError:
        return None


def _content(path: Path, most: int | None) -> bytes:
    """Read the file, or the whole lines among its first bytes, as UTF-8; spaces replace a byte order mark."""
    stream = STREAM.fullmatch(str(path)) and not path.is_file()
    if stream and most is not None:
        raise InputError(f"{path}: can be read only once, and so not block by block; leave out stream=True")
    try:
        if not stream:
            check_readable(path, "a CSV file")
        with path.open("rb") as file:
            content = file.read(LONGEST_STREAM + 1 if stream else -1 if most is None else most)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if stream and len(content) > LONGEST_STREAM:
        raise InputError(f"{path}: gives more than {LONGEST_STREAM:,} bytes; write them into a file, and name that")
    if most is not None and len(content) == most:
        content = content[: content.rfind(b"\n") + 1]
    if content.startswith(codecs.BOM_UTF8):
        content = content.replace(codecs.BOM_UTF8, b"   ", 1)  # so that positions in the file stay what they are
    return _text(path, content, 1)


def _text(path: Path, content: bytes, line: int) -> bytes:
    """Check that the content, which begins in the line given, is UTF-8 text, and return it."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        position = error.start
    else:
        # Text in UTF-16 can pass for UTF-8 but for its zero bytes.
        position = content.find(b"\0")
        if position < 0:
            return content
    line += content.count(b"\n", 0, position)
    raise InputError(
        f"{path}, line {line}: the byte {content[position]:02x} is not part of UTF-8 text; save the file as UTF-8"
    )


def _lines(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")


def _bytes_before(content: bytes, line: int) -> int:
    """The number of bytes before a line, counted from 1."""
    return sum(len(text.encode()) for text in islice(_lines(content), line - 1))


def _records(path: Path, content: bytes, delimiter: str, line: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not blank; the content starts in line `line`."""
    reader = csv.reader(_lines(content), delimiter=delimiter, skipinitialspace=True, strict=True)
    before = line
    try:
        for cells in reader:
            if len(cells) > 1 or any(cell.strip() for cell in cells):
                yield line, cells
            line = before + reader.line_num
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: {error}; check its quotation marks, and the comma, semicolon or tab "
            "between its values"
        ) from error


def _is_header(first: list[str], following: list[list[str]], decimal: str) -> bool:
    """Whether the first row holds names; missing values in it are no evidence either way."""
    present = [k for k, cell in enumerate(first) if cell.strip() not in MISSING]
    text = [k for k in present if number(first[k], decimal) is None]
    if len(text) == len(present):
        return bool(text)
    below = {k: [row[k] for row in following if k < len(row) and row[k].strip() not in MISSING] for k in text}
    return any(cells and all(number(cell, decimal) is not None for cell in cells) for cells in below.values())
