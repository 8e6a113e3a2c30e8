"""The plan of a search of `sfumato tune`: what is searched, the first trials, and training by the values of one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sfumato.cli.parsing import asked_engine, parse_hidden
from sfumato.data.dataset import Examples
from sfumato.data.splitting import joined, split
from sfumato.engine import Engine
from sfumato.optimizers import OPTIMIZERS, settings_of
from sfumato.training.defaults import Defaults
from sfumato.training.preparation import Training, prepare
from sfumato.training.run_folder import run_files
from sfumato.training.settings import TrainingSettings
from sfumato.training.splits import Splits, load_splits
from sfumato.tuning.learning_rate_range import RangeTest, learning_rate_range
from sfumato.tuning.search import Choice, Growth, Range, Setting, Value, Values

FEW_EXAMPLES, SPLITS_OF_FEW = 300, 4
"""Examples up to which a trial is scored on several splits, and how many those are."""

FINALS_UP_TO, SPLITS_OF_FINALS = 1000, 10
"""Examples up to which the best trials are trained once more, and on how many further splits."""


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
        searched = str((self.space(splits), self.first(splits)))
        described = {"data": self.data, **self.settings.options(), **self.compute, "seed": self.seed, "space": searched}
        digest = blake2b(json.dumps(described, sort_keys=True).encode(), digest_size=8)
        for array in splits.sample[:2]:
            digest.update(array.tobytes())
        return f"sfumato {digest.hexdigest()}"

    def space(self, splits: Splits) -> dict[str, Setting]:
        """Settings to search: all that are not given, and matter."""
        prepared = self.prepare(splits)
        rate, few, most = prepared.rate(0), *_batches(splits, prepared)
        whole: dict[str, Setting] = {
            "learning_rate": Range(rate / 100, rate * 100),
            "hidden": Growth(self.defaults(splits).hidden[0], least=0 if self.linear_too(splits) else 1),
            "batch_size": Range(few, most, whole=True),
            "l2": Range(1e-3, 100.0),
            "dropout": Range(0.0, 0.6, log=False),
            "decay": Range(1e-4, 1.0),
            "init": Choice(("he", "glorot", "xavier")),
            "epsilon": Range(1e-10, 1e-4),
            "beta": Range(1e-3, 0.5),
            "beta1": Range(1e-3, 0.5),
            "beta2": Range(1e-4, 0.1),
        }
        return {name: whole[name] for name in self.default_values(splits)}

    def first(self, splits: Splits) -> list[Values]:
        """Values of the first trials: the defaults, and the linear model by its own rate and penalty, if searched."""
        values = [self.default_values(splits)]
        if self.linear_too(splits):
            linear = replace(self, settings=replace(self.settings, hidden=())).default_values(splits)
            own = {name: value for name, value in linear.items() if name in ("learning_rate", "l2")}
            values.append({**values[0], **own, "hidden": "none"})
        return values

    def linear_too(self, splits: Splits) -> bool:
        """Whether a network without hidden layers is searched: for a table, unless an option is about such layers."""
        about_hidden = any(self.settings.given(name) for name in ("hidden", "activation", "dropout"))
        return len(splits.dataset.feature_shape) == 1 and not about_hidden

    def default_values(self, splits: Splits) -> Values:
        """Values of a training by the defaults, of all settings that are not given and matter to it."""
        optimizer, prepared = str(self.settings.optimizer), self.prepare(splits)
        defaults, most = self.defaults(splits), _batches(splits, prepared)[1]
        values: dict[str, Value] = {
            "learning_rate": prepared.rate(0),
            "hidden": str(defaults.hidden[0]),
            "batch_size": most if prepared.batch_size == "full" else prepared.batch_size,
            "l2": prepared.l2 or 0.01,
            "dropout": defaults.dropout,
            "decay": 1e-3,
            "init": "he",
            "epsilon": 1e-8,
            "beta": 0.1,
            "beta1": 0.1,
            "beta2": 1e-3,
        }
        without = {"beta", "beta1", "beta2", "epsilon"} - {*settings_of(optimizer)}
        without |= {"batch_size", "dropout"} if OPTIMIZERS[optimizer].full_batch else set()
        without |= {"decay"} if self.settings.schedule or prepared.schedule == "cosine" else set()
        return {n: value for n, value in values.items() if n not in without and not self.settings.given(n)}

    def defaults(self, splits: Splits) -> Defaults:
        """Defaults for examples of this shape."""
        return replace(self.settings, hidden=None).defaults_for(splits.dataset.feature_shape)

    def epochs(self, splits: Splits) -> int | None:
        """Epochs of every trial; None where they can grow, as they cannot by a schedule that ends with the last."""
        prepared = self.prepare(splits)
        return prepared.epochs if self.settings.epochs or prepared.schedule == "cosine" else None

    def with_values(self, values: Values, epochs: int) -> TrainingSettings:
        """Settings of training for a trial's values."""
        said: dict[str, Any] = {**values, "epochs": epochs}
        for name in ("beta", "beta1", "beta2"):
            if name in said:
                said[name] = round(1 - float(said[name]), 10)
        if "decay" in said:
            said["schedule"] = "inverse-time"
        if "hidden" in said:
            said["hidden"] = parse_hidden(said["hidden"])
            said = {name: value for name, value in said.items() if said["hidden"] or name != "dropout"}
        return replace(self.settings, **said)

    def further_splits(self, splits: Splits) -> list[Splits]:
        """More splits of the same examples for each trial, where these are few: a loss on tens of rows is luck."""
        return self._other_splits(splits, FEW_EXAMPLES, range(1, SPLITS_OF_FEW))

    def splits_of_finals(self, splits: Splits) -> list[Splits]:
        """Splits of the same examples that no trial was scored on; none where examples are many."""
        return self._other_splits(splits, FINALS_UP_TO, range(SPLITS_OF_FEW, SPLITS_OF_FEW + SPLITS_OF_FINALS))

    def _other_splits(self, splits: Splits, most: int, numbers: range) -> list[Splits]:
        train, validation = splits.train, splits.validation
        if isinstance(self.settings.validation, str | Path) or validation is None:
            return []
        if train.size + validation.size > most:
            return []
        assert isinstance(train, Examples) and isinstance(validation, Examples)  # a stream has more
        whole, share = joined(train, validation), validation.size / (train.size + validation.size)
        parts = (split(whole, share, self.seed + k, stratify=bool(splits.dataset.classes)) for k in numbers)
        return [replace(splits, train=rest, validation=held_out) for rest, held_out in parts]

    def again(self, values: Values, epochs: int) -> TrainingSettings:
        """Settings that train a trial again: on the part of the examples that trials are compared by as well.

        It stays held out where nothing else is left to measure by.
        """
        settings = self.with_values(values, epochs)
        kept = isinstance(settings.validation, str | Path) or settings.test == 0
        return settings if kept else replace(settings, validation=0.0)

    def command(self, values: Values, epochs: int) -> list[str]:
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


def _batches(splits: Splits, prepared: Training) -> tuple[int, int]:
    """Least and most examples a step that a search proposes: 8 to 1024 or a quarter of them, and the default."""
    quarter = max(2, min(1024, splits.train.size // 4))
    usual = quarter if prepared.batch_size == "full" else prepared.batch_size
    return min(8, usual, quarter), max(usual, quarter)
