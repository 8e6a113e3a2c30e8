"""Command lines that do what the studio does: their words."""

from collections.abc import Collection
from typing import Any


def file_word(name: str) -> str:
    """A file's name as a command takes it, even one that looks like an option."""
    return f"./{name}" if name.startswith("-") else name


def plain(value: Any) -> str:
    """A value as a command takes it."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def out_name(stem: str, suffix: str, taken: Collection[str]) -> str:
    """A name for a result that none of the files it is made from has."""
    names = (f"{stem}{number}{suffix}" for number in ("", *(f"-{k}" for k in range(2, 100))))
    return next(name for name in names if name not in taken)
