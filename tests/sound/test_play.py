"""Playing from Python: the same samples and files as the command, whatever is handed in, stopped and gone on with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile
from threadpoolctl import threadpool_limits

import sfumato
from sfumato import FileError, InputError
from sfumato.arrays import Array
from sfumato.cli import run
from sfumato.optimizers import Momentum
from sfumato.sound.files import Sound, read_sound
from sfumato.sound.play import checkpoint_of, play
from sfumato.sound.presets import PRESETS
from sfumato.sound.result import SoundRecord

RATE = 22_050
TINY: dict[str, Any] = {"steps": 3, "engine": "numpy"}
OPTIONS = ["--steps", "3", "--quiet", "--backend", "numpy"]


@pytest.fixture
def folder(tune: Callable[..., Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to work in, with a content and two styles."""
    monkeypatch.chdir(tmp_path)
    for name, what in {
        "content": ("rising", "plucked"),
        "one": ("falling", "reed"),
        "two": ("falling", "bright"),
    }.items():
        wavfile.write(f"{name}.wav", RATE, tune(*what, 0.8))
    return tmp_path


@pytest.mark.parametrize(
    ("style", "settings", "command"),
    [
        ("one.wav", {}, "one.wav"),
        ({"one.wav": 2.0, "two.wav": 1.0}, {}, "--style one.wav:2 --style two.wav:1"),
        (["one.wav", "two.wav"], {"keep": "chroma"}, "--style one.wav --style two.wav --keep chroma"),
        ("one.wav", {"preset": "subtle", "style_weight": 3}, "one.wav --preset subtle --style-weight 3"),
        ("one.wav", {"start": "noise", "seed": 3}, "one.wav --start noise --seed 3"),
        ("one.wav", {"start": "two.wav", "seconds": 0.6}, "one.wav --start two.wav --seconds 0.6"),
        ("one.wav", {"sample_rate": "full", "bits": "24"}, "one.wav --sample-rate full --bits 24"),
    ],
)
def test_the_command_and_the_call_write_the_same_bytes(
    style: Any, settings: dict[str, Any], command: str, folder: Path
) -> None:
    assert run(["sound", "content.wav", *command.split(), *OPTIONS, "-o", "command.wav"]) == 0
    result = play("content.wav", style, out="call.wav", **{**TINY, **settings})
    assert (folder / "call.wav").read_bytes() == (folder / "command.wav").read_bytes()
    result.save("saved.wav", bits=settings.get("bits", "16"))
    assert (folder / "saved.wav").read_bytes() == (folder / "command.wav").read_bytes()
    assert not checkpoint_of(folder / "call.wav").exists()


def test_files_pairs_and_sounds_give_the_same_samples(folder: Path) -> None:
    expected = play("content.wav", ["one.wav", "two.wav"], **TINY).samples
    pair = lambda name: wavfile.read(name)[::-1]  # noqa: E731
    openers: list[Callable[[str], Any]] = [Path, pair, lambda name: read_sound(Path(name))]
    for as_given in openers:
        content, one, two = (as_given(f"{name}.wav") for name in ("content", "one", "two"))
        np.testing.assert_array_equal(play(content, [(one, 1.0), (two, 1.0)], **TINY).samples, expected)
        np.testing.assert_array_equal(play(content, [one, two], **TINY).samples, expected)


def test_whole_numbers_are_taken_for_what_they_are_in_files(folder: Path) -> None:
    rate, samples = wavfile.read("content.wav")
    numbers = np.round(samples * 32768).astype(np.int16)
    wavfile.write("numbers.wav", rate, numbers)
    soundfile.write("bytes.wav", samples, rate, subtype="PCM_U8")
    for name, given in (("numbers.wav", numbers), ("bytes.wav", wavfile.read("bytes.wav")[1])):
        expected = play(name, "one.wav", **TINY).samples
        np.testing.assert_allclose(play((given, rate), "one.wav", **TINY).samples, expected, atol=1e-6)


def test_stereo_stays_stereo_and_its_image_too(folder: Path, tune: Callable[..., Array]) -> None:
    left = tune("rising", "reed", 0.8)
    content = np.stack([left, 0.25 * left], axis=1), RATE
    result = play(content, "one.wav", **TINY)
    assert result.samples.shape == (len(left), 2)
    power = (result.samples**2).sum(axis=0)
    assert power[1] / power[0] == pytest.approx(1 / 16, rel=0.3)
    assert play(content, "one.wav", channels="mono", **TINY).samples.shape[1] == 1
    alike = play((left, RATE), "one.wav", channels="stereo", **TINY).samples
    np.testing.assert_array_equal(alike[:, 0], alike[:, 1])


@pytest.mark.parametrize("rate", [8000, 22_050, 44_101])
def test_rate_length_and_level_are_the_contents(rate: int, folder: Path, tune: Callable[..., Array]) -> None:
    content = 0.03 * tune("rising", "plucked", 0.8, rate)
    result = play((content, rate), "one.wav", **TINY)
    assert result.samples.dtype == np.float32
    assert (result.rate, result.samples.shape) == (rate, (len(content), 1))
    assert np.sqrt((result.samples**2).mean()) == pytest.approx(np.sqrt((content**2).mean()), rel=0.03)
    assert result.gain_db == 0


def test_peaks_are_made_quieter_and_never_clipped(folder: Path, tune: Callable[..., Array]) -> None:
    result = play((9 * tune("rising", "plucked", 0.8), RATE), "one.wav", **TINY)
    assert np.abs(result.samples).max() == pytest.approx(0.99, abs=1e-6)
    assert result.gain_db < -3
    assert (np.abs(result.samples) > 0.989).sum() <= 2, "a peak, and no plain"


@pytest.mark.parametrize("start", ["content", "eq", "mosaic", "noise", "two.wav"])
@pytest.mark.parametrize("computing", ["numpy", "numpy/float64"])
def test_without_the_styles_weight_the_content_comes_back(start: str, computing: str, folder: Path) -> None:
    content = read_sound(Path("content.wav"))
    result = play("content.wav", "one.wav", style_weight=0, start=start, engine=computing, seconds=0.8)
    np.testing.assert_allclose(result.samples, content.samples, atol=1e-4)
    assert result.warnings == ()


def test_silence_stays_silent(folder: Path, tune: Callable[..., Array]) -> None:
    content = np.concatenate([tune("rising", "plucked", 0.8), np.zeros(2 * RATE, np.float32)])
    samples = play((content, RATE), "one.wav", engine="numpy", steps=20).samples[:, 0]
    silent = samples[round(1.3 * RATE) : round(2.3 * RATE)]
    assert 20 * np.log10(np.sqrt((silent**2).mean()) + 1e-12) < -50


def test_a_texture_is_of_the_style_alone_and_as_long_as_asked(folder: Path) -> None:
    result = play(None, "two.wav", preset="texture", seconds=1.2, **{**TINY, "steps": 40})
    assert result.samples.shape == (round(1.2 * RATE), 1)
    assert set(result.terms) == {"style", "rhythm"}
    assert result.history[0] > 2 * result.loss
    assert result.content is None
    other = play(None, "two.wav", preset="texture", seconds=1.2, seed=1, **TINY)
    assert (other.samples != play(None, "two.wav", preset="texture", seconds=1.2, **TINY).samples).any()


@pytest.mark.parametrize("start", ["content", "eq", "mosaic"])
def test_a_style_of_hardly_any_weight_hardly_counts(start: str, folder: Path) -> None:
    alone = [play("content.wav", name, start=start, **TINY).samples for name in ("one.wav", "two.wav")]
    for share, near, far in ((1e6, *alone), (1e-6, *alone[::-1])):
        styles: Any = {"one.wav": share, "two.wav": 1.0}
        found = play("content.wav", styles, start=start, **TINY).samples
        assert np.abs(found - near).max() < 0.02 * np.abs(found - far).max()
    both = play("content.wav", ["one.wav", "two.wav"], start=start, **TINY).samples
    assert all(np.abs(both - other).max() > 0.01 for other in alone)


def test_every_preset_works(folder: Path) -> None:
    for name in PRESETS:
        content = None if name == "texture" else "content.wav"
        result = play(content, "one.wav", preset=name, seconds=0.7, **TINY)
        assert (result.steps, result.stopped) == (3, "finished")


@pytest.mark.parametrize("stops", [(1,), (2, 3, 5)])
@pytest.mark.parametrize("settings", [{}, {"start": "noise"}, {"optimizer": "adam"}], ids=str)
def test_stopped_and_gone_on_with_it_is_the_sound_of_an_unbroken_run(
    stops: tuple[int, ...], settings: dict[str, Any], folder: Path
) -> None:
    how: dict[str, Any] = {"steps": 6, "engine": "numpy", **settings}
    whole = play("content.wav", "one.wav", out="whole.wav", **how)
    for number, stop in enumerate(stops):
        stopping: Any = {"callback": lambda record, at=stop: record.step == at, "resume": number > 0}
        result = play("content.wav", "one.wav", out="out.wav", **stopping, **how)
        assert (result.stopped, result.steps) == ("interrupted", stop)
        assert read_sound(folder / "out.wav").seconds == pytest.approx(0.8, abs=0.01), "the sound so far"
    result = play("content.wav", "one.wav", out="out.wav", resume=True, **how)
    np.testing.assert_array_equal(result.samples, whole.samples)
    assert (folder / "out.wav").read_bytes() == (folder / "whole.wav").read_bytes()
    assert (result.history, result.terms) == (whole.history, whole.terms)
    assert not checkpoint_of(folder / "out.wav").exists()


def test_the_bytes_are_the_same_for_any_number_of_threads(folder: Path) -> None:
    seen = set()
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"):
            seen.add(play("content.wav", "one.wav", **TINY).samples.tobytes())
    assert len(seen) == 1


def test_torch_gives_the_same_sound_to_rounding(folder: Path) -> None:
    ours, theirs = (
        play("content.wav", "one.wav", **{**TINY, "engine": engine})
        for engine in ("numpy/float64", "torch:cpu/float64")
    )
    np.testing.assert_allclose(theirs.samples, ours.samples, atol=1e-5)
    assert theirs.terms == pytest.approx(ours.terms, rel=1e-6)
    single = play("content.wav", "one.wav", **{**TINY, "engine": "torch:cpu"})
    assert single.loss == pytest.approx(ours.loss, rel=0.02)


def test_an_optimizer_is_a_name_or_an_object(folder: Path) -> None:
    named, own = (play("content.wav", "one.wav", optimizer=kind, **TINY) for kind in ("momentum", Momentum()))
    np.testing.assert_array_equal(own.samples, named.samples)
    assert "Momentum" in own.settings["optimizer"]


@pytest.mark.parametrize(
    ("content", "settings", "said"),
    [
        ("content.wav", {"memory": "100MB"}, "1 s of sound take "),
        ("long.flac", {"memory": "500MB"}, r"120 s of sound take .* are allowed; take a part of it \(seconds=\d+\)"),
        ("long.flac", {"memory": "500MB", "begin": 20}, "100 s of sound take "),
        ("long.flac", {"memory": "500MB", "seconds": 90}, "90 s of sound take "),
        ("long.flac", {"memory": "300MB", "sample_rate": "full", "seconds": 20}, "20 s of sound take "),
        (None, {"memory": "1GB", "seconds": 1e9}, "1000000000 s of sound take .* take a part of it"),
        (None, {"memory": "1GB", "seconds": 1e308}, "s of sound take "),
        (None, {"memory": "1GB", "seconds": 1e9, "sample_rate": "full"}, "1000000000 s of sound take "),
        (
            "content.wav",
            {"memory": "200MB", "style": "long.flac"},
            r"120 s of the style take .* take a part of it \(style_seconds=\d+\)",
        ),
    ],
)
def test_what_the_memory_does_not_suffice_for_is_refused_before_it_is_read(
    content: str | None, settings: dict[str, Any], said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write("long.flac", np.sin(np.arange(120 * 44_100) / 30), 44_100)
    monkeypatch.setattr("sfumato.sound.play.SoundProblem", lambda *_: pytest.fail("read"))
    with pytest.raises(InputError, match=said):
        play(content, settings.pop("style", "one.wav"), **TINY, **settings)


def test_parts_of_any_length_can_be_asked_for(folder: Path) -> None:
    whole = play("content.wav", "one.wav", **TINY).samples
    np.testing.assert_array_equal(play("content.wav", "one.wav", seconds=1e308, **TINY).samples, whole)
    with pytest.raises(InputError, match=r"content\.wav: is 0\.80 s long, and ends before 1e\+308 s"):
        play("content.wav", "one.wav", begin=1e308, **TINY)


def test_every_file_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(path: Path, **how: Any) -> Sound:
        seen.append(path.name)
        return read_sound(path, **how)

    monkeypatch.setattr("sfumato.sound.problem.read_sound", counted)
    play("content.wav", "one.wav", start="two.wav", **TINY)
    assert sorted(seen) == ["content.wav", "one.wav", "two.wav"]


def test_records_tell_of_every_step_and_the_result_of_itself(folder: Path) -> None:
    seen: list[SoundRecord] = []
    result = play("content.wav", "one.wav", callback=seen.append, **TINY)
    assert [(record.step, record.steps, record.done) for record in seen] == [(1, 3, 1 / 3), (2, 3, 2 / 3), (3, 3, 1.0)]
    assert tuple(record.loss for record in seen) == result.history
    assert all(sum(record.terms.values()) == pytest.approx(record.loss) for record in seen)
    assert result.loss < result.history[0]
    assert repr(result).startswith("SoundResult(0.80 s, 22050 samples a second, mono, finished after 3 steps, loss ")
    html = result._repr_html_()
    assert html.count("<audio") == html.count("<img") == 2
    assert "the content" in html and "the result" in html


def test_a_result_replaces_nothing_unasked_and_never_an_input(folder: Path) -> None:
    before = (folder / "content.wav").read_bytes()
    result = play("content.wav", "one.wav", start="two.wav", seconds=0.6, **TINY)
    result.save("out.flac", bits="24")
    with pytest.raises(InputError, match=r"out\.flac: exists already; add overwrite=True"):
        result.save("out.flac")
    result.save("out.flac", overwrite=True)
    for name in ("content.wav", "one.wav", "two.wav"):
        with pytest.raises(InputError, match=f"{name}: is an input of this command"):
            result.save(name, overwrite=True)
    assert (folder / "content.wav").read_bytes() == before


SOUND = (np.sin(np.arange(RATE) / 30), RATE)


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("none.wav", "one.wav"), {}, "none.wav: no such file; check the path"),
        (("content.wav", None), {}, "a style is a file, or a pair of samples and their rate, not NoneType"),
        (("content.wav", []), {}, "no style is given"),
        (("content.wav", {"one.wav": -1}), {}, "the weight of a style must be a positive number, not -1"),
        ((3, "one.wav"), {}, "a sound is a file, or a pair of samples and their rate, not int"),
        (((np.zeros((2, 2, 2)), RATE), "one.wav"), {}, "samples are numbers, (samples,) or (samples, channels)"),
        (((np.array(["a"]), RATE), "one.wav"), {}, "samples are numbers"),
        (((SOUND[0], 0), "one.wav"), {}, "the rate of a sound must be a whole number from 1, not 0"),
        (((SOUND[0], "fast"), "one.wav"), {}, "the rate of a sound must be a whole number"),
        (((SOUND[0][:5], RATE), "one.wav"), {}, "the sound: 0.00 s of it are too short; 0.5 s at least are needed"),
        (((0 * SOUND[0], RATE), "one.wav"), {}, "the sound: is silent"),
        (((SOUND[0], RATE), (SOUND[0] * np.nan, RATE)), {}, "the sound: has a sample that is no number, at 0.000 s"),
        ((SOUND, "one.wav"), {"begin": 5}, "the sound: is 1.00 s long, and ends before 5 s"),
        ((None, "one.wav"), {}, "without content the length of the result is not known: give seconds=..."),
        ((None, "one.wav"), {"seconds": 0.1}, "a sound has 0.5 s at least, not 0.1"),
        (("content.wav", "one.wav"), {"start": "none.wav"}, "none.wav: no such file"),
        ((SOUND, "one.wav"), {"start": "one.wav"}, "the sound to start from is 0.80 s long, and the content 1.00 s"),
        (("content.wav", "sound:tablah"), {}, "no built-in sound is called 'tablah': did you mean sound:tabla?"),
        (("content.wav", "one.wav"), {"memory": "2 gigs"}, "memory=... takes a number of bytes such as 2GB"),
        (("content.wav", "one.wav"), {"memory": "100MB"}, "1 s of sound take "),
        (("content.wav", "one.wav"), {"optimizer": 3}, "an optimizer is a name"),
        (("content.wav", "one.wav"), {"callback": 3}, "callback=... takes a function"),
        (("content.wav", "one.wav"), {"overwrite": True}, "overwrite=True needs out="),
        (("content.wav", "one.wav"), {"resume": True}, "resume=True needs out="),
        (
            ("content.wav", "one.wav"),
            {"sample_rate": 100},
            "the sample rate must be a whole number from 4000 to 192000",
        ),
        (("content.wav", "one.wav"), {"keep": "timbre"}, "timbre"),
        (("content.wav", "one.wav"), {"channels": "surround"}, "surround"),
        (("content.wav", "one.wav"), {"style_weight": 0, "content_weight": 0}, "there is nothing to play"),
        (("content.wav", "one.wav"), {"preset": "sublte"}, "did you mean subtle"),
        (("content.wav", "one.wav"), {"out": "o.wav", "resume": True}, "the sound was not begun"),
        (("content.wav", "one.wav"), {"out": "o.wav", "resume": True, "overwrite": True}, "contradict each other"),
        (("content.wav", "one.wav"), {"out": "one.wav", "overwrite": True}, "is an input of this command"),
        (("content.wav", "one.wav"), {"out": "o.wav", "bits": "12"}, "no number of bits is called '12'"),
        (("content.wav", "one.wav"), {"out": "o.jpg"}, "`sfumato style` paints pictures"),
        (("content.wav", "one.wav"), {"engine": "jax"}, "no backend is called 'jax'"),
        (("content.wav", "one.wav"), {"engine": "torch:cpu/bfloat16"}, "bfloat16"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: tuple[Any, Any], settings: dict[str, Any], said: str, folder: Path
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises((InputError, FileError)) as caught:
        play(*arguments, **{"steps": 1, **settings})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_setting_that_there_is_not_names_the_nearest(folder: Path) -> None:
    settings: Any = {"stile_weight": 3}
    with pytest.raises(TypeError, match="unexpected keyword argument 'stile_weight'; did you mean 'style_weight'"):
        sfumato.play("content.wav", "one.wav", **settings)


def test_a_sound_is_a_pair(folder: Path) -> None:
    sound = Sound(SOUND[0][:, None].astype(np.float32), RATE)
    np.testing.assert_array_equal(play(sound, "one.wav", **TINY).samples, play(SOUND, "one.wav", **TINY).samples)


@pytest.mark.parametrize("offset", [0.02, 0.5, -3.0])
def test_an_offset_that_cannot_be_heard_does_not_count(offset: float, folder: Path, tune: Callable[..., Array]) -> None:
    content, style, start = (
        0.1 * tune("rising", "plucked", 0.8),
        tune("falling", "reed", 0.8),
        read_sound(Path("two.wav")),
    )
    expected = play((content, RATE), (style, RATE), **TINY)
    found = play((content + offset, RATE), (style + offset, RATE), **TINY)
    np.testing.assert_allclose(found.samples, expected.samples, atol=1e-4)
    assert abs(found.samples.mean()) < 1e-3
    from_start = [play((content, RATE), "one.wav", start=(start.samples + x, RATE), **TINY) for x in (0.0, offset)]
    np.testing.assert_allclose(from_start[1].samples, from_start[0].samples, atol=1e-4)


def test_silence_and_channels_that_cancel_are_refused_whatever_their_offset(
    folder: Path, tune: Callable[..., Array]
) -> None:
    left = tune("rising", "plucked", 0.8)
    constant: Any = np.full(RATE, 0.4, np.float32), RATE
    against: Any = np.stack([left + 0.4, 0.4 - left], axis=1), RATE
    for sounds in ((constant, "one.wav"), ("content.wav", constant)):
        with pytest.raises(FileError, match="the sound: is silent"):
            play(*sounds, **TINY)
    for sounds in ((against, "one.wav"), ("content.wav", against)):
        with pytest.raises(InputError, match="the two channels of a sound cancel each other out"):
            play(*sounds, **TINY)


@pytest.mark.parametrize("start", ["eq", "content"])
def test_a_silent_channel_stays_silent(start: str, folder: Path, tune: Callable[..., Array]) -> None:
    left = tune("rising", "plucked", 0.8)
    both = play((np.stack([left, 0.0 * left], axis=1), RATE), "one.wav", start=start, **TINY).samples
    assert np.abs(both[:, 1]).max() < 1e-4 < np.abs(both[:, 0]).max()


def test_channels_that_cancel_are_refused(folder: Path, tune: Callable[..., Array]) -> None:
    left = tune("rising", "plucked", 0.8)
    against = np.stack([left, -left], axis=1), RATE
    for sounds in ((against, "one.wav"), ("content.wav", against)):
        with pytest.raises(InputError, match="the two channels of a sound cancel each other out"):
            play(*sounds, **TINY)


def test_what_was_begun_stays_until_another_run_has_begun(folder: Path) -> None:
    play("content.wav", "one.wav", out="out.wav", callback=lambda _: True, **TINY)
    begun = checkpoint_of(folder / "out.wav").read_bytes()
    with pytest.raises(FileError, match="no such file"):
        play("none.wav", "one.wav", out="out.wav", overwrite=True, **TINY)
    assert checkpoint_of(folder / "out.wav").read_bytes() == begun


def test_the_longest_stretches_are_those_of_the_sounds(folder: Path) -> None:
    assert play("content.wav", "one.wav", style_scale=1e308, **TINY).stopped == "finished"
