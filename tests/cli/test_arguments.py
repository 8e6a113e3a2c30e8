"""`~` in an argument, where the shell has left it, and addresses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfumato.cli.arguments import with_user_path

Call = Callable[..., Any]
LAYERS = ["--content-layers", "block1_conv2", "--style-layers", "block1_conv1"]
TINY = ["--size", "32", "--steps", "1", "--scales", "1", "--quiet", *LAYERS]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the test, as the user's own."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def test_the_own_folder_is_expanded_behind_an_option_too(home: Path) -> None:
    for before in ("", "--out=", "--style=", "--mask=", "--storage=", "-o"):
        assert with_user_path(f"{before}~/a.png:2") == f"{before}{home}/a.png:2"
    for same in ("~nobody-of-this-name", "a~", "--out=a~b", "-o", "--target=kind", "-1"):
        assert with_user_path(same) == same


def test_style_takes_it_for_every_picture(home: Path, pictures: list[str], here: Call) -> None:
    paths = ["~/content.png", "--style=~/style.png:2", "--mask=~/content.png=1", "--start=~/content.png"]
    assert here("style", *paths, *TINY, "--out=~/out.png").status == 0
    assert (home / "out.png").is_file()
    assert here("style", "~/content.png", "~/style.png", *TINY, "-o~/folder/").status == 0
    assert (home / "folder" / "content.png").is_file()


def test_the_other_commands_take_it(home: Path, flowers: str, here: Call, blank_figures: None) -> None:
    (home / "flowers.csv").write_text(flowers, encoding="utf-8")
    assert here("train", "~/flowers.csv", "--out=~/run", "--epochs=2", "--validation=~/flowers.csv").status == 0
    assert here("evaluate", "~/run", "~/flowers.csv", "--out=~/report.txt", "--html=~/page.html").status == 0
    assert here("predict", "~/run", "~/flowers.csv", "-o", "~/answers.csv").status == 0
    written = {path.name for path in home.iterdir()}
    assert {"run", "report.txt", "page.html", "answers.csv"} <= written


@pytest.mark.parametrize(
    "arguments",
    [
        "style https://example.com/a.jpg sfumato:ink",
        "style content.png --style=https://example.com/a.jpg:2",
        "style content.png sfumato:ink --mask https://example.com/a.png=1",
        "style content.png sfumato:ink --start http://example.com/a.png",
        "style content.png sfumato:ink -o https://example.com/a.png",
        "train https://example.com/a.csv",
        "predict run s3://bucket/a.csv",
    ],
)
def test_an_address_is_no_file(arguments: str, pictures: list[str], refused: Call) -> None:
    assert "is an address, and files are taken; download it, and name the file" in refused(*arguments.split())
