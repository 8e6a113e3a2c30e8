"""The search of `sfumato tune`: the settings searched, and trials in this process or in several."""

import contextlib
import json
import multiprocessing
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sfumato.cli.console import limited_threads
from sfumato.cli.interruption import interruptible
from sfumato.cli.parsing import asked_engine, parse_hidden
from sfumato.data.dataset import Examples
from sfumato.data.splitting import joined, split
from sfumato.engine import Engine
from sfumato.errors import FileError, InputError
from sfumato.minimize import RunOptions
from sfumato.optimizers import OPTIMIZERS, settings_of
from sfumato.storage import replacing
from sfumato.training.history import EpochRecord
from sfumato.training.preparation import Training, prepare
from sfumato.training.run_folder import run_files
from sfumato.training.settings import TrainingSettings
from sfumato.training.splits import Splits, load_splits
from sfumato.tuning.learning_rate_range import RangeTest, learning_rate_range
from sfumato.tuning.search import (
    Choice,
    Growth,
    Range,
    Setting,
    Trial,
    UnfinishedTrialError,
    Value,
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

FEW_EXAMPLES, SPLITS_OF_FEW = 300, 4
"""Examples up to which a trial is scored on several splits, and how many those are."""

RACES = ("exists", "UNIQUE", "duplicate key", "locked")
"""Messages of databases in which another process creates the same tables at the same moment."""


@dataclass(frozen=True)
class SearchPlan:
    """A search as the command line describes it, with which any process can set it up.

    Attributes:
        data: The data's name or path.
        settings: The settings of training that are given; all others are searched.
        compute: The options that say where to compute.
        trials: Trainings in all.
        seed: Of splits, trainings and proposals.
    """

    data: str
    settings: TrainingSettings
    compute: Mapping[str, str | None]
    trials: int
    seed: int

    def splits(self) -> Splits:
        """Load and split the data."""
        return load_splits(self.data, self.settings, self.seed)

    @property
    def inputs(self) -> list[str | None]:
        """Files that the search reads."""
        return [self.data, *self.settings.files()]

    def best_files(self, splits: Splits) -> set[str]:
        """Names of the files that the best run will leave."""
        return run_files(self.prepare(splits).network.input_shape, classes=bool(splits.dataset.classes))

    @property
    def engine(self) -> Engine | None:
        """Engine to compute with; None leaves it to each training, by its length."""
        return asked_engine(self.compute)

    def prepare(self, splits: Splits) -> Training:
        """Prepare a training with the settings that are given."""
        return prepare(splits, self.settings, self.seed)

    def name(self, splits: Splits) -> str:
        """Name of the study: the same for searches of the same data and settings, whatever the number of trials."""
        described = {"data": self.data, **self.settings.options(), **self.compute, "seed": self.seed}
        digest = blake2b(json.dumps(described, sort_keys=True).encode(), digest_size=8)
        for array in splits.sample[:2]:
            digest.update(array.tobytes())
        return f"sfumato {digest.hexdigest()}"

    def space(self, splits: Splits) -> dict[str, Setting]:
        """Settings to search: all that are not given."""
        examples, optimizer = splits.train.size, str(self.settings.optimizer)
        prepared = self.prepare(splits)
        rate = prepared.rate(0)
        most = max(2, min(1024, examples // 4))
        size = most if prepared.batch_size == "full" else prepared.batch_size
        whole: dict[str, Setting] = {
            "learning_rate": Range(rate / 100, rate * 100, rate),
            "hidden": Growth(128 if self.settings.architecture == "convnet" else 16),
            "batch_size": Range(min(8, most), most, min(most, max(8, size)), whole=True),
            "l2": Range(1e-3, 100.0, prepared.l2 or 0.01),
            "dropout": Range(0.0, 0.6, self.settings.defaults.dropout, log=False),
            "decay": Range(1e-4, 1.0, 1e-3),
            "init": Choice(("he", "glorot", "xavier")),
            "epsilon": Range(1e-10, 1e-4, 1e-8),
            "beta": Range(1e-3, 0.5, 0.1),
            "beta1": Range(1e-3, 0.5, 0.1),
            "beta2": Range(1e-4, 0.1, 1e-3),
        }
        without = {"beta", "beta1", "beta2", "epsilon"} - {*settings_of(optimizer)}
        without |= {"batch_size", "dropout"} if OPTIMIZERS[optimizer].full_batch else set()
        without |= {"decay"} if self.settings.schedule else set()
        return {
            name: setting for name, setting in whole.items() if name not in without and not self.settings.given(name)
        }

    def with_values(self, values: Mapping[str, Value], epochs: int) -> TrainingSettings:
        """Settings of training for a trial's values."""
        said: dict[str, Any] = {**values, "epochs": epochs}
        for name in ("beta", "beta1", "beta2"):
            if name in said:
                said[name] = round(1 - float(said[name]), 10)
        if "decay" in said:
            said["schedule"] = "inverse-time"
        if "hidden" in said:
            said["hidden"] = parse_hidden(said["hidden"])
        return replace(self.settings, **said)

    def further_splits(self, splits: Splits) -> list[Splits]:
        """More splits of the same examples, where these are few: a loss on tens of rows is mostly luck."""
        train, validation = splits.train, splits.validation
        if isinstance(self.settings.validation, str | Path) or validation is None:
            return []
        if train.size + validation.size > FEW_EXAMPLES:
            return []
        assert isinstance(train, Examples) and isinstance(validation, Examples)  # a stream has more
        whole, share = joined(train, validation), validation.size / (train.size + validation.size)
        parts = (
            split(whole, share, self.seed + number, stratify=bool(splits.dataset.classes))
            for number in range(1, SPLITS_OF_FEW)
        )
        return [replace(splits, train=rest, validation=held_out) for rest, held_out in parts]

    def again(self, values: Mapping[str, Value], epochs: int) -> TrainingSettings:
        """Settings that train a trial again: on the part of the examples that trials are compared by as well.

        It stays held out where nothing else is left to measure by.
        """
        settings = self.with_values(values, epochs)
        kept = isinstance(settings.validation, str | Path) or settings.test == 0
        return settings if kept else replace(settings, validation=0.0)

    def command(self, values: Mapping[str, Value], epochs: int) -> list[str]:
        """Arguments of the program that train a trial again."""
        words = ["train", self.data]
        settings = self.again(values, epochs)
        given = {name: value for name, value in settings.options().items() if settings.given(name)}
        given |= {name: value for name, value in self.compute.items() if value is not None}
        for name, value in given.items():
            words += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        return [*words, "--seed", str(self.seed)]

    def learning_rates(self) -> RangeTest:
        """Run a learning-rate range test with the settings that are given."""
        splits = self.splits()
        training = self.prepare(splits)
        examples = training.examples(splits.train)
        assert isinstance(examples, Examples)  # tune has no --stream
        return learning_rate_range(
            training.network,
            training.loss,
            examples,
            scaling=training.scaling,
            optimizer=training.optimizer,
            batch_size=splits.train.size if training.batch_size == "full" else training.batch_size,
            l2=training.l2,
            seed=training.seed,
            engine=self.engine,
        )


def run_with(
    plan: SearchPlan, splits: Splits, stop: Callable[[], bool], values: Mapping[str, Value], epochs: int, watch: Watch
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
        sampler=make_sampler(plan.space(splits), plan.trials, plan.seed),
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
    space = plan.space(splits)
    start = plan.prepare(splits).epochs
    while not stop() and _unfinished(study, plan.trials):
        if not _to_begin(study, plan.trials):  # the last ones are running elsewhere, unless that has died
            time.sleep(0.2)
            continue
        trial = run_trial(
            study,
            space,
            lambda values, epochs, watch: run_with(plan, splits, stop, values, epochs, watch),
            epochs=plan.settings.epochs,
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
