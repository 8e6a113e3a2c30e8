"""Diagrams of the course as SVG: `python -m diagrams`, called in `docs`, writes them into `images/diagrams`."""

from collections.abc import Callable

from diagrams import beginning, functions, learning, networks, pictures, styles
from diagrams.drawing import Drawing

DIAGRAMS: dict[str, Callable[[], Drawing]] = {
    draw.__name__.replace("_", "-"): draw
    for module in (beginning, networks, functions, learning, pictures, styles)
    for draw in module.DIAGRAMS
}
"""Every diagram by its name, which is that of its file."""
