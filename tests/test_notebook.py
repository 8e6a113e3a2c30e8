"""Code shown in a notebook is the code that runs."""

import ast
import inspect
import re
import textwrap
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import sfumato
from sfumato import Dense
from sfumato.layers.sigmoid import sigmoid
from sfumato.notebook import COLUMNS, Slider, broken, source


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
    assert shown._repr_markdown_() == f"`{shown.place}`\n\n```python\n{broken(shown.code)}\n```"
    assert repr(shown) == f"# {shown.place}\n{shown.code}"


def test_code_of_ones_own_is_shown_with_its_whole_path() -> None:
    assert source(test_code_of_ones_own_is_shown_with_its_whole_path).place.startswith(__file__)


def test_what_has_no_source_is_refused() -> None:
    with pytest.raises(TypeError):
        source(len)


@pytest.mark.parametrize(
    "module", sorted(Path(sfumato.__file__).parent.glob("layers/*.py")), ids=lambda path: path.stem
)
def test_lines_broken_for_a_page_do_what_they_did(module: Path) -> None:
    code = module.read_text(encoding="utf-8")
    shown = broken(code)
    same = [ast.dump(without_docstrings(ast.parse(text))) for text in (code, shown)]
    assert same[0] == same[1]
    assert not [line for line in shown.splitlines() if len(line) > COLUMNS and not re.search(" import |[\"']", line)]


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The code alone: broken lines change the spaces within texts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = " ".join(node.value.split())
    return tree


def test_a_long_line_is_broken_inside_brackets_and_its_comment_moves_above() -> None:
    line = "    total = add(first_of_many_arguments, second_of_many_arguments, third_of_many_arguments, 4)  # all four"
    assert broken(f"if True:\n{line}").splitlines()[1:] == [
        "    # all four",
        "    total = add(first_of_many_arguments, second_of_many_arguments,",
        "            third_of_many_arguments, 4)",
    ]


def test_a_paragraph_with_long_lines_is_broken_as_a_whole() -> None:
    sentence = " ".join(["Some words of a text that has been filled to a hundred and twenty columns"] * 4) + "."
    argument = "rate: " + " ".join(["A long explanation of what it is"] * 6) + "."
    comment = textwrap.fill(sentence, 116, initial_indent="    # ", subsequent_indent="    # ")
    equation = "a = b + " + " + ".join(["the rest of an equation"] * 4)
    code = f"""def f(rate):
    \"\"\"Do.

{textwrap.indent(textwrap.fill(sentence, 116), "    ")}

        {equation}
        c = d

    Args:
{textwrap.indent(textwrap.fill(argument, 108, subsequent_indent="    "), "        ")}
        more: Short.
    \"\"\"
{comment}
    return rate
"""
    assert [line for line in code.splitlines() if len(line) > COLUMNS]
    shown = broken(code)
    assert textwrap.indent(textwrap.fill(sentence, COLUMNS - 4), "    ") + "\n\n        a = b" in shown
    assert (
        textwrap.fill(equation, COLUMNS, initial_indent=8 * " ", subsequent_indent=12 * " ") + "\n        c = d\n"
        in shown
    )
    indented = textwrap.fill(argument, COLUMNS, initial_indent=8 * " ", subsequent_indent=12 * " ")
    assert f"    Args:\n{indented}\n        more: Short.\n" in shown
    assert textwrap.fill(sentence, COLUMNS, initial_indent="    # ", subsequent_indent="    # ") in shown


def test_of_the_figures_on_a_slider_the_first_is_shown_and_each_says_its_value() -> None:
    shown = Slider("rate", {"0.1": Figure((1, 1)), "<1>": Figure((1, 1))}, "A curve")._repr_html_()
    pictures = re.findall(r"<img [^>]*>", shown)
    assert ["hidden" in picture for picture in pictures] == [False, True]
    assert [re.findall('alt="(.*?)"', picture) for picture in pictures] == [
        ["A curve; rate 0.1"],
        ["A curve; rate &lt;1&gt;"],
    ]
    assert re.search(r"<label>rate <input [^>]*max=.1.", shown)
