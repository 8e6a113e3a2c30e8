"""CSV files of numbers.

pandas reads the good path, at full speed. Only when something is wrong is the file read again, row by row, to say
where.
"""

import codecs
import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Dataset, Examples, Task, TaskChoice, check_task, suggestion
from sfumato.errors import FileError, InputError

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = ",;\t"
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
ROWS_TO_TELL_HEADER = 10
MOST_CLASSES = 20  # A target of more distinct numbers is a value to predict, unless the caller says otherwise.
MOST_NAMES = 20  # An error does not list the hundreds of columns of a table of pixels.


@dataclass(frozen=True)
class _Source:
    """A CSV file before its cells are read; `content` starts in line `first_line`, below the header."""

    path: Path
    content: bytes
    first_line: int
    delimiter: str
    header: tuple[str, ...]
    width: int

    def column(self, index: int) -> str:
        return f"column {self.header[index]!r}" if self.header else f"column {index + 1}"


def load_csv(path: str | Path, *, target: str | None = None, task: TaskChoice = "auto", few: bool = False) -> Dataset:
    """Read a CSV file: one column is the target, all others are numeric features.

    The file is UTF-8, with comma, semicolon or tab between values (the one that is most frequent in the first line).
    Its first row is a header if no cell of it is a number, or if a column has text there and numbers below. Without a
    header the features are called x1, x2, ... and the target y. Empty cells, NA, N/A, NaN and null are missing values
    and not accepted.

    Args:
        path: The file.
        target: The target column's name, or its index from 0 (negative: from the end); the last one by default.
        task: "classification", "regression", or "auto": regression where the target has a fraction or more than 20
            distinct numbers, else classification.
        few: Accept a single row, and rows of a single class: enough to measure a model on, if not to train one.

    Returns:
        Features float64 `(n, d)`. Classes are sorted by number, or by text if one of them is no number.

    Raises:
        FileError: The file cannot be read.
        InputError: The options do not fit the file, or its content is wrong; the message says in which line.
    """
    check_task(task)
    source = _open(Path(path))
    if source.width < 2:
        raise InputError(
            f"{path}: has only one column (the first line has no comma, semicolon or tab); "
            "give at least one feature and the target"
        )
    chosen = _target_column(source, target)
    features = [index for index in range(source.width) if index != chosen]
    x, text = _read(source, features, [chosen])
    if len(x) < 2 and not few:
        raise InputError(f"{path}: has only one row of values; give at least 2")
    task, y, classes = _targets(source, chosen, text[chosen], task)
    if len(classes) == 1 and not few:
        raise InputError(
            f"{path}, {source.column(chosen)}: the target is {classes[0]!r} in every row; "
            "give examples of at least 2 classes, or choose another target"
        )
    return Dataset(
        name=source.path.name,
        examples=Examples(x, y),
        test=None,
        task=task,
        classes=classes,
        features=tuple(source.header[i] if source.header else f"x{k}" for k, i in enumerate(features, 1)),
        target=source.header[chosen] if source.header else "y",
    )


def column_names(path: str | Path) -> tuple[str, ...]:
    """Names in a CSV file's header, the target's among them; empty where it has no header."""
    return _open(Path(path)).header


def load_features(path: str | Path, names: Sequence[str], count: int) -> Array:
    """Read the features of examples to predict, float64 `(n, count)`.

    Where the file has a header with all `names`, those columns are taken and others ignored; otherwise it must have no
    header (or the features no names but x1, x2, ...) and exactly `count` columns, in the order of training. The
    format is that of `load_csv`.

    Args:
        path: The file.
        names: Names of the features; empty where they have none, as pixels of images.
        count: Number of features.

    Raises:
        FileError: The file cannot be read.
        InputError: It has other columns, or its content is wrong; the message says in which line.
    """
    source = _open(Path(path))
    if names and set(names) <= set(source.header):
        columns = [source.header.index(name) for name in names]
    elif source.width == count and (not source.header or _are_numbered(names)):
        columns = list(range(count))
    else:
        absent = [name for name in names if name not in source.header] if source.header else []
        missing = f" (its header lacks {absent[0]!r})" if absent else ""
        raise InputError(
            f"{path}: the number of columns is {source.width}{missing}, but the model takes {count} features; "
            "give those alone without a header, or a header with all of their names"
        )
    return _read(source, columns, [])[0]


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether the features never had names of their own: they came without a header, or are pixels."""
    return all(name == f"x{k}" for k, name in enumerate(names, 1))


def _open(path: Path) -> _Source:
    content = _content(path)
    first_line = content.lstrip().split(b"\n", 1)[0].decode()
    delimiter = max(DELIMITERS, key=first_line.count)
    records = list(islice(_records(path, content, delimiter), ROWS_TO_TELL_HEADER + 1))
    if not records:
        raise InputError(f"{path}: the file is empty; give rows of numbers")
    line, first = records[0]
    if not _is_header(first, [cells for _, cells in records[1:]]):
        return _Source(path, _from_line(content, line), line, delimiter, (), len(first))
    if len(records) == 1:
        raise InputError(f"{path}: has a header but no rows; give rows of numbers below it")
    header = tuple(cell.strip() or f"column {k}" for k, cell in enumerate(first, 1))
    twice = next((name for k, name in enumerate(header) if name in header[:k]), None)
    if twice is not None:
        raise InputError(f"{path}: two columns are called {twice!r}; rename one")
    line = records[1][0]
    return _Source(path, _from_line(content, line), line, delimiter, header, len(first))


def _content(path: Path) -> bytes:
    """The file's bytes, which are UTF-8 text, without the byte order mark."""
    if path.is_dir():
        raise FileError(f"{path}: is a folder; give a CSV file")
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
        content.decode()
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        position = error.start
    else:
        # Text in UTF-16 can pass for UTF-8 but for its zero bytes.
        position = content.find(b"\0")
        if position < 0:
            return content
    line = content.count(b"\n", 0, position) + 1
    raise InputError(
        f"{path}, line {line}: the byte {content[position]:02x} is not part of UTF-8 text; save the file as UTF-8"
    )


def _lines(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")


def _from_line(content: bytes, line: int) -> bytes:
    """The content without the lines before `line`, counted from 1."""
    return content[sum(len(text.encode()) for text in islice(_lines(content), line - 1)) :]


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
        raise InputError(f"{path}, line {line}: {error}; check its quotation marks") from error


def _is_header(first: list[str], following: list[list[str]]) -> bool:
    """Whether the first row is names; missing values in it say nothing either way."""
    present = [k for k, cell in enumerate(first) if cell.strip() not in MISSING]
    text = [k for k in present if _number(first[k]) is None]
    if len(text) == len(present):
        return bool(text)
    below = {k: [row[k] for row in following if k < len(row) and row[k].strip() not in MISSING] for k in text}
    return any(cells and all(_number(cell) is not None for cell in cells) for cells in below.values())


def _number(cell: str) -> float | None:
    """The cell's number, as pandas would read it: Python alone takes 1_000 and the digits of other scripts."""
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _target_column(source: _Source, target: str | None) -> int:
    if target is None:
        return source.width - 1
    if target in source.header:
        return source.header.index(target)
    if re.fullmatch(r"-?[0-9]{1,9}", target) and -source.width <= int(target) < source.width:
        return int(target) % source.width
    more = ", ..." if len(source.header) > MOST_NAMES else ""
    names = f"a name ({', '.join(source.header[:MOST_NAMES])}{more})" if source.header else "no name, without a header"
    raise InputError(
        f"{source.path}: there is no column {target!r}; {suggestion(target, source.header)}"
        f"choose an index, 0 to {source.width - 1} (-1 for the last one), or {names}"
    )


def _read(source: _Source, numeric: list[int], text: list[int]) -> tuple[Array, "pd.DataFrame"]:
    """Columns of finite numbers, float64 `(n, len(numeric))`, and columns of text; all others are ignored.

    Raises:
        InputError: A number or text is missing or wrong, or a row has more or fewer values than the first.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(
            io.BytesIO(source.content),
            sep=source.delimiter,
            skipinitialspace=True,
            header=None,
            dtype={**dict.fromkeys(range(source.width), str), **dict.fromkeys(numeric, np.float64)},
            keep_default_na=False,
            na_values=list(MISSING),
        )
    except ValueError as error:
        raise _diagnosis(source, numeric, text, str(error)) from error
    if frame.shape[1] != source.width or frame[text].isna().any(axis=None):
        raise _diagnosis(source, numeric, text)
    x = np.ascontiguousarray(frame[numeric].to_numpy(dtype=np.float64))
    if not np.isfinite(x).all():
        raise _diagnosis(source, numeric, text)
    return x, frame[text]


def _diagnosis(source: _Source, numeric: list[int], text: list[int], otherwise: str = "unknown format") -> InputError:
    """The first thing in the file that keeps `_read` from reading it; `otherwise` if nothing is found."""
    columns = sorted(numeric + text)
    for line, cells in _records(source.path, source.content, source.delimiter, source.first_line):
        where = f"{source.path}, line {line}"
        if len(cells) != source.width:
            first = "header" if source.header else "first row"
            return InputError(
                f"{where}: the number of values is {len(cells)}, not {source.width} as in the {first}; correct it"
            )
        for index in columns:
            cell = cells[index]
            number = _number(cell)
            if number is not None and math.isfinite(number):
                continue
            if cell.strip() in MISSING:
                problem = "the value is missing; fill it in or remove the row"
            elif index in numeric:
                kind = "a number" if number is None else "finite"
                problem = f"{cell[:40]!r} is not {kind}; correct it or remove the row"
            else:
                continue
            return InputError(f"{where}, {source.column(index)}: {problem}")
    return InputError(f"{source.path}: cannot be read ({' '.join(otherwise.split())}); check its format")


def _targets(
    source: _Source, column: int, text: "pd.Series[str]", task: TaskChoice
) -> tuple[Task, Array, tuple[str, ...]]:
    """Task, `y` and names of the classes."""
    import pandas as pd

    codes, distinct = pd.factorize(text.str.strip())
    values = [str(value) for value in distinct]
    numbers = [number for number in map(_number, values) if number is not None]
    numeric = len(numbers) == len(values)
    if task == "auto":
        few = len(set(numbers)) <= MOST_CLASSES and all(number.is_integer() for number in numbers)
        task = "classification" if few else "regression"
    if (task == "regression" and not numeric) or (numeric and not np.isfinite(numbers).all()):
        raise _diagnosis(source, [column], [])
    if task == "regression":
        return task, np.array(numbers)[codes], ()
    labels, inverse = np.unique(numbers if numeric else values, return_inverse=True)
    names = [str(int(label) if numeric and label.is_integer() else label) for label in labels]
    return task, inverse[codes].astype(np.int64), tuple(names)
