"""Elements of a notebook: the engine's source code beside the derivation, and figures on a slider."""

import base64
import inspect
import io
import textwrap
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sfumato

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 88
"""Width to which a notebook breaks longer lines: what a page of the site shows without scrolling sideways."""


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
        return f"`{self.place}`\n\n```python\n{broken(self.code)}\n```"


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


def broken(code: str, columns: int = COLUMNS) -> str:
    """Break lines of Python that are longer, without changing what they do.

    A line is broken inside its brackets, after a comma or before an operator's word, and goes on eight columns further
    in. A comment moves above its line; long lines of comments and of docstrings are broken between words. A line with
    no such place stays long.

    Args:
        code: Whole statements of Python.
        columns: Length of the longest line.
    """
    lines = code.split("\n")
    places: dict[int, list[tuple[int, int]]] = {}
    comments: dict[int, int] = {}
    texts: set[int] = set()
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        (row, start), (last, end) = token.start, token.end
        depth += (token.string in "([{" and token.type == tokenize.OP) - (
            token.string in ")]}" and token.type == tokenize.OP
        )
        if token.type == tokenize.COMMENT:
            comments[row] = start
        elif token.type == tokenize.STRING and (last > row or token.line.lstrip().startswith('"""')):
            texts.update(range(row, last + 1))
        elif depth and token.string in ("and", "or", "if", "else", "for", "+"):
            places.setdefault(row, []).append((start, depth))
        elif depth and token.type == tokenize.OP and token.string in (",", "(", "["):
            places.setdefault(row, []).append((end, depth))
    return "\n".join(
        shown
        for row, line in enumerate(lines, 1)
        for shown in _broken_line(line, places.get(row, []), comments.get(row), row in texts, columns)
    )


def _broken_line(line: str, places: list[tuple[int, int]], comment: int | None, text: bool, columns: int) -> list[str]:
    """Return the lines that a line becomes; a place is a column before which it may be broken, and its depth."""
    indent = " " * (len(line) - len(line.lstrip()))
    if len(line) <= columns:
        return [line]
    if text:
        return textwrap.wrap(line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    if comment is not None:
        words = textwrap.wrap(line[comment + 1 :].strip(), columns - len(indent) - 2, break_long_words=False)
        above = [f"{indent}# {part}" for part in words]
        before = line[:comment].rstrip()
        return above + (_broken_line(before, places, None, False, columns) if before else [])
    lines, start, lead = [], 0, ""
    while len(lead) + len(line) - start > columns:
        fitting = [(-depth, place) for place, depth in places if start < place <= start + columns - len(lead)]
        if not fitting:
            break
        place = max(fitting)[1]  # the last one within the fewest brackets
        lines.append((lead + line[start:place]).rstrip())
        start, lead = place + len(line[place:]) - len(line[place:].lstrip()), indent + 8 * " "
    return [*lines, lead + line[start:]]


SHOW = (
    "const box = this.closest('.frames'), pictures = [...box.querySelectorAll('img')];"
    "pictures.forEach((picture, k) => picture.hidden = k != this.value);"
    "const value = pictures[this.value].dataset.value;"
    "box.querySelector('output').value = value; this.setAttribute('aria-valuetext', value);"
)
PLAY = (
    "const slider = this.closest('.frames').querySelector('input');"
    "const step = () => { slider.value = slider.value == slider.max ? 0 : +slider.value + 1;"
    " slider.dispatchEvent(new Event('input')); };"
    "if (matchMedia('(prefers-reduced-motion: reduce)').matches) step();"
    "else if (this.timer) { clearInterval(this.timer); this.timer = 0; this.textContent = 'Play'; }"
    "else { step(); this.timer = setInterval(step, 700); this.textContent = 'Pause'; }"
)


@dataclass(frozen=True)
class Slider:
    """Figures of several runs, one of which is shown: a slider, or the arrow keys on it, chooses the run.

    All of them are in the notebook, so that nothing is computed or loaded when it is read. A button plays them one
    after the other; where the reader's system asks for less motion, it goes on by one.

    Attributes:
        name: Name of what the slider sets.
        frames: A figure for each of its values, in order; the first is shown at first.
        says: What a figure shows, for those who do not see it; the name and the value are added.
        pictures: Whether they are pictures, whose colours stay on a dark page.
    """

    name: str
    frames: "Mapping[str, Figure]"
    says: str
    pictures: bool = False

    def _repr_html_(self) -> str:
        pictures = []
        for k, (value, figure) in enumerate(self.frames.items()):
            file = io.BytesIO()
            figure.savefig(file, format="png", dpi=110)
            data = base64.b64encode(file.getvalue()).decode("ascii")
            alt = escape(f"{self.says}; {self.name} {value}")
            more = ' class="picture"' * self.pictures + " hidden" * (k > 0)
            pictures.append(f'<img src="data:image/png;base64,{data}" alt="{alt}" data-value="{escape(value)}"{more}>')
        first, last = escape(next(iter(self.frames))), len(self.frames) - 1
        return (
            f'<div class="frames">{"".join(pictures)}<p><label>{escape(self.name)} '
            f'<input type="range" min="0" max="{last}" value="0" aria-valuetext="{first}" oninput="{escape(SHOW)}">'
            f'</label> <output>{first}</output> <button type="button" onclick="{escape(PLAY)}">Play</button></p></div>'
        )
