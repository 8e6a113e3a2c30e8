"""Elements of a notebook: the engine's source code beside the derivation, and figures on a slider."""

import base64
import inspect
import io
import re
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


ITEM = r"([\w*]+(, [\w*]+)*:|[\w\[\], /]{1,16} +=) "
"""Beginning of a line of a docstring that is about an argument or an equation; what follows is set in."""


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
    in. A comment moves above its line; long lines of comments and of docstrings are broken between words, and what is
    left of one goes on in the next line of its paragraph. A line with no such place stays long.

    Args:
        code: Whole statements of Python.
        columns: Length of the longest line.
    """
    texts, whole = _texts_and_comments(code)
    code = "\n".join(_flowing(code.split("\n"), texts, whole, columns))
    lines = code.split("\n")
    places: dict[int, list[tuple[int, int]]] = {}
    comments: dict[int, int] = {}
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        (row, start), end = token.start, token.end[1]
        depth += (token.string in "([{" and token.type == tokenize.OP) - (
            token.string in ")]}" and token.type == tokenize.OP
        )
        if token.type == tokenize.COMMENT:
            comments[row] = start
        elif depth and token.string in ("and", "or", "if", "else", "for", "+"):
            places.setdefault(row, []).append((start, depth))
        elif depth and token.type == tokenize.OP and token.string in (",", "(", "["):
            places.setdefault(row, []).append((end, depth))
    return "\n".join(
        shown
        for row, line in enumerate(lines, 1)
        for shown in _broken_line(line, places.get(row, []), comments.get(row), columns)
    )


def _texts_and_comments(code: str) -> tuple[set[int], set[int]]:
    """Return the numbers of the lines, from 1, that are in docstrings, and of those that are a comment and no more."""
    texts: set[int] = set()
    whole: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        (row, start), last = token.start, token.end[0]
        if token.type == tokenize.STRING and (last > row or token.line.lstrip().startswith('"""')):
            texts.update(range(row, last + 1))
        elif token.type == tokenize.COMMENT and not token.line[:start].strip():
            whole.add(row)
    return texts, whole


def _flowing(lines: list[str], texts: set[int], comments: set[int], columns: int) -> list[str]:
    """Break long lines of prose between words; what is left of one begins the next line of its paragraph."""
    waiting = dict(enumerate(lines, 1))
    shown = []
    for row in range(1, len(lines) + 1):
        line = waiting[row]
        kind = next((kind for kind in (texts, comments) if row in kind), None)
        if kind is None or len(line) <= columns:
            shown.append(line)
            continue
        lead, item = line[: len(line) - len(line.lstrip())], ITEM
        if kind is comments:
            lead, item = lead + "# ", "(?!)"  # none
        following = waiting.get(row + 1, "") if row + 1 in kind else ""
        after = re.match(rf"{lead}( {{4}})?(?=[^\s>-])(?!\"{{3}}|{item})", following)
        hanging = after[0] if after else lead + 4 * " " * bool(re.match(item, line.removeprefix(lead)))
        parts = textwrap.wrap(
            line.removeprefix(lead),
            columns,
            initial_indent=lead,
            subsequent_indent=hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        if after and len(parts) > 1:
            waiting[row + 1] = f"{parts.pop()} {following[after.end() :]}"
        shown += parts
    return shown


def _broken_line(line: str, places: list[tuple[int, int]], comment: int | None, columns: int) -> list[str]:
    """Return the lines that a line becomes; a place is a column before which it may be broken, and its depth."""
    indent = " " * (len(line) - len(line.lstrip()))
    if len(line) <= columns:
        return [line]
    if comment is not None:
        words = textwrap.wrap(line[comment + 1 :].strip(), columns - len(indent) - 2, break_long_words=False)
        above = [f"{indent}# {part}" for part in words]
        before = line[:comment].rstrip()
        return above + (_broken_line(before, places, None, columns) if before else [])
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
