"""CSV files: their cells as numbers and text, read whole or in blocks.

pandas reads the good path, at full speed. Only when something is wrong are the rows read again, one by one, to say
where.
"""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from sfumato.arrays import Array
from sfumato.data.csv_format import (
    ENOUGH_TO_TELL_NUMBERS,
    GZIP,
    MAC,
    NAMES_OF_ENCODINGS,
    ROWS_TO_TELL,
    UTF_8,
    WINDOWS,
    beginning_of,
    decoded,
    numbers_in,
    records,
    separator_of,
    spaced,
    unpacked,
)
from sfumato.data.missing import MISSING, without_missing
from sfumato.data.notations import CODE, decimal_of, proof
from sfumato.data.options import PLAIN_TABLE, TableOptions
from sfumato.errors import FileError, InputError
from sfumato.storage import check_readable

if TYPE_CHECKING:
    import pandas as pd

STREAM = re.compile(r"/dev/(stdin|fd/\d+)|/proc/self/fd/\d+")
"""Names of what the shell has opened already, such as another program's output: read to its end, once."""

LONGEST_STREAM = 2**30
"""Bytes of a stream at most, which has no size to be refused by beforehand."""

LONGEST_BEGINNING = 2**24
"""Bytes that a header and the first ten rows may take at most, where a file is read in blocks."""

SAID_SEPARATOR = re.compile(rb'\s*"?sep=(\\t|.)"?[ \t]*(?=\r|\n)')
"""A first line that names the separator, as Excel reads and writes it."""


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
        content: The rows, as UTF-8; they start in line `first_line`.
        first_line: Number of the first row's line in the file, from 1.
        delimiter: Between the values.
        header: Names of the columns; empty where the file has none.
        width: Number of columns.
        start: Position of `content` in the file.
        length: Its number of bytes there.
        decimal: The sign in numbers: a comma where semicolons are between the values and the numbers have commas, as
            spreadsheets of many countries and R's write.csv2 have it.
        encoding: Of the file.
        in_place: Whether positions in the file are known, so that it can be read in blocks.
        options: How it is to be read.
        notes: What was decided on the file, in words.
    """

    path: Path
    content: bytes
    first_line: int
    delimiter: str
    header: tuple[str, ...]
    width: int
    start: int = 0
    length: int = 0
    decimal: str = "."
    encoding: str = UTF_8
    in_place: bool = True
    options: TableOptions = PLAIN_TABLE
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def open(
        cls,
        path: Path,
        most: int | None = None,
        options: TableOptions = PLAIN_TABLE,
        names: Sequence[str] = (),
        texts: frozenset[str] = frozenset(),
    ) -> Self:
        """Open the file, or read its first `most` bytes.

        Args:
            path: The file.
            most: Bytes to read; None for all.
            options: What is said about the file, rather than told by its content.
            names: Names that its header would have; none where they are not known.
            texts: Texts that are values, not names.

        Raises:
            FileError: It cannot be read, or is a spreadsheet.
            InputError: It is empty, or no text.
        """
        raw = _content(path, most)
        content = unpacked(path, raw)
        in_place = content is raw
        content, encoding = decoded(path, content, options.encoding)
        notes = []
        if encoding in NAMES_OF_ENCODINGS and options.encoding is None:
            notes.append(f"not UTF-8: read as {NAMES_OF_ENCODINGS[encoding]} (encoding=... for another)")
        content, said = _without_said_separator(content)
        separator = options.separator or said or separator_of(path, content)
        if separator == " ":
            content, separator, in_place = spaced(content), ",", False
            notes.append("spaces are between the values")
        decimal = decimal_of(numbers_in(content)) if separator == ";" else "."
        told = beginning_of(path, content, separator, decimal, options.header, names, texts)
        start = _bytes_before(content, told.line)
        return cls(
            path,
            content[start:],
            told.line,
            separator,
            told.header,
            told.width,
            start if encoding == UTF_8 else len(content[:start].decode()),
            len(content) - start,
            decimal,
            encoding,
            in_place and encoding in (UTF_8, WINDOWS, MAC),
            options,
            (*notes, *told.notes),
        )

    @property
    def last(self) -> int:
        """The last column that is not empty: commas at the ends of all rows make one without a name or a value."""
        rows = islice(records(self.path, self.content, self.delimiter), ROWS_TO_TELL)
        ends = [len("".join((cell.strip() and "x") or " " for cell in cells).rstrip()) for _, cells in rows]
        named = len("".join((name and "x") or " " for name in self.header).rstrip())
        return max([named, *ends, 2]) - 1 if max([named, *ends]) < self.width else self.width - 1

    def column(self, index: int) -> str:
        """Name of a column for messages."""
        named = self.header and self.header[index]
        return f"column {self.header[index]!r}" if named else f"column {index + 1}"

    def row(self, number: int) -> str:
        """Line of a row for messages, by the row's number from 0."""
        rows = records(self.path, self.content, self.delimiter, self.first_line)
        return f"line {next(islice(rows, number, None))[0]}"

    def plain(self, columns: Sequence[int]) -> dict[int, bool]:
        """Find the columns that begin with plain numbers alone, by index.

        The value tells whether all of their decimal signs could as well be between thousands, as in 1.234.
        """
        import pandas as pd

        beginning = self.content[:ENOUGH_TO_TELL_NUMBERS]
        if len(beginning) < len(self.content):
            beginning = beginning[: beginning.rfind(b"\n") + 1] or self.content
        try:
            cells = replace(self, content=beginning)._parse([])
        except ValueError:  # a row is too long or too short, which `read` says better
            return dict.fromkeys(columns, False)
        texts = cells[[*columns]].to_numpy(dtype=object)
        flat = pd.Series(texts.ravel(), dtype=object)  # at once, as columns may be many
        wrong = (self._numbers(flat).isna() & flat.notna()).to_numpy()
        signs = np.array([isinstance(text, str) and self.decimal in text for text in flat], dtype=bool)
        proofs = signs & np.array([bool(proof(str(text).lstrip("+-"))) for text in flat], dtype=bool)
        wrong = wrong | np.array([bool(CODE.fullmatch(str(text))) for text in flat], dtype=bool)
        found: Array = np.stack([wrong, signs, proofs]).reshape(3, *texts.shape).max(axis=1, initial=False)
        bad, pointed, proven = found
        return {k: bool(pointed[n] and not proven[n]) for n, k in enumerate(columns) if not bad[n]}

    def read(self, columns: Sequence[int], plain: Sequence[int]) -> "pd.DataFrame":
        """Read columns: of float64 where `plain` says so and all is a number, else of text, stripped.

        Raises:
            InputError: A row has more or fewer values than the first.
        """
        try:
            frame = self._parse(plain)
        except ValueError:
            try:
                frame = self._parse([])
            except ValueError as error:
                raise self._diagnosis(str(error)) from error
            for index in plain:
                numbers = self._numbers(frame[index])
                if numbers.notna().equals(frame[index].notna()):
                    frame[index] = numbers
        if frame.shape[1] != self.width or self._is_ragged(frame):
            raise self._diagnosis("unknown format")
        return frame[[*columns]]

    def blocks(self, size: int) -> Iterator[Self]:
        """Yield the rows of the file in blocks of at least `size` bytes, cut at ends of lines.

        Raises:
            InputError: A block is no text, or no line ends within `LONGEST_BEGINNING` bytes, or the file can only be
                read as a whole.
        """
        if not self.in_place:
            raise InputError(
                f"{self.path}: in another encoding, or with spaces between its values, it can only be read as a whole; "
                "write it with commas and in UTF-8, or leave out stream=True"
            )
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
                    yield self._block(rest[:cut], start, line)
                if not read:
                    return
                start, line, rest = start + cut, line + rest.count(b"\n", 0, cut), rest[cut:]

    @property
    def beginning(self) -> Self:
        """The open file without any of its rows."""
        return replace(self, content=b"")

    def share_before(self, total: int) -> float:
        """The part of a file of `total` bytes that ends with this block."""
        return min(1.0, (self.start + self.length) / max(1, total))

    @property
    def place(self) -> Place:
        """Position of this block."""
        return Place(self.start, self.length, self.first_line)

    def at(self, place: Place) -> Self:
        """Read the block at a position again."""
        with self.path.open("rb") as file:
            file.seek(place.start)
            return self._block(file.read(place.length), place.start, place.line)

    def _block(self, raw: bytes, start: int, line: int) -> Self:
        encoding = None if self.encoding == UTF_8 else self.encoding
        if encoding is None:
            content = decoded(self.path, raw, None, line, guess=False)[0]
        else:
            content = raw.decode(encoding, errors="replace").encode()
        return replace(self, content=content, first_line=line, start=start, length=len(raw))

    def _numbers(self, texts: "pd.Series[str]") -> "pd.Series[float]":
        """Plain numbers of texts; NaN where there is none."""
        import pandas as pd

        if self.decimal == ",":  # a point is none then
            texts = texts.map(lambda text: text.replace(".", "?").replace(",", "."), na_action="ignore")
        numbers: pd.Series[float] = pd.to_numeric(texts, errors="coerce").astype("float64")
        return numbers

    def _parse(self, plain: Sequence[int]) -> "pd.DataFrame":
        """Parse the cells; a ValueError if a cell of `plain` is no number, or a row is longer than the header."""
        import pandas as pd

        # pandas takes points for decimal ones beside decimal commas
        numbers = plain if self.decimal == "." else ()
        kinds: dict[int, str] = dict.fromkeys(range(self.width), "str") | dict.fromkeys(numbers, "float64")
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
            na_values=[*MISSING, *self.options.missing],
            **exact,
        )
        if frame.shape[1] != self.width:
            raise ValueError("no row has as many values as the header")
        known = {*numbers}
        texts = [index for index in range(self.width) if index not in known]
        if texts:
            clean = without_missing(frame[texts], self.options.missing)
            frame = clean if len(texts) == self.width else pd.concat([frame.drop(columns=texts), clean], axis=1)
        for index in () if numbers else plain:
            found = self._numbers(frame[index])
            if not found.notna().equals(frame[index].notna()):
                raise ValueError("no number")
            frame[index] = found
        return frame

    def _is_ragged(self, frame: "pd.DataFrame") -> bool:
        """Whether a row has fewer values than others, for which pandas says that its last ones are missing."""
        if not frame[self.width - 1].isna().any():
            return False
        rows = records(self.path, self.content, self.delimiter, self.first_line)
        return any(len(cells) != self.width for _, cells in rows)

    def _diagnosis(self, otherwise: str) -> InputError:
        """The error for the first row of another length; `otherwise` if none is found."""
        for line, cells in records(self.path, self.content, self.delimiter, self.first_line):
            if len(cells) != self.width:
                first = "header" if self.header else "first row"
                return InputError(
                    f"{self.path}, line {line}: the number of values is {len(cells)}, not {self.width} as in the "
                    f"{first}; correct it"
                )
        return InputError(f"{self.path}: cannot be read ({' '.join(otherwise.split())}); check its format")


def _content(path: Path, most: int | None) -> bytes:
    """Read the file, or the whole lines among its first bytes; spaces replace a byte order mark of UTF-8."""
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
    if most is not None and content.startswith(GZIP):
        raise InputError(f"{path}: compressed, it can only be read as a whole; unpack it, or leave out stream=True")
    if most is not None and len(content) == most:
        content = content[: content.rfind(b"\n") + 1]
    if content.startswith(codecs.BOM_UTF8):
        content = content.replace(codecs.BOM_UTF8, b"   ", 1)  # so that positions in the file stay what they are
    return content


def _without_said_separator(content: bytes) -> tuple[bytes, str]:
    """The content with spaces for a first line like sep=; and the separator that it names; "" for none."""
    said = SAID_SEPARATOR.match(content)
    if said is None:
        return content, ""
    separator = said[1].decode().replace("\\t", "\t")
    return b" " * said.end() + content[said.end() :], separator


def _bytes_before(content: bytes, line: int) -> int:
    """The number of bytes before a line, counted from 1."""
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    return sum(len(text.encode()) for text in islice(lines, line - 1))
