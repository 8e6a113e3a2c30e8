"""Division of a table in its file into blocks of rows, some of which are held out."""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sfumato.data.csv import CSVTable
from sfumato.data.parquet import ParquetTable
from sfumato.errors import InputError
from sfumato.random_keys import Draw, Stream, generator

SMALLEST_BLOCK, LARGEST_BLOCK = 2**16, 2**22
"""Bytes of a CSV file read at once."""

LEAST_BLOCKS = 10
"""Least number of blocks of a streamed table: a smaller file could not be divided into parts by blocks."""


def _parts(validation: float, test: float, seed: int) -> Iterator[int]:
    """The part of each block: 0 for training, 1 for validation, 2 for the test; held out at even distances."""
    first, second = generator(seed, Stream.DATA, Draw.SPLIT).random(2)
    rest = 0
    for block in itertools.count():
        if math.floor((block + 1) * test + first) > math.floor(block * test + first):
            yield 2
            continue
        watched = math.floor((rest + 1) * validation + second) > math.floor(rest * validation + second)
        yield int(watched)
        rest += 1


def divided(
    table: CSVTable | ParquetTable, validation: float, test: float, seed: int
) -> Iterator[tuple[int, CSVTable | ParquetTable, float]]:
    """Yield the blocks of a table, each with its part and the share of the file read so far."""
    total = table.path.stat().st_size
    size = min(LARGEST_BLOCK, max(SMALLEST_BLOCK, total // 100))
    blocks: Iterator[CSVTable | ParquetTable] = table.blocks(size)
    for part, block in zip(_parts(validation, test, seed), blocks, strict=False):
        yield part, block, block.share_before(total)


def check_parts(path: Path, places: list[list[Any]], validation: float, test: float) -> None:
    """Raise an InputError unless there are blocks enough for each part."""
    count = sum(map(len, places))
    if count < LEAST_BLOCKS:
        raise InputError(
            f"{path}: the number of blocks of rows is {count}, too few to stream; leave out stream=True, or write "
            "a Parquet file with a smaller row_group_size"
        )
    for name, part, fraction in (("validation", 1, validation), ("test", 2, test)):
        if fraction and not places[part]:
            raise InputError(
                f"{path}: has {count} blocks of rows, too few to hold out {fraction} for {name}; hold out more"
            )
    if not places[0]:
        raise InputError(f"{path}: no rows are left to train on; hold out less")
