"""The settings of training: their meaning, defaults and choices, defined once for Python and the command line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from sfumato.checks import one_of, suggestion, whole
from sfumato.data.dataset import TaskChoice
from sfumato.data.options import TableOptions, joined_names, table_options
from sfumato.data.scaling import ScalingKind
from sfumato.errors import InputError
from sfumato.layers import ACTIVATIONS
from sfumato.layers.base import Layer
from sfumato.layers.initializers import INITIALIZERS, Initializer, Normal
from sfumato.optimizers import OPTIMIZERS, Adam, AdamW, Momentum, Optimizer, schedules
from sfumato.optimizers.schedules import DECAYING, Schedule, default_decay
from sfumato.paths import user_path
from sfumato.training.defaults import ARCHITECTURES, CONVNET, DENSE, FEW_INPUTS, LINEAR, PLANE, TABLE, Defaults


def about(
    help: str,
    *,
    panel: str,
    shown: str = "",
    choices: Sequence[str] = (),
    metavar: str | None = None,
    least: int | None = None,
) -> dict[str, Any]:
    """Describe a field of `TrainingSettings`.

    Args:
        help: What it is, in a sentence.
        panel: The group of settings that it belongs to.
        shown: What the help shows as the default, if not the default itself.
        choices: The names that it takes.
        metavar: What a value looks like, where the type does not say it.
        least: The least number that it takes.
    """
    return {"help": help, "panel": panel, "shown": shown, "choices": tuple(choices), "metavar": metavar, "least": least}


@dataclass(frozen=True)
class TrainingSettings:
    """All settings of `sfumato.train` and of the command `train`, whose options have the same names.

    What each is, is said once, on its field: to the help of the command, and to the list below. In Python, an
    optimizer, activation or initialiser may be an object instead of a name, the learning rate or the schedule a
    function of the epoch (from 0), `class_weight` a mapping of names to weights, and what is held out other data
    instead of a fraction.

    Raises:
        InputError: for an architecture, activation or name of another kind that does not exist, or L2 below 0.
    """

    target: str | None = field(
        default=None, metadata=about("Column to predict.", shown="the last", panel="Data", metavar="NAME|INDEX")
    )
    task: TaskChoice = field(
        default="auto",
        metadata=about(
            "auto: classes if text, or at most 20 whole numbers that repeat.",
            panel="Data",
            choices=get_args(TaskChoice),
        ),
    )
    drop: Sequence[str] | None = field(
        default=None, metadata=about("Columns of a table to leave out.", panel="Data", metavar="NAME,...")
    )
    text: Sequence[str] | None = field(
        default=None,
        metadata=about("Columns whose numbers are names of categories.", panel="Data", metavar="NAME,..."),
    )
    number: Sequence[str] | None = field(
        default=None,
        metadata=about("Columns of numbers, in which all other texts are missing.", panel="Data", metavar="NAME,..."),
    )
    missing: Sequence[str] | None = field(
        default=None,
        metadata=about(
            "More texts that stand for a missing value.",
            shown="NA, n/a, NaN, null, None, #N/A, ?, - and the like",
            panel="Data",
            metavar="TEXT,...",
        ),
    )
    header: str = field(
        default="auto",
        metadata=about("Whether the first row of a CSV file holds names.", panel="Data", choices=("auto", "yes", "no")),
    )
    separator: str | None = field(
        default=None,
        metadata=about(
            "Sign between the values of a CSV file.", shown="told by its rows", panel="Data", metavar="SIGN"
        ),
    )
    encoding: str | None = field(
        default=None,
        metadata=about(
            "Of a CSV file.",
            shown="utf-8, else cp1252 or mac-roman by its words",
            panel="Data",
            metavar="NAME",
        ),
    )
    strict: bool = field(
        default=False,
        metadata=about("Refuse unknown categories, and texts among numbers.", panel="Data"),
    )
    limit: int | None = field(
        default=None, metadata=about("Use a random N of the examples.", panel="Data", metavar="N", least=1)
    )
    scaling: ScalingKind = field(
        default="auto",
        metadata=about(
            "auto: unit for pixels, standard for tables.",
            panel="Data",
            choices=get_args(ScalingKind),
        ),
    )
    validation: Any = field(
        default=None, metadata=about("Watched while training.", shown="0.1", panel="Data", metavar="FRACTION|FILE")
    )
    test: Any = field(
        default=None,
        metadata=about(
            "Kept for the end.",
            shown="0.2, or the test set that DATA brings",
            panel="Data",
            metavar="FRACTION|FILE",
        ),
    )
    stream: bool = field(
        default=False,
        metadata=about(
            "Leave a CSV or Parquet file on the disk, and read it in blocks: for tables larger than memory.",
            panel="Data",
        ),
    )
    architecture: str = field(
        default="dense",
        metadata=about(
            "convnet: for images, convolutions and pooling before the dense layers.",
            panel="Network",
            choices=(*ARCHITECTURES,),
        ),
    )
    hidden: int | Sequence[int] | None = field(
        default=None,
        metadata=about(
            "Units of each hidden dense layer, or none.",
            shown=f"tables {','.join(map(str, TABLE.hidden))}, images {','.join(map(str, DENSE.hidden))}; "
            f"convnet: {','.join(map(str, CONVNET.hidden))}",
            panel="Network",
            metavar="15,9",
        ),
    )
    activation: str | Layer[Any] | type[Layer[Any]] = field(
        default="relu",
        metadata=about("After each hidden layer or convolution.", panel="Network", choices=(*ACTIVATIONS,)),
    )
    init: str | Initializer = field(
        default="he", metadata=about("First weights.", panel="Network", choices=(*INITIALIZERS,))
    )
    init_scale: float | None = field(
        default=None,
        metadata=about("Scale of normal first weights.", shown=str(Normal.scale), panel="Network", metavar="SCALE"),
    )
    dropout: float | None = field(
        default=None,
        metadata=about(
            "Probability of dropping a hidden unit; convnet: one that a dense layer takes.",
            shown=f"{DENSE.dropout:g}; convnet: {CONVNET.dropout}",
            panel="Network",
            metavar="P",
        ),
    )
    l2: float | None = field(
        default=None,
        metadata=about(
            "Penalty LAMBDA / (2 N) sum W^2; with adamw, decay by LAMBDA / N.",
            shown=f"tables {TABLE.l2:g}, of more than two classes {TABLE.l2_of_many:g}, of values "
            f"{TABLE.l2_of_values:g}, of at most {FEW_INPUTS} inputs {PLANE.l2:g}, without hidden layers {LINEAR.l2:g} "
            f"and of values {LINEAR.l2_of_values:g}, images 0; "
            f"adamw: a decay of {AdamW.weight_decay}",
            panel="Objective",
            metavar="LAMBDA",
        ),
    )
    class_weight: Literal["balanced"] | Mapping[str, float] | None = field(
        default=None,
        metadata=about(
            "What each class counts: balanced (rare ones as much as frequent ones), or NAME=WEIGHT,NAME=WEIGHT.",
            shown="1 for each example",
            panel="Objective",
            metavar="balanced|NAME=WEIGHT,...",
        ),
    )
    optimizer: str | Optimizer[Any] = field(
        default="adam", metadata=about("Kind of optimizer.", panel="Optimizer", choices=(*OPTIMIZERS,))
    )
    learning_rate: float | Schedule | None = field(
        default=None,
        metadata=about(
            "Of the first epoch.",
            shown=", ".join(f"{name} {kind.learning_rate}" for name, kind in OPTIMIZERS.items())
            + f"; tables: adam {TABLE.adam_rate} by cosine, a tenth for values by gd, momentum and nesterov",
            panel="Optimizer",
        ),
    )
    beta: float | None = field(
        default=None, metadata=about("momentum, nesterov: past kept.", shown=str(Momentum.beta), panel="Optimizer")
    )
    beta1: float | None = field(
        default=None, metadata=about("rmsprop, adam: past kept.", shown=str(Adam.beta1), panel="Optimizer")
    )
    beta2: float | None = field(
        default=None, metadata=about("adam: past squares kept.", shown=str(Adam.beta2), panel="Optimizer")
    )
    epsilon: float | None = field(
        default=None, metadata=about("rmsprop, adam.", shown=str(Adam.epsilon), panel="Optimizer")
    )
    epsilon_inside_root: bool = field(
        default=False, metadata=about("Divide by sqrt(s + epsilon), as the reference.", panel="Optimizer")
    )
    momentum_form: str | None = field(
        default=None,
        metadata=about(
            "averaged: v = beta v + (1 - beta) g; classical: v = beta v + g.",
            shown=Momentum.form,
            panel="Optimizer",
            choices=("averaged", "classical"),
        ),
    )
    schedule: str | Schedule | None = field(
        default=None,
        metadata=about(
            "Learning rate over the epochs.",
            shown=f"{DENSE.schedule}; tables, convnet: {CONVNET.schedule}",
            panel="Optimizer",
            choices=tuple(schedules.SCHEDULES),
        ),
    )
    decay: float | None = field(
        default=None,
        metadata=about(
            "Decay rate of the schedule.",
            shown=", ".join(f"{name} {default_decay(name)}" for name in DECAYING),
            panel="Optimizer",
        ),
    )
    batch_size: int | Literal["auto", "full"] | None = field(
        default=None,
        metadata=about(
            "Examples a step.",
            shown=f"a fiftieth of the examples, {TABLE.least_batch} to {TABLE.batch_size}, of few inputs from "
            f"{PLANE.least_batch}, images: {DENSE.least_batch} to {DENSE.batch_size}, convnet: to {CONVNET.batch_size}"
            "; full for lbfgs",
            panel="Run",
            metavar="N|full",
        ),
    )
    epochs: int | None = field(
        default=None,
        metadata=about(
            "Passes over the training examples.",
            shown=f"{DENSE.epochs}, convnet: {CONVNET.epochs}; more where there are few examples, tables: at most "
            f"{TABLE.most_epochs}",
            panel="Run",
            metavar="N",
            least=1,
        ),
    )
    early_stopping: int | None = field(
        default=None,
        metadata=about(
            "Stop after so many epochs without a lower validation loss; keep the best.",
            panel="Run",
            metavar="PATIENCE",
        ),
    )

    def __post_init__(self) -> None:
        for own in fields(self):
            value, choices = getattr(self, own.name), own.metadata["choices"]
            if choices and (isinstance(value, str) or own.name == "architecture"):
                one_of("initialiser" if own.name == "init" else own.name.replace("_", " "), value, choices)
        fits = self.l2 is None or (isinstance(self.l2, int | float) and 0 <= self.l2 < float("inf"))
        if not fits:
            raise InputError(f"l2=... takes a number of at least 0, not {self.l2!r}")
        for name in ("validation", "test"):  # a part, or a file
            object.__setattr__(self, name, user_path(getattr(self, name)))
        if self.limit is not None:
            whole("limit", self.limit, 1)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "TrainingSettings":
        """Make the settings from values by name.

        Raises:
            TypeError: for a name that no setting has.
        """
        names = [own.name for own in fields(cls)]
        for name in settings:
            if name not in names:
                raise TypeError(f"train has no setting {name!r}; {suggestion(name, names)}it has {', '.join(names)}")
        return cls(**settings)

    def defaults_for(self, shape: tuple[int, ...]) -> Defaults:
        """Defaults of the architecture for examples of a shape: a table, (d,), has its own."""
        if self.architecture != "dense" or len(shape) != 1:
            return self.defaults
        if self.hidden is not None and not units_of(self.hidden):
            return LINEAR
        return TABLE if shape[0] > FEW_INPUTS else PLANE

    @property
    def defaults(self) -> Defaults:
        """Defaults of the architecture."""
        return ARCHITECTURES[self.architecture]

    def options(self) -> dict[str, Any]:
        """Settings as the options of the command line: text, numbers, booleans or None, by name."""
        return {own.name: option_value(own.name, getattr(self, own.name)) for own in fields(self)}

    @property
    def table_options(self) -> TableOptions:
        """Options for reading the table."""
        return table_options(
            header=self.header,
            encoding=self.encoding,
            separator=self.separator,
            missing=self.missing,
            drop=self.drop,
            text=self.text,
            number=self.number,
            strict=self.strict,
        )

    def files(self) -> list[str]:
        """Names of the files of validation and test examples, where those are in files."""
        return [str(part) for part in (self.validation, self.test) if isinstance(part, str | Path)]

    def given(self, name: str) -> bool:
        """Whether a setting differs from its default; False for a name that no setting has."""
        return any(own.name == name and getattr(self, name) != own.default for own in fields(self))


def option_value(name: str, value: Any) -> Any:
    """Convert a setting's value to that of the command line's option."""
    if value is None or (isinstance(value, bool | str) and name != "hidden"):
        return value
    match name:
        case "hidden":
            value = ",".join(map(str, units_of(value))) or "none"
        case "batch_size":
            value = str(value)
        case "drop" | "text" | "number" | "missing":
            value = joined_names(value)
        case "class_weight":
            value = ",".join(f"{label}={_number(weight)}" for label, weight in value.items())
        case "validation" | "test":
            value = _number(getattr(value, "name", value))
    return value if isinstance(value, int | float | str) else re.sub(r" at 0x[0-9a-f]+", "", str(value))


def units_of(hidden: int | Sequence[int]) -> tuple[int, ...]:
    """Units of the hidden layers; a single number is a single layer."""
    return (hidden,) if isinstance(hidden, int | np.integer) else tuple(hidden)


def _number(value: Any) -> str:
    """Shortest text of a number; other values are returned as they are."""
    return repr(float(value)).removesuffix(".0") if isinstance(value, float | int) else str(value)


def _list_settings() -> str:
    """List the settings, a line each, for the docstring."""
    lines = []
    for own in fields(TrainingSettings):
        said = own.metadata
        choices = f" One of {', '.join(said['choices'])}." if said["choices"] else ""
        default = f" Default: {said['shown'] or own.default}." if said["shown"] or own.default is not None else ""
        lines.append(f"        {own.name}: {said['help']}{choices}{default}")
    return "\n".join(["", "    Attributes:", *lines, "    "])


if TrainingSettings.__doc__:  # python -OO leaves none
    TrainingSettings.__doc__ = TrainingSettings.__doc__.rstrip() + "\n" + _list_settings()
