"""Our estimators beside scikit-learn's own networks on five real tables: the same settings, splits and seeds.

    python -m benchmarks.five_tables

Accuracy for classes, R^2 for values, on a fifth of the examples that is held out: means over seeds 0 to 9, and the mean
of the paired differences with twice its standard error. Standardisation is in a pipeline for both; the values of
diabetes are standardised for both as well, since scikit-learn's network cannot learn values of 150 at its own rate.
"""

import statistics
import warnings
from collections.abc import Callable
from typing import Any

from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.table import markdown
from sfumato.estimators import NetworkClassifier, NetworkRegressor

TABLES: dict[str, Callable[..., Any]] = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
    "diabetes": load_diabetes,
}

SEEDS = range(10)

HIDDEN, L2, RATE, BATCH, EPOCHS = (100,), 1e-4, 0.001, 200, 200
"""scikit-learn's defaults."""


def estimators(regression: bool, seed: int) -> tuple[Any, Any]:
    """Ours and scikit-learn's, of the same settings."""
    same: dict[str, Any] = {"hidden": HIDDEN, "l2": L2, "learning_rate": RATE, "init": "glorot", "epochs": EPOCHS}
    same |= {"schedule": "constant", "batch_size": BATCH}
    theirs: dict[str, Any] = {"hidden_layer_sizes": HIDDEN, "alpha": L2, "learning_rate_init": RATE, "max_iter": EPOCHS}
    same |= {"scaling": "none", "random_state": seed}
    theirs |= {"n_iter_no_change": EPOCHS, "random_state": seed}  # to the end, as ours
    if regression:
        return NetworkRegressor(**same), MLPRegressor(**theirs)
    return NetworkClassifier(**same), MLPClassifier(**theirs)


def score(estimator: Any, x: Any, y: Any, seed: int, *, regression: bool) -> float:
    """On the examples that a seed holds out."""
    stratify = None if regression else y
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=stratify)
    pipeline = make_pipeline(StandardScaler(), estimator)
    if regression:
        pipeline = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
    return float(pipeline.fit(train_x, train_y).score(test_x, test_y))


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = []
    for name, load in TABLES.items():
        x, y = load(return_X_y=True)
        regression = name == "diabetes"
        pairs = []
        for seed in SEEDS:
            pairs.append([score(one, x, y, seed, regression=regression) for one in estimators(regression, seed)])
        differences = [ours - theirs for ours, theirs in pairs]
        error = statistics.stdev(differences) / len(differences) ** 0.5
        means = [statistics.mean(column) for column in zip(*pairs, strict=True)]
        shown = [f"{means[0]:.4f}", f"{means[1]:.4f}", f"{statistics.mean(differences):+.4f}", f"{2 * error:.4f}"]
        rows.append([name, "R^2" if regression else "accuracy", *shown])
    print(markdown(["table", "score", "ours", "scikit-learn's", "difference", "two standard errors"], rows))


if __name__ == "__main__":
    main()
