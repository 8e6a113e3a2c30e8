"""Requests to train: a table by its id and settings by name, the command that does the same, and lines of Python."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sfumato.data.dataset import Dataset
from sfumato.data.tables import open_table
from sfumato.errors import InputError, SfumatoError
from sfumato.studio.requests import plain_name
from sfumato.studio.scikit_learn_lines import scikit_learn_lines
from sfumato.studio.store import named
from sfumato.studio.tables import TableStore, read_named
from sfumato.studio.training_options import TRAINING_OPTIONS, read_training_settings
from sfumato.training.preparation import Training, prepare
from sfumato.training.settings import TrainingSettings
from sfumato.training.splits import Splits, split_dataset


@dataclass(frozen=True)
class TrainingRequest:
    """A training, as the page asks for it and as a job's folder keeps it.

    Args:
        table: Id of the table.
        name: What it is called where it comes from.
        settings: Those that differ from their defaults, as `read_training_settings` gives them.
    """

    table: str
    name: str
    settings: Mapping[str, Any]

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.settings.get("seed", 0))

    @property
    def training_settings(self) -> TrainingSettings:
        """The settings as `sfumato.train` has them.

        Raises:
            InputError: for a value that cannot be used.
        """
        return TrainingSettings(**{name: value for name, value in self.settings.items() if name != "seed"})

    def to_json(self) -> str:
        """The request as `read_training_request` takes it."""
        return json.dumps(asdict(self))

    def prepared(self, store: TableStore) -> tuple[Splits, Training]:
        """The table, divided, and the training that is to be done on it, as `sfumato train` prepares them.

        Raises:
            SfumatoError: for a table or settings that cannot be used.
        """
        settings, path = self.training_settings, store.path(self.table)
        dataset = read_named(path, self.name, settings)
        try:
            splits = split_dataset(dataset, settings, self.seed)
            return splits, prepare(splits, settings, self.seed)
        except SfumatoError as error:
            raise type(error)(named(str(error), path, self.name)) from error

    def command(self) -> str:
        """The command line that trains the same, where the table lies."""
        values = {**self.training_settings.options(), "seed": self.seed}
        words = ["sfumato", "train", f"./{self.name}" if self.name.startswith("-") else self.name]
        for name in self.settings:
            option = f"--{name.replace('_', '-')}"
            flag = TRAINING_OPTIONS[name].kind == "flag"
            words += [option] if flag else [option, str(values[name])]
        return shlex.join([*words, "--out", f"{Path(self.name).stem or 'table'}-run"])

    def scikit_learn(self, dataset: Dataset, store: TableStore) -> str:
        """Lines of Python that train an estimator with the same settings."""
        settings = self.training_settings
        table = open_table(store.path(self.table), options=settings.table_options)
        return scikit_learn_lines(self.name, table, dataset, settings, self.settings)


def read_training_request(values: Any, store: TableStore) -> TrainingRequest:
    """Read a request from JSON.

    Raises:
        InputError: if it is none, names a table that is not there, or has settings that cannot be used.
    """
    try:
        table, name, settings = str(values["table"]), plain_name(str(values["name"])), values["settings"]
    except (KeyError, TypeError, ValueError):
        raise InputError("a request has a table, its name, and settings") from None
    request = TrainingRequest(table, name, read_training_settings(settings))
    store.path(table)
    try:
        _ = request.training_settings.table_options  # refuses what cannot be used
        request.to_json().encode()
    except (OverflowError, UnicodeEncodeError, TypeError):
        raise InputError("a number is too large, or a text cannot be written") from None
    return request
