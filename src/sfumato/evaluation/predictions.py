"""Predictions as a table: a row of answers for each row of features."""

from typing import TYPE_CHECKING, Any

from sfumato.errors import InputError
from sfumato.model import Model

if TYPE_CHECKING:
    import pandas as pd


def check_predictable(model: Model, name: str, *, proba: bool) -> None:
    """Refuse a model whose answers are no column.

    Args:
        model: The model.
        name: What messages call it.
        proba: Whether the probabilities of classes are wanted.

    Raises:
        InputError: if it predicts several labels or values, or has no probabilities that are wanted.
    """
    if model.several:
        raise InputError(f"{name}: predicts several labels or values: use Model.load({name!r}).predict in Python")
    if proba and not model.classes:
        raise InputError(f"{name}: a regression model has no probabilities; leave out --proba")


def predictions(model: Model, x: Any, *, proba: bool) -> "pd.DataFrame":
    """Predict every row of features.

    Args:
        model: The model.
        x: Raw inputs, as `Model.inputs` gives them.
        proba: A column for each class's probability as well.
    """
    import pandas as pd

    answers = model.predict(x)
    columns = {model.target: [model.classes[i] for i in answers] if model.classes else answers.tolist()}
    if proba:
        probabilities = model.predict_proba(x)
        columns |= {f"probability of {name}": probabilities[:, i].tolist() for i, name in enumerate(model.classes)}
    return pd.DataFrame(columns)


def predictions_csv(table: "pd.DataFrame") -> str:
    """Predictions as CSV, under a line of names."""
    text: str = table.to_csv(index=False, lineterminator="\n")
    return text
