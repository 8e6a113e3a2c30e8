"""Options that are made from the fields of settings: their names, types, defaults and help are said there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_type_hints

from sfumato.cli.options import option

Setting = Annotated[Any, "the option of the setting of this name"]

Group = TypeVar("Group")


def with_settings(settings: type, panel: str) -> Callable[[type[Group]], type[Group]]:
    """Make a decorator for groups of options, in which each `Setting` becomes the option of the field of that name.

    Args:
        settings: The class of settings, a dataclass whose fields are `described`.
        panel: The panel of the help that the settings stand in.
    """

    def make(group: type[Group]) -> type[Group]:
        for name, hint in group.__annotations__.items():
            if hint == Setting:
                group.__annotations__[name], default = _option_of(settings, name, panel)
                setattr(group, name, default)
        return dataclass(frozen=True)(group)

    return make


def _option_of(settings: Any, name: str, panel: str) -> tuple[Any, Any]:
    """The annotated type of a setting's option, and its field."""
    known, hint = settings.__dataclass_fields__[name].metadata, get_type_hints(settings)[name]
    default, kind = getattr(settings(), name), hint
    if known["choices"]:
        literal: Any = Literal
        kind = literal[known["choices"]] if default is not None else literal[known["choices"]] | None
    elif hint not in (bool, str, int, int | None, float, float | None):  # text, parsed by `PARSERS` if it has a form
        kind = str | None if default is None else str
        default = default if default is None else ", ".join(default) if isinstance(default, Mapping) else str(default)
    flag = [f"--{name.replace('_', '-')}"] if kind is bool else []  # alone, without its opposite
    made = option(known["help"], *flag, shown=known["shown"], panel=panel, metavar=known["metavar"])
    return Annotated[kind, made], field(default=default, metadata={"remark": known["remark"]})


class ToldOption(NamedTuple):
    """An option as the tables of documents tell it.

    Attributes:
        usage: Its name, and what it takes.
        default: What it is without being given; empty for nothing.
        help: Its meaning.
        remark: A few words on it; empty for none.
    """

    usage: str
    default: str
    help: str
    remark: str


def told_options(group: Any) -> Iterator[ToldOption]:
    """The options of a group, in order."""
    hints = get_type_hints(group, include_extras=True)
    for own in fields(group):
        kind, made = hints[own.name].__origin__, hints[own.name].__metadata__[0]
        name = made.default if isinstance(made.default, str) else f"--{own.name.replace('_', '-')}"
        literals = [
            one for one in (kind, *getattr(kind, "__args__", ())) if getattr(one, "__origin__", None) is Literal
        ]
        takes = made.metavar or "|".join(literals[0].__args__ if literals else ())
        usage = f"`{name} {takes}`" if takes else f"`{name}`"
        default = made.show_default if isinstance(made.show_default, str) else _plain(own.default)
        yield ToldOption(usage.replace("|", r"\|"), default, made.help or "", own.metadata.get("remark", ""))


def _plain(default: Any) -> str:
    if default is None or default is False:
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)
