"""Elements of all figures: colours, escaped names, and PNG files."""

import io
import warnings
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#33658a", "#d1495b", "#6c757d"
CLASS_COLOURS = (BLUE, ORANGE, "#2e933c", "#b7791f", "#7d5ba6", "#00798c", "#7a5138", "#d45fb5", "#7f7f7f", "#111111")
"""For lines and points: each has a contrast of 3 to 1 at least with a white ground."""


def to_png(figure: Figure) -> bytes:
    """Return the content of a PNG file of the figure, at 150 dots an inch."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a letter that the font lacks is drawn as a box, and no more
        figure.savefig(buffer, format="png", dpi=150, facecolor="white")
    return buffer.getvalue()


def figure_of(
    width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained"
) -> tuple[Figure, Axes]:
    """Make a figure of one pair of axes, with its size in inches."""
    figure = Figure(figsize=(width, height), layout=layout)
    axes = figure.add_subplot()
    return figure, axes


def literal(name: str) -> str:
    """Escape a name for matplotlib: a dollar begins mathematics, an underscore in front hides it from the legend."""
    return (" " + name if name.startswith("_") else name).replace("$", r"\$")
