"""Shapes that the diagrams are made of: lines, circles, boxes, cells and text, in colours of the page's theme.

Sizes are those on a telephone, where a diagram is as wide as it says, 380 at most; on a desk it is shown larger.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

STYLE = Path(__file__).parents[1] / "_static" / "diagrams.css"
ENLARGED = 1.35
"""Times its size at which a diagram is shown where there is room."""
SMALL = 11.5
"""Size of the smallest text, in pixels on a telephone."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Label:
    """A text and the place where it stands: x by its anchor, y in its middle."""

    x: float
    y: float
    text: str
    size: float
    anchor: str


@dataclass
class Drawing:
    """A picture in the making.

    Attributes:
        title: What is to be seen, for those who do not see it.
        width: Width in pixels on a telephone, at most 380.
        height: Height in the same.
        labels: All texts so far.
        elements: All elements so far, as SVG.
    """

    title: str
    width: float
    height: float
    labels: list[Label] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)

    def line(
        self,
        start: Point,
        end: Point,
        colour: str = "ink",
        width: float = 1.4,
        dashed: bool = False,
        arrow: bool = False,
    ) -> None:
        """Draw a straight line, with an arrow's head at its end if asked for."""
        if arrow:
            angle = math.atan2(end[1] - start[1], end[0] - start[0])
            sides = [(end[0] - 8 * math.cos(angle + turn), end[1] - 8 * math.sin(angle + turn)) for turn in (0.4, -0.4)]
            self.area([end, *sides], colour, opacity=1)
            end = (end[0] - 6 * math.cos(angle), end[1] - 6 * math.sin(angle))
        self.curve([start, end], colour, width, dashed)

    def curve(self, points: Sequence[Point], colour: str = "ink", width: float = 1.8, dashed: bool = False) -> None:
        """Draw a line through points."""
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        style = f"fill:none;stroke:var(--{colour});stroke-width:{width:g};stroke-linejoin:round"
        self.elements.append(f'<polyline points="{_joined(points)}" style="{style}"{dashes}/>')

    def area(self, points: Sequence[Point], colour: str, opacity: float = 0.2) -> None:
        """Fill a polygon."""
        self.elements.append(
            f'<polygon points="{_joined(points)}" style="fill:var(--{colour});fill-opacity:{opacity:g}"/>'
        )

    def circle(
        self, centre: Point, radius: float, colour: str = "ink", opacity: float = 0.0, dashed: bool = False
    ) -> None:
        """Draw a circle, filled with its own colour to some degree."""
        self.ellipse(centre, radius, radius, colour, opacity, dashed)

    def ellipse(
        self, centre: Point, across: float, down: float, colour: str = "ink", opacity: float = 0.0, dashed: bool = False
    ) -> None:
        """Draw an ellipse by its two radii."""
        dashes = ' stroke-dasharray="4 3"' if dashed else ""
        place = f'cx="{centre[0]:.4g}" cy="{centre[1]:.4g}" rx="{across:.4g}" ry="{down:.4g}"'
        self.elements.append(f'<ellipse {place} style="{_outline(colour, opacity)}"{dashes}/>')

    def box(
        self,
        corner: Point,
        width: float,
        height: float,
        colour: str = "ink",
        opacity: float = 0.0,
        dashed: bool = False,
    ) -> None:
        """Draw a rectangle from its upper left corner."""
        dashes = ' stroke-dasharray="4 3"' if dashed else ""
        place = f'x="{corner[0]:.4g}" y="{corner[1]:.4g}" width="{width:.4g}" height="{height:.4g}" rx="2"'
        self.elements.append(f'<rect {place} style="{_outline(colour, opacity)}"{dashes}/>')

    def text(
        self, x: float, y: float, text: str, colour: str = "ink", size: float = 13, anchor: str = "middle"
    ) -> None:
        """Write a text: `_{..}` is set lower, `^{..}` higher, and `*..*` slanted, as mathematics is."""
        self.labels.append(Label(x, y, text, size, anchor))
        style = f"fill:var(--{colour});font-size:{size:g}px;text-anchor:{anchor}"
        self.elements.append(f'<text x="{x:.4g}" y="{y + 0.35 * size:.4g}" style="{style}">{_spans(text, size)}</text>')

    def grid(
        self, corner: Point, rows: int, columns: int, cell: float, colour: str = "ink", opacity: float = 0.0
    ) -> None:
        """Draw cells in rows and columns, as of a matrix or of pixels."""
        for row in range(rows):
            for column in range(columns):
                self.box((corner[0] + column * cell, corner[1] + row * cell), cell, cell, colour, opacity)

    def numbers(self, corner: Point, values: Sequence[Sequence[object]], cell: float, colour: str = "ink") -> None:
        """Write a number into each cell of such a grid."""
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                x, y = corner[0] + (column + 0.5) * cell, corner[1] + (row + 0.5) * cell
                self.text(x, y, str(value), colour, SMALL)

    def to_svg(self) -> str:
        """Return the whole picture, with the colours of a light and of a dark page."""
        size = f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width * ENLARGED:g}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" role="img" {size}>',
                f"<title>{escape(self.title)}</title>",
                f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>",
                *self.elements,
                "</svg>\n",
            ]
        )


@dataclass(frozen=True)
class Plane:
    """A pair of axes in a rectangle of a drawing: `at` is where a point of the plane lies on it."""

    drawing: Drawing
    corner: Point
    size: Point
    across: Point
    up: Point

    def at(self, x: float, y: float) -> Point:
        """Return the place of a point of the plane in the drawing."""
        right = (x - self.across[0]) / (self.across[1] - self.across[0])
        above = (y - self.up[0]) / (self.up[1] - self.up[0])
        return self.corner[0] + right * self.size[0], self.corner[1] + (1 - above) * self.size[1]

    def axes(self, across: str = "", up: str = "", origin: Point | None = None) -> None:
        """Draw both axes through a point, by default through the lower left corner, with their names."""
        x, y = origin or (self.across[0], self.up[0])
        self.drawing.line(self.at(self.across[0], y), self.at(self.across[1], y), "faint", 1, arrow=True)
        self.drawing.line(self.at(x, self.up[0]), self.at(x, self.up[1]), "faint", 1, arrow=True)
        if across:
            end, below = self.at(self.across[1], y)
            self.drawing.text(end, below + 11, across, "faint", SMALL, "end")
        if up:
            left, top = self.at(x, self.up[1])
            self.drawing.text(left + 7, top + 4, up, "faint", SMALL, "start")

    def graph(
        self, function: Callable[[float], float], colour: str = "blue", ends: Point | None = None, dashed: bool = False
    ) -> None:
        """Draw the graph of a function, as far as the plane reaches."""
        low, high = ends or self.across
        xs = [low + (high - low) * i / 80 for i in range(81)]
        points = [self.at(x, y) for x in xs if self.up[0] <= (y := function(x)) <= self.up[1]]
        self.drawing.curve(points, colour, 2, dashed)


def _joined(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.4g},{y:.4g}" for x, y in points)


def _outline(colour: str, opacity: float) -> str:
    return f"stroke:var(--{colour});stroke-width:1.4;fill:var(--{colour});fill-opacity:{opacity:g}"


def plain(text: str) -> str:
    """Return a text without the marks of mathematics."""
    return re.sub(r"[_^]\{(.*?)\}|\*(.*?)\*", lambda found: found[1] or found[2], text)


def _spans(text: str, size: float) -> str:
    """Return a text as SVG; what stands lower or higher is a span of its own, and the next one goes back."""
    parts = re.split(r"([_^]\{.*?\}|\*.*?\*)", text)
    spans, back = [], 0.0
    for part in filter(None, parts):
        shift, style, shown = 0.0, "", part
        if part[:2] in ("_{", "^{"):
            shift, style, shown = (
                size * (0.25 if part[0] == "_" else -0.35),
                f"font-size:{0.8 * size:.3g}px",
                part[2:-1],
            )
        elif len(part) > 2 and part[0] == part[-1] == "*":
            style, shown = "font-style:italic", part[1:-1]
        spans.append(f'<tspan dy="{shift - back:.3g}" style="{style}">{escape(shown)}</tspan>')
        back = shift
    return "".join(spans)
