"""`sfumato evaluate --html`: the page from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


@pytest.fixture
def data(trained: Path) -> str:
    return str(trained.parent / "flowers.csv")


def test_the_page_is_written_beside_the_text(trained: Path, data: str, here: Call, tmp_path: Path) -> None:
    plain = here("evaluate", str(trained), data)
    status, out, err = here("evaluate", str(trained), data, "--html", "page.html")
    assert (status, out, err) == plain
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "tulip" in page
    values = json.loads(here("evaluate", str(trained), data, "--json").out)
    assert set(values) == {
        *("loss", "accuracy", "examples", "report"),
        *("roc_area", "average_precision", "calibration_error"),
        *("backend", "device", "precision"),
    }
    assert f"{values['accuracy']:.4f}" in page
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_page_that_cannot_be_written(
    trained: Path, data: str, refused: Callable[..., str], here: Call, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("old", encoding="utf-8")
    assert "page.html: exists already" in refused("evaluate", str(trained), data, "--html", "page.html")
    assert "there is no folder" in refused("evaluate", str(trained), data, "--html", "none/page.html")
    assert here("evaluate", str(trained), data, "--html", "page.html", "--overwrite", "--quiet").status == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8") != "old"


def test_a_full_disk_leaves_the_old_page(trained: Path, data: str, on_a_full_disk: Call, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old", encoding="utf-8")
    arguments = ["evaluate", str(trained), data, "--html", "page.html", "--overwrite"]
    done = on_a_full_disk(20_000, *arguments)
    assert done.returncode == 2
    assert "page.html" in done.stderr
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "old"
