"""Bad input of `sfumato style`: one line that says what, where and what to do, before any work; nothing written."""

import io
import shlex
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

from sfumato.pictures.files import read_image

Call = Callable[..., Any]
Refused = Callable[..., str]
Snapshot = Callable[[Path], dict[str, bytes | None]]

LAYERS = ["--content-layers", "block2_conv2", "--style-layers", "block1_conv1,block2_conv1"]
TINY = ["--size", "64", "--steps", "2", "--scales", "1", *LAYERS, "--quiet"]

OUT_OF_RANGE = [
    ("--size 0", "the size must be a whole number of at least 16, not 0"),
    ("--size 15", "the size must be a whole number of at least 16, not 15"),
    ("--size -5", "--size takes a whole number of pixels, or full; not '-5'"),
    ("--size 1.5", "--size takes a whole number of pixels, or full; not '1.5'"),
    ("--size large", "--size takes a whole number of pixels, or full; not 'large'"),
    ("--steps 0", "the number of steps must be a whole number of at least 1, not 0"),
    ("--steps 1.5", "'--steps'"),
    ("--scales 0", "the number of scales must be a whole number of at least 1, not 0"),
    ("--scales 99", "99 scales are too many"),
    ("--content-weight -1", "the weight of content must be a number of 0 or more, not -1"),
    ("--style-weight nan", "the weight of style must be a number of 0 or more, not nan"),
    ("--style-weight inf", "the weight of style must be a number of 0 or more, not inf"),
    ("--style-weight much", "'--style-weight'"),
    ("--tv-weight -0.5", "must be a number of 0 or more, not -0.5"),
    ("--content-weight 0 --style-weight 0", "nothing to paint"),
    ("--style-scale 0", "the style scale must be a positive number, not 0"),
    ("--style-scale nan", "the style scale must be a positive number, not nan"),
    ("--learning-rate 0", "the learning rate must be a positive number, not 0"),
    ("--learning-rate nan", "the learning rate must be a positive number, not nan"),
    ("--seed -1", "the seed must be a whole number from 0 to 2^64 - 1, not -1"),
    ("--save-every 0", "'--save-every'"),
    ("--threads 0", "'--threads'"),
    ("--optimizer lbgfs", "no optimizer is called 'lbgfs': use one of gd"),
    ("--network vgg11", "'vgg19'"),
    ("--network vgg16", "the built-in weights are VGG19's: for vgg16 take keras"),
    ("--pooling min", "'average'"),
    ("--style-loss gramm", "'gram-reference'"),
    ("--start color", "--start takes content, noise, colour or a picture; there is no file 'color'"),
    ("--style-layers block1_conv9", "vgg19 has no layer 'block1_conv9': did you mean block1_conv"),
    ("--content-layers blok2_conv1", "did you mean block2_conv1?"),
    ("--style-layers block1_conv1,block1_conv1", "--style-layers takes different layers, such as block1_conv1"),
    ("--style-layers block1_conv1,", "--style-layers takes different layers"),
    ("--content-layers block1_conv1:-1", "the weight of block1_conv1 must be a number of 0 or more, not -1"),
    ("--content-layers block1_conv1:nan", "the weight of block1_conv1 must be a number of 0 or more, not nan"),
    ("--content-layers block1_conv1:0", "the weights of the content layers add up to 0"),
    ("--vgg-weights none.h5", "none.h5: no such file"),
    ("--style style.png", "out.png: is the name of a picture; the results of several contents need a folder"),
    ("--quality 0", "'--quality'"),
    ("--quality 101", "'--quality'"),
    ("--quality 90", "out.png: PNG loses nothing and has no quality"),
    ("--colour color", "'match-cholesky'"),
    ("--memory 2XB", "--memory takes a number of bytes such as 2GB, 512MB or 1.5GiB; not '2XB'"),
    ("--memory 0", "--memory takes a number of bytes"),
    ("--memory -1GB", "--memory takes a number of bytes"),
    ("--memory much", "--memory takes a number of bytes"),
    ("--preset painterley", "no preset is called 'painterley': did you mean painterly?"),
    ("--mask style.png", "--mask takes a picture and the number of its style, such as sky.png=1; not 'style.png'"),
    ("--mask =1", "--mask takes a picture and the number of its style"),
    ("--mask style.png=one", "--mask takes a picture and the number of its style"),
    ("--mask style.png=2", "--mask style.png=2: there is no style 2; they are numbered from 1 to 1"),
    ("--mask style.png=0", "--mask style.png=0: there is no style 0"),
    ("--mask none.png=1", "--mask none.png=1: there is no file 'none.png'; check the path"),
    ("--mask style.png=1", "style.png: "),
    ("--preset x", "no preset is called 'x': use one of painterly, "),
    ("--quiet --verbose", "--quiet and --verbose contradict each other"),
]


@pytest.mark.parametrize(("options", "said"), OUT_OF_RANGE)
def test_a_value_out_of_range(options: str, said: str, pictures: list[str], refused: Refused) -> None:
    assert said in refused("style", *pictures, *TINY, *options.split(), "-o", "out.png")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "no content is given: name the picture to paint, and the one whose style to paint it in"),
        ("--settings-of style.png", "style.png: has no settings of a painting in it; name a file that"),
        ("content.png style.png --settings-of none.png", "none.png: cannot be read"),
        ("content.png", "no style is given: name a picture after CONTENT, or with --style"),
        (
            "content.png style.png more.png",
            "and more.png comes after them; name the style with --style to paint several",
        ),
        ("content.png sfumato:mosaik", "no built-in style is called 'mosaik': did you mean sfumato:mosaic?"),
        ("content.png --style sfumato:mosaik:2", "no built-in style is called 'mosaik': did you mean sfumato:mosaic?"),
        ("content.png --style style.png:-1", "the weight of style.png must be a number of 0 or more, not -1"),
        ("content.png --style style.png:nan", "the weight of style.png must be a number of 0 or more, not nan"),
        ("content.png --style style.png:0", "the weights of the styles add up to 0"),
        ("content.png --style style.png:heavy", "style.png:heavy: cannot be read (No such file"),
        ("content.png none.png", "none.png: cannot be read (No such file or directory); check the path"),
        ("none.png style.png", "none.png: cannot be read (No such file or directory); check the path"),
        ("content.png .", ".: is a folder; name a picture"),
        ("'' style.png", "CONTENT is empty: name a file"),
        ("content.png ''", "STYLE is empty: name a file"),
        ("content.png --style ''", "--style is empty: name a file"),
        ("content.png --style :2", "--style is empty: name a file"),
        ("content.png style.png --start ''", "--start is empty: name a file"),
        ("content.png style.png --vgg-weights ''", "--vgg-weights is empty: name a file"),
    ],
)
def test_pictures_that_are_not_named_or_not_there(
    arguments: str, said: str, pictures: list[str], refused: Refused
) -> None:
    assert said in refused("style", *shlex.split(arguments), *TINY, "-o", "out.png")


def encoded(pixels: tuple[int, int], name: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (pixels[1], pixels[0], 3), np.uint8)
    Image.fromarray(noise).save(buffer, name, **settings)
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 50,000 x 50,000 pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


WRONG = {
    "empty": (b"", "is empty; give a picture"),
    "text": (b"this is not a picture\n", "is not a picture that can be read; save it as PNG or JPEG"),
    "truncated": (encoded((64, 64), "JPEG")[:2000], "is damaged or cut off"),
    "bomb": (bomb(), "has more than the 178,956,970 pixels that are read; reduce it first"),
    "one-pixel": (encoded((1, 1), "PNG"), "is 1 x 1 pixels; a picture needs at least 16 each way"),
    "narrow": (encoded((3, 300), "PNG"), "is 3 x 300 pixels; a picture needs at least 16 each way"),
    "animated": (
        encoded((20, 20), "GIF", save_all=True, append_images=[Image.new("RGB", (20, 20))]),
        "has 2 frames; add --first-frame to take the first, or save the one that you want as PNG",
    ),
}


@pytest.mark.parametrize("place", ["content", "style", "start"])
@pytest.mark.parametrize("name", WRONG)
def test_a_picture_that_is_wrong(name: str, place: str, pictures: list[str], refused: Refused, tmp_path: Path) -> None:
    content, said = WRONG[name]
    (tmp_path / name).write_bytes(content)
    named = {"content": [name, pictures[1]], "style": [pictures[0], name], "start": [*pictures, "--start", name]}
    told = refused("style", *named[place], *TINY, "-o", "out.png")
    assert told.startswith(f"{name}: ")
    assert said in told


def test_the_program_itself_says_so_in_one_line_with_status_2(
    pictures: list[str], sfumato: Call, snapshot: Snapshot, tmp_path: Path
) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb())
    before = snapshot(tmp_path)
    status, out, err = sfumato("style", "bomb.png", "style.png", "-o", "out.png")
    assert (status, out) == (2, "")
    assert err.startswith("sfumato: bomb.png: has more than the 178,956,970 pixels")
    assert err.count("\n") == 1
    assert snapshot(tmp_path) == before


def test_a_content_too_small_for_the_layers(pictures: list[str], refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "strip.png").write_bytes(encoded((320, 16), "PNG"))
    assert "too small" in refused("style", "strip.png", "style.png", "--size", "64", "--scales", "1", "-o", "out.png")


def test_without_a_network_connection_the_built_in_weights_are_named(
    pictures: list[str], sfumato: Call, tmp_path: Path
) -> None:
    nowhere = {"SFUMATO_VGG_URL": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1", "XDG_CACHE_HOME": str(tmp_path / "no")}
    status, out, err = sfumato("style", *pictures, *TINY, "--vgg-weights", "keras", "-o", "out.png", **nowhere)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "the server cannot be reached" in err
    assert "the built-in weights (vgg19), which need no download" in err
    assert not (tmp_path / "out.png").exists()


def test_weights_of_something_else(pictures: list[str], refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(safetensors.numpy.save({"layer.W": np.zeros((3, 3), np.float32)}))
    (tmp_path / "text.h5").write_text("not HDF5", encoding="utf-8")
    for name, said in (("other.safetensors", "holds no weights of VGG"), ("text.h5", "text.h5: ")):
        told = refused("style", *pictures, *TINY, "--vgg-weights", name, "-o", "out.png")
        assert told.startswith(f"{name}: ")
        assert said in told


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("", "--out names no file"),
        (
            "out.bmp",
            "out.bmp: pictures are written as .png, .jpg, .jpeg, .webp, .tif, .tiff, .heic; give its name one of these",
        ),
        ("out", "out: pictures are written as .png"),
        ("nowhere/out.png", "nowhere/out.png: there is no folder nowhere; make it first"),
        ("style.png/out.png", "style.png/out.png: there is no folder style.png"),
        ("old.png", "old.png: exists already; add --overwrite"),
        (".", "content.png: is one of the pictures to read; name another folder for the results"),
        ("x" * 300 + ".png", "File name too long"),
        ("x" * 240 + ".png", "cannot be written there (File name too long); choose another place"),
        pytest.param(
            "/proc/out.png",
            "/proc/out.png: cannot be written there",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="a place nobody may write to: Linux's /proc"),
        ),
    ],
)
def test_places_where_no_picture_can_be(
    out: str, said: str, pictures: list[str], refused: Refused, tmp_path: Path
) -> None:
    (tmp_path / "old.png").write_bytes(b"old")
    assert said in refused("style", *pictures, *TINY, "-o", out)


@pytest.mark.parametrize("name", ["content.png", "style.png", "first.png"])
def test_the_result_replaces_no_picture_that_it_is_made_from(
    name: str, pictures: list[str], refused: Refused, tmp_path: Path
) -> None:
    (tmp_path / "first.png").write_bytes((tmp_path / "style.png").read_bytes())
    told = refused("style", *pictures, *TINY, "--start", "first.png", "-o", f"../{tmp_path.name}/{name}", "--overwrite")
    assert "is one of the pictures to read; name another file for the result" in told


def test_options_that_need_a_file_to_write(pictures: list[str], refused: Refused) -> None:
    assert "--resume needs --out" in refused("style", *pictures, *TINY, "--resume")
    assert "--save-every needs --out" in refused("style", *pictures, *TINY, "--save-every", "1")
    assert "--quality needs --out" in refused("style", *pictures, *TINY, "--quality", "90")
    assert "contradict" in refused("style", *pictures, *TINY, "-o", "out.png", "--resume", "--overwrite")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of a process's files")
def test_a_full_disk_leaves_the_picture_before_whole(
    pictures: list[str], here: Call, on_a_full_disk: Call, snapshot: Snapshot, tmp_path: Path
) -> None:
    assert here("style", *pictures, *TINY, "-o", "out.png").status == 0
    before = snapshot(tmp_path)
    done = on_a_full_disk(3000, "style", *pictures, *TINY, "--start", "noise", "-o", "out.png", "--overwrite")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sfumato: .out.png.checkpoint: cannot be written (File too large); nothing was changed\n"
    assert snapshot(tmp_path) == before


def test_a_diverging_picture_is_given_up(pictures: list[str], here: Call, tmp_path: Path) -> None:
    options = ["--optimizer", "adam", "--learning-rate", "1e30", "--steps", "50", "-o", "out.png"]
    status, out, err = here("style", *pictures, *TINY, *options)
    assert (status, out) == (2, "")
    assert "the picture diverged" in err
    assert err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(pictures)


def test_an_existing_picture_is_replaced_where_that_is_asked_for(
    pictures: list[str], here: Call, tmp_path: Path
) -> None:
    (tmp_path / "out.png").write_bytes(b"old")
    assert here("style", *pictures, *TINY, "-o", "out.png", "--overwrite").status == 0
    assert read_image(tmp_path / "out.png").shape == (48, 64, 3)
