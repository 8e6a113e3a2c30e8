"""Texts that stand for a missing value."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MISSING = frozenset(
    [
        *("", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "<NA>", "?"),
        *("#N/A", "#N/A N/A", "#NA", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!"),
        *("-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "NaT"),
    ]
)
"""Markers of pandas, with Excel's errors and "?", which many data sets of the UCI's use."""

DASHES = frozenset(["-", "--", "–", "—"])
"""Missing as well, unless the column has a "+", of which they are the opposite: this is decided by a whole column."""


def without_dashes(counts: Mapping[str, int]) -> Mapping[str, int]:
    """The texts of a column, and how often each occurs, without dashes that stand for a missing value."""
    return counts if "+" in counts else {text: count for text, count in counts.items() if text not in DASHES}


def without_missing(texts: "pd.DataFrame", more: tuple[str, ...] = ()) -> "pd.DataFrame":
    """Stripped texts, missing where they stand for a missing value.

    Args:
        texts: Columns of texts, some of which may be missing already.
        more: Further texts that stand for a missing value.
    """
    import pandas as pd

    markers = {*MISSING, *more}
    cells = [cell.strip() if isinstance(cell, str) else None for cell in texts.to_numpy(dtype=object).ravel()]
    found = np.array([np.nan if cell is None or cell in markers else cell for cell in cells], dtype=object)
    return pd.DataFrame(found.reshape(texts.shape), texts.index, texts.columns, dtype=object)
