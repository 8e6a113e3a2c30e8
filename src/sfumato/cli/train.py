"""`sfumato train`: fit a network to data, report on it, and keep it."""

import contextlib
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sfumato.cli.console import Console, RunProgress
from sfumato.cli.interruption import interruptible
from sfumato.cli.messages import in_options
from sfumato.cli.options import (
    ComputeOptions,
    Data,
    OutputOptions,
    ResumeOption,
    SeedOption,
    TrainSettings,
    grouped,
)
from sfumato.cli.parsing import asked_engine
from sfumato.cli.processes import console_of, is_first, joined
from sfumato.training.history import EpochRecord
from sfumato.training.settings import TrainingSettings

if TYPE_CHECKING:
    from sfumato.training.fitting import FitResult
    from sfumato.training.preparation import Training
    from sfumato.training.splits import Splits
    from sfumato.workers import Workers


@grouped
def train(
    data: Data,
    settings: TrainSettings,
    run: ResumeOption,
    seed: SeedOption,
    compute: ComputeOptions,
    output: OutputOptions,
) -> None:
    """Train a network on DATA, and report on examples that it has not seen.

    Examples:
        sfumato train mnist --out runs/mnist

        sfumato train mnist --architecture convnet

        sfumato train spiral --hidden 100 --optimizer momentum --epochs 500

        sfumato train prices.csv --target price --task regression --json

        sfumato train clicks.parquet --stream --epochs 2 --out runs/clicks

        sfumato train mnist --out runs/mnist --resume --epochs 40
    """
    from sfumato.data.columns import columns_table
    from sfumato.recipe import finish, options, save_run
    from sfumato.training.preparation import prepare
    from sfumato.training.run_folder import open_run_folder, run_files

    console = console_of(output)
    with console.reading():
        splits = _load(data, settings, seed.seed, console)
    for text in splits.dataset.said:
        console.note(f"{splits.dataset.name}: {in_options(text)}")
    if console.verbose and splits.dataset.columns:
        console.note(in_options(columns_table(splits.dataset.columns, splits.dataset.categories)))
    training = prepare(splits, settings, seed.seed)
    opened: contextlib.AbstractContextManager[Path | None]
    opened = contextlib.nullcontext(Path(output.out) if output.out else None)
    if is_first():
        opened = open_run_folder(
            output.out,
            run_files(training.network.input_shape, classes=bool(splits.dataset.classes)),
            inputs=[data, *settings.files()],
            overwrite=output.overwrite,
            resume=run.resume,
        )
    with console.computing(output.threads), opened as folder, joined() as workers:
        result = _fit(training, splits, compute, folder, run.resume, workers, console)
        if result.stopped == "interrupted":
            raise typer.Exit(_interrupted(console, folder, len(result.history), training.epochs))
        if workers.rank:
            return
        finished = finish(training, result, splits, settings, folder, in_options)
        summary = finished.summary
        for text in finished.warnings:
            console.warn(text)
        if folder is not None:
            asked = options(data, settings, resume=run.resume, seed=seed.seed, **asdict(compute))
            written = save_run(finished, asked, training.epochs)
            console.note(f"written to {folder}: {', '.join(written)}")
    console.result(summary.text, {**summary.values, "out": output.out})


def _load(data: str, settings: TrainingSettings, seed: int, console: Console) -> "Splits":
    """Load and split the data; the progress of surveying a file larger than memory is shown."""
    from sfumato.training.splits import load_splits

    if not settings.stream:
        return load_splits(data, settings, seed)
    begun = time.monotonic()
    with console.progress() as progress:
        return load_splits(
            data,
            settings,
            seed,
            lambda done: progress.show("first look", data, done=done, seconds=time.monotonic() - begun),
        )


def _fit(
    training: "Training",
    splits: "Splits",
    compute: ComputeOptions,
    folder: Path | None,
    resume: bool,
    workers: "Workers",
    console: Console,
) -> "FitResult":
    """Train, with progress, to the end or until Ctrl-C is pressed."""
    from sfumato.minimize import RunOptions
    from sfumato.outputs import CHECKPOINT

    def begin() -> None:
        if folder is None:
            console.note("nothing is kept of this run: add --out FOLDER to keep the model, its report and its progress")

    with console.progress() as progress, interruptible(begin) as interrupted:
        how = RunOptions(
            engine=asked_engine(asdict(compute)),
            checkpoint=folder and folder / CHECKPOINT,
            resume=resume,
            callback=lambda record: _show(record, training.epochs, progress),
            stop=interrupted,
            workers=workers,
        )
        return training.fit(splits, how)


def _interrupted(console: Console, folder: Path | None, done: int, epochs: int) -> int:
    kept = "nothing is kept, as no --out was given" if folder is None else f"add --resume to go on from {folder}"
    console.note(f"interrupted after {done} of {epochs} epochs; {kept}")
    return 130


def _show(record: EpochRecord, epochs: int, progress: RunProgress) -> None:
    text = f"loss {record.train_loss:.4f}"
    if not math.isnan(record.train_accuracy):
        text += f", accuracy {record.train_accuracy:.4f}"
    if not math.isnan(record.validation_loss):
        text += f"; validation {record.validation_loss:.4f}"
    if not math.isnan(record.validation_accuracy):
        text += f", {record.validation_accuracy:.4f}"
    progress.show(f"epoch {record.epoch}/{epochs}", text, done=record.epoch / epochs, seconds=record.seconds)
