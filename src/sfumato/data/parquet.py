"""Typed tables: of pandas, and of Parquet files, which pyarrow reads whole or by row groups."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from psutil import virtual_memory

from sfumato.arrays import Array
from sfumato.data.dataset import check_names
from sfumato.errors import FileError, InputError
from sfumato.storage import check_readable

if TYPE_CHECKING:
    import pandas as pd

INDEX_OF_PANDAS = "__index_level_"
"""Beginning of the names of columns in which pandas keeps the numbers or names of rows: they are no features."""

MOST_BYTES = 2**28
"""Bytes of a row group at most where a file is streamed, since it is read at once."""


class Place(NamedTuple):
    """Position of a row group: its number, and the number of its first row in the file, both from 0."""

    group: int
    first_row: int


@dataclass(frozen=True)
class FrameTable:
    """A pandas table, or a part of one that is in a file.

    Attributes:
        path: What it is called in messages.
        frame: The values; its columns are numbered as those of the file.
        header: Names of all columns.
        first_row: Number of its first row, from 0.
    """

    path: Path
    frame: "pd.DataFrame"
    header: tuple[str, ...]
    first_row: int = 0

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.header)

    def column(self, index: int) -> str:
        """Name of a column for messages."""
        return f"column {self.header[index]!r}"

    def row(self, number: int) -> str:
        """Number of a row for messages, by its number from 0."""
        return f"row {self.first_row + number + 1}"

    def columns_of_numbers(self, columns: list[int]) -> list[int]:
        """The given columns that hold numbers; True and False are text, as in a CSV file."""
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        return [k for k in columns if is_numeric_dtype(self.frame[k]) and not is_bool_dtype(self.frame[k])]

    def read(self, numeric: list[int], text: list[int], whole: list[int]) -> tuple[Array, "pd.DataFrame"]:
        """Read columns of numbers and columns of text, as `CSVTable.read` does."""
        texts = self.frame[text].apply(_as_text)
        numbers = [self._numbers(index) for index in numeric]
        x = np.ascontiguousarray(np.array(numbers).T).reshape(len(self.frame), len(numeric))
        for index in whole:
            missing = texts[index].isna().to_numpy() if index in text else np.isnan(x[:, numeric.index(index)])
            self._refuse(index, missing, "the value is missing; fill it in or remove the row")
        return x, texts

    def _numbers(self, index: int) -> Array:
        """Convert a column to finite numbers, NaN where they are missing; text that is a number counts as one."""
        import pandas as pd

        column = self.frame[index]
        values = column if pd.api.types.is_numeric_dtype(column) else _as_text(column)
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        for wrong, what in ((np.isnan(numbers) & values.notna().to_numpy(), "a number"), (np.isinf(numbers), "finite")):
            said = str(values.iloc[wrong.argmax()])[:40] if wrong.any() else ""
            self._refuse(index, wrong, f"{said!r} is not {what}; correct it or remove the row")
        return numbers

    def _refuse(self, index: int, wrong: Array, problem: str) -> None:
        if wrong.any():
            raise InputError(f"{self.path}, {self.row(int(wrong.argmax()))}, {self.column(index)}: {problem}")


def _as_text(column: "pd.Series[Any]") -> "pd.Series[str]":
    text = column.astype("str").str.strip()
    return text.mask(column.isna() | (text == ""))


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file, or a row group of it, before its values are read.

    Attributes:
        path: The file.
        header: Names of the columns.
        place: The row group; None for all.
    """

    path: Path
    header: tuple[str, ...]
    place: Place | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file.

        Raises:
            FileError: It cannot be read, is no Parquet file, or pyarrow is not installed.
            InputError: It has no rows, or two columns have one name.
        """
        file = _open(path)
        header = tuple(name for name in file.schema_arrow.names if not name.startswith(INDEX_OF_PANDAS))
        check_names(str(path), header)
        if not file.metadata.num_rows:
            raise InputError(f"{path}: has no rows; give at least one")
        return cls(path, header)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.header)

    def column(self, index: int) -> str:
        """Name of a column for messages."""
        return f"column {self.header[index]!r}"

    def row(self, number: int) -> str:
        """Number of a row for messages, by its number from 0."""
        return f"row {number + 1 + (self.place.first_row if self.place else 0)}"

    def columns_of_numbers(self, columns: list[int]) -> list[int]:
        """The given columns that hold numbers; True and False are text, as in a CSV file."""
        import pyarrow.types as kinds

        schema = _open(self.path).schema_arrow
        numeric = (kinds.is_integer, kinds.is_floating, kinds.is_decimal, kinds.is_null)
        return [k for k in columns if any(is_kind(schema.field(self.header[k]).type) for is_kind in numeric)]

    def read(self, numeric: list[int], text: list[int], whole: list[int]) -> tuple[Array, "pd.DataFrame"]:
        """Read columns of numbers and columns of text, as `CSVTable.read` does."""
        frame = self._frame(sorted({*numeric, *text}))
        first_row = self.place.first_row if self.place else 0
        return FrameTable(self.path, frame, self.header, first_row).read(numeric, text, whole)

    def blocks(self, size: int) -> Iterator[Self]:
        """Yield the row groups, whatever the size asked for.

        Raises:
            InputError: A row group is too large to be read at once.
        """
        file, first = _open(self.path), 0
        for group in range(file.metadata.num_row_groups):
            rows, numbers = file.metadata.row_group(group).num_rows, file.metadata.num_columns
            if 8 * rows * numbers > MOST_BYTES:
                raise InputError(
                    f"{self.path}: a group of {rows} rows and {numbers} columns is too large to be read at once; "
                    f"write it with row_group_size={MOST_BYTES // (8 * numbers)} or less"
                )
            yield replace(self, place=Place(group, first))
            first += rows

    @property
    def beginning(self) -> Self:
        """The open file without the choice of a row group."""
        return replace(self, place=None)

    def share_before(self, total: int) -> float:
        """The part of the file that ends with this row group."""
        groups = _open(self.path).metadata.num_row_groups
        return 1.0 if self.place is None else (self.place.group + 1) / groups

    def at(self, place: Place) -> Self:
        """The row group at a position."""
        return replace(self, place=place)

    def _frame(self, columns: list[int]) -> "pd.DataFrame":
        names = [self.header[k] for k in columns]
        file = _open(self.path)
        rows = file.metadata.num_rows
        if self.place is None and 8 * rows * len(names) > virtual_memory().total:
            raise InputError(
                f"{self.path}: {rows} rows and {len(names)} columns do not fit into the memory of this machine; "
                "use stream=True"
            )
        with _refusing_damage(self.path):
            table = file.read(names) if self.place is None else file.read_row_group(self.place.group, names)
            table.validate(full=True)
            # What pandas has noted in a file is of no use here, and may be damaged
            frame: pd.DataFrame = table.select(names).replace_schema_metadata(None).to_pandas()
        frame.columns = columns
        return frame


@contextlib.contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    """Turn, within, whatever a damaged file leads pyarrow to into an error of one line."""
    import pyarrow

    try:
        yield
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        if isinstance(error, OSError) and error.errno:
            raise FileError(f"{path}: cannot be read ({os.strerror(error.errno)}); check the path") from error
        raise FileError(
            f"{path}: not a whole Parquet file ({' '.join(str(error).split())[:200]}); write it again"
        ) from error


def _open(path: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise FileError(f"{path}: Parquet files need the library pyarrow: pip install '.[parquet]'") from error
    check_readable(path, "a Parquet file")
    with _refusing_damage(path):
        file = pyarrow.parquet.ParquetFile(path)
        "".join(file.schema_arrow.names)  # fails where a name is no text
        return file
