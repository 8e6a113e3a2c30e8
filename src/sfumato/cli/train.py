"""`sfumato train`: fit a network to data, report on it, and keep it."""

import contextlib
import math
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sfumato.cli.console import Console, RunProgress, limited_threads, threads_in_use
from sfumato.cli.interruption import interruptible
from sfumato.cli.options import (
    ClassWeightOptions,
    ComputeOptions,
    Data,
    DataOptions,
    NetworkOptions,
    ObjectiveOptions,
    OptimizerOptions,
    OutputOptions,
    RunOptions,
    SeedOption,
    SplitOptions,
    StreamOption,
    grouped,
)
from sfumato.cli.processes import console_of, is_first, joined
from sfumato.training.history import EpochRecord

if TYPE_CHECKING:
    from sfumato.cli.setup import Parts


@grouped
def train(
    data: Data,
    data_options: DataOptions,
    splits: SplitOptions,
    stream: StreamOption,
    network_options: NetworkOptions,
    objective: ObjectiveOptions,
    weights: ClassWeightOptions,
    optimizer_options: OptimizerOptions,
    run: RunOptions,
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
    from sfumato import minimize
    from sfumato.outputs import CHECKPOINT
    from sfumato.cli.run_folder import open_run_folder, run_files, write_run
    from sfumato.cli.setup import TrainingOptions, divide, prepare, read_data
    from sfumato.cli.summary import summarize
    from sfumato.model import Model

    console = console_of(output)
    if stream.stream:
        parts = _survey(data, data_options, splits, seed.seed, console)
    else:
        parts = divide(read_data(data, data_options), data_options, splits, seed.seed)
    for why in parts.dataset.left_out:
        console.note(f"{parts.dataset.name}: left out: {why}")
    options = TrainingOptions(network_options, objective, weights, optimizer_options, run, compute)
    training = prepare(parts, options, data_options.scaling, seed.seed)
    network, target, epochs = training.network, training.target, training.epochs

    def begin() -> None:
        if output.out is None:
            console.note("nothing is kept of this run: add --out FOLDER to keep the model, its report and its progress")

    opened: contextlib.AbstractContextManager[Path | None]
    opened = contextlib.nullcontext(Path(output.out) if output.out else None)
    if is_first():
        opened = open_run_folder(
            output.out,
            run_files(network.input_shape, classes=bool(parts.dataset.classes)),
            inputs=[data, splits.validation, splits.test],
            overwrite=output.overwrite,
            resume=run.resume,
        )
    with limited_threads(output.threads), opened as folder, joined() as workers:
        with console.progress() as progress, interruptible(begin) as interrupted:
            how = minimize.RunOptions(
                callback=lambda record: _show(target.in_own_units(record), epochs, progress),
                stop=interrupted,
                checkpoint=folder and folder / CHECKPOINT,
                resume=run.resume,
                workers=workers,
            )
            result = training.fit(how)
        if result.stopped == "interrupted":
            raise typer.Exit(_interrupted(console, folder, len(result.history), epochs))
        if workers.rank:
            return
        history = tuple(map(target.in_own_units, result.history))
        result = replace(result, theta=target.undo(network, result.theta), history=history)
        known = parts.dataset
        names = (known.classes, known.features, known.target, known.categories)
        model = Model(network, result.theta, training.loss, training.scaling, *names)
        summary = summarize(model, parts, result)
        groups = (
            data_options,
            splits,
            stream,
            network_options,
            objective,
            weights,
            optimizer_options,
            run,
            seed,
            compute,
        )
        asked = {"data": data, **{key: value for group in groups for key, value in asdict(group).items()}}
        if folder is not None:
            used = {**result.settings, "epochs": epochs, "threads": threads_in_use()}
            written = write_run(folder, model, history, parts.sample, summary, {"options": asked, "used": used})
            console.note(f"written to {folder}: {', '.join(written)}")
    console.result(summary.text, {**summary.values, "out": output.out})


def _survey(data: str, options: DataOptions, splits: SplitOptions, seed: int, console: Console) -> "Parts":
    """Look through a file that is larger than memory, with progress."""
    from sfumato.cli.setup import divide_stream

    begun = time.monotonic()
    with console.progress() as progress:
        return divide_stream(
            data,
            options,
            splits,
            seed,
            lambda done: progress.show("first look", data, done=done, seconds=time.monotonic() - begun),
        )


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
