"""The search of `sfumato tune`: what is searched on these data, and trials in this process or in several."""

import json
import multiprocessing
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfumato.cli.console import limited_threads
from sfumato.cli.interruption import interruptible
from sfumato.cli.options import ARCHITECTURES, DataOptions, SplitOptions
from sfumato.cli.run_folder import run_files
from sfumato.cli.setup import Parts, TrainingOptions, divide, prepare, read_data
from sfumato.errors import FileError, InputError
from sfumato.minimize import RunOptions
from sfumato.optimizers import OPTIMIZERS, settings_of
from sfumato.training.history import EpochRecord
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
"""Seconds in which a running trial says that it lives; silent for twice as long, it is taken for dead."""

RACES = ("exists", "UNIQUE", "duplicate key", "locked")
"""What databases say where another process is making the same tables at the same moment."""


@dataclass(frozen=True)
class Plan:
    """What is searched, in the words of the command line, so that any process can begin anew from it."""

    data: str
    data_options: DataOptions
    splits: SplitOptions
    training: TrainingOptions
    trials: int
    seed: int

    def parts(self) -> Parts:
        """The data, divided."""
        return divide(read_data(self.data, self.data_options), self.data_options, self.splits, self.seed)

    @property
    def inputs(self) -> list[str | None]:
        """The files that it reads."""
        return [self.data, self.splits.validation, self.splits.test]

    def best_files(self, parts: Parts) -> set[str]:
        """The names of the files that the run of the best will leave."""
        network = prepare(parts, self.training, self.data_options.scaling, self.seed).network
        return run_files(network.input_shape, classes=bool(parts.dataset.classes))

    def name(self, parts: Parts) -> str:
        """The study's name, which other data or settings do not share; but for the number of trials."""
        digest = blake2b(json.dumps(asdict(replace(self, trials=0)), sort_keys=True).encode(), digest_size=8)
        for array in parts.sample[:2]:
            digest.update(array.tobytes())
        return f"sfumato {digest.hexdigest()}"

    def space(self, parts: Parts) -> dict[str, Setting]:
        """What is searched: what was not given."""
        options, examples = self.training, parts.train.size
        optimizer, convnet = options.optimizer.optimizer, options.network.architecture == "convnet"
        rate = prepare(parts, options, self.data_options.scaling, self.seed).settings["optimizer"].learning_rate
        most = max(2, min(1024, examples // 4))
        whole: dict[str, Setting] = {
            "learning_rate": Range(rate / 100, rate * 100, rate),
            "hidden": Growth(128 if convnet else 16),
            "batch_size": Range(min(8, most), most, min(most, max(16, examples // 50)), whole=True),
            "l2": Range(1e-3, 100.0, 0.01),
            "dropout": Range(0.0, 0.6, ARCHITECTURES[options.network.architecture].dropout, log=False),
            "decay": Range(1e-4, 1.0, 1e-3),
            "init": Choice(("he", "glorot", "xavier")),
            "epsilon": Range(1e-10, 1e-4, 1e-8),
            "beta": Range(1e-3, 0.5, 0.1),
            "beta1": Range(1e-3, 0.5, 0.1),
            "beta2": Range(1e-4, 0.1, 1e-3),
        }
        without = {"beta", "beta1", "beta2", "epsilon"} - {*settings_of(optimizer)}
        without |= {"batch_size", "dropout"} if OPTIMIZERS[optimizer].full_batch else set()
        without |= {"decay"} if options.optimizer.schedule else set()
        return {name: setting for name, setting in whole.items() if name not in without and not self.gives(name)}

    def gives(self, name: str) -> bool:
        """Whether the user has said what an option is to be."""
        return any(
            getattr(group, field.name) != field.default
            for group in vars(self.training).values()
            for field in fields(group)
            if field.name == name
        )

    def with_values(self, values: Mapping[str, Value], epochs: int) -> TrainingOptions:
        """The options of `train` that a trial's values mean."""
        said: dict[str, Any] = {**values, "epochs": epochs}
        for name in ("beta", "beta1", "beta2"):
            if name in said:
                said[name] = round(1 - float(said[name]), 10)
        if "decay" in said:
            said["schedule"] = "inverse-time"
        if "batch_size" in said:
            said["batch_size"] = str(said["batch_size"])
        groups = {
            name: replace(group, **{f.name: said[f.name] for f in fields(group) if f.name in said})
            for name, group in vars(self.training).items()
        }
        return TrainingOptions(**groups)

    def command(self, values: Mapping[str, Value], epochs: int) -> list[str]:
        """The arguments of the program that train this again."""
        words = ["train", self.data]
        for group in (self.data_options, self.splits, *vars(self.with_values(values, epochs)).values()):
            for field in fields(group):
                value = getattr(group, field.name)
                if value != field.default and field.name != "resume":
                    words.append("--" + field.name.replace("_", "-"))
                    words += [] if value is True else [str(value)]
        return [*words, "--seed", str(self.seed)]


def run_with(
    plan: Plan, parts: Parts, stop: Callable[[], bool], values: Mapping[str, Value], epochs: int, watch: Watch
) -> tuple[float, int]:
    """Train with a trial's values; the lowest validation loss, and the epoch of it."""
    training = prepare(parts, plan.with_values(values, epochs), plan.data_options.scaling, plan.seed)

    def on_epoch(record: EpochRecord) -> None:
        watch(record.epoch, record.validation_loss)

    result = training.fit(RunOptions(callback=on_epoch, stop=stop))
    if result.stopped == "interrupted":
        raise UnfinishedTrialError
    history = [training.target.in_own_units(record) for record in result.history]
    if training.settings["schedule"] == "cosine":  # of another length, it would be another training
        return history[-1].validation_loss, history[-1].epoch
    best = min(history, key=lambda record: record.validation_loss)
    return best.validation_loss, best.epoch


def open_study(plan: Plan, parts: Parts, url: str | None) -> "optuna.Study":
    """The study in a storage, or in memory: begun, or gone on with.

    Raises:
        FileError: if Optuna is not installed, or the storage cannot be had.
    """
    library = import_optuna()
    epochs = prepare(parts, plan.training, plan.data_options.scaling, plan.seed).epochs
    for last in (False, False, True):
        try:
            study: optuna.Study = library.create_study(
                study_name=plan.name(parts),
                storage=None if url is None else _storage(url),
                load_if_exists=True,
                sampler=make_sampler(plan.space(parts), plan.trials, plan.seed),
                pruner=pruner(epochs),
            )
            return study
        except ImportError as error:
            raise FileError(
                f"{url}: needs a database driver that is not installed (for PostgreSQL: pip install 'psycopg[binary]')"
            ) from error
        except Exception as error:  # a database has many ways to say no, and each driver its own
            if not last and any(word in str(error) for word in RACES):
                time.sleep(0.5)
                continue
            said = " ".join(str(error).split("\n")[0].split())
            raise FileError(f"{url}: cannot be used as a storage ({said[:200]}); check the URL") from error
    raise AssertionError("the last time, it returns or raises")


def refuse_another(plan: Plan, parts: Parts, url: str, folder: Path) -> None:
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
    if names != [plan.name(parts)]:
        raise InputError(f"{folder}: holds a search on other data or settings; add --overwrite, or name another folder")


def _storage(url: str) -> "optuna.storages.RDBStorage":
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        patience = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
        return optuna.storages.RDBStorage(url, engine_kwargs=patience, heartbeat_interval=HEARTBEAT)


def work(
    plan: Plan, parts: Parts, study: "optuna.Study", stop: Callable[[], bool], show: Callable[[Trial], None]
) -> None:
    """Run trials until there are as many as were asked for, in this process or in others."""
    space = plan.space(parts)
    start = prepare(parts, plan.training, plan.data_options.scaling, plan.seed).epochs
    while not stop() and _unfinished(study, plan.trials):
        if not _to_begin(study, plan.trials):  # the last ones are running elsewhere, unless that has died
            time.sleep(0.2)
            continue
        trial = run_trial(
            study,
            space,
            lambda values, epochs, watch: run_with(plan, parts, stop, values, epochs, watch),
            epochs=plan.training.run.epochs,
            start=start,
        )
        if trial is not None:
            show(trial)


def _unfinished(study: "optuna.Study", trials: int) -> bool:
    return len(finished_trials(study)) < trials


def _to_begin(study: "optuna.Study", trials: int) -> bool:
    """Whether fewer trials are finished or alive than were asked for."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    running = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
    return len(finished_trials(study)) + len(running) < trials


def work_in_processes(
    plan: Plan,
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


def _process(plan: Plan, url: str, threads: int, end: Any) -> None:
    """One of several processes: its own data, and its own connection to the storage."""
    with limited_threads(threads), interruptible(lambda: None) as interrupted:
        parts = plan.parts()
        work(plan, parts, open_study(plan, parts, url), lambda: interrupted() or end.is_set(), lambda trial: None)
