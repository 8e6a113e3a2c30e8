"""Encoding, separator, decimal sign and header of a CSV file, told by its beginning."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from sfumato.data.missing import MISSING
from sfumato.errors import FileError, InputError

SEPARATORS = ",;\t|"
NUMBER_WITH_SIGN = re.compile(rb'(?:^|[;"\n]) *[+-]?([0-9]*[.,][0-9.,]*[0-9]) *(?=$|[;"\r\n])')
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
ROWS_TO_TELL = 10
ENOUGH_TO_TELL_NUMBERS = 2**20  # bytes
YEARS = range(1500, 2201)
UTF_8, UTF_16, UTF_32, WINDOWS, MAC = "utf-8", "utf-16", "utf-32", "cp1252", "mac-roman"
NAMES_OF_ENCODINGS = {UTF_16: "UTF-16", UTF_32: "UTF-32", WINDOWS: "Windows-1252", MAC: "Mac Roman"}
MARKS = (
    (codecs.BOM_UTF32_LE, UTF_32),  # which begins with the next one
    (codecs.BOM_UTF16_LE, UTF_16),  # Excel's "Unicode text"
    (codecs.BOM_UTF16_BE, UTF_16),
    (codecs.BOM_UTF32_BE, UTF_32),
)
"""First bytes of a file that tell its encoding."""

GZIP = b"\x1f\x8b"
PICTURE = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|II[*+]\0|MM\0[*+]|RIFF....WEBP|BM....\0\0\0\0|....ftyp(?:hei|hev|mif|avi)",
    re.DOTALL,
)
"""First bytes of pictures, none of which begins a table."""

MOST_UNPACKED = 2**30
"""Bytes that a compressed file may unpack to."""

LETTERS_OF_WORDS = "éèêëàâäáíóúñöüßåøæçôîïùûãõ"
LIKELY_SIGNS = "’‘“”–—…£€°©®×½²"


def number(cell: str, decimal: str = ".") -> float | None:
    """Parse a cell's number as pandas does: Python alone takes 1_000 and the digits of other scripts."""
    if "_" in cell or not cell.isascii() or (decimal != "." and "." in cell):
        return None
    try:
        return float(cell.replace(decimal, "."))
    except ValueError:
        return None


class Beginning(NamedTuple):
    """Header of a file, and the place of its first row of values.

    Attributes:
        header: Names of the columns; empty where the file has none.
        width: Number of columns.
        line: Line of the first row of values, from 1.
        notes: What was decided and is not obvious, in words.
    """

    header: tuple[str, ...]
    width: int
    line: int
    notes: tuple[str, ...]


def unpacked(path: Path, content: bytes) -> bytes:
    """Content of a file, unpacked if it is compressed by gzip.

    Raises:
        FileError: it is damaged, a spreadsheet or a picture.
    """
    if content.startswith(GZIP):
        try:
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(MOST_UNPACKED + 1)
        except (OSError, EOFError, ValueError) as error:
            raise FileError(f"{path}: not a whole gzip file ({error}); write it again") from error
        if len(content) > MOST_UNPACKED:
            raise InputError(f"{path}: is more than {MOST_UNPACKED:,} bytes unpacked; unpack it into a file")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) or path.suffix.lower() in (".xlsx", ".xls", ".ods"):
        raise FileError(f"{path}: a spreadsheet's own file is not read; save the sheet as CSV (Save As, CSV UTF-8)")
    if PICTURE.match(content):
        raise FileError(f"{path}: is a picture; give a table, as CSV or Parquet")
    return content


def decoded(
    path: Path, content: bytes, encoding: str | None, line: int = 1, *, guess: bool = True
) -> tuple[bytes, str]:
    """The content as UTF-8, and the encoding that it had.

    Args:
        path: For messages.
        content: Bytes of whole lines.
        encoding: The encoding; None to tell it: UTF-8, UTF-16 or UTF-32 by its first bytes, else Windows-1252 or
            Mac Roman by which gives likelier words.
        line: Number of the first line, for messages.
        guess: Take bytes that are not UTF-8 for one of the others.

    Raises:
        InputError: it is no text, or not in the encoding given.
    """
    if encoding is None and line == 1:
        encoding = next((name for mark, name in MARKS if content.startswith(mark)), None)
    if encoding is not None:
        try:
            return content.decode(encoding).removeprefix("\ufeff").encode(), encoding
        except (UnicodeError, LookupError) as error:
            raise InputError(f"{path}: cannot be read in the encoding {encoding!r} ({error}); name another") from error
    control = CONTROLS.search(content)
    try:
        content.decode()
        position = control.start() if control and control[0] == b"\0" else -1
    except UnicodeDecodeError as error:
        position = error.start
        if control is None and guess:
            found = _legacy_encoding(content)
            return content.decode(found, errors="replace").encode(), found
    if position < 0:
        return content, UTF_8
    line += content.count(b"\n", 0, position)
    raise InputError(
        f"{path}, line {line}: the byte {content[position]:02x} is not part of UTF-8 text; save the file as UTF-8, or "
        'name its encoding: encoding="utf-16", for example'
    )


def _legacy_encoding(content: bytes) -> str:
    """Windows-1252 or Mac Roman, by which of them makes likelier words of the content."""
    lines = b"\n".join(line for line in content.split(b"\n") if not line.isascii())[:ENOUGH_TO_TELL_NUMBERS]
    scores = {encoding: _likelihood(lines.decode(encoding, errors="replace")) for encoding in (WINDOWS, MAC)}
    return MAC if scores[MAC] > scores[WINDOWS] else WINDOWS


def _likelihood(text: str) -> int:
    """Score of a text by its signs beyond ASCII: small letters in words, and signs of print, against all others."""
    score = 0
    for found in re.finditer(r"[^\x00-\x7f]", text):
        sign, before = found[0], text[found.start() - 1 : found.start()]
        if sign in LETTERS_OF_WORDS:
            score += 2 if before.isalpha() else 1
        elif sign.isalpha():
            score -= 1 if before.islower() else 0
        else:
            score += 1 if sign in LIKELY_SIGNS else -2
    return score


def records(
    path: Path, content: bytes, separator: str, line: int = 1, *, strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not blank; the content starts in line `line`."""
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=strict)
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


def separator_of(path: Path, content: bytes) -> str:
    """The sign between the values: what most of the first rows have in the same number, else the first line's most.

    A space is one only where no other sign is.
    """
    first_line = content.lstrip().split(b"\n", 1)[0].decode()
    even = [sign for sign in SEPARATORS if sign in first_line and _is_even(path, content, sign)]
    if ";" in even and "," in even:
        even.remove(",")  # which is in decimals then
    found = max(even or SEPARATORS, key=first_line.count)
    if found in first_line:
        return found
    return " " if _is_even(path, spaced(content[:ENOUGH_TO_TELL_NUMBERS]), ",", names_of_rows=True) else found


def _is_even(path: Path, content: bytes, separator: str, *, names_of_rows: bool = False) -> bool:
    """Whether the first rows are of one width, of two values or more.

    With `names_of_rows`, those below the first may have one more, as R's write.table has it.
    """
    try:
        rows = records(path, content[:ENOUGH_TO_TELL_NUMBERS], separator, strict=False)
        first, *below = (len(cells) for _, cells in islice(rows, ROWS_TO_TELL + 1))
    except (InputError, ValueError):  # the second where there is no row
        return False
    widths = {*below} or {first}
    return len(widths) == 1 and max(widths) > 1 and max(widths) - first in ((0, 1) if names_of_rows else (0,))


def numbers_in(content: bytes) -> Iterator[str]:
    """The first numbers with a point or a comma, of a table with semicolons between its values."""
    return (digits.decode() for digits in NUMBER_WITH_SIGN.findall(content[:ENOUGH_TO_TELL_NUMBERS]))


def spaced(content: bytes) -> bytes:
    """Content with commas between the values instead of spaces."""
    lines = content.decode(errors="replace").splitlines()
    rows = csv.reader((" ".join(line.split()) for line in lines), delimiter=" ", strict=False)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def beginning_of(
    path: Path,
    content: bytes,
    separator: str,
    decimal: str,
    header: bool | None,
    names: Sequence[str],
    texts: frozenset[str] = frozenset(),
) -> Beginning:
    """Tell what stands before the rows.

    Args:
        path: For messages.
        content: The file, or its first bytes.
        separator: Between the values.
        decimal: The decimal sign.
        header: Whether the first row holds names; None to tell.
        names: Names of columns that a header would have; none where they are not known.
        texts: Texts that are values, not names.

    Raises:
        InputError: the file has no rows.
    """
    found, above = _first_rows(path, content, separator, decimal)
    if not found:
        raise InputError(f"{path}: the file is empty; give rows of numbers")
    (line, first), following = found[0], [cells for _, cells in found[1:]]
    stripped = [cell.strip() for cell in first]
    told = bool(names) and {*names} <= {*stripped}
    looks = told or (is_header(first, following, decimal) and texts.isdisjoint(stripped))
    notes = [f"what stands above line {line} is left out"] if above else []
    if not (looks if header is None else header):
        notes += ["no row of names is on top (header='yes' if there is one)"] if header is None else []
        return Beginning((), len(first), line, tuple(notes))
    if not following:
        raise InputError(f"{path}: has a header but no rows; give rows of numbers below it")
    if header is None and not told and any(number(cell, decimal) is not None for cell in stripped):
        notes.append("the first row is taken for names, though some are numbers (header='no' if it is a row)")
    stripped[0] = re.sub(r"^#\s*(?=\S)", "", stripped[0])
    wide = _shifted(stripped, following)
    if wide is not None:
        stripped, note = wide
        notes.append(note)
    unique = mangled(stripped)
    twice = sorted({old for old, new in zip(stripped, unique, strict=True) if old != new})
    if twice:
        notes.append(f"several columns are called {', '.join(map(repr, twice[:3]))}: .1, .2 ... tell them apart")
    return Beginning(unique, len(unique), found[1][0], tuple(notes))


def _first_rows(path: Path, content: bytes, separator: str, decimal: str) -> tuple[list[tuple[int, list[str]]], bool]:
    """The first rows, and whether there are lines above them: remarks, which begin with #, and titles.

    A line that begins with # is the first row if it has as many values as the next, and that has not names. Titles have
    one value, in a table of three columns or more, and stand above names of columns of numbers.
    """
    rows = records(path, content, separator)
    top: list[tuple[int, list[str]]] = []
    for line, cells in rows:
        top.append((line, cells))
        if not cells[0].lstrip().startswith("#") and (len(cells) < 3 or sum(bool(cell.strip()) for cell in cells) > 1):
            break
    found, above = [*top[-1:], *islice(rows, ROWS_TO_TELL)], top[:-1]
    if not above or _are_names_of_numbers([cells for _, cells in found], decimal):
        return found, bool(above)
    kept = [row for row in above if not row[1][0].lstrip().startswith("#")]
    if above[-1] not in kept and len(above[-1][1]) == len(found[0][1]) > 1:
        kept = [above[-1]]
    return [*kept, *found][: ROWS_TO_TELL + 1], len(kept) < len(above)


def _are_names_of_numbers(rows: list[list[str]], decimal: str) -> bool:
    """Whether the first of the rows has names alone, and there are numbers below."""
    first, *below = rows
    if any(number(cell, decimal) is not None for cell in first) or not is_header(first, below, decimal):
        return False
    return any(number(cell, decimal) is not None for cells in below for cell in cells)


def _shifted(header: list[str], following: list[list[str]]) -> tuple[list[str], str] | None:
    """A header for rows that all have one value more than it, and a note; None for other rows."""
    if any(len(cells) != len(header) + 1 for cells in following):
        return None
    if not any(cells[-1].strip() for cells in following):
        return [*header, ""], "the rows end with a comma more than the header"
    return ["", *header], "the rows have a value more than the header: the first is taken for the name of the row"


def mangled(names: Sequence[str]) -> tuple[str, ...]:
    """Names with .1, .2 ... added to those that were there before, as pandas does; empty ones stay."""
    used: set[str] = set()
    found = []
    for name in names:
        unique, count = name, 0
        while unique and (unique in used or (count and unique in names)):
            count += 1
            unique = f"{name}.{count}"
        used.add(unique)
        found.append(unique)
    return tuple(found)


def is_header(first: list[str], following: list[list[str]], decimal: str) -> bool:
    """Whether the first row holds names; missing values in it are no evidence either way."""
    present = [k for k, cell in enumerate(first) if cell.strip() not in MISSING]
    text = [k for k in present if number(first[k], decimal) is None]
    below = {
        k: [row[k].strip() for row in following if k < len(row) and row[k].strip() not in MISSING] for k in present
    }
    if len(text) == len(present):  # values come again, names hardly
        return 2 * sum(first[k].strip() in below[k] for k in text) < len(text)
    if any(below[k] and all(number(cell, decimal) is not None for cell in below[k]) for k in text):
        return True
    if any(first[k].strip() in below[k] for k in text):
        return False  # a value that comes again
    numbers = {k: number(first[k], decimal) or 0.0 for k in present if k not in text}
    return _are_names(numbers, {k: below[k] for k in numbers}, decimal, bool(text))


def _are_names(numbers: dict[int, float], below: dict[int, list[str]], decimal: str, beside_text: bool) -> bool:
    """Whether the numbers of a first row are names, such as years: whole, and unlike what stands below them."""
    values = [*numbers.values()]
    if not all(value.is_integer() for value in values) or not any(below.values()):
        return False
    cells = [[number(cell, decimal) for cell in column] for column in below.values() if column]
    fractions = [sum(cell is not None and not float(cell).is_integer() for cell in column) for column in cells]
    if beside_text and len(values) > 1 and all(2 * count > len(c) for count, c in zip(fractions, cells, strict=True)):
        return True
    years = len({*values}) == len(values) and all(value in YEARS for value in values)
    alike = [all(cell is not None and cell in YEARS for cell in column) for column in cells]
    return years and (beside_text or len(values) > 2) and not any(alike)
