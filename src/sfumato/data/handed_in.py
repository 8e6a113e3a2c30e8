"""Conversion of users' data to examples: arrays, lists, tables of pandas, data sets."""

import sys
from typing import Any

import numpy as np

from sfumato.arrays import Array
from sfumato.data.dataset import Dataset, Examples
from sfumato.data.streaming import StreamedExamples
from sfumato.errors import InputError

TAKEN = "(x, y), (x, y, sample_weight), Examples or a Dataset"


def as_examples(data: Any) -> Examples | StreamedExamples:
    """Convert data of any form to examples.

    >>> examples = as_examples(([[1, 2], [3, 4], [5, 6]], [True, False, True]))
    >>> examples.x.dtype.name, examples.x.shape, examples.y.tolist()
    ('float64', (3, 2), [1, 0, 1])

    Args:
        data: `Examples` or `StreamedExamples`, which stay as they are; a `Dataset`, of which its examples are taken; or
            a tuple (x, y) or (x, y, sample_weight). There x is as for `as_features`; y, (n,), has whole numbers or
            booleans, the numbers of classes, which become int64, or values, which become float64. Lists, and tables and
            columns of pandas, are arrays as well.

    Raises:
        InputError: if it is nothing of that, lengths differ, or numbers are missing where some are needed.
    """
    if isinstance(data, StreamedExamples):
        return data
    if isinstance(data, Dataset):
        return data.examples
    if isinstance(data, str) or hasattr(data, "__fspath__"):
        raise InputError(f"{str(data)!r} is a name or a path: sfumato.data.load reads it, sfumato.train trains on it")
    if is_frame(data):
        raise InputError(
            "a DataFrame does not say what is to be predicted: give (frame[features], frame[target]), or use "
            "sfumato.train(frame, target=...)"
        )
    if not isinstance(data, tuple):
        raise InputError(f"data are {TAKEN}, not {_kind(data)}")
    if len(data) not in (2, 3):
        raise InputError(f"data are {TAKEN}, not a tuple of {len(data)}")
    if isinstance(data, Examples) and all(isinstance(part, np.ndarray) for part in data if part is not None):
        return data
    x, y = as_features(data[0]), as_targets(data[1])
    weight = None if len(data) < 3 or data[2] is None else _vector("sample_weight", data[2]).astype(np.float64)
    for name, part in (("y", y), ("sample_weight", weight)):
        if part is not None and len(part) != len(x):
            raise InputError(f"x has {len(x)} examples and {name} {len(part)}: give one entry of {name} for each")
    return Examples(x, y, weight)


def as_features(x: Any) -> Array:
    """Convert data of any form to features.

    Args:
        x: Numbers, (n, d), NaN where one is missing; or images, (n, height, width, channels). An array, lists, or a
            table of pandas whose columns are numbers. Bytes of images and floats of 32 or 64 bits keep their type;
            everything else becomes float64.

    Raises:
        InputError: if it has another shape, or something in it is no number.
    """
    if is_frame(x):
        _check_columns(x)
        return np.asarray(x.to_numpy(dtype=np.float64, na_value=np.nan))
    array = _array("x", x)
    if array.ndim in (0, 1):
        raise InputError(
            f"x has shape {array.shape}; give a row for each example, (n, d): x.reshape(-1, 1) makes that of one "
            "number an example, x.reshape(1, -1) of one example"
        )
    if array.ndim == 3:
        raise InputError(f"x has shape {array.shape}; images need an axis for their channels: x[..., None]")
    if array.dtype.kind in "OUS":
        array = _numbers(array)
    if array.dtype.kind not in "biuf":
        raise InputError(f"x is of type {array.dtype}; give numbers")
    keeps = array.dtype in (np.float32, np.float64) or (array.dtype == np.uint8 and array.ndim == 4)
    return array if keeps else array.astype(np.float64)


def as_targets(y: Any) -> Array:
    """Convert data of any form to targets, (n,): int64 numbers of classes, or float64 values.

    Raises:
        InputError: if it has another shape, has texts, or lacks a number.
    """
    array = _vector("y", y)
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)


def _vector(name: str, value: Any) -> Array:
    """Convert to numbers, (n,); a single column is accepted too."""
    array = _array(name, value)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        more = ": give the number of each class, y.argmax(axis=1) of indicators" if name == "y" else ""
        raise InputError(f"{name} has shape {array.shape}; it takes one number an example, (n,){more}")
    if array.dtype.kind in "OUSM" and name == "y":
        shown = next(iter(array), "")
        raise InputError(
            f"y has texts or objects, such as {str(shown)[:40]!r}: number the classes, "
            "names, y = numpy.unique(y, return_inverse=True), or use sfumato.train, which does that"
        )
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} is of type {array.dtype}; give numbers")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise InputError(f"{name} lacks number {int(np.isnan(array).argmax())} (from 0): leave such examples out")
    return array


def _array(name: str, value: Any) -> Array:
    if hasattr(value, "toarray"):
        raise InputError(f"{name} is sparse: give {name}.toarray()")
    if hasattr(value, "detach"):  # a tensor of PyTorch's, which may be on a GPU
        value = value.detach().cpu()
    if is_column(value) and value.dtype.kind in "biuf" and not isinstance(value.dtype, np.dtype):
        value = value.to_numpy(dtype=np.float64, na_value=np.nan) if value.hasnans else value.to_numpy()
    try:
        return np.asarray(value)
    except ValueError as error:
        raise InputError(f"{name} is no array: its rows differ in length") from error


def _numbers(array: Array) -> Array:
    """Convert an array of objects or texts to numbers."""
    if array.dtype.kind == "O":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError):
            pass
    text = next((item for item in array.flat if isinstance(item, str)), array.flat[0] if array.size else "")
    raise InputError(
        f"x has something that is no number, such as {str(text)[:40]!r}: encode it, or use sfumato.train, which "
        "encodes the columns of tables"
    )


def _check_columns(frame: Any) -> None:
    for name, kind in zip(frame.columns, frame.dtypes, strict=True):
        if kind.kind not in "biuf":
            raise InputError(
                f"the column {str(name)!r} of x is of type {kind}; give numbers, or use sfumato.train, which encodes "
                "categories"
            )


def holds_text(value: Any) -> bool:
    """Whether this is a pandas DataFrame with columns that are no numbers."""
    return is_frame(value) and any(kind.kind not in "biuf" for kind in value.dtypes)


def is_frame(value: Any) -> bool:
    """Whether this is a pandas DataFrame; pandas is not imported for it."""
    pandas = sys.modules.get("pandas")  # who hands in a table has imported it
    return pandas is not None and isinstance(value, pandas.DataFrame)


def is_column(value: Any) -> bool:
    """Whether this is a pandas Series: a column, or a row of a table."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Series)


def _kind(value: Any) -> str:
    return f"an array of shape {value.shape} alone" if isinstance(value, np.ndarray) else type(value).__name__
