"""Lines of Python that train an estimator for scikit-learn with the settings of a request."""

from collections.abc import Mapping
from typing import Any

from sfumato.data.choosing import Asked, names_of, target_column
from sfumato.data.csv import CSVTable
from sfumato.data.dataset import Dataset
from sfumato.data.parquet import ParquetTable
from sfumato.training.settings import TrainingSettings
from sfumato.training.splits import TEST

SAME = (
    *("hidden", "activation", "init", "dropout", "l2", "optimizer", "learning_rate", "schedule", "decay"),
    *("batch_size", "epochs", "early_stopping", "class_weight", "scaling"),
)
"""Settings of training that the estimators take under the same name."""

IN_LINES = (*SAME, "target", "task", "drop", "header", "separator", "encoding", "test", "validation", "seed")
"""Settings that are in the lines in one form or another."""


def scikit_learn_lines(
    file: str, table: CSVTable | ParquetTable, dataset: Dataset, settings: TrainingSettings, given: Mapping[str, Any]
) -> str:
    """Lines that read the table, hold out a test set, train, and print the accuracy or R^2.

    The rows that are held out are others than the command's, as scikit-learn chooses them.

    Args:
        file: Name of the table.
        table: The same, open.
        dataset: What was read from it.
        settings: The settings.
        given: Those that differ from their defaults, by name.
    """
    asked = Asked.of(table, settings.table_options)
    target = _label(table, target_column(table, settings.target, asked.drop))
    if table.header:
        dropped = [column.name for column in dataset.columns if column.kind == "left out"]
    else:
        dropped = [_label(table, index) for index in sorted(asked.drop)]
    name = "NetworkClassifier" if dataset.classes else "NetworkRegressor"
    values = {own: given[own] for own in SAME if own in given}
    if isinstance(values.get("hidden"), list):
        values["hidden"] = tuple(values["hidden"])
    if "early_stopping" in given and "validation" in given:
        values["validation_fraction"] = given["validation"]
    values["random_state"] = seed = given.get("seed", 0)
    split = {"test_size": given.get("test") or TEST, "random_state": seed}
    others = [own for own in given if own not in IN_LINES]
    lines = [
        "import pandas as pd",
        "from sklearn.model_selection import train_test_split",
        "",
        f"from sfumato.estimators import {name}",
        "",
        f"table = {_reading(file, table)}.dropna(subset=[{target!r}])",
        *([f"table = table.drop(columns={dropped!r})"] if dropped else []),
        f"y = table.pop({target!r})",
        f"split = train_test_split(table, y, {_arguments(split)}{', stratify=y' if dataset.classes else ''})",
        "x_train, x_test, y_train, y_test = split",
        *([f"# the estimator has no {', '.join(others)}"] if others else []),
        f"model = {name}({_arguments(values)})",
        "model.fit(x_train, y_train)",
        "print(model.score(x_test, y_test))",
    ]
    return "\n".join(lines) + "\n"


def _reading(file: str, table: CSVTable | ParquetTable) -> str:
    """The call of pandas that reads a table."""
    if isinstance(table, ParquetTable):
        return f"pd.read_parquet({file!r})"
    more = {
        **({"sep": table.delimiter} if table.delimiter != "," else {}),
        **({"decimal": table.decimal} if table.decimal != "." else {}),
        **({"encoding": table.encoding} if table.encoding != "utf-8" else {}),
        **({} if table.header else {"header": None}),
    }
    call = f"pd.read_csv({', '.join([repr(file), *([_arguments(more)] if more else [])])})"
    return call if table.header else f"{call}.rename(columns=str)"


def _label(table: CSVTable | ParquetTable, index: int) -> str:
    """Name of a column in the table that pandas reads."""
    return names_of(table)[index] if table.header else str(index)


def _arguments(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())
