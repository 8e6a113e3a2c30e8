"""`sfumato tune`: search for hyper-parameters, or for a learning rate alone."""

import contextlib
import io
import json
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sfumato.cli.console import Console, limited_threads, threads_in_use
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
    SearchOptions,
    SeedOption,
    SplitOptions,
    grouped,
)
from sfumato.outputs import DATABASE, LIST, SEARCH, check_files, check_output, keep_list, remove_ours, writing_into
from sfumato.errors import FileError, InputError
from sfumato.storage import write_atomically

if TYPE_CHECKING:
    import optuna

    from sfumato.cli.tune.search import Plan
    from sfumato.tuning.search import Setting, Trial

SHOWN = 10  # trials in the table of the report
VALIDATION = "0.25"  # more than to train once: the best of many is chosen by these examples


@grouped
def tune(
    data: Data,
    data_options: DataOptions,
    splits: SplitOptions,
    network_options: NetworkOptions,
    objective: ObjectiveOptions,
    weights: ClassWeightOptions,
    optimizer_options: OptimizerOptions,
    run: RunOptions,
    search: SearchOptions,
    seed: SeedOption,
    compute: ComputeOptions,
    output: OutputOptions,
) -> None:
    """Search for the settings that train best on DATA: by the validation loss, from coarse to fine.

    Searched are learning rate, hidden layers, mini-batches, epochs, L2, dropout, decay, initialisation, epsilon and the
    betas of the optimizer; an option that you give is kept as it is. Nothing is learned from the test data: they are
    measured once, by the best.

    Examples:
        sfumato tune table.csv --target species -o runs/search

        sfumato tune mnist --trials 100 --jobs 2 -o runs/search --resume

        sfumato tune table.csv --storage postgresql://user@host/base

        sfumato tune mnist --learning-rate-only -o curve.png
    """
    from sfumato.cli.setup import TrainingOptions
    from sfumato.cli.tune.search import Plan

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    if run.early_stopping is not None:
        raise InputError("tune watches the validation loss itself: leave out --early-stopping")
    once = replace(run, resume=False)
    options = TrainingOptions(network_options, objective, weights, optimizer_options, once, compute)
    splits = replace(splits, validation=splits.validation or VALIDATION)
    plan = Plan(data, data_options, splits, options, search.trials, seed.seed)
    with limited_threads(output.threads):
        if search.learning_rate_only:
            _range_test(plan, output, console)
        else:
            _search(plan, search, run.resume, output, console)


def _range_test(plan: "Plan", output: OutputOptions, console: Console) -> None:
    from sfumato import plots
    from sfumato.cli.setup import prepare
    from sfumato.engine import choose_engine
    from sfumato.plots import tuning as tuning_plots
    from sfumato.tuning.learning_rate_range import learning_rate_range

    check_output(output.out, overwrite=output.overwrite, inputs=plan.inputs)
    if output.out is not None and Path(output.out).suffix.lower() != ".png":
        raise InputError(f"{output.out}: the curve is a PNG; name a file that ends in .png")
    training = prepare(plan.parts(), plan.training, plan.data_options.scaling, plan.seed)
    settings = training.settings
    if settings["batch_size"] == "full":
        settings["batch_size"] = settings["train"].size
    names = ("train", "optimizer", "batch_size", "l2", "seed")
    engine = choose_engine(settings["backend"], settings["device"], settings["precision"])
    begun = time.monotonic()
    found = learning_rate_range(
        training.network,
        training.loss,
        scaling=training.scaling,
        engine=engine,
        **{name: settings[name] for name in names},
    )
    seconds = time.monotonic() - begun
    if output.out is not None:
        write_atomically(Path(output.out), plots.to_png(tuning_plots.learning_rates(found)))
    every = max(1, len(found.losses) // 12)
    lines = [f"{'learning rate':>13}  smoothed loss"]
    lines += [f"{r:13.2e}  {v:.4f}" for r, v in zip(found.learning_rates[::every], found.losses[::every], strict=True)]
    lines += ["", f"{len(found.losses)} steps in {seconds:.1f} s; suggested: --learning-rate {found.suggestion:g}"]
    values = {
        "learning_rates": found.learning_rates.tolist(),
        "losses": found.losses.tolist(),
        "suggestion": found.suggestion,
        "seconds": seconds,
        "out": output.out,
    }
    console.result("\n".join(lines), values)


def _search(plan: "Plan", search: SearchOptions, resume: bool, output: OutputOptions, console: Console) -> None:
    from sfumato.cli.tune.search import open_study, refuse_another, work, work_in_processes
    from sfumato.tuning.search import best_of, finished_trials, import_optuna

    import_optuna()
    parts = plan.parts()
    if parts.validation is None:
        raise InputError("tune compares by the validation loss: hold some examples out (--validation)")
    begun = time.monotonic()
    best_files = plan.best_files(parts)
    with (
        _folder(output, resume, plan.inputs, best_files) as folder,
        tempfile.TemporaryDirectory() as scratch,
        console.progress() as progress,
    ):
        url = search.storage or _database(folder, scratch if search.jobs > 1 else None)
        if folder is not None and search.storage is None and (folder / DATABASE).exists():
            refuse_another(plan, parts, str(url), folder)
        study = open_study(plan, parts, url)
        before = len(finished_trials(study))

        def begin() -> None:
            if folder is None and search.storage is None:
                console.note("nothing is kept of this search: add --out FOLDER, and it can be gone on with")
            if before:
                console.note(f"going on after {before} trials")

        def show(trial: "Trial") -> None:
            finished = finished_trials(study)
            best = best_of(finished)
            text = (
                f"{_score(trial)}; best {_score(best)} (trial {best.number}): {_brief(best)}" if best else "no best yet"
            )
            done = min(1.0, (len(finished) - before) / max(1, plan.trials - before))
            place = f"trial {trial.number}, {len(finished)}/{plan.trials}"
            progress.show(place, text, done=done, seconds=time.monotonic() - begun)

        with interruptible(begin) as interrupted:

            def stop() -> bool:
                late = search.timeout is not None and time.monotonic() - begun > search.timeout
                return interrupted() or late

            if search.jobs == 1:
                work(plan, parts, study, stop, show)
            else:
                work_in_processes(plan, study, str(url), search.jobs, threads_in_use(), stop, show)
            asked_to_stop = interrupted()
        if asked_to_stop:
            kept = "nothing is kept" if folder is None and search.storage is None else "add --resume to go on"
            console.note(f"interrupted after {len(finished_trials(study))} of {plan.trials} trials; {kept}")
            raise typer.Exit(130)
        trials = finished_trials(study)
        best = best_of(trials)
        if best is None:
            raise InputError(f"{plan.data}: no trial was finished in this time; give more --trials or --timeout")
        _finish(plan, study, trials, best, folder, output, console, time.monotonic() - begun)


@contextlib.contextmanager
def _folder(
    output: OutputOptions, resume: bool, inputs: list[str | None], best_files: set[str]
) -> Iterator[Path | None]:
    """The folder of the search: made, or found out at once that it cannot be had."""
    if output.overwrite and resume:
        raise InputError("--overwrite and --resume contradict each other: choose one")
    if output.out is None:
        if resume:
            raise InputError("--resume needs --out: the folder of the search to go on with")
        yield None
        return
    folder = Path(output.out)
    if folder.exists():
        _check_folder(folder, overwrite=output.overwrite, resume=resume)
    check_files(folder, SEARCH, inputs)
    check_files(folder / BEST, best_files, inputs)
    try:
        with writing_into(folder, SEARCH):
            if output.overwrite:
                _remove_search(folder)
            yield folder
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{output.out}: cannot be written to ({error.strerror or error}); choose another") from error


def _remove_search(folder: Path) -> None:
    """Remove the search before and the run of its best; what else lies there stays."""
    remove_ours(folder)
    remove_ours(folder / BEST)
    (folder / BEST / LIST).unlink(missing_ok=True)
    if (folder / BEST).is_dir() and not any((folder / BEST).iterdir()):
        (folder / BEST).rmdir()


def _check_folder(folder: Path, *, overwrite: bool, resume: bool) -> None:
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; --out names the folder of a search")
    if any(folder.iterdir()):
        if resume and not (folder / DATABASE).exists():
            raise InputError(f"{folder}: holds files, but no {DATABASE} to go on from; name the folder of a search")
        if not resume and not overwrite:
            raise InputError(f"{folder}: is not empty; add --resume to go on, or --overwrite to begin anew")


BEST = "best"


def _database(folder: Path | None, scratch: str | None) -> str | None:
    """A database beside the results; one that does not outlive the search, if several processes need it; else none."""
    place = folder or (scratch and Path(scratch))
    return f"sqlite:///{place.resolve() / DATABASE}" if place else None


def _finish(
    plan: "Plan",
    study: "optuna.Study",
    trials: Sequence["Trial"],
    best: "Trial",
    folder: Path | None,
    output: OutputOptions,
    console: Console,
    seconds: float,
) -> None:
    """Train the best again, by the very command that is printed, and write everything."""
    command = plan.command(best.values, best.best_epoch)
    told = _train(command, folder and folder / BEST)
    space = plan.space(plan.parts())
    first = next((trial for trial in trials if trial.number == 0), None)
    importances = _importances(study)
    text = "\n".join(
        [
            f"{plan.data}: {len(trials)} trials, {sum(t.pruned for t in trials)} stopped early, in {seconds:.1f} s",
            f"the first (the usual settings): validation loss {_score(first)}" if first else "",
            f"the best: trial {best.number}, validation loss {best.score:.4f} in epoch {best.best_epoch}",
            *_test_lines(told),
            "",
            _table(trials, space),
            "",
            "It is trained again by",
            f"    sfumato {shlex.join(command)}",
        ]
    )
    values = {
        "trials": len(trials),
        "best": {"trial": best.number, "validation_loss": best.score, "epoch": best.best_epoch, "values": best.values},
        "first": first and first.score,
        "importance": importances,
        "command": ["sfumato", *command],
        "outcome": told,
        "seconds": seconds,
        "out": output.out,
    }
    if folder is not None:
        _write(folder, text, trials, space, importances)
        names = sorted(name for name in (*SEARCH, BEST) if (folder / name).exists())
        keep_list(folder, {*names} - {BEST})
        console.note(f"written to {folder}: {', '.join(names)}")
    console.result(text, values)


def _train(command: Sequence[str], out: Path | None) -> dict[str, Any]:
    """What `sfumato train` says of these settings; its run is kept in a folder, if one is given."""
    from sfumato.cli import run

    where = [] if out is None else ["--out", str(out), "--overwrite"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = run([*command, *where, "--json", "--quiet"])
    if status:
        raise FileError("the best settings could not be trained again; see the line above")
    values: dict[str, Any] = json.loads(said.getvalue())
    return values


def _write(
    folder: Path, text: str, trials: Sequence["Trial"], space: Mapping[str, "Setting"], shares: Mapping[str, float]
) -> None:
    import pandas as pd

    from sfumato import plots
    from sfumato.plots import tuning as tuning_plots

    rows = [{**trial._asdict(), **trial.values} for trial in trials]
    table = pd.DataFrame(rows).drop(columns="values").rename(columns={"score": "validation_loss"})
    write_atomically(folder / "trials.csv", table.to_csv(index=False, lineterminator="\n"))
    write_atomically(folder / "search.png", plots.to_png(tuning_plots.search(trials, space)))
    if shares:
        write_atomically(folder / "importance.png", plots.to_png(tuning_plots.importance(shares)))
    write_atomically(folder / "report.txt", text + "\n")


def _importances(study: "optuna.Study") -> dict[str, float]:
    """The share of each setting in the variation of the losses, by Optuna's functional ANOVA; none for few trials."""
    import optuna

    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len({trial.value for trial in complete}) < 4:
        return {}
    return dict(optuna.importance.get_param_importances(study, evaluator=_evaluator()))


def _evaluator() -> Any:
    from optuna.importance import FanovaImportanceEvaluator

    return FanovaImportanceEvaluator(seed=0)


def _table(trials: Sequence["Trial"], space: Mapping[str, "Setting"]) -> str:
    """The best trials, a line each."""
    order = sorted((trial for trial in trials if not trial.pruned), key=lambda trial: trial.score)[:SHOWN]
    heads = ["trial", "loss", "epoch", *(name.replace("_", " ") for name in space)]
    rows = [[str(t.number), _score(t), str(t.best_epoch), *(_text(n, t.values[n]) for n in space)] for t in order]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows)]
    return "\n".join(lines)


def _text(name: str, value: Any) -> str:
    if name in ("beta", "beta1", "beta2"):
        return f"{1 - value:.6g}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _score(trial: "Trial | None") -> str:
    return "n/a" if trial is None else f"{trial.score:.4f}{' (stopped early)' if trial.pruned else ''}"


def _brief(trial: "Trial") -> str:
    """The settings that matter most."""
    names = ("learning_rate", "hidden", "batch_size")
    return ", ".join(f"{n.replace('_', ' ')} {_text(n, trial.values[n])}" for n in names if n in trial.values)


def _test_lines(told: Mapping[str, Any]) -> list[str]:
    if told["test_loss"] is None:
        return []
    accuracy = told["test_accuracy"]
    return [
        f"on the test data: loss {told['test_loss']:.4f}" + ("" if accuracy is None else f", accuracy {accuracy:.4f}")
    ]
