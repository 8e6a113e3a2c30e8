"""`~` is one's own folder wherever a path is given in Python, and an address is no path."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sfumato
from sfumato import InputError, Model, RunOptions
from sfumato.data import load
from sfumato.paths import user_path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder, with a picture and a table in it; the program works elsewhere."""
    folder = tmp_path / "home"
    (tmp_path / "elsewhere").mkdir()
    folder.mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(folder / "photo.png")
    rows = [f"{x:.3f},{y:.3f},{'up' if y > 0 else 'down'}" for x, y in np.random.default_rng(0).normal(size=(60, 2))]
    (folder / "table.csv").write_text("\n".join(["x,y,kind", *rows]), encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", [str, Path])
def test_the_own_folder_is_expanded_and_nothing_else(kind: Any, home: Path) -> None:
    assert user_path(kind("~/a.png")) == kind(home / "a.png")
    assert user_path(kind("a/~/b")) == kind("a/~/b")
    assert user_path(kind("~nobody-of-this-name/a")) == kind("~nobody-of-this-name/a")
    assert user_path("~/folder/") == f"{home}/folder/", "a last slash says that it is a folder"
    assert user_path(None) is None
    for text in ("s3:/column", "C:/a.png", "a://b"):
        assert user_path(text) == text, "no address of a file, or none at all"


@pytest.mark.parametrize("address", ["https://example.com/a.csv", "s3://b/a.csv", "FILE:///a.csv", "abfs://b/a.csv"])
def test_an_address_is_refused_in_words(address: str) -> None:
    for call in (sfumato.train, Model.load, load):
        with pytest.raises(InputError, match="is an address, and files are taken; download it, and name the file"):
            call(address)


def test_every_door_for_pictures_takes_it(home: Path) -> None:
    layers: dict[str, Any] = {"content_layers": {"block1_conv2": 1.0}, "style_layers": {"block1_conv1": 1.0}}
    made = sfumato.stylize(
        "~/photo.png",
        {"~/photo.png": 1.0},
        masks=[("~/photo.png", 1)],
        start="~/photo.png",
        out="~/out.png",
        size=32,
        steps=1,
        scales=1,
        **layers,
    )
    made.save("~/saved.png")
    assert {"out.png", "saved.png"} <= {path.name for path in home.iterdir()}
    with pytest.raises(InputError, match="is one of the pictures to read"):
        made.save("~/photo.png", overwrite=True)


def test_every_door_for_models_takes_it(home: Path) -> None:
    run = sfumato.train("~/table.csv", out="~/run", hidden=(2,), epochs=2, validation="~/table.csv", test="~/table.csv")
    assert (home / "run" / "model.safetensors").is_file()
    run.model.save("~/model.safetensors")
    model = Model.load("~/model.safetensors")
    assert sfumato.import_weights("~/model.safetensors", like=model).theta.tolist() == model.theta.tolist()
    assert load("~/table.csv").classes == ("down", "up")
    assert RunOptions(checkpoint="~/kept").checkpoint == str(home / "kept")
