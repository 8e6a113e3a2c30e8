"""Diagrams of the course: each is readable by machines and by people, and is where it explains something."""

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from PIL import ImageFont

from diagrams import DIAGRAMS
from diagrams.drawing import SMALL, Label, plain

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {page: page.read_text(encoding="utf-8") for page in [*DOCS.glob("*.md"), *DOCS.glob("chapters/*.md")]}
# Wider than the fonts that browsers take for the page's
FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def extent(label: Label) -> tuple[float, float, float, float]:
    """The left, top, right and lower edge of a text."""
    width = ImageFont.truetype(str(FONT), 100).getlength(plain(label.text)) * label.size / 100
    left = label.x - {"start": 0, "middle": width / 2, "end": width}[label.anchor]
    return left, label.y - 0.4 * label.size, left + width, label.y + 0.4 * label.size


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_is_an_image_with_a_title(name: str) -> None:
    root = ElementTree.fromstring(DIAGRAMS[name]().to_svg())
    assert root.attrib["role"] == "img"
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None and title.text and len(title.text) > 20


@pytest.mark.parametrize("name", DIAGRAMS)
def test_its_texts_are_legible_on_a_telephone_and_keep_clear_of_each_other(name: str) -> None:
    drawing = DIAGRAMS[name]()
    assert drawing.width <= 380
    assert min(label.size for label in drawing.labels) >= SMALL > 11
    for label in drawing.labels:
        left, top, right, low = extent(label)
        assert left >= 0 and top >= 0 and right <= drawing.width and low <= drawing.height, label
    for one, other in combinations(drawing.labels, 2):
        a, b = extent(one), extent(other)
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (one, other)


@pytest.mark.parametrize("name", DIAGRAMS)
def test_its_file_is_what_the_module_draws_and_a_page_shows_it_by_its_title(name: str) -> None:
    drawing = DIAGRAMS[name]()
    file = DOCS / "images" / "diagrams" / f"{name}.svg"
    assert file.read_text(encoding="utf-8") == drawing.to_svg(), "run python -m diagrams in docs"
    shown = [
        found[1] for text in PAGES.values() for found in re.finditer(rf"!\[(.*?)\]\(\S*diagrams/{name}\.svg\)", text)
    ]
    assert shown and set(shown) == {drawing.title}
