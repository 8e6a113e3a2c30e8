"""Bad input of `sfumato sound`: one line that says what, where and what to do, before any work; nothing written."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

Call = Callable[..., Any]
Refused = Callable[..., str]

TINY = ["--steps", "1", "--quiet"]

OUT_OF_RANGE = [
    ("--precision bfloat16", "'--precision'"),
    ("--steps 0", "the number of steps must be a whole number from 1 to 1000000, not 0"),
    ("--steps 1.5", "'--steps'"),
    ("--content-weight -1", "the content weight must be 0 or more, not -1.0"),
    ("--style-weight nan", "the style weight must be 0 or more, not nan"),
    ("--rhythm-weight inf", "the rhythm weight must be 0 or more, not inf"),
    ("--loudness-weight much", "'--loudness-weight'"),
    ("--content-weight 0 --style-weight 0", "content and style have no weight, so there is nothing to play"),
    ("--style-scale 0", "the style scale must be a positive number, not 0"),
    ("--learning-rate 0", "the learning rate must be a positive number, not 0"),
    ("--seed -1", "the seed must be a whole number from 0 to 2^64 - 1, not -1"),
    ("--save-every 0", "'--save-every'"),
    ("--threads 0", "'--threads'"),
    ("--optimizer lbgfs", "no optimizer is called 'lbgfs': use one of gd"),
    ("--start loud", "--start takes content, eq, mosaic, noise or a sound; there is no file 'loud'"),
    ("--start ''", "--start is empty: name a file"),
    ("--start sound:tablah", "no built-in sound is called 'tablah': did you mean sound:tabla?"),
    ("--keep timbre", "'--keep'"),
    ("--channels surround", "'--channels'"),
    ("--sample-rate fast", "--sample-rate takes a whole number of samples a second, or full; not 'fast'"),
    ("--sample-rate 100", "the sample rate must be a whole number from 4000 to 192000, not 100"),
    ("--begin -1", "the begin must be 0 or more, not -1.0"),
    ("--begin 5", "content.wav: is 0.70 s long, and ends before 5 s"),
    ("--seconds 0", "the seconds must be a positive number, not 0"),
    ("--seconds 0.1", "content.wav: 0.10 s of it are too short; 0.5 s at least are needed"),
    ("--style-begin 5", "style.wav: is 0.70 s long, and ends before 5 s"),
    ("--memory 2XB", "--memory takes a number of bytes such as 2GB, 512MB or 1.5GiB; not '2XB'"),
    ("--memory 100MB", "1 s of sound take "),
    ("--preset sublte", "no preset is called 'sublte': did you mean subtle?"),
    ("--preset x", "no preset is called 'x': use one of timbre, subtle, texture"),
    ("--bits 12", "'--bits'"),
    ("--quiet --verbose", "--quiet and --verbose contradict each other"),
    ("--overwrite --resume", "--overwrite and --resume contradict each other: choose one"),
    ("--precision float16", "float16"),
]


@pytest.mark.parametrize(("options", "said"), OUT_OF_RANGE)
def test_a_value_out_of_range(options: str, said: str, sounds: list[str], refused: Refused) -> None:
    assert said in refused("sound", *sounds, *TINY, *shlex.split(options), "-o", "out.wav")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "'CONTENT [STYLE]'"),
        ("content.wav", "no style is given: name a sound after CONTENT, or with --style"),
        (
            "content.wav style.wav more.wav",
            "and more.wav comes after them; name the style with --style to play several",
        ),
        ("content.wav --style style.wav:-1", "the weight of a style must be a positive number, not -1.0"),
        ("content.wav --style style.wav:nan", "the weight of a style must be a positive number, not nan"),
        ("content.wav --style style.wav:heavy", "style.wav:heavy: no such file; check the path"),
        ("content.wav none.wav", "none.wav: no such file; check the path"),
        ("none.wav style.wav", "none.wav: no such file; check the path"),
        ("content.wav .", ".: is a folder; name a sound"),
        ("'' style.wav", "CONTENT is empty: name a file"),
        ("content.wav ''", "empty: name a file"),
        ("content.wav --style ''", "--style is empty: name a file"),
        ("content.wav sound:tablah", "no built-in sound is called 'tablah': did you mean sound:tabla?"),
        ("http://host/a.wav style.wav", "http://host/a.wav"),
        ("silent.wav style.wav", "silent.wav: is silent; give a sound that can be heard"),
        ("content.wav silent.wav", "silent.wav: is silent; give a sound that can be heard"),
        ("style.wav --preset texture", "without content the length of the result is not known: give --seconds"),
    ],
)
def test_sounds_that_are_not_named_or_not_there(
    arguments: str, said: str, sounds: list[str], refused: Refused, tmp_path: Path
) -> None:
    wavfile.write(tmp_path / "silent.wav", 22_050, np.zeros(22_050, np.float32))
    assert said in refused("sound", *shlex.split(arguments), *TINY, "-o", "out.wav")


def test_a_picture_and_a_sound_name_each_others_command(sounds: list[str], refused: Refused, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "c.png").write_bytes((tmp_path / "content.wav").read_bytes())
    for name in ("a.png", "b.wav"):
        expected = f"{name}: is a picture; `sfumato style` paints in the manner of one"
        assert refused("sound", "content.wav", name, *TINY) == expected
        assert refused("sound", name, "style.wav", *TINY) == expected
    for name in ("content.wav", "c.png"):
        expected = f"{name}: is a sound, which is not read; `sfumato sound` plays in the manner of one"
        assert refused("style", name, "a.png", "--quiet", "-o", "out.png") == expected
        assert refused("style", "a.png", name, "--quiet", "-o", "out.png") == expected
    assert "`sfumato style` paints pictures" in refused("sound", *sounds, *TINY, "-o", "out.png")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes, devices and links of Unix")
@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("", "--out names no file: give it one, or leave it out"),
        ("nowhere/out.wav", "nowhere/out.wav: there is no folder nowhere; make it first"),
        ("there.wav", "there.wav: exists already; add --overwrite to replace it, or name another"),
        ("there.wav/out.wav", "there is no folder there.wav"),
        ("out.jpg", "out.jpg: a sound is written as .wav, .flac, "),
        ("out", "out: a sound is written as .wav, .flac, "),
        ("out.mp3 --bits 24 --overwrite --resume", "contradict"),
        ("out.flac --bits float", "out.flac: .flac has 16 or 24 bits, not float"),
        ("style.wav --overwrite", "style.wav: is an input of this command; name another file for the result"),
        ("link.wav --overwrite", "link.wav: is an input of this command; name another file for the result"),
        ("/dev/null", "/dev/null: "),
        ("pipe.wav --overwrite", "pipe.wav: is a device or a pipe, which no file can replace; name a file"),
        (f"{'x' * 300}.wav", "File name too long"),
        ("planted.wav", ".planted.wav.checkpoint: is a link, a pipe or a device"),
    ],
)
def test_places_where_no_sound_can_be(out: str, said: str, sounds: list[str], refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "there.wav").write_bytes(b"mine")
    (tmp_path / "link.wav").symlink_to("style.wav")
    (tmp_path / ".planted.wav.checkpoint").symlink_to("there.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    place, *more = out.split() or [""]
    assert said in refused("sound", *sounds, *TINY, "-o", place, *more)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of Unix")
def test_a_pipe_is_not_read(sounds: list[str], refused: Refused, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    for names in (["pipe.wav", "style.wav"], ["content.wav", "pipe.wav"], [*sounds, "--start", "pipe.wav"]):
        assert refused("sound", *names, *TINY) == "pipe.wav: is a device or a pipe, which is not read; name a sound"


def test_the_real_program_refuses_in_one_line(sounds: list[str], sfumato: Call, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound", encoding="utf-8")
    status, out, err = sfumato("sound", "text.wav", "style.wav", "-o", "out.wav", "--quiet")
    assert (status, out) == (2, "")
    assert err == "sfumato: text.wav: is not a sound that can be read; give a sound, such as a WAV file\n"


def test_a_texture_goes_into_one_file(sounds: list[str], refused: Refused, tmp_path: Path) -> None:
    texture = ["sound", sounds[1], "--content-weight", "0", "--seconds", "1", "--steps", "1", "--quiet"]
    (tmp_path / "into").mkdir()
    assert "into: is a folder; name the file of the texture" in refused(*texture, "-o", "into")
