"""`sfumato tune`: search for hyperparameters, or for a learning rate alone."""

import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sfumato.cli.console import Console, RunProgress
from sfumato.cli.interruption import interruptible
from sfumato.cli.options import (
    ComputeOptions,
    Data,
    OutputOptions,
    ResumeOption,
    SearchOptions,
    SeedOption,
    TuneSettings,
    grouped,
)
from sfumato.errors import InputError
from sfumato.kernels.threads import threads_in_use
from sfumato.outputs import BEST, DATABASE, SEARCH, check_output, keep_list
from sfumato.storage import write_atomically

if TYPE_CHECKING:
    import optuna

    from sfumato.cli.tune.finals import Finals
    from sfumato.cli.tune.plan import SearchPlan
    from sfumato.training.splits import Splits
    from sfumato.tuning.search import Trial

VALIDATION = 0.25  # more than to train once: the best of many is chosen by these examples


@grouped
def tune(
    data: Data,
    settings: TuneSettings,
    run: ResumeOption,
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
    from sfumato.cli.tune.plan import SearchPlan

    console = Console(as_json=output.as_json, quiet=output.quiet, verbose=output.verbose)
    if settings.early_stopping is not None:
        raise InputError("tune watches the validation loss itself: leave out --early-stopping")
    if settings.validation is None:
        settings = replace(settings, validation=VALIDATION)
    plan = SearchPlan(data, settings, asdict(compute), search.trials, seed.seed)
    with console.computing(output.threads), console.reading():
        if search.learning_rate_only:
            _range_test(plan, output, console)
        else:
            _search(plan, search, run.resume, output, console)


def _range_test(plan: "SearchPlan", output: OutputOptions, console: Console) -> None:
    from sfumato import plots
    from sfumato.plots import tuning as tuning_plots

    check_output(output.out, overwrite=output.overwrite, inputs=plan.inputs)
    if output.out is not None and Path(output.out).suffix.lower() != ".png":
        raise InputError(f"{output.out}: the curve is a PNG; name a file that ends in .png")
    begun = time.monotonic()
    found = plan.learning_rates()
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


def _search(plan: "SearchPlan", search: SearchOptions, resume: bool, output: OutputOptions, console: Console) -> None:
    from sfumato.cli.tune.folder import database_in, open_folder
    from sfumato.cli.tune.outcome import conclude
    from sfumato.cli.tune.search import make_database, open_study, refuse_another
    from sfumato.tuning.search import best_of, finished_trials, give_up_running, import_optuna

    import_optuna()
    splits = plan.splits()
    if splits.validation is None:
        raise InputError("tune compares by the validation loss: hold some examples out (--validation)")
    begun = time.monotonic()
    with (
        open_folder(output, resume, plan.inputs, plan.best_files(splits)) as folder,
        tempfile.TemporaryDirectory() as scratch,
    ):
        url = search.storage or database_in(folder, scratch if search.jobs > 1 else None)
        if folder is not None and search.storage is None:
            if (folder / DATABASE).exists():
                refuse_another(plan, splits, str(url), folder)
            else:
                make_database(plan, splits, folder / DATABASE)
        study = open_study(plan, splits, url)
        if search.storage is None:
            give_up_running(study)
        kept = folder is not None or search.storage is not None
        interrupted = _run_trials(plan, splits, study, url, search, console, kept=kept)
        trials, finals = finished_trials(study), None
        if not interrupted:
            interrupted, finals = _run_finals(plan, splits, trials, console)
        if interrupted:
            said = "add --resume to go on" if kept else "nothing is kept"
            console.note(f"interrupted after {len(trials)} of {plan.trials} trials; {said}")
            raise typer.Exit(130)
        best = finals.chosen if finals else best_of(trials)
        if best is None:
            raise InputError(f"{plan.data}: no trial was finished in this time; give more --trials or --timeout")
        text, values = conclude(plan, splits, study, best, finals, folder, time.monotonic() - begun)
        if folder is not None:
            names = sorted(name for name in (*SEARCH, BEST) if (folder / name).exists())
            keep_list(folder, {*names} - {BEST})
            console.note(f"written to {folder}: {', '.join(names)}")
        console.result(text, {**values, "out": output.out})


def _run_trials(
    plan: "SearchPlan",
    splits: "Splits",
    study: "optuna.Study",
    url: str | None,
    search: SearchOptions,
    console: Console,
    *,
    kept: bool,
) -> bool:
    """Run the trials, in this process or in several, with progress; whether Ctrl-C was pressed."""
    from sfumato.cli.tune.search import work, work_in_processes
    from sfumato.tuning.search import finished_trials

    begun, before = time.monotonic(), len(finished_trials(study))

    def begin() -> None:
        if not kept:
            console.note("nothing is kept of this search: add --out FOLDER, and it can be gone on with")
        if before:
            console.note(f"going on after {before} trials")

    with console.progress() as progress, interruptible(begin) as interrupted:

        def stop() -> bool:
            late = search.timeout is not None and time.monotonic() - begun > search.timeout
            return interrupted() or late

        def show(trial: "Trial") -> None:
            _show(trial, finished_trials(study), before, plan.trials, progress, time.monotonic() - begun)

        if search.jobs == 1:
            work(plan, splits, study, stop, show)
        else:
            work_in_processes(plan, study, str(url), search.jobs, threads_in_use(), stop, show)
        return interrupted()


def _run_finals(
    plan: "SearchPlan", splits: "Splits", trials: "list[Trial]", console: Console
) -> "tuple[bool, Finals | None]":
    """Train the best trials once more on further splits; returns whether Ctrl-C was pressed, and what was found."""
    from sfumato.cli.tune.finals import measure_again
    from sfumato.tuning.search import UnfinishedTrialError

    with interruptible(lambda: console.note("the best once more, on further splits")) as interrupted:
        try:
            return False, measure_again(plan, splits, trials, interrupted)
        except UnfinishedTrialError:
            return True, None


def _show(
    trial: "Trial", finished: "list[Trial]", before: int, trials: int, progress: RunProgress, seconds: float
) -> None:
    """Show a trial that has just ended, and the best so far."""
    from sfumato.cli.tune.outcome import brief, score_text
    from sfumato.tuning.search import best_of

    best = best_of(finished)
    text = "no best yet"
    if best is not None:
        text = f"{score_text(trial)}; best {score_text(best)} (trial {best.number}): {brief(best)}"
    done = min(1.0, (len(finished) - before) / max(1, trials - before))
    progress.show(f"trial {trial.number}, {len(finished)}/{trials}", text, done=done, seconds=seconds)
