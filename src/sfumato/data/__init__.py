"""Data sets: generated, shipped with the package, or read from files."""

from collections.abc import Callable
from pathlib import Path

from sfumato._renamed import renamed_in
from sfumato.checks import suggestion
from sfumato.data.choosing import Known
from sfumato.data.columns import Column
from sfumato.data.dataset import Dataset, Examples, Task, TaskChoice, check_task
from sfumato.data.generators import blobs, breast_cancer, circles, digits, lemniscate, moons, spiral
from sfumato.data.handed_in import as_examples, as_features, as_targets
from sfumato.data.idx import load_idx_folder, read_idx
from sfumato.data.mnist_file import mnist
from sfumato.data.options import PLAIN_TABLE, TableOptions
from sfumato.data.scaling import Scaling, ScalingKind, TargetScaling
from sfumato.data.splitting import limit, split, subset
from sfumato.data.streaming import StreamedExamples, StreamedTable, stream_table
from sfumato.data.tables import column_names, load_features, load_table
from sfumato.errors import InputError
from sfumato.paths import user_path

__all__ = [
    "NAMES",
    "Column",
    "Dataset",
    "Examples",
    "Known",
    "Scaling",
    "ScalingKind",
    "StreamedExamples",
    "StreamedTable",
    "TableOptions",
    "TargetScaling",
    "Task",
    "TaskChoice",
    "as_examples",
    "as_features",
    "as_targets",
    "blobs",
    "breast_cancer",
    "circles",
    "column_names",
    "digits",
    "lemniscate",
    "limit",
    "load",
    "load_features",
    "load_idx_folder",
    "load_table",
    "mnist",
    "moons",
    "read_idx",
    "spiral",
    "split",
    "stream_table",
    "subset",
]

_NAMED: dict[str, Callable[[], Dataset]] = {
    "mnist": mnist,
    "digits": digits,
    "blobs": blobs,
    "spiral": spiral,
    "circles": circles,
    "moons": moons,
    "lemniscate": lemniscate,
    "breast-cancer": breast_cancer,
}

NAMES = tuple(_NAMED)


def load(
    data: str | Path,
    *,
    target: str | None = None,
    task: TaskChoice = "auto",
    few: bool = False,
    known: Known | None = None,
    options: TableOptions = PLAIN_TABLE,
) -> Dataset:
    """Data by name or from files.

    Args:
        data: One of `NAMES`, or a CSV or Parquet file, or a folder of IDX files. A `Path` is never a name, nor is a
            text with a slash: `./digits` is a file or folder.
        target: The target column of a table, by name or by index from 0; its last one by default.
        task: Task of a table; see `load_table`. All other data are for classification.
        few: Accept a table of a single row or class.
        known: The columns that a table should have; see `load_table`.
        options: What is said about a table, rather than told by its content.

    Raises:
        FileError: A file cannot be read.
        InputError: There is no such data, an option does not apply to it, or a file's content is wrong.
    """
    check_task(task)
    data = user_path(data)
    path = Path(data)
    if not (isinstance(data, str) and data in _NAMED) and not path.is_dir():
        if path.suffix.lower() in (".csv", ".tsv", ".gz", ".parquet") or path.exists():
            return load_table(path, target=target, task=task, few=few, known=known, options=options)
        raise InputError(
            f"there is no data {str(data)!r}; {suggestion(str(data), NAMES)}give a CSV or Parquet file, a folder of "
            f"IDX files, or one of: {', '.join(NAMES)}"
        )
    if target is not None:
        raise InputError(f"{data}: its target is fixed; leave out the target, which only tables can choose")
    if options not in (PLAIN_TABLE, PLAIN_TABLE._replace(strict=True)):
        raise InputError(f"{data}: is no table; leave out what is said about one (drop=..., header=... and the like)")
    if task == "regression":
        raise InputError(f"{data}: has classes, not values; leave out the task, or choose classification")
    return _NAMED[data]() if isinstance(data, str) and data in _NAMED else load_idx_folder(path)


__getattr__ = renamed_in(__name__)
