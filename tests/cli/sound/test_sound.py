"""`sfumato sound` as its users meet it: what it says, writes and estimates."""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from sfumato.sound.files import Sound, read_sound, write_sound

Call = Callable[..., Any]

TINY = ["--steps", "2"]
RATE = 22_050


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_sound_in_the_manner_of_another(sounds: list[str], sfumato: Call, tmp_path: Path) -> None:
    status, out, err = sfumato("sound", *sounds, *TINY, "-o", "out.wav")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("0.70 s of mono at 22050 samples a second, 2 steps in ")
    assert lines[1].startswith("loss ")
    assert "content " in lines[1] and "style " in lines[1]
    assert lines[-1] == "written to out.wav"
    assert "step 2/2: loss " in err
    assert read_sound(tmp_path / "out.wav").samples.shape == (15_434, 1)
    assert names(tmp_path) == ["content.wav", "out.wav", "style.wav"]


def test_the_result_as_json(sounds: list[str], here: Call, tmp_path: Path) -> None:
    done = here("sound", *sounds, *TINY, "-o", "out.wav", "--json", "--quiet")
    values = json.loads(done.out)
    assert done.err == ""
    assert set(values) >= {"loss", "terms", "steps", "evaluations", "seconds", "stopped", "warnings", "settings", "out"}
    assert (values["steps"], values["stopped"], values["out"]) == (2, "finished", "out.wav")
    assert values["loss"] == pytest.approx(sum(values["terms"].values()))
    peak = float(np.abs(read_sound(tmp_path / "out.wav").samples).max())
    expected = {"rate": RATE, "channels": 1, "seconds": pytest.approx(0.7, abs=1e-3)}
    assert values["sound"] == {**expected, "peak": pytest.approx(peak, abs=1e-4), "gain_db": values["sound"]["gain_db"]}
    assert values["sound"]["gain_db"] <= 0
    assert values["settings"]["style_weight"] == 5


def test_nothing_is_written_without_out(sounds: list[str], here: Call, tmp_path: Path) -> None:
    status, out, err = here("sound", *sounds, *TINY)
    assert status == 0
    assert "written" not in out
    assert "nothing is kept of this run: add --out FILE" in err
    assert names(tmp_path) == sorted(sounds)


def test_the_bytes_are_the_same_for_any_number_of_threads(sounds: list[str], here: Call, tmp_path: Path) -> None:
    for threads in ("1", "2", "3"):
        assert here("sound", *sounds, *TINY, "--threads", threads, "-o", f"{threads}.wav").status == 0
    assert len({(tmp_path / f"{threads}.wav").read_bytes() for threads in (1, 2, 3)}) == 1


def test_another_rate_than_the_contents_is_told(sounds: list[str], here: Call, tmp_path: Path) -> None:
    wavfile.write(tmp_path / "fast.wav", 48_000, np.sin(np.arange(40_000) / 20).astype(np.float32))
    done = here("sound", "fast.wav", "style.wav", *TINY, "-o", "out.wav")
    assert "nothing sounds above 11025 Hz: see --sample-rate" in done.out
    assert read_sound(tmp_path / "out.wav").rate == 48_000
    done = here("sound", "fast.wav", "style.wav", *TINY, "--sample-rate", "full", "-o", "full.wav")
    assert done.status == 0
    assert "nothing sounds above" not in done.out


@pytest.mark.parametrize(("name", "content_rate"), [("out.opus", 44_100), ("out.opus", 22_050), ("out.mp3", 96_000)])
def test_the_rate_that_is_told_is_that_of_the_file(
    name: str, content_rate: int, sounds: list[str], here: Call, tmp_path: Path
) -> None:
    wavfile.write(tmp_path / "in.wav", content_rate, np.sin(np.arange(content_rate) / 20).astype(np.float32))
    told = json.loads(here("sound", "in.wav", "style.wav", *TINY, "-o", name, "--json").out)["sound"]["rate"]
    assert told == soundfile.info(str(tmp_path / name)).samplerate != content_rate
    said = here("sound", "in.wav", "style.wav", *TINY, "-o", name, "--overwrite").out
    assert f"1.00 s of mono at {told} samples a second" in said
    (tmp_path / "into").mkdir()
    folder = json.loads(here("sound", "in.wav", "style.wav", *TINY, "-o", "into", "--json").out)
    assert folder["sounds"][0]["sound"]["rate"] == content_rate


def test_what_a_loud_peak_costs_is_told(sounds: list[str], here: Call, tmp_path: Path) -> None:
    _, samples = wavfile.read(tmp_path / "content.wav")
    wavfile.write(tmp_path / "loud.wav", RATE, 9 * samples)
    done = here("sound", "loud.wav", "style.wav", *TINY, "-o", "out.wav")
    assert "made quieter by " in done.out
    assert np.abs(read_sound(tmp_path / "out.wav").samples).max() <= 0.9901


def test_a_texture_needs_no_content(sounds: list[str], here: Call, tmp_path: Path) -> None:
    command = ["sound", "style.wav", *TINY, "--quiet", "--json"]
    done = here(*command, "--preset", "texture", "--seconds", "1", "-o", "one.wav")
    assert set(json.loads(done.out)["terms"]) == {"style", "rhythm"}
    assert read_sound(tmp_path / "one.wav").seconds == 1
    done = here(*command, "--content-weight", "0", "--start", "noise", "--seconds", "1", "-o", "two.wav")
    assert set(json.loads(done.out)["terms"]) == {"style"}


def test_an_option_goes_before_the_presets_own(sounds: list[str], here: Call) -> None:
    command = ["sound", *sounds, "--preset", "subtle", "--steps", "2", "--quiet", "--json"]
    settings = json.loads(here(*command).out)["settings"]
    assert (settings["style_weight"], settings["steps"]) == (1.0, 2)
    assert json.loads(here(*command, "--style-weight", "10").out)["settings"]["style_weight"] == 10


def test_an_estimate_writes_nothing_and_grows_with_the_sound(sounds: list[str], here: Call, tmp_path: Path) -> None:
    values = json.loads(here("sound", *sounds, "--estimate", "--json", "--quiet").out)
    assert set(values) == {"memory_bytes", "seconds"}
    wavfile.write(tmp_path / "long.wav", RATE, np.sin(np.arange(10 * RATE) / 20).astype(np.float32))
    longer = json.loads(here("sound", "long.wav", "style.wav", "--estimate", "--json", "--quiet").out)
    assert longer["memory_bytes"] > values["memory_bytes"] > 10**8
    said = here("sound", *sounds, "--estimate").out
    assert said.startswith("about ")
    assert " of memory and " in said
    assert names(tmp_path) == ["content.wav", "long.wav", "style.wav"]


def test_the_sound_so_far_is_saved_on_the_way(
    sounds: list[str], here: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[bytes | None] = []

    def look(_: object, place: str, *rest: object, **more: object) -> None:
        seen.append((tmp_path / "out.wav").read_bytes() if (tmp_path / "out.wav").exists() else None)

    monkeypatch.setattr("sfumato.cli.console.RunProgress.show", look)
    monkeypatch.setattr("sfumato.minimize.LEAST_INTERVAL", 0.0)
    monkeypatch.setattr("sfumato.minimize.SHARE", 1e9)
    monkeypatch.setattr("sfumato.minimize.BYTES_A_SECOND", 1e18)
    assert here("sound", *sounds, "--steps", "4", "--save-every", "2", "-o", "out.wav").status == 0
    assert seen[0] is None and seen[1] is not None
    assert seen[1] == seen[2] != seen[3]


@pytest.mark.parametrize("name", ["content.wav", "content.aiff", "content.ogg"])
def test_a_file_that_is_cut_off_is_noted_and_played(name: str, sounds: list[str], here: Call, tmp_path: Path) -> None:
    write_sound(tmp_path / name, Sound(np.tile(read_sound(tmp_path / "content.wav").samples, (4, 1)), RATE))
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: round(0.7 * len(whole))])
    command = ["sound", name, "style.wav", *TINY, "-o", "out.wav", "--json"]
    status, out, err = here(*command)
    assert status == 0
    (warned,) = json.loads(out)["warnings"]
    assert warned.startswith(f"{name}: ends before it should, and is taken as far as it goes, ")
    assert [line for line in err.splitlines() if "ends before it should" in line] == [warned]
    status, out, err = here(*command, "--overwrite", "--quiet")
    assert (status, err) == (0, "")
    assert json.loads(out)["warnings"] == [warned]


def test_an_estimate_notes_a_file_that_is_cut_off(sounds: list[str], here: Call, tmp_path: Path) -> None:
    (tmp_path / "style.wav").write_bytes((tmp_path / "style.wav").read_bytes()[:-2000])
    done = here("sound", *sounds, "--estimate")
    assert done.err == "style.wav: ends before it should, and is taken as far as it goes, 0.68 s\n"


def test_a_sound_in_its_own_manner_is_noted(sounds: list[str], here: Call) -> None:
    said = "content.wav: is content and style at once, so there is little to change"
    assert said in here("sound", "content.wav", "./content.wav", *TINY).err.splitlines()
    assert said not in here("sound", *sounds, *TINY).err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("out", [["-o", "out.wav"], pytest.param([], marks=pytest.mark.slow)])
def test_ctrl_c_ends_with_a_message_the_sound_so_far_and_a_checkpoint(
    out: list[str], sounds: list[str], start: Call, here: Call, tmp_path: Path
) -> None:
    slow = ["--learning-rate", "0.000001", "--optimizer", "gd", "--steps", "100000", "--threads", "1"]
    process = start("sound", *sounds, *slow, "--verbose", *out)
    process.until(lambda: process.stderr.readline().startswith("step 3/"))
    process.send_signal(signal.SIGINT)
    answer, said = process.communicate()
    assert process.returncode == 130
    last = said.splitlines()[-1]
    assert last.startswith("interrupted after ")
    if not out:
        assert last.endswith("nothing is kept, as no --out was given")
        assert names(tmp_path) == sorted(sounds)
        return
    assert last.endswith("; add --resume to go on with out.wav")
    assert answer.splitlines()[-1] == "written to out.wav"
    assert names(tmp_path) == [".out.wav.checkpoint", "content.wav", "out.wav", "style.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of a process's files")
@pytest.mark.parametrize("name", ["out.wav", "out.flac"])
def test_a_full_disk_leaves_the_sound_before_whole(
    name: str, sounds: list[str], on_a_full_disk: Call, snapshot: Call, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"mine")
    before = snapshot(tmp_path)
    done = on_a_full_disk(2000, "sound", *sounds, "--steps", "1", "--quiet", "--overwrite", "-o", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "cannot be written (File too large)" in done.stderr
    assert snapshot(tmp_path) == before
