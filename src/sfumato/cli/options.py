"""The options of all commands, in the groups that commands share; each is described, and has its default, once.

A command names the groups that it takes, as in `def train(data: Data, network: NetworkOptions, ...)`, and `grouped`
makes every field of a group an option of the command.
"""

import functools
import inspect
import math
import sys
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints

import typer

from sfumato.cli.console import say
from sfumato.errors import InputError
from sfumato.layers.initializers import Normal
from sfumato.optimizers import OPTIMIZERS, Adam, AdamW, Momentum
from sfumato.optimizers.schedules import DECAYING, default_decay

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="mnist, digits, blobs, spiral, circles, moons, lemniscate, breast-cancer, a CSV or Parquet file, "
        "or a folder of IDX files.",
        show_default=False,
    ),
]
Schedule = Literal["constant", "exponential", "inverse-time", "inverse-sqrt", "cosine"]
ModelPath = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model file, or the folder of a run.", show_default=False)
]


def option(help: str, *names: str, panel: str, metavar: str | None = None, shown: str = "", **more: Any) -> Any:
    """One option; its name comes from its field unless `names` are given, its default in the help unless `shown` is."""
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=panel, show_default=shown or True, **more)


class Defaults(NamedTuple):
    """What an architecture is trained with where nothing else is asked for.

    `batch_size` is the most, and `epochs` the least, that the number of examples leads to.
    """

    hidden: str
    dropout: float
    batch_size: int
    epochs: int
    schedule: Schedule


ARCHITECTURES: dict[str, Defaults] = {
    "dense": Defaults(hidden="15,9", dropout=0.0, batch_size=1000, epochs=20, schedule="constant"),
    "convnet": Defaults(hidden="128", dropout=0.5, batch_size=128, epochs=8, schedule="cosine"),
}
DENSE, CONVNET = ARCHITECTURES["dense"], ARCHITECTURES["convnet"]


@dataclass(frozen=True)
class DataOptions:
    """How the data are read."""

    target: Annotated[
        str | None, option("Column to predict.", shown="the last", panel="Data", metavar="NAME|INDEX")
    ] = None
    task: Annotated[
        Literal["auto", "classification", "regression"],
        option("auto: classes if text or at most 20 whole numbers.", panel="Data"),
    ] = "auto"
    limit: Annotated[int | None, option("Use a random N of the examples.", panel="Data", metavar="N", min=1)] = None
    scaling: Annotated[
        Literal["auto", "none", "unit", "standard"],
        option("auto: unit for pixels, standard for tables.", panel="Data"),
    ] = "auto"


@dataclass(frozen=True)
class SplitOptions:
    """What is held out of training."""

    validation: Annotated[
        str | None, option("Watched while training.", shown="0.1", panel="Data", metavar="FRACTION|FILE")
    ] = None
    test: Annotated[
        str | None,
        option(
            "Kept for the end.", shown="0.2, or the test set that DATA brings", panel="Data", metavar="FRACTION|FILE"
        ),
    ] = None


@dataclass(frozen=True)
class StreamOption:
    """Whether the data are read into memory."""

    stream: Annotated[
        bool,
        option(
            "Leave a CSV or Parquet file on the disk, and read it in blocks: for tables larger than memory.",
            "--stream",
            panel="Data",
        ),
    ] = False


@dataclass(frozen=True)
class NetworkOptions:
    """What the network is made of."""

    architecture: Annotated[
        Literal["dense", "convnet"],
        option("convnet: for images, convolutions and pooling before the dense layers.", panel="Network"),
    ] = "dense"
    hidden: Annotated[
        str | None,
        option(
            "Units of each hidden dense layer, or none.",
            shown=f"{DENSE.hidden}; convnet: {CONVNET.hidden}",
            panel="Network",
            metavar="15,9",
        ),
    ] = None
    activation: Annotated[
        Literal["relu", "leaky-relu", "tanh", "sigmoid"],
        option("After each hidden layer or convolution.", panel="Network"),
    ] = "relu"
    init: Annotated[Literal["he", "xavier", "glorot", "normal", "zeros"], option("First weights.", panel="Network")] = (
        "he"
    )
    init_scale: Annotated[
        float | None, option("Scale of --init normal.", shown=str(Normal.scale), panel="Network", metavar="SCALE")
    ] = None
    dropout: Annotated[
        float | None,
        option(
            "Probability of dropping a hidden unit; convnet: one that a dense layer takes.",
            shown=f"{DENSE.dropout:g}; convnet: {CONVNET.dropout}",
            panel="Network",
            metavar="P",
        ),
    ] = None


@dataclass(frozen=True)
class ObjectiveOptions:
    """What is added to the mean loss."""

    l2: Annotated[
        float | None,
        option(
            "Penalty LAMBDA / (2 N) sum W^2; with adamw, decay by LAMBDA / N.",
            "--l2",
            shown=f"0; adamw: a decay of {AdamW.weight_decay}",
            panel="Objective",
            metavar="LAMBDA",
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.l2 is not None and not (math.isfinite(self.l2) and self.l2 >= 0):
            raise InputError(f"--l2 takes a number of at least 0, not {self.l2}")


@dataclass(frozen=True)
class ClassWeightOptions:
    """What the classes count in training."""

    class_weight: Annotated[
        str | None,
        option(
            "What each class counts: balanced (rare ones as much as frequent ones), or NAME=WEIGHT,NAME=WEIGHT.",
            "--class-weight",
            shown="1 for each example",
            panel="Objective",
            metavar="balanced|NAME=WEIGHT,...",
        ),
    ] = None


@dataclass(frozen=True)
class OptimizerOptions:
    """How the objective is minimised. A setting that the chosen optimizer does not have is an error."""

    optimizer: Annotated[
        Literal["gd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs"],
        option("Kind of optimizer.", panel="Optimizer"),
    ] = "adam"
    learning_rate: Annotated[
        float | None,
        option(
            "Of the first epoch.",
            shown=", ".join(f"{name} {kind.learning_rate}" for name, kind in OPTIMIZERS.items()),
            panel="Optimizer",
        ),
    ] = None
    beta: Annotated[
        float | None, option("momentum, nesterov: past kept.", shown=str(Momentum.beta), panel="Optimizer")
    ] = None
    beta1: Annotated[float | None, option("rmsprop, adam: past kept.", shown=str(Adam.beta1), panel="Optimizer")] = None
    beta2: Annotated[float | None, option("adam: past squares kept.", shown=str(Adam.beta2), panel="Optimizer")] = None
    epsilon: Annotated[float | None, option("rmsprop, adam.", shown=str(Adam.epsilon), panel="Optimizer")] = None
    epsilon_inside_root: Annotated[
        bool, option("Divide by sqrt(s + epsilon), as the reference.", "--epsilon-inside-root", panel="Optimizer")
    ] = False
    momentum_form: Annotated[
        Literal["averaged", "classical"] | None,
        option(
            "averaged: v = beta v + (1 - beta) g; classical: v = beta v + g.", shown=Momentum.form, panel="Optimizer"
        ),
    ] = None
    schedule: Annotated[
        Schedule | None,
        option(
            "Learning rate over the epochs.",
            shown=f"{DENSE.schedule}; convnet: {CONVNET.schedule}",
            panel="Optimizer",
        ),
    ] = None
    decay: Annotated[
        float | None,
        option(
            "Decay rate of the schedule.",
            shown=", ".join(f"{name} {default_decay(name)}" for name in DECAYING),
            panel="Optimizer",
        ),
    ] = None


@dataclass(frozen=True)
class RunOptions:
    """How long and in what portions."""

    batch_size: Annotated[
        str | None,
        option(
            "Examples a step.",
            shown=f"a fiftieth of the examples, 16 to {DENSE.batch_size}, convnet: to {CONVNET.batch_size}; "
            "full for lbfgs",
            panel="Run",
            metavar="N|full",
        ),
    ] = None
    epochs: Annotated[
        int | None,
        option(
            "Passes over the training examples.",
            shown=f"{DENSE.epochs}, convnet: {CONVNET.epochs}; more where there are few examples",
            panel="Run",
            metavar="N",
            min=1,
        ),
    ] = None
    early_stopping: Annotated[
        int | None,
        option(
            "Stop after so many epochs without a lower validation loss; keep the best.", panel="Run", metavar="PATIENCE"
        ),
    ] = None
    resume: Annotated[bool, option("Go on with the run in --out.", "--resume", panel="Run")] = False


@dataclass(frozen=True)
class SearchOptions:
    """How hyper-parameters are searched."""

    trials: Annotated[int, option("Trainings in all.", panel="Search", metavar="N", min=1)] = 50
    jobs: Annotated[int, option("Trials at a time, each a process.", panel="Search", metavar="N", min=1)] = 1
    storage: Annotated[
        str | None,
        option(
            "Where the trials are kept: several machines may share it, as postgresql://user@host/base.",
            panel="Search",
            metavar="URL",
            shown="study.db in --out",
        ),
    ] = None
    timeout: Annotated[
        float | None, option("Seconds after which no trial goes on.", panel="Search", metavar="SECONDS", min=0)
    ] = None
    learning_rate_only: Annotated[
        bool,
        option(
            "A learning-rate range test instead: seconds, and a curve (-o FILE.png).",
            "--learning-rate-only",
            panel="Search",
        ),
    ] = False


@dataclass(frozen=True)
class SeedOption:
    """Where random numbers come from."""

    seed: Annotated[
        int, option("Of weights, order, dropout and splits.", panel="Run", metavar="N", min=0, max=2**64 - 1)
    ] = 0


@dataclass(frozen=True)
class ComputeOptions:
    """Where it is computed."""

    backend: Annotated[
        Literal["numpy", "torch"] | None,
        option("What computes.", shown="torch on a GPU, if PyTorch sees one; else numpy", panel="Computing"),
    ] = None
    device: Annotated[
        str | None, option("Of PyTorch.", shown="a GPU, or cpu", panel="Computing", metavar="cpu|cuda|cuda:1|mps")
    ] = None
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        option("Of layers; what is learned or painted stays float32.", shown="float32", panel="Computing"),
    ] = None


@dataclass(frozen=True)
class OutputOptions:
    """What every command takes."""

    out: Annotated[str | None, option("Where to write.", "--out", "-o", panel="Output", metavar="PATH")] = None
    overwrite: Annotated[bool, option("Replace what is there.", "--overwrite", panel="Output")] = False
    as_json: Annotated[
        bool, option("Print one JSON object, and nothing else, on standard output.", "--json", panel="Output")
    ] = False
    quiet: Annotated[bool, option("No progress and no notes.", "--quiet", panel="Output")] = False
    verbose: Annotated[bool, option("Every epoch or step on a line.", "--verbose", panel="Output")] = False
    threads: Annotated[
        int | None, option("Threads to compute with.", shown="all", panel="Output", metavar="N", min=1)
    ] = None


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with each dataclass among its parameters replaced by that dataclass's fields, as options."""
    hints = get_type_hints(command, include_extras=True)
    parameters, groups = [], {}
    for name, parameter in inspect.signature(command).parameters.items():
        if not is_dataclass(hints[name]):
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[name] = hints[name]
        field_hints = get_type_hints(hints[name], include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=field_hints[field.name],
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
            )
            for field in fields(hints[name])
        ]

    @functools.wraps(command)
    def ungrouped(**values: Any) -> None:
        gathered = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        try:
            command(**values, **gathered)
        except KeyboardInterrupt:
            say("sfumato: interrupted", sys.stderr)
            raise

    vars(ungrouped)["__signature__"] = inspect.Signature(parameters)
    ungrouped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del vars(ungrouped)["__wrapped__"]
    return ungrouped
