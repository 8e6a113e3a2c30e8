"""The options of the commands, in groups that several commands share.

A command names the groups that it takes, as in `def train(data: Data, settings: TrainSettings, ...)`, and `grouped`
makes every field of a group an option of the command. The settings of training, their help and their defaults come from
`TrainingSettings`, where they are said once.
"""

import functools
import inspect
import operator
import sys
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, cast, get_args, get_origin, get_type_hints

import typer

from sfumato.cli.console import say
from sfumato.training.settings import TrainingSettings

if TYPE_CHECKING:
    from sfumato.data.options import TableOptions

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="mnist, digits, blobs, spiral, circles, moons, lemniscate, breast-cancer, a CSV or Parquet file, "
        "or a folder of IDX files.",
        show_default=False,
    ),
]
ModelPath = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model file, or the folder of a run.", show_default=False)
]


def option(help: str, *names: str, panel: str, metavar: str | None = None, shown: str = "", **more: Any) -> Any:
    """One option; its name comes from its field unless `names` are given, its default in the help unless `shown` is."""
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=panel, show_default=shown or True, **more)


def _panels(*panels: str) -> tuple[str, ...]:
    return tuple(own.name for own in fields(TrainingSettings) if own.metadata["panel"] in panels)


_ALL = _panels("Data", "Network", "Objective", "Optimizer", "Run")
_HELD_OUT = ("validation", "test", "stream")

TrainSettings = Annotated[TrainingSettings, _ALL]
TuneSettings = Annotated[TrainingSettings, tuple(name for name in _ALL if name != "stream")]
CheckSettings = Annotated[
    TrainingSettings, (*(name for name in _panels("Data", "Network") if name not in _HELD_OUT), "l2")
]
"""The settings that a command takes, each an option of the same name."""


@dataclass(frozen=True)
class ResumeOption:
    """Whether to resume a run."""

    resume: Annotated[bool, option("Go on with the run in --out.", "--resume", panel="Run")] = False


@dataclass(frozen=True)
class SearchOptions:
    """Options of the search for hyperparameters."""

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
    """Seed of the random numbers."""

    seed: Annotated[
        int, option("Of weights, order, dropout and splits.", panel="Run", metavar="N", min=0, max=2**64 - 1)
    ] = 0


@dataclass(frozen=True)
class FileOptions:
    """Options for reading a model's table, where its content does not tell."""

    header: Annotated[
        Literal["auto", "yes", "no"], option("Whether the first row of a CSV file holds names.", panel="Data")
    ] = "auto"
    separator: Annotated[
        str | None,
        option("Sign between the values of a CSV file.", panel="Data", metavar="SIGN", shown="told by its rows"),
    ] = None
    encoding: Annotated[
        str | None,
        option("Of a CSV file.", panel="Data", metavar="NAME", shown="utf-8, else cp1252 or mac-roman by its words"),
    ] = None
    strict: Annotated[bool, option("Refuse unknown categories, and texts among numbers.", "--strict", panel="Data")] = (
        False
    )

    @property
    def options(self) -> "TableOptions":
        """The same for the readers of tables."""
        from sfumato.data.options import table_options

        return table_options(header=self.header, separator=self.separator, encoding=self.encoding, strict=self.strict)


Backend = Annotated[
    Literal["numpy", "numba", "torch"] | None,
    option(
        "What computes.",
        shown="torch on a GPU, if PyTorch sees one; else numba, if installed, for long jobs; else numpy",
        panel="Computing",
    ),
]
Device = Annotated[
    str | None, option("Of PyTorch.", shown="a GPU, or cpu", panel="Computing", metavar="cpu|cuda|cuda:1|mps")
]


@dataclass(frozen=True)
class ComputeOptions:
    """Backend, device and precision."""

    backend: Backend = None
    device: Device = None
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        option("Of layers; what is learned or painted stays float32.", shown="float32", panel="Computing"),
    ] = None


@dataclass(frozen=True)
class OutputOptions:
    """Options that every command takes."""

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


class _Group(NamedTuple):
    """A group of options that are one argument of the command's function."""

    options: list[inspect.Parameter]
    make: Callable[..., Any]


def _group(hint: Any) -> _Group | None:
    """The options behind a parameter: a dataclass's fields, or some of the settings of training; None for others."""
    if is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        defaults = {
            own.name: inspect.Parameter.empty if own.default is MISSING else own.default for own in fields(hint)
        }
        return _Group([_parameter(name, hints[name], default) for name, default in defaults.items()], cast(Any, hint))
    if get_origin(hint) is Annotated and get_args(hint)[0] is TrainingSettings:
        known = {own.name: own for own in fields(TrainingSettings)}
        chosen = [known[name] for name in get_args(hint)[1]]
        return _Group([_parameter(own.name, _setting_option(own), own.default) for own in chosen], _parse)
    return None


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _setting_option(own: "Field[Any]") -> Any:
    """The option of a setting; a type that Typer lacks becomes text, parsed by `parsing`."""
    said, literal = own.metadata, cast(Any, Literal)
    hint = _without_functions(get_type_hints(TrainingSettings)[own.name])
    if said["choices"]:
        kind = literal[said["choices"]]
        hint = kind if own.default is not None else kind | None
    elif hint not in (bool, int | None, float | None, str | None):
        hint = str | None
    names = ("--" + own.name.replace("_", "-"),) if hint is bool else ()
    more = {} if said["least"] is None else {"min": said["least"]}
    described = option(said["help"], *names, panel=said["panel"], metavar=said["metavar"], shown=said["shown"], **more)
    return Annotated[hint, described]


def _without_functions(hint: Any) -> Any:
    """The type without the functions in its union, which only Python can hand in."""
    kinds = [kind for kind in get_args(hint) if get_origin(kind) is not Callable]
    return hint if len(kinds) == len(get_args(hint)) else functools.reduce(operator.or_, kinds)


def _parse(**values: Any) -> TrainingSettings:
    from sfumato.cli.parsing import parse_settings

    return parse_settings(values)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each group among the command's parameters by the options of that group."""
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, _Group] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        group = _group(hints[name])
        if group is None:
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
        else:
            groups[name] = group
            parameters += group.options

    @functools.wraps(command)
    def ungrouped(**values: Any) -> None:
        gathered = {
            name: group.make(**{one.name: values.pop(one.name) for one in group.options})
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
