"""Source code of the engine, for a notebook to show beside the derivation."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sfumato


@dataclass(frozen=True)
class Source:
    """A piece of source code with its location; a notebook shows it highlighted, a terminal as it is.

    Attributes:
        code: The lines, without the indentation that they share.
        place: File and line, such as "sfumato/layers/dense.py, line 63".
    """

    code: str
    place: str

    def __repr__(self) -> str:
        return f"# {self.place}\n{self.code}"

    def _repr_markdown_(self) -> str:
        return f"`{self.place}`\n\n```python\n{self.code}\n```"


def source(item: Callable[..., Any]) -> Source:
    """Read the source code of a function, method or class from its file.

    >>> from sfumato import Flatten
    >>> source(Flatten.build).code.splitlines()[0]
    'def build(self, shape: Shape) -> Built:'

    Raises:
        TypeError: if it has no source in Python: `source(Dense)` and `source(Dense.forward)` have, `source(Dense(3))`
            has not.
        OSError: if its file is gone.
    """
    lines, number = inspect.getsourcelines(item)
    file = Path(inspect.getfile(item)).resolve()
    package = Path(sfumato.__file__).resolve().parent
    place = file.relative_to(package.parent) if file.is_relative_to(package) else file
    return Source(textwrap.dedent("".join(lines)).rstrip(), f"{place.as_posix()}, line {number}")
