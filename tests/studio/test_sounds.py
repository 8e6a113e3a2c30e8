"""The view Sound over HTTP: sounds that equal the command line's, stopped and gone on with, and bad files."""

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile
from tests.studio.running import Studio

from sfumato.sound.settings import SoundSettings
from sfumato.studio.sound_options import SOUND_OPTIONS

RATE = 8000
LONG: dict[str, Any] = {"steps": 5000, "optimizer": "adam", "learning_rate": 1e-4}
"""Settings that take longer than any test waits: the loss falls in small steps, and for long."""


@pytest.fixture
def sounds(tmp_path: Path) -> tuple[Path, Path]:
    """A tune of sines and a rattle, a second each, as files of the test's folder."""
    time = np.arange(RATE) / RATE
    tune = 0.4 * np.sin(2 * np.pi * np.where(time < 0.5, 440, 660) * time) * np.exp(-3 * (time % 0.5))
    rattle = 0.3 * np.random.default_rng(0).standard_normal(RATE) * (time % 0.125 < 0.05)
    for name, samples in (("tune.wav", tune), ("rattle.wav", rattle)):
        wavfile.write(tmp_path / name, RATE, (32767 * np.clip(samples, -1, 1)).astype(np.int16))
    return tmp_path / "tune.wav", tmp_path / "rattle.wav"


@pytest.fixture(autouse=True)
def empty(served: Studio) -> Iterator[None]:
    """Each test ends without sounds that are played."""
    yield
    for told in served.http.get("/api/playings").json()["playings"]:
        served.http.post(f"/api/playings/{told['id']}/stop")
        played(served, told["id"])
        served.http.post(f"/api/playings/{told['id']}/remove")


def give(studio: Studio, path: Path) -> str:
    """Hand in a sound; returns its id."""
    answer = studio.http.put("/api/sounds", params={"name": path.name}, content=path.read_bytes())
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def wanted(studio: Studio, content: Path | None, style: Path, **settings: Any) -> dict[str, Any]:
    """What the page asks for."""
    ids = {given: give(studio, given) for given in (content, style) if given is not None}
    names = {id: path.name for path, id in ids.items()}
    return {"content": ids[content] if content else None, "style": ids[style], "settings": settings, "names": names}


def start(studio: Studio, content: Path | None, style: Path, **settings: Any) -> str:
    """Put a job in the queue; returns its name."""
    answer = studio.http.post("/api/playings", json=wanted(studio, content, style, **settings))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def moves(job: dict[str, Any]) -> bool:
    """Whether a job has taken some steps."""
    return job["state"] == "playing" and len(job["losses"]) > 3


def played(studio: Studio, name: str) -> dict[str, Any]:
    """Wait until a job is over, and return it."""
    return studio.until(name, lambda job: job["state"] not in ("waiting", "playing"), place="playings")


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 3},
        {"steps": 3, "keep": "chroma", "start": "mosaic", "seed": 5, "begin": 0.25, "sample_rate": "full"},
        {"steps": 3, "content_weight": 0, "loudness_weight": 0, "start": "noise", "seconds": 0.75},
    ],
    ids=["plain", "other", "texture"],
)
def test_the_studio_plays_what_the_command_plays(
    settings: dict[str, Any], sounds: tuple[Path, Path], studio: Studio
) -> None:
    content = None if "content_weight" in settings else sounds[0]
    name = start(studio, content, sounds[1], **settings)
    job = played(studio, name)
    assert job["state"] == "finished", job
    words = shlex.split(job["command"])
    assert words[:2] == ["sfumato", "sound"]
    program = [sys.executable, "-c", "from sfumato.cli import main; main()"]
    subprocess.run([*program, *words[1:], "--quiet"], cwd=sounds[0].parent, check=True, env=os.environ)
    answer = studio.http.get(f"/api/playings/{name}/file")
    assert answer.content == (sounds[0].parent / words[-1]).read_bytes()
    assert len(job["losses"]) == job["steps"]


@pytest.mark.slow
def test_a_sound_that_is_stopped_or_killed_goes_on_to_the_same_bytes(
    sounds: tuple[Path, Path], start_studio: Callable[..., Studio]
) -> None:
    studio = start_studio()
    settings: dict[str, Any] = {"steps": 100, "optimizer": "adam"}
    whole = start(studio, *sounds, **settings)
    assert played(studio, whole)["state"] == "finished"

    name = start(studio, *sounds, **settings)
    studio.until(name, moves, place="playings")
    studio.http.post(f"/api/playings/{name}/stop")
    stopped = played(studio, name)
    assert stopped["state"] == "stopped"
    assert 0 < stopped["steps"] < 100
    assert studio.http.get(f"/api/playings/{name}/sounds/after").status_code == 200
    studio.http.post(f"/api/playings/{name}/resume")
    studio.until(name, moves, place="playings")
    studio.close()  # as Ctrl-C does

    again = start_studio()
    assert again.http.get("/api/playings").json()["left"] == [name]
    again.http.post(f"/api/playings/{name}/resume")
    assert played(again, name)["state"] == "finished"
    one, other = (again.http.get(f"/api/playings/{job}/file").content for job in (whole, name))
    assert one == other


def test_the_sounds_of_a_job_are_heard_and_seen_as_far_as_they_are_used(
    sounds: tuple[Path, Path], studio: Studio
) -> None:
    name = start(studio, *sounds, steps=2, begin=0.25, style_seconds=0.6)
    played(studio, name)
    for which, seconds in (("before", 0.75), ("manner", 0.6), ("after", 0.75)):
        answer = studio.http.get(f"/api/playings/{name}/sounds/{which}")
        rate, samples = wavfile.read(io.BytesIO(answer.content))
        assert (answer.headers["Content-Type"], len(samples)) == ("audio/wav", round(seconds * rate))
        picture = studio.http.get(f"/api/playings/{name}/spectrograms/{which}").content
        assert Image.open(io.BytesIO(picture)).size == (round(seconds * rate) // 512 + 1, 128)
    assert studio.http.get(f"/api/playings/{name}/sounds/other").status_code == 404


def test_a_spectrogram_shows_a_high_note_above_a_low_one(tmp_path: Path, studio: Studio) -> None:
    time = np.arange(RATE) / RATE
    samples = 0.5 * np.sin(2 * np.pi * np.where(time < 0.5, 300, 3000) * time)
    wavfile.write(tmp_path / "rising.wav", RATE, (32767 * samples).astype(np.int16))
    name = start(studio, tmp_path / "rising.wav", tmp_path / "rising.wav", steps=1)
    played(studio, name)
    png = studio.http.get(f"/api/playings/{name}/spectrograms/before").content
    light = np.asarray(Image.open(io.BytesIO(png)).convert("L")).astype(int)
    first, last = (light[:, column].argmax() for column in (3, -4))
    assert first > 100 > 40 > last  # rows are counted from above


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.wav", b"a text", "notes.wav: is not a sound that can be read; give a sound, such as a WAV file"),
        ("empty.wav", b"", "empty.wav: is empty; give a sound"),
        ("cat.wav", b"\x89PNG\r\n\x1a\n", "cat.wav: is a picture; `sfumato style` paints in the manner of one"),
        (
            "song.m4a",
            b"\0\0\0 ftypM4A ",
            "song.m4a: is a sound that is not read; convert it: ffmpeg -i song.m4a song-converted.wav",
        ),
    ],
    ids=["text", "empty", "picture", "m4a"],
)
def test_what_is_no_sound_is_refused_in_a_line_and_not_kept(
    name: str, content: bytes, said: str, studio: Studio
) -> None:
    before = sorted((studio.folder / "sounds").iterdir())
    answer = studio.http.put(f"/api/sounds?name={name}", content=content)
    assert (answer.status_code, answer.json()) == (400, {"error": said})
    assert sorted((studio.folder / "sounds").iterdir()) == before


def test_sounds_that_are_silent_or_cut_off_are_told_of(sounds: tuple[Path, Path], studio: Studio) -> None:
    wavfile.write(sounds[0].with_name("silent.wav"), RATE, np.zeros(RATE, np.int16))
    silent = studio.http.put("/api/sounds?name=silent.wav", content=sounds[0].with_name("silent.wav").read_bytes())
    assert silent.json()["error"] == "silent.wav: is silent; give a sound that can be heard"
    cut = studio.http.put("/api/sounds?name=cut.wav", content=sounds[0].read_bytes()[:12_044])
    assert cut.json()["note"] == "cut.wav: ends before it should, and is taken as far as it goes, 0.75 s"


@pytest.mark.parametrize(
    ("settings", "field", "said"),
    [
        ({"begin": 0.8}, "begin", "tune.wav: 0.20 s of it are too short; 0.5 s at least are needed"),
        ({"style_seconds": 0.1}, "style_seconds", "rattle.wav: 0.10 s of it are too short; 0.5 s at least are needed"),
        ({"keep": "words"}, "keep", "Keep is one of pitch, spectrum, chroma; not 'words'"),
        ({"steps": 0}, "steps", "the number of steps must be a whole number from 1 to 1000000, not 0"),
        ({"sample_rate": "half"}, "sample_rate", None),
        ({"memory": "130MB", "sample_rate": 192_000}, "memory", None),
        ({"pitch": 3}, None, None),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_what_cannot_be_played_is_refused_at_its_field_and_no_job_is_begun(
    settings: dict[str, Any], field: str | None, said: str | None, sounds: tuple[Path, Path], studio: Studio
) -> None:
    asked = wanted(studio, *sounds, **settings)
    for address in ("/api/playings/outlook", "/api/playings"):
        answer = studio.http.post(address, json=asked)
        assert (answer.status_code, answer.json().get("field")) == (400, field), answer.text
        assert said is None or answer.json()["error"] == said
        assert "\n" not in answer.json()["error"]
    assert studio.http.get("/api/playings").json()["playings"] == []


def test_a_texture_needs_its_length_and_a_content_its_weight(sounds: tuple[Path, Path], studio: Studio) -> None:
    texture = studio.http.post("/api/playings/outlook", json=wanted(studio, None, sounds[1], content_weight=0))
    assert texture.json()["field"] == "seconds"
    without = studio.http.post("/api/playings/outlook", json=wanted(studio, None, sounds[1]))
    assert without.json()["error"] == "choose a sound to play; without one, Content weight must be 0"


def test_sounds_and_pictures_take_turns(sounds: tuple[Path, Path], pictures: tuple[Path, Path], studio: Studio) -> None:
    name = start(studio, *sounds, **LONG)
    studio.until(name, lambda job: job["state"] == "playing", place="playings")
    content, style = map(studio.give, pictures)
    painting = studio.paint(content, style, size=64, steps=2, scales=1)
    assert studio.job(painting)["state"] == "waiting"
    studio.http.post(f"/api/playings/{name}/stop")
    assert studio.painted(painting)["state"] == "finished"
    assert studio.job(name, "playings")["state"] == "stopped"


def test_the_form_has_every_setting_of_sounds(studio: Studio) -> None:
    told = studio.http.get("/api/sounds/options").json()
    names = {own["name"] for own in told["settings"]}
    assert names == SoundSettings.__dataclass_fields__.keys() - {"engine"}
    for own in SOUND_OPTIONS.values():
        assert own.default == getattr(SoundSettings(), own.name)
        assert own.help == SoundSettings.__dataclass_fields__[own.name].metadata["help"]
    assert [preset["name"] for preset in told["presets"]] == ["timbre", "subtle", "texture"]
