"""What the documents promise: their code runs, their links lead somewhere, the help's defaults are the real ones."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfumato.cli.options import OutputOptions, ResumeOption
from sfumato.cli.style.options import (
    PictureFileOptions,
    PictureOptions,
    StyleObjectiveOptions,
    StyleRunOptions,
    VggOptions,
)
from sfumato.optimizers import OPTIMIZERS
from sfumato.training.settings import TrainingSettings

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted(ROOT.glob("docs/chapters/*.md"))
ENGINE_CHAPTERS = CHAPTERS[1:]
"""The first is for those who begin, and does without the engine."""
MODULES = sorted(ROOT.glob("src/sfumato/**/*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *CHAPTERS, *ROOT.glob("examples/**/*.md")])

RIDDLES = re.compile("(What|How|Which|Where|Who|Whose|Why|When|That|Those|These|It|They|As|Of) ")
"""Words at the head of a docstring that neither name a thing nor say what it does."""


@pytest.mark.parametrize(
    ("size", "steps"),
    [("size=64", "steps=2"), pytest.param("size=128", None, marks=pytest.mark.slow)],
    ids=["in little", "as it stands"],
)
def test_the_python_of_the_readme_runs(size: str, steps: str | None, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    shutil.copytree(ROOT / "examples" / "images", tmp_path / "examples" / "images")
    code = "\n".join(blocks)
    assert code.count("size=128") == 1
    code = code.replace("size=128", ", ".join(filter(None, (size, steps))))
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "relative difference" in run.stdout
    assert "Confusion matrix" in run.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cancer.safetensors", "examples", "mosaic.png"]


def test_the_coverage_page_counts_its_lines_and_leaves_no_cell_empty() -> None:
    text = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| What")]
    cells = [line.strip("|").split(" | ") for line in rows]
    assert all(len(row) == 4 and all(cell.strip() for cell in row) for row in cells)
    shares_in_words = r"Of the (\d+) lines below, (\d+) .*?, (\d+) .*?, (\d+) .*?, and (\d+) "
    counted = re.search(shares_in_words, " ".join(text.split()))
    assert counted
    total, *shares = map(int, counted.groups())
    assert len(rows) == total == sum(shares)


def test_the_python_of_the_style_guide_runs(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "style-transfer.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    for name, example in (("photo.jpg", "chelsea.jpg"), ("painting.jpg", "starry_night.jpg")):
        (tmp_path / name).write_bytes((ROOT / "examples" / "images" / example).read_bytes())
    code = "\n".join(blocks).replace("size=256", "size=64, steps=2")
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "(43, 64, 3)" in run.stdout
    assert re.search("relative difference .* right", run.stdout)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_to_files(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text)
    missing = [t for t in targets if "://" not in t and not (document.parent / t).exists()]
    assert not missing


def test_the_readme_names_every_option_of_train() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    groups: tuple[Any, ...] = (TrainingSettings, ResumeOption, OutputOptions)
    names = {name for group in groups for name in group.__dataclass_fields__} - {"as_json"}
    assert not [name for name in names | {"json"} if f"--{name.replace('_', '-')}" not in text]


def test_the_readme_names_every_option_of_style() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    groups: tuple[Any, ...] = (PictureOptions, StyleObjectiveOptions, VggOptions, StyleRunOptions, PictureFileOptions)
    names = {name for group in groups for name in group.__dataclass_fields__} - {"styles"}
    assert not [name for name in names | {"style"} if f"--{name.replace('_', '-')}" not in text]


def test_the_help_shows_the_learning_rates_that_are_used() -> None:
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    command = [sys.executable, "-c", "from sfumato.cli import main; main()", "train", "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    shown = " ".join(run.stdout.replace("│", " ").split())
    for name, kind in OPTIMIZERS.items():
        assert f"{name} {kind.learning_rate}" in shown


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_all_its_parts(chapter: Path) -> None:
    text = chapter.read_text(encoding="utf-8")
    parts = ["The question", "The experiment", "The gradient, checked", "Exercises", "References and further reading"]
    headings = re.findall(rf"^## ({'|'.join(parts)})", text, re.MULTILINE)
    assert set(headings) == set(parts)
    assert "$$" in text
    references = text.split("## References and further reading")[1]
    assert re.search(r"^- .*\b(19|20)\d\d, ", references, re.MULTILINE)
    assert "](../coverage.md#" in references
    exercises = text.split("## Exercises")[1]
    assert exercises.count(":tags: [hide-cell]") == len(re.findall(r"^\*\*\d\.", exercises, re.MULTILINE)) >= 3
    assert f"<{chapter.stem}.ipynb>" in text


@pytest.mark.parametrize("chapter", ENGINE_CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_shows_the_engine_and_checks_its_gradient(chapter: Path) -> None:
    text = chapter.read_text(encoding="utf-8")
    assert "source(" in text
    assert re.search(r"check_gradient\(|sfumato check", text)


def test_the_glossary_and_the_chapters_lead_to_each_other() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    entries = re.findall(r"^(\w.*)\n((?:  .*\n)+)", text.split("```{glossary}\n")[1], re.MULTILINE)
    assert len(entries) > 30
    for term, explanation in entries:
        chapter = re.search(r"\]\((chapters/[^)#]+)", explanation)
        assert chapter, term
        its_chapter = (ROOT / "docs" / chapter[1]).read_text(encoding="utf-8")
        assert re.search(rf"\{{term\}}`(?:[^`]+<)?{term}>?`", its_chapter), term


def check_links(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "check_links.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_links_that_lead_nowhere_and_loads_from_the_network_are_found(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "there.html").write_text('<p id="h%C3%A9">x</p><p id="h\u00e9">', encoding="utf-8")
    links = ["a%20b/there.html#h%C3%A9", "https://example.org/x", "#here", "mailto:x@example.org", "a%20b/there.html"]
    page = '<h1 id="here">x</h1>' + "".join(f'<a href="{link}">x</a>' for link in links)
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    run = check_links(tmp_path)
    assert (run.returncode, run.stderr) == (0, "")

    (tmp_path / "index.html").write_text(
        page + '<a href="#gone"></a><img src="gone.png"><script src="//cdn.example.org/x.js">', encoding="utf-8"
    )
    run = check_links(tmp_path)
    assert run.returncode == 1
    assert run.stdout.splitlines() == [
        "index.html: #gone leads nowhere",
        "index.html: //cdn.example.org/x.js is loaded from the network",
        "index.html: gone.png leads nowhere",
    ]


def test_links_of_a_folder_without_pages_are_not_called_right(tmp_path: Path) -> None:
    run = check_links(tmp_path / "missing")
    assert run.returncode == 1
    assert "no pages" in run.stdout


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The line of each docstring, those of constants and attributes among them, and its first line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for own in node.body:
                text = own.value.value if isinstance(own, ast.Expr) and isinstance(own.value, ast.Constant) else None
                if isinstance(text, str):
                    yield own.lineno, text.lstrip().partition("\n")[0]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_no_first_line_of_a_docstring_begins_with_a_relative_clause_or_a_pronoun(module: Path) -> None:
    found = docstrings(ast.parse(module.read_text(encoding="utf-8")))
    assert [(line, text) for line, text in found if RIDDLES.match(text)] == []
