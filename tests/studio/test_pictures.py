"""Pictures that are handed in, whatever they are, and the form's settings."""

import io
import json
import struct
import zlib
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.studio.running import FAST, Studio

from sfumato.cli import app
from sfumato.pictures.builtin import BUILTIN_STYLES
from sfumato.style.presets import PRESETS
from sfumato.style.settings import StyleSettings
from sfumato.style.stylize import stylize


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 40,000 x 40,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_picture_comes_back_upright_as_webp(served: Studio) -> None:
    pixels = np.zeros((30, 50, 3), np.uint8)
    pixels[:, :25] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter: what is left comes up
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", exif=exif)
    told = served.http.put("/api/pictures?name=a/b%5Cc.jpg", content=buffer.getvalue()).json()
    assert (told["name"], told["width"], told["height"]) == ("c.jpg", 30, 50)
    answer = served.http.get(f"/api/pictures/{told['id']}?size=40")
    assert answer.headers["content-type"] == "image/webp"
    shown = np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"))
    assert shown.shape == (40, 24)
    assert shown[:15].mean() > 200 > 50 > shown[25:].mean()


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "empty.png", "is empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "x.png", "is an SVG drawing"),
        (b"<!doctype html><script>alert(1)</script>", "x.png", "is a web page"),
        (b"%PDF-1.7", "x.jpg", "is a PDF document"),
        (bomb(), "bomb.png", "has more than the"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "cut.jpg", "cut.jpg: is "),
        (b"GIF89a" + bytes(3), "x.gif", "x.gif: is "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_is_refused_in_a_line(content: bytes, name: str, reason: str, served: Studio) -> None:
    before = sorted((served.folder / "pictures").iterdir())
    answer = served.http.put("/api/pictures", params={"name": name}, content=content)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{name}: ")
    assert reason in answer.json()["error"]
    assert str(served.folder) not in answer.text
    assert sorted((served.folder / "pictures").iterdir()) == before


def test_the_same_picture_is_kept_once(pictures: tuple[Path, Path], served: Studio) -> None:
    assert served.give(pictures[0]) == served.give(pictures[0])
    assert len(list((served.folder / "pictures").glob(f"{served.give(pictures[0])}*"))) == 1


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_painted_file_brings_its_settings(suffix: str, pictures: tuple[Path, Path], served: Studio) -> None:
    settings = {**FAST, "style_weight": 33.0, "turned": True, "colour": "match"}
    out = pictures[0].with_name(f"out{suffix}")
    for path in pictures:  # which no other test hands in
        path.write_bytes(path.read_bytes() + suffix.encode())
    stylize(pictures[0], pictures[1], out=out, **settings)
    told = served.http.put(f"/api/pictures?name={out.name}", content=out.read_bytes()).json()
    assert told["settings"] | settings == told["settings"]
    assert [(own["role"], own["name"], own["here"]) for own in told["inputs"]] == [
        ("content", "content.png", False),
        ("style", "style.png", False),
    ]
    assert not told["settings"].keys() - settings.keys()
    plain = served.http.put("/api/pictures?name=x.png", content=pictures[0].read_bytes()).json()
    assert "settings" not in plain


def test_what_follows_from_a_default_is_not_told_of_a_painted_file(pictures: tuple[Path, Path], served: Studio) -> None:
    out = pictures[0].with_name("out.png")
    stylize(pictures[0], pictures[1], out=out, size=96, steps=2)
    told = served.http.put("/api/pictures?name=out.png", content=out.read_bytes()).json()
    assert told["settings"] == {"size": 96, "steps": 2}


def test_the_form_has_every_setting_of_the_command_line_with_its_default_and_help(served: Studio) -> None:
    told = served.http.get("/api/options").json()
    options = {own["name"]: own for own in told["settings"]}
    names = {own.name for own in fields(StyleSettings)}
    assert names - options.keys() == {"content_mask", "vgg_weights", "engine"}
    defaults = StyleSettings()
    for name, own in options.items():
        assert own["help"] == StyleSettings.__dataclass_fields__[name].metadata["help"]
        assert own["default"] == getattr(defaults, name)
    assert {own["name"]: own["settings"] for own in told["presets"]} == {
        name: preset.settings for name, preset in PRESETS.items()
    }
    assert [own["id"] for own in told["styles"]] == [f"sfumato:{name}" for name in BUILTIN_STYLES]
    assert "studio" in {command.name for command in app.registered_commands}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"stile_weight": 1}, "there is no setting 'stile_weight'; did you mean 'style_weight'?"),
        ({"style_weight": "3"}, 'Style weight cannot be "3"'),
        ({"style_weight": -1}, "the weight of style must be a number of 0 or more, not -1"),
        ({"style_weight": float("nan")}, "the weight of style must be a number of 0 or more, not nan"),
        ({"steps": True}, "Steps at each size cannot be true"),
        ({"scales": 0}, "the number of sizes must be a whole number of at least 1, not 0"),
        ({"turned": 1.5}, "Turned styles cannot be 1.5"),
        ({"colour": "puce"}, "Colour is one of style, luminance"),
        ({"start": "/etc/passwd"}, "Start is one of content, noise, colour"),
        ({"vgg_weights": "/etc/passwd"}, "there is no setting 'vgg_weights'"),
        ({"size": 10**9}, "the size must be at most"),
        ({"tv_weight": 10**400}, "too large"),
        ({"style_scale": 1e300}, "the style scale must be at most 4096"),
        ({"size": "\ud800"}, "size"),
        ([], "the settings must be an object"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_used_are_refused_in_a_line(settings: object, reason: str, served: Studio) -> None:
    asked = {"content": "sfumato:ink", "styles": [["sfumato:mosaic", 1]], "settings": settings, "names": {}}
    headers = {"Content-Type": "application/json"}
    for path in ("/api/jobs", "/api/estimate"):
        answer = served.http.post(path, content=json.dumps(asked), headers=headers)
        assert (answer.status_code, reason in answer.json()["error"]) == (400, True), answer.text
        known = isinstance(settings, dict) and settings.keys() & {*StyleSettings.__dataclass_fields__} - {"vgg_weights"}
        assert {answer.json().get("field")} == (known or {None})
    assert served.jobs() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"[" * 100_000, b'{"content": "sfumato:ink", "styles": [], "settings": {}, "names": {}}'],
    ids=["empty", "cut off", "a list", "lists in lists", "no style"],
)
def test_a_request_that_is_none_is_refused_in_a_line(body: bytes, served: Studio) -> None:
    answer = served.http.post("/api/jobs", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
