"""Data of any form: names, files, arrays, pandas tables, lists of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato.arrays import Array
from sfumato.data import load
from sfumato.data.choosing import Known
from sfumato.data.csv_format import number
from sfumato.data.dataset import Dataset, Examples, Task, TaskChoice, check_names, check_task
from sfumato.data.handed_in import is_frame
from sfumato.data.options import PLAIN_TABLE, TableOptions
from sfumato.data.tables import frame_table, read_dataset
from sfumato.data.targets import are_classes, classes_of
from sfumato.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def as_dataset(
    data: Any,
    *,
    target: str | None = None,
    task: str = "auto",
    few: bool = False,
    known: Known | None = None,
    name: str = "the examples",
    options: TableOptions = PLAIN_TABLE,
) -> Dataset:
    """Load data of any form as a `Dataset`.

    Args:
        data: A name or path, as of `data.load`; a `Dataset`; a pandas DataFrame, a dict of columns, or a list of dicts,
            one a row; or `(x, y)`, `Examples` or another pair of arrays: features (n, d), images (n, height, width) or
            (n, height, width, channels), and labels or values (n,). Features in a DataFrame keep their names and
            categories.
        target: The target column of a table, by name or by index; its last one by default.
        task: "classification", "regression", or "auto": classes where the target is text, or has at most 20
            distinct whole numbers that repeat; else values. Whole numbers in `Examples` are classes.
        few: Accept a single row or class.
        known: The columns that a table should have.
        name: What data without a name are called in messages.
        options: What is said about a table, rather than told by its content.

    Raises:
        FileError: A file cannot be read.
        InputError: The data are none of these, or their content is wrong.
    """
    check_task(task)
    choice: Any = task
    if isinstance(data, str | Path):
        return load(data, target=target, task=choice, few=few, known=known, options=options)
    if is_frame(data) or is_rows(data):
        return _of_frame(_frame(data), target, choice, few, known, "the table", options)
    if target is not None:
        raise InputError("target=... is for tables: leave it out, as the data say what is predicted")
    if isinstance(data, Dataset):
        if task not in ("auto", data.task):
            raise InputError(f"{data.name}: its task is {data.task}; leave out task=...")
        return data
    if isinstance(data, tuple | list) and len(data) in (2, 3):
        return _of_pair(*data, task=choice, few=few, known=known, name=name, options=options)
    raise InputError(
        f"data of the type {type(data).__name__} cannot be used; give a name, a path, a DataFrame, a Dataset or (x, y)"
    )


def frame_of_rows(rows: Any, features: Sequence[str] = ()) -> "pd.DataFrame":
    """Make a pandas table of rows (dicts, or sequences in the order of the features) or of a dict of columns.

    Raises:
        InputError: if columns differ in length.
    """
    import pandas as pd

    if isinstance(rows, Mapping) and not any(np.ndim(column) for column in rows.values()):
        rows = [rows]
    try:
        return pd.DataFrame(rows) if is_rows(rows) else pd.DataFrame(rows, columns=list(features))
    except ValueError as error:
        raise InputError(f"the columns make no table ({str(error).lower()})") from None


def renumbered(other: Dataset, name: str, classes: tuple[str, ...], shape: tuple[int, ...]) -> Examples:
    """The examples of `other`, of this shape, with their classes numbered as in `classes`.

    Raises:
        InputError: if the shape is another, or a class is unknown.
    """
    x, y, weight = other.examples
    if x.shape[1:] != shape:
        raise InputError(f"{name}: its examples have shape {x.shape[1:]}; {shape} is expected")
    if not classes or y.ndim == 2:
        return Examples(x, y, weight)
    unknown = sorted(set(other.classes) - set(classes))
    if unknown:
        raise InputError(f"{name}: holds classes that are not known here: {', '.join(unknown[:5])}")
    numbers = np.array([classes.index(label) for label in other.classes])
    return Examples(x, numbers[y], weight)


def is_rows(data: Any) -> bool:
    """Whether this is a table without pandas: a list of dicts, one a row; or a dict of columns, or of a single row."""
    return isinstance(data, Mapping) or (
        isinstance(data, list) and bool(data) and all(isinstance(row, Mapping) for row in data)
    )


def _frame(data: Any) -> "pd.DataFrame":
    frame: pd.DataFrame = data if is_frame(data) else frame_of_rows(data)
    return frame


def _of_frame(
    frame: "pd.DataFrame",
    target: str | None,
    task: TaskChoice,
    few: bool,
    known: Known | None,
    name: str,
    options: TableOptions,
) -> Dataset:
    if not len(frame):
        raise InputError(f"{name}: has no rows; give at least one")
    table = frame_table(name, frame, (*(known.missing if known else ()), *options.missing))
    check_names(name, table.header)
    chosen = None if target is None else str(target)
    return read_dataset(table, target=chosen, task=task, few=few, known=known, options=options)


def _of_pair(
    x: Any,
    y: Any,
    weight: Any = None,
    *,
    task: TaskChoice,
    few: bool,
    known: Known | None,
    name: str,
    options: TableOptions,
) -> Dataset:
    if is_frame(x) and weight is None:
        if np.ndim(y) == 2 and np.shape(y)[1] > 1:
            table = _of_pair(x, np.arange(len(x)), task="regression", few=few, known=known, name=name, options=options)
            return _of_several(table.examples.x, np.asarray(y), None, task, name, table)
        label = str(getattr(y, "name", None) or "y")
        label = label if label not in map(str, x.columns) else "the target"
        return _of_frame(x.assign(**{label: np.asarray(y)}), label, task, few, known, name, options)
    features, labels = _features(x, name), np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and len(labels) == len(features):
        weights = None if weight is None else np.asarray(weight, np.float64)
        names = () if known is None else known.features
        return _of_several(features, labels, weights, task, name, names=names)
    if labels.dtype.kind not in "biufOUS":
        raise InputError(f"{name}: y is of type {labels.dtype}; give numbers, or names of classes")
    if labels.shape != (len(features),):
        raise InputError(f"{name}: x has {len(features)} rows and y the shape {labels.shape}; give each row one label")
    weights = None if weight is None else np.asarray(weight, np.float64)
    if labels.dtype.kind in "OUSb":
        labels = labels.astype(str)
    values, counts = np.unique(labels, return_counts=True)
    distinct = [str(value) for value in values.tolist()]
    rows = {number(text): count for text, count in zip(distinct, counts.tolist(), strict=True)}
    numbers = {value: count for value, count in rows.items() if value is not None}
    found = task if task != "auto" else "regression" if numbers and not are_classes(numbers) else "classification"
    names = () if known is None else known.features
    if features.ndim == 2 and not names:
        names = tuple(f"x{number}" for number in range(1, features.shape[1] + 1))
    if found == "regression":
        return Dataset(name, Examples(features, _values(labels, name), weights), None, found, (), names, "y")
    classes, numbering = classes_of(distinct)
    if len(classes) < 2 and not few:
        raise InputError(
            f"{name}: the target is {classes[0]!r} in every row; give examples of at least 2 classes "
            '(of values, task="regression")'
        )
    values, inverse = np.unique(labels, return_inverse=True)
    indices = np.array([numbering[str(value)] for value in values.tolist()])[inverse]
    return Dataset(name, Examples(features, indices, weights), None, found, classes, names, "y")


def _of_several(
    x: Array,
    y: Array,
    weight: Array | None,
    task: TaskChoice,
    name: str,
    table: Dataset | None = None,
    names: tuple[str, ...] = (),
) -> Dataset:
    """Make a data set whose examples have several labels or values each, (n, k), with the columns of a table."""
    if table is None and x.ndim == 2 and not names:
        names = tuple(f"x{number}" for number in range(1, x.shape[1] + 1))
    if y.dtype.kind not in "biuf":
        raise InputError(f"{name}: y has {y.shape[1]} columns of type {y.dtype}; give numbers, or zeros and ones")
    labels = y.dtype.kind in "biu" and bool(((y == 0) | (y == 1)).all())
    if task == "classification" and not labels:
        raise InputError(f"{name}: y has {y.shape[1]} columns; of labels, give zeros and ones, as whole numbers")
    found: Task = "classification" if labels and task != "regression" else "regression"
    classes = tuple(f"y{number}" for number in range(1, y.shape[1] + 1)) if found == "classification" else ()
    values = y.astype(np.int64) if classes else _values(y, name)
    several = Dataset(name, Examples(x, values, weight), None, found, classes, names, "y")
    if table is None:
        return several
    columns = tuple(one for one in table.columns if one.kind != "values")
    return replace(several, features=table.features, categories=table.categories, columns=columns, notes=table.notes)


def _features(x: Any, name: str) -> Array:
    """Convert features to an array: images of bytes stay bytes, with an axis of channels; all else becomes float64."""
    try:
        features = np.asarray(x)
    except ValueError:
        raise InputError(f"{name}: the rows of x differ in length; give each as many numbers") from None
    if features.dtype.kind == "c":
        raise InputError(f"{name}: x is of type {features.dtype}; give real numbers")
    if features.ndim == 3:
        features = features[..., np.newaxis]
    if features.ndim not in (2, 4) or not len(features):
        raise InputError(f"{name}: x has the shape {features.shape}; give rows (n, d), or images (n, height, width, c)")
    if features.dtype == np.uint8 and features.ndim == 4:
        return features
    try:
        return np.asarray(features, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: x holds text; give categories in a DataFrame, whose columns have names") from None


def _values(labels: Array, name: str) -> Array:
    try:
        values = labels.astype(np.float64)
    except ValueError:
        raise InputError(f"{name}: y holds text, which a regression cannot predict; leave out task=...") from None
    if not np.isfinite(values).all():
        raise InputError(f"{name}: y holds {values[~np.isfinite(values)][0]}; remove that row")
    return values


def with_test(dataset: Dataset) -> Dataset:
    """Use the data's own test set as the examples; the same data where they have none."""
    return dataset if dataset.test is None else replace(dataset, examples=dataset.test)
