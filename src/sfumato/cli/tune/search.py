"""The search of `sfumato tune`: its trials, in this process or in several, and the study that keeps them."""

import contextlib
import multiprocessing
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato.cli.console import limited_threads
from sfumato.cli.interruption import interruptible
from sfumato.cli.tune.plan import SearchPlan
from sfumato.errors import FileError, InputError
from sfumato.minimize import RunOptions
from sfumato.storage import replacing
from sfumato.training.history import EpochRecord
from sfumato.training.preparation import prepare
from sfumato.training.splits import Splits
from sfumato.tuning.search import (
    Trial,
    UnfinishedTrialError,
    Values,
    Watch,
    finished_trials,
    import_optuna,
    make_sampler,
    pruner,
    run_trial,
)

if TYPE_CHECKING:
    import optuna

HEARTBEAT = 5
"""Seconds between the signs of life of a running trial; one silent for twice as long counts as failed."""

RACES = ("exists", "UNIQUE", "duplicate key", "locked")
"""Messages of databases in which another process creates the same tables at the same moment."""


def run_with(
    plan: SearchPlan, splits: Splits, stop: Callable[[], bool], values: Values, epochs: int, watch: Watch
) -> tuple[float, int]:
    """Train with a trial's values; returns the lowest validation loss and its epoch.

    On a small table the loss is the mean over several splits, of which the first is watched.
    """
    settings, curves = plan.with_values(values, epochs), []

    def report(record: EpochRecord) -> None:
        watch(record.epoch, record.validation_loss)

    for part in [splits, *plan.further_splits(splits)]:
        training = prepare(part, settings, plan.seed)
        callback = report if part is splits else None
        result = training.fit(part, RunOptions(engine=plan.engine, callback=callback, stop=stop))
        if result.stopped == "interrupted":
            raise UnfinishedTrialError
        curves.append([record.validation_loss for record in training.in_own_units(result).history])
    losses = np.mean(curves, axis=0)
    # By the cosine schedule a training of another length would be another training
    best = len(losses) - 1 if training.schedule == "cosine" else int(losses.argmin())
    return float(losses[best]), best + 1


def open_study(plan: SearchPlan, splits: Splits, url: str | None) -> "optuna.Study":
    """Open the study in a storage or in memory: a new one, or an earlier one to resume.

    Raises:
        FileError: if Optuna is not installed, or the storage cannot be had.
    """
    for last in (False, False, True):
        try:
            with _explained(url):
                return _study(plan, splits, None if url is None else _storage(url))
        except FileError as error:
            if last or not any(word in str(error.__cause__) for word in RACES):
                raise
            time.sleep(0.5)
    raise AssertionError("the last time, it returns or raises")


def make_database(plan: SearchPlan, splits: Splits, place: Path) -> None:
    """Make the database of a search, whole or not at all: a search that is killed here can be begun again.

    Raises:
        FileError: if it cannot be written.
    """
    with replacing(place) as beside, _explained(str(place)):
        storage = _storage(f"sqlite:///{beside.resolve()}")
        _study(plan, splits, storage)
        storage.remove_session()
        storage.engine.dispose()


def _study(plan: SearchPlan, splits: Splits, storage: "optuna.storages.RDBStorage | None") -> "optuna.Study":
    study: optuna.Study = import_optuna().create_study(
        study_name=plan.name(splits),
        storage=storage,
        load_if_exists=True,
        sampler=make_sampler(plan.space(splits), plan.first(splits), plan.trials, plan.seed),
        pruner=pruner(plan.prepare(splits).epochs),
    )
    return study


@contextlib.contextmanager
def _explained(url: str | None) -> Iterator[None]:
    """Say what a storage refuses: a database has many ways to say no, and each driver its own."""
    import_optuna()
    try:
        yield
    except ImportError as error:
        raise FileError(
            f"{url}: needs a database driver that is not installed (for PostgreSQL: pip install 'psycopg[binary]')"
        ) from error
    except Exception as error:
        said = " ".join(str(error).split("\n")[0].split())
        raise FileError(f"{url}: cannot be used as a storage ({said[:200]}); check the URL") from error


def refuse_another(plan: SearchPlan, splits: Splits, url: str, folder: Path) -> None:
    """Refuse to mix two searches in one folder.

    Raises:
        InputError: if its database holds the search on other data or settings.
        FileError: if it is no database of a search.
    """
    try:
        names = import_optuna().get_all_study_names(url)
    except Exception as error:  # as above
        raise FileError(
            f"{folder}: its database cannot be read ({str(error).splitlines()[0]}); add --overwrite"
        ) from error
    if names not in ([plan.name(splits)], []):  # none, where version 0.1.0 was killed while it made it
        raise InputError(f"{folder}: holds a search on other data or settings; add --overwrite, or name another folder")


def _storage(url: str) -> "optuna.storages.RDBStorage":
    import optuna

    url = url.replace("sqlite:///~/", f"sqlite:///{Path.home()}/", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        patience = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
        return optuna.storages.RDBStorage(url, engine_kwargs=patience, heartbeat_interval=HEARTBEAT)


def work(
    plan: SearchPlan, splits: Splits, study: "optuna.Study", stop: Callable[[], bool], show: Callable[[Trial], None]
) -> None:
    """Run trials until as many as were asked for are finished, in this process or in others."""
    space, epochs, start = plan.space(splits), plan.epochs(splits), plan.prepare(splits).epochs
    while not stop() and _unfinished(study, plan.trials):
        if not _to_begin(study, plan.trials):  # the last ones are running elsewhere, unless that has died
            time.sleep(0.2)
            continue
        trial = run_trial(
            study,
            space,
            lambda values, epochs, watch: run_with(plan, splits, stop, values, epochs, watch),
            epochs=epochs,
            start=start,
        )
        if trial is not None:
            show(trial)


def _unfinished(study: "optuna.Study", trials: int) -> bool:
    return len(finished_trials(study)) < trials


def _to_begin(study: "optuna.Study", trials: int) -> bool:
    """Whether fewer trials are finished or running than were asked for."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    running = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
    return len(finished_trials(study)) + len(running) < trials


def work_in_processes(
    plan: SearchPlan,
    study: "optuna.Study",
    url: str,
    jobs: int,
    threads: int,
    stop: Callable[[], bool],
    show: Callable[[Trial], None],
) -> None:
    """Run trials in several processes, which share the storage.

    Raises:
        FileError: if one of them failed.
    """
    context = multiprocessing.get_context("spawn")
    end = context.Event()
    each = max(1, threads // jobs)
    processes = [context.Process(target=_process, args=(plan, url, each, end)) for _ in range(jobs)]
    known = {trial.number for trial in finished_trials(study)}
    for process in processes:
        process.start()
    try:
        while True:
            alive = any(process.is_alive() for process in processes)
            for trial in finished_trials(study):
                if trial.number not in known:
                    known.add(trial.number)
                    show(trial)
            if stop():
                end.set()
            if not alive:
                break
            time.sleep(0.1)
    finally:
        end.set()
        for process in processes:
            process.join()
    if any(process.exitcode for process in processes):
        raise FileError(f"{url}: a job of the search ended early; add --resume to go on")


def _process(plan: SearchPlan, url: str, threads: int, end: Any) -> None:
    """Run trials in a process of its own, with its own data and its own connection to the storage.

    It ends with the process that has started it, be that killed: the lock of the folder has ended with that.
    """
    parent = multiprocessing.parent_process()
    with limited_threads(threads), interruptible(lambda: None) as interrupted:

        def stop() -> bool:
            return interrupted() or end.is_set() or (parent is not None and not parent.is_alive())

        splits = plan.splits()
        work(plan, splits, open_study(plan, splits, url), stop, lambda trial: None)
