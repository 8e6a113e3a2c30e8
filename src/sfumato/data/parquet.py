"""Typed tables: of pandas, and of Parquet files, which pyarrow reads whole or by row groups."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from psutil import virtual_memory

from sfumato.data.dataset import check_names
from sfumato.data.missing import without_missing
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


class NamedColumns:
    """A table whose columns have names, and whose numbers are written with a point."""

    header: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.header)

    @property
    def last(self) -> int:
        """The last column."""
        return self.width - 1

    @property
    def decimal(self) -> str:
        """The decimal sign of texts that are numbers."""
        return "."

    def column(self, index: int) -> str:
        """Name of a column for messages."""
        return f"column {self.header[index]!r}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Decisions on the table, in words: none."""
        return ()


@dataclass(frozen=True)
class FrameTable(NamedColumns):
    """A pandas table, or a part of one that is in a file.

    Attributes:
        path: What it is called in messages.
        frame: The values; its columns are numbered as those of the file.
        header: Names of all columns.
        first_row: Number of its first row, from 0.
        missing: Further texts that stand for a missing value.
    """

    path: Path
    frame: "pd.DataFrame"
    header: tuple[str, ...]
    first_row: int = 0
    missing: tuple[str, ...] = ()

    def row(self, number: int) -> str:
        """Number of a row for messages, by its number from 0."""
        return f"row {self.first_row + number + 1}"

    def plain(self, columns: Sequence[int]) -> dict[int, bool]:
        """Find the columns that hold numbers, none of them in doubt; True and False are text, as in a CSV file."""
        return {k: False for k in columns if _is_number(self.frame[k])}

    def read(self, columns: Sequence[int], plain: Sequence[int]) -> "pd.DataFrame":
        """Read columns: of float64 where `plain` says so and all is a number, else of text, stripped."""
        import pandas as pd

        known = {*plain}
        numbers = {k: _as_numbers(self.frame[k]) for k in columns if k in known and _is_number(self.frame[k])}
        rest = [k for k in columns if k not in numbers]
        texts = pd.DataFrame({k: _as_text(self.frame[k]) for k in rest}, index=self.frame.index, dtype=object)
        texts = without_missing(texts, self.missing) if rest else texts
        for index in known & {*rest}:  # texts that are numbers count as such
            found = pd.to_numeric(texts[index], errors="coerce").astype("float64")
            if found.notna().equals(texts[index].notna()):
                numbers[index] = found
        return pd.DataFrame({k: numbers[k] if k in numbers else texts[k] for k in columns}, index=self.frame.index)


def _is_number(column: "pd.Series[Any]") -> bool:
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    return is_numeric_dtype(column) and not is_bool_dtype(column) and not is_complex_dtype(column)


def _as_numbers(column: "pd.Series[Any]") -> "pd.Series[float]":
    import pandas as pd

    return pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan), index=column.index)


def _as_text(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Texts of a column, missing where its values are; whole numbers without a point, as they may have gaps."""
    if column.dtype.kind == "f":
        found = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if (np.isnan(found) | (found == np.floor(found))).all() and (np.abs(found[~np.isnan(found)]) < 2**53).all():
            column = column.astype("Int64")
    return column.astype(object).map(str, na_action="ignore")


@dataclass(frozen=True)
class ParquetTable(NamedColumns):
    """A Parquet file, or a row group of it, before its values are read.

    Attributes:
        path: The file.
        header: Names of the columns.
        missing: Further texts that stand for a missing value.
        place: The row group; None for all.
    """

    path: Path
    header: tuple[str, ...]
    missing: tuple[str, ...] = ()
    place: Place | None = None

    @classmethod
    def open(cls, path: Path, missing: tuple[str, ...] = ()) -> Self:
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
        return cls(path, header, missing)

    def row(self, number: int) -> str:
        """Number of a row for messages, by its number from 0."""
        return f"row {number + 1 + (self.place.first_row if self.place else 0)}"

    def plain(self, columns: Sequence[int]) -> dict[int, bool]:
        """Find the columns that hold numbers, none of them in doubt; True and False are text, as in a CSV file."""
        import pyarrow.types as kinds

        schema = _open(self.path).schema_arrow
        numeric = (kinds.is_integer, kinds.is_floating, kinds.is_decimal, kinds.is_null)
        return {k: False for k in columns if any(is_kind(schema.field(self.header[k]).type) for is_kind in numeric)}

    def read(self, columns: Sequence[int], plain: Sequence[int]) -> "pd.DataFrame":
        """Read columns of numbers and columns of text, as `CSVTable.read` does."""
        first_row = self.place.first_row if self.place else 0
        table = FrameTable(self.path, self._frame(sorted({*columns})), self.header, first_row, self.missing)
        return table.read(columns, plain)

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
