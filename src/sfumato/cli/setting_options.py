"""Options that are made from the fields of settings: their names, types, defaults and help are said there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

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
