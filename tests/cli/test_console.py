"""What reaches a terminal: text, and nothing that moves its cursor or changes its title."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console as RichConsole

from sfumato.cli.console import Console, visible

ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b1m\x7f\u202e"
SEEN = r"\x1b]0;title\x07\x1b[2J\x9b1m\x7f\u202e"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_control_characters_are_written_out_and_ends_of_lines_are_not() -> None:
    assert visible(f"a\tb\n{ESCAPES}é\r") == f"a\tb\n{SEEN}é\\r"


def test_results_are_visible_on_a_terminal_and_exact_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, seen in ((Terminal(), SEEN), (io.StringIO(), ESCAPES)):
        monkeypatch.setattr(sys, "stdout", stream)
        Console().result(ESCAPES, {})
        assert stream.getvalue() == f"{seen}\n"


def test_messages_are_visible_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        Console().note(ESCAPES)
        assert stream.getvalue() == f"{SEEN}\n"


def test_progress_shows_brackets_and_control_characters_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(
        "sfumato.cli.console.RichConsole",
        lambda **_: RichConsole(file=terminal, force_terminal=True, width=150, color_system=None),
    )
    with Console().progress() as progress:
        progress.show("first look", f"[/b]{ESCAPES}[red]", done=0.5, seconds=1.0)
        assert progress.bar
        progress.bar.refresh()
    assert f"[/b]{SEEN}[red]" in terminal.getvalue()
    assert "]0;title\x07" not in terminal.getvalue()


def test_names_from_a_table_reach_messages_written_out_and_files_exactly(
    here: Callable[..., Any], flowers: str, blank_figures: None, tmp_path: Path
) -> None:
    (tmp_path / "flowers.csv").write_text(
        flowers.replace("rose", "r\x1b[2J").replace("age", "a\x1bge"), encoding="utf-8"
    )
    assert here("train", "flowers.csv", "-o", "run", "--epochs", "1").status == 0
    done = here("evaluate", "run", "flowers.csv", "--json", "-o", "report.json")
    assert json.loads(done.out) == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert "r\x1b[2J" in here("predict", "run", "flowers.csv").out + (tmp_path / "report.json").read_text().replace(
        "\\u001b", "\x1b"
    )
    assert r", a\x1bge," in here("train", "flowers.csv", "--target", "nothing").err
