"""`sfumato studio` as a command; the page that it serves is tested in tests/studio."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


def test_no_other_command_waits_for_what_the_studio_imports() -> None:
    code = "import sys, sfumato.cli; print({'starlette', 'uvicorn', 'websockets', 'anyio'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--folder", "file"], "this folder cannot be written to"),
        (["--folder", "file/below"], "file"),
        (["--host", "0.0.0.0"], "--allow-host"),
        (["--host", "203.0.113.1", "--allow-host", "name", "--folder", "kept"], "203.0.113.1 cannot be listened on"),
        (["--port", "70000"], "--port"),
        (["--lesson", "xro"], "no lesson is called 'xro': use one of straight-line, xor, triangle, "),
        (["--lesson", "xro"], "did you mean 'xor'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_address_or_folder_that_cannot_be_had_is_refused(
    arguments: list[str], reason: str, here: Call, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    status, out, err = here("studio", "--no-browser", *arguments)
    assert (status, out) == (2, "")
    assert reason in err.splitlines()[-1]


def test_a_folder_of_other_things_is_refused_and_left_as_it_was(here: Call, tmp_path: Path) -> None:
    (tmp_path / "own" / "pictures").mkdir(parents=True)
    (tmp_path / "own" / "pictures" / "holiday.jpg").write_bytes(b"mine")
    before = (tmp_path / "own").stat().st_mode
    status, out, err = here("studio", "--no-browser", "--folder", "own")
    assert (status, out) == (2, "")
    assert "holds other things, and no studio; name an empty or a new folder (--folder)" in err
    assert [path.name for path in (tmp_path / "own").rglob("*")] == ["pictures", "holiday.jpg"]
    assert (tmp_path / "own").stat().st_mode == before
