"""Code shown in a notebook is the code that runs."""

import inspect
import textwrap

import pytest

from sfumato import Dense
from sfumato.layers.sigmoid import sigmoid
from sfumato.notebook import source


def test_a_method_is_shown_without_its_indentation_and_with_its_place() -> None:
    shown = source(Dense.forward)
    assert shown.code.startswith("def forward(self, params")
    assert textwrap.indent(shown.code, "    ") in inspect.getsource(Dense)
    file, line = shown.place.split(", line ")
    assert file == "sfumato/layers/dense.py"
    lines = inspect.getsource(inspect.getmodule(Dense) or Dense).splitlines()
    assert lines[int(line) - 1].startswith("    def forward(self, params")


def test_a_notebook_gets_it_highlighted_and_a_terminal_as_it_is() -> None:
    shown = source(sigmoid)
    assert shown._repr_markdown_() == f"`{shown.place}`\n\n```python\n{shown.code}\n```"
    assert repr(shown) == f"# {shown.place}\n{shown.code}"


def test_code_of_ones_own_is_shown_with_its_whole_path() -> None:
    assert source(test_code_of_ones_own_is_shown_with_its_whole_path).place.startswith(__file__)


def test_what_has_no_source_is_refused() -> None:
    with pytest.raises(TypeError):
        source(len)
