"""Files of sound that are read: with and without the extra, and what is refused and how."""

import io
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image
from scipy.io import wavfile

from sfumato.arrays import Array
from sfumato.errors import FileError, InputError
from sfumato.sound.files import (
    WRITABLE,
    CutOffWarning,
    Sound,
    check_sound_place,
    length_by_header,
    read_sound,
    resampled,
    write_sound,
)

RATE = 22_050


@pytest.fixture(params=["with the extra", "without"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the extra `sound` installed, and without it."""
    if request.param == "without":
        for name in ("soundfile", "soxr"):
            monkeypatch.setitem(sys.modules, name, None)
    return str(request.param)


def tone(seconds: float = 1.0, rate: int = RATE, channels: int = 1) -> Array:
    t = np.arange(round(seconds * rate)) / rate
    each = [0.5 * np.sin(2 * np.pi * 220 * (1 + channel) * t) for channel in range(channels)]
    return np.stack(each, axis=1).astype(np.float32)


def encoded(kind: str, subtype: str | None = None, samples: Array | None = None, rate: int = RATE) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone() if samples is None else samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def refusal(path: Path, **how: Any) -> str:
    with pytest.raises((FileError, InputError)) as raised:
        read_sound(path, **how)
    assert "\n" not in str(raised.value)
    return str(raised.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("subtype", "close"),
    [("PCM_U8", 1 / 127), ("PCM_16", 1e-4), ("PCM_24", 1e-6), ("PCM_32", 1e-7), ("FLOAT", 0), ("DOUBLE", 1e-7)],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_wav_of_any_bits_is_read_with_the_extra_and_without(
    subtype: str, close: float, channels: int, both_ways: str, tmp_path: Path
) -> None:
    samples = tone(0.6, channels=channels)
    (tmp_path / "a.wav").write_bytes(encoded("WAV", subtype, samples))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sound = read_sound(tmp_path / "a.wav")
    assert sound.samples.dtype == np.float32
    assert (sound.rate, sound.samples.shape) == (RATE, samples.shape)
    np.testing.assert_allclose(sound.samples, samples, atol=close)
    assert sound.seconds == pytest.approx(0.6)


def test_a_part_of_a_sound(both_ways: str, tmp_path: Path) -> None:
    samples = tone(2.0)
    wavfile.write(tmp_path / "a.wav", RATE, samples)
    part = read_sound(tmp_path / "a.wav", begin=0.5, seconds=0.75)
    np.testing.assert_array_equal(part.samples, samples[RATE // 2 :][: round(0.75 * RATE)])
    rest = read_sound(tmp_path / "a.wav", begin=0.5, seconds=60)
    np.testing.assert_array_equal(rest.samples, samples[RATE // 2 :])
    assert refusal(tmp_path / "a.wav", begin=2.0) == "is 2.00 s long, and ends before 2 s"
    assert refusal(tmp_path / "a.wav", begin=1.9) == "0.10 s of it are too short; 0.5 s at least are needed"


def test_more_than_the_memory_is_refused_with_what_fits(both_ways: str, tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", RATE, tone(10.0))
    said = refusal(tmp_path / "a.wav", memory=4 * RATE * 5)
    assert said == "10 s of it take 1 MB of memory, and 1 MB are allowed; take a part of it (seconds=5)"
    assert read_sound(tmp_path / "a.wav", memory=4 * RATE * 5, seconds=5).seconds == 5


@pytest.mark.parametrize("suffix", WRITABLE)
def test_a_header_tells_the_length_of_what_is_read(suffix: str, tmp_path: Path) -> None:
    write_sound(tmp_path / f"a{suffix}", Sound(tone(2.0, 24_000), 24_000))
    sound = read_sound(tmp_path / f"a{suffix}")
    assert length_by_header(tmp_path / f"a{suffix}") == (len(sound.samples), sound.rate)


def test_a_header_tells_nothing_of_what_is_no_sound(both_ways: str, tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", RATE, tone())
    assert length_by_header(tmp_path / "a.wav") == (RATE, RATE)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    for name in ("b.wav", "none.wav", "."):
        assert length_by_header(tmp_path / name) is None


@pytest.mark.parametrize("suffix", [suffix for suffix in WRITABLE if suffix != ".wav"])
def test_other_formats_need_the_extra_and_say_so(suffix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_sound(tmp_path / f"a{suffix}", Sound(tone(), RATE))
    assert read_sound(tmp_path / f"a{suffix}").seconds == pytest.approx(1.0, abs=0.1)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    said = "is a sound that is read with an extra: pip install '.[sound]', or convert it to WAV"
    assert refusal(tmp_path / f"a{suffix}") == said
    with pytest.raises(FileError, match=r"need pip install '\.\[sound\]'"):
        check_sound_place(tmp_path / f"b{suffix}")


@pytest.mark.parametrize(
    ("kind", "subtype", "said"),
    [
        ("RF64", "PCM_16", "is RF64, a WAV file of 64 bits"),
        ("WAV", "ULAW", "is a WAV file of mu-law"),
        ("WAV", "ALAW", "is a WAV file of A-law"),
        ("WAVEX", "ULAW", "is a WAV file of mu-law"),
        ("WAV", "IMA_ADPCM", "is a WAV file of IMA ADPCM"),
        ("WAV", "MS_ADPCM", "is a WAV file of ADPCM"),
        ("WAV", "GSM610", "is a WAV file of GSM"),
        ("WAV", "G721_32", "is a WAV file of another encoding"),
    ],
)
def test_a_wav_that_needs_the_extra_is_called_what_it_is(
    kind: str, subtype: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.wav").write_bytes(encoded(kind, subtype))
    assert read_sound(tmp_path / "a.wav").seconds == pytest.approx(1.0, abs=0.05)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    how = ", which is read with an extra: pip install '.[sound]', or convert it to WAV of 16 bits"
    assert refusal(tmp_path / "a.wav") == said + how


@pytest.mark.parametrize("kind", ["W64", "AU"])
def test_other_containers_need_the_extra_too(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded(kind))
    monkeypatch.setitem(sys.modules, "soundfile", None)
    said = "is a sound that is read with an extra: pip install '.[sound]', or convert it to WAV"
    assert refusal(tmp_path / "a.wav") == said


def test_a_wav_with_extended_header_needs_no_extra(both_ways: str, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAVEX", "PCM_24"))
    np.testing.assert_allclose(read_sound(tmp_path / "a.wav").samples, tone(), atol=1e-6)


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20)).save(buffer, "PNG")
    return buffer.getvalue()


def with_bad(value: float) -> Array:
    samples = tone()
    samples[RATE // 2] = value
    return samples


WRONG: dict[str, tuple[str, bytes, str]] = {
    "text": ("a.wav", b"this is no sound\n", "is not a sound that can be read; give a sound, such as a WAV file"),
    "empty": ("a.wav", b"", "is empty; give a sound"),
    "picture": ("a.png", picture(), "is a picture; `sfumato style` paints in the manner of one"),
    "picture named wav": ("a.wav", picture(), "is a picture; `sfumato style` paints in the manner of one"),
    "m4a": ("a.m4a", b"\0\0\0\x20ftypM4A more", "is a sound that is not read; convert it: ffmpeg -i "),
    "wma": ("b.WMA", b"0&\xb2u\x8ef", "is a sound that is not read; convert it: ffmpeg -i "),
    "m4a named wav": ("a.wav", b"\0\0\0\x20ftypM4A more", "is a sound that is not read; convert it: ffmpeg -i "),
    "no samples": ("a.wav", encoded("WAV", samples=tone(0)), "0.00 s of it are too short; 0.5 s at least are needed"),
    "one sample": (
        "a.wav",
        encoded("WAV", samples=tone(1 / RATE)),
        "0.00 s of it are too short; 0.5 s at least are needed",
    ),
    "short": ("a.wav", encoded("WAV", samples=tone(0.02)), "0.02 s of it are too short; 0.5 s at least are needed"),
    "silent": ("a.wav", encoded("WAV", samples=0 * tone()), "is silent; give a sound that can be heard"),
    "constant": ("a.wav", encoded("WAV", samples=0 * tone() + 0.5), "is silent; give a sound that can be heard"),
    "surround": ("a.wav", encoded("WAV", samples=tone(channels=6)), "has 6 channels; mix it down to 2"),
    "nan": ("a.wav", encoded("WAV", "FLOAT", with_bad(np.nan)), "has a sample that is no number, at 0.500 s; cut it"),
    "infinity": ("a.wav", encoded("WAV", "FLOAT", with_bad(np.inf)), "has a sample that is no number, at 0.500 s"),
    "fast": ("a.wav", encoded("WAV", rate=384_000, samples=tone(20)), "has 384000 samples a second; 192000 at most"),
    "header alone": ("a.wav", encoded("WAV")[:20], "is damaged or cut off"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_used_is_refused_in_one_line(name: str, both_ways: str, tmp_path: Path) -> None:
    file, content, said = WRONG[name]
    (tmp_path / file).write_bytes(content)
    if both_ways == "without" and name == "text":
        said = "is not a sound that can be read; other sounds than WAV need pip install '.[sound]'"
    assert refusal(tmp_path / file).startswith(said)


def test_what_is_no_file_is_refused(both_ways: str, tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.wav") == "no such file; check the path"
    assert refusal(tmp_path) == "is a folder; name a sound"
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.wav")
        assert refusal(tmp_path / "pipe.wav") == "is a device or a pipe, which is not read; name a sound"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_refused(both_ways: str, tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", RATE, tone())
    (tmp_path / "a.wav").chmod(0)
    assert "Permission denied" in refusal(tmp_path / "a.wav")


def test_a_wav_that_is_cut_off_is_taken_as_far_as_it_goes(both_ways: str, tmp_path: Path) -> None:
    whole = encoded("WAV", samples=tone(2.0))
    (tmp_path / "a.wav").write_bytes(whole[: len(whole) // 2 + 1])
    with pytest.warns(CutOffWarning, match=r"a\.wav: ends before it should, and is taken as far as it goes, 1\.00 s$"):
        sound = read_sound(tmp_path / "a.wav")
    np.testing.assert_allclose(sound.samples, tone(2.0)[: len(sound.samples)], atol=1e-4)


NOTED = [
    *[(format, end) for format in ("WAV", "RF64", "W64", "AIFF", "AU", "OGG", "MP3") for end in (0.6, 0.97)],
    *[("WAV/PCM_24", 0.6), ("AIFF/FLOAT", 0.6), ("CAF", 0.997), ("OGG/OPUS", 0.6), ("OGG", "a page")],
]


@pytest.mark.parametrize(("format", "end"), NOTED)
def test_a_file_of_any_kind_that_is_cut_off_is_noted_and_a_whole_one_is_not(
    format: str, end: float | str, tmp_path: Path
) -> None:
    hiss = tone(4.0, 24_000) + 0.1 * np.random.default_rng(0).standard_normal((96_000, 1)).astype(np.float32)
    kind, _, subtype = format.partition("/")
    whole = encoded(kind, subtype or None, samples=hiss, rate=24_000)
    path = tmp_path / "a.sound"
    path.write_bytes(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_sound(path).seconds == pytest.approx(4.0, abs=0.1)
    path.write_bytes(whole[: whole.rfind(b"OggS") if end == "a page" else round(float(end) * len(whole))])
    with pytest.warns(CutOffWarning, match=r"ends before it should, and is taken as far as it goes, \d\.\d\d s$"):
        assert 0.5 < read_sound(path).seconds < 4.0


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "OGG"])
def test_a_part_that_is_there_is_not_noted_for_what_the_file_lacks(kind: str, tmp_path: Path) -> None:
    whole = encoded(kind, samples=tone(4.0) + 0.01 * np.random.default_rng(0).random((4 * RATE, 1), np.float32))
    (tmp_path / "a.sound").write_bytes(whole[: round(0.8 * len(whole))])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_sound(tmp_path / "a.sound", seconds=1.0).seconds == 1.0


def test_a_caf_that_lacks_much_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.caf").write_bytes(encoded("CAF", samples=tone(4.0))[:100_000])
    said = "is damaged or cut off (Supported file format but file is malformed); fetch or save it again"
    assert refusal(tmp_path / "a.caf") == said


@pytest.mark.parametrize("length", [0x7FFF_F000, 0x7F00_0000, 2**32 - 1])
@pytest.mark.parametrize("kind", ["WAV", "AIFF"])
def test_a_stream_whose_length_was_not_known_is_no_file_that_is_cut_off(kind: str, length: int, tmp_path: Path) -> None:
    whole = bytearray(encoded(kind))
    whole[4:8] = length.to_bytes(4, "little" if kind == "WAV" else "big")
    (tmp_path / "a.wav").write_bytes(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_sound(tmp_path / "a.wav").seconds == 1.0


def test_a_flac_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = encoded("FLAC", samples=tone(2.0) + 0.1 * np.random.default_rng(0).random((2 * RATE, 1), np.float32))
    (tmp_path / "a.flac").write_bytes(whole[: len(whole) // 2])
    assert re.fullmatch(r"is damaged or cut off \(.*\); fetch or save it again", refusal(tmp_path / "a.flac"))


def test_an_mp3_that_is_cut_off_is_taken_and_its_decoder_is_quiet(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = encoded("MP3", samples=tone(4.0))
    (tmp_path / "a.mp3").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(CutOffWarning, match="ends before it should"):
        assert 1.0 < read_sound(tmp_path / "a.mp3").seconds < 3.0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("rate", [8000, 44_101])
def test_any_rate_and_any_level_is_read(rate: int, both_ways: str, tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", rate, 5 * tone(rate=rate))
    sound = read_sound(tmp_path / "a.wav")
    assert sound.rate == rate
    assert sound.samples.max() == pytest.approx(2.5, rel=1e-3)


@pytest.mark.parametrize(("rate", "wanted"), [(44_100, 22_050), (8000, 22_050), (22_050, 48_000), (44_101, 22_050)])
def test_another_rate_is_the_same_sound(rate: int, wanted: int, both_ways: str) -> None:
    before, after = tone(rate=rate, channels=2), tone(rate=wanted, channels=2)
    found = resampled(before, rate, wanted)
    assert found.dtype == np.float32
    assert abs(len(found) - wanted) <= 1
    within = slice(wanted // 10, -wanted // 10)
    assert np.abs(found[: len(after)][within] - after[: len(found)][within]).max() < 0.01
    assert resampled(before, rate, rate) is before
