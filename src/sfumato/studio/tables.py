"""The studio's tables: those that were handed in, by a digest of their bytes, and what is understood of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sfumato.data.choosing import Table, names_of
from sfumato.data.columns import Column, column_details
from sfumato.data.dataset import Dataset
from sfumato.data.options import PLAIN_TABLE, TableOptions
from sfumato.data.tables import load_table, open_table
from sfumato.errors import SfumatoError
from sfumato.studio.store import Store, name_ending, named
from sfumato.studio.training_options import field_of
from sfumato.studio.wording import in_labels
from sfumato.training.settings import TrainingSettings

ROWS_SHOWN, COLUMNS_SHOWN = 8, 60
"""Rows and columns of a table that the page shows."""

LONGEST_CELL = 60


class TableStore(Store):
    """Tables in a folder, each under its id: 32 digits of the SHA-256 of its bytes and its ending.

    The ending is a part of it as Parquet is told from CSV by that.
    """

    missing = "the table is not in the studio's folder any more: give it again"

    def add(self, content: bytes, name: str) -> str:
        """Keep a table, if it is one, or may be one once its encoding or separator is given; returns its id.

        Args:
            content: The bytes of the file.
            name: Its name where it comes from, for its ending and for errors; nothing is written under it.

        Raises:
            SfumatoError: if it is no table; the message has `name` in it.
        """
        with self.keeping(content, name) as path:
            try:
                open_table(path)
            except SfumatoError as error:
                if field_of(str(error)) not in ("encoding", "separator"):
                    raise
            return path.stem

    def id_of(self, content: bytes, name: str) -> str:
        """Id of a table, by its ending too."""
        return super().id_of(content + name_ending(name).encode(), name)


def read_named(path: Path, name: str, settings: TrainingSettings) -> Dataset:
    """Read a table as `sfumato train` does, under the name that it has where it comes from.

    Raises:
        SfumatoError: as `load_table`, with that name in the message.
    """
    try:
        dataset = load_table(path, target=settings.target, task=settings.task, options=settings.table_options)
    except SfumatoError as error:
        raise type(error)(named(str(error), path, name)) from error
    return replace(dataset, name=name)


def preview(path: Path, options: TableOptions = PLAIN_TABLE) -> dict[str, Any]:
    """The first rows of a table as text, and the names of its columns.

    Returns:
        "names" of all columns, "header" (whether they are the file's own) and "rows", each a list of texts, None where
        one is missing.
    """
    table: Table = open_table(path, options=options)
    cells = table.read(range(min(table.width, COLUMNS_SHOWN)), []).head(ROWS_SHOWN)
    rows = cells.astype(object).where(cells.notna(), None).values.tolist()
    shown = [[None if cell is None else str(cell)[:LONGEST_CELL] for cell in row] for row in rows]
    return {"names": [*names_of(table)], "header": bool(table.header), "rows": shown}


def understood(dataset: Dataset) -> dict[str, Any]:
    """Decisions on a table's columns, as `sfumato train --verbose` prints them, for the page."""
    return {
        "columns": [_told(column, dataset) for column in dataset.columns],
        "target": dataset.target,
        "task": dataset.task,
        "classes": len(dataset.classes),
        "examples": dataset.examples.size,
        "inputs": dataset.examples.x.shape[1],
        "notes": [in_labels(text) for text in dataset.said],
    }


def _told(column: Column, dataset: Dataset) -> dict[str, str]:
    known = {**dataset.categories, **({column.name: dataset.classes} if column.kind == "classes" else {})}
    details = column_details(column, known)
    return {"name": column.name, "kind": column.kind, "details": "; ".join(details)}
