"""Files of sound that are written: in every format, whole or not at all, and only where they may be."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from sfumato.arrays import Array
from sfumato.errors import FileError, InputError
from sfumato.sound.files import (
    RATES,
    SUFFIXES,
    WRITABLE,
    Sound,
    check_sound_place,
    read_sound,
    write_sound,
)

RATE = 22_050


def tone(seconds: float = 1.0, rate: int = RATE, channels: int = 1) -> Array:
    t = np.arange(round(seconds * rate)) / rate
    each = [0.5 * np.sin(2 * np.pi * 220 * (1 + channel) * t) for channel in range(channels)]
    return np.stack(each, axis=1).astype(np.float32)


@pytest.mark.parametrize("bits", ["16", "24", "float", ""])
@pytest.mark.parametrize("suffix", WRITABLE)
def test_what_is_written_is_read_back(suffix: str, bits: str, tmp_path: Path) -> None:
    subtypes = WRITABLE[suffix][1]
    if bits not in subtypes:
        return
    path, samples = tmp_path / f"a{suffix}", tone(channels=2)
    write_sound(path, Sound(samples, RATE), bits=bits or "16")
    assert [*tmp_path.iterdir()] == [path]
    info, sound = soundfile.info(str(path)), read_sound(path)
    assert info.format == {"MP3": "MP3", "OGG": "OGG"}.get(WRITABLE[suffix][0], WRITABLE[suffix][0])
    assert info.subtype == subtypes[bits]
    assert sound.rate == (24_000 if suffix == ".opus" else RATE)
    if bits:
        np.testing.assert_allclose(sound.samples, samples, atol={"16": 4e-5, "24": 2e-7, "float": 0}[bits])
    else:
        assert sound.samples.shape[1] == 2
        assert sound.seconds == pytest.approx(1.0, abs=0.12)
        spectra = [np.abs(np.fft.rfft(s[: len(s) // 2, 0])).argmax() * r / (len(s) // 2) for s, r in [sound]]
        assert spectra == [pytest.approx(220, abs=3)]


@pytest.mark.parametrize(("suffix", "rate", "written"), [(".opus", 44_100, 48_000), (".mp3", 96_000, 48_000)])
def test_formats_of_few_rates_get_the_nearest_above(suffix: str, rate: int, written: int, tmp_path: Path) -> None:
    write_sound(tmp_path / f"a{suffix}", Sound(tone(rate=rate), rate))
    assert soundfile.info(str(tmp_path / f"a{suffix}")).samplerate == written in RATES[suffix]


def test_the_loudest_numbers_of_16_bits_do_not_wrap_around(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", Sound(np.array([[1.0], [-1.0], [2.0], [-2.0]], np.float32), RATE))
    assert wavfile.read(tmp_path / "a.wav")[1].tolist() == [32767, -32768, 32767, -32768]


@pytest.mark.parametrize(
    ("name", "how", "said"),
    [
        ("a.jpg", {}, "a sound is written as .wav, .flac, .aiff, .aif, .ogg, .opus, .mp3, by the ending of its name; "),
        ("a", {}, "a sound is written as .wav, .flac"),
        ("a.xyz", {}, "a sound is written as .wav, .flac"),
        ("a.flac", {"bits": "float"}, ".flac has 16 or 24 bits, not float"),
        ("there.wav", {}, "exists already; add overwrite=True to replace it, or name another"),
        ("folder.wav", {}, "is a folder; name a file"),
        ("none/a.wav", {}, "there is no folder"),
        ("there.wav", {"overwrite": True, "read": True}, "is an input of this command; name another file"),
        ("link.wav", {"overwrite": True, "read": True}, "is an input of this command; name another file"),
        ("pipe.wav", {"overwrite": True}, "is a device or a pipe, which no file can replace; name a file"),
        ("loop.wav", {"overwrite": True}, "is a link that leads to itself; name another file"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of Unix")
def test_places_where_no_sound_can_be(name: str, how: dict[str, Any], said: str, tmp_path: Path) -> None:
    (tmp_path / "there.wav").write_bytes(b"mine")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "link.wav").symlink_to("there.wav")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    inputs = (str(tmp_path / "there.wav"),) if how.pop("read", False) else ()
    with pytest.raises((FileError, InputError)) as raised:
        check_sound_place(tmp_path / name, inputs=inputs, **how)
    assert str(raised.value).startswith(f"{tmp_path / name}: {said}")


@pytest.mark.skipif(sys.platform == "win32", reason="links of Unix")
def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link.wav").symlink_to("a.wav")
    write_sound(check_sound_place(tmp_path / "link.wav"), Sound(tone(), RATE))
    assert (tmp_path / "link.wav").is_symlink()
    assert (tmp_path / "a.wav").is_file()


@pytest.mark.parametrize("suffix", WRITABLE)
def test_a_file_that_cannot_be_written_leaves_the_one_before(
    suffix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"mine")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FileError, match=r"cannot be written \(No space left on device\); nothing was changed$"):
        write_sound(path, Sound(tone(), RATE))
    assert path.read_bytes() == b"mine"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.slow
def test_minutes_of_vorbis_are_written_whose_encoder_crashes_on_as_much_at_once(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.ogg", Sound(np.tile(tone(rate=48_000), (180, 2)), 48_000))
    assert soundfile.info(str(tmp_path / "a.ogg")).duration == pytest.approx(180, abs=0.1)


def test_endings_that_are_written_are_endings_of_sounds() -> None:
    assert {*WRITABLE, *(f".{name.lower()}" for name in ("WAV", "FLAC", "AIFF", "CAF", "MP3", "OGG"))} <= {*SUFFIXES}
