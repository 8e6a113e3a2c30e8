"""A sound that was killed or interrupted goes on to the bytes of an undisturbed one, under the same settings alone."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy.io import wavfile

Call = Callable[..., Any]
Refused = Callable[..., str]

CHECKPOINT = ".out.wav.checkpoint"
LONG = ["--steps", "150", "--seconds", "0.7", "--optimizer", "adam", "--learning-rate", "0.0001", "--threads", "1"]
"""Long enough to be stopped in its middle: a second or more, with a checkpoint every half."""


@pytest.mark.parametrize("options", [[], pytest.param(["--start", "noise"], marks=pytest.mark.slow)])
def test_a_killed_run_resumes_to_the_same_bytes(
    options: list[str], sounds: list[str], start: Call, here: Call, tmp_path: Path
) -> None:
    arguments = ["sound", *sounds, *LONG, *options, "--quiet"]
    process = start(*arguments, "-o", "out.wav")
    process.until((tmp_path / CHECKPOINT).exists)
    if hasattr(signal, "SIGSTOP"):  # so that it cannot finish meanwhile
        process.send_signal(signal.SIGSTOP)
    status, answer, said = here(*arguments, "-o", "out.wav", "--resume")
    assert (status, answer) == (2, "")
    assert f": another run (process {process.pid}) is writing there; wait until it has ended" in said
    process.kill()
    process.wait()
    assert not (tmp_path / "out.wav").exists(), "killed in the middle"
    assert here(*arguments, "-o", "out.wav", "--resume").status == 0
    assert here(*arguments, "-o", "whole.wav").status == 0
    assert (tmp_path / "out.wav").read_bytes() == (tmp_path / "whole.wav").read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")], "nothing unfinished is left"


def interrupt(*_: object, **__: object) -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def begun(sounds: list[str], here: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The command of a sound that was interrupted at once."""
    arguments = ["sound", *sounds, "--steps", "3", "--threads", "1", "-o", "out.wav"]
    with monkeypatch.context() as patched:
        patched.setattr("sfumato.cli.console.RunProgress.show", interrupt)
        assert here(*arguments).status == 130
    assert (tmp_path / CHECKPOINT).exists()
    return arguments


def test_a_sound_that_was_begun_is_not_begun_anew_unasked(
    begun: list[str], refused: Refused, here: Call, tmp_path: Path
) -> None:
    assert "out.wav: exists already; add --overwrite" in refused(*begun)
    (tmp_path / "out.wav").unlink()
    assert "out.wav: was begun and not finished; add --resume to go on, or --overwrite to begin anew" in refused(*begun)
    assert here(*begun, "--overwrite", "--seed", "1").status == 0
    assert not (tmp_path / CHECKPOINT).exists()


def test_there_is_nothing_to_resume(sounds: list[str], here: Call, refused: Refused) -> None:
    arguments = ["sound", *sounds, "--steps", "1", "-o", "out.wav"]
    said = refused(*arguments, "--resume")
    assert said == "out.wav: there is nothing to go on with: the sound was not begun; leave out --resume"
    assert here(*arguments).status == 0
    said = refused(*arguments, "--resume")
    assert said == "out.wav: there is nothing to go on with: the sound is finished; to make it anew, use --overwrite"


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        ("--seed 1", "began with seed 0, not 1"),
        ("--steps 4", "began with steps 3, not 4"),
        ("--style-weight 1", "began with style weight 5.0, not 1.0"),
        ("--rhythm-weight 1", "rhythm weight"),
        ("--keep chroma", "keep pitch, not chroma"),
        ("--optimizer adam", "optimizer lbfgs, not adam"),
        ("--start content", "start eq, not content"),
        ("--start style.wav", "start"),
        ("--sample-rate 16000", "sample rate"),
        ("--seconds 0.6", "seconds"),
        ("--channels stereo", "channels"),
        ("--style-scale 2", "style scale"),
        ("--precision float64", "precision"),
    ],
)
def test_resuming_with_other_options_is_refused_and_names_what_differs(
    options: str, differs: str, begun: list[str], refused: Refused
) -> None:
    assert differs in refused(*begun, "--resume", *options.split())


def test_resuming_with_other_sounds_is_refused(begun: list[str], refused: Refused, tmp_path: Path) -> None:
    rate, samples = wavfile.read(tmp_path / "style.wav")
    wavfile.write(tmp_path / "style.wav", rate, samples[::-1].copy())
    assert "this run began with other sounds" in refused(*begun, "--resume")


@pytest.mark.parametrize("damage", [lambda whole: whole[:200], lambda whole: b"", lambda whole: b"{}" + whole])
def test_a_damaged_checkpoint_is_refused(
    damage: Callable[[bytes], bytes], begun: list[str], refused: Refused, tmp_path: Path
) -> None:
    checkpoint = tmp_path / CHECKPOINT
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    assert f"{CHECKPOINT}: not a whole safetensors file" in refused(*begun, "--resume")
