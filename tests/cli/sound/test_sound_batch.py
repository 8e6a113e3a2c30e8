"""`sfumato sound` with several contents: into a folder, on from where it stopped, past what cannot be played."""

import errno
import json
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfumato.sound.files import read_sound, write_sound
from sfumato.storage import make_anew

Call = Callable[..., Any]
Refused = Callable[..., str]

TINY = ["--style", "style.wav", "--steps", "2", "--threads", "1"]


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def takes(sounds: list[str], tmp_path: Path) -> Path:
    """A folder of two sounds, with a few things that are none."""
    folder = tmp_path / "takes"
    (folder / "within").mkdir(parents=True)
    for name in ("a.WAV", "b.wav", ".hidden.wav"):
        (folder / name).write_bytes((tmp_path / "content.wav").read_bytes())
    (folder / "notes.txt").write_text("no sound", encoding="utf-8")
    return folder


def test_a_folder_is_played_into_a_folder_and_finished_ones_are_skipped(
    takes: Path, here: Call, tmp_path: Path
) -> None:
    status, out, err = here("sound", "takes", *TINY, "-o", "played")
    assert status == 0
    assert names(tmp_path / "played") == ["a.WAV", "b.wav"]
    assert [line.split(":")[0] for line in out.splitlines()[:2]] == ["played/a.WAV", "played/b.wav"]
    assert out.splitlines()[2] == "2 played, 0 skipped, 0 failed, 3 left out; written to played"
    assert "left out: 1 (hidden); 1 (.txt: not a sound that is read); 1 (a folder within)" in err.splitlines()
    assert "takes/b.wav (2 of 2), step 1/2" in err
    assert here("sound", "takes/b.wav", *TINY, "-o", "alone.wav").status == 0
    assert (tmp_path / "alone.wav").read_bytes() == (tmp_path / "played" / "b.wav").read_bytes()
    (tmp_path / "played" / "a.WAV").unlink()
    values = json.loads(here("sound", "takes", *TINY, "-o", "played", "--json").out)
    assert values["skipped"] == ["played/b.wav"]
    assert [sound["out"] for sound in values["sounds"]] == ["played/a.WAV"]
    values = json.loads(here("sound", "takes", *TINY, "-o", "played", "--json", "--overwrite").out)
    assert len(values["sounds"]) == 2


def test_what_was_begun_is_gone_on_with(
    takes: Path, here: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert here("sound", "takes", *TINY, "-o", "whole").status == 0

    def stop_in_the_second(_: object, place: str, *rest: object, **more: object) -> None:
        if place.startswith("takes/b.wav (2 of 2), step 1/"):
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr("sfumato.cli.console.RunProgress.show", stop_in_the_second)
        status, out, err = here("sound", "takes", *TINY, "-o", "played", "--json")
    assert status == 130
    assert err.splitlines()[-1] == "interrupted; the same command goes on"
    assert [sound["stopped"] for sound in json.loads(out)["sounds"]] == ["finished", "interrupted"]
    assert here("sound", "takes", *TINY, "-o", "played").status == 0
    for name in ("a.WAV", "b.wav"):
        assert (tmp_path / "played" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_cannot_be_played_does_not_keep_the_others_from_it(takes: Path, here: Call, tmp_path: Path) -> None:
    (takes / "a.WAV").write_text("no sound", encoding="utf-8")
    status, out, err = here("sound", "takes", *TINY, "-o", "played", "--json", "--quiet")
    values = json.loads(out)
    assert status == 2
    assert [failure["content"] for failure in values["failed"]] == ["takes/a.WAV"]
    assert err == "sfumato: takes/a.WAV: is not a sound that can be read; give a sound, such as a WAV file\n"
    assert names(tmp_path / "played") == ["b.wav"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--style none.wav", "none.wav: no such file; check the path"),
        ("--style notes.wav", "notes.wav: is not a sound that can be read; give a sound, such as a WAV file"),
        ("--style style.wav --style-begin 5", "style.wav: is 0.70 s long, and ends before 5 s"),
        ("--style style.wav --start notes.wav", "notes.wav: is not a sound that can be read"),
        ("--style style.wav --optimizer lbgfs", "no optimizer is called 'lbgfs'"),
    ],
)
def test_what_concerns_all_is_said_once_and_before_anything(
    options: str, said: str, takes: Path, refused: Refused, tmp_path: Path
) -> None:
    (tmp_path / "notes.wav").write_text("no sound", encoding="utf-8")
    assert refused("sound", "takes", *shlex.split(options), "-o", "played", "--quiet").startswith(said)


def test_a_style_that_is_cut_off_is_noted_once_and_told_with_each(takes: Path, here: Call, tmp_path: Path) -> None:
    (tmp_path / "style.wav").write_bytes((tmp_path / "style.wav").read_bytes()[:-2000])
    done = here("sound", "takes", *TINY, "-o", "played", "--json")
    said = "style.wav: ends before it should, and is taken as far as it goes, 0.68 s"
    assert done.err.splitlines().count(said) == 1
    assert [sound["warnings"] for sound in json.loads(done.out)["sounds"]] == [[said], [said]]


def test_a_format_without_the_bits_fails_before_it_is_played(takes: Path, here: Call, tmp_path: Path) -> None:
    write_sound(takes / "a.flac", read_sound(takes / "b.wav"))
    done = here("sound", "takes", *TINY, "-o", "played", "--bits", "float", "--quiet", "--json")
    assert done.status == 2
    assert done.err == "sfumato: takes/a.flac: played/a.flac: .flac has 16 or 24 bits, not float\n"
    assert len(json.loads(done.out)["sounds"]) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_it_with_what_was_played_before(
    number: int, takes: Path, here: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (takes / "c.wav").write_bytes((takes / "b.wav").read_bytes())

    def full_after_the_first(path: Path) -> None:
        if "a.WAV" not in path.name:
            raise OSError(number, "no room")
        make_anew(path)

    monkeypatch.setattr("sfumato.storage.make_anew", full_after_the_first)
    status, out, err = here("sound", "takes", *TINY, "-o", "played", "--json")
    values = json.loads(out)
    assert status == 2
    assert [sound["out"] for sound in values["sounds"]] == ["played/a.WAV"]
    assert [failure["content"] for failure in values["failed"]] == ["takes/b.wav"], "the third is not tried"
    said = "the disk is full, so no other was tried; the same command goes on once there is room"
    assert err.splitlines()[-2] == said
    assert names(tmp_path / "played") == ["a.WAV"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("takes", "several contents, or a folder of them, need --out"),
        ("takes -o out.wav", "out.wav: is the name of a sound; the results of several contents need a folder"),
        ("takes -o takes", "takes: is the folder of the contents; name another for the results"),
        ("takes -o ''", "--out names no folder: give it one"),
        ("takes -o style.wav", "style.wav: is a file; the results of several contents need a folder"),
        ("takes content.wav takes/b.wav other/b.wav -o played", "both would become played/b.wav"),
        ("takes -o none/played", "there is no folder none"),
        ("empty -o played", "empty: there is no sound in this folder"),
        ("content.wav -o .", "content.wav: is one of the sounds to read; name another folder for the results"),
    ],
)
def test_what_cannot_be_a_batch(arguments: str, said: str, takes: Path, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.wav").write_bytes((tmp_path / "content.wav").read_bytes())
    assert said in refused("sound", *shlex.split(arguments), *TINY, "--quiet")
