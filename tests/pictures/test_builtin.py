"""Style pictures that come with the package, by name."""

from pathlib import Path

import pytest

from sfumato.errors import InputError
from sfumato.pictures.builtin import BUILTIN_STYLES, FOLDER, builtin_style, picture_path
from sfumato.pictures.files import read_image


@pytest.mark.parametrize("name", BUILTIN_STYLES)
def test_every_name_is_a_picture_large_enough_to_paint_with_at_512_pixels(name: str) -> None:
    picture = read_image(builtin_style(name))
    assert max(picture.shape[:2]) >= 512
    assert picture.std() > 20, "it has something to take over"


def test_every_file_has_a_name_and_all_together_stay_small() -> None:
    files = list(FOLDER.iterdir())
    assert {path.name for path in files} == {f"{name}.jpg" for name in BUILTIN_STYLES}
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_the_prefix_names_a_built_in_picture_and_anything_else_is_a_path() -> None:
    assert picture_path("sfumato:scream") == builtin_style("scream")
    assert picture_path(Path("sfumato:scream")) == builtin_style("scream")
    assert picture_path("scream") == Path("scream")
    assert picture_path("folder/sfumato:scream") == Path("folder/sfumato:scream")


def test_a_name_that_is_almost_right_is_told_the_right_one() -> None:
    with pytest.raises(
        InputError, match=r"no built-in style is called 'starynight': did you mean sfumato:starry-night\?"
    ):
        picture_path("sfumato:starynight")


@pytest.mark.parametrize("name", ["", "picasso", "../styles/scream", "scream.jpg/.."])
def test_a_name_that_does_not_exist_is_refused_in_a_line(name: str) -> None:
    with pytest.raises(InputError, match=r"^no built-in style is called .*: .+$") as refusal:
        builtin_style(name)
    assert "\n" not in str(refusal.value)
