"""The whole recipe of training: data, splits, scaling, network, loss, optimizer, fit, model and report.

    run = sfumato.train("wines.csv", target="cultivar", hidden=(32,), early_stopping=20)
    run.test_accuracy

`train` is what the command `sfumato train` does. Its pieces are for those who need a part of it: `load_splits`,
`prepare`, `Training.fit` and `finish`, in this order.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato.data.dataset import Examples
from sfumato.engine import Engine
from sfumato.errors import InputError, NoProgressWarning
from sfumato.minimize import RunOptions
from sfumato.model import Model
from sfumato.paths import user_path
from sfumato.training.diagnosis import without_progress
from sfumato.training.fitting import FitResult
from sfumato.training.history import EpochRecord
from sfumato.training.preparation import Callback, Training, engine_options, prepare
from sfumato.training.settings import TrainingSettings
from sfumato.training.splits import Splits, load_splits

if TYPE_CHECKING:
    from sfumato.evaluation.report import Report
    from sfumato.training.summary import Summary


class MissingMetricError(InputError, AttributeError):
    """A measure that a run does not have, such as the accuracy of a regression."""


@dataclass(frozen=True, eq=False, repr=False)
class TrainingRun:
    """A finished training: the model, its history, and its measures on the test examples.

    Attributes:
        model: The trained model.
        result: The result of `fit`, in the values' own units.
        splits: The data, divided.
        settings: The settings.
        folder: The folder that it was written to; None if none was named.
        words: Rewords the advice in the report, as for the command line.
        warnings: What went wrong without ending the run, such as a loss that did not fall, and what to try.
    """

    model: Model
    result: FitResult
    splits: Splits
    settings: TrainingSettings
    folder: Path | None = None
    words: Callable[[str], str] = str
    warnings: tuple[str, ...] = ()

    @property
    def history(self) -> tuple[EpochRecord, ...]:
        """One record an epoch."""
        return self.result.history

    @property
    def seconds(self) -> float:
        """The time spent training."""
        return self.result.seconds

    @property
    def stopped(self) -> str:
        """Reason why training ended: "finished", "early", "converged" or "interrupted"."""
        return self.result.stopped

    @cached_property
    def summary(self) -> "Summary":
        """Outcome as text and as values, as the command prints it. The test examples are read for it, once."""
        from sfumato.training.summary import summarize

        return summarize(self.model, self.splits, self.result, self.words, self.warnings)

    def report(self) -> "Report":
        """Report on the test examples; on the validation or training examples where no others are held out."""
        from sfumato.evaluation.report import report

        name = self.splits.held_out
        blocks = [*getattr(self.splits, name).blocks()]
        x, y = (np.concatenate([block[k] for block in blocks]) for k in (0, 1))
        return report(self.model, Examples(x, y), f"the model on the {name} data of {self.splits.dataset.name}")

    @property
    def test_metrics(self) -> dict[str, float]:
        """The measures on the test examples by name: "accuracy" and "log_loss", or "r2" and "rmse" (in own units).

        Raises:
            InputError: if no test examples were held out.
        """
        if self.splits.test is None:
            raise InputError("no test examples were held out, so there is nothing to measure: train with test=0.2")
        values = self.summary.values
        if self.model.classes:
            return {"accuracy": values["test_accuracy"], "log_loss": values["test_loss"]}
        report = values["report"]
        return {"r2": report["r_squared"], "rmse": report["root_mean_squared_error"]}

    @property
    def test_accuracy(self) -> float:
        """The share of the test examples classified rightly.

        Raises:
            InputError: for a regression.
        """
        return self._metric("accuracy", "a regression has no accuracy: use test_r2")

    @property
    def test_r2(self) -> float:
        """The share of the variance of the test examples' values that is explained, R^2.

        Raises:
            InputError: for classes.
        """
        return self._metric("r2", "R^2 is for values, and these are classes: use test_accuracy")

    def _metric(self, name: str, advice: str) -> float:
        if (name == "accuracy") != bool(self.model.classes):
            raise MissingMetricError(advice)
        return self.test_metrics[name]

    def _shown(self) -> dict[str, str]:
        measured = [] if self.splits.test is None else self.test_metrics.items()
        return {
            "data": f"{self.splits.dataset.name}, {self.splits.train.size} training examples",
            "network": f"{self.summary.network}, {self.model.network.size} parameters",
            "training": f"{len(self.history)} epochs in {self.seconds:.2f} s, {self.stopped}",
            **{f"test {name.replace('_', ' ')}": f"{value:.4g}" for name, value in measured},
        }

    def __repr__(self) -> str:
        rows = self._shown()
        width = max(map(len, rows))
        return "\n".join(["TrainingRun", *(f"  {name:<{width}}  {text}" for name, text in rows.items())])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in self._shown().items()
        )
        return f"<table>{rows}</table>"


def train(
    data: Any,
    *,
    target: str | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int = 0,
    engine: Engine | str | None = None,
    callback: Callback | None = None,
    **settings: Any,
) -> TrainingRun:
    """Train a network on data, and measure it on examples that it has not seen, as `sfumato train` does.

    Ctrl-C ends it between two steps: what there is is returned, and written if there is `out`. Where the training loss
    is no lower at the end than before the first step, a `NoProgressWarning` says so.

    Args:
        data: A name of `data.NAMES`, a CSV or Parquet file, a folder of IDX files, a pandas DataFrame, a `Dataset`, or
            `(x, y)` with features (n, d) or images (n, height, width, channels) and labels or values (n,). Of several
            values an example y is (n, k); of several labels as well, in whole numbers that are 0 or 1.
        target: The column of a table to predict, by name or index; its last one by default.
        out: The folder to write model, checkpoint, history, report, configuration and figures to; nothing is written
            by default.
        resume: Go on with the run in `out`.
        overwrite: Replace the run in `out`.
        seed: Of weights, order, dropout and splits.
        engine: The place to compute: "numpy", "torch", "torch:cuda:1/bfloat16"; by default a GPU that PyTorch sees,
            else NumPy.
        callback: Called with the record of each epoch; training ends once it returns True.
        **settings: The settings by name, see `TrainingSettings`: `hidden=(32,)`, `early_stopping=20`,
            `optimizer="momentum"`, `class_weight="balanced"`, `validation=0.2`, `epochs=50` ...

    Raises:
        InputError: for data or settings that cannot be used, or a folder that holds other files.
        FileError: if a file cannot be read or written.
        DivergenceError: if the loss becomes infinite or not a number.
        TypeError: for a setting that there is not.
    """
    chosen = TrainingSettings.of({"target": target, **settings})
    if overwrite and out is None:
        raise InputError("overwrite=True needs out=...: the folder of the run to replace")
    how = RunOptions(engine=engine, callback=callback)
    run = train_with(data, chosen, seed, how, out, resume=resume, overwrite=overwrite)
    for text in run.warnings:
        warnings.warn(text, NoProgressWarning, stacklevel=2)
    return run


def train_with(
    data: Any,
    chosen: TrainingSettings,
    seed: int,
    how: RunOptions,
    out: str | Path | None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    words: Callable[[str], str] = str,
) -> TrainingRun:
    """Train with settings that are already an object: see `train`.

    Args:
        data: As for `train`.
        chosen: The settings.
        seed: Of weights, order, dropout and splits.
        how: The engine and the callback.
        out: The folder to write to; None writes nothing.
        resume: Go on with the run in `out`.
        overwrite: Replace the run in `out`.
        words: Rewords the advice in the report, as for the command line.
    """
    from sfumato.outputs import CHECKPOINT
    from sfumato.training.run_folder import open_run_folder, run_files

    data, out = user_path(data), user_path(out)
    splits = load_splits(data, chosen, seed)
    training = prepare(splits, chosen, seed)
    files = run_files(training.network.input_shape, classes=bool(splits.dataset.classes))
    read = [str(data) if isinstance(data, str | Path) else None, *chosen.files()]
    where = None if out is None else str(out)
    with open_run_folder(where, files, inputs=read, overwrite=overwrite, resume=resume) as folder:
        kept = replace(how, checkpoint=folder / CHECKPOINT, resume=resume) if folder else how
        run = finish(training, training.fit(splits, kept), splits, chosen, folder, words)
        if folder is not None and run.history:
            asked = options(data, chosen, resume=resume, seed=seed, **engine_options(how.engine))
            save_run(run, asked, training.epochs)
    return run


def finish(
    training: Training,
    result: FitResult,
    splits: Splits,
    settings: TrainingSettings,
    folder: Path | None,
    words: Callable[[str], str] = str,
) -> TrainingRun:
    """Make the finished run from the result of `Training.fit`."""
    warnings = without_progress(training, result, splits.train)
    result = training.in_own_units(result)
    return TrainingRun(training.model(result, splits.dataset), result, splits, settings, folder, words, warnings)


def options(data: Any, settings: TrainingSettings, *, resume: bool, seed: int, **compute: str | None) -> dict[str, Any]:
    """Options of the run by name, as its configuration keeps them."""
    name = str(data) if isinstance(data, str | Path) else getattr(data, "name", "the examples")
    return {"data": name, **settings.options(), "resume": resume, "seed": seed, **compute}


def save_run(run: TrainingRun, asked: Mapping[str, Any], epochs: int) -> list[str]:
    """Write a run into its folder; returns the names of the files."""
    from sfumato.kernels.threads import threads_in_use
    from sfumato.training.run_folder import write_run

    assert run.folder is not None
    used = {**run.result.settings, "epochs": epochs, "threads": threads_in_use()}
    return write_run(
        run.folder, run.model, run.history, run.splits.sample, run.summary, {"options": {**asked}, "used": used}
    )
