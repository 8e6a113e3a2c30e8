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


@pytest.mark.parametrize("name", sfumato.PACKAGES)
def test_every_public_package_is_there_after_importing_sfumato_alone(name: str) -> None:
    code = f"import sfumato; print(sfumato.{name}.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"sfumato.{name}\n"


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sfumato' has no attribute 'fti'"):
        sfumato.fti  # noqa: B018
