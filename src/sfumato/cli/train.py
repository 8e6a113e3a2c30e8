"""`sfumato train`: fit a network to data, report on it, and keep it."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from sfumato.cli.console import Console, limited_threads
from sfumato.cli.options import (
    Data,
    DataOptions,
    NetworkOptions,
    ObjectiveOptions,
    OptimizerOptions,
    OutputOptions,
    RunOptions,
    SeedOption,
    SplitOptions,
    grouped,
)


@grouped
def train(
    data: Data,
    data_options: DataOptions,
    splits: SplitOptions,
    network_options: NetworkOptions,
    objective: ObjectiveOptions,
    optimizer_options: OptimizerOptions,
    run: RunOptions,
    seed: SeedOption,
    output: OutputOptions,
) -> None:
    """Train a network on DATA, and report on examples that it has not seen.

    Examples:
        sfumato train mnist --out runs/mnist

        sfumato train spiral --hidden 100 --optimizer momentum --epochs 500

        sfumato train prices.csv --target price --task regression --json

        sfumato train mnist --out runs/mnist --resume --epochs 40
    """
    from sfumato.cli.run_folder import CHECKPOINT, open_run_folder, write_run
    from sfumato.cli.setup import divide, make_network, parse_batch_size, read_data, training_optimizer
    from sfumato.cli.summary import summarize
    from sfumato.data import Scaling
    from sfumato.model import Model
    from sfumato.training import default_epochs, fit

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    parts = divide(read_data(data, data_options), data_options, splits, seed.seed)
    scaling = Scaling.fit(parts.train.x, data_options.scaling)
    network, loss = make_network(parts.dataset, network_options)
    optimizer, l2 = training_optimizer(optimizer_options, objective.l2, network, len(parts.train.y))
    epochs = default_epochs(len(parts.train.y)) if run.epochs is None else run.epochs
    batch_size = parse_batch_size(run.batch_size)
    if output.out is None:
        console.note("nothing is kept of this run: add --out FOLDER to keep the model, its report and its progress")
    with (
        limited_threads(output.threads),
        open_run_folder(output.out, overwrite=output.overwrite, resume=run.resume) as folder,
    ):
        with console.epochs(epochs) as progress, interruptible() as interrupted:
            result = fit(
                network,
                loss,
                parts.train,
                validation=parts.validation,
                scaling=scaling,
                optimizer=optimizer,
                learning_rate=optimizer_options.learning_rate,
                schedule=optimizer_options.schedule,
                decay=optimizer_options.decay,
                l2=l2,
                batch_size=batch_size,
                epochs=epochs,
                early_stopping=run.early_stopping,
                seed=seed.seed,
                on_epoch=progress,
                stop=interrupted,
                checkpoint=folder and folder / CHECKPOINT,
                resume=run.resume,
            )
        if result.stopped == "interrupted":
            raise typer.Exit(_interrupted(console, folder, len(result.history), epochs))
        known = parts.dataset
        model = Model(network, result.theta, loss, scaling, known.classes, known.features, known.target)
        summary = summarize(model, parts, result)
        groups = (data_options, splits, network_options, objective, optimizer_options, run, seed)
        options = {"data": data, **{key: value for group in groups for key, value in asdict(group).items()}}
        if folder is not None:
            write_run(folder, model, result.history, parts.train, summary, options)
            console.note(f"written to {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    console.result(summary.text, {**summary.values, "out": output.out})


def _interrupted(console: Console, folder: Path | None, done: int, epochs: int) -> int:
    kept = "nothing is kept, as no --out was given" if folder is None else f"add --resume to go on from {folder}"
    console.note(f"interrupted after {done} of {epochs} epochs; {kept}")
    return 130


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C is noted instead of raised, for the run to end between two steps; pressed again, it interrupts."""
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def note(*_: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
