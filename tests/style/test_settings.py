"""Settings that are said once: options, docstring and the README's table come from their fields."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sfumato import InputError
from sfumato.cli.style.options import (
    PictureOptions,
    StyleObjectiveOptions,
    StyleRunOptions,
    VggOptions,
    options_table,
)
from sfumato.engine import Engine, has_numba
from sfumato.style.settings import StyleSettings

ROOT = Path(__file__).parent.parent.parent


def test_every_setting_has_an_option_but_the_engine_which_has_three() -> None:
    groups = (PictureOptions, StyleObjectiveOptions, VggOptions, StyleRunOptions)
    options = {name for group in groups for name in group.__annotations__}
    assert {setting.name for setting in fields(StyleSettings)} - options == {"engine"}


def test_the_table_in_the_readme_is_that_of_the_fields() -> None:
    assert options_table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_docstring_tells_of_every_setting() -> None:
    told = str(StyleSettings.__doc__)
    for setting in fields(StyleSettings):
        assert f"    {setting.name}: " in told
        assert " ".join(told.split()).count(setting.metadata["python"]) == 1
    assert max(map(len, told.splitlines())) <= 120


@pytest.mark.parametrize("asked", [None, "numpy", "numpy/float32", Engine()])
def test_an_engine_is_named_or_given(asked: Engine | str | None) -> None:
    assert StyleSettings(engine=asked).chosen_engine().precision == "float32"


@pytest.mark.parametrize(
    ("asked", "said"),
    [("jax", "no backend is called 'jax'"), ("numpy/float64", "no precision 'float64'"), ("numpy:cuda", "numpy")],
)
def test_an_engine_that_there_is_not(asked: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        StyleSettings(engine=asked).chosen_engine()


@pytest.mark.skipif(not has_numba(), reason="the extra `fast` is not installed")
@pytest.mark.parametrize(
    ("changes", "backend"),
    [
        ({"size": 512, "steps": 100}, "numba"),
        ({"size": "full"}, "numba"),
        ({"size": 64, "steps": 10}, "numpy"),
        ({"size": 512, "steps": 100, "memory": "300MB"}, "numpy"),
        ({"size": 64, "steps": 10, "engine": "numba"}, "numba"),
    ],
)
def test_long_paintings_with_room_take_compiled_loops(changes: dict[str, Any], backend: str) -> None:
    engine = StyleSettings(**changes).chosen_engine()
    assert engine.backend == backend or engine.device != "cpu"
