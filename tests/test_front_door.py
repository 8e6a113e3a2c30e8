"""What `import sfumato` gives: everything public, and nothing that takes long to import."""

import subprocess
import sys
from types import ModuleType

import pytest

import sfumato


def test_importing_takes_none_of_the_large_libraries() -> None:
    code = "import sfumato, sys; print(*{'torch', 'pandas', 'matplotlib', 'PIL', 'sklearn'}.intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_dir_shows_is_what_is_public() -> None:
    assert dir(sfumato) == sorted({*sfumato.__all__, *sfumato.PACKAGES, "__version__"})


@pytest.mark.parametrize("name", sfumato.__all__)
def test_every_public_name_is_there(name: str) -> None:
    found = getattr(sfumato, name)
    assert not isinstance(found, ModuleType)


ALONE = """
import sys
for name in sys.argv[1:]:
    for loaded in [module for module in sys.modules if module.partition(".")[0] == "sfumato"]:
        del sys.modules[loaded]
    import sfumato
    print(getattr(sfumato, name).__name__)
"""
"""Imports the package anew before each name: nothing of it is left from the one before."""


def test_every_public_package_is_there_after_importing_sfumato_alone() -> None:
    command = [sys.executable, "-c", ALONE, *sfumato.PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"sfumato.{name}" for name in sfumato.PACKAGES]


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sfumato' has no attribute 'fti'"):
        sfumato.fti  # noqa: B018
