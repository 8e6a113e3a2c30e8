"""A downloaded chapter runs by itself, with its solutions closed and no link that leads nowhere."""

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from scripts.portable_notebooks import portable, without_site


def code(source: str, *tags: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": [source], "outputs": []}


def test_the_files_that_a_chapter_reads_come_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reads = 'print(Path("results/part4.csv").read_text(), Path("../../examples/data/spiral.csv").stat().st_size)'
    cells = portable({"cells": [code(reads)]})["cells"]
    assert len(cells) == 2
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    printed = io.StringIO()
    with redirect_stdout(printed):
        for cell in cells:
            exec("".join(cell["source"]), {"Path": Path})
    assert Path.cwd().is_relative_to(tmp_path)
    assert "gradient" in printed.getvalue()


def test_a_folder_of_pictures_comes_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    reads = code('found = list(Path("../images/chapter-11").iterdir())')
    cells = portable({"cells": [reads]})["cells"]
    namespace: dict[str, Any] = {"Path": Path}
    for cell in cells:
        exec("".join(cell["source"]), namespace)
    assert {"ratio-2.jpg", "texture-0.jpg"} < {path.name for path in namespace["found"]}


def test_a_chapter_without_files_gets_no_cell() -> None:
    assert len(portable({"cells": [code("1 + 1")]})["cells"]) == 1


def test_solutions_are_closed_and_other_cells_are_not() -> None:
    solution, plot, plain = portable({"cells": [code("1", "hide-cell"), code("2", "hide-input"), code("3")]})["cells"]
    assert solution["metadata"]["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
    assert plot["metadata"]["jupyter"] == {"source_hidden": True}
    assert "jupyter" not in plain["metadata"]


def test_links_lead_to_notebooks_or_are_text() -> None:
    text = without_site(
        "{nb-download}`Download this chapter as a notebook <01-x.ipynb>`\n\n"
        "[one](02-one-hidden-layer.md) [part](03-l-layers.md#part) [errata](../errata.md#x) [below](#here) "
        "[paper](https://example.org) {term}`unit` {term}`units <unit>` ![drawn](attachment:unit.svg)"
    )
    assert text.split("\n\n")[1] == (
        "[one](02-one-hidden-layer.ipynb) [part](03-l-layers.ipynb#part) errata [below](#here) "
        "[paper](https://example.org) unit units ![drawn](attachment:unit.svg)"
    )
    assert "nb-download" not in text


def test_entries_of_the_index_are_left_out() -> None:
    assert without_site("## Adam\n\n```{index} Adam, warm-up\n```\n\nIt is") == "## Adam\n\nIt is"
