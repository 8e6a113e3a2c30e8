"""`sfumato info`, and what the program says of itself."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sfumato as package
from sfumato.cli import app
from sfumato.cli.speeds import JOBS
from sfumato.data import NAMES
from sfumato.engine import NUMPY, Engine
from sfumato.pictures.builtin import BUILTIN_STYLES
from sfumato.sound.builtin import BUILTIN_SOUNDS
from sfumato.sound.presets import PRESETS as SOUND_PRESETS
from sfumato.style.presets import PRESETS

Call = Callable[..., Any]


QUICK = """
from sfumato.cli import main, speeds
speeds.EDGE, speeds.MOST_SECONDS = 32, 0.0
main()
"""
"""The program where it measures with a small picture, and no more often than it must."""


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured: each engine is said to take a millisecond."""

    def told(engines: list[Engine]) -> dict[str, dict[str, Any]]:
        times = {str(engine): 1.0 for engine in engines}
        return {
            job: {"milliseconds": times, "fastest": str(NUMPY), "command": command}
            for job, (command, _) in JOBS.items()
        }

    monkeypatch.setattr("sfumato.cli.speeds.measure", told)


COMMANDS = [str(command.name) for command in app.registered_commands]
"""All commands, as the program itself knows them."""


def test_info_says_what_is_installed_and_would_be_used() -> None:
    command = [sys.executable, "-c", QUICK, "info", "--json"]
    informed = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    values = json.loads(informed.stdout)
    assert informed.returncode == 0
    assert all(line.startswith("compiling kernels") for line in informed.stderr.splitlines())  # in a first run
    assert values["sfumato"] == package.__version__
    assert values["python"] == platform.python_version()
    assert values["numpy"] == np.__version__
    assert values["processors"] == os.cpu_count()
    assert values["data"] == list(NAMES)
    assert values["vgg_weights"] == "vgg19 is built in"
    assert {"numpy on cpu in float32", "torch on cpu in float32"} <= {*values["engines"]}
    for found in values["fastest"].values():
        times = found["milliseconds"]
        assert {*times} == {*values["engines"]}
        assert times[found["fastest"]] == min(times.values())
        backend, _, rest = found["fastest"].partition(" on ")
        assert f"--backend {backend}" in found["command"]
        assert ("--precision" in found["command"]) == (not rest.endswith("float32"))
    assert {"scipy", "scikit_learn", "platform", "memory_gib", "blas", "instructions", "auto"} <= values.keys()


@pytest.mark.usefixtures("measured")
def test_info_counts_the_threads_that_it_is_given(here: Call, tmp_path: Path) -> None:
    assert json.loads(here("info", "--json", "--threads", "1").out)["threads"] == 1
    status, out, _ = here("info", "-o", "info.txt")
    assert status == 0
    assert (tmp_path / "info.txt").read_text(encoding="utf-8") == out
    assert f"sfumato          {package.__version__}" in out


@pytest.mark.usefixtures("measured")
def test_info_lists_built_in_styles_and_presets(here: Call) -> None:
    values = json.loads(here("info", "--json").out)
    assert values["styles"] == {f"sfumato:{name}": what for name, what in BUILTIN_STYLES.items()}
    assert values["presets"] == {name: preset.purpose for name, preset in PRESETS.items()}
    assert values["sounds"] == {f"sound:{name}": what for name, what in BUILTIN_SOUNDS.items()}
    assert values["presets_of_sound"] == {name: preset.purpose for name, preset in SOUND_PRESETS.items()}
    text = here("info").out
    assert all(f"sfumato:{name} " in text for name in BUILTIN_STYLES)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples_and_the_common_options(command: str, here: Call) -> None:
    for option in ("--help", "-h"):
        status, out, err = here(command, option)
        assert (status, err) == (0, "")
        assert "Examples:" in out
        assert out.count(f"sfumato {command} ") > 1
        for common in ("--out", "--overwrite", "--json", "--quiet", "--verbose", "--threads"):
            assert common in out or command == "studio"  # which has no answer, and writes into its own folder


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_program_alone_lists_its_commands(arguments: list[str], sfumato: Call) -> None:
    status, out, err = sfumato(*arguments)
    assert (status, err) == (0, "")
    assert len(COMMANDS) >= 9
    for command in COMMANDS:
        assert f"│ {command} " in out
